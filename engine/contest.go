package engine

import (
	"strings"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/topics"
)

// challengeRecord is a challenge as it is stored. A deleted one stays as a mark:
// its generation keeps the ids of its log records from those of a successor.
type challengeRecord struct {
	Spec       *ChallengeSpec `json:"spec,omitempty"`
	CreatedAt  time.Time      `json:"createdAt"`
	Generation int            `json:"generation,omitempty"`
	Changes    uint64         `json:"changes,omitempty"` // how often the definition was replaced
	Deleted    bool           `json:"deleted,omitempty"`
}

// participantRecord is a participant as it is stored; one who left stays with
// the count of changes, so that the board's revision never falls.
type participantRecord struct {
	JoinedAt time.Time `json:"joinedAt"`
	Changes  uint32    `json:"changes"`
	Left     bool      `json:"left,omitempty"`
	PutBy    string    `json:"putBy,omitempty"` // who else let the user take part
}

// contest is a challenge at work.
type contest struct {
	id string

	mu      sync.RWMutex // guards what follows
	rec     challengeRecord
	gone    bool // deleted: whoever still holds it changes nothing
	board   *challenge.Board
	circles *circles                    // of all challenges
	pending map[string]*pendingActivity // by participant and activity key
	purged  time.Time                   // when pending was last gone through
	out     contestOut
}

// pendingActivity is an activity that was accepted and is not applied yet.
type pendingActivity struct {
	act challenge.Activity
	at  time.Time
}

// contestOut is what a tick has to publish.
type contestOut struct {
	info, status, board bool
	next                time.Time // not before
	state               challenge.State
	period              challenge.Day // the one that is published
	told                challenge.Day // the one whose ranks are retained
	ranks               rankQueue
	late                map[string]time.Time // after a start of the broker: who joined lately, and when
}

// rankQueue is whose rank may have changed. A change moves everybody between
// the old and the new place by one, so it is kept as an interval of ranks: users
// outside of all intervals have kept their rank and their neighbours.
type rankQueue struct {
	own    map[string]struct{} // users to be told first: their own doing
	lo, hi int                 // dirty since the sweep began; 0: none
	at, to int                 // the sweep under way: next and last rank; 0: none
	sent   map[string]uint64   // digest of what each user was told last
	teams  map[string]int      // rank of each team when its members were told last
}

// maxOwn bounds rankQueue.own; the interval covers who finds no room.
const maxOwn = 10_000

// mark notes a user's move between ranks (0: not ranked) on a board that has n
// ranked now and shows near neighbours on each side.
func (q *rankQueue) mark(userID string, before, after, n, near int) {
	if before == 0 && after == 0 {
		return
	}
	if len(q.own) < maxOwn {
		q.own[userID] = struct{}{}
	}
	lo, hi := min(before, after), max(before, after)
	if lo == 0 { // came or went: everybody behind moves
		lo, hi = hi, n
	}
	q.dirty(lo-near, hi+near)
}

// dirty adds an interval.
func (q *rankQueue) dirty(lo, hi int) {
	lo = max(lo, 1)
	if q.lo == 0 {
		q.lo, q.hi = lo, max(hi, lo)
		return
	}
	q.lo, q.hi = min(q.lo, lo), max(q.hi, hi)
}

// idle reports whether nobody is to be told anything.
func (q *rankQueue) idle() bool { return len(q.own) == 0 && q.lo == 0 && q.at == 0 }

// first reports whether this was the user's first coming.
func (r *participantRecord) first() bool { return !r.Left && r.Changes == 1 }

func newContest(id string, rec challengeRecord, all *circles) *contest {
	c := &contest{
		id: id, rec: rec, pending: make(map[string]*pendingActivity),
		board: challenge.NewBoard(*rec.Spec, rec.Changes), circles: all,
	}
	c.out.ranks.own, c.out.ranks.sent = make(map[string]struct{}), make(map[string]uint64)
	c.out.info, c.out.status, c.out.board = true, true, true
	c.place(rec.Spec.Organizer)
	return c
}

// resource is the challenge as others see it. c.mu is held.
func (c *contest) resource(now time.Time) Challenge {
	s := c.board.Spec()
	return Challenge{
		ID: c.id, ChallengeSpec: *s, Unit: s.Unit(), State: s.StateAt(now), CreatedAt: c.rec.CreatedAt,
	}
}

// manages reports whether the actor may do what the organizer may. c.mu is held.
func (c *contest) manages(a Actor) bool {
	return a.all() || a.UserID != "" && a.UserID == c.rec.Spec.Organizer
}

// standing is that of the period that is published. c.mu is held.
func (c *contest) standing() *challenge.Standing { return c.board.Standing(c.out.period) }

// moved notes changes of the board, whose users may have to be told their ranks.
// c.mu is held.
func (e *Engine) moved(c *contest, moves ...challenge.Move) {
	for _, m := range moves {
		if m.Period == c.out.period {
			c.out.ranks.mark(m.UserID, m.Before, m.After, c.standing().Order().Len(), e.opt.RankNeighbours)
		}
	}
	e.changed(c)
}

// changed asks for a tick of the challenge after a change of the board. c.mu is
// held.
func (e *Engine) changed(c *contest) {
	c.out.status, c.out.board = true, true
	e.wake.challenge(c, c.out.next)
}

// entries gives board entries their names.
func (e *Engine) entries(list []leaderboard.Entry) []BoardEntry {
	out := make([]BoardEntry, len(list))
	for i, x := range list {
		out[i] = BoardEntry{
			Rank: x.Rank, UserID: x.UserID, Name: e.name(x.UserID),
			Score: x.Score, ReachedAt: moment(time.Unix(0, x.At)),
		}
	}
	return out
}

// activityKey is an activity id as a part of keys: itself, or where it has other
// characters than ids have, a digest of it behind a ~, which ids do not have.
func activityKey(id string) string {
	if topics.ValidID(id) {
		return id
	}
	const hex = "0123456789abcdef"
	d := challenge.DigestOf([]byte(id))
	var b strings.Builder
	b.WriteByte('~')
	for _, x := range d {
		b.WriteByte(hex[x>>4])
		b.WriteByte(hex[x&15])
	}
	return b.String()
}

// ChallengeParticipant reports whether the user takes part in the challenge, or
// organizes it.
func (e *Engine) ChallengeParticipant(challengeID, userID string) bool {
	c := e.challenges.get(challengeID)
	if c == nil || userID == "" {
		return false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return !c.gone && (c.rec.Spec.Organizer == userID || c.board.Joined(userID))
}
