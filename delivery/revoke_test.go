package delivery_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// denials is what a plane's policy denies: "user topic" pairs, changed at will.
type denials struct{ atomic.Pointer[[]string] }

func (d *denials) set(pairs ...string) { d.Store(&pairs) }

// denying sets a plane up to deny what d holds.
func denying(d *denials) func(*plane) {
	d.set()
	return func(p *plane) {
		p.deny = func(user, topic string) bool { return slices.Contains(*d.Load(), user+" "+topic) }
	}
}

func window(n uint16) connectOption {
	return func(c *delivery.Connect) { c.ReceiveMaximum = n }
}

func TestHub_Revoke(t *testing.T) {
	t.Run("Connected", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5, lasting, window(1))
		for _, f := range []string{"a", "b", "marker/#"} {
			ana.subscribe(f, 1)
		}
		pub := p.connect("pub", 5)
		for i, topic := range []string{"b", "a", "a", "b"} {
			pub.publish(topic, "before", 1, uint16(i+1), false, false)
		}
		first := ana.wantMessage("b", "before") // the others wait for its acknowledgement
		d.set("ana a")
		p.hub.Revoke("ana")
		p.wantRevoked("ana a subscription ended: no right to a")
		ana.ack(wire.PUBACK, first.pub.PacketID)
		ana.ack(wire.PUBACK, ana.wantMessage("b", "before").pub.PacketID)
		d.set()
		pub.publish("a", "after", 1, 9, false, false) // allowed again, but the subscription is no more
		ana.nothing(p)
	})
	t.Run("Away", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5, lasting)
		ana.subscribe("a", 1)
		ana.subscribe("b", 1)
		ana.drop()
		pub := p.connect("pub", 5)
		pub.publish("a", "before", 1, 1, false, false)
		pub.publish("b", "before", 1, 2, false, false)
		d.set("ana a")
		p.hub.Revoke("ana")
		p.wantRevoked("ana a subscription ended: no right to a")
		d.set()
		pub.publish("a", "after", 1, 3, false, false)
		pub.publish("b", "after", 1, 4, false, false)
		ana = p.connect("ana", 5, lasting)
		ana.wantMessage("b", "before")
		ana.wantMessage("b", "after")
	})
	t.Run("NobodyHasSaidSo", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5, lasting)
		ana.subscribe("a", 1)
		ana.subscribe("b", 1)
		ana.drop()
		d.set("ana a")
		ana = p.connect("ana", 5, lasting) // judged when it comes back
		p.wantRevoked("ana a subscription ended: no right to a")
		d.set()
		p.connect("pub", 5).publish("a", "after", 1, 1, false, false)
		p.connect("pub", 5).publish("b", "after", 1, 1, false, false)
		ana.wantMessage("b", "after")
	})
	t.Run("BehindTheQueue", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5, window(1))
		ana.subscribe("+", 1)
		pub := p.connect("pub", 5)
		for i, topic := range []string{"b", "a", "c"} {
			pub.publish(topic, "x", 1, uint16(i+1), false, false)
		}
		first := ana.wantMessage("b", "x")
		d.set("ana a") // what is in the queue is judged when it is sent
		ana.ack(wire.PUBACK, first.pub.PacketID)
		ana.wantMessage("c", "x")
	})
	t.Run("WaitsToBeSentAgain", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5, lasting)
		ana.subscribe("+", 1)
		pub := p.connect("pub", 5)
		for i, topic := range []string{"b", "a", "c"} {
			pub.publish(topic, "x", 1, uint16(i+1), false, false)
			ana.wantMessage(topic, "x")
		}
		ana.drop()
		ana = p.connect("ana", 5, lasting, window(1))
		first := ana.wantMessage("b", "x")
		d.set("ana a")
		p.hub.Revoke("ana")
		ana.ack(wire.PUBACK, first.pub.PacketID)
		ana.wantMessage("c", "x")
	})
	t.Run("QoS2", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5, lasting, window(1))
		ana.subscribe("+", 2)
		ana.subscribe("marker/#", 0)
		pub := p.connect("pub", 5)
		for i, topic := range []string{"a", "a", "c"} {
			pub.publish(topic, "x", 2, uint16(i+1), false, false)
		}
		m := ana.wantMessage("a", "x")
		d.set("ana a")
		p.hub.Revoke("ana")
		ana.ack(wire.PUBREC, m.pub.PacketID) // what has begun is completed
		ana.want(wire.PUBREL)
		ana.ack(wire.PUBCOMP, m.pub.PacketID)
		ana.wantMessage("c", "x")
		ana.nothing(p)
	})
	t.Run("OthersBelowUser", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ben := p.connect("ben", 5)
		ben.subscribe("user/ana/presence", 1)
		ben.subscribe("user/ana/else", 1)
		pub := p.connect("pub", 5)
		pub.publish("user/ana/presence", "there", 1, 1, false, false)
		ben.wantMessage("user/ana/presence", "there")
		d.set("ben user/ana/presence")
		p.hub.Revoke("ana")
		p.wantRevoked("ben user/ana/presence subscription ended: no right to user/ana/presence")
		pub.publish("user/ana/presence", "gone", 1, 2, false, false)
		pub.publish("user/ana/else", "x", 1, 3, false, false)
		ben.wantMessage("user/ana/else", "x")
	})
	t.Run("MoreIsAllowed", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana := p.connect("ana", 5)
		ana.subscribe("+", 1)
		pub := p.connect("pub", 5)
		d.set("ana a")
		pub.publish("a", "no", 1, 1, false, false)
		pub.publish("b", "1", 1, 2, false, false)
		ana.wantMessage("b", "1")
		d.set()
		p.hub.Revoke("ana")
		pub.publish("a", "yes", 1, 3, false, false)
		ana.wantMessage("a", "yes")
	})
}

