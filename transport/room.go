package transport

import "bytes"

// reserve returns room behind b, in a buffer of base bytes, or of up to what
// the packet that b begins needs, growing only as its bytes come in.
func (in *inbound) reserve(base int) []byte {
	size := base
	if in.need > base {
		size = min(in.need, max(2*base, 2*len(in.b)))
	}
	if in.block == nil || len(in.block.b) != size {
		next := takeRead(size)
		in.b = next.b[:copy(next.b, in.b)]
		giveRead(in.block)
		in.block = next
	} else {
		in.b = in.block.b[:copy(in.block.b, in.b)]
	}
	return in.block.b[len(in.b):]
}

// park gives the buffer back while the connection waits; the beginning of a
// packet is kept in memory of its own size. A packet that outgrew the pool's
// buffers keeps the one it grows in.
func (in *inbound) park() {
	if in.block == nil || len(in.b) > 0 && len(in.block.b) != readSize {
		return
	}
	if len(in.b) > 0 {
		in.b = bytes.Clone(in.b)
	} else {
		in.b = nil
	}
	giveRead(in.block)
	in.block = nil
}

// drop gives all memory back.
func (in *inbound) drop() {
	giveRead(in.block)
	in.block, in.b, in.up = nil, nil, nil
}
