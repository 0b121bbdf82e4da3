package transport

import "sync"

const (
	// readSize is how much a TCP connection reads at once. All packets in it are
	// processed before the subscribers they concern are flushed, so it is also
	// how much a burst can be coalesced.
	readSize = 32 << 10
	// plainSize is the read buffer that a connection without readiness
	// notification (TLS) keeps while it waits.
	plainSize = 2 << 10
	// writeSize is how big a write buffer is at first.
	writeSize = 2 << 10
	// keepSize is the largest write buffer that is used again; those that grew
	// beyond it are left to the garbage collector.
	keepSize = 256 << 10
)

// block is a buffer from a pool. Pools hold pointers to it, so that taking and
// giving back allocate nothing.
type block struct{ b []byte }

var (
	readPool  = sync.Pool{New: func() any { return &block{b: make([]byte, readSize)} }}
	writePool = sync.Pool{New: func() any { return &block{b: make([]byte, 0, writeSize)} }}
)

// takeRead returns a buffer of exactly size bytes.
func takeRead(size int) *block {
	if size == readSize {
		return readPool.Get().(*block)
	}
	return &block{b: make([]byte, size)}
}

func giveRead(b *block) {
	if b != nil && len(b.b) == readSize {
		readPool.Put(b)
	}
}

// takeWrite returns an empty buffer with room bytes left free in front.
func takeWrite(room int) *block {
	b := writePool.Get().(*block)
	b.b = b.b[:room]
	return b
}

func giveWrite(b *block) {
	if b != nil && cap(b.b) <= keepSize {
		writePool.Put(b)
	}
}
