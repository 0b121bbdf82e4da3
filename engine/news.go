package engine

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
)

const (
	// newsTo is up to how many participants a challenge has its start and end told
	// to each of them; in a larger one status tells it.
	newsTo = 10_000
	// newsAgain is how far back a start of the broker tells again what follows from
	// what is stored, because a crash may have come before the inbox had it. It is
	// shorter than an inbox remembers what it has had, so that nobody is told twice.
	newsAgain = time.Hour
	// newsTTL is for how long it is news that a session has started, or that one was
	// put into something.
	newsTTL = 24 * time.Hour
)

// loadNews tells again what is not known to be told: changes of sessions that the log
// may not have, and who was put into a session lately.
func (e *Engine) loadNews(_ context.Context, now time.Time) error {
	for _, s := range e.sessions.m { // nobody else is here yet
		e.tellChanges(s, len(s.rec.Untold))
		for userID, m := range s.members {
			if !m.Removed && now.Sub(m.PutAt) < newsAgain {
				e.tellMember(s, userID)
			}
		}
	}
	return nil
}

// tellStart notifies the members of a session, who do not take part yet, that it
// has started. s.mu is held.
func (e *Engine) tellStart(s *session, at time.Time) {
	tell := func(userID string) {
		if p := s.people[userID]; p != nil && p.present {
			return
		}
		e.notify(notice{
			To: userID, Kind: KindSession, Content: fmt.Sprintf("%s has started", quoted(s.rec.Title, s.id)),
			Cause: "session-started/" + s.id + "/" + at.Format(time.RFC3339Nano), CollapseKey: "session/" + s.id, TTL: newsTTL,
			Data: map[string]any{"event": EventStarted, "sessionId": s.id, "title": s.rec.Title, "host": s.rec.Host},
		}, at)
	}
	if !s.rec.StartsAt.IsZero() && !at.Before(s.rec.StartsAt) { // else it was at the host's own word
		tell(s.rec.Host)
	}
	if s.rec.Trainer != s.rec.Host {
		tell(s.rec.Trainer)
	}
	for userID, m := range s.members {
		if !m.Removed && !s.controls(userID) {
			tell(userID)
		}
	}
}

// tellMember notifies a member of a session who was put into it by another. s.mu is
// held.
func (e *Engine) tellMember(s *session, userID string) {
	m := s.members[userID]
	if m.PutBy == "" {
		return
	}
	e.notify(notice{
		To: userID, Kind: KindSession, Content: fmt.Sprintf("You are a member of %s", quoted(s.rec.Title, s.id)),
		Cause: "session-member/" + s.id + "/" + m.PutAt.Format(time.RFC3339Nano), CollapseKey: "session-member/" + s.id, TTL: newsTTL,
		Data: map[string]any{"event": "member-added", "sessionId": s.id, "title": s.rec.Title, "by": m.PutBy, "startsAt": timeOr(s.rec.StartsAt)},
	}, m.PutAt)
}

// tellParticipant notifies a participant of a challenge who was put into it by
// another. c.mu is held.
func (e *Engine) tellParticipant(c *contest, userID string, rec *participantRecord) {
	if rec.PutBy == "" {
		return
	}
	title := c.rec.Spec.Title
	e.notify(notice{
		To: userID, Kind: KindChallenge, Content: fmt.Sprintf("You take part in %s", quoted(title, c.id)),
		Cause: "challenge-participant/" + c.id + "/" + rec.JoinedAt.Format(time.RFC3339Nano), CollapseKey: "challenge-participant/" + c.id, TTL: newsTTL,
		Data: map[string]any{"event": "participant-added", "challengeId": c.id, "title": title, "by": rec.PutBy, "startsAt": c.rec.Spec.StartsAt},
	}, rec.JoinedAt)
}

// joinedLately tells again, at a start of the broker, who was put into a challenge a
// short while ago, and notes who joined then: what turned before is no news for them.
// c.mu is held.
func (e *Engine) joinedLately(c *contest, userID string, rec *participantRecord, now time.Time) {
	if rec.Left || now.Sub(rec.JoinedAt) >= newsAgain {
		return
	}
	e.tellParticipant(c, userID, rec)
	if c.out.late == nil {
		c.out.late = make(map[string]time.Time)
	}
	c.out.late[userID] = rec.JoinedAt
}

