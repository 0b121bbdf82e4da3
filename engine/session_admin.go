package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// validID returns nil, or an Error of kind Invalid that says what an id is.
func validID(op, what, id string) error {
	if topics.ValidID(id) {
		return nil
	}
	return fitness.Errorf(op, fitness.Invalid, "%s %.80q is not 1 to 64 letters, digits, _ or -", what, id)
}

// knownUser returns nil for a user that exists, else an Error of kind Invalid.
func (e *Engine) knownUser(op, what, id string) error {
	if err := validID(op, what, id); err != nil {
		return err
	}
	if !e.opt.Users.Exists(id) {
		return fitness.Errorf(op, fitness.Invalid, "%s %s is not a user", what, id)
	}
	return nil
}

// findSession returns the session, or an Error of kind NotFound.
func (e *Engine) findSession(op, id string) (*session, error) {
	if s := e.sessions.get(id); s != nil {
		return s, nil
	}
	return nil, fitness.Errorf(op, fitness.NotFound, "session %.80s does not exist", id)
}

// PutSession creates the session, or gives an existing one a new definition: its
// state, members and standings stay. A member makes sessions with themself as
// host (which is the default), a trainer such as they host or train; an existing
// session is changed by its host and trainer. Errors: Invalid, Forbidden, Quota,
// Unavailable.
func (e *Engine) PutSession(ctx context.Context, actor Actor, id string, spec SessionSpec) (Session, bool, error) {
	const op = "put session"
	e.admin.Lock()
	defer e.admin.Unlock()
	if spec.Host == "" && !actor.all() {
		spec.Host = actor.UserID
	}
	spec, err := e.checkSession(op, actor, id, spec)
	if err != nil {
		return Session{}, false, err
	}
	if s := e.sessions.get(id); s != nil {
		res, err := e.replaceSession(ctx, op, actor, s, spec)
		return res, false, err
	}
	if e.sessions.len() >= e.opt.MaxSessions {
		return Session{}, false, fitness.Errorf(op, fitness.Quota, "there are %d sessions, the limit", e.opt.MaxSessions)
	}
	now := e.now()
	rec := sessionRecord{SessionSpec: spec, State: workout.Live, CreatedAt: now, StartedAt: now, ChangedAt: now}
	if spec.StartsAt.After(now) {
		rec.State, rec.StartedAt = workout.Scheduled, time.Time{}
	}
	if rec.State == workout.Live {
		rec.announce(id, EventStarted, "", now)
	}
	if err := e.put(ctx, op, tableSessions, id, rec); err != nil {
		return Session{}, false, err
	}
	s := newSession(id, rec, &e.sessionsOf, now)
	s.mu.Lock()
	e.sessions.put(id, s)
	e.tellChanges(s, 1)
	e.touched(s)
	res := e.resource(s)
	s.mu.Unlock()
	e.out.drain()
	return res, true, nil
}

// checkSession judges a definition and who gives it.
func (e *Engine) checkSession(op string, actor Actor, id string, spec SessionSpec) (SessionSpec, error) {
	if err := validID(op, "session id", id); err != nil {
		return spec, err
	}
	spec, err := spec.Normalize()
	if err != nil {
		return spec, &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
	}
	errs := e.knownUser(op, "host", spec.Host)
	if spec.Trainer != "" {
		errs = errors.Join(errs, e.knownUser(op, "trainer", spec.Trainer))
	}
	if errs != nil {
		return spec, errs
	}
	if actor.all() || e.sessions.get(id) != nil {
		return spec, nil // for an existing one its present host and trainer decide
	}
	own := actor.UserID != "" && (spec.Host == actor.UserID || actor.Role == roleTrainer && spec.Trainer == actor.UserID)
	if !own || actor.Role != roleMember && actor.Role != roleTrainer {
		return spec, fitness.Errorf(op, fitness.Forbidden, "a session is made by its host, or by a trainer as its trainer")
	}
	return spec, nil
}

// replaceSession gives an existing session a new definition.
func (e *Engine) replaceSession(ctx context.Context, op string, actor Actor, s *session, spec SessionSpec) (Session, error) {
	var before SessionSpec
	err := e.changeSession(ctx, op, s, func(rec *sessionRecord) error {
		if !actor.all() && !s.controls(actor.UserID) {
			return fitness.Errorf(op, fitness.Forbidden, "session %s is changed by its host or trainer", s.id)
		}
		before = rec.SessionSpec
		rec.SessionSpec = spec
		return nil
	}, func() {
		s.out.info, s.out.roster = true, true
		s.place(before.Host, before.Trainer, spec.Host, spec.Trainer)
		if before.RankBy != spec.RankBy {
			for userID, p := range s.people {
				s.rank(userID, p)
			}
			s.out.board = true
		}
	})
	if err != nil {
		return Session{}, err
	}
	s.mu.RLock()
	res := e.resource(s)
	var changed, out []string // who may do more or less, and who may not be here any more
	for _, role := range [][2]string{{before.Host, spec.Host}, {before.Trainer, spec.Trainer}} {
		if role[0] != role[1] {
			changed = append(changed, role[:]...)
		}
	}
	changed = slices.DeleteFunc(changed, func(userID string) bool { return userID == "" })
	for userID := range s.people {
		if !s.allowed(userID) {
			out = append(out, userID)
		}
	}
	s.mu.RUnlock()
	for _, userID := range out {
		e.expel(s, userID, LeftRemoved)
	}
	if before.Visibility == workout.Open && spec.Visibility == workout.Invite {
		changed = append(changed, e.presence.users()...) // who watches without taking part
	}
	e.revoke(append(changed, out...)...)
	return res, nil
}

