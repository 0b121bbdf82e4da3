package hooks_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/hooks"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/transport"
)

// everybody is the ports of a data plane that allows all.
type everybody struct{}

func (everybody) MayPublish(*delivery.Client, string) string   { return "" }
func (everybody) MaySubscribe(*delivery.Client, string) string { return "" }
func (everybody) MayReceive(*delivery.Client, string) bool     { return true }
func (everybody) Plain(string) bool                            { return true }
func (everybody) Judge(_ *delivery.Client, m *delivery.Message) delivery.Verdict {
	return delivery.Verdict{Deliver: true, Retain: m.Retain}
}
func (everybody) Applied(store.Pos, *delivery.Message)                           {}
func (everybody) Position() store.Pos                                            { return 0 }
func (everybody) Connected(*delivery.Client)                                     {}
func (everybody) Disconnected(*delivery.Client, bool)                            {}
func (everybody) Subscribed(*delivery.Client, string)                            {}
func (everybody) Unsubscribed(*delivery.Client, string)                          {}
func (everybody) Refused(*delivery.Client, *delivery.Message, wire.Code, string) {}
func (everybody) Skipped(*delivery.Client, int)                                  {}
func (everybody) Revoked(*delivery.Client, string, string)                       {}
func (everybody) Acknowledged(*delivery.Client, *delivery.Message)               {}
func (everybody) Anonymous() bool                                                { return true }
func (everybody) SignIn(_ context.Context, p access.Proof) (access.Identity, error) {
	if p.Secret != "right" {
		return access.Identity{}, access.ErrBadCredentials
	}
	return access.Identity{UserID: p.User, Role: access.Member}, nil
}

type ending struct {
	listeners.Listener
	set *hooks.Set
}

func (e ending) Serve(establish listeners.EstablishFn) {
	e.Listener.Serve(func(id string, c net.Conn) error {
		defer e.set.Ended(c)
		return establish(id, c)
	})
}

// startEngine runs the embedded engine with our hooks on a free port.
func startEngine(t *testing.T) (addr string) { t.Helper(); return startEngineWith(t, everybody{}) }

