package bolt

import (
	"slices"

	"github.com/fitmq/fitmq/store"
)

// selectedLocked returns the postings that spans ask for, each once, from the lowest
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

// finding is what the index says about a Read: the places; or, if scan is not
// 0, that it is cheaper to look through so many records after from.
type finding struct {
	places []place
	from   store.Pos
	scan   store.Pos
}

// What looking through the log and asking the index cost relative to each
// other: a record looked at 1, a topic's postings sought 2 (both about 0.4 us,
// the second with the cache misses of a large index). A scan may take
// scanSlack times what it is expected to, then the index is asked.
const (
	seekCost  = 2
	scanSlack = 4
	scanLeast = 64 // topics; fewer are always merged
)

// find returns the first limit places that the spans ask for.
func (x *index) find(spans []store.Span, upTo store.Pos, limit int) finding {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lists, after := x.selectedLocked(spans, 0)
	if len(lists) < scanLeast {
		return finding{places: merge(lists, after, upTo, limit)}
	}
	from := slices.Min(after)
	var matching int64
	for _, list := range lists {
		matching += list.live()
	}
	// Were the records evenly spread, the limit would be reached after:
	expect := float64(limit) / (float64(matching) / float64(upTo-min(upTo, x.floor)+1))
	if expect > float64(seekCost*len(lists)) || from >= upTo {
		return finding{places: merge(lists, after, upTo, limit)}
	}
	return finding{from: from, scan: store.Pos(scanSlack*expect) + 1}
}

// places is find without the choice.
func (x *index) places(spans []store.Span, upTo store.Pos, limit int) []place {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lists, after := x.selectedLocked(spans, 0)
	return merge(lists, after, upTo, limit)
}

// merge returns the first limit places of the postings together, in order. The
// caller holds the index's lock, for up to 2 us a topic.
func merge(lists []*postings, after []store.Pos, upTo store.Pos, limit int) []place {
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
