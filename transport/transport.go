// Package transport carries MQTT between sockets and the broker: listeners for
// TCP, TLS and WebSocket, and the connection that both the embedded engine and
// the data plane write to.
//
// A Conn is the net.Conn that the engine reads from, but the engine sees only a
// CONNECT and at the end a DISCONNECT. Everything else is framed here, on the
// engine's own reading goroutine, and handed to a Plane or answered at once. What
// anybody sends is appended to the connection's buffer; a few flushers write what
// has gathered in one system call, so that a burst is one write, and a client that
// does not read delays nobody.
//
// An idle TCP connection holds no buffer at all. Every buffer is bounded by Limits.
package transport

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// Plane is what an established connection hands its packets to. All methods
// but Drained are called on the connection's reading goroutine, one at a time.
type Plane interface {
	// Packet takes a PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE or
	// UNSUBSCRIBE. header is its first byte; body is what follows the fixed
	// header and is valid during the call only. A *wire.Error ends the
	// connection with its code, any other error with 0x80.
	Packet(header byte, body []byte) error
	// Disconnect hears of the client's DISCONNECT before the engine does. A
	// *wire.Error makes it a protocol error: the connection then ends as if
	// there had been no DISCONNECT.
	Disconnect(d *wire.Disconnect) error
	// Idle is called when all whole packets that have been read are processed
	// and the connection is about to wait: the time to flush whatever these
	// packets have made dirty.
	Idle()
	// Drained is called on a flusher's goroutine when Buffered has fallen below
	// LowWater after having been at HighWater or over it. It must not block.
	Drained()
}

// Limits bounds what connections may take. The zero value means the defaults.
type Limits struct {
	// MaxPacket is the largest packet, in bytes with its fixed header, that a
	// client may send; over it the connection ends with 0x95. Zero means 1 MiB.
	MaxPacket int
	// MaxConnect is the same for CONNECT, where nobody is known yet; over it
	// the connection closes. Zero means 64 KiB.
	MaxConnect int
	// MaxConnections is how many connections may be open over all listeners;
	// further ones are refused with 0x89. Zero means 100,000.
	MaxConnections int
	// MaxPerAddress is the same for one IPv4 address or IPv6 /64, refused with
	// 0x97. Zero means no limit of its own.
	MaxPerAddress int
	// ConnectRate is how many connections a second one address may make after a
	// first ConnectBurst; further ones wait, up to 2 s, then they are refused
	// with 0x9F. Zero means no limit; a burst of zero means five seconds' worth.
	ConnectRate  int
	ConnectBurst int
	// PublishRate, in messages a second, and PublishBytes a second bound what one
	// connection publishes: one that sends more is read more slowly, nothing is
	// dropped. Zero means no limit.
	PublishRate  int
	PublishBytes int
	// ConnectTimeout is how long a client may take to send its CONNECT (and to
	// shake hands, with TLS). Zero means 10 s.
	ConnectTimeout time.Duration
	// HighWater and LowWater, in bytes buffered for one client, decide when
	// Plane.Drained is called. Zero means 32 KiB and 16 KiB.
	HighWater int
	LowWater  int
	// MaxBuffered is how many bytes one client may have waiting; over it the
	// connection closes. Zero means 8 MiB.
	MaxBuffered int
	// WriteTimeout is how long a client may take nothing at all while bytes
	// wait for it; then the connection closes. Zero means 60 s.
	WriteTimeout time.Duration
	// CloseTimeout is how long a closing connection may take to write the rest
	// of its buffer. Zero means 5 s.
	CloseTimeout time.Duration
	// Linger is how long a half-closed connection waits for the client to
	// close, reading at most LingerBytes, so that the reason for the close is
	// not lost to a reset. Zero means 1 s and 64 KiB.
	Linger      time.Duration
	LingerBytes int
	// Flushers is how many goroutines write. Zero means GOMAXPROCS, at least 2.
	Flushers int
	// PingInterval is the time between a WebSocket's pings; a client from which
	// nothing came for three intervals is closed. Zero means 30 s.
	PingInterval time.Duration
	// Compression agrees to permessage-deflate with WebSocket clients that offer
	// it; payloads from 1 KiB on are then sent compressed.
	Compression bool
}

func (l Limits) withDefaults() Limits {
	l.MaxPacket = cmp.Or(l.MaxPacket, 1<<20)
	l.MaxConnect = cmp.Or(l.MaxConnect, 64<<10)
	l.MaxConnections = cmp.Or(l.MaxConnections, 100_000)
	l.ConnectBurst = cmp.Or(l.ConnectBurst, 5*l.ConnectRate)
	l.HighWater = cmp.Or(l.HighWater, 32<<10)
	l.LowWater = cmp.Or(l.LowWater, 16<<10)
	l.MaxBuffered = cmp.Or(l.MaxBuffered, 8<<20)
	l.LingerBytes = cmp.Or(l.LingerBytes, 64<<10)
	l.Flushers = cmp.Or(l.Flushers, max(2, runtime.GOMAXPROCS(0)))
	l.ConnectTimeout = cmp.Or(l.ConnectTimeout, 10*time.Second)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, 60*time.Second)
	l.CloseTimeout = cmp.Or(l.CloseTimeout, 5*time.Second)
	l.Linger = cmp.Or(l.Linger, time.Second)
	l.PingInterval = cmp.Or(l.PingInterval, 30*time.Second)
	return l
}

