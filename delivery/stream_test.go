package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// stream is a client that takes events.
type stream struct {
	t testing.TB
	*delivery.Stream
	events []delivery.Event
}

func (p *plane) open(id, confirmed string, filters ...string) *stream {
	p.t.Helper()
	st, err := p.hub.Stream(p.t.Context(), delivery.OpenStream{
		Client: &delivery.Client{ID: id, UserID: id, Version: 5}, Lasting: true, Expiry: 3600,
		Confirmed: confirmed, Filters: filters,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(st.Close)
	s := &stream{t: p.t, Stream: st}
	for _, f := range filters {
		if _, ok := st.Subscriptions()[f]; !ok {
			s.subscribe(f, 2)
		}
	}
	return s
}

func (s *stream) subscribe(filter string, qos byte) {
	s.t.Helper()
	codes, err := s.Subscribe([]wire.Subscription{{Filter: filter, QoS: qos}})
	if err != nil || codes[0] != wire.Code(qos) {
		s.t.Fatalf("subscribe %s: %v %v", filter, codes, err)
	}
}

// want waits for the events, as "topic payload" with " dup" where it is one.
func (s *stream) want(wants ...string) (ids []string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for _, want := range wants {
		for len(s.events) == 0 {
			var err error
			if s.events, err = s.Next(ctx); err != nil {
				s.t.Fatalf("waiting for %q: %v", want, err)
			}
		}
		e := s.events[0]
		s.events = s.events[1:]
		got := e.Topic + " " + string(e.Payload)
		if e.Dup {
			got += " dup"
		}
		if got != want {
			s.t.Fatalf("got event %q, want %q", got, want)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func (s *stream) wantEnd(code wire.Code) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, err := s.Next(ctx)
		if err == nil {
			continue
		}
		var end *delivery.StreamEnd
		if !errors.As(err, &end) || end.Code != code {
			s.t.Fatalf("got %v, want the end with %v", err, code)
		}
		return
	}
}

func (p *plane) confirm(id, event string, packets ...uint16) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	if err := p.hub.Confirm(ctx, delivery.Confirmation{ClientID: id, UserID: id, Event: event, Packets: packets}); err != nil {
		p.t.Fatal(err)
	}
}

// send publishes at the QoS and waits until it is acknowledged.
func (cl *client) deliver(topic, payload string, qos byte, id uint16) {
	cl.t.Helper()
	cl.publish(topic, payload, qos, id, false, false)
	switch qos {
	case 1:
		cl.want(wire.PUBACK)
	case 2:
		cl.want(wire.PUBREC)
		cl.ack(wire.PUBREL, id)
		cl.want(wire.PUBCOMP)
	}
}

func TestStream_Events(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	pub := p.connect("pub", 5)
	pub.publish("kept", "old", 1, 1, true, false)
	pub.want(wire.PUBACK)
	s := p.open("a", "", "t/#", "kept")
	s.want("kept old")
	for qos := range byte(3) {
		pub.deliver("t/x", fmt.Sprint("m", qos), qos, 2)
	}
	ids := s.want("t/x m0", "t/x m1", "t/x m2")
	if ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("ids %q are not each event's own", ids)
	}
	codes, err := s.Unsubscribe([]string{"t/#", "t/#"})
	if err != nil || codes[0] != wire.Success || codes[1] != wire.NoSubscriptionExisted {
		t.Errorf("unsubscribe: %v %v", codes, err)
	}
	pub.deliver("t/x", "unwanted", 1, 3)
	pub.publish("kept", "new", 1, 4, true, false)
	s.want("kept new")
}

// What is confirmed over one way does not come over the other; what is not comes
// again under the same id.
func TestStream_Switch(t *testing.T) {
	for qos := byte(1); qos <= 2; qos++ {
		t.Run(fmt.Sprint("QoS", qos), func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			pub := p.connect("pub", 5)
			s := p.open("a", "", "t")
			for i := range 4 {
				pub.deliver("t", fmt.Sprint(i), qos, uint16(i+1))
			}
			ids := s.want("t 0", "t 1", "t 2", "t 3")
			p.confirm("a", ids[1])

			m := p.connect("a", 5, lasting) // takes the stream over
			s.wantEnd(wire.SessionTakenOver)
			m.wantMessage("t", "2")
			first := m.wantMessage("t", "3").pub.PacketID
			if qos == 1 {
				m.ack(wire.PUBACK, first-1)
			} else {
				m.ack(wire.PUBREC, first-1)
				m.want(wire.PUBREL)
				m.ack(wire.PUBCOMP, first-1)
			}
			m.drop()
			pub.deliver("t", "4", qos, 9)
			s = p.open("a", "", "t")
			if again := s.want("t 3 dup"); again[0] != ids[3] {
				t.Errorf("repeated under the id %s, was %s", again[0], ids[3])
			}
			last := s.want("t 4")[0]
			s.Close()
			s = p.open("a", last, "t")
			pub.deliver("t", "5", qos, 10)
			s.want("t 5")
		})
	}
}

func TestStream_TakesOver(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	m := p.connect("a", 5, lasting)
	m.subscribe("t", 1)
	pub := p.connect("pub", 5)
	pub.deliver("t", "over MQTT", 1, 1)
	got := m.wantMessage("t", "over MQTT")
	s := p.open("a", "")
	if m.c.ended != wire.SessionTakenOver {
		t.Errorf("MQTT ended with %v, want %v", m.c.ended, wire.SessionTakenOver)
	}
	s.want("t over MQTT dup")
	s.Close()
	p.confirm("a", "", got.pub.PacketID)
	s = p.open("a", "")
	pub.deliver("t", "next", 1, 2)
	s.want("t next")
	second := p.open("a", "")
	s.wantEnd(wire.SessionTakenOver)
	second.want("t next dup")
}

