package bolt

import (
	"context"
	"sync"

	"github.com/fitmq/fitmq/store"
)

// Bounds of the hand-over from the writer to the tail's readers. A reader that
// lags further behind reads from disk until it has caught up.
const (
	handoverEntries = 16384
	handoverBytes   = 8 << 20
	// diskEntries and diskBytes bound one batch read from disk, and
	// diskEntries one taken from the hand-over.
	diskEntries = 4096
	diskBytes   = 4 << 20
)

// hub hands what the writer commits to the tail's readers without a way over
// the disk. It keeps the newest batches as far as its bounds allow and a reader
// still wants them.
type hub struct {
	mu      sync.Mutex // guards everything below
	last    store.Pos  // last committed position
	batches [][]store.Entry
	entries int
	bytes   int
	readers map[*tailReader]struct{}
	wake    chan struct{} // closed when last rises or the store closes; nil if nobody waits
	closed  bool
}

// tailReader is one call of Tail. pos is guarded by the hub's lock.
type tailReader struct{ pos store.Pos }

func newHub() *hub { return &hub{readers: make(map[*tailReader]struct{})} }

// wanted reports whether anybody reads the tail.
func (h *hub) wanted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.readers) > 0
}

// publish announces committed entries, which the hub keeps if somebody reads
// the tail.
func (h *hub) publish(entries []store.Entry, last store.Pos) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = last
	if len(entries) == 0 || len(h.readers) == 0 {
		h.forgetAll() // a hole must not stay between two kept batches
	} else {
		h.batches = append(h.batches, entries)
		h.entries += len(entries)
		h.bytes += batchBytes(entries)
		for len(h.batches) > 1 && (h.entries > handoverEntries || h.bytes > handoverBytes) {
			h.forgetOldest()
		}
	}
	h.wakeAll()
}

func (h *hub) wakeAll() {
	if h.wake != nil {
		close(h.wake)
		h.wake = nil
	}
}

func (h *hub) forgetOldest() {
	h.entries -= len(h.batches[0])
	h.bytes -= batchBytes(h.batches[0])
	h.batches[0] = nil
	h.batches = h.batches[1:]
}

func (h *hub) forgetAll() {
	h.batches, h.entries, h.bytes = nil, 0, 0
}

func batchBytes(entries []store.Entry) (n int) {
	for i := range entries {
		n += len(entries[i].Data)
	}
	return n
}

func (h *hub) join(after store.Pos) *tailReader {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &tailReader{pos: after}
	h.readers[r] = struct{}{}
	return r
}

func (h *hub) leave(r *tailReader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, r)
	h.forgetRead()
}

// advance notes how far a reader has come and forgets what all have read.
func (h *hub) advance(r *tailReader, pos store.Pos) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.pos = pos
	h.forgetRead()
}

func (h *hub) forgetRead() {
	low := h.last
	for r := range h.readers {
		low = min(low, r.pos)
	}
	for len(h.batches) > 0 && h.batches[0][len(h.batches[0])-1].Pos <= low {
		h.forgetOldest()
	}
}

// next gives a reader what is there for it: entries from the hand-over
// (appended to buf); or behind, the position up to which it must read from
// disk; or a channel to wait on.
func (h *hub) next(r *tailReader, buf []store.Entry) (entries []store.Entry, behind store.Pos, wait <-chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, 0, nil, store.ErrClosed
	case r.pos >= h.last:
		if h.wake == nil {
			h.wake = make(chan struct{})
		}
		return nil, 0, h.wake, nil
	case len(h.batches) == 0 || h.batches[0][0].Pos > r.pos+1:
		return nil, h.last, nil, nil
	}
	for _, batch := range h.batches {
		first := batch[0].Pos
		if skip := int(max(r.pos+1, first) - first); skip < len(batch) {
			buf = append(buf, batch[skip:]...) // positions in a batch are consecutive
		}
		if len(buf) >= diskEntries {
			break
		}
	}
	return buf, 0, nil, nil
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.forgetAll()
	h.wakeAll()
}

// Tail implements store.Log. It returns ErrClosed when the store is closed.
func (j *journal) Tail(ctx context.Context, after store.Pos, fn func([]store.Entry) error) error {
	r := j.hub.join(after)
	defer j.hub.leave(r)
	var buf []store.Entry
	for ctx.Err() == nil {
		entries, behind, wait, err := j.hub.next(r, buf[:0])
		switch {
		case err != nil:
			return err
		case wait != nil:
			select {
			case <-wait:
			case <-ctx.Done():
			}
			continue
		case behind > 0:
			if entries, err = j.readOn(r.pos, behind, buf[:0]); err != nil {
				return err
			}
			if len(entries) == 0 { // all of it has been trimmed meanwhile
				j.hub.advance(r, max(r.pos, j.Floor()-1))
				continue
			}
		}
		last := entries[len(entries)-1].Pos
		err = fn(entries)
		buf = entries
		clear(buf) // keep nothing alive while waiting
		if err != nil {
			return err
		}
		j.hub.advance(r, last)
	}
	return nil
}

// readOn reads the next batch after a position from disk.
func (j *journal) readOn(after, upTo store.Pos, buf []store.Entry) ([]store.Entry, error) {
	gens := *j.gens.Load()
	from := max(after+1, j.Floor())
	i := find(gens, from)
	if i+1 < len(gens) {
		upTo = min(upTo, gens[i+1].base-1)
	}
	var arena []byte
	err := gens[i].scan(from, upTo, func(pos store.Pos, r rawRecord) bool {
		var data []byte
		data, arena = copyInto(arena, r.data)
		buf = append(buf, j.entry(pos, r, data))
		return len(buf) < diskEntries && (len(buf)%64 != 0 || batchBytes(buf) < diskBytes)
	})
	if err != nil && from >= j.Floor() {
		return nil, err
	}
	return buf, nil
}