// Transport is what all listeners of a broker share: limits, counters, the
// flushers and the list of open connections.
type Transport struct {
	limits  Limits
	log     *slog.Logger
	stats   Stats
	queue   flushQueue
	workers sync.WaitGroup // the flushers
	conns   sync.WaitGroup // open connections

	webHint atomic.Pointer[string] // where HTTP is, for those who look for it here

	mu        sync.Mutex // guards what follows
	open      map[*Conn]struct{}
	addresses addresses
	refusing  int // those of open that have a refusal
	closed    bool
}

// New starts the flushers. log may be nil. Close ends them.
func New(limits Limits, log *slog.Logger) *Transport {
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	t := &Transport{limits: limits.withDefaults(), log: log, open: make(map[*Conn]struct{})}
	t.queue.init()
	for range t.limits.Flushers {
		t.workers.Go(t.flusher)
	}
	return t
}

// Stats are the live counters.
func (t *Transport) Stats() *Stats { return &t.stats }

// Limits are the limits in force, defaults filled in.
func (t *Transport) Limits() Limits { return t.limits }

// Close disconnects whoever is still connected (0x8B), waits for their buffers
// to be written until ctx ends, closes the rest hard and ends the flushers. The
// listeners are to be closed before. It is safe to call again.
func (t *Transport) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.each(func(c *Conn) { c.Disconnect(wire.ServerShuttingDown, "") })
	done := make(chan struct{})
	go func() { t.conns.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		t.each((*Conn).shut)
		<-done
	}
	t.queue.stop()
	t.workers.Wait()
	return err
}

// each calls fn with every open connection, without holding the lock.
func (t *Transport) each(fn func(*Conn)) {
	t.mu.Lock()
	open := make([]*Conn, 0, len(t.open))
	for c := range t.open {
		open = append(open, c)
	}
	t.mu.Unlock()
	for _, c := range open {
		fn(c)
	}
}

// endAll disconnects a listener's clients. Listeners do it themselves instead of
// asking the engine to, as its listeners do: the engine (v2.7.9) locks its map of
// clients for reading twice over while it collects them, which never ends when a
// client leaves in between.
func (t *Transport) endAll(listener string) {
	t.each(func(c *Conn) {
		if c.listener == listener {
			c.Disconnect(wire.ServerShuttingDown, "")
		}
	})
}

// errFull is why a connection is not taken.
var errFull = errors.New("too many connections, or shutting down")

// admit registers a connection; serve is to follow. Over Limits.MaxConnections it gets a refusal;
// an error means that it is to be closed at once.
func (t *Transport) admit(c *Conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	full := len(t.open)-t.refusing >= t.limits.MaxConnections
	if t.closed || full {
		t.stats.RefusedFull.Add(1)
	}
	if t.closed || full && t.refuse(c, wire.ServerBusy, "too many connections") != nil {
		return errFull
	}
	t.open[c] = struct{}{}
	t.conns.Add(2) // the socket's, see forget, and the reader's, see serve
	t.stats.Accepted.Add(1)
	t.stats.Open.Add(1)
	return nil
}

// forget undoes admit once the socket is closed.
func (t *Transport) forget(c *Conn) {
	t.mu.Lock()
	delete(t.open, c)
	if c.refusal != nil {
		t.refusing--
	}
	if c.counted.IsValid() {
		t.addresses.give(c.counted)
	}
	t.mu.Unlock()
	t.stats.Open.Add(-1)
	t.conns.Done()
}

// serve runs the engine's handler for one connection, on the goroutine that is
// to be the connection's reading one, unless it is taken over: then a new one
// reads on, whose stack is small.
func (t *Transport) serve(c *Conn, prepare func() error, establish func(id string, c net.Conn) error) {
	t.handle(c, prepare, establish)
	if c.taken.Load() {
		go func() {
			defer t.conns.Done()
			t.live(c)
		}()
		return
	}
	// The connection may be closed already: then this changes nothing.
	_ = c.Close()
	c.readerGone()
	t.conns.Done()
}

// handle calls the engine. A panic ends this connection only.
func (t *Transport) handle(c *Conn, prepare func() error, establish func(id string, c net.Conn) error) {
	defer func() {
		if r := recover(); r != nil {
			t.panicked(c, r)
		}
	}()
	if prepare != nil {
		if err := prepare(); err != nil {
			t.log.Debug("connection ended before its CONNECT", "listener", c.listener, "remote", c.Remote(), "error", err)
			return
		}
	}
	if err := c.byAddress(); err != nil {
		return
	}
	if err := establish(c.listener, c); err != nil {
		t.log.Debug("the engine is done with a connection", "listener", c.listener, "remote", c.Remote(), "error", err)
	}
}

// panicked counts and logs a recovered panic with its stack.
func (t *Transport) panicked(c *Conn, r any) {
	t.stats.Panics.Add(1)
	stack := make([]byte, 8<<10)
	stack = stack[:runtime.Stack(stack, false)]
	t.log.Error("panic while serving a connection; the connection is closed",
		"listener", c.listener, "remote", c.Remote(), "panic", r, "stack", string(stack))
}
