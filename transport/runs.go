package transport

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// runs keeps the frames of a write buffer: packets that are sent as they are
// share one, compressed ones have their own. The outbound's mu guards it.
type runs struct {
	at   int // where the present run of plain packets begins
	from int // where the buffer's first frame begins
	used bool
	room [wsHeadroom]byte
}

// begin leaves room for the header of a run and begins it.
func (r *runs) begin(b []byte) []byte {
	b = append(b, r.room[:]...)
	r.at, r.used = len(b), true
	return b
}

// seal ends the present run with its header in front.
func (r *runs) seal(b []byte) []byte {
	if !r.used { // the buffer was taken with its room in front
		r.at, r.from = wsHeadroom, 0
	}
	room, size := r.at-wsHeadroom, len(b)-r.at
	if size == 0 {
		return b[:room]
	}
	var mem [wsHeadroom]byte
	head := appendWSHeader(mem[:0], size, false)
	if room == 0 {
		r.from = wsHeadroom - len(head)
		copy(b[r.from:], head)
		return b
	}
	copy(b[room:], head)
	copy(b[room+len(head):], b[r.at:])
	return b[:room+len(head)+size]
}

// end seals the last run and returns all frames; the next buffer is a new one.
func (r *runs) end(b []byte) []byte {
	b = r.seal(b)[r.from:]
	r.used, r.from = false, 0
	return b
}

// appendWSHeader appends the header of a binary frame that is a whole message.
func appendWSHeader(b []byte, size int, packed bool) []byte {
	first := byte(0x80 | ws.OpBinary)
	if packed {
		first |= 0x40 // RSV1: RFC 7692, 7
	}
	switch {
	case size < 126:
		return append(b, first, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, first, 126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(b, first, 127), uint64(size))
	}
}
