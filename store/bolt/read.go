package bolt

import (
	"context"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
)

// place is where a record is and how long its data.
type place struct {
	pos  store.Pos
	size int
}

// Read implements store.Log. The index gives the positions; only the records
// asked for are read from disk. A record that is trimmed meanwhile is left out.
func (j *journal) Read(ctx context.Context, spans []store.Span, upTo store.Pos, limit int) ([]store.Entry, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	places := j.index.places(spans, upTo, limit)
	if len(places) == 0 {
		return nil, nil
	}
	return j.fetch(ctx, places)
}

// ReadAt implements store.Log.
func (j *journal) ReadAt(ctx context.Context, pos store.Pos) (store.Entry, error) {
	if err := j.usable(ctx); err != nil {
		return store.Entry{}, err
	}
	if pos > j.lastPos() || pos < j.Floor() {
		return store.Entry{}, fmt.Errorf("read position %d: %w", pos, store.ErrNotFound)
	}
	entries, err := j.fetch(ctx, []place{{pos: pos}})
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("read position %d: %w", pos, store.ErrNotFound) // trimmed meanwhile
	}
	if err != nil {
		return store.Entry{}, err
	}
	return entries[0], nil
}

// Count implements store.Log.
func (j *journal) Count(ctx context.Context, spans []store.Span, upTo store.Pos) (int, int64, error) {
	if err := j.usable(ctx); err != nil {
		return 0, 0, err
	}
	n, bytes := j.index.count(spans, 0, upTo)
	return n, bytes, nil
}

// Skip implements store.Log. Without anything to skip it returns the lowest
// After of the spans.
func (j *journal) Skip(ctx context.Context, spans []store.Span, upTo store.Pos, keep int, bytes int64) (store.Pos, int, error) {
	if err := j.usable(ctx); err != nil || len(spans) == 0 {
		return 0, 0, err
	}
	lo := slices.MinFunc(spans, func(a, b store.Span) int {
		if a.After < b.After {
			return -1
		}
		return 1
	}).After
	hi := max(lo, min(upTo, j.lastPos()))
	all, size := j.index.count(spans, lo, upTo)
	if all <= keep && size <= bytes {
		return lo, 0, nil
	}
	// What is left shrinks as the start rises: halve the range. lo leaves too
	// much, hi leaves nothing.
	left := 0
	for hi-lo > 1 {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		mid := lo + (hi-lo)/2
		if n, size := j.index.count(spans, mid, upTo); n <= keep && size <= bytes {
			hi, left = mid, n
		} else {
			lo = mid
		}
	}
	return hi, all - left, nil
}

func (j *journal) usable(ctx context.Context) error {
	select {
	case <-j.ops.quit:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}

// fetch reads the records at the places, which ascend.
func (j *journal) fetch(ctx context.Context, places []place) ([]store.Entry, error) {
	total := 0
	for _, p := range places {
		total += p.size
	}
	arena := make([]byte, 0, total)
	entries := make([]store.Entry, 0, len(places))
	gens := *j.gens.Load()
	for len(places) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		i := find(gens, places[0].pos)
		n := len(places)
		if i+1 < len(gens) {
			n, _ = slices.BinarySearchFunc(places, gens[i+1].base, func(p place, base store.Pos) int {
				if p.pos < base {
					return -1
				}
				return 1
			})
		}
		err := gens[i].get(places[:n], func(pos store.Pos, r rawRecord) {
			from := len(arena)
			arena = append(arena, r.data...)
			entries = append(entries, j.entry(pos, r, arena[from:len(arena):len(arena)]))
		})
		if err != nil && places[0].pos >= j.Floor() {
			return nil, err
		}
		places = places[n:]
	}
	return entries, nil
}

// entry makes a record read from disk an Entry with the copied data.
func (j *journal) entry(pos store.Pos, r rawRecord, data []byte) store.Entry {
	return store.Entry{Pos: pos, Record: store.Record{
		ID: string(r.id), Kind: r.kind, Topic: j.index.intern(r.topic), Data: data,
	}}
}