// tellTurn notifies the participants that the challenge has started or ended. from
// is its state before, "" at a start of the broker. c.mu is held.
func (e *Engine) tellTurn(c *contest, from, state challenge.State, now time.Time) {
	s := c.board.Spec()
	at, event, verb := s.StartsAt, "challenge-started", "has started"
	if state == challenge.Ended {
		at, event, verb = s.EndsAt, "challenge-ended", "has ended"
	}
	if state == challenge.Scheduled || from == "" && now.Sub(at) > newsAgain || c.board.Participants() > newsTo {
		return
	}
	order := c.standing().Order()
	c.board.Each(func(userID string, joined bool, _ uint32) {
		if !joined || from == "" && c.out.late[userID].After(at) {
			return
		}
		n := notice{
			To: userID, Kind: KindChallenge, Content: fmt.Sprintf("%s %s", quoted(s.Title, c.id), verb), TTL: newsTTL,
			Cause:       event + "/" + c.id + "~" + strconv.Itoa(c.rec.Generation) + "/" + at.Format(time.RFC3339Nano),
			CollapseKey: "challenge/" + c.id,
			Data:        map[string]any{"event": event, "challengeId": c.id, "title": s.Title, "endsAt": s.EndsAt},
		}
		if rank := order.Rank(userID); rank > 0 && state == challenge.Ended {
			n.Content += fmt.Sprintf(": you are number %d of %d", rank, order.Len())
			n.Data["rank"], n.Data["total"] = rank, order.Len()
		}
		e.notify(n, now)
	})
}

// tellRank notifies a user of a change of rank that is worth it: the lead, the first
// ten, being overtaken there. The newest one of a challenge replaces the others. Each is
// an award too, which bounds how often it happens. c.mu is held.
func (e *Engine) tellRank(c *contest, a challenge.Award) {
	title, rank := quoted(c.board.Spec().Title, c.id), int(a.Value.Units())
	var event, content string
	switch a.Kind {
	case challenge.LeadTaken:
		event, content = "lead-taken", "You lead "+title
	case challenge.RankUp:
		event, content = "rank-up", fmt.Sprintf("You are number %d of %s now", rank, title)
	case challenge.Overtaken:
		event, content = "overtaken", fmt.Sprintf("You were overtaken in %s and are number %d now", title, rank)
	default:
		return
	}
	n := notice{
		To: a.User, Kind: KindRank, Content: content, TTL: newsTTL,
		Cause: c.awardID(a.User, a.Key()), CollapseKey: "rank/" + c.id,
		Data: map[string]any{"event": event, "challengeId": c.id, "title": c.board.Spec().Title, "rank": rank},
	}
	if a.Period != "" {
		n.Data["period"] = a.Period
	}
	e.notify(n, a.At)
}

// tellReview notifies a user that an activity of theirs was reviewed.
func (e *Engine) tellReview(c *contest, actor Actor, userID, activityID string, row activityRow, at time.Time) {
	if actor.UserID == userID {
		return
	}
	c.mu.RLock()
	title := c.rec.Spec.Title
	c.mu.RUnlock()
	verdict := "counts"
	if row.Barred {
		verdict = "does not count"
	}
	e.notify(notice{
		To: userID, Kind: KindChallenge, Content: fmt.Sprintf("Your activity %s in %s after a review", verdict, quoted(title, c.id)),
		Cause:       fmt.Sprintf("review/%s/%s/%d", c.id, activityKey(activityID), row.Reviews),
		CollapseKey: "review/" + c.id + "/" + activityKey(activityID),
		Data:        map[string]any{"event": "activity-reviewed", "challengeId": c.id, "title": title, "activityId": activityID, "counted": !row.Barred},
	}, at)
}

// tellLink notifies a trainer of a new client that another has linked.
func (e *Engine) tellLink(rec *linkRecord, trainerID, clientID string) {
	if rec.By == trainerID {
		return
	}
	name := e.name(clientID)
	e.notify(notice{
		To: trainerID, Kind: KindTraining, Content: name + " is your client now",
		Cause: "link/" + clientID + "/" + rec.At.Format(time.RFC3339Nano), CollapseKey: "link/" + clientID,
		Data: map[string]any{"event": "client-linked", "clientId": clientID, "name": name, "by": rec.By},
	}, rec.At)
}

// quoted names a thing for people.
func quoted(title, id string) string {
	if title == "" {
		return id
	}
	return "“" + title + "”"
}

// timeOr is the moment, or nil for none.
func timeOr(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
