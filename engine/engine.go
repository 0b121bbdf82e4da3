package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// Engine is the use cases over one set of tables. It is safe for concurrent use.
//
// Locks, in the order in which one may be taken while another is held: admin
// (administrative calls, one at a time), apply (Applied, and what must not run
// beside it), saver.saving, notes.mu, book.mu, session.mu, contest.mu, conversation.mu
// or matchBook.mu (never two of them), absentees.mu, and last the leaves saver.mu, wakeups.mu,
// presence.mu, preferences.mu, desk.mu, happenings.mu, quota.mu, chats.mu, rates.mu, peerCache.mu,
// blockSet.mu, goneSet.mu, circles.mu, later and outbox.mu. No message is
// published and no user's rights are revoked with one of them held but admin and
// apply.
type Engine struct {
	opt     Options
	out     outbox
	members atomic.Pointer[Membership]

	admin sync.Mutex // one administrative call at a time
	apply sync.Mutex // Applied, and rebuilding a board

	sessions   book[session]
	challenges book[contest]
	chats      chats
	matches    matchBook
	quota      quota
	relations
	telling
	upkeep
}

// relations is who is there, and who has to do with whom.
type relations struct {
	links    linkSet
	presence presence
	blocks   blockSet
	gone     goneSet
	peersOf  peerCache

	sessionsOf, challengesOf circles // by user
}

// upkeep is what is to be saved, done and counted.
type upkeep struct {
	saver saver
	wake  wakeups
	stats counters
	later struct { // what waits for a tick
		sync.Mutex
		list  []Outgoing // awards without a publisher yet
		evict []string   // users who came too late for the last place of a session
	}
}

var _ Handler = (*Engine)(nil)

// New returns an engine with everything loaded from the tables: boards are
// rebuilt from their activities. Errors are those of Options.Validate and of the
// store.
func New(opt Options) (*Engine, error) {
	if err := opt.Validate(); err != nil {
		return nil, &fitness.Error{Op: "start engine", Kind: fitness.Invalid, Err: err}
	}
	opt = opt.withDefaults()
	e := &Engine{opt: opt}
	e.sessions.init()
	e.sessionsOf.init()
	e.challengesOf.init()
	e.challenges.init()
	e.links.init()
	e.prefs.init()
	e.notes.init()
	e.missed.init()
	e.presence.init()
	e.quota.init()
	e.chats.init()
	e.blocks.init()
	e.matches.init()
	e.gone.init()
	e.saver.init()
	e.wake.init()
	e.out.dropped = &e.stats.EventsDropped
	if opt.Publisher != nil {
		e.SetPublisher(opt.Publisher)
	}
	if err := e.load(context.Background()); err != nil {
		return nil, err
	}
	return e, nil
}

// SetPublisher gives the engine its way out. What became state before is
// published with the next tick;
// messages that must not be lost and waited go out at once.
func (e *Engine) SetPublisher(p Publisher) {
	e.out.to.Store(&p)
	e.out.drain()
}

// SetMembership gives the engine the way to end rights at once.
func (e *Engine) SetMembership(m Membership) { e.members.Store(&m) }

// revoke has the users' rights judged again. No lock but admin may be held.
func (e *Engine) revoke(users ...string) {
	m := e.members.Load()
	if m == nil {
		return
	}
	for _, u := range users {
		(*m).Revoke(u)
	}
}

// now is the present, in the precision that everything is kept with.
func (e *Engine) now() time.Time { return moment(e.opt.Clock()) }

// moment cuts t to milliseconds UTC, so that a time is the same after it was
// stored and read again.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// name is a user's display name, or the id where there is none.
func (e *Engine) name(userID string) string {
	if n := e.opt.Users.Name(userID); n != "" {
		return n
	}
	return userID
}

// Position returns the log position up to which everything applied has been
// saved: after a restart the records after it must be applied again.
func (e *Engine) Position() store.Pos { return store.Pos(e.saver.saved.Load()) }

// tickEvery is how finely Run watches the clock.
const tickEvery = 100 * time.Millisecond

// saveEvery is how often Run saves what was applied.
const saveEvery = time.Second

// Run ticks and saves until ctx ends, then saves once more and returns that
// save's error. A save that fails before is logged, counted and tried again.
func (e *Engine) Run(ctx context.Context) error {
	var saving sync.WaitGroup
	saving.Go(func() { e.runSaves(ctx) })
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			e.Tick(e.now())
		}
	}
	saving.Wait()
	// The end of ctx must not stop the last save.
	return e.checkpoint(context.WithoutCancel(ctx), true)
}

// runSaves saves until ctx ends. It is not Tick's goroutine: a disk that takes half
// a second for a write, as shared ones do, would hold up every board meanwhile.
func (e *Engine) runSaves(ctx context.Context) {
	save := time.NewTicker(saveEvery)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-save.C:
			e.trySave(ctx)
		case <-e.saver.full:
			e.trySave(ctx)
		}
	}
}

// trySave saves; a failure waits for the next time.
func (e *Engine) trySave(ctx context.Context) {
	if err := e.checkpoint(ctx, false); err != nil && ctx.Err() == nil {
		e.opt.Logger.Error("cannot save what was applied, will try again; is the disk full?", "error", err)
	}
}

// Tick does the timed work that is due at now: starts and ends, graces,
// coalesced boards and rosters. Run calls it every 100 ms; it reads inboxes that are
// not in memory, and does no other I/O.
func (e *Engine) Tick(now time.Time) {
	if e.out.to.Load() == nil {
		return // nobody to tell yet: what is due stays due
	}
	now = moment(now)
	budget := e.opt.RankBudget
	for _, s := range e.wake.takeSessions(now) {
		budget = e.tickSession(s, now, budget)
	}
	for _, c := range e.wake.takeChallenges(now) {
		budget = e.tickChallenge(c, now, budget)
	}
	e.sendLater()
	budget = e.tickChat(now, budget)
	e.tickPresence(now, max(budget, e.opt.RankBudget/10))
	e.tickMissed(now)
	e.tickNotes(now, max(budget, e.opt.RankBudget/10))
	e.evictLate()
	e.tickMatch(now)
	e.quota.sweep(now)
	e.out.drain()
}