// changeSession stores a change of the session's record and then makes it. change
// computes it under the session's lock from the record as it is, and is asked
// again when that moved on while the store was writing; done follows it.
func (e *Engine) changeSession(ctx context.Context, op string, s *session, change func(*sessionRecord) error, done func()) error {
	for {
		made, err := e.tryChange(ctx, op, s, change, done)
		if err != nil {
			return err
		}
		if made {
			e.out.drain()
			return nil
		}
	}
}

// tryChange is a round of changeSession; made is false when the record has moved on.
func (e *Engine) tryChange(ctx context.Context, op string, s *session, change func(*sessionRecord) error, done func()) (made bool, err error) {
	e.saver.saving.Lock() // a checkpoint must not write an older record afterwards
	defer e.saver.saving.Unlock()
	s.mu.RLock()
	rec, version := s.rec, s.version
	err = change(&rec)
	s.mu.RUnlock()
	if err != nil {
		return false, err
	}
	// The record may say that earlier changes were told: so they must be.
	e.takeAllNotices()
	if err := e.saveNews(ctx); err != nil {
		return false, unavailable(op, err)
	}
	if err := e.put(ctx, op, tableSessions, s.id, rec); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version != version {
		// A command or the clock was faster. What was stored is behind: the
		// next round, or the next checkpoint, stores over it.
		s.dirty.record = true
		e.saver.session(s)
		return false, nil
	}
	s.version++
	rec.Updated, rec.Cleared, rec.Summed, rec.EmptySince = s.rec.Updated, s.rec.Cleared, s.rec.Summed, s.rec.EmptySince // a tick's, not of the version
	rec.Untold, rec.Changes = s.rec.Untold, s.rec.Changes                                                               // done notes them again
	s.rec = rec
	done()
	e.touched(s)
	return true, nil
}

// Session returns the session, or an Error of kind NotFound.
func (e *Engine) Session(id string) (Session, error) {
	s, err := e.findSession("get session", id)
	if err != nil {
		return Session{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return e.resource(s), nil
}

// Sessions returns up to limit sessions (100 where it is 0, at most 1000) by
// rising id from the first one after the cursor, and the next cursor, "" at the
// end.
func (e *Engine) Sessions(after string, limit int) ([]Session, string) {
	page, next := e.sessions.page(after, limit)
	list := make([]Session, 0, len(page))
	for _, s := range page {
		s.mu.RLock()
		list = append(list, e.resource(s))
		s.mu.RUnlock()
	}
	return list, next
}

// DeleteSession removes the session and what is retained of it. Its host and
// trainer may. Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) DeleteSession(ctx context.Context, actor Actor, id string) error {
	const op = "delete session"
	e.admin.Lock()
	defer e.admin.Unlock()
	s, err := e.ownSession(op, actor, id)
	if err != nil {
		return err
	}
	if err := e.opt.Store.Delete(ctx, tableSessions, id, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	now := e.now()
	s.mu.Lock()
	var users []string
	for userID := range s.people {
		users = append(users, userID)
	}
	slices.Sort(users)
	for _, userID := range users {
		e.leave(s, userID, LeftDeleted, now)
	}
	for _, userID := range append(s.withSamples(), s.out.forget...) {
		e.out.forget(topics.SessionProgressTopic(id, userID))
	}
	s.unplace()
	s.gone = true
	s.mu.Unlock()
	e.sessions.delete(id)
	e.out.forget(topics.SessionInfoTopic(id))
	e.out.forget(topics.SessionParticipantsTopic(id))
	e.out.forget(topics.SessionLeaderboardTopic(id))
	e.out.drain()
	e.revoke(users...)
	if err := e.forgetSessionChat(ctx, op, id); err != nil {
		return err
	}
	// The users' own histories keep what they did; it must not be written behind
	// the removal of the session's.
	if err := e.checkpoint(ctx, false); err != nil {
		return err
	}
	// One that had begun before has written the session's record again, perhaps.
	if err := e.opt.Store.Delete(ctx, tableSessions, id, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	return errors.Join(e.deleteAll(ctx, op, tableMembers, id+"/"), e.deleteAll(ctx, op, tableLive, id+"/"),
		e.deleteAll(ctx, op, tableSummaries, id+"/"))
}

// ownSession returns the session if the actor commands it.
func (e *Engine) ownSession(op string, actor Actor, id string) (*session, error) {
	s, err := e.findSession(op, id)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !actor.all() && !s.controls(actor.UserID) {
		return nil, fitness.Errorf(op, fitness.Forbidden, "only host and trainer may do this in session %s", id)
	}
	return s, nil
}
