package transport

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// ending is what a connection's end needs to know. closing and closed are
// written with outbound.mu held, gone and over are guarded by it.
type ending struct {
	accepted atomic.Bool   // a CONNACK that accepts has been sent
	closing  atomic.Bool   // nothing is appended any more
	closed   atomic.Bool   // the socket is closed
	closeBy  atomic.Int64  // when closing: until when the rest may be written, as now()
	over     bool          // the reading goroutine is done with the socket
	gone     chan struct{} // closed when over; made by who waits for that
}

// finish begins the orderly end: last (may be empty) is appended as the last
// packet, nothing more is accepted, and when all is written the connection
// lingers and closes. Only the first call counts.
func (c *Conn) finish(last []byte) {
	o := &c.out
	o.mu.Lock()
	if o.closing.Load() {
		o.mu.Unlock()
		return
	}
	o.closeBy.Store(now() + int64(c.t.limits.CloseTimeout))
	o.closing.Store(true)
	if len(last) > 0 {
		o.buffered.Add(int64(len(last)))
		c.gather(last, 0, 0)
		if c.connect.Load() != nil { // else it is no packet
			o.counts.add(last[0])
		}
	}
	start := c.schedule()
	stalled := o.state == flushWriting
	o.mu.Unlock()
	// The reading goroutine must not stay in a read, and a stalled write must
	// end by closeBy. On a socket that is closed already both fail, rightly.
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	if stalled {
		_ = c.nc.SetWriteDeadline(c.writeDeadline())
	}
	if start {
		c.start()
	}
}

// closeWriter is what half-closes: TCP and TLS connections.
type closeWriter interface{ CloseWrite() error }

// linger half-closes, so that the client reads all that was sent and then the
// end, and discards what it still sends: closing with unread input would reset
// the connection and take the last packets with it.
func (c *Conn) linger() {
	defer c.shut()
	if cw, ok := c.nc.(closeWriter); ok {
		if err := cw.CloseWrite(); err != nil {
			return // the client is gone
		}
	}
	limit := time.NewTimer(c.t.limits.Linger)
	defer limit.Stop()
	select {
	case <-c.awaitReader():
	case <-limit.C:
	}
	if err := c.nc.SetReadDeadline(time.Now().Add(c.t.limits.Linger)); err != nil {
		return
	}
	buf := make([]byte, 512)
	for left := c.t.limits.LingerBytes; left > 0; {
		n, err := c.nc.Read(buf)
		if left -= n; err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.t.stats.SlowCloses.Add(1)
			}
			return
		}
	}
	c.t.stats.SlowCloses.Add(1)
}

// awaitReader returns a channel that closes when the reading goroutine is done.
func (c *Conn) awaitReader() <-chan struct{} {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gone == nil {
		o.gone = make(chan struct{})
		if o.over {
			close(o.gone)
		}
	}
	return o.gone
}

// readerGone says that the reading goroutine will not touch the socket again.
func (c *Conn) readerGone() {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return
	}
	o.over = true
	if o.gone != nil {
		close(o.gone)
	}
}

// shut closes the socket now, whatever waits.
func (c *Conn) shut() {
	c.out.mu.Lock()
	c.out.closing.Store(true)
	first := c.out.closed.CompareAndSwap(false, true)
	c.out.mu.Unlock()
	if !first {
		return
	}
	if c.ws != nil {
		c.ws.stop()
	}
	if err := c.nc.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		c.t.log.Debug("close socket", "remote", c.Remote(), "error", err)
	}
	c.t.forget(c)
}
