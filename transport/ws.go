package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gobwas/ws"

	"github.com/fitmq/fitmq/delivery/wire"
)

// wsHeadroom is what a server's frame header takes at most; write buffers keep
// it free in front, so that all gathered packets become one frame in place.
const wsHeadroom = 10

// wsOverhead is how much longer than one packet a WebSocket message may be.
const wsOverhead = 1 << 10

// wsControlLimit bounds the control frames that wait for a client that does not
// read; over it further ones are dropped, as RFC 6455, 5.5.3 lets pongs be.
const wsControlLimit = 1 << 10

// wsCodec takes WebSocket frames off what is read and puts them on what is
// written (RFC 6455). The reading goroutine owns wsReader, whoever flushes owns
// wsWriter.
type wsCodec struct {
	wsReader
	wsWriter
	deflation *deflation  // nil: messages are not compressed
	timer     *time.Timer // pings
}

type wsReader struct {
	early   []byte // what came with the HTTP request
	over    error  // why nothing more comes, once what came before is processed
	head    [ws.MaxHeaderSize]byte
	have    int // bytes of head that are there
	scratch [ws.MaxHeaderSize]byte
	source  bytes.Reader
	h       ws.Header
	inFrame bool
	left    int64 // payload of the frame still to come
	at      int   // position in the mask
	message int64 // length of the message so far
	control []byte
	state   ws.State
}

type wsWriter struct {
	runs runs
	code ws.StatusCode // of the close frame; 0 = 1000
}

// wsError ends a WebSocket with a status code of its own.
type wsError struct {
	code   ws.StatusCode
	reason string
}

// Error implements error.
func (e *wsError) Error() string { return fmt.Sprintf("websocket %d: %s", e.code, e.reason) }

func (w *wsCodec) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// unframe turns the n bytes behind b from frames into payload, in place.
func (c *Conn) unframe(n int) error {
	in := &c.in
	start := len(in.b)
	raw := in.block.b[start : start+n]
	out, err := c.decode(raw)
	c.ws.over = err
	if c.ws.deflation == nil {
		in.b = in.block.b[:start+out]
	} else {
		out = len(c.ws.deflation.plain)
		c.unpack(start)
	}
	if err != nil && out == 0 {
		return c.closeWS()
	}
	return nil
}

// closeWS ends the connection for what decode has met.
func (c *Conn) closeWS() error {
	err := c.ws.over
	var we *wsError
	if errors.As(err, &we) {
		c.out.mu.Lock()
		c.ws.code = we.code
		c.out.mu.Unlock()
	}
	c.finish(nil)
	return err
}

// decode moves the payload of data frames to the front of raw and returns its
// length. Control frames are answered.
func (c *Conn) decode(raw []byte) (out int, err error) {
	r, d := &c.ws.wsReader, c.ws.deflation
	limit := int64(c.t.limits.MaxPacket + wsOverhead)
	src := raw
	for {
		if !r.inFrame {
			ok, err := r.header(&src)
			if err != nil || !ok {
				return out, err
			}
			if err := r.check(limit, d); err != nil {
				return out, err
			}
		}
		chunk := src[:min(r.left, int64(len(src)))]
		src = src[len(chunk):]
		ws.Cipher(chunk, r.h.Mask, r.at)
		r.at = (r.at + len(chunk)) & 3
		r.left -= int64(len(chunk))
		if r.h.OpCode.IsControl() {
			r.control = append(r.control, chunk...) // at most 125 bytes: check
		} else if d == nil {
			out += copy(raw[out:], chunk)
		} else if err := d.take(chunk, r.left == 0 && r.h.Fin, limit); err != nil {
			return out, err
		}
		if r.left > 0 {
			return out, nil
		}
		r.inFrame = false
		if r.h.OpCode.IsControl() {
			if err := c.onControl(r.h.OpCode, r.control); err != nil {
				return out, err
			}
		}
		if d != nil && len(d.plain) > inflateAhead && len(src) > 0 {
			r.early = append(bytes.Clone(src), r.early...)
			return out, nil
		}
	}
}