// A cursor holds over a crash, also where the stored one is behind.
func TestStream_Crash(t *testing.T) {
	for qos := byte(1); qos <= 2; qos++ {
		t.Run(fmt.Sprint("QoS", qos), func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			s := p.open("a", "", "t")
			pub := p.connect("pub", 5)
			for i := range 6 {
				pub.deliver("t", fmt.Sprint(i), qos, uint16(i+1))
			}
			ids := s.want("t 0", "t 1", "t 2", "t 3", "t 4", "t 5")
			if qos == 2 {
				p.confirm("a", ids[1])
			}
			p = p.crash(delivery.Limits{})
			s = p.open("a", ids[3])
			dup := ""
			if qos == 2 { // that it was sent is in the log
				dup = " dup"
			}
			again := s.want("t 4"+dup, "t 5"+dup)
			if again[0] != ids[4] || again[1] != ids[5] {
				t.Errorf("repeated as %q, were %q", again, ids[4:])
			}
		})
	}
	t.Run("QoS 2 confirmed does not come over MQTT", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		s := p.open("a", "", "t")
		pub := p.connect("pub", 5)
		pub.deliver("t", "one", 2, 1)
		pub.deliver("t", "two", 2, 2)
		p.confirm("a", s.want("t one", "t two")[0])
		p = p.crash(delivery.Limits{})
		m := p.connect("a", 5, lasting)
		m.wantMessage("t", "two")
	})
}

func TestStream_Filters(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	s := p.open("a", "", "one", "two")
	s.Close()
	pub := p.connect("pub", 5)
	pub.deliver("one", "1", 1, 1)
	pub.deliver("two", "2", 1, 2)
	s = p.open("a", "", "two", "three")
	s.want("two 2")
	if got := s.Subscriptions(); len(got) != 2 {
		t.Errorf("subscriptions are %v", got)
	}
	s.Close()
	s = p.open("a", "")
	if got := s.Subscriptions(); len(got) != 2 {
		t.Errorf("without filters subscriptions are %v", got)
	}
}

// Whoever does not read is held back and delays nobody.
func TestStream_Slow(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	slow, quick := p.open("slow", "", "t"), p.open("quick", "", "t")
	pub := p.connect("pub", 5)
	const n = 300
	big := strings.Repeat("x", 4<<10)
	for i := range n {
		pub.publish("t", fmt.Sprint(i, big), 1, uint16(i+1), false, false)
		pub.want(wire.PUBACK)
		ids := quick.want(fmt.Sprint("t ", i, big))
		if i%50 == 49 {
			p.confirm("quick", ids[0])
		}
	}
	if got := slow.Buffered(); got > 300<<10 {
		t.Errorf("%d bytes wait in memory", got)
	}
	for i := range n {
		slow.want(fmt.Sprint("t ", i, big))
	}
	for range n { // what no reader takes is dropped at QoS 0
		pub.publish("t", big, 0, 0, false, false)
	}
	if got := p.hub.Stats().Dropped.Congested.Load(); got == 0 {
		t.Error("nothing was dropped")
	}
}

func TestHub_ConfirmErr(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	s := p.open("a", "", "t")
	pub := p.connect("pub", 5)
	pub.deliver("t", "one", 1, 1)
	id := s.want("t one")[0]
	for name, test := range map[string]struct {
		c    delivery.Confirmation
		want error
	}{
		"no session":      {delivery.Confirmation{ClientID: "b", UserID: "b", Event: id}, delivery.ErrNoSession},
		"another's":       {delivery.Confirmation{ClientID: "a", UserID: "b", Event: id}, delivery.ErrOwned},
		"no id":           {delivery.Confirmation{ClientID: "a", UserID: "a", Event: "17"}, delivery.ErrBadCursor},
		"nonsense":        {delivery.Confirmation{ClientID: "a", UserID: "a", Event: "a-!"}, delivery.ErrBadCursor},
		"the future":      {delivery.Confirmation{ClientID: "a", UserID: "a", Event: id + "zzzz"}, delivery.ErrFutureEvent},
		"earlier session": {delivery.Confirmation{ClientID: "a", UserID: "a", Event: "1-1"}, delivery.ErrOtherSession},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.hub.Confirm(t.Context(), test.c); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	s.Close()
	p.open("a", "").want("t one dup")
}

func TestHub_StreamErr(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	p.open("a", "", "t")
	open := func(user, event string) error {
		_, err := p.hub.Stream(t.Context(), delivery.OpenStream{Client: &delivery.Client{ID: "a", UserID: user, Version: 5}, Lasting: true, Confirmed: event})
		return err
	}
	if err := open("b", ""); !errors.Is(err, delivery.ErrOwned) {
		t.Errorf("another's: %v", err)
	}
	if err := open("a", "x"); !errors.Is(err, delivery.ErrBadCursor) {
		t.Errorf("no id: %v", err)
	}
	if p.hub.StreamOf("a", "a") == nil {
		t.Error("what was refused has ended the stream")
	}
}

// The arrival of what is below user/ is told, once.
func TestHub_ConfirmTells(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	s := p.open("a", "", "user/a/#")
	pub := p.connect("pub", 5)
	pub.deliver("user/a/chat/x", "hi", 1, 1)
	pub.deliver("user/a/chat/x", "ho", 2, 2)
	id := s.want("user/a/chat/x hi", "user/a/chat/x ho")[1]
	p.confirm("a", id)
	p.confirm("a", id)
	if got := strings.Join(p.ackedNow(), ", "); got != "a user/a/chat/x hi, a user/a/chat/x ho" {
		t.Errorf("told: %s", got)
	}
}
