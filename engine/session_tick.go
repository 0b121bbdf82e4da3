package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/topics"
)

// interval is the least time between two states of a topic.
func (e *Engine) interval() time.Duration {
	return time.Duration(float64(time.Second) / e.opt.LeaderboardRate)
}

// tickSession does what is due in the session, with at most budget messages of
// bulk, and returns what is left of the budget.
func (e *Engine) tickSession(s *session, now time.Time, budget int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return budget
	}
	next := never
	if at := s.rec.StartsAt; s.rec.State == workout.Scheduled && !at.IsZero() {
		if at.After(now) {
			next = at
		} else {
			e.transit(s, workout.Live, "", now)
		}
	}
	next = earliest(next, e.endGraces(s, now))
	next = earliest(next, e.endIdle(s, now))
	if s.out.info {
		s.out.info = false
		e.out.state(topics.SessionInfoTopic(s.id), e.resource(s))
	}
	if s.out.roster {
		if s.out.rosterNext.After(now) {
			next = earliest(next, s.out.rosterNext)
		} else {
			e.publishRoster(s, now)
		}
	}
	if s.out.board {
		if s.out.boardNext.After(now) {
			next = earliest(next, s.out.boardNext)
		} else {
			e.publishStandings(s, now)
		}
	}
	if s.out.closing {
		e.closeUp(s)
	}
	if len(s.out.sum) > 0 {
		if budget = e.sumUp(s, budget); len(s.out.sum) > 0 {
			next = now
		}
	}
	if len(s.out.forget) > 0 {
		var again time.Time
		budget, again = e.forgetSamples(s, now, budget)
		next = earliest(next, again)
	}
	if next != never {
		e.wake.session(s, next)
	}
	return budget
}

// closeUp works out whose summaries must be written and whose retained samples
// must go, now that the session has ended. After a start that is known when they
// have been recalled: a tick comes behind. s.mu is held.
func (e *Engine) closeUp(s *session) {
	s.out.closing = false
	list := s.withSamples()
	if !s.rec.Cleared {
		s.out.forget = list
	}
	if s.rec.Summed {
		return
	}
	if s.out.sum = slices.Clone(list); len(list) == 0 {
		s.rec.Summed, s.dirty.record = true, true
		e.saver.session(s)
	}
}

// forgetSamples removes retained samples of an ended session, budget of them at
// most, and returns what is left of the budget and when to go on. s.mu is held.
func (e *Engine) forgetSamples(s *session, now time.Time, budget int) (left int, again time.Time) {
	if from := s.mayForget(now); from.After(now) {
		return budget, from
	}
	n := min(len(s.out.forget), max(budget, 0))
	for _, userID := range s.out.forget[:n] {
		e.out.forget(topics.SessionProgressTopic(s.id, userID))
	}
	if s.out.forget = s.out.forget[n:]; len(s.out.forget) > 0 {
		return budget - n, now
	}
	s.rec.Cleared, s.dirty.record = true, true
	e.saver.session(s)
	return budget - n, never
}

// mayForget returns when the retained samples may go: not before the summaries
// that a crash would have to make of them are on the disk. s.mu is held.
func (s *session) mayForget(now time.Time) time.Time {
	if s.rec.Summed && !s.dirty.record && !s.dirty.writing {
		return s.out.forgetFrom
	}
	return now.Add(tickEvery)
}

// never is later than every moment that is waited for.
var never = time.Unix(1<<40, 0)

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// endIdle ends a session that everybody left long ago, and returns when that will
// be. s.mu is held.
func (e *Engine) endIdle(s *session, now time.Time) time.Time {
	going := s.rec.State == workout.Live || s.rec.State == workout.Paused
	if !going || e.opt.IdleEnd < 0 || s.rec.EmptySince.IsZero() {
		return never
	}
	last := s.rec.EmptySince
	if s.rec.Updated.After(last) {
		last = s.rec.Updated // a watch that only publishes
	}
	if due := last.Add(e.opt.IdleEnd); due.After(now) {
		return due
	}
	e.transit(s, workout.Ended, ReasonAbandoned, now)
	return never
}

