package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

const patience = 10 * time.Second

// plane records what it is given.
type plane struct {
	conn     *transport.Conn
	onPacket func(header byte, body []byte) error
	onIdle   func()
	silent   bool // record no packets

	mu      sync.Mutex
	packets [][]byte
	bye     *wire.Disconnect
	idles   int
	drained int
}

func (p *plane) Packet(header byte, body []byte) error {
	if !p.silent {
		p.mu.Lock()
		p.packets = append(p.packets, append([]byte{header}, body...))
		p.mu.Unlock()
	}
	if p.onPacket != nil {
		return p.onPacket(header, body)
	}
	return nil
}

func (p *plane) Disconnect(d *wire.Disconnect) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bye = d
	return nil
}

func (p *plane) Idle() {
	p.mu.Lock()
	p.idles++
	p.mu.Unlock()
	if p.onIdle != nil {
		p.onIdle()
	}
}

func (p *plane) Drained() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drained++
}

func (p *plane) got() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packets
}

// server is a transport with a stand-in for the engine: it accepts every
// CONNECT, attaches a plane and reads until the end.
type server struct {
	*transport.Transport
	addr string
	// prepare may set up a plane before it is attached; called on the reader.
	prepare func(p *plane)

	mu    sync.Mutex
	up    []byte // what the engine read
	ends  []error
	conns []*plane
}

func (s *server) establish(id string, nc net.Conn) (err error) {
	c := nc.(*transport.Conn)
	buf := make([]byte, 2048)
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ends = append(s.ends, err)
	}()
	n, err := c.Read(buf)
	if err != nil {
		return err
	}
	s.note(buf[:n])
	version := c.Connect().Version
	if _, err := c.Write(wire.AppendConnack(nil, version, false, wire.Success, "")); err != nil {
		return err
	}
	p := &plane{conn: c}
	if s.prepare != nil {
		s.prepare(p)
	}
	s.mu.Lock()
	s.conns = append(s.conns, p)
	s.mu.Unlock()
	c.SetKeepAlive(c.Connect().KeepAlive)
	c.Attach(p)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		s.note(buf[:n])
		if bytes.Equal(buf[:n], []byte{0xe0, 0}) {
			return nil
		}
	}
}

func (s *server) note(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = append(s.up, b...)
}

func (s *server) planes() []*plane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// plane waits for the i-th connection.
func (s *server) plane(tb testing.TB, i int) *plane {
	tb.Helper()
	await.Until(tb, "connection established", func() bool { return len(s.planes()) > i })
	return s.planes()[i]
}

// end waits for the i-th connection's end.
func (s *server) end(tb testing.TB, i int) error {
	tb.Helper()
	var err error
	await.Until(tb, "connection ended", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.ends) <= i {
			return false
		}
		err = s.ends[i]
		return true
	})
	return err
}

func startServer(tb testing.TB, limits transport.Limits, prepare func(p *plane)) *server {
	tb.Helper()
	s := &server{Transport: transport.New(limits, nil), prepare: prepare}
	l := s.NewTCP("tcp", "127.0.0.1:0", nil)
	if err := l.Init(nil); err != nil {
		tb.Fatal(err)
	}
	s.addr = l.Address()
	go l.Serve(s.establish)
	tb.Cleanup(func() {
		l.Close(func(string) {})
		s.stop(tb)
	})
	return s
}

func (s *server) stop(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		tb.Errorf("close transport: %v", err)
	}
	if got := s.Stats().Open.Load(); got != 0 {
		tb.Errorf("got %d connections open after Close, want 0", got)
	}
}

// client is a raw MQTT client.
type client struct {
	net.Conn
	tb testing.TB
}

func dial(tb testing.TB, addr string) *client {
	tb.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// Most tests have closed it.
		_ = nc.Close()
	})
	if err := nc.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		tb.Fatal(err)
	}
	return &client{Conn: nc, tb: tb}
}

func (c *client) send(parts ...[]byte) {
	c.tb.Helper()
	if _, err := c.Write(bytes.Join(parts, nil)); err != nil {
		c.tb.Fatalf("write: %v", err)
	}
}

// recv reads one packet.
func (c *client) recv() (header byte, body []byte) {
	c.tb.Helper()
	header, body, err := c.next()
	if err != nil {
		c.tb.Fatalf("read packet: %v", err)
	}
	return header, body
}

func (c *client) next() (header byte, body []byte, err error) {
	var b []byte
	one := make([]byte, 1)
	for {
		if _, err := io.ReadFull(c, one); err != nil {
			return 0, nil, err
		}
		b = append(b, one[0])
		header, remaining, size, err := wire.Header(b)
		if err != nil {
			return 0, nil, err
		}
		if size > 0 {
			body = make([]byte, remaining)
			_, err = io.ReadFull(c, body)
			return header, body, err
		}
	}
}

func (c *client) want(frame []byte) {
	c.tb.Helper()
	got := make([]byte, len(frame))
	if n, err := io.ReadFull(c, got); err != nil {
		c.tb.Fatalf("got %x and %v, want %x", got[:n], err, frame)
	}
	if !bytes.Equal(got, frame) {
		c.tb.Fatalf("got %x, want %x", got, frame)
	}
}

func (c *client) wantEOF() {
	c.tb.Helper()
	n, err := io.Copy(io.Discard, c)
	if err != nil || n > 0 {
		c.tb.Fatalf("got %d bytes and error %v, want the end of the stream", n, err)
	}
}

// connect encodes a CONNECT.
func connect(version byte, id string, keepAlive byte) []byte {
	body := append([]byte("\x00\x04MQTT"), version, 2, 0, keepAlive)
	if version == 5 {
		body = append(body, 0)
	}
	body = append(append(body, 0, byte(len(id))), id...)
	return append([]byte{0x10, byte(len(body))}, body...)
}

func connack(version byte) []byte {
	return wire.AppendConnack(nil, version, false, wire.Success, "")
}

// open dials and connects.
func (s *server) open(tb testing.TB, version byte, id string) *client {
	tb.Helper()
	c := dial(tb, s.addr)
	c.send(connect(version, id, 0))
	c.want(connack(version))
	return c
}

func publish(version byte, topic string, payload []byte) []byte {
	frame, _ := wire.AppendPublish(nil, version, &wire.PublishOut{Topic: topic, Payload: payload})
	return frame
}

func isCode(err error, code wire.Code) bool {
	var we *wire.Error
	return errors.As(err, &we) && we.Code == code
}
