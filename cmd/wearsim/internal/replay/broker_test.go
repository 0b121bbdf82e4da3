package replay_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// message is what the test broker got.
type message struct {
	topic   string
	payload []byte
}

// spy is a broker hook that keeps what is published and may judge it.
type spy struct {
	mqtt.HookBase
	srv   *mqtt.Server
	judge func(m message) error // nil accepts; called before the acknowledgement

	mu   sync.Mutex // guards what follows
	got  []message
	subs []string
}

func (s *spy) ID() string { return "spy" }

func (s *spy) Provides(b byte) bool { return b == mqtt.OnPublish || b == mqtt.OnSubscribed }

func (s *spy) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	m := message{pk.TopicName, bytes.Clone(pk.Payload)}
	if s.judge != nil {
		if err := s.judge(m); err != nil {
			return pk, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, m)
	return pk, nil
}

func (s *spy) OnSubscribed(_ *mqtt.Client, pk packets.Packet, _ []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range pk.Filters {
		s.subs = append(s.subs, f.Filter)
	}
}

// on returns the payloads published to a topic, in order.
func (s *spy) on(topic string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, m := range s.got {
		if m.topic == topic {
			out = append(out, m.payload)
		}
	}
	return out
}

func (s *spy) filters() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.subs...)
}

// sample is a live sample as a subscriber reads it.
type sample struct {
	Seq         uint64    `json:"seq"`
	Timestamp   time.Time `json:"timestamp"`
	ElapsedTime float64   `json:"elapsedTime"`
	Sport       string    `json:"sport"`
	Status      string    `json:"status"`
	HeartRate   *float64  `json:"heartRate"`
	Distance    *float64  `json:"distance"`
}

// samples unpacks messages, each into the samples that it holds.
func samples(tb testing.TB, payloads [][]byte) [][]sample {
	tb.Helper()
	var out [][]sample
	for _, p := range payloads {
		var batch struct {
			Samples []sample `json:"samples"`
		}
		var one sample
		if err := json.Unmarshal(p, &batch); err != nil {
			tb.Fatalf("payload %s: %v", p, err)
		}
		if batch.Samples == nil {
			if err := json.Unmarshal(p, &one); err != nil {
				tb.Fatalf("payload %s: %v", p, err)
			}
			batch.Samples = []sample{one}
		}
		if len(batch.Samples) > 60 || len(p) > 16<<10 {
			tb.Errorf("a message of %d samples and %d bytes is over the limits", len(batch.Samples), len(p))
		}
		out = append(out, batch.Samples)
	}
	return out
}

// mustStartBroker starts a broker on a free port of the loopback.
func mustStartBroker(tb testing.TB, judge func(message) error, users ...string) (*spy, string) {
	tb.Helper()
	srv := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	var err error
	if len(users) == 0 {
		err = srv.AddHook(new(auth.AllowHook), nil)
	} else {
		rules := auth.AuthRules{}
		for _, u := range users {
			rules = append(rules, auth.AuthRule{Username: auth.RString(u), Password: "secret", Allow: true})
		}
		err = srv.AddHook(new(auth.Hook), &auth.Options{Ledger: &auth.Ledger{Auth: rules}})
	}
	if err != nil {
		tb.Fatalf("add sign-in hook: %v", err)
	}
	s := &spy{srv: srv, judge: judge}
	if err := srv.AddHook(s, nil); err != nil {
		tb.Fatalf("add spy: %v", err)
	}
	l := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:0"})
	if err := srv.AddListener(l); err != nil {
		tb.Fatalf("listen: %v", err)
	}
	if err := srv.Serve(); err != nil {
		tb.Fatalf("serve: %v", err)
	}
	tb.Cleanup(func() {
		if err := srv.Close(); err != nil {
			tb.Errorf("close broker: %v", err)
		}
	})
	return s, l.Address()
}

// proxy stands between wearable and broker and can break the line.
type proxy struct {
	ln net.Listener
	wg sync.WaitGroup

	mu      sync.Mutex // guards what follows
	backend string
	closed  bool
	down    bool
	conns   map[net.Conn]bool
}

// mustStartProxy starts a proxy that leads nowhere before its first move.
func mustStartProxy(tb testing.TB) *proxy {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listen: %v", err)
	}
	p := &proxy{ln: ln, conns: map[net.Conn]bool{}}
	p.wg.Add(1)
	go p.serve()
	tb.Cleanup(func() {
		_ = ln.Close() // ends serve
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) serve() {
	defer p.wg.Done()
	for {
		in, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		backend, refuse := p.backend, p.down || p.closed
		p.mu.Unlock()
		out, err := net.Dial("tcp", backend)
		if err != nil || refuse {
			_ = in.Close() // this is the broken line
			if out != nil {
				_ = out.Close()
			}
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = true, true
		p.mu.Unlock()
		p.wg.Add(2)
		go p.pipe(in, out)
		go p.pipe(out, in)
	}
}

func (p *proxy) pipe(dst, src net.Conn) {
	defer p.wg.Done()
	_, _ = io.Copy(dst, src) // ends with either side
	_, _ = dst.Close(), src.Close()
	p.mu.Lock()
	delete(p.conns, src)
	p.mu.Unlock()
}

// cut breaks every connection, without a goodbye.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a reset where the system can; a close otherwise
		}
		_ = c.Close()
	}
}

// setDown refuses new connections, or takes them again.
func (p *proxy) setDown(down bool) {
	p.mu.Lock()
	p.down = down
	p.mu.Unlock()
}

// move leads new connections to another broker.
func (p *proxy) move(backend string) {
	p.mu.Lock()
	p.backend = backend
	p.mu.Unlock()
}

func (p *proxy) url() *url.URL { return brokerURL(p.ln.Addr().String()) }

func brokerURL(addr string) *url.URL { return &url.URL{Scheme: "mqtt", Host: addr} }

// diary keeps what a replay told.
type diary struct {
	mu      sync.Mutex // guards lines and begin
	lines   []string
	begin   time.Time
	changed chan struct{}
}

func newDiary() *diary { return &diary{changed: make(chan struct{}, 1)} }

func (d *diary) add(line string) {
	d.mu.Lock()
	d.lines = append(d.lines, line)
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

func (d *diary) Started(begin time.Time) {
	d.mu.Lock()
	d.begin = begin
	d.mu.Unlock()
	d.add("started")
}
func (d *diary) Progress(int, int, time.Duration) { d.add("progress") }
func (d *diary) ActivityDone(_ int, id string)    { d.add("activity " + id) }
func (d *diary) Refused(what, why string)         { d.add("refused " + what + ": " + why) }
func (d *diary) Reported(topic, why string)       { d.add("reported " + topic + ": " + why) }
func (d *diary) ConnectFailed(err error)          { d.add("connect failed: " + err.Error()) }
func (d *diary) Disconnected()                    { d.add("disconnected") }
func (d *diary) Reconnected()                     { d.add("reconnected") }
func (d *diary) ServerDisconnect(why string)      { d.add("server disconnect: " + why) }

// has reports whether any line contains text.
func (d *diary) has(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// waitFor waits until a line contains text.
func (d *diary) waitFor(tb testing.TB, text string) {
	tb.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !d.has(text) {
		select {
		case <-d.changed:
		case <-limit.C:
			tb.Errorf("waited in vain for %q", text)
			return
		}
	}
}
