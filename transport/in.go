package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// inbound is the read side. It belongs to the reading goroutine.
type inbound struct {
	plane Plane
	block *block // the memory of b; nil when b is empty or has memory of its own
	b     []byte // MQTT bytes that were read and not yet processed
	need  int    // size of the packet that b begins, 0 when not known yet
	limit int    // largest packet
	up    []byte // what the engine is to read next
	last  error  // why there is nothing more to read
	fed   bool   // Packet was called since the last Idle
	dirty bool   // something was sent from here and not flushed
	full  bool   // the last blocking read filled its buffer
	armed int64  // when the read deadline was last set, as now()
	pause int64  // nanoseconds not to read for, see paced
	n     int    // what ready read
	err   error
	ready func(fd uintptr) bool
	ended func() // set by TakeOver
}

// Read gives the engine the next control packet's bytes: first a CONNECT, at
// the end perhaps a DISCONNECT, never anything else. All other packets are
// processed meanwhile. It is called by one goroutine, the engine's reader.
func (c *Conn) Read(p []byte) (int, error) {
	in := &c.in
	if c.taken.Load() {
		return 0, errTakenOver
	}
	for {
		if len(in.up) > 0 {
			n := copy(p, in.up)
			if in.up = in.up[n:]; len(in.up) == 0 {
				in.up = nil
			}
			return n, nil
		}
		if in.last == nil {
			in.last = c.advance()
		}
		if in.last != nil && len(in.up) == 0 {
			in.drop()
			c.readerGone()
			return 0, in.last
		}
	}
}

// advance processes what has been read, and when nothing of it goes up reads
// more. An error is the last word of the connection; it may come with something
// to go up before.
func (c *Conn) advance() error {
	in := &c.in
	err := c.process()
	if in.fed && (err != nil || len(in.up) == 0) {
		in.fed = false
		if idleErr := c.idle(); err == nil {
			err = idleErr
		}
	}
	if err != nil {
		return c.broken(err)
	}
	if len(in.up) > 0 {
		return nil
	}
	if in.dirty {
		in.dirty = false
		c.Flush()
	}
	if wait := in.pause; wait > 0 {
		in.pause = 0
		c.t.stats.PublishPauses.Add(1)
		return c.pause(time.Duration(wait))
	}
	return c.fill()
}

// errDone says that the client has said DISCONNECT.
var errDone = fmt.Errorf("after DISCONNECT: %w", io.EOF)

// broken ends the connection over a packet or what the plane made of it.
func (c *Conn) broken(err error) error {
	if errors.Is(err, errDone) {
		return err
	}
	code, reason := wire.UnspecifiedError, "internal error"
	var we *wire.Error
	if errors.As(err, &we) {
		code, reason = we.Code, we.Reason
	}
	if !c.out.accepted.Load() {
		var stranger []byte
		if c.connect.Load() == nil {
			stranger = c.stranger()
		}
		if stranger == nil && (we == nil || we != c.refusal) { // else it is counted already
			c.t.stats.Refused[code].Add(1)
		}
		if c.connect.Load() == nil {
			c.finish(stranger) // no CONNECT, nobody to answer
			return err
		}
	}
	c.end(code, reason)
	return err
}

// process hands on all whole packets up to one that goes up. A panic of the
// plane becomes an error, so that the engine ends the session as after any
// other loss.
func (c *Conn) process() (err error) {
	in := &c.in
	if len(in.b) == 0 {
		return nil
	}
	var counts tally
	defer func() {
		counts.fold(&c.t.stats.PacketsIn)
		if r := recover(); r != nil {
			c.t.panicked(c, r)
			err = fmt.Errorf("process packet: panic: %v", r)
		}
	}()
	for len(in.b) > 0 && len(in.up) == 0 && in.pause <= 0 {
		if err := c.checkFirst(in.b[0]); err != nil {
			return err
		}
		header, remaining, size, err := wire.Header(in.b)
		if err != nil {
			return err
		}
		total := size + remaining
		if size > 0 && total > in.limit {
			c.t.stats.Oversize.Add(1)
			return &wire.Error{Code: wire.PacketTooLarge, Reason: fmt.Sprintf("packet of %d bytes, the limit is %d", total, in.limit)}
		}
		if size == 0 || total > len(in.b) {
			in.need = total
			return nil
		}
		in.need = 0
		body := in.b[size:total:total]
		in.b = in.b[total:]
		counts.add(header)
		if err := c.dispatch(header, body, size); err != nil {
			return err
		}
	}
	return nil
}

// checkFirst lets only a CONNECT come first [MQTT-3.1.0-1], as soon as the
// first byte shows it, and nothing be processed while the engine has not
// attached a plane.
func (c *Conn) checkFirst(header byte) error {
	if c.connect.Load() == nil {
		if header>>4 != wire.CONNECT {
			return &wire.Error{Code: wire.ProtocolError, Reason: "the first packet is not a CONNECT [MQTT-3.1.0-1]"}
		}
		return nil
	}
	if c.in.plane == nil {
		return errors.New("no plane is attached")
	}
	return nil
}

