package torture_test

import (
	"fmt"
	"slices"
	"time"
)

// oracle judges a record.
type oracle struct {
	events  []event
	sent    map[stream][]*sending
	writes  map[string][]*write
	downs   []outage
	clients map[string]*witness
	wills   *willBook
	shares  *shareBook
	found   []violation
}

// outage is a time without the broker: from the moment at which it is ended to
// the one at which it listens again.
type outage struct {
	from, to         int64
	fromWhen, toWhen time.Duration
}

// sending is one transmission of a message by its publisher.
type sending struct {
	at        int64
	first     int64 // of all transmissions of the message
	seq       int
	qos       byte
	conn      int
	ret       bool
	acked     bool // on this connection
	ackedWhen time.Duration
	expiry    time.Duration // message expiry interval, 0 = none
}

// witness is what a client knows at one place of the record.
type witness struct {
	name  string
	known certainty // of a session at the broker
	epoch *epoch    // nil = no session
	conns map[int]*contact

	// The latest end of a connection: when, and how long the session outlives it.
	left    time.Duration
	leftAt  int64
	outlast time.Duration
}

type certainty uint8

const (
	absent certainty = iota
	present
	unknown
)

// contact is one connection of a witness.
type contact struct {
	open    *opening
	at      int64         // CONNECT
	began   time.Duration // its time
	up      bool
	fresh   bool // session present was false
	byeAt   int64
	expires bool            // DISCONNECT ended the session
	out     map[uint16]bool // received and not acknowledged
	asked   map[string]int64
}

// epoch is one session, from its beginning to its end.
type epoch struct {
	held  map[uint16]event      // QoS 2 received, not released
	open  map[string]*interest  // by filter
	ever  map[string]*interests // by filter
	walks map[walkKey]*walk
}

// interests is all that was ever asked for with one filter.
type interests struct {
	ids    map[uint32]bool // subscription identifiers; 0 = without
	mirror bool            // always as published, and never with retained messages
}

// interest is a subscription in force with QoS 1 or 2.
type interest struct {
	from    int64
	noLocal bool
}

type walkKey struct {
	stream
	zero bool // delivered with QoS 0
}

// judge returns what is wrong with a record. Whoever reads the record while
// things still arrive looks only at violations that are not open.
func judge(events []event) []violation {
	o := &oracle{
		events: events, sent: map[stream][]*sending{}, writes: map[string][]*write{},
		clients: map[string]*witness{}, wills: newWillBook(), shares: newShareBook(),
	}
	o.collect()
	for i := range events {
		o.step(&events[i])
	}
	o.finish()
	o.judgeWills()
	o.judgeShares()
	return o.found
}

func (o *oracle) fail(rule string, e *event, format string, args ...any) {
	o.found = append(o.found, violation{rule: rule, who: e.who, stream: e.stream(), at: e.at, text: fmt.Sprintf(format, args...)})
}

// collect learns what was published and acknowledged in the whole record.
func (o *oracle) collect() {
	type key struct {
		stream
		seq, conn int
	}
	latest := map[key]*sending{}
	first := map[key]int64{}
	for i := range o.events {
		e := &o.events[i]
		switch e.kind {
		case kKill, kStop:
			o.downs = append(o.downs, outage{from: e.at, to: forever, fromWhen: e.when, toWhen: forever})
		case kUp:
			last := &o.downs[len(o.downs)-1]
			last.to, last.toWhen = e.at, e.when
		case kPublish:
			if e.ret {
				o.addWrite(e)
			}
			if e.msg.clear {
				continue
			}
			k := key{e.stream(), e.msg.seq, 0}
			if first[k] == 0 {
				first[k] = e.at
			}
			s := &sending{
				at: e.at, first: first[k], seq: e.msg.seq, qos: e.qos, conn: e.conn,
				ret: e.ret, expiry: time.Duration(e.n) * time.Second,
			}
			o.sent[e.stream()] = append(o.sent[e.stream()], s)
			latest[key{e.stream(), e.msg.seq, e.conn}] = s
		case kAcked:
			if e.ret {
				o.ackWrite(e)
			}
			if s := latest[key{e.stream(), e.msg.seq, e.conn}]; s != nil {
				s.acked, s.ackedWhen = true, e.when
			}
		case kPong:
			o.pongWrites(e)
		}
	}
}

