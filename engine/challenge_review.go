package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/store"
)

// HandedIn is an activity as the organizer of its challenge sees it. Counted
// tells whether it is part of the score, Reason why the rule does not count it.
type HandedIn struct {
	UserID     string          `json:"userId"`
	Name       string          `json:"name"`
	ActivityID string          `json:"activityId"`
	ArrivedAt  time.Time       `json:"arrivedAt"`
	Counted    bool            `json:"counted"`
	Reason     string          `json:"reason,omitempty"`
	Withdrawn  bool            `json:"withdrawn,omitempty"`
	Flags      []string        `json:"flags,omitempty"`
	Review     *Review         `json:"review,omitempty"`
	Activity   json.RawMessage `json:"activity"`
}

// Review is what an organizer has settled about an activity, the last time.
type Review struct {
	Counted bool   `json:"counted"`
	By      string `json:"by"`
}

// Activities returns up to limit activities of a challenge (100 where it is 0,
// at most 1000), those that look odd alone where flagged is true, in the order
// of user and activity from the first one after the cursor, and the next cursor,
// "" at the end. The organizer may. Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) Activities(ctx context.Context, actor Actor, challengeID string, flagged bool, after string, limit int) ([]HandedIn, string, error) {
	const op = "list activities"
	c, err := e.managed(op, actor, challengeID)
	if err != nil {
		return nil, "", err
	}
	table := tableActivities
	if flagged {
		table = tableFlagged
	}
	return e.listActivities(ctx, op, table, c.id+"/", after, limit)
}

// ActivitiesOf is Activities of one participant: the user may, and the organizer.
// The cursor is as of Activities. Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) ActivitiesOf(ctx context.Context, actor Actor, challengeID, userID, after string, limit int) ([]HandedIn, string, error) {
	const op = "list activities of a user"
	c, err := e.findChallenge(op, challengeID)
	if err != nil {
		return nil, "", err
	}
	c.mu.RLock()
	permitted := c.manages(actor) || actor.UserID == userID && userID != ""
	c.mu.RUnlock()
	if !permitted {
		return nil, "", fitness.Errorf(op, fitness.Forbidden, "only user %.80s and the organizer see their activities", userID)
	}
	return e.listActivities(ctx, op, tableActivities, c.id+"/"+userID+"/", after, limit)
}

// listActivities lists those whose keys in the table begin with the prefix.
func (e *Engine) listActivities(ctx context.Context, op, table, prefix, after string, limit int) ([]HandedIn, string, error) {
	if err := e.checkpoint(ctx, false); err != nil {
		return nil, "", err // what was applied must be there to be listed
	}
	if after != "" {
		after = prefix + after
	}
	keys, more := e.keys(ctx, table, prefix, after, pageLimit(limit))
	list := make([]HandedIn, 0, len(keys))
	for _, key := range keys {
		row, err := e.row(ctx, op, key)
		if err != nil {
			return nil, "", err
		}
		_, owner, _ := strings.Cut(key, "/")
		one, err := e.handedIn(owner, row)
		if err != nil {
			return nil, "", &fitness.Error{Op: op, Err: fmt.Errorf("read %s/%s: %w", tableActivities, key, err)}
		}
		list = append(list, one)
	}
	if more {
		return list, keys[len(keys)-1][len(prefix):], nil
	}
	return list, "", nil
}

// keys lists up to limit keys of a table, and whether there are more. A table
// that cannot be read has none; the rows will tell.
func (e *Engine) keys(ctx context.Context, table, prefix, after string, limit int) (keys []string, more bool) {
	err := e.opt.Store.Scan(ctx, table, prefix, after, func(v store.Value) bool {
		if more = len(keys) == limit; !more {
			keys = append(keys, v.Key)
		}
		return !more
	})
	if err != nil {
		e.opt.Logger.Error("cannot list", "table", table, "error", err)
	}
	return keys, more
}

// handedIn is a stored activity as others see it.
func (e *Engine) handedIn(key string, row activityRow) (HandedIn, error) {
	a, err := challenge.DecodeFacts(row.Facts)
	if err != nil {
		return HandedIn{}, err
	}
	user, _, _ := strings.Cut(key, "/")
	h := HandedIn{
		UserID: user, Name: e.name(user), ActivityID: a.ID, ArrivedAt: row.At, Reason: row.Reason,
		Counted: row.Counted && !row.Withdrawn && !row.Barred, Withdrawn: row.Withdrawn, Activity: row.Body,
	}
	for _, f := range a.Flags {
		h.Flags = append(h.Flags, f.Reason)
	}
	if row.Reviews > 0 {
		h.Review = &Review{Counted: !row.Barred, By: row.Reviewer}
	}
	return h, nil
}

