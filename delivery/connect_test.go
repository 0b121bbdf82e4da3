package delivery_test

import (
	"errors"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

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
