package delivery_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

func TestHub_Retained(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	pub := p.connect("pub", 5)
	pub.publish("r/a", "1", 1, 1, true, false)
	pub.want(wire.PUBACK)
	pub.publish("r/a", "2", 1, 2, true, false)
	pub.want(wire.PUBACK)
	pub.publish("r/gone", "x", 1, 3, true, false)
	pub.want(wire.PUBACK)
	pub.publish("r/gone", "", 1, 4, true, false)
	pub.want(wire.PUBACK)
	for name, p := range map[string]*plane{"Live": p, "AfterCrash": p.crash(delivery.Limits{})} {
		t.Run(name, func(t *testing.T) {
			sub := p.connect("sub"+name, 5)
			sub.t = t
			sub.subscribe("marker/#", 0)
			sub.subscribe("r/#", 1, 5)
			m := sub.wantMessage("r/a", "2")
			if !m.pub.Retain || m.subID != 5 {
				t.Errorf("got retain %v, subscription id %d", m.pub.Retain, m.subID)
			}
			sub.nothing(p)
			sub.subscribe("r/#", 1|1<<4) // retain handling 1: only when new
			sub.nothing(p)
			sub.subscribe("r/+", 1|2<<4) // retain handling 2: never
			sub.nothing(p)
		})
	}
}

func TestHub_StateTopicsConflate(t *testing.T) {
	state := func(p *plane) { p.state = "state/" }
	p := startPlane(t, t.TempDir(), delivery.Limits{}, state)
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("marker/#", 0)
	sub.subscribe("state/#", 1)
	pub := p.connect("pub", 5)
	pub.publish("state/a", "0", 1, 1, false, false)
	pub.want(wire.PUBACK)
	m := sub.wantMessage("state/a", "0")
	sub.ack(wire.PUBACK, m.pub.PacketID)

	t.Run("SlowClient", func(t *testing.T) {
		sub.c.stall(1 << 20)
		for i := 1; i <= 50; i++ {
			pub.publish("state/a", strconv.Itoa(i), 1, uint16(i), false, false)
			pub.want(wire.PUBACK)
		}
		eventually(t, "the messages are routed", func() bool { return p.hub.Stats().Received[1].Load() >= 51 })
		sub.c.stall(0)
		sub.session.Drained()
		m := sub.want(wire.PUBLISH)
		sub.ack(wire.PUBACK, m.pub.PacketID)
		for string(m.pub.Payload) != "50" { // the tail may still be on its way
			m = sub.want(wire.PUBLISH)
			sub.ack(wire.PUBACK, m.pub.PacketID)
		}
		sub.nothing(p)
	})
	t.Run("AbsentClient", func(t *testing.T) {
		sub.drop()
		for i := 51; i <= 90; i++ {
			pub.publish("state/a", strconv.Itoa(i), 1, uint16(i), false, false)
			pub.want(wire.PUBACK)
		}
		sub = p.connect("sub", 5, lasting)
		sub.t = t
		sub.wantMessage("state/a", "90")
		sub.nothing(p)
	})
}

// A message that has to wait for the log does not replace a later one that had not.
func TestHub_RetainedKeepsTheLast(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	p.connect("keeper", 5, lasting).subscribe("r/#", 1)
	pub := p.connect("pub", 5)
	for i := range 50 {
		topic := fmt.Sprint("r/", i)
		pub.publish(topic, "old", 1, uint16(i+1), true, false)
		if i%2 == 0 {
			pub.publish(topic, "new", 0, 0, true, false)
		} else {
			pub.publish(topic, "", 0, 0, true, false)
		}
	}
	for range 50 {
		pub.want(wire.PUBACK)
	}
	sub := p.connect("sub", 5)
	sub.subscribe("marker/#", 0)
	sub.subscribe("r/#", 0)
	for range 25 {
		if m := sub.want(wire.PUBLISH).pub; string(m.Payload) != "new" {
			t.Errorf("%s: got %q, want what came last", m.Topic, m.Payload)
		}
	}
	sub.nothing(p)
}
