package delivery_test

import (
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

func TestHub_Publish(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		for qos := byte(0); qos <= 2; qos++ {
			for _, opts := range [][]connectOption{nil, {lasting}} {
				t.Run(fmt.Sprintf("Version%d/QoS%d/Lasting%v", version, qos, opts != nil), func(t *testing.T) {
					p := startPlane(t, t.TempDir(), delivery.Limits{})
					sub := p.connect("sub", version, opts...)
					sub.subscribe("a/+", qos)
					pub := p.connect("pub", version, opts...)
					pub.publish("a/b", "hello", qos, 9, false, false)
					switch qos {
					case 1:
						if got := pub.want(wire.PUBACK).ack; got.PacketID != 9 || got.Code != wire.Success {
							t.Errorf("got %+v", got)
						}
					case 2:
						pub.want(wire.PUBREC)
						pub.ack(wire.PUBREL, 9)
						pub.want(wire.PUBCOMP)
					}
					m := sub.wantMessage("a/b", "hello")
					if m.pub.QoS != qos || m.pub.Dup || m.pub.Retain {
						t.Errorf("got QoS %d dup %v retain %v", m.pub.QoS, m.pub.Dup, m.pub.Retain)
					}
					switch qos {
					case 1:
						sub.ack(wire.PUBACK, m.pub.PacketID)
					case 2:
						sub.ack(wire.PUBREC, m.pub.PacketID)
						sub.want(wire.PUBREL)
						sub.ack(wire.PUBCOMP, m.pub.PacketID)
					}
				})
			}
		}
	}
}

func TestHub_SubscriptionOptions(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	c := p.connect("c", 5)
	c.subscribe("marker/#", 0)
	t.Run("NoLocal", func(t *testing.T) {
		c.subscribe("nl/#", 1|4)
		c.publish("nl/x", "own", 0, 0, false, false)
		c.nothing(p)
		c.subscribe("nl/x", 0) // another subscription without it does not suffer
		c.publish("nl/x", "own", 0, 0, false, false)
		c.wantMessage("nl/x", "own")
	})
	t.Run("RetainAsPublished", func(t *testing.T) {
		c.subscribe("rap/#", 8)
		c.publish("rap/x", "1", 0, 0, true, false)
		if !c.wantMessage("rap/x", "1").pub.Retain {
			t.Error("retain flag is lost")
		}
	})
	t.Run("Overlapping", func(t *testing.T) {
		c.subscribe("o/#", 0)
		c.subscribe("o/+", 2)
		p.connect("pub", 5).publish("o/1", "x", 1, 5, false, false)
		if m := c.wantMessage("o/1", "x"); m.pub.QoS != 1 {
			t.Errorf("got QoS %d, want the highest granted, as published: 1", m.pub.QoS)
		}
		c.nothing(p)
	})
	t.Run("DollarTopics", func(t *testing.T) {
		all := p.connect("all", 5)
		all.subscribe("#", 2<<4) // no retained ones
		c.publish("$x/y", "hidden", 0, 0, false, false)
		all.nothing(p)
	})
}

func TestHub_StoreFails(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 1)
	sub.drop()
	pub := p.connect("pub", 5)
	p.st.setFail(store.ErrFull)
	pub.publish("q/1", "1", 1, 1, false, false)
	eventually(t, "the publisher is disconnected", func() bool {
		pub.c.mu.Lock()
		defer pub.c.mu.Unlock()
		return pub.c.closed && pub.c.ended == wire.UnspecifiedError
	})
	if len(pub.c.frames) > 0 {
		t.Errorf("got an acknowledgement % x", pub.c.frames[0])
	}
	pub.session.Closed()
	p.st.setFail(nil)
	publishMany(t, p.connect("pub", 5), "q/1", 0, 3)
	drain(t, p.connect("sub", 5, lasting), "q/1", 0, 3)
}

func TestHub_Refusals(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) {
		p.deny = func(_, topic string) bool { return topic == "secret" }
	})
	t.Run("MQTT5", func(t *testing.T) {
		c := p.connect("c5", 5)
		for qos, typ := range map[byte]byte{1: wire.PUBACK, 2: wire.PUBREC} {
			c.publish("secret", "x", qos, 3, false, false)
			if got := c.want(typ).ack; got.Code != wire.NotAuthorized {
				t.Errorf("QoS %d: got %v", qos, got.Code)
			}
		}
		if len(p.refused) != 0 {
			t.Errorf("told twice: %v", p.refused)
		}
		c.publish("secret", "x", 0, 0, false, false)
		if len(p.refused) != 1 {
			t.Errorf("QoS 0 refused in silence")
		}
	})
	t.Run("MQTT311", func(t *testing.T) {
		c := p.connect("c4", 4)
		c.publish("secret", "x", 1, 3, false, false)
		c.want(wire.PUBACK)
		if got := len(p.refused); got != 2 {
			t.Errorf("got %d notes, want 2", got)
		}
		if got := c.subscribe("secret", 1); got[len(got)-1] != 0x80 {
			t.Errorf("got SUBACK % x", got)
		}
	})
}

func TestHub_Applied(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	c := p.connect("c", 5)
	for range 3 { // one record id, however often it is sent
		c.publish("judged", "id-1", 1, 3, false, false)
		c.want(wire.PUBACK)
	}
	c.publish("judged", "id-2", 1, 3, false, false)
	c.want(wire.PUBACK)
	want := "[id-1 id-2]"
	eventually(t, "both are applied", func() bool { return fmt.Sprint(p.appliedNow()) == want })
	q := p.crash(delivery.Limits{})
	if got := fmt.Sprint(q.appliedNow()); got != want {
		t.Errorf("after a crash: got %s, want %s", got, want)
	}
}
