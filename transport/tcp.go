package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// TCP is a listener for MQTT over TCP, or TLS. It implements the engine's
// listeners.Listener.
type TCP struct {
	t       *Transport
	id      string
	address string
	config  *tls.Config
	proxies []netip.Prefix
	log     *slog.Logger

	mu     sync.Mutex // guards listen and closed
	listen net.Listener
	closed bool
}

var _ listeners.Listener = (*TCP)(nil)

// NewTCP makes a listener for an address like ":1883". With a config it speaks
// TLS. It listens from Init on.
func (t *Transport) NewTCP(id, address string, config *tls.Config) *TCP {
	return &TCP{t: t, id: id, address: address, config: config, log: t.log}
}

// NewTCPOn is NewTCP for a socket that listens already. Close closes it.
func (t *Transport) NewTCPOn(id string, listen net.Listener, config *tls.Config) *TCP {
	return &TCP{t: t, id: id, listen: listen, config: config, log: t.log}
}

// ID implements listeners.Listener.
func (l *TCP) ID() string { return l.id }

// Address is the address that is listened on, with the real port once Init has
// been called.
func (l *TCP) Address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listen != nil {
		return l.listen.Addr().String()
	}
	return l.address
}

// Protocol is "tcp" or "tls".
func (l *TCP) Protocol() string {
	if l.config != nil {
		return "tls"
	}
	return "tcp"
}

// Init opens the address, unless it is open.
func (l *TCP) Init(log *slog.Logger) error {
	if log != nil {
		l.log = log
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listen != nil {
		return nil
	}
	listen, err := net.Listen("tcp", l.address)
	if err != nil {
		return fmt.Errorf("listen for MQTT on %s: %w", l.address, err)
	}
	l.listen = listen
	return nil
}

// The pause after a failed accept doubles from minPause to maxPause, and starts
// anew after a good one.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// Serve accepts until Close. An error of accepting, such as too many open
// files, is counted, logged and waited out: it does not end the listener.
func (l *TCP) Serve(establish listeners.EstablishFn) {
	l.mu.Lock()
	listen := l.listen
	l.mu.Unlock()
	if listen == nil {
		return
	}
	pause := minPause
	for {
		nc, err := listen.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			l.t.stats.AcceptErrors.Add(1)
			l.log.Error("accept failed, trying again", "error", err, "pause", pause)
			time.Sleep(pause)
			pause = min(2*pause, maxPause)
			continue
		}
		pause = minPause
		l.accept(nc, establish)
	}
}

// accept starts a connection's goroutine.
func (l *TCP) accept(nc net.Conn, establish listeners.EstablishFn) {
	sock := nc
	if l.config != nil {
		nc = tls.Server(nc, l.config)
	}
	c := l.t.newConn(nc, l.id, nil)
	if err := l.t.admit(c); err != nil {
		// Closed without a word: there is no room even to say why.
		_ = nc.Close()
		return
	}
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed { // Close may have missed it
		c.finish(nil)
	}
	go l.t.serve(c, l.preparation(c, sock), establish)
}

// preparation is what comes before MQTT on this listener, nil where that is
// nothing: the PROXY header, the TLS handshake. One deadline holds until the
// CONNECT is read.
func (l *TCP) preparation(c *Conn, sock net.Conn) func() error {
	proxied := l.trusts(sock.RemoteAddr())
	tc, secure := c.nc.(*tls.Conn)
	if !proxied && !secure {
		return nil
	}
	return func() error {
		if err := sock.SetDeadline(time.Now().Add(l.t.limits.ConnectTimeout)); err != nil {
			return err
		}
		c.in.armed = 1
		if c.out.closing.Load() { // finish has set its own deadline, which is overwritten now
			return net.ErrClosed
		}
		if proxied {
			if err := c.readProxyHeader(sock); err != nil {
				return err
			}
		}
		if secure { // here and not at the first read, since it writes
			if err := tc.Handshake(); err != nil {
				l.t.stats.RefusedTLS.Add(1)
				return fmt.Errorf("TLS handshake: %w", err)
			}
		}
		return sock.SetWriteDeadline(time.Time{})
	}
}

// Close stops listening and disconnects this listener's clients (0x8B). The
// engine's function for that is not called, see Transport.endAll.
func (l *TCP) Close(listeners.CloseFn) {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	listen := l.listen
	l.mu.Unlock()
	if !first {
		return
	}
	if listen != nil {
		if err := listen.Close(); err != nil {
			l.log.Warn("close listener", "error", err)
		}
	}
	l.t.endAll(l.id)
}