func startEngineWith(t *testing.T, auth hooks.Authenticator) (addr string) {
	t.Helper()
	st, err := bolt.Open(t.TempDir(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	hub, err := delivery.New(t.Context(), delivery.Options{Store: st, Policy: everybody{}, Meaning: everybody{}, Observer: everybody{}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	tr := transport.New(transport.Limits{}, log)
	server := mqtt.New(&mqtt.Options{Logger: log})
	set := hooks.New(hub, auth, hooks.Announce{MaximumPacketSize: 4096, TopicAliasMaximum: 7, SessionExpiry: 100}, log)
	if err := set.Add(server); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.AddListener(ending{tr.NewTCPOn("tcp", l, nil), set}); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closing, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		if err := errors.Join(server.Close(), tr.Close(closing)); err != nil {
			t.Error(err)
		}
		cancel()
		if err := errors.Join(<-done, st.Close()); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// peer speaks MQTT in bytes.
type peer struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test's end of it
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &peer{t: t, c: c, r: bufio.NewReader(c)}
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.c.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// read returns the next packet's first byte and body.
func (p *peer) read() (byte, []byte) {
	p.t.Helper()
	header, err := p.r.ReadByte()
	if err != nil {
		p.t.Fatalf("read a packet: %v", err)
	}
	n, err := binary.ReadUvarint(p.r)
	if err != nil {
		p.t.Fatal(err)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(p.r, body); err != nil {
		p.t.Fatal(err)
	}
	return header, body
}

func (p *peer) ended() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); !errors.Is(err, io.EOF) {
		p.t.Errorf("got byte %02x, error %v, want the end of the connection", b, err)
	}
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func packet(header byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(binary.AppendUvarint([]byte{header}, uint64(len(body))), body...)
}

// connect5 is an MQTT 5 CONNECT with a session expiry interval of 200 s.
func connect5(id, user, password string, clean bool) []byte {
	flags := byte(0xC0)
	if clean {
		flags |= 2
	}
	return packet(0x10, text("MQTT"), []byte{5, flags, 0, 0, 5, 0x11, 0, 0, 0, 200}, text(id), text(user), text(password))
}

func (p *peer) connected(present byte) []byte {
	p.t.Helper()
	header, body := p.read()
	if header != 0x20 || body[0] != present || body[1] != 0 {
		p.t.Fatalf("got % x % x, want a CONNACK with session present %d", header, body, present)
	}
	return body[2:]
}

func TestHooks_Connack(t *testing.T) {
	addr := startEngine(t)
	t.Run("OK", func(t *testing.T) {
		p := dial(t, addr)
		p.send(connect5("c", "ana", "right", true))
		props := p.connected(0)
		for what, want := range map[string][]byte{
			"maximum packet size":           {0x27, 0, 0, 16, 0},
			"topic alias maximum":           {0x22, 0, 7},
			"session expiry that is capped": {0x11, 0, 0, 0, 100},
		} {
			if !bytes.Contains(props, want) {
				t.Errorf("CONNACK % x lacks %s", props, what)
			}
		}
	})
	t.Run("ErrPassword", func(t *testing.T) {
		p := dial(t, addr)
		p.send(connect5("c2", "ana", "wrong", true))
		if _, body := p.read(); body[1] != 0x86 {
			t.Errorf("got % x, want 0x86", body)
		}
		p.ended()
	})
	t.Run("ErrPasswordMQTT311", func(t *testing.T) {
		p := dial(t, addr)
		p.send(packet(0x10, text("MQTT"), []byte{4, 0xC2, 0, 0}, text("c3"), text("ana"), text("wrong")))
		if _, body := p.read(); body[1] != 4 {
			t.Errorf("got % x, want return code 4", body)
		}
		p.ended()
	})
	t.Run("ErrClientIDTooLong", func(t *testing.T) {
		p := dial(t, addr)
		p.send(connect5(string(bytes.Repeat([]byte("x"), 300)), "ana", "right", true))
		if _, body := p.read(); body[1] != 0x85 {
			t.Errorf("got % x, want 0x85", body)
		}
		p.ended()
	})
}

func TestHooks_TakeOver(t *testing.T) {
	addr := startEngine(t)
	first := dial(t, addr)
	first.send(connect5("c", "ana", "right", false))
	first.connected(0)
	first.send(packet(0x82, []byte{0, 1, 0}, text("a/b"), []byte{1}))
	first.read()

	thief := dial(t, addr)
	thief.send(connect5("c", "ben", "right", false))
	if _, body := thief.read(); body[1] != 0x85 {
		t.Errorf("another user's connection: got % x, want 0x85", body)
	}
	thief.ended()
	first.send([]byte{0xC0, 0})
	if header, _ := first.read(); header != 0xD0 {
		t.Errorf("the owner is disturbed: got %02x", header)
	}

	second := dial(t, addr)
	second.send(connect5("c", "ana", "right", false))
	second.connected(1)
	if header, body := first.read(); header != 0xE0 || body[0] != 0x8E {
		t.Errorf("got %02x % x, want DISCONNECT 0x8E", header, body)
	}
	first.ended()
	second.send(packet(0x32, text("a/b"), []byte{0, 9, 0}, []byte("hi")))
	seen := map[byte]bool{}
	for range 2 {
		header, _ := second.read()
		seen[header>>4] = true
	}
	if !seen[wire.PUBACK] || !seen[wire.PUBLISH] {
		t.Errorf("got packets %v, want PUBACK and the message of the inherited subscription", seen)
	}
}

// Bytes behind CONNECT in the same segment are handled after CONNACK.
func TestHooks_Pipelined(t *testing.T) {
	p := dial(t, startEngine(t))
	p.send(bytes.Join([][]byte{
		connect5("c", "ana", "right", true),
		packet(0x82, []byte{0, 1, 0}, text("a/b"), []byte{0}),
		packet(0x30, text("a/b"), []byte{0}, []byte("hi")),
		{0xE0, 0},
	}, nil))
	p.connected(0)
	for _, want := range []byte{wire.SUBACK, wire.PUBLISH} {
		if header, _ := p.read(); header>>4 != want {
			t.Errorf("got packet type %d, want %d", header>>4, want)
		}
	}
	p.ended()
}
