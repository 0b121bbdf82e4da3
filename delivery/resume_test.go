package delivery_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// gatedStore holds appends back while its gate is closed.
type gatedStore struct {
	store.Store
	gate sync.RWMutex
}

func (s *gatedStore) Append(ctx context.Context, recs []store.Record) (store.Pos, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.Store.Append(ctx, recs)
}

func startGated(t *testing.T) (*plane, *gatedStore) {
	g := &gatedStore{}
	p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) { g.Store, p.st.Store = p.st.Store, g })
	return p, g
}

// A client that comes back while what it sent is still on its way to the log
// repeats it: once is enough, and the answer goes to the new connection.
func TestSession_ReturnsBeforeTheStoreAnswers(t *testing.T) {
	t.Run("QoS2Publish", func(t *testing.T) {
		p, g := startGated(t)
		sub := p.connect("sub", 5, lasting)
		sub.subscribe("#", 2)
		pub := p.connect("pub", 5, lasting)
		g.gate.Lock()
		pub.publish("q/1", "once", 2, 3, false, false)
		pub.drop()
		pub = p.connect("pub", 5, lasting)
		pub.publish("q/1", "once", 2, 3, false, true)
		g.gate.Unlock()
		if got := pub.want(wire.PUBREC); got.ack.PacketID != 3 {
			t.Errorf("PUBREC for id %d, want 3", got.ack.PacketID)
		}
		sub.wantMessage("q/1", "once")
		sub.nothing(p)
	})
	t.Run("QoS2InOrder", func(t *testing.T) {
		p, g := startGated(t)
		pub := p.connect("pub", 5, lasting)
		pub.publish("q/1", "second", 2, 4, false, false)
		pub.want(wire.PUBREC)
		pub.drop()
		pub = p.connect("pub", 5, lasting)
		g.gate.Lock()
		pub.publish("q/1", "first", 2, 3, false, true) // the broker never had it
		pub.publish("q/1", "second", 2, 4, false, true)
		g.gate.Unlock()
		for _, id := range []uint16{3, 4} {
			if got := pub.want(wire.PUBREC); got.ack.PacketID != id {
				t.Errorf("PUBREC for id %d, want %d", got.ack.PacketID, id)
			}
		}
	})
	t.Run("QoS2InOrderOfTwoConnections", func(t *testing.T) {
		p, g := startGated(t)
		pub := p.connect("pub", 5, lasting)
		pub.publish("q/1", "first", 2, 3, false, false)
		pub.want(wire.PUBREC)
		g.gate.Lock()
		pub.publish("q/1", "second", 2, 4, false, false) // is on its way to the log
		pub.drop()
		pub = p.connect("pub", 5, lasting)
		pub.publish("q/1", "between", 1, 9, false, false)
		pub.publish("q/1", "first", 2, 3, false, true)
		pub.publish("q/1", "second", 2, 4, false, true)
		g.gate.Unlock()
		for _, id := range []uint16{3, 4} {
			if got := pub.want(wire.PUBREC); got.ack.PacketID != id {
				t.Errorf("PUBREC for id %d, want %d", got.ack.PacketID, id)
			}
		}
	})
	t.Run("Pubrel", func(t *testing.T) {
		p, g := startGated(t)
		pub := p.connect("pub", 5, lasting)
		pub.publish("q/1", "once", 2, 3, false, false)
		pub.want(wire.PUBREC)
		g.gate.Lock()
		pub.ack(wire.PUBREL, 3)
		pub.drop()
		pub = p.connect("pub", 5, lasting)
		pub.ack(wire.PUBREL, 3)
		g.gate.Unlock()
		if got := pub.want(wire.PUBCOMP); got.ack.PacketID != 3 {
			t.Errorf("PUBCOMP for id %d, want 3", got.ack.PacketID)
		}
	})
}

// A connection that continues a session and lets it end with itself gets what
// had waited, before what comes now.
func TestSession_ResumedForOneConnection(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 2)
	sub.leave()
	pub := p.connect("pub", 5)
	publishMany(t, pub, "q/1", 0, 300)
	sub = p.connect("sub", 5)
	if !sub.session.Present() {
		t.Error("session present = false, want the session")
	}
	publishMany(t, pub, "q/1", 300, 320)
	drain(t, sub, "q/1", 0, 320)
	sub.leave()
	if p.connect("sub", 5).session.Present() {
		t.Error("session present = true, want it to have ended with the connection")
	}
}

