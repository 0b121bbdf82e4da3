package delivery

import (
	"cmp"

	"github.com/fitmq/fitmq/delivery/wire"
)

// PublishAs publishes a message in a client's name without a connection (a
// will, an HTTP request): the same checks and the same way as for a PUBLISH.
// done is called once, when the message is stored or refused.
func (h *Hub) PublishAs(c *Client, m *Message, done func(wire.Code, string)) {
	h.publishAs(c, m, "", done)
}

// PublishOnce is PublishAs of a message with an id: a second one adds nothing and
// is delivered to nobody, as long as the log has the first.
func (h *Hub) PublishOnce(c *Client, m *Message, id string, done func(wire.Code, string)) {
	h.publishAs(c, m, id, done)
}

// publishAs is PublishAs with the log idempotency key to use where the verdict
// has none.
func (h *Hub) publishAs(c *Client, m *Message, id string, done func(wire.Code, string)) {
	v := h.judge(c, m)
	if v.Code.Failed() {
		done(v.Code, v.Reason)
		return
	}
	v.RecordID = cmp.Or(v.RecordID, id)
	h.keep(m, &v, func(err error) {
		if err != nil {
			done(wire.UnspecifiedError, "the store cannot write")
			return
		}
		done(wire.Success, "")
	})
}

// Publish sends a message of the broker's own. It never waits for a client or
// for the store; messages keep the order of the calls.
func (h *Hub) Publish(m *Message, id string) { h.PublishThen(m, id, nil) }

// PublishThen is Publish that calls done, if there is one, once: with nil when
// the message is in the log or need not be there, with the error when the log
// could not take it. It is not called when the broker ends before.
func (h *Hub) PublishThen(m *Message, id string, done func(error)) {
	v := Verdict{Deliver: true, Retain: m.Retain, State: m.State, RecordID: id}
	if m.At == 0 {
		m.At = h.now().UnixNano()
	}
	m.keep, m.route = v.Retain, v.Deliver
	h.own.Lock()
	defer h.own.Unlock()
	h.orderKept(m)
	h.keep(m, &v, done)
}

// keep writes the message to the log if it must be there, and routes it. The
// broker's own state topics are not written: they can be computed again.
func (h *Hub) keep(m *Message, v *Verdict, done func(error)) {
	var mt *matched
	if v.Deliver {
		mt = h.match(m.Topic)
	}
	own := m.From.ClientID == "" && m.State
	if own || !h.mustLog(m, *v, mt, nil) {
		if v.Retain {
			h.retained.set(m)
		}
		if mt != nil {
			var b batch
			h.route(m, mt, h.session(m.From.ClientID), &b)
			b.flush()
		}
		if done != nil {
			done(nil)
		}
		return
	}
	h.own.pending.Add(1)
	h.commit.add(op{rec: h.record(m, v.RecordID), done: func(err error) {
		h.own.arrived(h.commit.last)
		if err == nil && v.Retain {
			h.retained.set(m)
		}
		if done != nil {
			done(err)
		}
	}}, false)
}

// Kept returns the retained messages that a filter matches and that have not
// expired, for reading them without a subscription.
func (h *Hub) Kept(filter string) []*Message {
	now := h.now()
	list := h.retained.find(filter)
	live := list[:0]
	for _, m := range list {
		if !m.expired(now) {
			live = append(live, m)
		}
	}
	return live
}
