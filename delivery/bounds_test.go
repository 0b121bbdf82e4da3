package delivery_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

// clock is a clock that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

func forEver(c *delivery.Connect) { c.Expiry = ^uint32(0) }

func (p *plane) skippedNow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.skipped
}

// What has waited for too long is given up, whether the log's file is gone or
// not, and the client is told how much it was.
func TestSession_QueueAge(t *testing.T) {
	limits := delivery.Limits{QueueAge: time.Hour, MaxSessionExpiry: ^uint32(0)}
	for name, o := range map[string]bolt.Options{"OneFile": {}, "ManyFiles": {GenerationRecords: 10}} {
		t.Run(name, func(t *testing.T) {
			var c clock
			p := startPlaneOn(t, t.TempDir(), o, limits, func(p *plane) { p.now = c.now })
			sub := p.connect("sub", 5, forEver)
			sub.subscribe("q/#", 1)
			sub.leave()
			pub := p.connect("pub", 5)
			publishMany(t, pub, "q/1", 0, 45)
			c.move(2 * time.Hour)
			publishMany(t, pub, "q/1", 45, 50)
			if o.GenerationRecords > 0 {
				eventually(t, "the log has been trimmed", func() bool { return p.st.Floor() > 1 })
			}
			sub = p.connect("sub", 5, forEver)
			drain(t, sub, "q/1", 45, 50)
			eventually(t, "the client is told of 45", func() bool { return p.skippedNow() == 45 })
			if got := p.hub.Stats().Dropped.QueueFull.Load(); got != 45 {
				t.Errorf("counted %d, want 45", got)
			}
		})
	}
}

// A log over its bound loses its oldest files, although a session is still owed
// what is in them; the session is told, once, also when the broker has been
// started anew meanwhile.
func TestHub_LogBytes(t *testing.T) {
	var c clock
	limits := delivery.Limits{LogBytes: 40 << 20} // a file takes 16 MiB at least
	o := bolt.Options{GenerationRecords: 10}
	dir := t.TempDir()
	p := startPlaneOn(t, dir, o, limits, func(p *plane) { p.now = c.now })
	sub := p.connect("sub", 5, lasting)
	sub.subscribe("q/#", 1)
	sub.leave()
	pub := p.connect("pub", 5)
	for i := 0; i < 200; i += 20 {
		publishMany(t, pub, "q/1", i, i+20)
	}
	if got := p.hub.Gauges().LogBytes; got <= limits.LogBytes {
		t.Fatalf("the log has %d bytes, want more than its bound", got)
	}
	c.move(2 * time.Minute)
	eventually(t, "the log has been trimmed", func() bool { return p.hub.Gauges().LogBytes <= limits.LogBytes })
	var floor store.Pos
	eventually(t, "trimming is over", func() bool {
		was := floor
		floor = p.st.Floor()
		return floor > 1 && floor == was
	})
	p.stop()

	p = startPlaneOn(t, dir, o, limits)
	sub = p.connect("sub", 5, lasting)
	first := sub.want(wire.PUBLISH)
	sub.ack(wire.PUBACK, first.pub.PacketID)
	var lost int
	if _, err := fmt.Sscan(string(first.pub.Payload), &lost); err != nil {
		t.Fatalf("payload %q: %v", first.pub.Payload, err)
	}
	if lost == 0 {
		t.Fatal("the first message is still there")
	}
	drain(t, sub, "q/1", lost+1, 200)
	eventually(t, fmt.Sprintf("the client is told of %d", lost), func() bool { return p.skippedNow() == lost })
}

// Retained messages of clients have a bound, and what replaces one of them is
// not one more.
func TestHub_RetainedBound(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{RetainedMessages: 2, RetainedBytes: 2000})
	pub := p.connect("pub", 5)
	steps := []struct {
		topic, payload string
		want           wire.Code
	}{
		{"r/1", "one", 0},
		{"r/2", "two", 0},
		{"r/3", "three", wire.QuotaExceeded},
		{"r/2", "newer", 0},
		{"r/1", strings.Repeat("x", 2000), wire.QuotaExceeded},
		{"r/1", "", 0},
		{"r/3", "three", 0},
	}
	for i, s := range steps {
		pub.publish(s.topic, s.payload, 1, uint16(i+1), true, false)
		if got := pub.want(wire.PUBACK); got.ack.Code.Failed() != s.want.Failed() || s.want.Failed() && got.ack.Code != s.want {
			t.Fatalf("%s %.10q: got 0x%02x %q, want 0x%02x", s.topic, s.payload, byte(got.ack.Code), got.ack.Reason, byte(s.want))
		}
	}
	pub.publish("r/4", "none", 0, 0, true, false)
	p.mu.Lock()
	told := strings.Join(p.refused, "\n")
	p.mu.Unlock()
	if !strings.Contains(told, "r/4") || !strings.Contains(told, "2 retained messages") {
		t.Errorf("QoS 0 was refused with %q, want the topic and the bound", told)
	}
	sub := p.connect("sub", 5)
	sub.subscribe("r/#", 0)
	got := map[string]string{}
	for range 2 {
		m := sub.want(wire.PUBLISH)
		got[string(m.pub.Topic)] = string(m.pub.Payload)
	}
	if got["r/2"] != "newer" || got["r/3"] != "three" {
		t.Errorf("retained: got %v, want r/2 newer and r/3 three", got)
	}
	if n := p.hub.Stats().Refused.Retained.Load(); n != 3 {
		t.Errorf("counted %d refusals, want 3", n)
	}
}

