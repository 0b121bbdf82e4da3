package engine

import "sync"

// circles is who is in which sessions, or challenges: what two have in common is
// found without looking through all of them. It holds one entry for each user in
// each, and is changed under the lock of what it tells of.
type circles struct {
	mu sync.RWMutex // guards of; nothing else is locked under it
	of map[string]map[string]struct{}
}

func (c *circles) init() { c.of = make(map[string]map[string]struct{}) }

// set says whether the user is in it.
func (c *circles) set(userID, id string, in bool) {
	if userID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := c.of[userID]
	switch {
	case in && ids == nil:
		c.of[userID] = map[string]struct{}{id: {}}
	case in:
		ids[id] = struct{}{}
	case ids != nil:
		if delete(ids, id); len(ids) == 0 {
			delete(c.of, userID)
		}
	}
}

// common returns those that both are in.
func (c *circles) common(a, b string) (list []string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	fewer, more := c.of[a], c.of[b]
	if len(fewer) > len(more) {
		fewer, more = more, fewer
	}
	for id := range fewer {
		if _, both := more[id]; both {
			list = append(list, id)
		}
	}
	return list
}

// place notes whether the users belong to the session, of whom takesPart is asked
// then. A deleted one has left its id to the next. s.mu is held.
func (s *session) place(userIDs ...string) {
	if s.gone {
		return
	}
	for _, id := range userIDs {
		m, member := s.members[id]
		s.circles.set(id, s.id, s.controls(id) || s.people[id] != nil || member && !m.Removed)
	}
}

// unplace takes everybody out, before the session is gone. s.mu is held.
func (s *session) unplace() {
	for id := range s.members {
		s.circles.set(id, s.id, false)
	}
	for id := range s.people {
		s.circles.set(id, s.id, false)
	}
	s.circles.set(s.rec.Host, s.id, false)
	s.circles.set(s.rec.Trainer, s.id, false)
}

// place notes whether the users belong to the challenge. A deleted one has left
// its id to the next. c.mu is held.
func (c *contest) place(userIDs ...string) {
	if c.gone {
		return
	}
	for _, id := range userIDs {
		c.circles.set(id, c.id, c.rec.Spec.Organizer == id || c.board.Joined(id))
	}
}

// unplace takes everybody out, before the challenge is gone: the organizer and
// the participants given. c.mu is held.
func (c *contest) unplace(participants []string) {
	c.circles.set(c.rec.Spec.Organizer, c.id, false)
	for _, id := range participants {
		c.circles.set(id, c.id, false)
	}
}
