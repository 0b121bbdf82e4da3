package transport_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

// gate is the hook that lets everybody in and attaches a plane which echoes
// every PUBLISH to its sender.
type gate struct {
	mqtt.HookBase
	mu   sync.Mutex
	ends map[string]error
	ups  map[string]bool // packet types the engine has seen, by name
}

func (g *gate) ID() string { return "gate" }

func (g *gate) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablished, mqtt.OnDisconnect, mqtt.OnPacketRead}, b) >= 0
}

func (g *gate) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (g *gate) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

func (g *gate) OnPacketRead(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ups[packets.PacketNames[pk.FixedHeader.Type]] = true
	return pk, nil
}

func (g *gate) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	c := cl.Net.Conn.(*transport.Conn)
	c.SetKeepAlive(c.Connect().KeepAlive)
	p := &plane{conn: c}
	p.onPacket = func(header byte, body []byte) error {
		var in wire.Publish
		if err := in.Parse(c.Connect().Version, header, body); err != nil {
			return err
		}
		c.Send(publish(c.Connect().Version, string(in.Topic), in.Payload))
		return nil
	}
	p.onIdle = c.Flush
	c.Attach(p)
}

func (g *gate) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ends[cl.ID] = err
}

func (g *gate) ended(tb testing.TB, id string) error {
	tb.Helper()
	var err error
	await.Until(tb, "the engine sees the end of "+id, func() (ok bool) {
		g.mu.Lock()
		defer g.mu.Unlock()
		err, ok = g.ends[id]
		return ok
	})
	return err
}

func startEngine(tb testing.TB) (tcp, ws string, g *gate, tr *transport.Transport) {
	tb.Helper()
	s := &server{Transport: transport.New(transport.Limits{}, nil)}
	engine := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	g = &gate{ends: make(map[string]error), ups: make(map[string]bool)}
	if err := engine.AddHook(g, nil); err != nil {
		tb.Fatal(err)
	}
	l := s.NewTCP("tcp", "127.0.0.1:0", nil)
	w := s.NewWebSocket("ws")
	if err := engine.AddListener(l); err != nil {
		tb.Fatal(err)
	}
	if err := engine.AddListener(w); err != nil {
		tb.Fatal(err)
	}
	if err := engine.Serve(); err != nil {
		tb.Fatal(err)
	}
	front := httptest.NewServer(w)
	tb.Cleanup(func() {
		if err := engine.Close(); err != nil {
			tb.Errorf("close engine: %v", err)
		}
		s.stop(tb)
		front.Close()
	})
	return l.Address(), front.URL, g, s.Transport
}

func TestTCP_Engine(t *testing.T) {
	addr, _, g, tr := startEngine(t)
	for _, version := range []byte{4, 5} {
		c := dial(t, addr)
		// All in one segment: what stands behind CONNECT must wait, not escape.
		c.send(connect(version, "one", 30), publish(version, "a/b", []byte("first")), []byte{0xc0, 0}, publish(version, "a/b", []byte("second")))
		if header, body := c.recv(); header != 0x20 || body[1] != 0 {
			t.Fatalf("v%d: got %x %x, want an accepting CONNACK", version, header, body)
		}
		c.want(publish(version, "a/b", []byte("first")))
		c.want([]byte{0xd0, 0})
		c.want(publish(version, "a/b", []byte("second")))
		c.send([]byte{0xe0, 0})
		c.wantEOF()
		if err := g.ended(t, "one"); err != nil {
			t.Errorf("v%d: got %v after a DISCONNECT, want none", version, err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.ups) != 2 || !g.ups["Connect"] || !g.ups["Disconnect"] {
		t.Errorf("the engine has seen %v, want Connect and Disconnect only", g.ups)
	}
	if got := tr.Stats().PacketsIn[wire.PUBLISH].Load(); got != 4 {
		t.Errorf("got %d PUBLISH counted, want 4", got)
	}
}

func TestTCP_Engine_TakeOver(t *testing.T) {
	addr, _, g, _ := startEngine(t)
	for _, version := range []byte{4, 5} {
		id := string([]byte{'v', '0' + version})
		old := dial(t, addr)
		old.send(connect(version, id, 0))
		old.recv()
		taker := dial(t, addr)
		taker.send(connect(version, id, 0))
		taker.recv()
		if version == 5 {
			if header, body := old.recv(); header != 0xe0 || len(body) == 0 || wire.Code(body[0]) != wire.SessionTakenOver {
				t.Errorf("got %x %x, want DISCONNECT session taken over", header, body)
			}
		}
		old.wantEOF() // and no DISCONNECT before it in 3.1.1
		if err := g.ended(t, id); err == nil {
			t.Errorf("v%d: got no error for the old connection, want one", version)
		}
		taker.send(publish(version, "t", nil))
		taker.want(publish(version, "t", nil))
	}
}

// The engine ends while clients come, go and stay.
func TestTCP_Engine_Close(t *testing.T) {
	for range 3 {
		s := &server{Transport: transport.New(transport.Limits{}, nil)}
		engine := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
		if err := engine.AddHook(&gate{ends: make(map[string]error), ups: make(map[string]bool)}, nil); err != nil {
			t.Fatal(err)
		}
		l := s.NewTCP("tcp", "127.0.0.1:0", nil)
		if err := engine.AddListener(l); err != nil {
			t.Fatal(err)
		}
		if err := engine.Serve(); err != nil {
			t.Fatal(err)
		}
		var clients []*client
		for i := range 100 {
			c := dial(t, l.Address())
			c.send(connect(4, fmt.Sprint("c", i), 0))
			c.recv()
			clients = append(clients, c)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, c := range clients[:80] {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
		if err := engine.Close(); err != nil {
			t.Errorf("close engine: %v", err)
		}
		wg.Wait()
		for _, c := range clients[80:] {
			c.wantEOF()
		}
		s.stop(t)
	}
}