// header gathers a frame header; ok false means that src ended before.
func (r *wsReader) header(src *[]byte) (ok bool, err error) {
	for {
		need := 2
		if r.have >= 2 {
			switch r.head[1] & 0x7f {
			case 126:
				need += 2
			case 127:
				need += 8
			}
			if r.head[1]&0x80 != 0 {
				need += 4
			}
		}
		if r.have >= need && r.have >= 2 {
			break
		}
		n := copy(r.head[r.have:need], *src)
		if n == 0 {
			return false, nil
		}
		r.have += n
		*src = (*src)[n:]
	}
	r.source.Reset(r.head[:r.have])
	r.h, err = ws.ReadHeaderBuffer(&r.source, r.scratch[:])
	r.have = 0
	if err != nil {
		return false, &wsError{ws.StatusProtocolError, err.Error()}
	}
	return true, nil
}

// check judges a frame's header and begins the frame.
func (r *wsReader) check(limit int64, d *deflation) error {
	if err := ws.CheckHeader(r.h, r.state|ws.StateServerSide); err != nil {
		return &wsError{ws.StatusProtocolError, err.Error()}
	}
	r.inFrame, r.left, r.at = true, r.h.Length, 0
	if r.h.OpCode.IsControl() {
		r.control = r.control[:0]
		if r.h.Rsv != 0 {
			return &wsError{ws.StatusProtocolError, "a control frame has reserved bits set"}
		}
		return nil
	}
	if r.h.OpCode == ws.OpText {
		return &wsError{ws.StatusUnsupportedData, "MQTT wants binary messages [MQTT-6.0.0-1]"}
	}
	if d != nil {
		if err := r.deflated(d); err != nil {
			return err
		}
	}
	if r.h.OpCode == ws.OpBinary {
		r.message = 0
	}
	if r.message += r.h.Length; r.message > limit {
		return &wsError{ws.StatusMessageTooBig, "message is over the limit"}
	}
	r.state = r.state.Clear(ws.StateFragmented)
	if !r.h.Fin {
		r.state = r.state.Set(ws.StateFragmented)
	}
	return nil
}

// onControl answers a control frame.
func (c *Conn) onControl(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		c.sendControl(ws.NewPongFrame(payload))
	case ws.OpClose:
		return io.EOF // finish answers with a close frame
	}
	return nil // a pong has done its work by having been read
}

// sendControl queues a control frame for the next flush and asks for one.
func (c *Conn) sendControl(f ws.Frame) {
	frame, err := ws.CompileFrame(f)
	if err != nil {
		c.t.log.Error("encode a WebSocket control frame", "error", err)
		return
	}
	o := &c.out
	o.mu.Lock()
	if !o.closing.Load() && len(o.control) < wsControlLimit {
		o.control = append(o.control, frame...)
	}
	o.mu.Unlock()
	c.Flush()
}

// ping asks the client for a sign of life, or ends the connection when there
// has been none for three intervals.
func (c *Conn) ping() {
	if c.out.closed.Load() {
		return
	}
	interval := c.t.limits.PingInterval
	if now()-c.lastRead.Load() > 3*int64(interval) {
		c.t.stats.KeepAliveTimeouts.Add(1)
		c.Disconnect(wire.KeepAliveTimeout, "no answer to WebSocket pings")
		return
	}
	c.sendControl(ws.NewPingFrame(nil))
	c.ws.timer.Reset(interval)
}

// around puts the control frames before what is framed already and, when last, a
// close frame behind.
func (w *wsWriter) around(control, framed []byte, last bool) []byte {
	rest := framed
	if len(control) > 0 {
		rest = append(control, framed...)
	}
	if last {
		code := w.code
		if code == 0 {
			code = ws.StatusNormalClosure
		}
		// A close frame of two bytes always compiles.
		end, _ := ws.CompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, "")))
		rest = append(rest, end...)
	}
	return rest
}
