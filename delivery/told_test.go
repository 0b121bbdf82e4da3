package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
)

// wantAcked waits until the observer has heard of just these.
func (p *plane) wantAcked(want ...string) {
	p.t.Helper()
	await.NoError(p.t, "acknowledged", func() error {
		if got := p.ackedNow(); !slices.Equal(got, want) {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return nil
	})
}

func TestHub_Acknowledged(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		sub := p.connect("sub", 5)
		sub.subscribe("user/ana/+", 2)
		sub.subscribe("other/+", 1)
		p.hub.Publish(&delivery.Message{Topic: "user/ana/a", Payload: []byte("zero"), QoS: 0}, "")
		sub.wantMessage("user/ana/a", "zero")
		for i, qos := range []byte{1, 2} {
			text := []string{"one", "two"}[i]
			p.hub.Publish(&delivery.Message{Topic: "other/a", Payload: []byte(text), QoS: 1}, "")
			sub.ack(wire.PUBACK, sub.wantMessage("other/a", text).pub.PacketID)
			p.hub.Publish(&delivery.Message{Topic: "user/ana/a", Payload: []byte(text), QoS: qos}, "")
			m := sub.wantMessage("user/ana/a", text)
			if qos == 1 {
				sub.ack(wire.PUBACK, m.pub.PacketID)
				continue
			}
			sub.ack(wire.PUBREC, m.pub.PacketID)
			sub.want(wire.PUBREL)
			sub.ack(wire.PUBCOMP, m.pub.PacketID)
		}
		p.wantAcked("sub user/ana/a one", "sub user/ana/a two")
	})
	t.Run("DaysLater", func(t *testing.T) {
		dir := t.TempDir()
		p := startPlane(t, dir, delivery.Limits{})
		p.connect("sub", 5, lasting).subscribe("user/ana/+", 1)
		p = p.crash(delivery.Limits{})
		done := make(chan error, 1)
		p.hub.PublishThen(&delivery.Message{Topic: "user/ana/a", Payload: []byte("x"), QoS: 1}, "id", func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		p = p.crash(delivery.Limits{})
		p.wantAcked()
		sub := p.connect("sub", 5, lasting)
		sub.ack(wire.PUBACK, sub.wantMessage("user/ana/a", "x").pub.PacketID)
		p.wantAcked("sub user/ana/a x")
	})
}

func TestHub_PublishThen(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	done := make(chan error, 1)
	note := func(err error) { done <- err }
	p.hub.PublishThen(&delivery.Message{Topic: "nobody", QoS: 1}, "", note)
	if err := <-done; err != nil {
		t.Errorf("nobody is owed it: got %v, want nil", err)
	}
	p.connect("sub", 5, lasting).subscribe("a", 1)
	p.st.setFail(errors.New("disk full"))
	p.hub.PublishThen(&delivery.Message{Topic: "a", QoS: 1}, "", note)
	if err := <-done; err == nil {
		t.Error("the store took nothing: got nil, want its error")
	}
	p.st.setFail(nil)
}

// TestHub_PublishOnce publishes under one id for a session that ends with its
// connection: nobody is owed the message, and yet it comes once.
func TestHub_PublishOnce(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5)
	sub.subscribe("a", 1)
	done := make(chan error, 1)
	for _, payload := range []string{"first", "first"} {
		p.hub.PublishThen(&delivery.Message{Topic: "a", QoS: 1, Payload: []byte(payload)}, "award/1", func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	p.hub.Publish(&delivery.Message{Topic: "a", QoS: 1, Payload: []byte("last")}, "")
	sub.wantMessage("a", "first")
	sub.wantMessage("a", "last")
}

func TestHub_VerdictExpiry(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5)
	sub.subscribe("judged/expiring", 1)
	p.connect("pub", 4).publish("judged/expiring", "x", 1, 1, false, false)
	m := sub.wantMessage("judged/expiring", "x")
	if !m.pub.Props.HasExpiry || m.pub.Props.Expiry > 30 || m.pub.Props.Expiry < 25 {
		t.Errorf("got expiry %v %d s, want the verdict's 30 s", m.pub.Props.HasExpiry, m.pub.Props.Expiry)
	}
}

// What the observer publishes about an acknowledgement is in the log before the
// acknowledgement: after a crash in between, the client is asked again.
func TestHub_AcknowledgedComesFirst(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	p.onAcked = func(m *delivery.Message) {
		p.hub.Publish(&delivery.Message{Topic: "receipts/1", Payload: m.Payload, QoS: 1}, "receipt-of-"+string(m.Payload))
	}
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("user/sub/#", 2)
	p.connect("pub", 5).publish("user/sub/x", "hi", 2, 1, false, false)
	m := sub.wantMessage("user/sub/x", "hi")
	sub.ack(wire.PUBREC, m.pub.PacketID)
	sub.want(wire.PUBREL)

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	const released = 2 // the step of the exchange that PUBREC brings about
	receipt, step := store.Pos(0), store.Pos(0)
	err := p.st.Tail(ctx, 0, func(entries []store.Entry) error {
		for _, e := range entries {
			switch {
			case e.Topic == "receipts/1":
				receipt = e.Pos
			case e.Topic == "" && len(e.Data) > 0 && e.Data[0] == released:
				step = e.Pos
			}
		}
		if receipt > 0 && step > 0 {
			stop()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if receipt > step {
		t.Errorf("the receipt is at %d of the log, behind the step at %d", receipt, step)
	}
}
