package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/fitmq/fitmq/topics"
)

// news is a change of a session's state: the how-manieth of the session, and what
// is told of it.
type news struct {
	N int `json:"n"`
	Event
}

// maxUntold bounds a session's changes of state that are not known to be in the
// log: only a store that takes nothing can fill it. Over it the oldest is given up.
const maxUntold = 16

// announce notes, in the record that says so, that the change has to be told.
func (r *sessionRecord) announce(sessionID, event, reason string, at time.Time) {
	r.Changes++
	r.Untold = append(slices.Clone(r.Untold), news{
		N: r.Changes, Event: Event{Type: event, SessionID: sessionID, Reason: reason, Timestamp: at},
	})
	r.Untold = r.Untold[max(len(r.Untold)-maxUntold, 0):]
}

// tellChanges tells of the newest n changes of the session's state, those who take
// part, the members and whoever else wants to know: each once, also if a crash comes
// before the log and the inboxes have them. s.mu is held.
func (e *Engine) tellChanges(s *session, n int) {
	for _, ev := range s.rec.Untold[max(len(s.rec.Untold)-n, 0):] {
		switch {
		case ev.Type == EventStarted && ev.Reason == "":
			e.tellStart(s, ev.Timestamp)
			e.tellSession(s, ev.Event)
		case ev.Type == EventEnded:
			e.tellSession(s, ev.Event)
		}
		e.out.insist(Outgoing{
			Topic: topics.SessionEventsTopic(s.id), Payload: encode(ev.Event), QoS: 1,
			RecordID: fmt.Sprintf("news/%s/%x/%d", s.id, s.rec.CreatedAt.UnixNano(), ev.N),
		}, func() { e.told(s, ev.N) })
	}
}

// told forgets a change that is in the log.
func (e *Engine) told(s *session, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.rec.Untold)
	s.rec.Untold = slices.DeleteFunc(slices.Clone(s.rec.Untold), func(x news) bool { return x.N == n })
	if s.gone || len(s.rec.Untold) == before {
		return
	}
	s.dirty.record = true
	e.saver.session(s)
}
