package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/store"
)

// WorkoutSummary is what a user did in a session. Final tells that the session has
// ended, and Rank of Ranked are of its leaderboard then.
type WorkoutSummary struct {
	SessionID string `json:"sessionId"`
	Title     string `json:"title,omitempty"`
	UserID    string `json:"userId"`
	Name      string `json:"name"`
	Final     bool   `json:"final"`
	Rank      int    `json:"rank,omitempty"`
	Ranked    int    `json:"ranked,omitempty"`
	workout.Summary
}

// sumRow is a summary that is to be written: for the session, for the user's own
// history, and what it means for the user's records.
type sumRow struct {
	session, user string
	start         time.Time
	data          []byte
	records       map[string]workout.Records
}

// key is the place in the user's history, the newest first.
func (r *sumRow) key() string {
	return fmt.Sprintf("%s/%013x/%s", r.user, math.MaxInt64>>12-r.start.UnixMilli(), r.session)
}

// summary is a participant's, or false before the first sample. s.mu is held.
func (e *Engine) summary(s *session, userID string, p *person) (WorkoutSummary, bool) {
	if p == nil || p.track == nil {
		return WorkoutSummary{}, false
	}
	sum, ok := p.track.Summary(e.profile(userID, p))
	sum.StartTime, sum.EndTime = moment(sum.StartTime), moment(sum.EndTime)
	w := WorkoutSummary{
		SessionID: s.id, Title: s.rec.Title, UserID: userID, Name: e.name(userID),
		Final: s.rec.State == workout.Ended, Summary: sum,
	}
	if w.Final {
		w.Rank, w.Ranked = s.order.Rank(userID), s.order.Len()
	}
	return w, ok
}

// keepSummary has a participant's summary written with the next checkpoint. s.mu
// is held.
func (e *Engine) keepSummary(s *session, userID string) {
	p := s.people[userID]
	w, ok := e.summary(s, userID, p)
	if !ok {
		return
	}
	e.saver.applied(0, appliedRows{sums: []sumRow{{
		session: s.id, user: userID, start: w.StartTime, data: encode(w), records: p.track.Records(),
	}}})
}

// sumUp writes summaries of an ended session, budget of them at most, and returns
// what is left of the budget. s.mu is held.
func (e *Engine) sumUp(s *session, budget int) int {
	n := min(len(s.out.sum), max(budget, 0))
	for _, userID := range s.out.sum[:n] {
		e.keepSummary(s, userID)
	}
	if s.out.sum = s.out.sum[n:]; len(s.out.sum) == 0 {
		s.rec.Summed, s.dirty.record = true, true // written behind the summaries
		e.saver.session(s)
		select {
		case e.saver.full <- struct{}{}: // at once: the retained samples wait for it
		default:
		}
	}
	return budget - n
}

// writeSums stores summaries and the records that they set. What is stored a second
// time is the same.
func (e *Engine) writeSums(ctx context.Context, rows []sumRow) error {
	if len(rows) == 0 {
		return nil
	}
	var sessions, own, bests []store.Put
	records := make(map[string]map[string]workout.Records)
	for i := range rows {
		r := &rows[i]
		sessions = append(sessions, store.Put{Key: r.session + "/" + r.user, Data: r.data})
		own = append(own, store.Put{Key: r.key(), Data: r.data})
		if records[r.user] == nil {
			known, err := e.records(ctx, r.user)
			if err != nil {
				return err
			}
			records[r.user] = known
		}
		for sport, x := range r.records {
			records[r.user][sport] = records[r.user][sport].Merge(x)
		}
	}
	for _, user := range slices.Sorted(maps.Keys(records)) {
		bests = append(bests, store.Put{Key: user, Data: encode(records[user])})
	}
	err := e.putMany(ctx, tableSummaries, sessions)
	if err == nil {
		err = e.putMany(ctx, tableWorkouts, own)
	}
	if err == nil {
		err = e.putMany(ctx, tableRecords, bests)
	}
	return err
}

