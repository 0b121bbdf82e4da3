package bolt

import (
	"encoding/binary"
	"slices"
	"sort"

	"github.com/fitmq/fitmq/store"
)

// chunkLen is the number of entries of a full chunk: what a look-up decodes at
// most, against the 56 bytes of a chunk's header.
const chunkLen = 32

// postings are one topic's positions, ascending, with the sizes of the records'
// data: about four bytes an entry. Guarded by the index's lock.
type postings struct {
	topic  string
	chunks []chunk
	n      int64 // entries ever added: the running number of the next one
	bytes  int64 // their data sizes
}

// chunk holds up to chunkLen entries as uvarint pairs: the distance from the
// entry before (0 for the first), and the data size.
type chunk struct {
	first, last store.Pos
	nBefore     int64 // entries of the topic before this chunk
	bytesBefore int64
	buf         []byte
}

func (p *postings) add(pos store.Pos, size int) {
	last := len(p.chunks) - 1
	if last < 0 || p.n-p.chunks[last].nBefore >= chunkLen {
		if last >= 0 {
			p.chunks[last].buf = slices.Clip(slices.Clone(p.chunks[last].buf))
		}
		p.chunks = append(p.chunks, chunk{first: pos, last: pos, nBefore: p.n, bytesBefore: p.bytes})
		last++
	}
	c := &p.chunks[last]
	c.buf = binary.AppendUvarint(c.buf, uint64(pos-c.last))
	c.buf = binary.AppendUvarint(c.buf, uint64(size))
	c.last = pos
	p.n++
	p.bytes += int64(size)
}

// dropBefore forgets the chunks that lie entirely before the position, and
// reports whether anything is left.
func (p *postings) dropBefore(pos store.Pos) bool {
	i := sort.Search(len(p.chunks), func(i int) bool { return p.chunks[i].last >= pos })
	if i > 0 {
		p.chunks = slices.Clone(p.chunks[i:])
	}
	return len(p.chunks) > 0
}

// live is how many entries are left, those below a trimming position in a
// chunk that is kept included.
func (p *postings) live() int64 {
	if len(p.chunks) == 0 {
		return 0
	}
	return p.n - p.chunks[0].nBefore
}

// through returns the running count and data size of all entries ever added
// with a position of at most pos. For dropped ones it returns their sum.
func (p *postings) through(pos store.Pos) (n, bytes int64) {
	i := sort.Search(len(p.chunks), func(i int) bool { return p.chunks[i].first > pos }) - 1
	switch {
	case i < 0 && len(p.chunks) == 0:
		return p.n, p.bytes
	case i < 0:
		return p.chunks[0].nBefore, p.chunks[0].bytesBefore
	case p.chunks[i].last <= pos && i+1 < len(p.chunks):
		return p.chunks[i+1].nBefore, p.chunks[i+1].bytesBefore
	case p.chunks[i].last <= pos:
		return p.n, p.bytes
	}
	n, bytes = p.chunks[i].nBefore, p.chunks[i].bytesBefore
	for c := (cursor{list: p, chunk: i}); c.next() && c.pos <= pos; {
		n++
		bytes += int64(c.size)
	}
	return n, bytes
}

// cursor walks postings. The zero position is before the first entry.
type cursor struct {
	list  *postings
	chunk int
	off   int
	pos   store.Pos
	size  uint64
}

// seek returns a cursor before the first entry after the position.
func (p *postings) seek(after store.Pos) cursor {
	i := sort.Search(len(p.chunks), func(i int) bool { return p.chunks[i].last > after })
	c := cursor{list: p, chunk: i}
	if i == len(p.chunks) {
		return c
	}
	for {
		before := c
		if !c.next() || c.pos > after {
			return before
		}
	}
}

// next moves to the next entry, or returns false at the end.
func (c *cursor) next() bool {
	for c.chunk < len(c.list.chunks) {
		ch := &c.list.chunks[c.chunk]
		if c.off == len(ch.buf) {
			c.chunk++
			c.off = 0
			continue
		}
		if c.off == 0 {
			c.pos = ch.first
		}
		delta, n := binary.Uvarint(ch.buf[c.off:])
		size, m := binary.Uvarint(ch.buf[c.off+n:])
		c.off += n + m
		c.pos += store.Pos(delta)
		c.size = size
		return true
	}
	return false
}