// While slow clients hold more than the bound, the queues that are in memory
// alone are cut short, and a lasting session's messages stay in the log: none of
// those is lost.
func TestHub_MemoryBytes(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{MemoryBytes: 1 << 20})
	pub := p.connect("pub", 5)
	slow := p.connect("slow", 5)
	slow.subscribe("q/#", 1)
	patient := p.connect("patient", 5, lasting)
	patient.subscribe("q/#", 1)
	for _, c := range []*client{slow, patient} {
		c.c.stall(1 << 20)
	}
	filler := strings.Repeat("x", 4000)
	n := 0
	send := func(count int) {
		for range count {
			n++
			pub.publish("q/1", fmt.Sprint(n, " ", filler), 1, uint16(n), false, false)
			pub.want(wire.PUBACK)
		}
	}
	send(400)
	eventually(t, "memory is short", func() bool { return p.hub.Stats().MemoryShort.Load() == 1 })
	send(200)
	if got := p.hub.Stats().Dropped.QueueFull.Load(); got < 400 {
		t.Errorf("%d messages were dropped for the slow client, want at least 400", got)
	}
	for _, c := range []*client{slow, patient} {
		c.c.stall(0)
		c.session.Drained()
	}
	for want := 1; want <= n; want++ {
		m := patient.want(wire.PUBLISH)
		patient.ack(wire.PUBACK, m.pub.PacketID)
		var got int
		if _, err := fmt.Sscan(string(m.pub.Payload), &got); err != nil || got != want {
			t.Fatalf("got message %d (%v), want %d", got, err, want)
		}
	}
	m := slow.want(wire.PUBLISH)
	var first int
	if _, err := fmt.Sscan(string(m.pub.Payload), &first); err != nil || first < 400 {
		t.Errorf("the slow client's first is %d (%v), want one of the newest", first, err)
	}
}

// A client that acknowledges nothing holds a window of bytes as well as one of
// messages.
func TestSession_WindowBytes(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	pub := p.connect("pub", 5)
	sub := p.connect("sub", 5)
	sub.subscribe("q/#", 1)
	payload := strings.Repeat("x", 3<<20)
	for id := range uint16(4) {
		pub.publish("q/1", payload, 1, id+1, false, false)
		pub.want(wire.PUBACK)
	}
	first := sub.want(wire.PUBLISH)
	sub.want(wire.PUBLISH)
	sub.subscribe("marker/#", 0)
	sub.nothing(p)
	sub.ack(wire.PUBACK, first.pub.PacketID)
	sub.want(wire.PUBLISH)
}

// While the log is slow a client may go on as long as it keeps to its quota, with MQTT 3
// to its packet ids; refused and repeated messages count like others.
func TestSession_UnansweredPublishes(t *testing.T) {
	for name, tt := range map[string]struct {
		version byte
		bound   int
		topic   string
		ids     int // how many different ones
	}{
		"ErrRefused": {5, 4, "closed/x", 65_535}, "ErrRepeated": {5, 4, "q/1", 1}, "ErrRepeatedByMQTT3": {4, 65_535, "q/1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gatedStore{}
			p := startPlane(t, t.TempDir(), delivery.Limits{ReceiveMaximum: 4}, func(p *plane) { g.Store, p.st.Store = p.st.Store, g })
			p.deny = func(_, topic string) bool { return topic == "closed/x" }
			pub := p.connect("pub", tt.version, lasting)
			g.gate.Lock()
			defer g.gate.Unlock()
			pub.publish("q/1", "waits", 2, 1, false, false)
			for i := 1; i < tt.bound; i++ {
				pub.publish(tt.topic, "waits", 2, uint16(1+i%tt.ids), false, true)
			}
			b, _ := wire.AppendPublish(nil, tt.version, &wire.PublishOut{Topic: tt.topic, QoS: 2, PacketID: uint16(1 + tt.bound%tt.ids), Dup: true})
			var over *wire.Error
			if err := pub.send(b); !errors.As(err, &over) || over.Code != wire.ReceiveMaximumExceeded {
				t.Errorf("got %v, want receive maximum exceeded", err)
			}
		})
	}
}
