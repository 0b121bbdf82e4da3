package transport

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// What the flushers do with a connection.
type flushState uint8

const (
	flushIdle    flushState = iota
	flushQueued             // in the queue: whatever is appended until it is popped goes with it
	flushWriting            // one goroutine owns the write side
)

// outbound is the write side: two buffers, one that gathers and one that is
// being written.
type outbound struct {
	mu       sync.Mutex // guards all of this but the atomics, next and flight
	gather   *block     // appended and not yet taken; nil when empty
	gathered int        // how much of buffered gather is
	// control holds WebSocket control frames, complete, which go before the
	// data of the next flush.
	control []byte
	counts  tally
	plane   Plane
	state   flushState
	again   bool // Flush was called while writing
	owed    bool // a Send has said dirty and its Flush has not taken effect
	high    bool // HighWater was reached, Drained is due

	next *Conn // flushQueue's

	buffered atomic.Int64 // bytes appended and not yet written

	flight
	ending
}

// flight is what is being written; it belongs to the goroutine that has put the
// state to flushWriting.
type flight struct {
	block *block
	rest  []byte
	// framing is how many bytes of rest are not counted in buffered.
	framing int
	wait    bool // in ready: wait for writability instead of giving up
	n       int  // what ready wrote
	err     error
	ready   func(fd uintptr) bool
}

// errSocketFull is what a write that may not wait says.
var errSocketFull = errors.New("socket is full")

// Send appends a whole packet to the buffer. dirty is true when nothing was
// waiting for a Flush before: the caller then owes one. Once the connection is
// closing it does nothing. A client over Limits.MaxBuffered is cut off.
func (c *Conn) Send(frame []byte) (dirty bool) { return c.send(frame, 0, 0) }

// SendID is Send with the two bytes at offset at replaced by id.
func (c *Conn) SendID(frame []byte, at int, id uint16) (dirty bool) { return c.send(frame, at, id) }

func (c *Conn) send(frame []byte, at int, id uint16) (dirty bool) {
	o := &c.out
	o.mu.Lock()
	if !c.admit(len(frame)) {
		o.mu.Unlock()
		return false
	}
	c.gather(frame, at, id)
	dirty = o.appended(frame[0], len(frame))
	o.mu.Unlock()
	return dirty
}

// append is Send for what fn appends to the buffer, size bytes that begin a
// packet with the header.
func (c *Conn) append(header byte, size int, fn func([]byte) []byte) (dirty bool) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if !c.admit(size) {
		return false
	}
	if o.gather == nil {
		o.gather = takeWrite(c.headroom())
	}
	o.gather.b = fn(o.gather.b)
	return o.appended(header, size)
}

// admit counts size more bytes, with mu held; false when nothing more may be
// appended.
func (c *Conn) admit(size int) bool {
	o := &c.out
	if o.closing.Load() {
		return false
	}
	n := o.buffered.Add(int64(size))
	if n > int64(c.t.limits.MaxBuffered) {
		o.closing.Store(true)
		c.t.stats.Overflows.Add(1)
		go c.shut() // closing TLS may wait
		return false
	}
	if n >= int64(c.t.limits.HighWater) {
		o.high = true
	}
	return true
}

// appended counts a packet, with mu held; dirty is Send's answer.
func (o *outbound) appended(header byte, size int) (dirty bool) {
	o.gathered += size
	o.counts.add(header)
	dirty = !o.owed
	o.owed = true
	return dirty
}

// gather appends with mu held.
func (c *Conn) gather(frame []byte, at int, id uint16) {
	o := &c.out
	if o.gather == nil {
		o.gather = takeWrite(c.headroom())
	}
	start := len(o.gather.b)
	o.gather.b = append(o.gather.b, frame...)
	if at > 0 {
		binary.BigEndian.PutUint16(o.gather.b[start+at:], id)
	}
}

// headroom is what a flush needs in front of the data.
func (c *Conn) headroom() int {
	if c.ws != nil {
		return wsHeadroom
	}
	return 0
}

// Buffered is how many bytes wait to be written, those in a write that is under
// way included.
func (c *Conn) Buffered() int { return int(c.out.buffered.Load()) }

// Flush has everything appended so far written soon. It does not wait.
func (c *Conn) Flush() {
	o := &c.out
	o.mu.Lock()
	if o.gather == nil && o.control == nil {
		o.mu.Unlock()
		return
	}
	start := c.schedule()
	o.mu.Unlock()
	if start {
		c.start()
	}
}

// schedule, with mu held, notes that a flush is wanted. True: the caller calls
// start after releasing mu.
func (c *Conn) schedule() bool {
	switch c.out.state {
	case flushIdle:
		c.out.state = flushQueued
		return true
	case flushWriting:
		c.out.again = true
	}
	return false
}

// start hands the connection to a flusher. Where a write may block, as with
// TLS, it gets a goroutine of its own.
func (c *Conn) start() {
	if c.raw == nil {
		go c.flush()
		return
	}
	c.t.queue.push(c)
}

