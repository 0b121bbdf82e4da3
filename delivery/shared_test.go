package delivery_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// collect takes n messages off each client in turn, without acknowledging, and
// returns the payloads by client.
func collect(clients []*client, n int) [][]packet {
	got := make([][]packet, len(clients))
	for i, c := range clients {
		for range n {
			got[i] = append(got[i], c.want(wire.PUBLISH))
		}
	}
	return got
}

func TestHub_SharedSubscription(t *testing.T) {
	const filter = "$share/g/s/#"
	t.Run("EachToOne", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		var members []*client
		for i := range 2 {
			c := p.connect(fmt.Sprint("m", i), 5, lasting)
			c.subscribe(filter, 1)
			members = append(members, c)
		}
		publishMany(t, p.connect("pub", 5), "s/1", 0, 10)
		seen := map[string]int{}
		for _, list := range collect(members, 5) {
			for _, m := range list {
				seen[string(m.pub.Payload)]++
			}
		}
		if len(seen) != 10 {
			t.Errorf("got %v, want each of 10 messages once", seen)
		}
	})
	t.Run("HandedOnWhenAMemberLeaves", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		a, b := p.connect("a", 5, lasting), p.connect("b", 5, lasting)
		a.subscribe(filter, 1)
		publishMany(t, p.connect("pub", 5), "s/1", 0, 3)
		collect([]*client{a}, 3)
		b.subscribe(filter, 1)
		a.drop()
		for i := range 3 {
			b.wantMessage("s/1", strconv.Itoa(i))
		}
	})
	t.Run("NotHandedOnWhenExpired", func(t *testing.T) {
		var c clock
		p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) { p.now = c.now })
		a, b := p.connect("a", 5, lasting), p.connect("b", 5, lasting)
		a.subscribe("$share/g/judged/#", 1)
		pub := p.connect("pub", 5)
		pub.publish("judged/expiring", "in 30 seconds", 1, 1, false, false)
		pub.want(wire.PUBACK)
		a.wantMessage("judged/expiring", "in 30 seconds")
		b.subscribe("$share/g/judged/#", 1)
		b.subscribe("marker/#", 0)
		c.move(time.Minute)
		a.drop()
		b.nothing(p)
	})
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("NobodyThere/Crash%v", crash), func(t *testing.T) {
			const n = 600
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			c := p.connect("a", 5, lasting)
			c.subscribe(filter, 1)
			c.drop()
			publishMany(t, p.connect("pub", 5), "s/1", 0, n)
			if crash {
				p = p.crash(delivery.Limits{})
			}
			drain(t, p.connect("a", 5, lasting), "s/1", 0, n)
		})
	}
	t.Run("UnsubscribedMemberGetsNoMore", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		c := p.connect("a", 4)
		c.subscribe("marker/#", 0)
		c.subscribe(filter, 0)
		c.mustSend(append([]byte{wire.UNSUBSCRIBE<<4 | 2, byte(4 + len(filter)), 0, 5, 0, byte(len(filter))}, filter...))
		c.want(wire.UNSUBACK)
		p.connect("pub", 5).publish("s/1", "x", 0, 0, false, false)
		c.nothing(p)
	})
	t.Run("AnEndedSessionHoldsNothingUp", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		a := p.connect("a", 5, lasting)
		a.subscribe(filter, 2)
		pub := p.connect("pub", 5)
		pub.publish("s/1", "never answered", 2, 1, false, false)
		a.wantMessage("s/1", "never answered")
		b := p.connect("b", 5, lasting)
		b.subscribe(filter, 1)
		p.connect("a", 5, lasting, cleanStart)
		publishMany(t, p.connect("pub2", 5), "s/1", 0, 5)
		drain(t, b, "s/1", 0, 5)
		p.stop() // writes how far the group is
		p = startPlane(t, p.dir, delivery.Limits{})
		b = p.connect("b", 5, lasting)
		b.subscribe("marker/#", 0)
		b.nothing(p) // neither what b has acknowledged nor what belonged to a
	})
}

// restart ends the plane, which writes how far everybody is, and begins again.
func (p *plane) restart() *plane {
	p.t.Helper()
	p.stop()
	return startPlane(p.t, p.dir, delivery.Limits{})
}

// exactly publishes at QoS 2 and waits until the broker has it.
func exactly(pub *client, topic, payload string, id uint16) {
	pub.t.Helper()
	pub.publish(topic, payload, 2, id, false, false)
	pub.want(wire.PUBREC)
	pub.ack(wire.PUBREL, id)
	pub.want(wire.PUBCOMP)
}

// complete answers a QoS 2 delivery to its end.
func (cl *client) complete(m packet) {
	cl.t.Helper()
	cl.ack(wire.PUBREC, m.pub.PacketID)
	cl.want(wire.PUBREL)
	cl.ack(wire.PUBCOMP, m.pub.PacketID)
}

