package delivery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// lines are a trace's events as an operator reads them.
func lines(t *testing.T, p *plane, id string, after uint64) []string {
	t.Helper()
	traced, err := p.hub.Traced(id, after)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range traced.Events {
		arrow := "<"
		if e.In {
			arrow = ">"
		}
		line := fmt.Sprintf("%s %s %s", arrow, e.What, e.Topic)
		if e.ID != 0 {
			line += fmt.Sprintf(" #%d", e.ID)
		}
		if e.Code != 0 {
			line += fmt.Sprintf(" %#x", byte(e.Code))
		}
		list = append(list, strings.Join(strings.Fields(line), " "))
	}
	return list
}

func TestHub_Trace(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) {
		p.deny = func(_, topic string) bool { return strings.HasPrefix(topic, "closed") }
	})
	if began, err := p.hub.Trace("ana"); !began || err != nil {
		t.Fatalf("a client that is not there yet: %v %v", began, err)
	}
	if began, err := p.hub.Trace("ana"); began || err != nil {
		t.Errorf("a second time: %v %v", began, err)
	}
	ana := p.connect("ana", 5, lasting)
	ana.subscribe("a/#", 1)
	ana.subscribe("closed/x", 1)
	ana.publish("a/own", "secret", 1, 7, false, false)
	if m := ana.next(); m.typ == wire.PUBLISH { // the acknowledgement may come after it
		ana.want(wire.PUBACK)
		ana.ack(wire.PUBACK, m.pub.PacketID)
	} else {
		ana.ack(wire.PUBACK, ana.want(wire.PUBLISH).pub.PacketID)
	}
	ana.publish("closed/x", "secret", 1, 8, false, false)
	ana.want(wire.PUBACK)
	ana.publish("closed/x", "secret", 0, 0, false, false)
	ben := p.connect("ben", 5) // of whom nothing is told
	ben.publish("a/quick", "x", 0, 0, false, false)
	ana.wantMessage("a/quick", "x")
	if err := p.hub.Disconnect("ana", false); err != nil {
		t.Fatal(err)
	}
	ana.session.Closed()
	got := lines(t, p, "ana", 0)
	want := []string{
		"> CONNECT", "> SUBSCRIBE a/#", "> SUBSCRIBE closed/x 0x87", "> PUBLISH a/own #7", "< PUBLISH a/own #1", "< PUBACK #7", "> PUBACK #1",
		"> PUBLISH closed/x #8", "< PUBACK #8 0x87", "> PUBLISH closed/x", "< REFUSED closed/x 0x87", "< PUBLISH a/quick", "< DISCONNECT 0x98", "> CLOSED",
	}
	for _, list := range [][]string{got, want} {
		slices.Sort(list) // PUBACK and the own message go out from two goroutines
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := p.hub.EndTrace("ana"); err != nil {
		t.Error(err)
	}
	if _, err := p.hub.Traced("ana", 0); !errors.Is(err, delivery.ErrNoTrace) {
		t.Errorf("after its end: %v", err)
	}
}

func TestHub_Trace_Bounds(t *testing.T) {
	var c clock
	p := startPlane(t, t.TempDir(), delivery.Limits{}, func(p *plane) { p.now = c.now })
	for i := range 16 {
		if _, err := p.hub.Trace(fmt.Sprint("c", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.hub.Trace("one more"); !errors.Is(err, delivery.ErrManyTraces) {
		t.Errorf("the 17th: %v", err)
	}
	c0 := p.connect("c0", 5)
	for i := range 600 { // and its CONNECT
		c0.publish(fmt.Sprint("t/", i), "x", 0, 0, false, false)
	}
	traced, err := p.hub.Traced("c0", 10)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(traced.Events); n != 500 || traced.Skipped != 91 || traced.Events[0].N != 102 || traced.Events[499].Topic != "t/599" {
		t.Errorf("%d events, %d skipped, first %+v", n, traced.Skipped, traced.Events[0])
	}
	if again := lines(t, p, "c0", 601); again != nil {
		t.Errorf("read already: %v", again)
	}
	c.move(time.Minute)
	lines(t, p, "c0", 0)
	c.move(90 * time.Second)
	eventually(t, "traces that nobody reads have ended", func() bool {
		_, err := p.hub.Trace("one more")
		return err == nil
	})
	if _, err := p.hub.Traced("c1", 0); !errors.Is(err, delivery.ErrNoTrace) {
		t.Errorf("one that nobody read: %v", err)
	}
	if len(lines(t, p, "c0", 0)) == 0 {
		t.Error("one that was read is empty")
	}
	if got := p.hub.TraceStats(); got.Traces != 2 || got.Refused == 0 || got.PushedOut != 101 || got.Idled != 15 {
		t.Errorf("the bounds are counted as %+v", got)
	}
}

func TestHub_Clients(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	for _, id := range []string{"b-phone", "A-watch", "c-Phone"} {
		p.connect(id, 5, lasting).subscribe("t", 1)
	}
	gone := p.connect("d-phone", 5, lasting)
	gone.leave()
	pub := p.connect("z", 5)
	pub.publish("t", "x", 1, 1, false, false)
	pub.want(wire.PUBACK)
	yes, no := true, false
	for name, test := range map[string]struct {
		q    delivery.ClientQuery
		want string
	}{
		"All":          {delivery.ClientQuery{}, "A-watch b-phone c-Phone d-phone z"},
		"Search":       {delivery.ClientQuery{Search: "PHONE"}, "b-phone c-Phone d-phone"},
		"Connected":    {delivery.ClientQuery{Search: "phone", Connected: &yes}, "b-phone c-Phone"},
		"NotConnected": {delivery.ClientQuery{Connected: &no}, "d-phone"},
		"Since":        {delivery.ClientQuery{Sort: "since"}, "z d-phone c-Phone A-watch b-phone"},
		"User":         {delivery.ClientQuery{Sort: "user"}, "A-watch b-phone c-Phone d-phone z"},
		"None":         {delivery.ClientQuery{Search: "nobody"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{1, 2, 100} {
				var got []string
				q := test.q
				q.Limit = limit
				for pages := 0; pages < 10; pages++ {
					list, next := p.hub.Clients(q)
					for _, c := range list {
						got = append(got, c.ID)
					}
					if q.After = next; next == "" {
						break
					}
				}
				if text := strings.Join(got, " "); text != test.want {
					t.Errorf("pages of %d: %q, want %q", limit, text, test.want)
				}
			}
		})
	}
	eventually(t, "those with a message come first", func() bool {
		list, _ := p.hub.Clients(delivery.ClientQuery{Sort: "waiting", Limit: 3})
		return len(list) == 3 && list[0].Inflight == 1 && list[2].Inflight == 1
	})
}
