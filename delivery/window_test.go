package delivery_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

func TestSession_ReceiveMaximum(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting, receiveMaximum(3))
	sub.subscribe("q/#", 1)
	sub.subscribe("marker/#", 0)
	publishMany(t, p.connect("pub", 5), "q/1", 0, 5)
	var ids []uint16
	for i := range 3 {
		ids = append(ids, sub.wantMessage("q/1", strconv.Itoa(i)).pub.PacketID)
	}
	sub.nothing(p) // the window is full
	sub.ack(wire.PUBACK, ids[1])
	sub.wantMessage("q/1", "3")
	sub.drop()

	// On return: the same ids, in the same order, within the new maximum.
	sub = p.connect("sub", 5, lasting, receiveMaximum(1))
	m := sub.wantMessage("q/1", "0")
	if !m.pub.Dup || m.pub.PacketID != ids[0] {
		t.Errorf("got dup %v id %d, want the first id %d again", m.pub.Dup, m.pub.PacketID, ids[0])
	}
	sub.nothing(p)
	for i, want := range []string{"2", "3", "4"} {
		sub.ack(wire.PUBACK, m.pub.PacketID)
		m = sub.wantMessage("q/1", want)
		if want := i < 2; m.pub.Dup != want {
			t.Errorf("message %s: got dup %v, want %v", m.pub.Payload, m.pub.Dup, want)
		}
	}
}

func TestSession_QoS2Outbound(t *testing.T) {
	setup := func(t *testing.T) (*plane, *client, packet) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		sub := p.connect("sub", 5, lasting)
		sub.subscribe("q/#", 2)
		pub := p.connect("pub", 5)
		pub.publish("q/1", "once", 2, 1, false, false)
		pub.want(wire.PUBREC)
		return p, sub, sub.wantMessage("q/1", "once")
	}
	t.Run("CrashBeforePubrec", func(t *testing.T) {
		p, _, m := setup(t)
		sub := p.crash(delivery.Limits{}).connect("sub", 5, lasting)
		again := sub.wantMessage("q/1", "once")
		if !again.pub.Dup || again.pub.PacketID != m.pub.PacketID {
			t.Errorf("got dup %v id %d, want a repetition under id %d", again.pub.Dup, again.pub.PacketID, m.pub.PacketID)
		}
	})
	t.Run("CrashAfterPubrel", func(t *testing.T) {
		p, sub, m := setup(t)
		sub.ack(wire.PUBREC, m.pub.PacketID)
		sub.want(wire.PUBREL)
		sub = p.crash(delivery.Limits{}).connect("sub", 5, lasting)
		if got := sub.next(); got.typ != wire.PUBREL || got.ack.PacketID != m.pub.PacketID {
			t.Fatalf("got % x, want PUBREL: the client has the message", got.raw)
		}
	})
	t.Run("CrashAfterPubcomp", func(t *testing.T) {
		p, sub, m := setup(t)
		sub.ack(wire.PUBREC, m.pub.PacketID)
		sub.want(wire.PUBREL)
		sub.ack(wire.PUBCOMP, m.pub.PacketID)
		pub := p.connect("other", 5)
		pub.publish("q/1", "next", 1, 1, false, false)
		pub.want(wire.PUBACK) // in the log behind the end of the exchange
		p = p.crash(delivery.Limits{})
		sub = p.connect("sub", 5, lasting)
		sub.wantMessage("q/1", "next")
	})
	t.Run("RefusedByClient", func(t *testing.T) {
		_, sub, m := setup(t)
		sub.mustSend(wire.AppendAck(nil, 5, wire.PUBREC, wire.Ack{PacketID: m.pub.PacketID, Code: wire.QuotaExceeded}))
		sub.mustSend(wire.AppendAck(nil, 5, wire.PUBREC, wire.Ack{PacketID: m.pub.PacketID}))
		if got := sub.want(wire.PUBREL).ack; got.Code != wire.PacketIdentifierNotFound {
			t.Errorf("got %v, want the id to be free", got.Code)
		}
	})
}