// transit changes the session's state and tells of it, with a reason where the
// change has none of its own. s.mu is held.
func (e *Engine) transit(s *session, to workout.State, why string, at time.Time) {
	if event, reason := s.rec.transition(to, at); event != "" {
		reason = cmp.Or(reason, why)
		s.version++
		s.dirty.record = true
		s.entered(at)
		s.rec.announce(s.id, event, reason, at)
		e.tellChanges(s, 1)
	}
	e.touched(s)
}

// endGraces lets those go whose grace is over, and returns when the next one is.
// s.mu is held.
func (e *Engine) endGraces(s *session, now time.Time) time.Time {
	next := never
	var over []string
	for userID, p := range s.people {
		if !p.present || len(p.clients) > 0 {
			continue
		}
		if until := p.grace().until; until.After(now) {
			next = earliest(next, until)
		} else {
			over = append(over, userID)
		}
	}
	slices.Sort(over)
	for _, userID := range over {
		e.leave(s, userID, s.people[userID].grace().reason, now)
	}
	return next
}

// Everybody who takes part gets the roster and the events, so that what they cost
// grows with the square of a session unless it is bounded.
const (
	// rosterShare is the part of Options.RosterMax that the roster of a session
	// with more than that lists.
	rosterShare = 10
	// rosterEntries is how many entries of one session's roster go out in a second
	// at most, to all together: in a large session it comes less often.
	rosterEntries = 250_000
	// eventCopies is the same of events.
	eventCopies = 100_000
)

// publishRoster queues the roster. s.mu is held.
func (e *Engine) publishRoster(s *session, now time.Time) {
	limit := e.opt.RosterMax
	if s.present > limit {
		limit = max(limit/rosterShare, 1)
	}
	copies := time.Duration(min(s.present, limit)) * time.Duration(s.present)
	s.out.roster = false
	s.out.rosterNext = now.Add(max(e.interval(), copies*time.Second/rosterEntries))
	s.out.rosterRev++
	r := Roster{SessionID: s.id, Revision: s.out.rosterRev, Total: s.present, Participants: []Participant{}}
	for userID, p := range s.people {
		if p.present {
			r.Participants = append(r.Participants, Participant{UserID: userID, Role: s.role(userID), JoinedAt: p.joinedAt})
		}
	}
	slices.SortFunc(r.Participants, func(a, b Participant) int {
		if x, y := s.controls(a.UserID), s.controls(b.UserID); x != y {
			if x {
				return -1
			}
			return 1
		}
		if c := a.JoinedAt.Compare(b.JoinedAt); c != 0 {
			return c
		}
		return compareIDs(a.UserID, b.UserID)
	})
	if len(r.Participants) > limit {
		r.Participants = r.Participants[:limit]
	}
	for i := range r.Participants {
		p := &r.Participants[i]
		p.Name, p.ZonesMaxHeartRate = e.name(p.UserID), e.zonesEnd(p.UserID)
	}
	e.out.state(topics.SessionParticipantsTopic(s.id), r)
}

// publishStandings queues the live leaderboard. s.mu is held.
func (e *Engine) publishStandings(s *session, now time.Time) {
	s.out.board = false
	s.out.boardNext = now.Add(e.interval())
	s.out.boardRev++
	e.out.state(topics.SessionLeaderboardTopic(s.id), Board{
		SessionID: s.id, Revision: s.out.boardRev, UpdatedAt: s.rec.Updated,
		Metric: string(s.rec.RankBy), Unit: s.rec.RankBy.Unit(),
		Total: s.order.Len(), Entries: e.entries(s.order.Page(0, e.opt.LeaderboardTop)),
	})
}