// flush writes what has gathered, and again as long as Flush is called
// meanwhile. A full socket is left to a goroutine of its own.
func (c *Conn) flush() {
	for {
		c.take()
		err := c.writeRest(false)
		if errors.Is(err, errSocketFull) {
			c.t.stats.Stalls.Add(1)
			go c.flushStalled()
			return
		}
		if err != nil {
			c.fail(err)
			return
		}
		if !c.written() {
			return
		}
	}
}

// flushStalled goes on where flush met a full socket, and waits.
func (c *Conn) flushStalled() {
	err := c.writeRest(true)
	if err == nil {
		// What the deadline of the waiting was must not fail a later write;
		// an error means the socket is closed, which the next write tells.
		_ = c.nc.SetWriteDeadline(time.Time{})
	}
	switch {
	case err != nil:
		c.fail(err)
	case c.written():
		c.flush()
	}
}

// take makes what has gathered the flight.
func (c *Conn) take() {
	o := &c.out
	o.mu.Lock()
	o.state = flushWriting
	o.again, o.owed = false, false
	o.block, o.gather = o.gather, nil
	control := o.control
	o.control = nil
	last := o.closing.Load()
	o.counts.fold(&c.t.stats.PacketsOut)
	size := o.gathered
	o.gathered = 0
	o.rest, o.framing = nil, 0
	if o.block != nil {
		o.rest = o.block.b
		if c.ws != nil {
			o.rest = c.ws.runs.end(o.rest) // before the next Send begins a new run
		}
	}
	o.mu.Unlock()
	if c.ws != nil {
		o.rest = c.ws.around(control, o.rest, last)
		o.framing = len(o.rest) - size
	}
	if len(o.rest) > 0 {
		c.t.stats.Writes.Add(1)
	}
}

// writeRest writes the flight. Without wait it returns errSocketFull when the
// socket takes no more.
func (c *Conn) writeRest(wait bool) error {
	o := &c.out
	for len(o.rest) > 0 {
		n, err := c.writeSome(wait)
		c.t.stats.BytesOut.Add(int64(n))
		o.rest = o.rest[n:]
		framing := min(n, o.framing)
		o.framing -= framing
		o.buffered.Add(int64(framing - n))
		if err != nil {
			return err
		}
		if wait {
			c.checkDrained()
		}
	}
	return nil
}

// plainWrite is how much goes into one blocking write, so that a slow client's
// progress is seen.
const plainWrite = 16 << 10

// writeSome writes once; with wait it waits, at most Limits.WriteTimeout, until
// something can be written.
func (c *Conn) writeSome(wait bool) (int, error) {
	o := &c.out
	if wait || c.raw == nil {
		if err := c.nc.SetWriteDeadline(c.writeDeadline()); err != nil {
			return 0, err
		}
	}
	if c.raw == nil {
		return c.nc.Write(o.rest[:min(len(o.rest), plainWrite)])
	}
	o.wait, o.n, o.err = wait, 0, nil
	if err := c.raw.Write(o.ready); err != nil {
		return o.n, err
	}
	return o.n, o.err
}

func (c *Conn) writeDeadline() time.Time {
	d := c.t.limits.WriteTimeout
	if c.out.closing.Load() {
		d = min(d, time.Duration(c.out.closeBy.Load()-now()))
	}
	return time.Now().Add(d)
}

// written ends a flight. True: there is more, and the caller goes on.
func (c *Conn) written() (more bool) {
	o := &c.out
	giveWrite(o.block)
	o.block, o.rest = nil, nil
	c.checkDrained()
	o.mu.Lock()
	closing := o.closing.Load()
	more = o.again || closing && (o.gather != nil || o.control != nil)
	if !more && !closing {
		o.state = flushIdle
	}
	o.mu.Unlock()
	if !more && closing {
		go c.linger() // the state stays flushWriting: nobody else writes any more
	}
	return more
}

// checkDrained calls Drained when it is due.
func (c *Conn) checkDrained() {
	o := &c.out
	if o.buffered.Load() >= int64(c.t.limits.LowWater) {
		return
	}
	o.mu.Lock()
	plane := o.plane
	due := o.high && plane != nil && !o.closing.Load()
	o.high = o.high && !due
	o.mu.Unlock()
	if !due {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			c.t.panicked(c, r)
			c.shut()
		}
	}()
	plane.Drained()
}

// fail ends a connection whose socket cannot be written, and drops what waits.
func (c *Conn) fail(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.stats.WriteTimeouts.Add(1)
	}
	c.shut()
	o := &c.out
	giveWrite(o.block)
	o.block, o.rest = nil, nil
	o.mu.Lock()
	giveWrite(o.gather)
	o.gather, o.control = nil, nil
	o.buffered.Store(0)
	o.mu.Unlock()
}
