package delivery_test

import (
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// sink is a connection that counts and forgets.
type sink struct{ n int }

func (s *sink) Send([]byte) bool                { s.n++; return false }
func (s *sink) SendID([]byte, int, uint16) bool { s.n++; return false }
func (*sink) Buffered() int                     { return 0 }
func (*sink) Flush()                            {}
func (*sink) Disconnect(wire.Code, string)      {}

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
	return out
}

// publisher returns what publishes 200 bytes to a/b at QoS 0 when called.
func (p *plane) publisher() func() {
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
		pub.session.Idle()
	}
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
