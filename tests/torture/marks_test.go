package torture_test

import "time"

// judgeIDs checks the subscription identifiers of a delivery: those of
// matching subscriptions, and at least one where all that match have one
// [MQTT-3.3.4-3], [MQTT-3.3.4-4], [MQTT-3.3.4-5].
func (o *oracle) judgeIDs(c *contact, p *epoch, e *event) {
	if c.open.version < 5 {
		if len(e.subs) > 0 {
			o.fail(ruleSubID, e, "identifiers %v for MQTT 3", e.subs)
		}
		return
	}
	possible := map[uint32]bool{}
	for filter, i := range p.ever {
		if matches(inner(filter), e.topic) {
			for id := range i.ids {
				possible[id] = true
			}
		}
	}
	for _, id := range e.subs {
		if !possible[id] {
			o.fail(ruleSubID, e, "identifier %d is of no matching subscription", id)
		}
	}
	if len(e.subs) == 0 && len(possible) > 0 && !possible[0] {
		o.fail(ruleSubID, e, "no identifier, but each matching subscription has one")
	}
}

// transmissions returns all transmissions of the message of a delivery.
func (o *oracle) transmissions(e *event) []*sending {
	var list []*sending
	for _, t := range o.sent[e.stream()] {
		if t.seq == e.msg.seq {
			list = append(list, t)
		}
	}
	return list
}

// judgeExpiry checks the message expiry: what is left of it is told
// [MQTT-3.3.2-6], and what had passed before the connection began is not sent
// there for the first time [MQTT-3.3.2-5]. The broker counts from the arrival of
// the last transmission at the latest, which was before it was acknowledged.
func (o *oracle) judgeExpiry(c *contact, e *event) {
	list := o.transmissions(e)
	if len(list) == 0 {
		return // said already
	}
	last := list[len(list)-1]
	told := time.Duration(e.n) * time.Second
	if c.open.version == 5 && (told > last.expiry || (told == 0) != (last.expiry == 0)) {
		o.fail(ruleExpired, e, "%v are left of %v", told, last.expiry)
	}
	if last.expiry == 0 || e.dup || !last.acked || last.qos == 0 {
		return
	}
	if c.began > last.ackedWhen+last.expiry {
		o.fail(ruleExpired, e, "it expired %v before the connection began", c.began-last.ackedWhen-last.expiry)
	}
}

// judgeFlag checks retain as published [MQTT-3.3.1-13].
func (o *oracle) judgeFlag(e *event) {
	if list := o.transmissions(e); len(list) > 0 && list[0].ret != e.ret {
		o.fail(ruleFlag, e, "published with retain=%t", list[0].ret)
	}
}