func TestSession_QoS2Inbound(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 1)
	pub := p.connect("pub", 5, lasting)
	pub.publish("q/1", "a", 2, 7, false, false)
	pub.want(wire.PUBREC)
	pub.publish("q/1", "a", 2, 7, false, true)
	pub.want(wire.PUBREC)
	sub.wantMessage("q/1", "a")

	p = p.crash(delivery.Limits{})
	sub, pub = p.connect("sub", 5, lasting), p.connect("pub", 5, lasting)
	sub.wantMessage("q/1", "a") // not acknowledged before
	pub.publish("q/1", "a", 2, 7, false, true)
	pub.want(wire.PUBREC)
	pub.ack(wire.PUBREL, 7)
	pub.want(wire.PUBCOMP)

	p = p.crash(delivery.Limits{})
	sub, pub = p.connect("sub", 5, lasting), p.connect("pub", 5, lasting)
	sub.wantMessage("q/1", "a")
	pub.publish("q/1", "b", 2, 7, false, false) // a new message under a free id
	pub.want(wire.PUBREC)
	sub.wantMessage("q/1", "b")
}

func TestSession_TopicAlias(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, func(c *delivery.Connect) { c.TopicAliasMaximum = 1 })
	sub.subscribe("#", 0)
	pub := p.connect("pub", 5)
	for range 2 {
		pub.publish("a/b", "x", 0, 0, false, false)
		pub.publish("c", "y", 0, 0, false, false)
	}
	first, other, again := sub.want(wire.PUBLISH).pub, sub.want(wire.PUBLISH).pub, sub.want(wire.PUBLISH).pub
	if string(first.Topic) != "a/b" || first.Props.TopicAlias != 1 {
		t.Errorf("got topic %q with alias %d, want a/b named 1", first.Topic, first.Props.TopicAlias)
	}
	if string(other.Topic) != "c" || other.Props.TopicAlias != 0 {
		t.Errorf("got topic %q with alias %d, want c without one: the client takes 1", other.Topic, other.Props.TopicAlias)
	}
	if len(again.Topic) != 0 || again.Props.TopicAlias != 1 {
		t.Errorf("got topic %q with alias %d, want the alias alone", again.Topic, again.Props.TopicAlias)
	}
}

// An alias that went with a message too large to be sent is not known.
func TestSession_TopicAliasOfATooLargeMessage(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, func(c *delivery.Connect) { c.TopicAliasMaximum, c.MaximumPacketSize = 1, 50 })
	sub.subscribe("#", 0)
	pub := p.connect("pub", 5)
	pub.publish("a/b", strings.Repeat("x", 100), 0, 0, false, false)
	pub.publish("a/b", "y", 0, 0, false, false)
	if got := sub.want(wire.PUBLISH).pub; string(got.Topic) != "a/b" || got.Props.TopicAlias != 1 {
		t.Errorf("got topic %q with alias %d, want a/b named 1", got.Topic, got.Props.TopicAlias)
	}
}

// A QoS 2 delivery that a crash interrupted is sent again as it was.
func TestSession_RepeatedAsItWas(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	pub := p.connect("pub", 5)
	exactly(pub, "q/1", "live", 1)
	pub.publish("r/1", "kept", 2, 2, true, false)
	pub.want(wire.PUBREC)
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("r/#", 2, 7)
	kept := sub.wantMessage("r/1", "kept")
	sub.subscribe("q/#", 2, 9)
	exactly(pub, "q/1", "x", 3)
	live := sub.wantMessage("q/1", "x")
	p = p.crash(delivery.Limits{})
	p.stop() // writes down what it has read from the log
	p = startPlane(t, p.dir, delivery.Limits{})
	sub = p.connect("sub", 5, lasting)
	for _, want := range []packet{kept, live} {
		got := sub.wantMessage(string(want.pub.Topic), string(want.pub.Payload))
		if got.pub.PacketID != want.pub.PacketID || got.subID != want.subID || got.pub.Retain != want.pub.Retain || !got.pub.Dup {
			t.Errorf("got id %d, identifier %d, retain %t, DUP %t; want id %d, identifier %d, retain %t and DUP",
				got.pub.PacketID, got.subID, got.pub.Retain, got.pub.Dup, want.pub.PacketID, want.subID, want.pub.Retain)
		}
	}
}
