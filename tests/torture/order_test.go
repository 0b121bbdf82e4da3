package torture_test

import (
	"fmt"
	"strings"
	"time"
)

// walk follows a subscriber along a publisher's transmissions on one topic.
// Where the same message was transmitted several times it is not known which
// of them was delivered: all places that explain the deliveries are kept.
type walk struct {
	places []int // ascending; -1 = before the first
	seen   map[int]bool
	exact  map[int]bool // seen with QoS 2
	newest int          // highest seq that was delivered
	conn   int          // of the last delivery
}

func (o *oracle) walkOf(p *epoch, k walkKey) *walk {
	w := p.walks[k]
	if w == nil {
		w = &walk{places: []int{-1}, seen: map[int]bool{}, exact: map[int]bool{}}
		p.walks[k] = w
	}
	return w
}

// walk takes one delivery.
func (o *oracle) walk(w *witness, e *event) {
	s := e.stream()
	k := walkKey{s, e.qos == 0}
	at := o.walkOf(w.epoch, k)
	var here []int // transmissions of this message, so far
	list := o.sent[s]
	for j, t := range list {
		if t.seq == e.msg.seq && t.at < e.at {
			here = append(here, j)
		}
	}
	back := !k.zero && e.conn != at.conn
	defer func() {
		at.conn = e.conn
		at.seen[e.msg.seq] = true
		at.exact[e.msg.seq] = at.exact[e.msg.seq] || e.qos == 2
		at.newest = max(at.newest, e.msg.seq)
	}()
	if len(here) == 0 {
		o.fail(rulePhantom, e, "it was never sent")
		return
	}
	if e.qos == 2 && at.exact[e.msg.seq] {
		o.fail(ruleOnce, e, "delivered before")
		return
	}
	owed := w.epoch.owedFrom(w.name, s)
	next, gap := at.follow(list, here, owed, back && at.seen[e.msg.seq], k.zero)
	if len(next) > 0 {
		at.places = next
		return
	}
	switch {
	case !at.seen[e.msg.seq] && e.msg.seq < at.newest:
		o.fail(ruleOrder, e, "%d comes for the first time after %d", e.msg.seq, at.newest)
		return
	case gap != nil:
		o.fail(ruleGap, e, "%d comes after %d, without %s", e.msg.seq, list[max(at.last(), 0)].seq, tell(gap))
	default:
		o.fail(ruleRepeat, e, "%d comes again on the same connection, after %d", e.msg.seq, list[max(at.last(), 0)].seq)
	}
	at.places = here
}

func (w *walk) last() int { return w.places[len(w.places)-1] }

// follow returns those of the places here that the walk can have reached. If
// there is none, gap has what would have been left out on the way.
func (w *walk) follow(list []*sending, here []int, owed int64, back, zero bool) (next []int, gap []*sending) {
	for _, j := range here {
		if back && j <= w.last() {
			next = append(next, j)
			continue
		}
		i, ok := before(w.places, j)
		if !ok {
			continue
		}
		var left []*sending
		for _, t := range list[i+1 : j] {
			if !zero && w.mustHave(t, owed) {
				left = append(left, t)
			}
		}
		if len(left) == 0 {
			next = append(next, j)
		} else {
			gap = left
		}
	}
	return next, gap
}

// before returns the highest of the places under j.
func before(places []int, j int) (int, bool) {
	for n := len(places) - 1; n >= 0; n-- {
		if places[n] < j {
			return places[n], true
		}
	}
	return 0, false
}

// mustHave reports whether a transmission may not be left out.
func (w *walk) mustHave(t *sending, owed int64) bool {
	switch {
	case !t.acked || t.qos == 0 || t.passes():
		return false
	case owed == 0 || t.at < owed:
		return false
	case t.qos == 2 && t.first < owed: // taken over then, maybe; this one is not passed on
		return false
	case t.qos == 2 && w.seen[t.seq]: // its repetitions are not passed on
		return false
	}
	return true
}

// passes reports whether the message may have expired before it was sent on.
func (t *sending) passes() bool { return t.expiry > 0 && t.expiry <= passingExpiry*time.Second }

func tell(list []*sending) string {
	var b strings.Builder
	for i, t := range list {
		if i == 5 {
			fmt.Fprintf(&b, " and %d more", len(list)-i)
			break
		}
		fmt.Fprintf(&b, " %d (QoS %d, event %d)", t.seq, t.qos, t.at)
	}
	return strings.TrimSpace(b.String())
}

// finish asks every session that is still there for what it has not received.
func (o *oracle) finish() {
	var end event
	if n := len(o.events); n > 0 {
		end = o.events[n-1]
	}
	for name, w := range o.clients {
		if w.epoch == nil || w.known != present {
			continue
		}
		for s, list := range o.sent {
			if s.class != classSure {
				continue
			}
			owed := w.epoch.owedFrom(name, s)
			at := o.walkOf(w.epoch, walkKey{stream: s})
			var lost []*sending
			for _, t := range list[at.last()+1:] {
				if at.mustHave(t, owed) {
					lost = append(lost, t)
				}
			}
			if len(lost) > 0 {
				o.found = append(o.found, violation{rule: ruleLost, who: name, stream: s, at: end.at, text: tell(lost), open: true})
			}
		}
	}
}
