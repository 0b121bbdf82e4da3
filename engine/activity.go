package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
	if err := e.admit(c, user, &a, at); err != nil {
		return Outcome{}, err
	}
	if old, again := c.pending[key]; again {
		delete(c.parsed, old.raw)
	} else {
		e.stats.pending.Add(1)
	}
	raw := challenge.DigestOf(in.Payload)
	c.pending[key] = pendingActivity{act: a, raw: raw, at: at}
	c.parsed[raw] = key
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
func (e *Engine) admit(c *contest, user string, a *challenge.Activity, at time.Time) error {
	if v := c.board.Spec().Judge(a, at); !v.Counted {
		return &fitness.Error{Kind: fitness.Invalid, Msg: v.Reason}
	}
	if c.board.Full(user) {
		return fitness.Errorf("", fitness.Quota, "user %s has %d activities in challenge %s, the limit", user, challenge.MaxActivities, c.id)
	}
	if at.Sub(c.purged) > forgetPending {
		c.purged = at
		for key, p := range c.pending {
			if at.Sub(p.at) >= forgetPending {
				delete(c.pending, key)
				delete(c.parsed, p.raw)
				e.stats.pending.Add(-1)
			}
		}
	}
	if len(c.pending) >= maxPending {
		return fitness.Errorf("", fitness.Rate, "%d activities wait for the store, the limit", maxPending)
	}
	return e.quota.take(user, at)
}

// applyActivity makes an activity from the log count, once, and returns what is
// to be written. It depends on the record and on earlier records alone.
func (e *Engine) applyActivity(pos store.Pos, in Inbound, challengeID string, at time.Time) []store.Put {
	c := e.challenges.get(challengeID)
	if c == nil {
		e.stats.ActivitiesIgnored.Add(1)
		return nil // deleted since it was accepted
	}
	user := in.Sender.UserID
	c.mu.Lock()
	defer c.mu.Unlock()
	a, err := c.applying(in, at)
	if err != nil {
		e.stats.ActivitiesIgnored.Add(1)
		return nil // cannot be: it was judged before
	}
	key := user + "/" + activityKey(a.ID)
	if _, ok := c.pending[key]; ok {
		delete(c.pending, key)
		e.stats.pending.Add(-1)
	}
	if c.gone || at.Before(c.rec.CreatedAt) { // meant for a predecessor of that id
		e.stats.ActivitiesIgnored.Add(1)
		return nil
	}
	before := c.board.Order().Rank(user)
	v, applied := c.board.Apply(user, &a, at)
	if !applied {
		return nil // from before a restart
	}
	if v.Counted {
		e.stats.ActivitiesCounted.Add(1)
	} else {
		e.stats.ActivitiesIgnored.Add(1)
	}
	order := c.board.Order()
	c.out.ranks.mark(user, before, order.Rank(user), order.Len(), e.opt.RankNeighbours)
	e.changed(c)
	rec := activityRecord{Pos: uint64(pos), At: at, Body: in.Payload, Counted: v.Counted, Reason: v.Reason}
	for _, f := range a.Flags {
		rec.Flags = append(rec.Flags, f.Reason)
	}
	return []store.Put{{Key: c.id + "/" + key, Data: encode(rec)}}
}

// applying returns the activity of a record: as it was parsed when it was
// accepted, where that is remembered, since parsing costs most of applying. c.mu
// is held.
func (c *contest) applying(in Inbound, at time.Time) (challenge.Activity, error) {
	raw := challenge.DigestOf(in.Payload)
	if key, ok := c.parsed[raw]; ok {
		delete(c.parsed, raw)
		p, ok := c.pending[key]
		if ok && p.raw == raw && p.at.Equal(at) && strings.HasPrefix(key, in.Sender.UserID+"/") {
			return p.act, nil
		}
	}
	return challenge.ParseActivity(in.Payload, at)
}

// saveInline saves in the middle of applying, because memory must stay bounded.
func (e *Engine) saveInline() {
	if err := e.checkpoint(context.Background(), false); err != nil {
		e.opt.Logger.Error("cannot save what was applied, will try again; is the disk full?", "error", err)
	}
}

// WithdrawActivity takes an activity out of its participant's score; its id stays
// used. The participant and the organizer may; once more changes nothing. Errors:
// NotFound, Forbidden, Unavailable.
func (e *Engine) WithdrawActivity(ctx context.Context, actor Actor, challengeID, userID, activityID string) error {
	const op = "withdraw activity"
	e.admin.Lock()
	defer e.admin.Unlock()
	c, err := e.findChallenge(op, challengeID)
	if err != nil {
		return err
	}
	c.mu.RLock()
	permitted := c.manages(actor) || actor.UserID == userID && userID != ""
	_, known := c.board.Find(userID, activityID)
	c.mu.RUnlock()
	switch {
	case !permitted:
		return fitness.Errorf(op, fitness.Forbidden, "only user %s and the organizer withdraw their activities", userID)
	case !known:
		return fitness.Errorf(op, fitness.NotFound, "there is no activity %.80s of %.80s in challenge %s", activityID, userID, challengeID)
	}
	if err := e.checkpoint(ctx, false); err != nil {
		return err // the record must be there to be changed
	}
	key := c.id + "/" + userID + "/" + activityKey(activityID)
	v, err := e.opt.Store.Get(ctx, tableActivities, key)
	if err != nil {
		return unavailable(op, err)
	}
	var rec activityRecord
	if err := json.Unmarshal(v.Data, &rec); err != nil {
		return &fitness.Error{Op: op, Err: fmt.Errorf("read %s/%s: %w", tableActivities, key, err)}
	}
	rec.Withdrawn = true
	if err := e.put(ctx, op, tableActivities, key, rec); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.board.Order().Rank(userID)
	if err := c.board.Withdraw(userID, activityID); err != nil {
		return &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
	}
	order := c.board.Order()
	c.out.ranks.mark(userID, before, order.Rank(userID), order.Len(), e.opt.RankNeighbours)
	e.changed(c)
	return nil
}
