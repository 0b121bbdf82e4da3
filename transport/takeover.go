package transport

import (
	"fmt"
	"io"
)

// errTakenOver is what the engine's reader is told once the connection is no
// longer its business.
var errTakenOver = fmt.Errorf("the connection is served without the engine: %w", io.EOF)

// TakeOver ends the engine's part in the connection: its next Read says that
// nothing more comes, and its Close is ignored. From then on a goroutine of the
// transport reads, which needs a fraction of the memory that the engine's two
// hold for every client: a stack that the CONNECT has not grown, and no tables.
// ended is called when the connection has ended. TakeOver is called once, after
// Attach, on the reading goroutine.
func (c *Conn) TakeOver(ended func()) {
	c.in.ended = ended
	c.taken.Store(true)
}

// TakenOver reports whether TakeOver was called.
func (c *Conn) TakenOver() bool { return c.taken.Load() }

// run reads until the connection ends.
func (c *Conn) run() {
	in := &c.in
	for in.last == nil {
		in.last = c.advance()
		in.up = nil // a DISCONNECT, which has been heard
	}
	in.drop()
	c.readerGone()
	c.finish(nil)
	in.ended()
}

// live is run, with a panic ending this connection only.
func (t *Transport) live(c *Conn) {
	defer func() {
		if r := recover(); r != nil {
			t.panicked(c, r)
			c.readerGone()
			c.finish(nil)
		}
	}()
	c.run()
}