// get calls fn with the records at the places. Its bytes are only valid during
// the call.
func (g *generation) get(places []place, fn func(store.Pos, rawRecord)) error {
	return view(g.db, func(tx *bbolt.Tx) error {
		b := tx.Bucket(logBucket)
		for _, p := range places {
			v := b.Get(posKey(p.pos))
			if v == nil {
				return damaged(g.path, fmt.Errorf("position %d is missing", p.pos))
			}
			r, err := decodeRecord(v)
			if err != nil {
				return damaged(g.path, fmt.Errorf("position %d: %w", p.pos, err))
			}
			fn(p.pos, r)
		}
		return nil
	})
}

// recordID reads the id of the record at a position; "" if it is trimmed.
func (j *journal) recordID(pos store.Pos) (id string, err error) {
	if pos < j.Floor() {
		return "", nil
	}
	gens := *j.gens.Load()
	err = gens[find(gens, pos)].get([]place{{pos: pos}}, func(_ store.Pos, r rawRecord) { id = string(r.id) })
	return id, err
}

// selected are the postings that spans ask for, each once, from the lowest
// position that any of the spans asks for.
func (x *index) selectedLocked(spans []store.Span, from store.Pos) (lists []*postings, after []store.Pos) {
	floor := max(x.floor, 1) - 1
	var seen map[*postings]int
	for _, s := range spans {
		start := max(s.After, from, floor)
		x.matchLocked(s.Filter, func(list *postings) {
			if len(spans) > 1 {
				if i, ok := seen[list]; ok {
					after[i] = min(after[i], start)
					return
				}
				if seen == nil {
					seen = make(map[*postings]int)
				}
				seen[list] = len(lists)
			}
			lists = append(lists, list)
			after = append(after, start)
		})
	}
	return lists, after
}

// count returns how many records after from and up to upTo the spans ask for,
// and their data sizes.
func (x *index) count(spans []store.Span, from, upTo store.Pos) (n int, bytes int64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lists, after := x.selectedLocked(spans, from)
	for i, list := range lists {
		if after[i] >= upTo {
			continue
		}
		n0, b0 := list.through(after[i])
		n1, b1 := list.through(upTo)
		n += int(n1 - n0)
		bytes += b1 - b0
	}
	return n, bytes
}

// places returns the first limit places that the spans ask for, in order. With
// many topics the read lock is held for about 0.2 us a topic.
func (x *index) places(spans []store.Span, upTo store.Pos, limit int) []place {
	if limit <= 0 {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	lists, after := x.selectedLocked(spans, 0)
	heads := make(cursorHeap, 0, len(lists))
	for i, list := range lists {
		if c := list.seek(after[i]); c.next() && c.pos <= upTo {
			heads = append(heads, c)
		}
	}
	heads.init()
	places := make([]place, 0, min(limit, 1024))
	for len(heads) > 0 && len(places) < limit {
		c := &heads[0]
		places = append(places, place{c.pos, int(c.size)})
		if !c.next() || c.pos > upTo {
			heads.dropFirst()
		}
		heads.sink(0)
	}
	return places
}

// cursorHeap is a binary heap of cursors: the lowest position is first.
type cursorHeap []cursor

func (h cursorHeap) init() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}

// sink restores the order below i after its position rose.
func (h cursorHeap) sink(i int) {
	for {
		low := 2*i + 1
		if low >= len(h) {
			return
		}
		if low+1 < len(h) && h[low+1].pos < h[low].pos {
			low++
		}
		if h[i].pos <= h[low].pos {
			return
		}
		h[i], h[low] = h[low], h[i]
		i = low
	}
}

func (h *cursorHeap) dropFirst() {
	last := len(*h) - 1
	(*h)[0] = (*h)[last]
	*h = (*h)[:last]
}
