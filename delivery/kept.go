package delivery

import "github.com/fitmq/fitmq/store"

// keptOwed is what a session is owed of the retained messages that its
// SUBSCRIBEs have brought about. They are not read from the log, so a lasting
// session's stored form says for which subscriptions they have not all been
// acknowledged: after a crash those are sent theirs again.
// The session's mu guards it.
type keptOwed struct {
	// asked numbers the SUBSCRIBEs; settled is the one up to which everything
	// is acknowledged.
	asked, settled uint64
	// sending is how many SUBSCRIBEs are handing out their retained messages.
	sending int
	// took are those of QoS 2 that the client has, by their place in the log,
	// while others of the same SUBSCRIBE wait. Bounded by what SUBSCRIBE matched.
	took map[store.Pos]struct{}
	// interrupted: the broker has started since, what waited in memory is gone.
	interrupted bool
}

func (k *keptOwed) acknowledged(pos store.Pos) {
	if k.took == nil {
		k.took = map[store.Pos]struct{}{}
	}
	k.took[pos] = struct{}{}
}

// settle notes that everything has been acknowledged, where it is so.
func (o *outbound) settle() {
	if o.asked == o.settled || o.sending > 0 {
		return
	}
	for i := range o.flights {
		if o.flights[i].kept {
			return
		}
	}
	for _, q := range o.queue[o.head:] {
		if q.kept {
			return
		}
	}
	o.settled, o.took = o.asked, nil
}

// asks gives the subscriptions of a SUBSCRIBE for which retained messages follow
// their number. mu is held.
func (s *Session) asks(granted []*subscription, existed []bool) {
	numbered := false
	for i, sub := range granted {
		if sub == nil || sub.qos == 0 || !sub.sendsRetained(existed[i]) {
			continue
		}
		if !numbered {
			s.out.asked++
			numbered = true
		}
		sub.asked = s.out.asked
	}
}

// sendsRetained reports whether a SUBSCRIBE brings about retained messages
// [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]; shared ones never do [4.8.2].
func (sub *subscription) sendsRetained(existed bool) bool {
	return !isShared(sub.filter) && (sub.retainHandling == 0 || sub.retainHandling == 1 && !existed)
}

// keptReason is why a retained message is delivered.
type keptReason uint8

const (
	keptAsked keptReason = iota // a SUBSCRIBE has just been granted
	keptAgain                   // a crash came between SUBSCRIBE and the last acknowledgement
	keptNewer                   // a state topic has changed while the client was away
)

// sendRetained sends what the filter matches, with the retain flag set
// [MQTT-3.3.1-8] and with this subscription's identifier only.
func (h *Hub) sendRetained(l *link, sub *subscription, why keptReason) {
	t := &target{s: l.s, l: l, qos: sub.qos, since: 0}
	if sub.id != 0 {
		t.ids = []uint32{sub.id}
	}
	now := h.now()
	for _, m := range h.retained.find(sub.filter) {
		if m.expired(now) || !h.mayReceive(l.s, m.Topic) {
			continue
		}
		h.deliverKept(t, m, why, &l.dirty)
	}
}

// sendRetainedAgain sends the retained messages of the SUBSCRIBEs that a crash
// has interrupted, but for those of QoS 2 that the client has or is getting.
func (h *Hub) sendRetainedAgain(l *link) {
	s := l.s
	s.mu.Lock()
	again := make([]*subscription, 0, len(s.subs))
	for _, sub := range s.subs {
		if s.out.interrupted && sub.asked > s.out.settled {
			again = append(again, sub)
		}
	}
	s.out.interrupted = false
	s.out.sending++
	s.mu.Unlock()
	for _, sub := range again {
		h.sendRetained(l, sub, keptAgain)
	}
	s.sent()
}

// sent notes that a SUBSCRIBE's retained messages are in the queue.
func (s *Session) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.sending--
	s.dirty = true
}

// holds reports whether the client has the retained message, or is getting it,
// at QoS 2. mu is held.
func (o *outbound) holds(m *Message) bool {
	pos := m.Pos()
	if _, took := o.took[pos]; took {
		return true
	}
	for i := range o.flights {
		if o.flights[i].kept && o.flights[i].pos == pos {
			return true
		}
	}
	return false
}

// deliverKept delivers a retained message outside the order of the log: with
// the retain flag set, but for a state topic's newer value, where it is the
// publisher's if the subscription wants that. What a SUBSCRIBE has brought about
// a lasting session gets even if this connection has ended meanwhile.
func (h *Hub) deliverKept(t *target, m *Message, why keptReason, b *batch) {
	q := queued{m: m, ids: t.ids, qos: min(t.qos, m.QoS), retain: why != keptNewer || m.Retain && t.asPublished}
	q.standAside()
	q.kept = why != keptNewer && q.qos > 0 && !m.State
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	here := s.link.Load() == t.l
	switch {
	case s.ended, !here && !(q.kept && s.lasting.Load()):
		return
	case why == keptAgain && q.pos != 0 && s.out.holds(m):
		return
	case !s.makeRoom(m):
		return
	case here && s.out.len() == 0 && s.send(t.l, q, b):
		return
	}
	s.out.push(q)
	if here {
		s.pump(t.l, b)
	}
}
