package transport

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// permessage-deflate (RFC 7692), without context takeover in either direction:
// each message stands alone, so that a payload is compressed once for all who
// get it, and a connection keeps no window of 32 KiB.

const (
	// packLeast is the smallest payload that is compressed; smaller ones save
	// less than their share of a TCP segment.
	packLeast = 1 << 10
	// inflateAhead is how much inflated data may wait to be processed before the
	// rest of what was read is left for later.
	inflateAhead = 64 << 10
)

// deflation is what a connection that has agreed on permessage-deflate reads
// with; the reading goroutine owns it.
type deflation struct {
	packed []byte // compressed bytes of a message that has not ended
	plain  []byte // what the frames of one reading came to
	within bool   // the message under way is compressed
}

// parameters are what we agree to.
var parameters = wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}

// flush is what RFC 7692, 7.2.2 has a receiver append, and the end of a stream.
var flushTail = []byte{0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff}

// syncTail is what a sender takes off (RFC 7692, 7.2.1).
const syncTail = 4

var (
	inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}
	deflaters = sync.Pool{New: func() any {
		w, err := flate.NewWriter(io.Discard, flate.DefaultCompression)
		if err != nil {
			panic(err) // only a level that does not exist is an error
		}
		return w
	}}
)

// inflate appends the message that packed holds to out, at most limit bytes.
func inflate(out, packed []byte, limit int64) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	src := io.MultiReader(bytes.NewReader(packed), bytes.NewReader(flushTail))
	if err := r.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, fmt.Errorf("begin to inflate: %w", err)
	}
	into := bytes.NewBuffer(out)
	n, err := io.CopyN(into, r, limit+1)
	switch {
	case n > limit:
		return nil, &wsError{ws.StatusMessageTooBig, "message is over the limit once inflated"}
	case err != nil && !errors.Is(err, io.EOF):
		return nil, &wsError{ws.StatusInvalidFramePayloadData, "message cannot be inflated"}
	}
	return into.Bytes(), nil
}

// Packs reports whether a payload of n bytes is worth compressing for this
// connection, which has agreed to it.
func (c *Conn) Packs(n int) bool { return c.ws != nil && c.ws.deflation != nil && n >= packLeast }

// Pack compresses a payload for SendPacked; nil when it would not get smaller.
func (c *Conn) Pack(payload []byte) []byte {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var out bytes.Buffer
	out.Grow(len(payload) / 2)
	w.Reset(&out)
	// Writing to a bytes.Buffer does not fail.
	_, _ = w.Write(payload)
	_ = w.Flush()
	packed := out.Bytes()[:out.Len()-syncTail]
	if len(packed) >= len(payload)*7/8 {
		return nil
	}
	return packed
}

// SendPacked is SendID for a PUBLISH whose bytes before the payload are head and
// whose payload Pack has made packed. It becomes a WebSocket message of its own.
func (c *Conn) SendPacked(head []byte, at int, id uint16, packed []byte) (dirty bool) {
	size := 1 + 2 + 2 + len(head) + len(packed)
	return c.append(head[0], size, func(b []byte) []byte {
		r := &c.ws.runs
		b = r.seal(b)
		b = appendWSHeader(b, size, true)
		b = append(b, 0) // head is a stored block, not the last one (RFC 1951, 3.2.4)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(head)))
		b = binary.LittleEndian.AppendUint16(b, ^uint16(len(head)))
		start := len(b)
		b = append(b, head...)
		if at > 0 {
			binary.BigEndian.PutUint16(b[start+at:], id)
		}
		b = append(b, packed...)
		return r.begin(b)
	})
}

// deflated begins a data frame of a connection that has agreed to compression:
// the first frame of a message says whether it is compressed.
func (r *wsReader) deflated(d *deflation) error {
	if r.h.Rsv == 0 && r.h.OpCode != ws.OpContinuation {
		d.within, d.packed = false, d.packed[:0]
		return nil
	}
	switch {
	case r.h.OpCode == ws.OpBinary && r.h.Rsv == ws.Rsv(true, false, false):
		d.within, d.packed = true, d.packed[:0]
	case r.h.Rsv != 0:
		return &wsError{ws.StatusProtocolError, "reserved bits are set where no extension uses them"}
	}
	return nil
}

// take adds a chunk of a data frame, and inflates the message where it ends.
func (d *deflation) take(chunk []byte, ended bool, limit int64) (err error) {
	if !d.within {
		d.plain = append(d.plain, chunk...)
		return nil
	}
	d.packed = append(d.packed, chunk...)
	if !ended {
		return nil
	}
	d.plain, err = inflate(d.plain, d.packed, limit)
	if d.packed = d.packed[:0]; cap(d.packed) > readSize {
		d.packed = nil
	}
	return err
}

// unpack puts what the frames came to behind b, in memory of its own where the
// read buffer has no room.
func (c *Conn) unpack(start int) {
	in, d := &c.in, c.ws.deflation
	if start+len(d.plain) <= len(in.block.b) {
		in.b = in.block.b[:start+copy(in.block.b[start:], d.plain)]
	} else {
		in.b = append(bytes.Clone(in.block.b[:start]), d.plain...)
		giveRead(in.block)
		in.block = nil
	}
	d.plain = nil
}
