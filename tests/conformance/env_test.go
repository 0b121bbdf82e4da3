package conformance_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/fitmq/fitmq/broker/brokertest"
)

// patience is how long a row waits for what must come.
const patience = 10 * time.Second

// env is what a row works with: a version, a transport, a broker that others
// use at the same time, and names that nobody else uses.
type env struct {
	t       *testing.T
	version byte
	via     string // "tcp" or "ws"
	b       *brokertest.Server
	unique  string
	opened  []*client
	failure string
}

var sequence atomic.Int64

func newEnv(t *testing.T, version byte, via string, b *brokertest.Server) *env {
	return &env{t: t, version: version, via: via, b: b, unique: fmt.Sprintf("r%d", sequence.Add(1))}
}

// failed is what Fatalf panics with.
type failed struct{}

// try runs a row and returns why it fails, or "".
func (e *env) try(run func(*env)) string {
	defer func() {
		for _, c := range e.opened {
			c.conn.Close()
		}
	}()
	func() {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(failed); !ok {
					panic(r)
				}
			}
		}()
		run(e)
	}()
	return e.failure
}

// Errorf notes a failure and goes on.
func (e *env) Errorf(format string, args ...any) {
	at := ""
	for skip := 1; skip < 12; skip++ {
		if _, file, line, ok := runtime.Caller(skip); ok && strings.HasSuffix(file, "_rows_test.go") {
			at = fmt.Sprintf("%s:%d: ", file[strings.LastIndexByte(file, '/')+1:], line)
			break
		}
	}
	if e.failure != "" {
		e.failure += "\n"
	}
	e.failure += at + fmt.Sprintf(format, args...)
}

// Fatalf notes a failure and ends the row.
func (e *env) Fatalf(format string, args ...any) {
	e.Errorf(format, args...)
	panic(failed{})
}

// is5 says whether the row runs for MQTT 5.
func (e *env) is5() bool { return e.version == v5 }

// id is a client identifier of this row's own.
func (e *env) id(name string) string { return e.unique + name }

// topic is a topic, or a filter, of this row's own.
func (e *env) topic(name string) string { return e.unique + "/" + name }

// dial opens a connection over the row's transport and says nothing yet.
func (e *env) dial() *client {
	c := &client{e: e, version: e.version}
	if e.via == "ws" {
		c.conn = e.upgrade("mqtt")
	} else {
		conn, err := net.DialTimeout("tcp", e.b.MQTT, patience)
		if err != nil {
			e.Fatalf("connect: %v", err)
		}
		c.conn = conn
	}
	c.r = bufio.NewReader(c.conn)
	e.opened = append(e.opened, c)
	return c
}

// upgrade opens a WebSocket.
func (e *env) upgrade(protocols ...string) *wsConn {
	w, err := e.tryUpgrade(protocols)
	if err != nil {
		e.Fatalf("upgrade: %v", err)
	}
	return w
}

// upgrades tells whether the broker upgrades for these subprotocols.
func (e *env) upgrades(protocols ...string) bool {
	w, err := e.tryUpgrade(protocols)
	if err == nil {
		w.Close()
	}
	return err == nil
}

func (e *env) tryUpgrade(protocols []string) (*wsConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d := ws.Dialer{Protocols: protocols}
	conn, early, hs, err := d.Dial(ctx, "ws://"+e.b.HTTP+"/mqtt")
	if err != nil {
		return nil, err
	}
	w := &wsConn{Conn: conn, r: early, protocol: hs.Protocol}
	if early == nil {
		w.r = bufio.NewReader(conn)
	}
	return w, nil
}

// wsConn carries MQTT in WebSocket frames: what is written is one binary frame.
type wsConn struct {
	net.Conn
	r        *bufio.Reader
	protocol string
	left     []byte
	frames   int           // data frames read
	code     ws.StatusCode // of the close frame, once there was one
}

// Write sends b as one frame.
func (c *wsConn) Write(b []byte) (int, error) {
	if err := c.writeFrame(ws.NewBinaryFrame(append([]byte(nil), b...))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *wsConn) writeFrame(f ws.Frame) error {
	return ws.WriteFrame(c.Conn, ws.MaskFrameInPlace(f))
}

// Read reads from the data of the frames that come, and answers pings.
func (c *wsConn) Read(b []byte) (int, error) {
	for len(c.left) == 0 {
		f, err := readFrame(c.r)
		if err != nil {
			return 0, err
		}
		switch f.Header.OpCode {
		case ws.OpBinary, ws.OpContinuation:
			c.left = f.Payload
			c.frames++
		case ws.OpText:
			return 0, fmt.Errorf("the broker sent a text frame [MQTT-6.0.0-1]")
		case ws.OpPing:
			if err := c.writeFrame(ws.NewPongFrame(f.Payload)); err != nil {
				return 0, err
			}
		case ws.OpClose:
			c.code, _ = ws.ParseCloseFrameData(f.Payload)
		}
	}
	n := copy(b, c.left)
	c.left = c.left[n:]
	return n, nil
}

// readFrame reads one frame of at most 16 MiB.
func readFrame(r io.Reader) (ws.Frame, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return ws.Frame{}, err
	}
	if h.Length > 16<<20 {
		return ws.Frame{}, fmt.Errorf("the broker sent a frame of %d bytes", h.Length)
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

// restart ends the row's broker, which must be its own, and starts it anew on
// the same data.
func (e *env) restart(dir string) {
	e.b.Stop()
	e.b = startBroker(e.t, dataDir(dir))
}

// elapse returns when d has passed on the broker's side: when the keep alive of
// a silent connection has run out. d is in whole seconds from 2 on.
func (e *env) elapse(seconds int) {
	keepAlive := max(1, seconds*2/3)
	start := time.Now()
	c := e.open(connect{id: e.unique + fmt.Sprintf("clock%d", len(e.opened)), clean: true, keepAlive: keepAlive})
	if c.is5() {
		c.want(tDISCONNECT)
	}
	c.eof()
	if got := time.Since(start); got < time.Duration(keepAlive)*3*time.Second/2 {
		e.Fatalf("a keep alive of %d s ran out after %v", keepAlive, got)
	}
}