// wentDown reports whether the broker was down, or going down, at some moment
// between two places.
func (o *oracle) wentDown(from, to int64) bool {
	return slices.ContainsFunc(o.downs, func(d outage) bool { return from < d.to && d.from < to })
}

// backAfter is when the broker was up for good after a place before now, if it
// went down meanwhile; else the given time.
func (o *oracle) backAfter(since time.Duration, from, now int64) time.Duration {
	for _, d := range o.downs {
		if from < d.to && d.from < now {
			since = max(since, d.toWhen)
		}
	}
	return since
}

func (o *oracle) client(name string) *witness {
	w := o.clients[name]
	if w == nil {
		w = &witness{name: name, conns: map[int]*contact{}}
		o.clients[name] = w
	}
	return w
}

func (o *oracle) step(e *event) {
	if e.kind == kFault {
		o.fail(ruleSeen, e, "%s", e.note)
		return
	}
	if e.who == "" {
		return
	}
	w := o.client(e.who)
	if e.kind == kConnect {
		w.conns[e.conn] = &contact{open: e.open, at: e.at, began: e.when, out: map[uint16]bool{}, asked: map[string]int64{}}
		o.wills.connect(e)
		return
	}
	c := w.conns[e.conn]
	if c == nil {
		return
	}
	if e.kind != kClosed {
		o.wills.sign(e)
	}
	switch e.kind {
	case kConnack:
		o.connack(w, c, e)
	case kBye:
		c.byeAt, c.expires = e.at, e.flag
		o.wills.bye(e)
	case kClosed:
		o.closed(w, c, e)
	case kRead:
		o.judgeRead(e)
	case kSubscribe, kSuback, kUnsubscribe, kRecv, kRelease, kAck:
		if w.epoch != nil {
			o.inSession(w, c, e)
		}
	}
}

// connack checks session present and begins or continues an epoch
// [MQTT-3.2.2-2], [MQTT-3.2.2-3].
func (o *oracle) connack(w *witness, c *contact, e *event) {
	o.wills.connack(e)
	o.outlived(w, c, e)
	switch {
	case e.flag && c.open.clean:
		o.fail(ruleSession, e, "session present after a clean start")
	case e.flag && w.known == absent:
		o.fail(ruleSession, e, "session present, but none can be there")
	case !e.flag && !c.open.clean && w.known == present:
		o.fail(ruleSession, e, "no session present: it is lost")
	}
	c.up, c.fresh, w.known = true, !e.flag, present
	if !e.flag || w.epoch == nil {
		o.shares.ended(w.epoch, e.at)
		w.epoch = &epoch{held: map[uint16]event{}, open: map[string]*interest{}, ever: map[string]*interests{}, walks: map[walkKey]*walk{}}
	}
}

// expirySlack is how much later than its interval a session may end when
// nothing is wrong: the end of a connection takes its time to be noticed.
const expirySlack = 1500 * time.Millisecond

// outlived changes what is known of a session by the time that it was left.
func (o *oracle) outlived(w *witness, c *contact, e *event) {
	if w.known != present || w.outlast == 0 {
		return
	}
	since := o.backAfter(w.left, w.leftAt, e.at)
	switch {
	case since != forever && c.began > since+w.outlast+expirySlack:
		w.known = absent
	case e.when > w.left+w.outlast*6/10:
		w.known = unknown
	}
}

func (o *oracle) closed(w *witness, c *contact, e *event) {
	sure := e.flag && c.byeAt != 0 && !o.wentDown(c.byeAt, e.at)
	o.wills.closed(e, sure)
	before := w.epoch
	defer func() {
		if w.epoch == nil {
			o.shares.ended(before, e.at)
		}
	}()
	if c.up {
		w.left, w.leftAt, w.outlast = e.when, e.at, 0
		if c.open.short() {
			w.outlast = time.Duration(c.open.expiry) * time.Second
		}
	}
	switch {
	case !c.up && (c.open.clean || c.open.passing() || c.open.short() || w.known == absent):
		w.known = unknown // it may have counted, though no answer came
	case !c.up:
	case c.open.passing():
		w.known, w.epoch = absent, nil
	case c.expires:
		w.known = unknown // a cut may have taken the DISCONNECT with it: then the session goes on
		if sure {
			w.known, w.epoch = absent, nil
		}
	}
}

