package delivery_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

func receiveMaximum(n uint16) connectOption {
	return func(c *delivery.Connect) { c.ReceiveMaximum = n }
}

func withWill(w wire.Will) connectOption {
	return func(c *delivery.Connect) { c.Will = &w }
}

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

// publishMany publishes payloads 0..n-1 at QoS 1 and waits for every PUBACK.
func publishMany(t *testing.T, pub *client, topic string, from, to int) {
	t.Helper()
	sent, acked := from, from
	for acked < to {
		for sent < to && sent-acked < 500 {
			pub.publish(topic, strconv.Itoa(sent), 1, uint16(sent%60000+1), false, false)
			sent++
		}
		if got := pub.want(wire.PUBACK).ack; got.Code.Failed() || int(got.PacketID) != acked%60000+1 {
			t.Fatalf("got %+v, want an acknowledgement of %d", got, acked%60000+1)
		}
		acked++
	}
}

func drain(t *testing.T, sub *client, topic string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		m := sub.wantMessage(topic, strconv.Itoa(i))
		sub.ack(wire.PUBACK, m.pub.PacketID)
	}
}

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

func TestHub_Connect(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	first := p.connect("c", 5, lasting)
	first.subscribe("x", 1)
	t.Run("ErrOwned", func(t *testing.T) {
		_, err := p.hub.Connect(delivery.Connect{Conn: newConn(), Client: &delivery.Client{ID: "c", UserID: "other", Version: 5}})
		if !errors.Is(err, delivery.ErrOwned) {
			t.Errorf("got %v, want ErrOwned", err)
		}
		if first.c.closed {
			t.Error("the owner was disconnected")
		}
	})
	t.Run("TakeOver", func(t *testing.T) {
		second := p.connect("c", 5, lasting)
		if first.c.ended != wire.SessionTakenOver {
			t.Errorf("got %v, want session taken over", first.c.ended)
		}
		first.session.Closed() // late, as the transport does it
		pub := p.connect("pub", 5)
		pub.publish("x", "1", 1, 1, false, false)
		second.wantMessage("x", "1")
	})
	t.Run("CleanStart", func(t *testing.T) {
		c := p.connect("c", 5, lasting, cleanStart)
		if c.session.Present() {
			t.Error("session present after clean start")
		}
		c.subscribe("marker/#", 0)
		pub := p.connect("pub", 5)
		pub.publish("x", "2", 1, 1, false, false)
		if got := pub.want(wire.PUBACK).ack.Code; got != wire.NoMatchingSubscribers {
			t.Errorf("got %v, want no matching subscribers: the subscription is gone", got)
		}
		c.nothing(p)
	})
}

func TestHub_Wills(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("marker/#", 0)
	sub.subscribe("will/#", 1)
	will := wire.Will{Topic: "will/c", Payload: []byte("lost"), QoS: 1}
	t.Run("Lost", func(t *testing.T) {
		p.connect("c", 5, withWill(will)).drop()
		m := sub.wantMessage("will/c", "lost")
		sub.ack(wire.PUBACK, m.pub.PacketID)
	})
	t.Run("CleanDisconnect", func(t *testing.T) {
		p.connect("c", 5, withWill(will)).leave()
		sub.nothing(p)
	})
	t.Run("DelayEndsWithReturn", func(t *testing.T) {
		delayed := will
		delayed.Delay = 1
		p.connect("c", 5, lasting, withWill(delayed)).drop()
		p.connect("c", 5, lasting).leave()
		delayed.Payload = []byte("second")
		p.connect("d", 5, lasting, withWill(delayed)).drop()
		m := sub.wantMessage("will/c", "second") // not the first one's
		sub.ack(wire.PUBACK, m.pub.PacketID)
	})
	t.Run("BrokerCrash", func(t *testing.T) {
		will.Payload = []byte("crash")
		p.connect("e", 5, withWill(will))
		q := p.crash(delivery.Limits{})
		sub := q.connect("sub", 5, lasting)
		sub.t = t
		// What was acknowledged since the last checkpoint may come again.
		for string(sub.want(wire.PUBLISH).pub.Payload) != "crash" {
			continue
		}
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
