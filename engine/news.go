package engine

import (
	"fmt"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
)

const (
	// newsTo is up to how many participants a challenge has its start and end told
	// to each of them; in a larger one status tells it.
	newsTo = 10_000
	// newsAgain is how far back a start of the broker tells what it missed. It is
	// shorter than an inbox remembers what it has had.
	newsAgain = time.Hour
	// newsTTL is for how long it is news that a session has started, or that one was
	// put into something.
	newsTTL = 24 * time.Hour
)

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

// tellMember notifies a user of being put into a session by another. s.mu is held.
func (e *Engine) tellMember(s *session, actor Actor, userID string, at time.Time) {
	if actor.UserID == userID {
		return
	}
	e.notify(notice{
		To: userID, Kind: KindSession, Content: fmt.Sprintf("You are a member of %s", quoted(s.rec.Title, s.id)),
		Cause: "session-member/" + s.id + "/" + at.Format(time.RFC3339Nano), CollapseKey: "session-member/" + s.id, TTL: newsTTL,
		Data: map[string]any{"event": "member-added", "sessionId": s.id, "title": s.rec.Title, "by": actor.UserID, "startsAt": timeOr(s.rec.StartsAt)},
	}, at)
}

// tellParticipant notifies a user of being put into a challenge by another. c.mu is
// held.
func (e *Engine) tellParticipant(c *contest, actor Actor, userID string, at time.Time) {
	if actor.UserID == userID {
		return
	}
	title := c.rec.Spec.Title
	e.notify(notice{
		To: userID, Kind: KindChallenge, Content: fmt.Sprintf("You take part in %s", quoted(title, c.id)),
		Cause: "challenge-participant/" + c.id + "/" + at.Format(time.RFC3339Nano), CollapseKey: "challenge-participant/" + c.id, TTL: newsTTL,
		Data: map[string]any{"event": "participant-added", "challengeId": c.id, "title": title, "by": actor.UserID, "startsAt": c.rec.Spec.StartsAt},
	}, at)
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
		if !joined {
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

// tellLink notifies a trainer of a new client.
func (e *Engine) tellLink(actor Actor, trainerID, clientID string, at time.Time) {
	name := e.name(clientID)
	e.notify(notice{
		To: trainerID, Kind: KindTraining, Content: name + " is your client now",
		Cause: "link/" + clientID + "/" + at.Format(time.RFC3339Nano), CollapseKey: "link/" + clientID,
		Data: map[string]any{"event": "client-linked", "clientId": clientID, "name": name, "by": actor.UserID},
	}, at)
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