// managed returns a challenge that the actor manages.
func (e *Engine) managed(op string, actor Actor, id string) (*contest, error) {
	c, err := e.findChallenge(op, id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.manages(actor) {
		return nil, fitness.Errorf(op, fitness.Forbidden, "only the organizer reviews activities of challenge %s", id)
	}
	return c, nil
}

// row reads a stored activity.
func (e *Engine) row(ctx context.Context, op, key string) (activityRow, error) {
	v, err := e.opt.Store.Get(ctx, tableActivities, key)
	if errors.Is(err, store.ErrNotFound) {
		return activityRow{}, fitness.Errorf(op, fitness.NotFound, "the activity is not there")
	}
	if err != nil {
		return activityRow{}, unavailable(op, err)
	}
	row, err := decodeRow(v.Data)
	if err != nil {
		return activityRow{}, &fitness.Error{Op: op, Err: fmt.Errorf("read %s/%s: %w", tableActivities, key, err)}
	}
	return row, nil
}

// ReviewActivity settles whether an activity counts. The organizer may; a later
// review replaces an earlier one. One that broke the rule or was withdrawn does
// not count all the same. Errors: NotFound, Forbidden, Quota, Unavailable.
func (e *Engine) ReviewActivity(ctx context.Context, actor Actor, challengeID, userID, activityID string, counted bool) (HandedIn, error) {
	const op = "review activity"
	e.admin.Lock()
	defer e.admin.Unlock()
	c, err := e.managed(op, actor, challengeID)
	if err != nil {
		return HandedIn{}, err
	}
	row, key, err := e.editable(ctx, op, c, userID, activityID)
	if err != nil {
		return HandedIn{}, err
	}
	if row.Reviews == math.MaxUint16 {
		return HandedIn{}, fitness.Errorf(op, fitness.Quota, "activity %s was reviewed %d times, the limit", activityID, row.Reviews)
	}
	if row.Reviews == 0 || row.Barred == counted || row.Reviewer != actor.UserID {
		row.Reviews++
		row.Barred, row.Reviewer = !counted, actor.UserID
		if err := e.putRow(ctx, op, key, row); err != nil {
			return HandedIn{}, err
		}
		awards, err := e.settle(c, userID, activityID, row)
		if err != nil {
			return HandedIn{}, &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
		}
		e.saver.applied(0, appliedRows{awards: awards})
		e.tellReview(c, actor, userID, activityID, row, e.now())
		e.out.drain()
		e.trySave(ctx) // what was told must not depend on what is lost by a crash from here on
	}
	h, err := e.handedIn(userID+"/", row)
	if err != nil {
		return HandedIn{}, &fitness.Error{Op: op, Err: err}
	}
	return h, nil
}

// settle makes a stored review count and returns the awards that follow.
func (e *Engine) settle(c *contest, userID, activityID string, row activityRow) ([]store.Put, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	move, err := c.board.Review(userID, activityID, !row.Barred, row.Reviews, e.now())
	if err != nil {
		return nil, err
	}
	e.moved(c, move)
	return e.giveAwards(c), nil
}

// editable returns a stored activity that is to be changed, and its key. The
// admin lock is held.
func (e *Engine) editable(ctx context.Context, op string, c *contest, userID, activityID string) (activityRow, string, error) {
	c.mu.RLock()
	_, known := c.board.Find(userID, activityID)
	c.mu.RUnlock()
	if !known {
		return activityRow{}, "", fitness.Errorf(op, fitness.NotFound, "there is no activity %.80s of %.80s in challenge %s", activityID, userID, c.id)
	}
	if err := e.checkpoint(ctx, false); err != nil {
		return activityRow{}, "", err // the row must be there to be changed
	}
	key := c.id + "/" + userID + "/" + activityKey(activityID)
	row, err := e.row(ctx, op, key)
	return row, key, err
}

// putRow stores a changed activity durably.
func (e *Engine) putRow(ctx context.Context, op, key string, row activityRow) error {
	if _, err := e.opt.Store.Put(ctx, tableActivities, key, row.encode(), store.Any, 0); err != nil {
		return unavailable(op, err)
	}
	return nil
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
	c.mu.RUnlock()
	if !permitted {
		return fitness.Errorf(op, fitness.Forbidden, "only user %s and the organizer withdraw their activities", userID)
	}
	row, key, err := e.editable(ctx, op, c, userID, activityID)
	if err != nil {
		return err
	}
	row.Withdrawn = true
	if err := e.putRow(ctx, op, key, row); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	move, err := c.board.Withdraw(userID, activityID)
	if err != nil {
		return &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
	}
	e.moved(c, move)
	return nil
}
