package delivery_test

import (
	"fmt"
	"strconv"
	"testing"

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
