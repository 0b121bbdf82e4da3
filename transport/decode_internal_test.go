package transport

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// sunk is a socket that takes everything and gives nothing.
type sunk struct{ net.Conn }

func (sunk) Write(b []byte) (int, error)      { return len(b), nil }
func (sunk) Close() error                     { return nil }
func (sunk) SetDeadline(time.Time) error      { return nil }
func (sunk) SetReadDeadline(time.Time) error  { return nil }
func (sunk) SetWriteDeadline(time.Time) error { return nil }

// decodeAll gives the stream to a new connection, step bytes at a time, and
// returns the payload and the error that ended it, as text.
func decodeAll(t *Transport, stream []byte, step int, compressed bool) (payload []byte, end string) {
	codec := &wsCodec{}
	if compressed {
		codec.deflation = &deflation{}
		codec.state = codec.state.Set(ws.StateExtended)
	}
	c := t.newConn(sunk{}, "fuzz", codec)
	for len(stream) > 0 || len(codec.early) > 0 {
		chunk := codec.early
		codec.early = nil
		if len(chunk) == 0 {
			n := min(step, len(stream))
			chunk, stream = bytes.Clone(stream[:n]), stream[n:]
		}
		n, err := c.decode(chunk)
		if compressed {
			payload = append(payload, codec.deflation.plain...)
			codec.deflation.plain = nil
		} else {
			payload = append(payload, chunk[:n]...)
		}
		if err != nil {
			return payload, err.Error()
		}
	}
	return payload, ""
}

// FuzzConn_Decode: whatever a WebSocket client sends, in whatever portions, comes
// to the same bytes and the same end.
func FuzzConn_Decode(f *testing.F) {
	masked := func(op ws.OpCode, fin bool, payload string) []byte {
		return ws.MustCompileFrame(ws.MaskFrameWith(ws.NewFrame(op, fin, []byte(payload)), [4]byte{1, 2, 3, 4}))
	}
	packed, err := wsflate.CompressFrame(ws.NewBinaryFrame(bytes.Repeat([]byte("fit"), 500)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(masked(ws.OpBinary, true, "\xc0\x00"), uint8(1), false)
	f.Add(append(masked(ws.OpBinary, false, "\xc0"), masked(ws.OpContinuation, true, "\x00")...), uint8(3), false)
	f.Add(append(masked(ws.OpPing, true, "there?"), masked(ws.OpClose, true, "\x03\xe8")...), uint8(2), false)
	f.Add(ws.MustCompileFrame(ws.MaskFrameWith(packed, [4]byte{5, 6, 7, 8})), uint8(7), true)
	f.Add(masked(ws.OpText, true, "hi"), uint8(1), true)
	f.Add([]byte{0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0}, uint8(4), false)
	t := New(Limits{MaxPacket: 1 << 16}, nil)
	f.Fuzz(func(tt *testing.T, stream []byte, step uint8, compressed bool) {
		whole, end := decodeAll(t, stream, max(len(stream), 1), compressed)
		parts, partsEnd := decodeAll(t, stream, int(step)+1, compressed)
		if !bytes.Equal(whole, parts) || end != partsEnd {
			tt.Errorf("in portions of %d: %d bytes and %q, at once: %d bytes and %q", int(step)+1, len(parts), partsEnd, len(whole), end)
		}
	})
}
