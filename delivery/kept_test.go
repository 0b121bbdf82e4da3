package delivery_test

import (
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// retain leaves n retained messages r/0, r/1... of QoS 2.
func (cl *client) retain(n int) {
	cl.t.Helper()
	for i := range n {
		cl.publish(fmt.Sprintf("r/%d", i), "kept", 2, uint16(i+1), true, false)
		cl.want(wire.PUBREC)
		cl.ack(wire.PUBREL, uint16(i+1))
		cl.want(wire.PUBCOMP)
	}
}

// takeKept takes n retained messages at QoS 2 to the end and returns their topics.
func (cl *client) takeKept(n int) map[string]int {
	cl.t.Helper()
	got := map[string]int{}
	for len(got) < n {
		switch p := cl.next(); p.typ {
		case wire.PUBLISH:
			if !p.pub.Retain {
				cl.t.Errorf("%s came without the retain flag", p.pub.Topic)
			}
			got[string(p.pub.Topic)]++
			cl.ack(wire.PUBREC, p.pub.PacketID)
			cl.want(wire.PUBREL)
			cl.ack(wire.PUBCOMP, p.pub.PacketID)
		case wire.PUBREL: // a crash may forget that an exchange was over
			cl.ack(wire.PUBCOMP, p.ack.PacketID)
		default:
			cl.t.Fatalf("got packet type %d, want PUBLISH", p.typ)
		}
	}
	return got
}

// What SUBSCRIBE owes a lasting session of the retained messages survives a
// crash: none is missing afterwards, and at QoS 2 none comes twice.
func TestSession_RetainedOwedAfterCrash(t *testing.T) {
	const n = 8
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	p.connect("pub", 5).retain(n)
	sub := p.connect("sub", 5, lasting, receiveMaximum(1))
	sub.subscribe("r/#", 2)
	before := sub.takeKept(3)

	p = p.crash(delivery.Limits{})
	sub = p.connect("sub", 5, lasting, receiveMaximum(1))
	after := sub.takeKept(n - 3)
	for i := range n {
		topic := fmt.Sprintf("r/%d", i)
		if got := before[topic] + after[topic]; got != 1 {
			t.Errorf("%s came %d times, want once", topic, got)
		}
	}
	sub.subscribe("marker/#", 0)
	sub.nothing(p)

	t.Run("Once", func(t *testing.T) {
		p.stop()
		again := startPlane(t, p.dir, delivery.Limits{})
		sub := again.connect("sub", 5, lasting)
		sub.nothing(again)
	})
}

// A connection that ends in the middle leaves the rest for the next one.
func TestSession_RetainedOwedAfterLoss(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	p.connect("pub", 5).retain(5)
	sub := p.connect("sub", 5, lasting, receiveMaximum(1))
	sub.subscribe("r/#", 1)
	first := sub.want(wire.PUBLISH)
	sub.ack(wire.PUBACK, first.pub.PacketID)
	sub.drop()
	sub = p.connect("sub", 5, lasting)
	got := map[string]bool{string(first.pub.Topic): true}
	for range 4 {
		m := sub.want(wire.PUBLISH)
		sub.ack(wire.PUBACK, m.pub.PacketID)
		got[string(m.pub.Topic)] = true
	}
	if len(got) != 5 {
		t.Errorf("got %v, want all five", got)
	}
}
