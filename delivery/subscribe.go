package delivery

import (
	"strings"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// subscribe answers a SUBSCRIBE: each filter is judged, what is granted is
// stored before SUBACK says so, and retained messages follow SUBACK.
func (l *link) subscribe(body []byte) error {
	req, err := wire.ParseSubscribe(l.client.Version, body)
	if err != nil {
		return err
	}
	g, err := l.grant(req.Subscriptions, req.ID)
	if err != nil {
		return nil //nolint:nilerr // the connection is ending
	}
	if l.conn.Send(wire.AppendSuback(nil, l.client.Version, req.PacketID, g.codes)) {
		l.dirty.add(l.conn)
	}
	l.subscribed(g)
	return nil
}

// grant is what became of the filters that a client wants, in their order.
type grant struct {
	codes   []wire.Code
	subs    []*subscription // nil for a refused one
	existed []bool          // there was a subscription with the same filter
	rights  uint64          // the session's, when the filters were judged
}

// grant judges filters, and puts in force and stores what is granted. An error
// means that the store cannot write: the connection is ending.
func (l *link) grant(wants []wire.Subscription, id uint32) (*grant, error) {
	h := l.s.hub
	g := &grant{
		codes: make([]wire.Code, len(wants)), subs: make([]*subscription, len(wants)),
		rights: l.s.rights.Load(), // before judging
	}
	for i, want := range wants {
		g.codes[i] = l.judgeFilter(want.Filter)
		l.noteFilter("SUBSCRIBE", want.Filter, want.QoS, g.codes[i])
		if g.codes[i].Failed() {
			continue
		}
		g.codes[i] = wire.Code(want.QoS)
		g.subs[i] = &subscription{
			filter: want.Filter, qos: want.QoS, noLocal: want.NoLocal,
			asPublished: want.RetainAsPublished, retainHandling: want.RetainHandling,
			id: id, since: store.Pos(h.committed.Load()),
		}
		g.subs[i].localSince = g.subs[i].since
	}
	g.existed = l.enter(g.subs)
	if err := h.saveSession(l.s); err != nil {
		h.log.Error("store subscriptions", "client", l.s.id, "error", err)
		l.lost("the store cannot write")
		l.s.sent()
		return nil, err
	}
	return g, nil
}

// subscribed tells of new subscriptions and sends what is retained for them.
func (l *link) subscribed(g *grant) {
	h := l.s.hub
	defer l.s.sent()
	for i, sub := range g.subs {
		if sub == nil {
			continue
		}
		h.observer.Subscribed(l.client, sub.filter)
		if sub.sendsRetained(g.existed[i]) {
			h.sendRetained(l, sub, keptAsked)
		}
	}
	if l.s.rights.Load() != g.rights { // they changed between judging and now
		h.endForbidden(l.s, l.s.snapshot())()
	}
}

// judgeFilter returns 0, or the code that SUBACK gives for the filter.
func (l *link) judgeFilter(filter string) wire.Code {
	h := l.s.hub
	lim := &h.limits
	switch {
	case !validFilter(filter):
		return wire.TopicFilterInvalid
	case len(filter) > lim.TopicLength || strings.Count(filter, "/") >= lim.TopicLevels:
		return wire.TopicFilterInvalid
	case h.policy.MaySubscribe(l.client, filter) != "":
		h.stats.Refused.Subscription.Add(1)
		return wire.NotAuthorized
	}
	most := lim.Subscriptions
	if h.allowance != nil {
		if n := h.allowance.Subscriptions(l.client); n > 0 {
			most = min(most, n)
		}
	}
	l.s.mu.Lock()
	_, had := l.s.subs[filter]
	full := !had && len(l.s.subs) >= most
	l.s.mu.Unlock()
	if full {
		h.stats.Refused.Subscription.Add(1)
		return wire.QuotaExceeded
	}
	return wire.Success
}

// validFilter checks the filter's grammar. MQTT 3 has no shared subscriptions;
// its clients get them by the same name, as with other brokers.
func validFilter(filter string) bool {
	_, inner, _, err := topics.SplitShared(filter)
	return err == nil && topics.ValidFilter(inner) == nil
}

// enter puts the granted subscriptions in force, each in place of the one with
// the same filter [MQTT-3.8.4-3], and reports which were there before.
func (l *link) enter(granted []*subscription) (existed []bool) {
	s := l.s
	existed = make([]bool, len(granted))
	fresh := make([]bool, len(granted)) // nothing is owed from before
	s.mu.Lock()
	for i, sub := range granted {
		if sub == nil {
			continue
		}
		old := s.subs[sub.filter]
		existed[i] = old != nil
		fresh[i] = old == nil || old.qos == 0 && sub.qos > 0
		if !fresh[i] {
			sub.since = old.since // what the queue owes is still owed
		}
		if old != nil {
			sub.asked = old.asked
		}
		if old != nil && (!old.noLocal || sub.noLocal) {
			sub.localSince = old.localSince
		}
	}
	s.asks(granted, existed)
	s.out.sending++ // until sent
	s.mu.Unlock()
	for i, sub := range granted {
		if sub == nil {
			continue
		}
		s.hub.inForce(s, sub)
		if fresh[i] && sub.group == nil {
			sub = s.hub.fromNow(s, sub)
		}
		s.mu.Lock()
		s.subs[sub.filter] = sub // complete: it is not changed any more
		s.mu.Unlock()
	}
	return existed
}

// fromNow moves a new subscription's beginning to the moment at which it is in
// force: what was committed just before may have been routed past it, and must
// not come later, from the log.
func (h *Hub) fromNow(s *Session, sub *subscription) *subscription {
	now := *sub
	now.since = store.Pos(h.committed.Load())
	if now.since == sub.since {
		return sub
	}
	h.index.set(s, &now)
	return &now
}

// inForce makes a subscription count for messages from now on. Nobody else has
// seen it yet.
func (h *Hub) inForce(s *Session, sub *subscription) {
	if isShared(sub.filter) {
		h.join(s, sub)
		return
	}
	h.index.set(s, sub)
}

func isShared(filter string) bool { return strings.HasPrefix(filter, "$share/") }

// unsubscribe ends subscriptions; what is in the window is completed
// [MQTT-3.10.4-3].
func (l *link) unsubscribe(body []byte) error {
	req, err := wire.ParseUnsubscribe(l.client.Version, body)
	if err != nil {
		return err
	}
	codes, ended, err := l.end(req.Filters)
	if err != nil {
		return nil //nolint:nilerr // the connection is ending
	}
	if l.conn.Send(wire.AppendUnsuback(nil, l.client.Version, req.PacketID, codes)) {
		l.dirty.add(l.conn)
	}
	for _, filter := range ended {
		l.s.hub.observer.Unsubscribed(l.client, filter)
	}
	return nil
}

// end takes subscriptions out of force and stores that. Errors as of grant.
func (l *link) end(filters []string) (codes []wire.Code, ended []string, err error) {
	h := l.s.hub
	codes = make([]wire.Code, len(filters))
	for i, filter := range filters {
		l.noteFilter("UNSUBSCRIBE", filter, 0, wire.Success)
		if l.s.leave(filter) {
			ended = append(ended, filter)
			continue
		}
		codes[i] = wire.NoSubscriptionExisted
	}
	if len(ended) > 0 {
		if err := h.saveSession(l.s); err != nil {
			h.log.Error("store subscriptions", "client", l.s.id, "error", err)
			l.lost("the store cannot write")
			return nil, nil, err
		}
	}
	return codes, ended, nil
}

// leave takes a subscription out of force.
func (s *Session) leave(filter string) bool {
	s.mu.Lock()
	sub := s.subs[filter]
	delete(s.subs, filter)
	s.mu.Unlock()
	if sub != nil {
		s.hub.outOfForce(s, sub)
	}
	return sub != nil
}

func (h *Hub) outOfForce(s *Session, sub *subscription) {
	if sub.group != nil {
		sub.group.leave(s)
		return
	}
	h.index.unset(s, sub.filter)
}
