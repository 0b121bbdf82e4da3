package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// findChallenge returns the challenge, or an Error of kind NotFound.
func (e *Engine) findChallenge(op, id string) (*contest, error) {
	if c := e.challenges.get(id); c != nil {
		return c, nil
	}
	return nil, fitness.Errorf(op, fitness.NotFound, "challenge %.80s does not exist", id)
}

// PutChallenge creates the challenge, or gives an existing one a new definition,
// by which everything that was handed in is judged again. Members and trainers
// make challenges with themselves as the organizer (which is the default); an
// existing one is changed by its organizer. Errors: Invalid, Forbidden, Quota,
// Unavailable.
func (e *Engine) PutChallenge(ctx context.Context, actor Actor, id string, spec ChallengeSpec) (Challenge, bool, error) {
	const op = "put challenge"
	e.admin.Lock()
	defer e.admin.Unlock()
	if spec.Organizer == "" && !actor.all() {
		spec.Organizer = actor.UserID
	}
	if err := validID(op, "challenge id", id); err != nil {
		return Challenge{}, false, err
	}
	spec, err := spec.Normalize()
	if err != nil {
		return Challenge{}, false, &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
	}
	if err := e.knownUser(op, "organizer", spec.Organizer); err != nil {
		return Challenge{}, false, err
	}
	if c := e.challenges.get(id); c != nil {
		res, err := e.replaceChallenge(ctx, op, actor, c, spec)
		return res, false, err
	}
	if !actor.all() && (actor.UserID == "" || spec.Organizer != actor.UserID) {
		return Challenge{}, false, fitness.Errorf(op, fitness.Forbidden, "a challenge is made by its organizer")
	}
	if e.challenges.len() >= e.opt.MaxChallenges {
		return Challenge{}, false, fitness.Errorf(op, fitness.Quota, "there are %d challenges, the limit", e.opt.MaxChallenges)
	}
	generation, err := e.generation(ctx, op, id)
	if err != nil {
		return Challenge{}, false, err
	}
	now := e.now()
	rec := challengeRecord{Spec: &spec, CreatedAt: now, Generation: generation}
	if err := e.put(ctx, op, tableChallenges, id, rec); err != nil {
		return Challenge{}, false, err
	}
	c := newContest(id, rec, &e.challengesOf)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.challenges.put(id, c)
	e.changed(c)
	return c.resource(now), true, nil
}

// generation is how many challenges of that id there were before.
func (e *Engine) generation(ctx context.Context, op, id string) (int, error) {
	v, err := e.opt.Store.Get(ctx, tableChallenges, id)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	var old challengeRecord
	if err == nil {
		err = json.Unmarshal(v.Data, &old)
	}
	if err != nil {
		return 0, unavailable(op, err)
	}
	return old.Generation + 1, nil
}

// replaceChallenge gives an existing challenge a new definition and rebuilds its
// board. Nothing is applied meanwhile.
func (e *Engine) replaceChallenge(ctx context.Context, op string, actor Actor, c *contest, spec ChallengeSpec) (Challenge, error) {
	c.mu.RLock()
	permitted, rec, before := c.manages(actor), c.rec, c.rec.Spec.Organizer
	c.mu.RUnlock()
	if !permitted {
		return Challenge{}, fitness.Errorf(op, fitness.Forbidden, "challenge %s is changed by its organizer", c.id)
	}
	rec.Spec = &spec
	rec.Changes++
	res, err := e.rebuild(ctx, op, c, rec)
	if err == nil && before != spec.Organizer {
		e.revoke(before)
	}
	return res, err
}

// rebuild stores the record and gives the challenge the board that follows from
// it and from the stored activities.
func (e *Engine) rebuild(ctx context.Context, op string, c *contest, rec challengeRecord) (Challenge, error) {
	e.apply.Lock()
	defer e.apply.Unlock()
	board, err := e.fresh(ctx, op, c, rec)
	if err != nil {
		return Challenge{}, err
	}
	if err := e.put(ctx, op, tableChallenges, c.id, rec); err != nil {
		return Challenge{}, err
	}
	return e.swap(c, rec, board), nil
}