// The ids of QoS 1 deliveries are not in the log, those of QoS 2 are: after a
// crash both still come in their order.
func TestSession_OrderAfterCrash(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 2)
	pub := p.connect("pub", 5)
	for i, payload := range []string{"a", "b", "c", "d"} {
		qos := byte(1 + i%2)
		pub.publish("q/1", payload, qos, uint16(i+1), false, false)
		pub.want(map[byte]byte{1: wire.PUBACK, 2: wire.PUBREC}[qos])
		sub.wantMessage("q/1", payload)
	}
	for _, window := range []uint16{100, 1} {
		q := p.crash(delivery.Limits{})
		sub := q.connect("sub", 5, lasting, receiveMaximum(window))
		var got string
		for released := 0; released < 2; {
			m := sub.next()
			switch {
			case m.typ == wire.PUBREL:
				sub.ack(wire.PUBCOMP, m.ack.PacketID)
				released++
			case m.pub.QoS == 1:
				got += string(m.pub.Payload)
				sub.ack(wire.PUBACK, m.pub.PacketID)
			default:
				got += string(m.pub.Payload)
				sub.ack(wire.PUBREC, m.pub.PacketID)
			}
		}
		if want := "abcd"; got != want {
			t.Errorf("Receive Maximum %d: got %q, want %q", window, got, want)
		}
	}
}

// What a restart has learned from the log, the next one still knows.
func TestHub_TwoRestarts(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("#", 2)
	pub := p.connect("pub", 5)
	pub.publish("q/1", "once", 2, 1, false, false)
	pub.want(wire.PUBREC)
	m := sub.wantMessage("q/1", "once")
	sub.ack(wire.PUBREC, m.pub.PacketID)
	sub.want(wire.PUBREL)
	sub.ack(wire.PUBCOMP, m.pub.PacketID)
	pub.publish("q/1", "later", 1, 2, false, false)
	pub.want(wire.PUBACK) // the end of the exchange is in the log
	q := p.crash(delivery.Limits{})
	q.stop() // nobody was there
	r := startPlane(t, q.dir, delivery.Limits{})
	sub = r.connect("sub", 5, lasting)
	sub.wantMessage("q/1", "later")
	sub.nothing(r)
}

// After a crash a session begins where it began, whatever the log knows of an
// earlier one of the same client.
func TestSession_ForgetsItsPredecessorAfterCrash(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 2)
	pub := p.connect("pub", 5)
	pub.publish("q/1", "old", 2, 1, false, false)
	pub.want(wire.PUBREC)
	sub.wantMessage("q/1", "old")
	sub = p.connect("sub", 5, lasting, cleanStart)
	sub.subscribe("marker/#", 0)
	q := p.crash(delivery.Limits{})
	q.connect("sub", 5, lasting).nothing(q)
}

// A will without delay is due when the connection is lost, however soon its
// client is back; a delayed one when the client begins anew.
func TestHub_WillsOfReturningClients(t *testing.T) {
	will := wire.Will{Topic: "will/c", Payload: []byte("lost"), QoS: 1}
	for name, options := range map[string][]connectOption{
		"Continued": {lasting}, "CleanStart": {lasting, cleanStart},
	} {
		t.Run("Crash"+name, func(t *testing.T) {
			p := startPlane(t, t.TempDir(), delivery.Limits{})
			p.connect("sub", 5, lasting).subscribe("will/#", 1)
			p.connect("c", 5, lasting, withWill(will))
			q := p.crash(delivery.Limits{})
			sub := q.connect("sub", 5, lasting)
			q.connect("c", 5, options...)
			sub.wantMessage("will/c", "lost")
		})
	}
	t.Run("CrashAfterDisconnect", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		p.connect("sub", 5, lasting).subscribe("#", 1)
		c := p.connect("c", 5, lasting, withWill(will))
		if err := c.session.Disconnect(&wire.Disconnect{}); err != nil {
			t.Fatal(err)
		}
		q := p.crash(delivery.Limits{}) // the client has not seen the connection closed
		sub := q.connect("sub", 5, lasting)
		q.connect("c", 5, lasting)
		sub.nothing(q)
	})
	t.Run("DelayedThenCleanStart", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		sub := p.connect("sub", 5)
		sub.subscribe("will/#", 1)
		delayed := will
		delayed.Delay = 3600
		p.connect("c", 5, lasting, withWill(delayed)).drop()
		p.connect("c", 5, lasting, cleanStart)
		sub.wantMessage("will/c", "lost")
	})
}

