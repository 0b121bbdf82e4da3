package challenge

import (
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// MaxActivities bounds what one participant may have in one challenge; Apply
// ignores more. A hundred a day for a whole year stay inside.
const MaxActivities = 40_000

// Board is the state of a challenge: its participants, their activities and
// scores, and the order. It depends on which activities were applied and
// withdrawn and on who takes part, not on the order of those steps. It is not
// safe for concurrent use.
type Board struct {
	spec    Spec
	order   *leaderboard.Board
	users   map[string]*entrant
	joined  int
	changes uint64

	activities int
	flagged    int
	sum        leaderboard.Score
	updated    int64 // latest arrival of what was applied, ns since 1970
}

// entrant is one user's part: activities are kept, and joined is false, for one
// who has left and may come back.
type entrant struct {
	joined  bool
	changes uint32
	acts    []act
}

// act is what is remembered of an activity.
type act struct {
	id, body Digest
	value    leaderboard.Score
	end      int64 // ns since 1970
	state    actState
	flagged  bool
}

type actState uint8

const (
	counted actState = iota
	ignored
	withdrawn
)

// NewBoard returns the board of a challenge without participants. changes is
// how often the definition was replaced before.
func NewBoard(spec Spec, changes uint64) *Board {
	return &Board{spec: spec, order: leaderboard.New(spec.Order), users: make(map[string]*entrant), changes: changes}
}

// Spec returns the definition.
func (b *Board) Spec() *Spec { return &b.spec }

// Order returns those who are ranked: participants with an activity that
// counts. It may only be read.
func (b *Board) Order() *leaderboard.Board { return b.order }

// Participants returns how many take part.
func (b *Board) Participants() int { return b.joined }

// Totals returns the activities of all who take part or did: how many count, how
// many of those are flagged, and the sum of their values.
func (b *Board) Totals() (activities, flagged int, sum leaderboard.Score) {
	return b.activities, b.flagged, b.sum
}

// Revision rises with every change; it is a sum over activities, withdrawals,
// participants and definitions, so that a rebuild arrives at the same.
func (b *Board) Revision() uint64 { return b.changes }

// Updated returns when the latest applied activity arrived; zero without one.
func (b *Board) Updated() time.Time {
	if b.updated == 0 {
		return time.Time{}
	}
	return time.Unix(0, b.updated).UTC()
}

// Joined reports whether the user takes part.
func (b *Board) Joined(user string) bool {
	u := b.users[user]
	return u != nil && u.joined
}

// entrant returns the user's part, made where there was none.
func (b *Board) entrant(user string) *entrant {
	u := b.users[user]
	if u == nil {
		u = &entrant{}
		b.users[user] = u
	}
	return u
}

// Changes returns how often the user has joined or left.
func (b *Board) Changes(user string) uint32 {
	if u := b.users[user]; u != nil {
		return u.changes
	}
	return 0
}

// Each calls fn with every user who takes part or did.
func (b *Board) Each(fn func(user string, joined bool, changes uint32)) {
	for id, u := range b.users {
		fn(id, u.joined, u.changes)
	}
}

// SetJoined lets the user take part or not. changes is how often the user has
// joined or left by then, this time included. Who leaves is not ranked any more;
// the activities stay, for who comes back.
func (b *Board) SetJoined(user string, joined bool, changes uint32) {
	u := b.entrant(user)
	b.changes += uint64(changes - u.changes)
	u.changes = changes
	if u.joined == joined {
		return
	}
	u.joined = joined
	if joined {
		b.joined++
	} else {
		b.joined--
	}
	b.rank(user, u)
}

// Known is what the board remembers about an activity id.
type Known struct {
	Body      Digest
	Withdrawn bool
}

// Find returns what is known of the user's activity, or false.
func (b *Board) Find(user, id string) (Known, bool) {
	if u := b.users[user]; u != nil {
		if a := u.find(DigestOf([]byte(id))); a != nil {
			return Known{Body: a.body, Withdrawn: a.state == withdrawn}, true
		}
	}
	return Known{}, false
}

// Full reports whether the user has MaxActivities.
func (b *Board) Full(user string) bool {
	u := b.users[user]
	return u != nil && len(u.acts) >= MaxActivities
}

// find returns the activity with that id's digest, or nil. Newer ones are asked
// for more often, so it looks from the end.
func (u *entrant) find(id Digest) *act {
	for i := len(u.acts) - 1; i >= 0; i-- {
		if u.acts[i].id == id {
			return &u.acts[i]
		}
	}
	return nil
}

// Apply adds the user's activity, which arrived at a moment, and returns the
// judgement on it. An activity whose id is known changes nothing, and applied is
// false. Whether the user takes part plays no role: that was asked before.
func (b *Board) Apply(user string, a *Activity, arrived time.Time) (v Verdict, applied bool) {
	u := b.entrant(user)
	id := DigestOf([]byte(a.ID))
	if u.find(id) != nil || len(u.acts) >= MaxActivities {
		return ignore("activity %s is known already, or the user has too many", a.ID), false
	}
	v = b.spec.Judge(a, arrived)
	x := act{id: id, body: a.Body, value: v.Value, end: a.End().UnixNano(), flagged: len(a.Flags) > 0}
	if !v.Counted {
		x.state = ignored
	}
	u.acts = append(u.acts, x)
	b.changes++
	b.updated = max(b.updated, arrived.UnixNano())
	if v.Counted {
		b.tally(&x, 1)
		b.rank(user, u)
	}
	return v, true
}

// Withdraw takes an activity out of the score; its id stays used. The error is
// of kind NotFound for one that is not known. Once more changes nothing.
func (b *Board) Withdraw(user, id string) error {
	u := b.users[user]
	if u == nil {
		return fitness.Errorf("", fitness.NotFound, "there is no activity %s of %s", id, user)
	}
	x := u.find(DigestOf([]byte(id)))
	if x == nil {
		return fitness.Errorf("", fitness.NotFound, "there is no activity %s of %s", id, user)
	}
	if x.state == withdrawn {
		return nil
	}
	if x.state == counted {
		b.tally(x, -1)
	}
	x.state = withdrawn
	b.changes++
	b.rank(user, u)
	return nil
}

// tally adds an activity to the totals, or takes it out where sign is -1.
func (b *Board) tally(x *act, sign int) {
	b.activities += sign
	if x.flagged {
		b.flagged += sign
	}
	b.sum = b.sum.Add(x.value * leaderboard.Score(sign))
}

// rank puts the user where the activities that count say, or nowhere.
func (b *Board) rank(user string, u *entrant) {
	score, at, ok := b.fold(u)
	if ok && u.joined {
		b.order.Set(user, score, at)
	} else {
		b.order.Remove(user)
	}
}

// fold makes one score of the user's activities. The moment is that at which
// the score was reached, by the activities' own ends.
func (b *Board) fold(u *entrant) (score leaderboard.Score, at int64, ok bool) {
	for i := range u.acts {
		x := &u.acts[i]
		if x.state != counted {
			continue
		}
		switch {
		case !ok:
			score, at, ok = x.value, x.end, true
		case b.spec.Aggregate == Best:
			if b.better(x.value, score) || x.value == score && x.end < at {
				score, at = x.value, x.end
			}
		case b.spec.Aggregate == Last:
			// Two that end together: the better one, so that their order of
			// arrival plays no role.
			if x.end > at || x.end == at && b.better(x.value, score) {
				score, at = x.value, x.end
			}
		default:
			score, at = score.Add(x.value), max(at, x.end)
		}
	}
	return score, at, ok
}

// better reports whether x leads before y.
func (b *Board) better(x, y leaderboard.Score) bool {
	if b.spec.Order == leaderboard.Asc {
		return x < y
	}
	return x > y
}
