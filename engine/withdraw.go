package engine

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// handleWithdrawal judges a participant's word that an activity of theirs does not
// count any more. It takes effect in applyWithdrawal.
func (e *Engine) handleWithdrawal(in Inbound, challengeID, activityID string, at time.Time) (Outcome, error) {
	c, err := e.findChallenge("", challengeID)
	if err != nil {
		return Outcome{}, err
	}
	user := in.Sender.UserID
	c.mu.Lock()
	defer c.mu.Unlock()
	key := user + "/" + activityKey(activityID)
	known, ok := c.board.Find(user, activityID)
	_, pending := c.pending[key]
	switch {
	case c.gone || !ok && !pending:
		return Outcome{}, fitness.Errorf("", fitness.Conflict, "activityId %s: you have handed in no such activity", activityID)
	case known.Withdrawn:
		return Outcome{}, nil
	}
	if err := e.quota.take(user, e.opt.allowance(in.Sender.Role), at); err != nil {
		return Outcome{}, err
	}
	return Outcome{Log: true, RecordID: c.recordID(key) + "/withdrawn"}, nil
}

// applyWithdrawal makes a withdrawal from the log count and returns what is to be
// written. Read again after a crash it changes nothing.
func (e *Engine) applyWithdrawal(in Inbound, challengeID, activityID string, at time.Time) (rows appliedRows) {
	c := e.challenges.get(challengeID)
	if c == nil {
		return rows // deleted since it was accepted
	}
	user := in.Sender.UserID
	c.mu.Lock()
	_, known := c.board.Find(user, activityID)
	if c.gone || at.Before(c.rec.CreatedAt) || !known {
		c.mu.Unlock()
		return rows
	}
	move, err := c.board.Withdraw(user, activityID)
	if err == nil { // else it is not known, which has been asked
		e.moved(c, move)
	}
	c.mu.Unlock()
	key := c.id + "/" + user + "/" + activityKey(activityID)
	row, err := e.appliedRow(key)
	if err != nil {
		e.opt.Logger.Error("a withdrawal could not be stored: it counts until the next start", "challenge", c.id, "user", user, "error", err)
		return rows
	}
	row.Withdrawn = true
	rows.acts = []store.Put{{Key: key, Data: row.encode()}}
	return rows
}

// appliedRow reads an activity that has been applied, saved or not. The apply lock
// is held.
func (e *Engine) appliedRow(key string) (activityRow, error) {
	e.saveInline() // what is being written is in the store behind this, or waits again
	if data, ok := e.saver.waiting(key); ok {
		return decodeRow(data)
	}
	return e.row(context.Background(), "read an activity", key)
}

// waiting returns the newest row of an activity that has not been saved.
func (v *saver) waiting(key string) (data []byte, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := len(v.rows.acts) - 1; i >= 0; i-- {
		if v.rows.acts[i].Key == key {
			return v.rows.acts[i].Data, true
		}
	}
	return nil, false
}