// fresh makes the board that follows from a definition and from the stored
// activities. The apply lock is held.
func (e *Engine) fresh(ctx context.Context, op string, c *contest, rec challengeRecord) (*challenge.Board, error) {
	if err := e.checkpoint(ctx, false); err != nil {
		return nil, err
	}
	board := challenge.NewBoard(*rec.Spec, rec.Changes)
	c.mu.RLock()
	c.board.Each(func(userID string, joined bool, changes uint32) { board.SetJoined(userID, joined, changes) })
	board.CopyAwards(c.board)
	c.mu.RUnlock()
	board.Hold()
	if err := e.loadActivities(ctx, c.id+"/", func(string) *challenge.Board { return board }, nil); err != nil {
		return nil, unavailable(op, err)
	}
	board.Release()
	return board, nil
}

// swap gives the challenge another board, and everybody their rank on it.
func (e *Engine) swap(c *contest, rec challengeRecord, board *challenge.Board) Challenge {
	now := e.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	were := c.standing().Order().Len()
	before := c.rec.Spec.Organizer
	c.rec, c.board = rec, board
	c.place(before, rec.Spec.Organizer)
	c.out.info, c.out.period = true, rec.Spec.PeriodAt(now)
	e.tellAll(c, were)
	e.changed(c)
	return c.resource(now)
}

// Challenge returns the challenge, or an Error of kind NotFound.
func (e *Engine) Challenge(id string) (Challenge, error) {
	c, err := e.findChallenge("get challenge", id)
	if err != nil {
		return Challenge{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.resource(e.now()), nil
}

// Challenges returns up to limit challenges (100 where it is 0, at most 1000) by
// rising id from the first one after the cursor, and the next cursor, "" at the
// end.
func (e *Engine) Challenges(after string, limit int) ([]Challenge, string) {
	page, next := e.challenges.page(after, limit)
	now := e.now()
	list := make([]Challenge, 0, len(page))
	for _, c := range page {
		c.mu.RLock()
		list = append(list, c.resource(now))
		c.mu.RUnlock()
	}
	return list, next
}

// DeleteChallenge removes the challenge with its activities and what is retained
// of it. Its organizer may. Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) DeleteChallenge(ctx context.Context, actor Actor, id string) error {
	const op = "delete challenge"
	e.admin.Lock()
	defer e.admin.Unlock()
	c, err := e.findChallenge(op, id)
	if err != nil {
		return err
	}
	c.mu.RLock()
	permitted := c.manages(actor)
	mark := challengeRecord{CreatedAt: c.rec.CreatedAt, Generation: c.rec.Generation, Deleted: true}
	c.mu.RUnlock()
	if !permitted {
		return fitness.Errorf(op, fitness.Forbidden, "challenge %s is deleted by its organizer", id)
	}
	e.apply.Lock()
	defer e.apply.Unlock()
	if err := e.put(ctx, op, tableChallenges, id, mark); err != nil {
		return err
	}
	users := e.closeContest(c)
	e.challenges.delete(id)
	e.out.forget(topics.ChallengeInfoTopic(id))
	e.out.forget(topics.ChallengeStatusTopic(id))
	e.out.forget(topics.ChallengeLeaderboardTopic(id))
	e.out.drain()
	e.revoke(users...)
	// What was applied and not saved must not be written behind the removal.
	if err := e.checkpoint(ctx, false); err != nil {
		return err
	}
	var errs []error
	for _, table := range []string{tableParticipants, tableActivities, tableFlagged, tableAwards} {
		errs = append(errs, e.deleteAll(ctx, op, table, id+"/"))
	}
	errs = append(errs, e.deleteAll(ctx, op, tableEngine, keyPeriod+id+"/"))
	return errors.Join(errs...)
}

// closeContest ends the work on a deleted challenge and returns who took part.
// Its retained ranks go with the next ticks, within their budget.
func (e *Engine) closeContest(c *contest) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var users []string
	c.board.Each(func(userID string, joined bool, _ uint32) {
		if joined {
			users = append(users, userID)
		}
	})
	slices.Sort(users)
	c.unplace(users)
	c.gone = true
	e.stats.pending.Add(-int64(len(c.pending)))
	clear(c.pending)
	for userID := range c.out.ranks.sent {
		c.out.ranks.own[userID] = struct{}{}
	}
	e.wake.challenge(c, time.Time{})
	return users
}

