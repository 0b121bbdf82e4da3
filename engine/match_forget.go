package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness/match"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// tableGone has uid: goneRecord, of users who were deleted.
const tableGone = "gone"

// goneKept is for how long a deleted user's answers and blocks are looked for in
// what comes from the log. They are at most some seconds behind, or as old as the
// last save where the process was killed.
const goneKept = 24 * time.Hour

// goneRecord is when a user was deleted, and what of the log was applied then.
type goneRecord struct {
	At  time.Time `json:"at"`
	Pos uint64    `json:"pos"`
}

// over reports whether the record is of no use any more: what it keeps away was
// applied and saved.
func (g goneRecord) over(saved uint64, now time.Time) bool {
	return saved >= g.Pos && now.Sub(g.At) > goneKept
}

// goneSet is the users who were deleted lately.
type goneSet struct {
	mu sync.RWMutex // guards m
	m  map[string]goneRecord
}

func (g *goneSet) init() { g.m = make(map[string]goneRecord) }

// before reports whether one of the users was deleted after that moment: what they
// said then counts no more, for whoever has the id now.
func (g *goneSet) before(at time.Time, users ...string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, u := range users {
		if rec, ok := g.m[u]; ok && !at.After(rec.At) {
			return true
		}
	}
	return false
}

func (g *goneSet) set(userID string, rec goneRecord) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.m[userID] = rec
}

// sweep drops the records that are over, and returns whose they were.
func (g *goneSet) sweep(saved uint64, now time.Time) (over []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, rec := range g.m {
		if rec.over(saved, now) {
			delete(g.m, id)
			over = append(over, id)
		}
	}
	return over
}

// loadGone brings back who was deleted.
func (e *Engine) loadGone(ctx context.Context, _ time.Time) error {
	return scan(ctx, e.opt.Store, tableGone, "", func(id string, rec *goneRecord) { e.gone.set(id, *rec) })
}

// forgetMatches ends the user's beacon, and removes their proposals, answers,
// matches and blocks, and the blocks of others against them. It returns who were
// matched with the user. apply and saver.saving are held: what a later start reads
// again from the log is known to be of before.
func (e *Engine) forgetMatches(ctx context.Context, userID string) (partners []string, err error) {
	now := e.now()
	rec := goneRecord{At: now, Pos: uint64(e.saver.position())}
	if err := e.put(ctx, "forget user", tableGone, userID, rec); err != nil {
		return nil, err
	}
	e.gone.set(userID, rec)
	for _, id := range e.gone.sweep(e.saver.saved.Load(), now) {
		if err := e.opt.Store.Delete(ctx, tableGone, id, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("delete %s/%s: %w", tableGone, id, err)
		}
	}
	partners = e.endPairs(userID, now)
	e.blocks.forget(userID)
	return partners, e.saveMatches(ctx)
}

// endPairs forgets the user among those who look for company. Who was matched with
// them is told that it has ended; of the others nobody had learned who it was.
func (e *Engine) endPairs(userID string, now time.Time) (partners []string) {
	m := &e.matches
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.people[userID]
	if w == nil {
		return nil
	}
	m.withdraw(w)
	for other, p := range w.pairs {
		if !p.MatchedAt.IsZero() {
			partners = append(partners, other)
			v := e.view(p, 1-p.side(w), MatchEnded, now)
			e.out.push(Outgoing{Topic: topics.UserMatchTopic(other), Payload: encode(v), QoS: 1})
		}
		if p.answered() {
			m.dirty[p] = struct{}{} // its row is removed
		}
		m.forget(p)
		m.alarmAt(p.who[1-p.side(w)], now.Add(match.TrailFor))
	}
	delete(m.people, userID)
	w.alarm = time.Time{} // one that is set finds nobody
	return partners
}

// forget removes the user's blocks, and those of others against the user.
func (b *blockSet) forget(userID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for whom := range b.m[userID] {
		b.dirty[link{userID, whom}] = struct{}{}
	}
	delete(b.m, userID)
	for who, list := range b.m {
		if _, ok := list[userID]; ok {
			b.dirty[link{who, userID}] = struct{}{}
			delete(list, userID)
		}
	}
}
