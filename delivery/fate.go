package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// Fate is what became of a message for one session that subscribes to its topic.
type Fate struct {
	ClientID, UserID string
	// State is one of the Fate constants, Why says more where there is more.
	State, Why string
	// Since is when the session's connection ended, for what is queued.
	Since time.Time
}

// What can have become of a message.
const (
	FateNoRight = "no-right"     // may not receive the topic now
	FateQueued  = "queued"       // waits for the client
	FateSent    = "sent"         // sent, not acknowledged
	FateDone    = "acknowledged" // the client has it
	FateExpired = "expired"      // over its message expiry interval
	FateDropped = "dropped"      // given up
	FateEarlier = "not-owed"     // older than the subscription, or No Local
	FateUnknown = "untracked"    // QoS 0, or a session without a memory
)

// Recorded is a message of the log with what became of it.
type Recorded struct {
	Pos     store.Pos
	Message *Message
	// Routed: it went to subscribers, and Fates says what became of it for each. Else
	// it is there for what it means.
	Routed bool
	Fates  []Fate
}

// Find reads the log for messages that arrived since a time on topics that one of
// the filters matches, and for which is says yes; at most look are looked at, and
// more says that there were others. What became of them is worked out from the
// sessions' cursors and windows as they are now.
func (h *Hub) Find(ctx context.Context, filters []string, since time.Time, look int, is func(*Message) bool) (found []Recorded, more bool, err error) {
	head, _ := h.store.Applied()
	after := h.firstSince(ctx, since)
	if after > 0 {
		after--
	}
	spans := make([]store.Span, len(filters))
	for looked := 0; looked < look; {
		for i, f := range filters {
			spans[i] = store.Span{Filter: f, After: after}
		}
		entries, err := h.store.Read(ctx, spans, head, catchUpBatch)
		if err != nil {
			return nil, false, fmt.Errorf("read the log: %w", err)
		}
		for _, e := range entries {
			m, err := decodeEntry(e)
			if err != nil {
				continue // counted by who has to deliver it
			}
			if !is(m) {
				continue
			}
			one := Recorded{Pos: e.Pos, Message: m, Routed: m.route}
			if m.route {
				one.Fates = h.fates(m)
			}
			found = append(found, one)
		}
		looked += len(entries)
		if len(entries) < catchUpBatch {
			return found, false, nil
		}
		after = entries[len(entries)-1].Pos
	}
	return found, true, nil
}

// fates works out what became of a message for each session that subscribes.
func (h *Hub) fates(m *Message) []Fate {
	var list []Fate
	shared := map[*group]Fate{} // a group's lock comes before a session's
	for _, g := range h.groups.all() {
		if topics.Match(g.filter, m.Topic) {
			shared[g] = g.fate(m.Pos())
		}
	}
	for _, s := range h.all() {
		s.mu.Lock()
		f, subscribes := s.fate(m, shared)
		s.mu.Unlock()
		if subscribes {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b Fate) int { return cmp.Compare(a.ClientID, b.ClientID) })
	return list
}

// fate is the message's for a group of members, of whom one gets it. No lock is held.
func (g *group) fate(pos store.Pos) Fate {
	g.mu.Lock()
	waits := g.behind && pos > g.read || slices.ContainsFunc(g.back, func(q queued) bool { return q.pos == pos })
	born := g.born
	g.mu.Unlock()
	g.outMu.Lock()
	_, out := g.out[pos]
	g.outMu.Unlock()
	switch {
	case out:
		return Fate{State: FateSent, Why: "to another member of " + g.key}
	case waits:
		return Fate{State: FateQueued, Why: "until a member of " + g.key + " has room"}
	case pos <= born:
		return Fate{State: FateEarlier, Why: "older than " + g.key}
	}
	return Fate{State: FateDone, Why: "by a member of " + g.key}
}

// fate is the message's for this session; shared has those of groups. mu is held.
func (s *Session) fate(m *Message, shared map[*group]Fate) (f Fate, subscribes bool) {
	f = Fate{ClientID: s.id, UserID: s.user}
	most, alone := byte(0), false
	var group *Fate
	for _, sub := range s.subs {
		if !topics.Match(sub.inner(), m.Topic) {
			continue
		}
		subscribes, most = true, max(most, sub.qos)
		if one, ok := shared[sub.group]; ok && sub.group != nil {
			group = &one
		} else {
			alone = true
		}
	}
	if !subscribes {
		return f, false
	}
	for i := range s.out.flights {
		if fl := &s.out.flights[i]; fl.pos != m.Pos() {
			continue
		} else if fl.state == flightReleased || fl.state == flightReleasing {
			f.State, f.Why = FateDone, "received; the QoS 2 exchange is not complete"
			return f, true
		}
		f.State, f.Since = FateSent, s.goneSince()
		return f, true
	}
	_, owed := s.owed(m, s.filters())
	switch pos := m.Pos(); {
	case !s.hub.mayReceive(s, m.Topic):
		f.State = FateNoRight
	case m.State:
		f.State, f.Why = FateUnknown, "only the topic's newest value is kept"
	case min(most, m.QoS) == 0:
		f.State, f.Why = FateUnknown, "delivered at QoS 0"
	case group != nil && !alone && !s.waits(pos):
		f.State, f.Why, f.Since = group.State, group.Why, s.goneSince()
	case s.hub.isExpired(m) && pos > s.out.read:
		f.State = FateExpired
	case pos > s.out.read && owed > 0:
		f.State, f.Since = FateQueued, s.goneSince()
	case s.waits(pos):
		f.State, f.Since = FateQueued, s.goneSince()
	case pos <= s.out.gone:
		f.State, f.Why = FateDropped, "the client's queue was full"
	case !s.lasting.Load():
		f.State, f.Why = FateUnknown, "the session ends with its connection"
	case owed == 0 && !s.doneWith(pos):
		f.State, f.Why = FateEarlier, "older than the subscription, or the client's own"
	default:
		f.State = FateDone
	}
	return f, true
}

// goneSince is when the connection ended, zero while there is one. mu is held.
func (s *Session) goneSince() time.Time {
	if s.offlineSince == 0 || s.link.Load() != nil {
		return time.Time{}
	}
	return time.Unix(0, s.offlineSince).UTC()
}

// waits reports whether the message waits in memory. mu is held.
func (s *Session) waits(pos store.Pos) bool {
	for _, q := range s.out.queue[s.out.head:] {
		if q.pos == pos {
			return true
		}
	}
	return false
}

// doneWith reports whether the message's QoS 2 exchange is known to be complete.
// mu is held.
func (s *Session) doneWith(pos store.Pos) bool {
	_, ok := s.out.done[pos]
	return ok
}