// PutParticipant lets the user take part. The organizer may, and in an open
// challenge everybody for themself. Errors: NotFound, Forbidden, Invalid, Quota,
// Unavailable.
func (e *Engine) PutParticipant(ctx context.Context, actor Actor, challengeID, userID string) error {
	const op = "put participant"
	e.admin.Lock()
	defer e.admin.Unlock()
	c, err := e.findChallenge(op, challengeID)
	if err != nil {
		return err
	}
	if err := e.knownUser(op, "user", userID); err != nil {
		return err
	}
	c.mu.RLock()
	permitted := c.manages(actor) || actor.UserID == userID && c.rec.Spec.Visibility == challenge.Open
	joined, full := c.board.Joined(userID), c.board.Participants() >= e.opt.MaxParticipants
	c.mu.RUnlock()
	switch {
	case !permitted:
		return fitness.Errorf(op, fitness.Forbidden, "only the organizer puts others into challenge %s, or anybody while it is not open", challengeID)
	case joined:
		return nil
	case full:
		return fitness.Errorf(op, fitness.Quota, "challenge %s has %d participants, the limit", challengeID, e.opt.MaxParticipants)
	}
	rec := participantRecord{}
	if actor.UserID != userID {
		rec.PutBy = actor.UserID
	}
	return e.setJoined(ctx, op, c, userID, rec)
}

// DeleteParticipant ends the user's part. The organizer may, and the user. Their
// activities are kept for the case that they come back. Errors: NotFound,
// Forbidden, Unavailable.
func (e *Engine) DeleteParticipant(ctx context.Context, actor Actor, challengeID, userID string) error {
	const op = "delete participant"
	e.admin.Lock()
	defer e.admin.Unlock()
	c, err := e.findChallenge(op, challengeID)
	if err != nil {
		return err
	}
	c.mu.RLock()
	permitted := c.manages(actor) || actor.UserID == userID && userID != ""
	joined := c.board.Joined(userID)
	c.mu.RUnlock()
	switch {
	case !permitted:
		return fitness.Errorf(op, fitness.Forbidden, "only the organizer takes others out of challenge %s", challengeID)
	case !joined:
		return fitness.Errorf(op, fitness.NotFound, "user %.80s does not take part in challenge %s", userID, challengeID)
	}
	if err := e.setJoined(ctx, op, c, userID, participantRecord{Left: true}); err != nil {
		return err
	}
	e.revoke(userID)
	return nil
}

// setJoined stores and makes a user's coming or going, which rec describes but for
// moment and count. The admin lock is held.
func (e *Engine) setJoined(ctx context.Context, op string, c *contest, userID string, rec participantRecord) error {
	c.mu.RLock()
	rec.Changes = c.board.Changes(userID) + 1
	handedIn := c.board.Activities(userID)
	c.mu.RUnlock()
	if handedIn > 0 {
		// Ranks change: what was applied before must not be applied again after.
		if err := e.checkpoint(ctx, false); err != nil {
			return err
		}
	}
	rec.JoinedAt = e.now()
	if err := e.put(ctx, op, tableParticipants, c.id+"/"+userID, rec); err != nil {
		return err
	}
	e.takeIn(c, userID, rec)
	e.out.drain()
	return nil
}

// takeIn makes a stored coming or going.
func (e *Engine) takeIn(c *contest, userID string, rec participantRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.moved(c, c.board.SetJoined(userID, !rec.Left, rec.Changes)...)
	c.place(userID)
	if rec.first() {
		e.welcome(c, userID, rec.JoinedAt)
	}
	if !rec.Left {
		e.tellParticipant(c, userID, &rec)
	}
}

// Participants returns up to limit participants (100 where it is 0, at most
// 1000) by rising id from the first one after the cursor, and the next cursor,
// "" at the end. Errors: NotFound, Unavailable.
func (e *Engine) Participants(challengeID, after string, limit int) ([]Entrant, string, error) {
	const op = "list participants"
	if _, err := e.findChallenge(op, challengeID); err != nil {
		return nil, "", err
	}
	limit = pageLimit(limit)
	prefix := challengeID + "/"
	if after != "" {
		after = prefix + after
	}
	list, more := []Entrant{}, false
	var bad error
	err := e.opt.Store.Scan(context.Background(), tableParticipants, prefix, after, func(v store.Value) bool {
		var rec participantRecord
		if bad = json.Unmarshal(v.Data, &rec); bad != nil {
			bad = fmt.Errorf("read %s/%s: %w", tableParticipants, v.Key, bad)
			return false
		}
		if rec.Left {
			return true
		}
		if len(list) == limit {
			more = true
			return false
		}
		list = append(list, Entrant{UserID: v.Key[len(prefix):], JoinedAt: rec.JoinedAt})
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, "", unavailable(op, err)
	}
	for i := range list {
		list[i].Name = e.name(list[i].UserID)
	}
	if more {
		return list, list[len(list)-1].UserID, nil
	}
	return list, "", nil
}
