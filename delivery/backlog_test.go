package delivery_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// backlogs are the sessions that Backlogs lists, with how much waits.
func backlogs(t *testing.T, p *plane, byMessages bool, limit int) string {
	t.Helper()
	b, err := p.hub.Backlogs(t.Context(), byMessages, limit)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, one := range b.List {
		list = append(list, fmt.Sprintf("%s:%d+%d", one.ID, one.Queue.Inflight, one.Messages))
		if one.Oldest.IsZero() {
			t.Errorf("%s: what waits has no age", one.ID)
		}
	}
	return strings.Join(list, " ")
}

func TestHub_Backlogs(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	for id, filter := range map[string]string{"many": "small/#", "few": "large/#", "idle": "nothing"} {
		c := p.connect(id, 5, lasting)
		c.subscribe(filter, 1)
		c.leave()
	}
	stalled := p.connect("stalled", 5, lasting) // is there and acknowledges nothing
	stalled.subscribe("large/#", 1)
	pub := p.connect("pub", 5)
	for i := range 20 {
		pub.publish("small/x", "x", 1, uint16(i+1), false, false)
		pub.want(wire.PUBACK)
	}
	pub.publish("large/x", strings.Repeat("x", 10_000), 1, 100, false, false)
	pub.want(wire.PUBACK)
	stalled.wantMessage("large/x", strings.Repeat("x", 10_000))
	for _, test := range []struct {
		byMessages bool
		limit      int
		want       string
	}{
		{true, 10, "many:0+20 few:0+1 stalled:1+0"},
		{false, 10, "stalled:1+0 few:0+1 many:0+20"},
		{true, 1, "many:0+20"},
	} {
		if got := backlogs(t, p, test.byMessages, test.limit); got != test.want {
			t.Errorf("by messages %v, %d of them: %q, want %q", test.byMessages, test.limit, got, test.want)
		}
	}
	if b, err := p.hub.Backlogs(t.Context(), false, 10); err != nil || b.Sessions != 5 || b.Looked != 5 {
		t.Errorf("looked at %d of %d, %v", b.Looked, b.Sessions, err)
	}
	if err := p.hub.Disconnect("many", true); err != nil {
		t.Fatal(err)
	}
	if got := backlogs(t, p, true, 10); strings.Contains(got, "many") {
		t.Errorf("a discarded session is listed: %q", got)
	}
}

// What a session was not given is counted for itself, with the reason, and a trace
// tells each.
func TestSession_Dropped(t *testing.T) {
	var c clock
	denied := false
	p := startPlane(t, t.TempDir(), delivery.Limits{QueueMessages: 3}, func(p *plane) {
		p.now = c.now
		p.deny = func(user, topic string) bool { return denied && user == "ana" && topic == "right" }
	})
	if _, err := p.hub.Trace("ana"); err != nil {
		t.Fatal(err)
	}
	ana := p.connect("ana", 5, lasting, func(c *delivery.Connect) { c.MaximumPacketSize = 200 })
	ana.subscribe("#", 1)
	pub := p.connect("pub", 5)
	pub.publish("large", strings.Repeat("x", 300), 0, 0, false, false)
	pub.publish("large", strings.Repeat("x", 300), 1, 1, false, false)
	pub.want(wire.PUBACK)
	ana.c.stall(1 << 20)
	pub.publish("congested", "x", 0, 0, false, false)
	ana.c.stall(0)
	eventually(t, "three are counted", func() bool {
		info, _ := p.hub.Client("ana")
		return info.Dropped["tooLarge"] == 2 && info.Dropped["congested"] == 1
	})
	ana.leave()
	for i := range 5 {
		pub.publish("queue", fmt.Sprint(i), 1, uint16(i+10), false, false)
		pub.want(wire.PUBACK)
	}
	ana = p.connect("ana", 5, lasting)
	ana.wantMessage("queue", "2")
	info, _ := p.hub.Client("ana")
	if info.Dropped["queueFull"] != 2 || info.Window == 0 {
		t.Errorf("dropped %v, window %d", info.Dropped, info.Window)
	}
	if other, _ := p.hub.Client("pub"); len(other.Dropped) != 0 {
		t.Errorf("another session has %v", other.Dropped)
	}
	text := strings.Join(lines(t, p, "ana", 0), "\n")
	if got := strings.Count(text, "< DROPPED large"); got != 2 || !strings.Contains(text, "< DROPPED congested") {
		t.Errorf("the trace:\n%s", text)
	}
}

// A client that acknowledges nothing: the trace says for what its messages wait.
func TestHub_Trace_Queued(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	if _, err := p.hub.Trace("watch"); err != nil {
		t.Fatal(err)
	}
	watch := p.connect("watch", 5, lasting, func(c *delivery.Connect) { c.ReceiveMaximum = 1 })
	watch.subscribe("t", 1)
	pub := p.connect("pub", 5)
	for i := range 2 {
		pub.publish("t", fmt.Sprint(i), 1, uint16(i+1), false, false)
		pub.want(wire.PUBACK)
	}
	first := watch.wantMessage("t", "0")
	var queued []string
	eventually(t, "the second one waits", func() bool {
		traced, err := p.hub.Traced("watch", 0)
		if err != nil {
			t.Fatal(err)
		}
		queued = nil
		for _, e := range traced.Events {
			if e.What == "QUEUED" {
				queued = append(queued, e.Reason)
			}
		}
		return len(queued) > 0
	})
	if len(queued) != 1 || !strings.HasPrefix(queued[0], "1 are sent and not acknowledged") {
		t.Errorf("got %q", queued)
	}
	watch.ack(wire.PUBACK, first.pub.PacketID)
	watch.wantMessage("t", "1")
}
