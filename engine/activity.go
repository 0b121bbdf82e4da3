package engine

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/store"
)

const (
	// forgetPending is after how long an accepted activity that never came back
	// from the log is forgotten, so that it can be handed in again.
	forgetPending = time.Minute
	// maxPending bounds those of one challenge; more are refused (Rate).
	maxPending = 100_000
)

// handleActivity judges an activity. What it refuses nobody has to remember;
// what it accepts takes effect in applyActivity.
func (e *Engine) handleActivity(in Inbound, challengeID string, at time.Time) (Outcome, error) {
	if id, err := challenge.ParseWithdrawal(in.Payload); id != "" || err != nil {
		if err != nil {
			return Outcome{}, err
		}
		return e.handleWithdrawal(in, challengeID, id, at)
	}
	a, err := challenge.ParseActivity(in.Payload, at)
	if err != nil {
		return Outcome{}, err
	}
	c, err := e.findChallenge("", challengeID)
	if err != nil {
		return Outcome{}, err
	}
	user := in.Sender.UserID
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || !c.board.Joined(user) {
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "user %s does not take part in challenge %s", user, challengeID)
	}
	key := user + "/" + activityKey(a.ID)
	out := Outcome{Log: true, RecordID: c.recordID(key)}
	if known, ok := c.board.Find(user, a.ID); ok {
		if err := sameActivity(&a, known.Body); err != nil {
			return Outcome{}, err
		}
		if known.Withdrawn {
			return Outcome{}, fitness.Errorf("", fitness.Conflict, "activityId %s was withdrawn and stays so", a.ID)
		}
		e.stats.ActivitiesRepeated.Add(1)
		return Outcome{}, nil
	}
	if p, ok := c.pending[key]; ok && at.Sub(p.at) < forgetPending {
		if err := sameActivity(&a, p.act.Body); err != nil {
			return Outcome{}, err
		}
		e.stats.ActivitiesAccepted.Add(1)
		return out, nil
	}
	if err := e.admit(c, in.Sender, &a, at); err != nil {
		return Outcome{}, err
	}
	if _, again := c.pending[key]; !again {
		e.stats.pending.Add(1)
	}
	p := &pendingActivity{act: a, at: at}
	c.pending[key], out.Made = p, p
	e.stats.ActivitiesAccepted.Add(1)
	return out, nil
}

// recordID is the log record's id of a participant's activity. c.mu is held.
func (c *contest) recordID(key string) string {
	if c.rec.Generation == 0 {
		return "act/" + c.id + "/" + key
	}
	return fmt.Sprintf("act/%s~%d/%s", c.id, c.rec.Generation, key)
}

// sameActivity returns nil when the body under an activity's id is the same.
func sameActivity(a *challenge.Activity, body challenge.Digest) error {
	if a.Body == body {
		return nil
	}
	return fitness.Errorf("", fitness.Conflict, "activityId %s was handed in before with another body", a.ID)
}

// admit returns nil for a new activity that may go to the log. c.mu is held.
func (e *Engine) admit(c *contest, by Sender, a *challenge.Activity, at time.Time) error {
	if v := c.board.Spec().Judge(a, at); !v.Counted {
		return &fitness.Error{Kind: fitness.Invalid, Msg: v.Reason}
	}
	if c.board.Full(by.UserID) {
		return fitness.Errorf("", fitness.Quota, "user %s has %d activities in challenge %s, the limit", by.UserID, challenge.MaxActivities, c.id)
	}
	if at.Sub(c.purged) > forgetPending {
		c.purged = at
		for key, p := range c.pending {
			if at.Sub(p.at) >= forgetPending {
				delete(c.pending, key)
				e.stats.pending.Add(-1)
			}
		}
	}
	if len(c.pending) >= maxPending {
		return fitness.Errorf("", fitness.Rate, "%d activities wait for the store, the limit", maxPending)
	}
	return e.quota.take(by.UserID, e.opt.allowance(by.Role), at)
}

// applyActivity makes an activity from the log count, once, and returns what is
// to be written. It depends on the record and on earlier records alone. drain
// must follow.
func (e *Engine) applyActivity(pos store.Pos, in Inbound, challengeID string, at time.Time) (out appliedRows) {
	c := e.challenges.get(challengeID)
	if c == nil {
		e.stats.ActivitiesIgnored.Add(1)
		return out // deleted since it was accepted
	}
	user := in.Sender.UserID
	c.mu.Lock()
	defer c.mu.Unlock()
	a, err := applying(in, at)
	if err != nil {
		e.stats.ActivitiesIgnored.Add(1)
		return out // cannot be: it was judged before
	}
	key := user + "/" + activityKey(a.ID)
	if _, ok := c.pending[key]; ok {
		delete(c.pending, key)
		e.stats.pending.Add(-1)
	}
	if c.gone || at.Before(c.rec.CreatedAt) { // meant for a predecessor of that id
		e.stats.ActivitiesIgnored.Add(1)
		return out
	}
	v, move, applied := c.board.Apply(user, &a, at)
	if !applied {
		return out // from before a restart
	}
	if v.Counted {
		e.stats.ActivitiesCounted.Add(1)
	} else {
		e.stats.ActivitiesIgnored.Add(1)
	}
	e.moved(c, move)
	row := activityRow{Pos: pos, At: at, Counted: v.Counted, Reason: v.Reason, Facts: a.AppendFacts(nil), Body: in.Payload}
	out.acts = []store.Put{{Key: c.id + "/" + key, Data: row.encode()}}
	if len(a.Flags) > 0 {
		out.flagged = []store.Put{{Key: c.id + "/" + key, Data: []byte{1}}}
	}
	e.tellActivity(activityTold{
		ChallengeID: c.id, UserID: user, ActivityID: a.ID, Counted: v.Counted, Reason: v.Reason, Flags: a.Flags, Activity: in.Payload,
	}, len(a.Flags) > 0, "~"+strconv.Itoa(c.rec.Generation), at)
	out.awards = e.giveAwards(c)
	return out
}

// applying returns the activity of a record: as it was parsed when it was
// accepted, where that was in this process, since parsing costs most of applying.
func applying(in Inbound, at time.Time) (challenge.Activity, error) {
	if p, ok := in.Made.(*pendingActivity); ok {
		return p.act, nil
	}
	return challenge.ParseActivity(in.Payload, at)
}

// saveInline saves in the middle of applying, because memory must stay bounded.
func (e *Engine) saveInline() {
	if err := e.checkpoint(context.Background(), false); err != nil {
		e.opt.Logger.Error("cannot save what was applied, will try again; is the disk full?", "error", err)
	}
}