// dispatch handles one packet by its type.
func (c *Conn) dispatch(header byte, body []byte, size int) error {
	cp := c.connect.Load()
	if cp == nil {
		return c.onConnect(body)
	}
	if cp.Version >= wire.V5 && size > wire.HeaderSize(len(body)) {
		return &wire.Error{Code: wire.MalformedPacket, Reason: "remaining length is longer than it need be [MQTT-1.5.5-1]"}
	}
	switch typ := header >> 4; typ {
	case wire.PUBLISH:
		if c.pace != nil {
			c.in.pause = c.t.paced(c.pace, size+len(body))
		}
		fallthrough
	case wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP, wire.SUBSCRIBE, wire.UNSUBSCRIBE:
		c.in.fed = true
		return c.in.plane.Packet(header, body)
	case wire.PINGREQ:
		if len(body) > 0 {
			return &wire.Error{Code: wire.MalformedPacket, Reason: "PINGREQ has a body [3.12]"}
		}
		c.Send(pingresp)
		c.in.dirty = true
		return nil
	case wire.DISCONNECT:
		return c.onDisconnect(cp.Version, body)
	case wire.CONNECT:
		return &wire.Error{Code: wire.ProtocolError, Reason: "a second CONNECT [MQTT-3.1.0-2]"}
	case wire.AUTH:
		return c.onAuth(cp, body)
	default:
		return &wire.Error{Code: wire.ProtocolError, Reason: "a packet type that only a server sends [2.1.2]"}
	}
}

var (
	pingresp = wire.AppendPingresp(nil)
	goodbye  = []byte{wire.DISCONNECT << 4, 0}
)

// onConnect judges the CONNECT and lets the engine's form of it go up.
func (c *Conn) onConnect(body []byte) error {
	cp, err := wire.ParseConnect(body)
	c.connect.Store(cp)
	if err != nil {
		return err
	}
	if c.refusal != nil {
		return c.refusal
	}
	c.in.up = cp.EngineFrame()
	c.in.limit = c.t.limits.MaxPacket
	c.in.armed = -1
	return nil
}

// onDisconnect tells the plane and lets a DISCONNECT go up that the engine
// cannot misread.
func (c *Conn) onDisconnect(version byte, body []byte) error {
	d, err := wire.ParseDisconnect(version, body)
	if err == nil {
		err = c.in.plane.Disconnect(d)
	}
	if err != nil {
		return err
	}
	c.in.up = goodbye
	return errDone
}

// idle lets the plane flush.
func (c *Conn) idle() (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.t.panicked(c, r)
			err = fmt.Errorf("flush what the packets made dirty: panic: %v", r)
		}
	}()
	if c.in.plane != nil {
		c.in.plane.Idle()
	}
	return nil
}

// fill waits for bytes and appends at least one to b, or, of a WebSocket, at
// least handles a frame.
func (c *Conn) fill() error {
	in := &c.in
	if c.ws != nil && c.ws.over != nil {
		return c.closeWS()
	}
	for {
		c.arm()
		if c.out.closing.Load() { // after arm: finish sets its own deadline after closing
			return net.ErrClosed
		}
		err := c.readSome()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if err := c.silence(); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			c.finish(nil)
			return err
		}
		c.t.stats.BytesIn.Add(int64(in.n))
		c.lastRead.Store(now())
		if c.ws == nil {
			in.b = in.block.b[:len(in.b)+in.n]
			return nil
		}
		return c.unframe(in.n)
	}
}

// readSome reads once into the room behind b and leaves in.n.
func (c *Conn) readSome() error {
	in := &c.in
	in.n, in.err = 0, nil
	if c.ws != nil && len(c.ws.early) > 0 {
		in.n = copy(in.reserve(readSize), c.ws.early)
		c.ws.early = c.ws.early[in.n:]
		return nil
	}
	if c.raw != nil {
		if err := c.raw.Read(in.ready); err != nil {
			return err
		}
		return in.err
	}
	base := plainSize
	if in.full {
		base = readSize
	}
	room := in.reserve(base)
	n, err := c.nc.Read(room)
	in.n, in.full = n, n >= min(len(room), plainSize)
	if n > 0 {
		return nil
	}
	return err
}

// arm sets the read deadline, at most once a second.
func (c *Conn) arm() {
	in := &c.in
	limit := c.keepAlive.Load()
	if c.connect.Load() == nil {
		limit = int64(c.t.limits.ConnectTimeout)
		if c.refusal != nil {
			limit = min(limit, int64(refusalTimeout))
		}
		if in.armed != 0 {
			return // one deadline for the whole CONNECT
		}
	}
	t := now()
	if in.armed > 0 && t-in.armed < int64(time.Second) {
		return
	}
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(time.Duration(limit))
	} else if in.armed > 0 {
		return // none before, none now
	}
	in.armed = max(t, 1)
	// An error means that the socket is closed, which the read will tell.
	_ = c.nc.SetReadDeadline(deadline)
}

// silence judges a read that ran into its deadline: nil when the silence was
// not long enough after all, since arm is not called for every packet.
func (c *Conn) silence() error {
	if c.out.closing.Load() {
		return net.ErrClosed
	}
	if c.connect.Load() == nil {
		c.t.stats.ConnectTimeout.Add(1)
		c.finish(nil)
		return fmt.Errorf("wait for CONNECT: %w", os.ErrDeadlineExceeded)
	}
	limit := c.keepAlive.Load()
	left := c.lastRead.Load() + limit - now()
	if limit > 0 && left <= 0 {
		c.t.stats.KeepAliveTimeouts.Add(1)
		c.end(wire.KeepAliveTimeout, "")
		return fmt.Errorf("keep alive [MQTT-3.1.2-22]: %w", os.ErrDeadlineExceeded)
	}
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(time.Duration(left))
	}
	c.in.armed = max(now(), 1)
	_ = c.nc.SetReadDeadline(deadline) // as in arm
	return nil
}