// A retained message that a restart finds waiting beside QoS 2 deliveries holds
// nothing up.
func TestSession_RetainedBesideCrash(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 2)
	pub := p.connect("pub", 5)
	pub.publish("r/1", "kept", 1, 9, true, false)
	pub.want(wire.PUBACK)
	pub.publish("q/1", "a", 1, 1, false, false)
	pub.want(wire.PUBACK)
	pub.publish("q/1", "b", 2, 2, false, false)
	pub.want(wire.PUBREC)
	sub.wantMessage("q/1", "a")
	sub.wantMessage("q/1", "b")
	q := p.crash(delivery.Limits{})
	sub = q.connect("sub", 5, lasting, receiveMaximum(1))
	sub.mustSend([]byte{wire.SUBSCRIBE<<4 | 2, 9, 0, 77, 0, 0, 3, 'r', '/', '#', 1})
	got := map[string]bool{}
	for len(got) < 3 {
		switch m := sub.next(); {
		case m.typ == wire.PUBREL:
			sub.ack(wire.PUBCOMP, m.ack.PacketID)
		case m.typ == wire.PUBLISH && m.pub.QoS == 2:
			got[string(m.pub.Payload)] = true
			sub.ack(wire.PUBREC, m.pub.PacketID)
		case m.typ == wire.PUBLISH:
			got[string(m.pub.Payload)] = true
			sub.ack(wire.PUBACK, m.pub.PacketID)
		}
	}
}

// What an earlier connection is about to hand over comes before what a later
// one does.
func TestHub_TakenOverInTheMiddleOfAPacket(t *testing.T) {
	for name, opts := range map[string][]connectOption{"Resumed": {lasting}, "CleanStart": {lasting, cleanStart}} {
		t.Run(name, func(t *testing.T) {
			entered, goOn := make(chan struct{}), make(chan struct{})
			p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) {
				p.deny = func(user, topic string) bool {
					if user == "pub" && topic == "q/first" {
						close(entered)
						<-goOn
					}
					return false
				}
			})
			sub := p.connect("sub", 5)
			sub.subscribe("q/#", 1)
			before := p.connect("pub", 5, lasting)
			first, _ := wire.AppendPublish(nil, 5, &wire.PublishOut{Topic: "q/first", Payload: []byte("1"), QoS: 1, PacketID: 1})
			var both sync.WaitGroup
			both.Go(func() { _ = before.send(first) }) // the connection is taken over: any answer will do
			<-entered
			returned := make(chan struct{})
			both.Go(func() {
				defer close(returned)
				after := p.connect("pub", 5, opts...)
				after.publish("q/second", "2", 1, 2, false, false)
			})
			select {
			case <-returned:
			case <-time.After(50 * time.Millisecond): // it waits for the earlier connection
			}
			close(goOn)
			both.Wait()
			sub.wantMessage("q/first", "1")
			sub.wantMessage("q/second", "2")
		})
	}
}

// fullStore takes no appends for a while, and tells of each that it refuses.
type fullStore struct {
	store.Store
	full    atomic.Bool
	refused chan struct{}
}

func (s *fullStore) Append(ctx context.Context, recs []store.Record) (store.Pos, error) {
	if s.full.Load() {
		select {
		case s.refused <- struct{}{}:
		default: // enough have been noticed
		}
		return 0, store.ErrFull
	}
	return s.Store.Append(ctx, recs)
}

// A session that holds a delayed will ends behind it: whatever comes in between, the
// will is published.
func TestHub_WillBeforeTheSessionsEnd(t *testing.T) {
	will := wire.Will{Topic: "will/c", Payload: []byte("lost"), QoS: 1, Delay: 1}
	t.Run("OK killed when the session had been ended", func(t *testing.T) {
		p := startPlane(t, t.TempDir(), delivery.Limits{})
		p.connect("sub", 5, lasting).subscribe("will/#", 1)
		delayed := will
		delayed.Delay = 3600
		p.connect("c", 5, lasting, ownedBy("ana"), withWill(delayed)).drop()
		p.hub.EndSessions("ana", wire.AdministrativeAction, "deleted")
		q := p.crash(delivery.Limits{})
		q.connect("sub", 5, lasting).wantMessage("will/c", "lost")
	})
	t.Run("OK the disk was full when the session expired", func(t *testing.T) {
		f := &fullStore{refused: make(chan struct{}, 1)}
		p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) { f.Store, p.st.Store = p.st.Store, f })
		sub := p.connect("sub", 5, lasting)
		sub.subscribe("will/#", 1)
		c := p.connect("c", 5, func(c *delivery.Connect) { c.Expiry = 1 }, withWill(will))
		f.full.Store(true)
		c.drop()
		for range 2 { // the first attempt, and one of a later tick
			select {
			case <-f.refused:
			case <-time.After(30 * time.Second):
				t.Fatal("the will is not tried again")
			}
		}
		f.full.Store(false)
		sub.wantMessage("will/c", "lost")
	})
}