// What a member got at QoS 2 is nobody else's, whatever happens to the broker.
func TestHub_SharedQoS2AfterARestart(t *testing.T) {
	const filter = "$share/g/s/#"
	again := map[string]func(*plane) *plane{
		"Restart": (*plane).restart,
		"Crash":   func(p *plane) *plane { return p.crash(delivery.Limits{}) },
	}
	for name, restart := range again {
		t.Run("CompletedBehindAnOpenOne/"+name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			a, pub := p.connect("a", 5, lasting), p.connect("pub", 5)
			a.subscribe(filter, 2)
			exactly(pub, "s/1", "open", 1)
			exactly(pub, "s/1", "completed", 2)
			a.wantMessage("s/1", "open")
			a.complete(a.wantMessage("s/1", "completed"))
			b := p.connect("b", 5, lasting)
			b.subscribe(filter, 2)
			p = restart(p)
			b = p.connect("b", 5, lasting)
			b.subscribe("marker/#", 0)
			b.nothing(p)
			p.connect("a", 5, lasting).wantMessage("s/1", "open")
		})
		t.Run("SessionEndedMeanwhile/"+name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			a, pub := p.connect("a", 5), p.connect("pub", 5)
			b := p.connect("b", 5, lasting)
			b.subscribe("marker/#", 0)
			b.subscribe(filter, 2)
			a.subscribe(filter, 2)
			for id, text := range []string{"x", "y"} { // each of the two gets one
				exactly(pub, "s/1", text, uint16(id+1))
			}
			got := string(a.want(wire.PUBLISH).pub.Payload)
			a.drop() // and with it the session
			p = restart(p)
			b = p.connect("b", 5, lasting)
			if m := b.want(wire.PUBLISH); string(m.pub.Payload) == got {
				t.Errorf("got %q, which had been sent to a session that ended", got)
			}
			b.nothing(p)
		})
		t.Run("OtherGroupsAreNotConcerned/"+name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			a := p.connect("a", 5, lasting)
			a.subscribe(filter, 2)
			b := p.connect("b", 5, lasting)
			b.subscribe("$share/other/s/#", 2)
			b.drop()
			exactly(p.connect("pub", 5), "s/1", "for both", 1)
			a.complete(a.wantMessage("s/1", "for both"))
			p = restart(p)
			p.connect("b", 5, lasting).wantMessage("s/1", "for both")
		})
		t.Run("OfTwoGroupsInOneSession/"+name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			a := p.connect("a", 5, lasting)
			a.subscribe(filter, 2, 1)
			a.subscribe("$share/other/s/#", 2, 2)
			exactly(p.connect("pub", 5), "s/1", "x", 1)
			got := map[byte]uint16{}
			for range 2 {
				m := a.wantMessage("s/1", "x")
				got[m.subID] = m.pub.PacketID
			}
			p = restart(p)
			a = p.connect("a", 5, lasting)
			for range 2 {
				m := a.wantMessage("s/1", "x")
				if got[m.subID] != m.pub.PacketID || !m.pub.Dup {
					t.Errorf("got id %d, DUP %t for identifier %d, want id %d and DUP", m.pub.PacketID, m.pub.Dup, m.subID, got[m.subID])
				}
				delete(got, m.subID)
			}
		})
	}
}

func TestHub_SharedAfterARestart(t *testing.T) {
	const filter = "$share/g/s/#"
	t.Run("UnacknowledgedGoesToAnotherMember", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		a := p.connect("a", 5, lasting)
		a.subscribe(filter, 1)
		publishMany(t, p.connect("pub", 5), "s/1", 0, 3)
		collect([]*client{a}, 3)
		p.connect("b", 5, lasting).subscribe(filter, 1)
		p = p.restart()
		drain(t, p.connect("b", 5, lasting), "s/1", 0, 3)
	})
	t.Run("ANewGroupBeginsAnew", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		p.connect("all", 5, lasting).subscribe("#", 1)
		a := p.connect("a", 4)
		a.subscribe(filter, 1)
		p = p.restart() // the group's row outlives its only member
		publishMany(t, p.connect("pub", 5), "s/1", 0, 1)
		b := p.connect("b", 5, lasting)
		b.subscribe("marker/#", 0)
		b.subscribe(filter, 1)
		b.nothing(p)
	})
}

// Without a log to wait in, what no member has room for waits for one.
func TestHub_SharedWaitsForRoom(t *testing.T) {
	const n = 700 // more than waits in one member's queue
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	c := p.connect("a", 5, func(c *delivery.Connect) { c.ReceiveMaximum = 1 })
	c.subscribe("$share/g/s/#", 1)
	publishMany(t, p.connect("pub", 5), "s/1", 0, n)
	drain(t, c, "s/1", 0, n)
}

// What a member's full buffer has kept back comes when it has emptied.
func TestHub_SharedGoesOnWhenABufferEmpties(t *testing.T) {
	for name, opts := range map[string][]connectOption{"Logged": {lasting}, "InMemory": nil} {
		t.Run(name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			c := p.connect("a", 5, opts...)
			c.subscribe("$share/g/s/#", 1)
			witness := p.connect("witness", 5, opts...)
			witness.subscribe("s/#", 1)
			c.c.stall(1 << 20)
			publishMany(t, p.connect("pub", 5), "s/1", 0, 3)
			drain(t, witness, "s/1", 0, 3) // after the group was asked
			c.c.stall(0)
			c.session.Drained()
			drain(t, c, "s/1", 0, 3)
		})
	}
}
