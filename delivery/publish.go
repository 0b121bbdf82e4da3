package delivery

import (
	"fmt"
	"strings"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// publish takes a PUBLISH from the client: packet rules, aliases, the QoS 2 id,
// rights, meaning; then to the log or straight to the subscribers.
func (l *link) publish(header byte, body []byte) error {
	p := &l.in.pub
	if err := p.Parse(l.client.Version, header, body); err != nil {
		return err
	}
	topic, tooBig, err := l.topic(p)
	if err != nil {
		return err
	}
	h := l.s.hub
	h.stats.Received[p.QoS].Add(1)
	l.notePublish(header, p, topic)
	if p.QoS > 0 && int(l.in.pending.Load()) >= h.limits.ReceiveMaximum && l.client.Version == 5 {
		return overQuota(h.limits.ReceiveMaximum)
	}
	if p.QoS == 2 {
		if repeated, err := l.hold(p.PacketID); repeated || err != nil {
			return err
		}
	}
	if tooBig != "" {
		h.stats.Refused.Meaning.Add(1)
		l.refuse(p.QoS, p.PacketID, l.message(p, topic), Verdict{Code: wire.TopicNameInvalid, Reason: tooBig})
		return nil
	}
	return l.judged(p, topic)
}

// overQuota ends a connection that has more open exchanges than it may have.
func overQuota(bound int) error {
	return &wire.Error{Code: wire.ReceiveMaximumExceeded, Reason: fmt.Sprintf("more than %d unacknowledged PUBLISH packets [MQTT-3.3.4-7]", bound)}
}

// judged asks for rights and meaning and goes on by the answer.
func (l *link) judged(p *wire.Publish, topic string) error {
	h := l.s.hub
	if h.allowance != nil {
		if code, reason, quiet := h.allowance.Publish(l.client, topic, len(p.Payload)); code.Failed() {
			h.stats.Refused.Rate.Add(1)
			l.refuse(p.QoS, p.PacketID, l.message(p, topic), Verdict{Code: code, Reason: reason, Quiet: quiet})
			return nil
		}
	}
	k := l.known(topic)
	rights := l.s.rights.Load() // before asking: a change meanwhile makes us ask again
	if k.rights != rights {
		if reason := h.policy.MayPublish(l.client, topic); reason != "" {
			h.stats.Refused.NoRight.Add(1)
			l.refuse(p.QoS, p.PacketID, l.message(p, topic), Verdict{Code: wire.NotAuthorized, Reason: reason})
			return nil
		}
		k.rights = rights
	}
	if k.plain && p.QoS == 0 && !p.Retain && l.passOn(p) {
		return nil
	}
	m := l.message(p, topic)
	v := h.meant(l.client, m, k.plain)
	if v.Code.Failed() {
		l.refuse(p.QoS, p.PacketID, m, v)
		return nil
	}
	l.accept(m, v, p.QoS, p.PacketID)
	return nil
}

// passOn routes a plain QoS 0 message, which nobody keeps, without copying it;
// false when somebody might keep it after all.
func (l *link) passOn(p *wire.Publish) bool {
	mt := l.receivers()
	if len(mt.groups) > 0 {
		return false
	}
	if len(mt.targets) == 0 {
		return true
	}
	if l.in.passing == nil {
		l.in.passing = &passing{}
		l.in.passing.own = &l.in.passing.memory
	}
	m := &l.in.passing.Message
	m.Topic, m.Payload = l.in.last.name, p.Payload
	if !p.Props.Empty() {
		m.Props = &p.Props
		if p.Props.HasExpiry {
			m.Expires = l.s.hub.now().Add(seconds(p.Props.Expiry)).UnixNano()
		}
	}
	l.s.hub.route(m, mt, l.s, &l.dirty)
	l.in.passing.clear()
	return true
}

// topic resolves aliases. tooBig says which bound of ours the name breaks: the
// protocol lets such a packet live, so it is refused like any other.
func (l *link) topic(p *wire.Publish) (topic, tooBig string, err error) {
	lim := &l.s.hub.limits
	if alias := int(p.Props.TopicAlias); alias != 0 {
		if alias > lim.TopicAliasMaximum {
			return "", "", &wire.Error{Code: wire.TopicAliasInvalid, Reason: fmt.Sprintf("topic alias %d is over the maximum of %d [MQTT-3.3.2-9]", alias, lim.TopicAliasMaximum)}
		}
		if len(p.Topic) == 0 {
			if alias >= len(l.in.aliases) || l.in.aliases[alias] == "" {
				return "", "", &wire.Error{Code: wire.ProtocolError, Reason: fmt.Sprintf("topic alias %d has not been set [3.3.2.3.4]", alias)}
			}
			return l.in.aliases[alias], "", nil
		}
	}
	if p.Props.TopicAlias == 0 && string(p.Topic) == l.in.last.name && l.in.last.name != "" {
		return l.in.last.name, "", nil
	}
	topic = string(p.Topic)
	if levels := strings.Count(topic, "/") + 1; levels > lim.TopicLevels {
		return topic, fmt.Sprintf("topic has %d levels, the limit is %d", levels, lim.TopicLevels), nil
	}
	if len(topic) > lim.TopicLength {
		return topic, fmt.Sprintf("topic has %d bytes, the limit is %d", len(topic), lim.TopicLength), nil
	}
	if alias := int(p.Props.TopicAlias); alias != 0 {
		if l.in.aliases == nil {
			l.in.aliases = make([]string, lim.TopicAliasMaximum+1)
		}
		l.in.aliases[alias] = topic
	}
	return topic, "", nil
}

// message copies what the packet says; the packet's memory is reused.
func (l *link) message(p *wire.Publish, topic string) *Message {
	now := l.s.hub.now()
	m := &Message{
		Topic: topic, Payload: append([]byte(nil), p.Payload...),
		QoS: p.QoS, Retain: p.Retain, At: now.UnixNano(),
		From: Origin{ClientID: l.client.ID, UserID: l.client.UserID, Role: l.client.Role},
	}
	if !p.Props.Empty() {
		props := p.Props.Clone()
		props.TopicAlias = 0
		m.Props = &props
		if props.HasExpiry {
			m.Expires = now.Add(time.Duration(props.Expiry) * time.Second).UnixNano()
		}
	}
	return m
}

// judge asks whether the client may, then what it means.
func (h *Hub) judge(c *Client, m *Message) Verdict {
	if reason := h.policy.MayPublish(c, m.Topic); reason != "" {
		h.stats.Refused.NoRight.Add(1)
		return Verdict{Code: wire.NotAuthorized, Reason: reason}
	}
	return h.meant(c, m, h.meaning.Plain(m.Topic))
}

// meant asks what the message means, unless it is known to mean nothing.
func (h *Hub) meant(c *Client, m *Message, plain bool) Verdict {
	if plain {
		m.keep, m.route = m.Retain, true
		return h.keepable(m, Verdict{Deliver: true, Retain: m.Retain})
	}
	v := h.meaning.Judge(c, m)
	switch {
	case v.Code == wire.MessageRateTooHigh || v.Code == wire.QuotaExceeded:
		h.stats.Refused.Rate.Add(1)
		return v
	case v.Code.Failed():
		h.stats.Refused.Meaning.Add(1)
		return v
	}
	if v.Payload != nil {
		m.Payload = v.Payload
	}
	if v.Expiry > 0 && m.Expires == 0 {
		m.expire(v.Expiry)
	}
	m.State, m.keep, m.apply, m.route, m.Made = v.State, v.Retain, v.Log, v.Deliver, v.Made
	return h.keepable(m, v)
}

// keepable refuses what is to be retained and finds no room. State topics are
// bounded by what they tell of.
func (h *Hub) keepable(m *Message, v Verdict) Verdict {
	if m.keep && !m.State && len(m.Payload) > 0 {
		if reason := h.retainedFull(m); reason != "" {
			h.stats.Refused.Retained.Add(1)
			return Verdict{Code: wire.QuotaExceeded, Reason: reason}
		}
	}
	h.orderKept(m)
	return v
}

// expire gives the message an expiry interval, counted from its arrival.
func (m *Message) expire(after time.Duration) {
	props := wire.PublishProperties{}
	if m.Props != nil {
		props = m.Props.Clone()
	}
	props.HasExpiry, props.Expiry = true, uint32(after/time.Second)
	m.Props, m.Expires = &props, m.At+int64(after)
}

// orderKept gives a message that is to be retained its place: some have to wait
// for the log, and must not replace a later one that had not.
func (h *Hub) orderKept(m *Message) {
	if m.keep {
		m.order = h.retained.accepted.Add(1)
	}
}

// refuse answers a publish that is not accepted. MQTT 5 says so in the
// acknowledgement; for QoS 0 and MQTT 3 the sender is told on its own feed.
func (l *link) refuse(qos byte, id uint16, m *Message, v Verdict) {
	if qos == 2 {
		l.s.mu.Lock()
		delete(l.s.held, id) // a failing PUBREC ends the exchange [MQTT-4.3.3-9]
		l.in.holding--
		if l.client.Version < 5 {
			l.s.held[id] = heldReceived // MQTT 3 goes on with PUBREL
		}
		l.received(id, v.Code, v.Reason, &l.dirty)
		l.s.mu.Unlock()
	}
	if qos == 0 && !v.Quiet || qos > 0 && l.client.Version < 5 {
		l.s.hub.observer.Refused(l.client, m, v.Code, v.Reason)
	}
	if qos == 0 {
		l.noteRefused(m.Topic, v)
		return
	}
	if qos == 2 {
		return // answered above
	}
	if l.in.pending.Load() == 0 {
		l.ack(wire.PUBACK, id, v.Code, v.Reason, &l.dirty)
		return
	}
	// Acknowledgements keep the order of the PUBLISH packets [MQTT-4.6.0-2].
	l.in.pending.Add(1)
	l.s.hub.commit.add(op{none: true, from: l, done: func(err error) {
		l.in.pending.Add(-1)
		if err == nil {
			l.ack(wire.PUBACK, id, v.Code, v.Reason, &l.s.hub.commit.batch)
		}
	}}, true)
}

// accept keeps and routes an accepted message. A message that nobody will want
// later is not written at all.
func (l *link) accept(m *Message, v Verdict, qos byte, id uint16) {
	h := l.s.hub
	retain := v.Retain
	var mt *matched
	if v.Deliver {
		mt = l.receivers()
	}
	if !h.mustLog(m, v, mt, l) {
		if retain {
			h.retained.set(m)
		}
		if mt != nil {
			h.route(m, mt, l.s, &l.dirty)
		}
		l.accepted(qos, id, &l.dirty, mt)
		return
	}
	if qos == 2 {
		m.From.PacketID = id
	}
	l.in.pending.Add(1)
	h.commit.add(op{rec: h.record(m, v.RecordID), from: l, done: func(err error) {
		l.in.arrived(h.commit.last)
		if err != nil {
			l.forget(qos, id)
			return
		}
		if retain {
			h.retained.set(m)
		}
		l.accepted(qos, id, &h.commit.batch, mt)
	}}, true)
}

// mustLog decides whether the message is written: when a projection wants it,
// when it is the broker's own and has an id, so that it goes out once,
// when it is to be retained and was promised (QoS over 0), when a session that
// outlives its connection is owed it, when its QoS 2 id must survive, or when
// something of the same publisher is still on its way to the log or not routed
// from there yet.
func (h *Hub) mustLog(m *Message, v Verdict, mt *matched, l *link) bool {
	if v.Log || l == nil && v.RecordID != "" { // in the log alone an id keeps it from going out twice
		return true
	}
	if m.QoS == 0 {
		return false
	}
	if v.Retain || mt != nil && mt.durable && !m.State {
		return true
	}
	if l == nil {
		return h.own.any(h.tailed.Load())
	}
	return l.unsettled() || m.QoS == 2 && l.s.lasting.Load()
}

// record is the log record of a message.
func (h *Hub) record(m *Message, id string) store.Record {
	return store.Record{ID: id, Kind: kindMessage, Topic: m.Topic, Data: m.appendRecord(nil), Value: m}
}

// accepted acknowledges: what it says is true from this moment.
func (l *link) accepted(qos byte, id uint16, out *batch, mt *matched) {
	code := wire.Success
	if mt != nil && len(mt.targets) == 0 && len(mt.groups) == 0 && !mt.durable {
		code = wire.NoMatchingSubscribers
	}
	switch qos {
	case 1:
		l.ack(wire.PUBACK, id, code, "", out)
	case 2:
		l.s.mu.Lock()
		repeated := l.s.held[id] == heldRepeated
		l.s.held[id] = heldReceived
		l.s.dirty = true
		to := l
		if repeated {
			to = l.s.answering() // the client may have come back meanwhile
		}
		if to != nil {
			to.received(id, code, "", out)
		}
		l.s.mu.Unlock()
	}
}

// forget drops the id of a QoS 2 message that could not be written, so that the
// client's repetition counts as the first.
func (l *link) forget(qos byte, id uint16) {
	if qos != 2 {
		return
	}
	l.s.mu.Lock()
	var waits *link
	switch l.s.held[id] {
	case heldRepeated:
		waits = l.s.link.Load() // its repetition was not answered: it must come again
		delete(l.s.held, id)
	case heldPending:
		delete(l.s.held, id)
	}
	l.s.mu.Unlock()
	if waits != nil {
		waits.lost("the store cannot write")
	}
}