// Summaries returns up to limit summaries of a session's participants (100 where
// it is 0, at most 1000) by rising user id from the first one after the cursor, and
// the next cursor, "" at the end. While the session goes on they are of the moment.
// Errors: NotFound, Unavailable.
func (e *Engine) Summaries(ctx context.Context, sessionID, after string, limit int) ([]WorkoutSummary, string, error) {
	const op = "list summaries"
	s, err := e.findSession(op, sessionID)
	if err != nil {
		return nil, "", err
	}
	limit = pageLimit(limit)
	list, over := e.present(s, after, limit)
	if over {
		prefix := sessionID + "/"
		if after != "" {
			after = prefix + after
		}
		if list, err = e.stored(ctx, op, tableSummaries, prefix, after, limit); err != nil {
			return nil, "", err
		}
	}
	if len(list) > limit {
		return list[:limit], list[limit-1].UserID, nil
	}
	return list, "", nil
}

// present returns summaries of the moment, up to one more than limit; over tells
// that the session's are stored.
func (e *Engine) present(s *session, after string, limit int) (list []WorkoutSummary, over bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.rec.Summed {
		return nil, true
	}
	list = []WorkoutSummary{}
	for _, userID := range s.withSamples() {
		if userID <= after || len(list) > limit {
			continue
		}
		if w, ok := e.summary(s, userID, s.people[userID]); ok {
			list = append(list, w)
		}
	}
	return list, false
}

// stored reads up to one more than limit summaries of a table.
func (e *Engine) stored(ctx context.Context, op, table, prefix, after string, limit int) ([]WorkoutSummary, error) {
	if err := e.checkpoint(ctx, false); err != nil {
		return nil, err // what has just been summed up must be there to be listed
	}
	list := []WorkoutSummary{}
	var bad error
	err := e.opt.Store.Scan(ctx, table, prefix, after, func(v store.Value) bool {
		var w WorkoutSummary
		if bad = json.Unmarshal(v.Data, &w); bad != nil {
			bad = fmt.Errorf("read %s/%s: %w", table, v.Key, bad)
			return false
		}
		list = append(list, w)
		return len(list) <= limit
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, unavailable(op, err)
	}
	return list, nil
}

// Summary returns one participant's. Errors: NotFound, Unavailable.
func (e *Engine) Summary(ctx context.Context, sessionID, userID string) (WorkoutSummary, error) {
	const op = "get summary"
	s, err := e.findSession(op, sessionID)
	if err != nil {
		return WorkoutSummary{}, err
	}
	if err := validID(op, "user", userID); err != nil {
		return WorkoutSummary{}, err
	}
	s.mu.RLock()
	over := s.rec.Summed
	w, ok := e.summary(s, userID, s.people[userID])
	s.mu.RUnlock()
	if ok && !over {
		return w, nil
	}
	if err := e.checkpoint(ctx, false); err != nil {
		return WorkoutSummary{}, err
	}
	v, err := e.opt.Store.Get(ctx, tableSummaries, sessionID+"/"+userID)
	if errors.Is(err, store.ErrNotFound) {
		return WorkoutSummary{}, fitness.Errorf(op, fitness.NotFound, "user %s has sent no samples in session %s", userID, sessionID)
	}
	if err == nil {
		w = WorkoutSummary{}
		err = json.Unmarshal(v.Data, &w)
	}
	if err != nil {
		return WorkoutSummary{}, unavailable(op, err)
	}
	return w, nil
}

// Workouts returns up to limit of a user's own summaries (100 where it is 0, at
// most 1000), the newest first from the one after the cursor, and the next cursor,
// "" at the end. The user, their trainers and administration may. They stay when
// the session is deleted. Errors: Invalid, Forbidden, Unavailable.
func (e *Engine) Workouts(ctx context.Context, actor Actor, userID, after string, limit int) ([]WorkoutSummary, string, error) {
	const op = "list workouts"
	if err := validID(op, "user", userID); err != nil {
		return nil, "", err
	}
	if !actor.all() && actor.UserID != userID && (actor.UserID == "" || !e.Linked(actor.UserID, userID)) {
		return nil, "", fitness.Errorf(op, fitness.Forbidden, "only user %s, their trainers and administrators may", userID)
	}
	limit = pageLimit(limit)
	prefix := userID + "/"
	if after != "" { // ids have no dots
		after = prefix + strings.Replace(after, ".", "/", 1)
	}
	list, err := e.stored(ctx, op, tableWorkouts, prefix, after, limit)
	if err != nil {
		return nil, "", err
	}
	if len(list) <= limit {
		return list, "", nil
	}
	last := list[limit-1]
	row := sumRow{session: last.SessionID, user: userID, start: last.StartTime}
	return list[:limit], strings.Replace(row.key()[len(prefix):], "/", ".", 1), nil
}
