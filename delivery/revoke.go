package delivery

import "github.com/fitmq/fitmq/delivery/wire"

// Revoke makes a change of what the user may, or of what others may see of the
// user, count at once. Every subscription of the user's sessions, connected or
// not, and every one of others below user/{id}/ is judged again; what is no longer
// allowed ends, and its client is told. What waits to be sent is judged again, too.
func (h *Hub) Revoke(userID string) {
	for _, s := range h.sessionsOf(userID) {
		h.endForbidden(s, s.snapshot())()
		s.dropForbidden()
	}
	own := "user/" + userID
	h.index.spoil(own)
	for s, subs := range h.index.below("user", userID) {
		if s.user != userID {
			h.endForbidden(s, subs)()
			s.dropForbidden()
		}
	}
}

// endForbidden ends those of the session's subscriptions that its client may no
// longer have. Cached answers that hold delivery rights are worth nothing from now
// on, so that what has become allowed counts, too. tell lets the client know.
func (h *Hub) endForbidden(s *Session, subs []*subscription) (tell func()) {
	s.rights.Add(1)
	c := s.who.Load()
	var ended []*subscription
	var reasons []string
	for _, sub := range subs {
		h.index.spoil(sub.inner())
		if reason := h.policy.MaySubscribe(c, sub.filter); reason != "" && s.leave(sub.filter) {
			ended, reasons = append(ended, sub), append(reasons, reason)
		}
	}
	if len(ended) == 0 {
		return func() {}
	}
	if err := h.saveSession(s); err != nil {
		h.log.Error("store subscriptions", "client", s.id, "error", err)
	}
	if l, _ := s.reach(); l != nil { // else nobody takes part by it
		for _, sub := range ended {
			h.observer.Unsubscribed(l.client, sub.filter)
		}
	}
	return func() {
		for i, sub := range ended {
			h.observer.Revoked(c, sub.filter, "subscription ended: "+reasons[i])
		}
	}
}

// dropForbidden takes out of what waits to be sent what the session may no
// longer have. What the client has been sent already is completed.
func (s *Session) dropForbidden() {
	var back []queued
	defer func() { s.hub.giveBack(back) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.out
	kept := make([]queued, 0, o.len())
	for _, q := range o.queue[o.head:] {
		switch {
		case s.hub.mayReceive(s, q.m.Topic):
			kept = append(kept, q)
			continue
		case q.share != nil:
			back = append(back, q) // another member may
			continue
		}
		s.drop(dropNoRight, q.m)
	}
	o.queue, o.head, o.bytes, o.states = nil, 0, 0, nil
	for _, q := range kept {
		o.push(q)
	}
	for i := len(o.flights) - 1; i >= 0; i-- {
		f := &o.flights[i]
		if f.state != flightWaiting || s.hub.mayReceive(s, f.m.Topic) {
			continue
		}
		if f.share != nil {
			f.share.done(f.pos)
		}
		o.waiting--
		s.drop(dropNoRight, f.m)
		o.remove(i)
	}
}

// withdraw gives up a QoS 2 delivery whose id has just been written, because the
// client may no longer have it; nothing was sent. What a shared subscription had
// given is returned. mu is held.
func (s *Session) withdraw(i int) (back []queued) {
	f := s.out.flights[i]
	s.hub.logFlow(s, flowDropped, &f, nil) // its flowSent is in the log
	s.drop(dropNoRight, f.m)
	if f.share != nil {
		back = []queued{f.queued}
	}
	s.out.remove(i)
	return back
}

// WillError says why a will was refused.
type WillError struct{ Reason string }

// Error returns the reason.
func (e *WillError) Error() string { return "the will: " + e.Reason }

// judgeWill judges a will when it is left; when it is sent it is judged again,
// by the rights of then.
func (h *Hub) judgeWill(c *Client, w *wire.Will) error {
	if w == nil {
		return nil
	}
	if reason := h.policy.MayPublish(c, w.Topic); reason != "" {
		h.stats.Refused.NoRight.Add(1)
		return &WillError{reason}
	}
	return nil
}

// below returns the subscriptions whose filters begin with the two levels
// written out, but for shared ones, by session.
func (x *index) below(first, second string) map[*Session][]*subscription {
	found := collector{bySession: map[*Session][]*subscription{}}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if n := x.root.children[first]; n != nil {
		if n = n.children[second]; n != nil {
			n.each(found.add)
		}
	}
	return found.bySession
}

// each visits the node and all below it.
func (n *node) each(fn func(*node)) {
	fn(n)
	for _, child := range n.children {
		child.each(fn)
	}
}