// wantRevoked waits until the observer has heard of the end of a subscription.
func (p *plane) wantRevoked(want string) {
	p.t.Helper()
	eventually(p.t, want, func() bool { return slices.Contains(p.revokedNow(), want) })
}

// A message that no member of a group may have does not hold up the others.
func TestGroup_Forbidden(t *testing.T) {
	for _, qos := range []byte{0, 1, 2} {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana, ben := p.connect("ana", 5, lasting, window(1)), p.connect("ben", 5, lasting)
		ana.subscribe("$share/g/+", qos)
		ben.subscribe("$share/g/+", qos)
		d.set("ana a", "ben a", "ben b")
		pub := p.connect("pub", 5)
		for i, topic := range []string{"a", "b", "a", "b"} {
			pub.publish(topic, "x", qos, uint16(i+1), false, false)
		}
		for range 2 {
			m := ana.wantMessage("b", "x")
			switch qos {
			case 1:
				ana.ack(wire.PUBACK, m.pub.PacketID)
			case 2:
				ana.ack(wire.PUBREC, m.pub.PacketID)
				ana.want(wire.PUBREL)
				ana.ack(wire.PUBCOMP, m.pub.PacketID)
			}
		}
	}
	t.Run("GivenBack", func(t *testing.T) {
		d := &denials{}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
		ana, ben := p.connect("ana", 5, lasting, window(1)), p.connect("ben", 5, lasting)
		ana.subscribe("$share/g/+", 1)
		pub := p.connect("pub", 5)
		for i, topic := range []string{"b", "a", "c"} {
			pub.publish(topic, "x", 1, uint16(i+1), false, false)
		}
		ana.wantMessage("b", "x")
		eventually(t, "the others wait for ana", func() bool {
			q, err := p.hub.Queue(t.Context(), "ana")
			return err == nil && q.Messages == 2
		})
		ben.subscribe("$share/g/+", 1)
		d.set("ana a")
		p.hub.Revoke("ana")
		ben.wantMessage("a", "x")
		d.set("ana a", "ben a")
		ben.drop() // it goes back to nobody
		ana.drop()
		ana = p.connect("ana", 5, lasting)
		for range 2 {
			m := ana.want(wire.PUBLISH)
			if string(m.pub.Topic) == "a" {
				t.Error("what nobody may have was delivered")
			}
			ana.ack(wire.PUBACK, m.pub.PacketID)
		}
	})
}

func TestHub_Connect_ErrWill(t *testing.T) {
	d := &denials{}
	p := startPlane(t, t.TempDir(), delivery.Limits{}, denying(d))
	first := p.connect("ana", 5)
	d.set("ana a")
	_, err := p.hub.Connect(delivery.Connect{
		Conn: newConn(), Client: &delivery.Client{ID: "ana", UserID: "ana", Version: 5}, Will: &wire.Will{Topic: "a", Payload: []byte("x")},
	})
	var will *delivery.WillError
	if !errors.As(err, &will) || !strings.Contains(err.Error(), "no right to a") {
		t.Fatalf("got %v", err)
	}
	if code := first.c.code(); code != 0 {
		t.Errorf("a CONNECT that is refused has ended the first connection with %v", code)
	}
}
