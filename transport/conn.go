package transport

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// Conn is one client's connection: the net.Conn that the engine reads and
// writes, and what the data plane sends through. Its methods are safe for
// concurrent use, except Read, Attach and what else says so.
type Conn struct {
	t        *Transport
	nc       net.Conn
	raw      syscall.RawConn // nil: nc cannot say when it is ready, so reads and writes block
	ws       *wsCodec        // nil: MQTT without WebSocket frames
	listener string
	connect  atomic.Pointer[wire.Connect]
	// keepAlive is the longest silence allowed, in nanoseconds; 0 = no limit.
	keepAlive atomic.Int64
	// lastRead is when bytes last came, in nanoseconds since epoch.
	lastRead atomic.Int64
	// remote is the client's address where it is not the socket's.
	remote  atomic.Pointer[net.TCPAddr]
	counted netip.Prefix // what addresses counts it for; Transport.mu guards it
	// refusal is what the CONNECT is answered with, whatever it says. It is set
	// with Transport.mu held, before anything is read.
	refusal *wire.Error
	pace    *publishPace           // nil: no limit
	taken   atomic.Bool            // see TakeOver
	auth    func(*wire.Auth) error // see OnAuth
	in      inbound
	out     outbound
}

// epoch is what lastRead counts from; monotonic.
var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// newConn wraps an accepted socket. early is what was read from it before.
func (t *Transport) newConn(nc net.Conn, listener string, ws *wsCodec) *Conn {
	c := &Conn{t: t, nc: nc, raw: rawConn(nc), ws: ws, listener: listener}
	c.lastRead.Store(now())
	c.in.limit = t.limits.MaxConnect
	if t.limits.PublishRate > 0 || t.limits.PublishBytes > 0 {
		c.pace = &publishPace{}
	}
	if c.raw != nil {
		c.in.ready = c.readReady
		c.out.ready = c.writeReady
	}
	return c
}

// Connect is the client's CONNECT, nil before it has been read. It must not be
// changed.
func (c *Conn) Connect() *wire.Connect { return c.connect.Load() }

// Attach makes p the receiver of all packets from now on. It is called once, on
// the reading goroutine, after the CONNACK: from the engine's hook
// OnSessionEstablished. What the client sent before is waiting and comes next.
func (c *Conn) Attach(p Plane) {
	c.in.plane = p
	c.out.mu.Lock()
	c.out.plane = p
	c.out.mu.Unlock()
}

// SetKeepAlive ends the connection (0x8D) when nothing comes for one and a half
// times as many seconds [MQTT-3.1.2-22]; 0 means never. It takes effect when
// the connection next waits for input, so it is for the hooks, which run on the
// reading goroutine.
func (c *Conn) SetKeepAlive(seconds uint16) {
	c.keepAlive.Store(int64(seconds) * int64(time.Second) * 3 / 2)
}

// Remote is the peer's address as host:port.
func (c *Conn) Remote() string { return c.RemoteAddr().String() }

// Listener is the id of the listener that took the connection.
func (c *Conn) Listener() string { return c.listener }

// TLS returns the state of the TLS connection, ok false without TLS. Complete
// once the CONNECT has been read.
func (c *Conn) TLS() (state tls.ConnectionState, ok bool) {
	if tc, is := c.nc.(*tls.Conn); is {
		return tc.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// RefuseConnect answers the CONNECT with the code, in the client's version, and
// closes. After the CONNACK of an accepted connection it is Disconnect.
func (c *Conn) RefuseConnect(code wire.Code, reason string) {
	c.t.stats.Refused[code].Add(1)
	c.end(code, reason)
}

// Disconnect ends the connection: an MQTT 5 client gets a DISCONNECT with the
// code and reason, what is buffered is written, then the connection half-closes,
// drains and closes. Before the CONNACK nothing is sent. It returns at once;
// only the first call counts.
func (c *Conn) Disconnect(code wire.Code, reason string) {
	if !c.out.accepted.Load() {
		c.finish(nil)
		return
	}
	c.end(code, reason)
}

// end closes with a CONNACK or DISCONNECT, whichever is due.
func (c *Conn) end(code wire.Code, reason string) {
	var version byte
	if cp := c.connect.Load(); cp != nil {
		version = cp.Version
	}
	var frame []byte
	switch {
	case !c.out.accepted.Load():
		frame = c.fitting(wire.AppendConnack(nil, version, false, code, reason), wire.AppendConnack(nil, version, false, code, "")) // [MQTT-3.2.2-19]
	case version >= wire.V5:
		frame = c.fitting(wire.AppendDisconnect(nil, code, reason), wire.AppendDisconnect(nil, code, ""))
	}
	c.finish(frame)
}

// fitting is long, or short where long is over what the client takes
// [MQTT-3.1.2-24].
func (c *Conn) fitting(long, short []byte) []byte {
	if cp := c.connect.Load(); cp != nil && cp.MaximumPacketSize != 0 && uint64(len(long)) > uint64(cp.MaximumPacketSize) {
		return short
	}
	return long
}

// Write takes whole packets from the engine. It appends them and asks for a
// flush; it does not wait. A DISCONNECT to a client before MQTT 5, which has no
// such packet from a server, is swallowed.
func (c *Conn) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		header, remaining, size, err := wire.Header(rest)
		if err != nil || size == 0 || size+remaining > len(rest) {
			return 0, &wire.Error{Code: wire.ImplementationSpecific, Reason: "the engine wrote something other than whole packets"}
		}
		frame := rest[:size+remaining]
		rest = rest[size+remaining:]
		if err := c.writePacket(header, frame, size); err != nil {
			return 0, err
		}
	}
	c.Flush()
	return len(b), nil
}

func (c *Conn) writePacket(header byte, frame []byte, size int) error {
	cp := c.connect.Load()
	switch {
	case c.out.closing.Load():
		return net.ErrClosed
	case header>>4 == wire.DISCONNECT:
		if cp != nil && cp.Version >= wire.V5 {
			c.finish(frame)
		}
		return nil
	}
	c.Send(frame)
	if header>>4 == wire.CONNACK && len(frame) > size+1 && frame[size+1] == 0 {
		c.out.accepted.Store(true) // only now: no DISCONNECT may overtake the CONNACK
	}
	return nil
}

// Close ends the connection in good order: what is buffered is written, the
// connection half-closes, drains and closes, all of it in the background. It
// never fails. After TakeOver it does nothing.
func (c *Conn) Close() error {
	if !c.taken.Load() {
		c.finish(nil)
	}
	return nil
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr implements net.Conn. Behind a trusted proxy it is the client's
// address as the proxy tells it.
func (c *Conn) RemoteAddr() net.Addr {
	if a := c.remote.Load(); a != nil {
		return a
	}
	return c.nc.RemoteAddr()
}

// SetDeadline implements net.Conn and does nothing: the engine's idea of the
// keep alive overflows, see SetKeepAlive.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn and does nothing, as SetDeadline.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn and does nothing: writes do not wait.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

var _ net.Conn = (*Conn)(nil)
