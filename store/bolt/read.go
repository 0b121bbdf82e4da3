package bolt

import (
	"context"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// place is where a record is and how long its data.
type place struct {
	pos  store.Pos
	size int
}

// Read implements store.Log. The index gives the positions; only the records
// asked for are read from disk. Where the spans match so many topics that the
// records asked for lie close together, the log itself is read instead. A record
// that is trimmed meanwhile is left out.
func (j *journal) Read(ctx context.Context, spans []store.Span, upTo store.Pos, limit int) ([]store.Entry, error) {
	if err := j.usable(ctx); err != nil || limit <= 0 {
		return nil, err
	}
	upTo = min(upTo, j.lastPos())
	found := j.index.find(spans, upTo, limit)
	if found.scan == 0 {
		return j.fetch(ctx, found.places)
	}
	entries, at, err := j.sweep(ctx, spans, found.from, min(upTo, found.from+found.scan), limit)
	if err != nil || len(entries) == limit || at >= upTo {
		return entries, err
	}
	// They lie further apart than expected: the index finds the others.
	rest := j.index.places(later(spans, at), upTo, limit-len(entries))
	more, err := j.fetch(ctx, rest)
	if err != nil {
		return nil, err
	}
	return append(entries, more...), nil
}

// later returns the spans with what they ask for up to a position left out.
func later(spans []store.Span, at store.Pos) []store.Span {
	spans = slices.Clone(spans)
	for i := range spans {
		spans[i].After = max(spans[i].After, at)
	}
	return spans
}

// sweep reads on in the log for records that the spans ask for, and returns
// where it stopped: at the limit, or having looked at everything up to upTo.
func (j *journal) sweep(ctx context.Context, spans []store.Span, after, upTo store.Pos, limit int) ([]store.Entry, store.Pos, error) {
	var entries []store.Entry
	gens := *j.gens.Load()
	wanted := func(pos store.Pos, topic string) bool {
		return topic != "" && slices.ContainsFunc(spans, func(s store.Span) bool {
			return pos > s.After && topics.Match(s.Filter, topic)
		})
	}
	for i := find(gens, after+1); i < len(gens) && gens[i].base <= upTo; i++ {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		end := upTo
		if i+1 < len(gens) {
			end = min(end, gens[i+1].base-1)
		}
		var arena []byte
		err := gens[i].scan(after+1, end, func(pos store.Pos, r rawRecord) bool {
			after = pos
			if topic := j.index.intern(r.topic); wanted(pos, topic) {
				var data []byte
				data, arena = copyInto(arena, r.data)
				entries = append(entries, store.Entry{Pos: pos, Record: store.Record{ID: string(r.id), Kind: r.kind, Topic: topic, Data: data}})
			}
			return len(entries) < limit
		})
		if err != nil && after+1 >= j.Floor() {
			return nil, 0, err
		}
		if len(entries) == limit {
			return entries, after, nil
		}
	}
	return entries, upTo, nil
}

// copyInto copies borrowed data to the end of an arena, or to that of a new one
// when it has no room; the old one lives as long as what lies in it.
func copyInto(arena, data []byte) (copied, rest []byte) {
	if len(arena)+len(data) > cap(arena) {
		arena = make([]byte, 0, max(len(data), 64<<10))
	}
	from := len(arena)
	arena = append(arena, data...)
	return arena[from:len(arena):len(arena)], arena
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
	if len(places) == 0 {
		return nil, nil
	}
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
