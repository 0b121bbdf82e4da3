package delivery_test

import (
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// sink is a connection that counts and forgets.
type sink struct {
	n, flushes int
	waits      bool // something has not been flushed
}

func (s *sink) Send([]byte) (dirty bool) {
	s.n++
	dirty, s.waits = !s.waits, true
	return dirty
}
func (s *sink) SendID(b []byte, _ int, _ uint16) bool { return s.Send(b) }
func (*sink) Buffered() int                           { return 0 }
func (s *sink) Flush()                                { s.waits = false; s.flushes++ }
func (*sink) Disconnect(wire.Code, string)            {}

// receive subscribes a client of that id to a/b at QoS 0, over a sink.
func (p *plane) receive(id string) *sink {
	p.t.Helper()
	out := &sink{}
	c, err := p.hub.Connect(delivery.Connect{Conn: out, Client: &delivery.Client{ID: id, UserID: id, Version: 5}})
	if err != nil {
		p.t.Fatal(err)
	}
	c.Start()
	if err := c.Packet(wire.SUBSCRIBE<<4|2, []byte{0, 1, 0, 0, 3, 'a', '/', 'b', 0}); err != nil {
		p.t.Fatal(err)
	}
	c.Idle()
	return out
}

// publisher returns what publishes 200 bytes to a/b at QoS 0 when called.
func (p *plane) publisher() func() {
	p.t.Helper()
	publish, idle := p.burst()
	return func() { publish(); idle() }
}

// burst returns what publishes as publisher's does, and what ends a burst.
func (p *plane) burst() (publish, idle func()) {
	p.t.Helper()
	pub := p.connect("pub", 5)
	frame, _ := wire.AppendPublish(nil, 5, &wire.PublishOut{Topic: "a/b", Payload: make([]byte, 200)})
	header, _, size, err := wire.Header(frame)
	if err != nil {
		p.t.Fatal(err)
	}
	return func() {
		if err := pub.session.Packet(header, frame[size:]); err != nil {
			p.t.Fatal(err)
		}
	}, pub.session.Idle
}

// A QoS 0 message on its way to a subscriber costs no allocation.
func TestHub_PassOnAllocates(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	out, publish := p.receive("out"), p.publisher()
	before := out.n
	const runs = 1000
	allocs := testing.AllocsPerRun(runs, publish)
	if out.n < before+runs {
		t.Fatalf("%d messages arrived, want %d", out.n-before, runs)
	}
	if allocs >= 1 {
		t.Errorf("got %v allocations a message, want 0", allocs)
	}
}

// A burst is one write for each receiver, however many there are; a long one to
// many is more, so that they do not wait for all of it.
func TestHub_BurstFlushes(t *testing.T) {
	for _, tc := range []struct {
		name                           string
		receivers, messages            int
		duringTheBurst, whenItHasEnded int
	}{
		{"OK few receivers", 3, 1000, 0, 1},
		{"OK many receivers", 300, 150, 0, 1},
		{"OK many receivers of a long burst", 300, 600, 2, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			var out *sink
			for i := range tc.receivers {
				out = p.receive(fmt.Sprint("s", i))
			}
			publish, idle := p.burst()
			before := *out
			for range tc.messages {
				publish()
			}
			if got := out.flushes - before.flushes; got != tc.duringTheBurst {
				t.Errorf("%d flushes during the burst, want %d", got, tc.duringTheBurst)
			}
			idle()
			if got := out.flushes - before.flushes; got != tc.whenItHasEnded {
				t.Errorf("%d flushes when it has ended, want %d", got, tc.whenItHasEnded)
			}
			if got := out.n - before.n; got != tc.messages {
				t.Errorf("%d messages arrived, want %d", got, tc.messages)
			}
		})
	}
}

func BenchmarkHub_FanOut(b *testing.B) {
	const subscribers = 1000
	p := startPlane(b, b.TempDir(), delivery.Limits{})
	for i := range subscribers {
		p.receive(fmt.Sprint("s", i))
	}
	publish := p.publisher()
	for b.Loop() {
		publish()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/subscribers, "ns/delivery")
}
