package torture_test

import (
	"math"
	"time"
)

// write is one transmission of a retained message, or of a clearing. From
// start to end the broker may take it over at any moment; end is forever when
// the broker never said so.
type write struct {
	msg        ident
	start, end int64
	who        string
	conn       int
	qos        byte
	id         uint16
	expiry     time.Duration // 0 = none
	ended      time.Duration // time of end
}

// passed reports whether the message had surely expired at the given time.
func (w *write) passed(when time.Duration) bool {
	return w.expiry > 0 && w.end != forever && when > w.ended+w.expiry
}

const forever = math.MaxInt64

func (o *oracle) addWrite(e *event) {
	start := e.at
	if e.qos == 2 && e.dup { // the broker takes it over once, at any of its transmissions
		for _, w := range o.writes[e.topic] {
			if w.who == e.who && w.id == e.id && w.qos == 2 && w.msg == e.msg && w.end == forever {
				start = min(start, w.start)
			}
		}
	}
	o.writes[e.topic] = append(o.writes[e.topic], &write{
		msg: e.msg, start: start, end: forever, who: e.who, conn: e.conn, qos: e.qos, id: e.id,
		expiry: time.Duration(e.n) * time.Second,
	})
}

func (o *oracle) ackWrite(e *event) {
	list := o.writes[e.topic]
	for i := len(list) - 1; i >= 0; i-- {
		if w := list[i]; w.who == e.who && w.conn == e.conn && w.id == e.id && w.qos == e.qos {
			if e.at < w.end {
				w.end, w.ended = e.at, e.when
			}
			return
		}
	}
}

// pongWrites: the broker takes packets in their order, so what was sent with
// QoS 0 before a PINGREQ that was answered has arrived. A kill may undo it.
func (o *oracle) pongWrites(pong *event) {
	var asked int64
	for i := pong.at - 2; i >= 0; i-- {
		if e := &o.events[i]; e.who == pong.who && e.conn == pong.conn && e.kind == kPing {
			asked = e.at
			break
		}
	}
	for _, list := range o.writes {
		for _, w := range list {
			if w.qos == 0 && w.who == pong.who && w.conn == pong.conn && w.start < asked {
				if pong.at < w.end {
					w.end, w.ended = pong.at, pong.when
				}
			}
		}
	}
}

// mayBe reports whether a read that took place between from and to may have
// found msg: nil = nothing.
func (o *oracle) mayBe(topic string, msg *ident, from, to int64) bool {
	first := write{msg: ident{clear: true}}
	for _, w := range append([]*write{&first}, o.writes[topic]...) {
		same := msg == nil && (w.msg.clear || w.expiry > 0) || msg != nil && w.msg == *msg
		if msg != nil && from > 0 && from <= int64(len(o.events)) && w.passed(o.events[from-1].when) {
			continue
		}
		if same && w.start < to && !o.overwritten(topic, w, from) {
			return true
		}
	}
	return false
}

// overwritten reports whether another write came surely after w and was
// complete at the given place.
func (o *oracle) overwritten(topic string, w *write, at int64) bool {
	for _, other := range o.writes[topic] {
		if other.end >= at || other.start <= w.end {
			continue
		}
		if other.qos == 0 && o.wentDown(other.start, at) {
			continue // QoS 0 promises nothing
		}
		return true
	}
	return false
}

// judgeRetained takes a retained message that came with a subscription. In a
// session that began with the connection it cannot be older than that.
func (o *oracle) judgeRetained(c *contact, e *event) {
	var from int64
	if c.fresh {
		from = forever
		for filter, at := range c.asked {
			if matches(filter, e.topic) {
				from = min(from, at)
			}
		}
	}
	if !o.mayBe(e.topic, &e.msg, from, e.at) {
		o.fail(ruleRetained, e, "%s %d was not the retained message", e.msg.pub, e.msg.seq)
	}
}

// judgeRead takes the end of a reading of all that a filter matches, over a
// connection that has no other subscription.
func (o *oracle) judgeRead(end *event) {
	from := end.n
	got := map[string]ident{}
	for i := from; i < end.at-1; i++ {
		e := &o.events[i]
		if e.who != end.who || e.conn != end.conn || e.kind != kRecv || !e.ret {
			continue
		}
		if end.flag {
			o.fail(ruleHandling, e, "a retained message came, which was not asked for")
		}
		if _, ok := got[e.topic]; ok {
			o.fail(ruleHandling, e, "a second retained message for one subscription")
		}
		got[e.topic] = e.msg
	}
	if end.flag {
		return
	}
	for topic := range o.writes {
		if !matches(end.topic, topic) {
			continue
		}
		var msg *ident
		if m, ok := got[topic]; ok {
			msg = &m
		}
		if !o.mayBe(topic, msg, from, end.at) {
			e := *end
			e.topic = topic
			if msg == nil {
				o.fail(ruleRetained, &e, "nothing is retained, but something must be")
				continue
			}
			e.msg = *msg
			o.fail(ruleRetained, &e, "%s %d is retained, but something newer was acknowledged", msg.pub, msg.seq)
		}
	}
}
