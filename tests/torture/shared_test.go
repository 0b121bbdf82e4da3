package torture_test

import (
	"slices"
	"strings"
	"time"
)

func isShare(filter string) bool { return strings.HasPrefix(filter, "$share/") }

// inner is the filter that topics are matched against.
func inner(filter string) string {
	if !isShare(filter) {
		return filter
	}
	return strings.SplitN(filter, "/", 3)[2]
}

// shareBook is what the shared subscriptions have delivered, and which sessions
// with a part in them have ended.
type shareBook struct {
	got   map[shareKey][]*event
	order []shareKey
	ends  map[string][]int64 // by shared filter
}

type shareKey struct {
	filter string
	stream
	seq int
}

func newShareBook() *shareBook {
	return &shareBook{got: map[shareKey][]*event{}, ends: map[string][]int64{}}
}

// shares reports whether the session's deliveries on topic are a shared
// subscription's. Members of one have no other subscriptions.
func (p *epoch) shares(topic string) bool {
	for filter := range p.ever {
		if isShare(filter) && matches(inner(filter), topic) {
			return true
		}
	}
	return false
}

// ended notes that a session is over, or may be, by the given place.
func (b *shareBook) ended(p *epoch, at int64) {
	if p == nil {
		return
	}
	for filter := range p.ever {
		if isShare(filter) {
			b.ends[filter] = append(b.ends[filter], at)
		}
	}
}

// shared takes a delivery to a member.
func (o *oracle) shared(w *witness, e *event) {
	var from []string
	for filter, i := range w.epoch.ever {
		if isShare(filter) && matches(inner(filter), e.topic) && (len(e.subs) == 0 || i.ids[e.subs[0]]) {
			from = append(from, filter)
		}
	}
	if len(from) != 1 || len(e.subs) > 1 {
		o.fail(ruleSubID, e, "of which shared subscription? identifiers %v", e.subs)
		return
	}
	if list := o.transmissions(e); len(list) == 0 || list[0].at > e.at {
		o.fail(rulePhantom, e, "it was never sent")
		return
	}
	k := shareKey{from[0], e.stream(), e.msg.seq}
	if o.shares.got[k] == nil {
		o.shares.order = append(o.shares.order, k)
	}
	o.shares.got[k] = append(o.shares.got[k], e)
}

// judgeShares looks at all that the groups got and did not get.
func (o *oracle) judgeShares() {
	for _, k := range o.shares.order {
		o.judgeHandedOut(k, o.shares.got[k])
	}
	var end event
	if n := len(o.events); n > 0 {
		end = o.events[n-1]
	}
	for filter, from := range o.steady() {
		for s, list := range o.sent {
			if s.class != classSure || !matches(inner(filter), s.topic) {
				continue
			}
			var lost []*sending
			for _, t := range list {
				if t.acked && t.first > from && !t.passes() && o.shares.got[shareKey{filter, s, t.seq}] == nil && !o.mayEndWith(filter, t) {
					lost = append(lost, t)
				}
			}
			if len(lost) > 0 {
				o.found = append(o.found, violation{rule: ruleShareLost, who: filter, stream: s, at: end.at, text: tell(lost), open: true})
			}
		}
	}
}

// steady returns, for each shared subscription that somebody was a member of to
// the end, with a session that lasts, since when.
func (o *oracle) steady() map[string]int64 {
	since := map[string]int64{}
	for _, w := range o.clients {
		if w.epoch == nil || w.known != present {
			continue
		}
		for filter, i := range w.epoch.open {
			if at, ok := since[filter]; isShare(filter) && (!ok || i.from < at) {
				since[filter] = i.from
			}
		}
	}
	return since
}

// mayEndWith reports whether the message may have gone to a session that ended
// with it: a QoS 2 delivery that has begun is not handed on [MQTT-4.8.2-5].
func (o *oracle) mayEndWith(filter string, t *sending) bool {
	return t.qos == 2 && slices.ContainsFunc(o.shares.ends[filter], func(at int64) bool { return at > t.first })
}

// judgeHandedOut checks that a message went to one member, or to another one
// because it was left unacknowledged, by the end of a connection or by a crash:
// how far a group has come is written behind. Each transmission at QoS 1 may
// count as a message of its own; a QoS 2 delivery that has begun stays where it
// is [MQTT-4.8.2-4], [MQTT-4.8.2-5]. Members read their deliveries when they
// like: their order in the record is not that of the broker.
func (o *oracle) judgeHandedOut(k shareKey, got []*event) {
	last := got[len(got)-1]
	allowed := 1
	if list := o.transmissions(last); list[0].qos < 2 {
		allowed = len(list)
	}
	for i, e := range got {
		others := slices.Concat(got[:i], got[i+1:])
		switch {
		case e.qos == 2 && slices.ContainsFunc(others, func(x *event) bool { return x.qos == 2 || o.clients[x.who].conns[x.conn].at > e.at }):
			o.fail(ruleShared, last, "%s had it at QoS 2, event %d", e.who, e.at)
			return
		case e.qos == 1 && slices.ContainsFunc(others, func(x *event) bool { return o.given(e, x) }):
			allowed++
		}
	}
	if len(got) > allowed {
		o.fail(ruleShared, last, "%d deliveries by %s, %s had it in event %d and kept its connection", len(got), k.filter, got[0].who, got[0].at)
	}
}

// noticing is how much earlier than the client the broker may see the end of a
// connection.
const noticing = 2 * time.Second

// given reports whether the delivery may have been given up before the other one.
func (o *oracle) given(e, other *event) bool {
	if e.at < other.at && o.wentDown(e.at, other.at) {
		return true
	}
	for i := e.at; i < int64(len(o.events)); i++ {
		switch x := &o.events[i]; {
		case x.when > other.when+noticing:
			return false
		case x.who == e.who && x.conn == e.conn && x.kind == kClosed:
			return true
		}
	}
	return false
}
