package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// PutMember makes the user a member of the session, also one who was removed
// before. Host and trainer may; in an open session a user may join by themself,
// unless removed. Errors: NotFound, Forbidden, Invalid, Quota, Unavailable.
func (e *Engine) PutMember(ctx context.Context, actor Actor, sessionID, userID string) error {
	const op = "put member"
	e.admin.Lock()
	defer e.admin.Unlock()
	s, err := e.findSession(op, sessionID)
	if err != nil {
		return err
	}
	if err := e.knownUser(op, "user", userID); err != nil {
		return err
	}
	s.mu.RLock()
	self := actor.UserID == userID && s.allowed(userID)
	permitted := actor.all() || s.controls(actor.UserID) || self
	m, known := s.members[userID]
	full := !known && len(s.members) >= e.opt.MaxMembers
	s.mu.RUnlock()
	switch {
	case !permitted:
		return fitness.Errorf(op, fitness.Forbidden, "only host and trainer may put members into session %s", sessionID)
	case full:
		return fitness.Errorf(op, fitness.Quota, "session %s has %d members, the limit", sessionID, e.opt.MaxMembers)
	}
	fresh := !known || m.Removed
	if m.Removed, m.At = false, e.now(); fresh {
		m.PutBy, m.PutAt = "", time.Time{}
		if actor.UserID != userID {
			m.PutBy, m.PutAt = actor.UserID, m.At
		}
	}
	return e.storeMember(ctx, op, s, userID, m, func() {
		s.place(userID)
		if fresh {
			e.tellMember(s, userID)
		}
	})
}

// storeMember stores what the user is to the session, makes it so and calls done with
// s.mu held.
func (e *Engine) storeMember(ctx context.Context, op string, s *session, userID string, m memberRecord, done func()) error {
	e.saver.saving.Lock() // a checkpoint must not write an older record afterwards
	defer e.saver.saving.Unlock()
	if err := e.put(ctx, op, tableMembers, s.id+"/"+userID, m); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[userID] = m
	done()
	return nil
}

// DeleteMember takes the user out of the session; they lose their place and are
// not let in again by the session being open. Host and trainer may, and the user.
// Errors: NotFound, Forbidden, Conflict for host and trainer themselves,
// Unavailable.
func (e *Engine) DeleteMember(ctx context.Context, actor Actor, sessionID, userID string) error {
	e.admin.Lock()
	defer e.admin.Unlock()
	return e.removeMember(ctx, "delete member", actor, sessionID, userID)
}

// removeMember is DeleteMember under the admin lock.
func (e *Engine) removeMember(ctx context.Context, op string, actor Actor, sessionID, userID string) error {
	s, err := e.findSession(op, sessionID)
	if err != nil {
		return err
	}
	if err := validID(op, "user", userID); err != nil {
		return err
	}
	s.mu.RLock()
	commands := s.controls(userID)
	permitted := actor.all() || s.controls(actor.UserID) || actor.UserID == userID && s.allowed(userID)
	s.mu.RUnlock()
	switch {
	case !permitted:
		return fitness.Errorf(op, fitness.Forbidden, "only host and trainer may remove others from session %s", sessionID)
	case commands:
		return fitness.Errorf(op, fitness.Conflict, "user %s is host or trainer of session %s and cannot be removed", userID, sessionID)
	}
	m := memberRecord{Removed: true, At: e.now()}
	if err := e.storeMember(ctx, op, s, userID, m, func() {}); err != nil {
		return err
	}
	e.expel(s, userID, LeftRemoved)
	e.revoke(userID)
	return nil
}

// Members returns who belongs to the session: host, trainer, members, and in an
// open session everybody who takes part; by rising id. Error: NotFound.
func (e *Engine) Members(sessionID string) ([]Member, error) {
	s, err := e.findSession("list members", sessionID)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids := map[string]struct{}{s.rec.Host: {}}
	if s.rec.Trainer != "" {
		ids[s.rec.Trainer] = struct{}{}
	}
	for id, m := range s.members {
		if !m.Removed {
			ids[id] = struct{}{}
		}
	}
	for id := range s.people {
		ids[id] = struct{}{}
	}
	list := make([]Member, 0, len(ids))
	for id := range ids {
		m := Member{UserID: id, Name: e.name(id), Role: s.role(id)}
		if p := s.people[id]; p != nil {
			m.Present = p.present
			if p.track != nil {
				m.Flags = maps.Clone(p.track.Flags())
			}
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Member) int { return compareIDs(a.UserID, b.UserID) })
	return list, nil
}