func (o *oracle) inSession(w *witness, c *contact, e *event) {
	p := w.epoch
	switch e.kind {
	case kSubscribe:
		p.ask(e.topic, e.sub)
		if _, ok := c.asked[e.topic]; !ok {
			c.asked[e.topic] = e.at
		}
		if old := p.open[e.topic]; e.qos == 0 || old != nil && old.noLocal != e.sub.noLocal {
			delete(p.open, e.topic)
		}
	case kSuback:
		if e.qos > 0 && p.open[e.topic] == nil {
			p.open[e.topic] = &interest{from: e.at, noLocal: e.sub.noLocal}
		}
	case kUnsubscribe:
		delete(p.open, e.topic)
	case kRelease:
		delete(p.held, e.id)
	case kAck:
		delete(c.out, e.id)
	case kRecv:
		o.received(w, c, e)
	}
}

// received checks a PUBLISH packet, then the delivery that it is.
func (o *oracle) received(w *witness, c *contact, e *event) {
	p := w.epoch
	if e.dup && c.fresh {
		o.fail(ruleDup, e, "DUP in a session that began with this connection")
	}
	if e.qos > 0 {
		if c.out[e.id] {
			o.fail(ruleID, e, "id %d has not been acknowledged on this connection", e.id)
		}
		c.out[e.id] = true
		if limit := int(c.open.window); limit > 0 && len(c.out) > limit {
			o.fail(ruleWindow, e, "%d unacknowledged, Receive Maximum is %d", len(c.out), limit)
		}
	}
	if before, ok := p.held[e.id]; ok && e.qos > 0 {
		if e.qos == 1 || !e.dup || before.msg != e.msg || before.topic != e.topic {
			o.fail(ruleID, e, "id %d belongs to event %d until PUBREL", e.id, before.at)
		}
		if e.qos == 2 && before.msg == e.msg && before.topic == e.topic {
			return // the same packet again: the client answers and passes nothing on
		}
	}
	if e.qos == 2 {
		p.held[e.id] = *e
	}
	if !p.subscribed(e.topic) {
		o.fail(ruleFilter, e, "no filter of this session matches %q", e.topic)
	}
	o.judgeIDs(c, p, e)
	mirror := p.mirrors(e.topic)
	switch {
	case e.msg.class == classWill:
		o.wills.received(w.name, e)
		return
	case e.msg.clear:
		return
	case p.shares(e.topic):
		o.shared(w, e)
	case e.ret && !mirror:
		o.judgeRetained(c, e)
	default:
		o.walk(w, e)
	}
	o.judgeExpiry(c, e)
	if mirror {
		o.judgeFlag(e)
	}
}

func (p *epoch) ask(filter string, s *subscribing) {
	i := p.ever[filter]
	if i == nil {
		i = &interests{ids: map[uint32]bool{}, mirror: true}
		p.ever[filter] = i
	}
	i.ids[s.id] = true
	i.mirror = i.mirror && s.asPublished && s.handling == 2
}

func (p *epoch) subscribed(topic string) bool {
	for filter := range p.ever {
		if matches(inner(filter), topic) {
			return true
		}
	}
	return false
}

// mirrors reports whether everything on topic comes as it was published, and
// nothing because of a subscription.
func (p *epoch) mirrors(topic string) bool {
	for filter, i := range p.ever {
		if matches(inner(filter), topic) && !i.mirror {
			return false
		}
	}
	return true
}

// owedFrom returns the place from which a publisher's messages on topic are
// owed without a gap, 0 = none are.
func (p *epoch) owedFrom(who string, s stream) int64 {
	var from int64
	for filter, i := range p.open {
		if isShare(filter) || i.noLocal && s.pub == who || !matches(filter, s.topic) {
			continue
		}
		if from == 0 || i.from < from {
			from = i.from
		}
	}
	return from
}
