package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/fitmq/fitmq/store"
)

// The tables, with their keys.
const (
	tableEvents = "webhook_events" // place in 16 hex digits: Event
	tableHooks  = "webhook_hooks"  // hook's name: progress
)

// progress is how far a hook has come, as it is stored.
type progress struct {
	Done uint64 `json:"done"` // all up to here are told or given up
}

// queue is the events that wait, in the tables. Its bound drops the oldest.
type queue struct {
	tables store.Tables
	max    int

	appending sync.Mutex // held over a write at the end of the queue; taken before mu

	mu          sync.Mutex // guards what follows
	first, last uint64     // places; none where first > last
	ids         map[string]uint64
	wake        map[chan struct{}]struct{}

	dropped atomic.Uint64
}

func placeKey(n uint64) string { return fmt.Sprintf("%016x", n) }

// openQueue finds what waits.
func openQueue(ctx context.Context, tables store.Tables, bound int) (*queue, error) {
	q := &queue{tables: tables, max: bound, first: 1, ids: make(map[string]uint64), wake: make(map[chan struct{}]struct{})}
	var bad error
	err := tables.Scan(ctx, tableEvents, "", "", func(v store.Value) bool {
		var e Event
		place, err := strconv.ParseUint(v.Key, 16, 64)
		if err == nil {
			err = json.Unmarshal(v.Data, &e)
		}
		if err != nil {
			bad = fmt.Errorf("read %s/%s: %w", tableEvents, v.Key, err)
			return false
		}
		if len(q.ids) == 0 {
			q.first = place
		}
		q.last = place
		q.ids[e.ID] = place
		return true
	})
	if err = errors.Join(err, bad); err == nil && len(q.ids) == 0 {
		err = q.resume(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open the queue of webhooks: %w", err)
	}
	return q, nil
}

// resume lets an empty queue go on behind what hooks have been told.
func (q *queue) resume(ctx context.Context) error {
	var bad error
	err := q.tables.Scan(ctx, tableHooks, "", "", func(v store.Value) bool {
		var p progress
		bad = json.Unmarshal(v.Data, &p)
		q.last = max(q.last, p.Done)
		return bad == nil
	})
	q.first = q.last + 1
	return errors.Join(err, bad)
}

// add stores events at the end, but those that are in the queue already. Of those whose
// write fails some may be stored: they are not told, and the next ones take their places.
func (q *queue) add(ctx context.Context, events []Event) error {
	q.appending.Lock()
	defer q.appending.Unlock()
	q.mu.Lock()
	place := q.last
	fresh := make(map[string]uint64, len(events))
	var puts []store.Put
	for i := range events {
		e := &events[i]
		if _, waits := q.ids[e.ID]; waits || fresh[e.ID] != 0 {
			continue
		}
		data, err := json.Marshal(e)
		if err != nil {
			q.mu.Unlock()
			return fmt.Errorf("encode event %s: %w", e.ID, err)
		}
		place++
		fresh[e.ID] = place
		puts = append(puts, store.Put{Key: placeKey(place), Data: data})
	}
	q.mu.Unlock()
	if len(puts) == 0 {
		return nil
	}
	if err := q.tables.PutMany(ctx, tableEvents, puts); err != nil {
		return fmt.Errorf("store %d events for webhooks: %w", len(puts), err)
	}
	q.mu.Lock()
	q.last = place
	for id, at := range fresh {
		q.ids[id] = at
	}
	over := int(q.last-q.first+1) - q.max
	cut := q.first + uint64(max(over, 0)) - 1
	for c := range q.wake {
		select {
		case c <- struct{}{}:
		default: // it has the sign already
		}
	}
	q.mu.Unlock()
	if over > 0 {
		q.dropped.Add(uint64(over))
		return q.trim(ctx, cut)
	}
	return nil
}

// trimChunk is how many events are deleted in one call of the store.
const trimChunk = 1000

// trim deletes the events up to that place.
func (q *queue) trim(ctx context.Context, upTo uint64) error {
	q.mu.Lock()
	first := q.first
	upTo = min(upTo, q.last)
	if upTo < first {
		q.mu.Unlock()
		return nil
	}
	q.first = upTo + 1
	for id, place := range q.ids {
		if place <= upTo {
			delete(q.ids, id)
		}
	}
	q.mu.Unlock()
	for first <= upTo {
		var puts []store.Put
		for ; first <= upTo && len(puts) < trimChunk; first++ {
			puts = append(puts, store.Put{Key: placeKey(first)})
		}
		if err := q.tables.PutMany(ctx, tableEvents, puts); err != nil {
			return fmt.Errorf("delete told events: %w", err)
		}
	}
	return nil
}

// placed is an event with its place.
type placed struct {
	Event
	place uint64
}

// read returns up to limit events behind the place. What add has not vouched for is
// left alone: where its write failed, others may take the places, and a hook that was
// past them would never be told.
func (q *queue) read(ctx context.Context, after uint64, limit int) ([]placed, error) {
	_, last := q.bounds()
	var list []placed
	var bad error
	err := q.tables.Scan(ctx, tableEvents, "", placeKey(after), func(v store.Value) bool {
		p := placed{}
		p.place, bad = strconv.ParseUint(v.Key, 16, 64)
		if bad == nil && p.place > last {
			return false
		}
		if bad == nil {
			bad = json.Unmarshal(v.Data, &p.Event)
		}
		if bad != nil {
			bad = fmt.Errorf("read %s/%s: %w", tableEvents, v.Key, bad)
			return false
		}
		list = append(list, p)
		return len(list) < limit
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read the queue of webhooks: %w", err)
	}
	return list, nil
}

// bounds are the places of the oldest and the newest event, and how many wait.
func (q *queue) bounds() (first, last uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.first, q.last
}

// listen has c told of new events; c has room for one.
func (q *queue) listen(c chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wake[c] = struct{}{}
}

// done reads how far a hook has come.
func (q *queue) done(ctx context.Context, name string) (uint64, error) {
	v, err := q.tables.Get(ctx, tableHooks, name)
	if errors.Is(err, store.ErrNotFound) {
		_, last := q.bounds()
		return last, nil // a new hook is told what happens from now on
	}
	var p progress
	if err == nil {
		err = json.Unmarshal(v.Data, &p)
	}
	if err != nil {
		return 0, fmt.Errorf("read %s/%s: %w", tableHooks, name, err)
	}
	return p.Done, nil
}

// saveDone stores how far a hook has come.
func (q *queue) saveDone(ctx context.Context, name string, done uint64) error {
	data, err := json.Marshal(progress{Done: done})
	if err == nil {
		_, err = q.tables.Put(ctx, tableHooks, name, data, store.Any, 0)
	}
	if err != nil {
		return fmt.Errorf("put %s/%s: %w", tableHooks, name, err)
	}
	return nil
}
