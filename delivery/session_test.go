package delivery_test

import (
	"strconv"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

func TestSession_AbsentGetsAllInOrder(t *testing.T) {
	const n = 3000
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 1)
	sub.drop()
	publishMany(t, p.connect("pub", 5), "q/1", 0, n)

	t.Run("AfterReturn", func(t *testing.T) {
		sub := p.connect("sub", 5, lasting)
		if !sub.session.Present() {
			t.Error("session present is 0")
		}
		sub.t = t
		drain(t, sub, "q/1", 0, 100)
		sub.drop()
	})
	t.Run("AfterCrash", func(t *testing.T) {
		p := p.crash(delivery.Limits{})
		sub := p.connect("sub", 4, lasting)
		sub.t = t
		// What was acknowledged just before may come again; nothing may be
		// missing, and the order holds.
		next := -1
		for next < n-1 {
			m := sub.want(wire.PUBLISH)
			got, err := strconv.Atoi(string(m.pub.Payload))
			if err != nil || got > next+1 && next >= 0 || next < 0 && got > 100 {
				t.Fatalf("got %q after %d", m.pub.Payload, next)
			}
			if got != next+1 && next >= 0 {
				t.Fatalf("got %d after %d", got, next)
			}
			next = got
			sub.ack(wire.PUBACK, m.pub.PacketID)
		}
	})
}

func TestSession_SlowClientLosesNothing(t *testing.T) {
	const n = 2000 // well over what waits in memory
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 1)
	sub.c.stall(1 << 20)
	pub := p.connect("pub", 5)
	publishMany(t, pub, "q/1", 0, n)
	sub.c.stall(0)
	sub.session.Drained()
	drain(t, sub, "q/1", 0, n)
	publishMany(t, pub, "q/1", n, n+10)
	drain(t, sub, "q/1", n, n+10)
}

func TestSession_QueueBound(t *testing.T) {
	limits := delivery.Limits{QueueMessages: 100}
	p := startPlane(t, t.TempDir(), limits)
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 1)
	sub.drop()
	publishMany(t, p.connect("pub", 5), "q/1", 0, 250)
	sub = p.connect("sub", 5, lasting)
	drain(t, sub, "q/1", 150, 250) // the oldest are gone
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.skipped != 150 {
		t.Errorf("client was told of %d dropped messages, want 150", p.skipped)
	}
}
