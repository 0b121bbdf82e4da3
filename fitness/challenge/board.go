package challenge

import (
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// MaxActivities bounds what one participant may have in one challenge; Apply
// ignores more. A hundred a day for a whole year stay inside.
const MaxActivities = 40_000

// Board is the state of a challenge: its participants, their activities and
// scores, and the order in each period. It depends on which activities were
// applied, reviewed and withdrawn and on who takes part, not on the order of
// those steps; only the awards for what changes with time (ranks, personal
// bests) do. It is not safe for concurrent use.
type Board struct {
	spec    Spec
	users   map[string]*entrant
	spare   []entrant        // to be used next
	room    []act            // the same, while held
	teamOf  map[string]int32 // user to index of the spec's teams
	joined  int
	changes uint64
	held    bool  // ranks are made at Release
	updated int64 // latest arrival of what was applied, ns since 1970

	periods map[Day]*Standing
	nothing *Standing    // that of periods without activities; never written
	awards  []Award      // given and not taken yet
	reached map[Day]bool // periods whose common goal was reached
	owed    []completion // whose awards are still to be given
}

// entrant is one user's part: activities are kept, and joined is false, for one
// who has left and may come back.
type entrant struct {
	joined  bool
	changes uint32
	acts    []act
	news    *news // nil: nothing was given yet
}

// act is what is remembered of an activity.
type act struct {
	id, body Digest
	value    score
	end      int64 // ns since 1970
	day      Day   // that of the end
	period   Day
	reviews  uint16 // how often it was reviewed
	state    actState
	review   reviewState
	flagged  bool
}

type actState uint8

const (
	counted actState = iota
	ignored
	withdrawn
)

type reviewState uint8

const (
	open   reviewState = iota // not reviewed
	taken                     // may count
	barred                    // does not count
)

// counts reports whether the activity is part of the score.
func (x *act) counts() bool { return x.state == counted && x.review != barred }

// NewBoard returns the board of a challenge without participants. changes is
// how often the definition was replaced before.
func NewBoard(spec Spec, changes uint64) *Board {
	// A zone that Normalize found is found here as well: the program carries
	// the zones with it.
	_ = spec.prepare()
	return &Board{
		spec: spec, users: make(map[string]*entrant), teamOf: spec.teamsByUser(), changes: changes,
		periods: make(map[Day]*Standing), nothing: newStanding(spec.Order),
	}
}

// Spec returns the definition.
func (b *Board) Spec() *Spec { return &b.spec }

// Participants returns how many take part.
func (b *Board) Participants() int { return b.joined }

// Revision rises with every change; it is a sum over activities, reviews,
// withdrawals, participants and definitions, so that a rebuild arrives at the
// same.
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
		if len(b.spare) == 0 {
			b.spare = make([]entrant, min(max(len(b.users), 4), maxSpare))
		}
		u, b.spare = &b.spare[0], b.spare[1:]
		b.users[user] = u
	}
	return u
}

// maxSpare is how many entrants are made at once at most: a million one by one
// would be a million things for the collector to look at.
const maxSpare = 1024

// add puts an activity behind the user's others. While many are loaded, room for
// everybody's first one is made for many at once.
func (b *Board) add(u *entrant, x act) {
	if b.held && u.acts == nil {
		if len(b.room) == 0 {
			b.room = make([]act, maxSpare)
		}
		u.acts, b.room = b.room[:0:1], b.room[1:]
	}
	u.acts = append(u.acts, x)
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

// SetJoined lets the user take part or not, and returns the moves that makes.
// changes is how often the user has joined or left by then, this time included.
// Who leaves is not ranked any more; the activities stay, for who comes back.
func (b *Board) SetJoined(user string, joined bool, changes uint32) []Move {
	u := b.entrant(user)
	b.changes += uint64(changes - u.changes)
	u.changes = changes
	if u.joined == joined {
		return nil
	}
	u.joined = joined
	if joined {
		b.joined++
	} else {
		b.joined--
	}
	return b.rankAll(user, u)
}

// rankAll ranks the user in every period with activities of theirs.
func (b *Board) rankAll(user string, u *entrant) []Move {
	var moves []Move
	done := make(map[Day]bool)
	for i := range u.acts {
		if p := u.acts[i].period; !done[p] {
			done[p] = true
			moves = append(moves, b.rank(user, u, p))
		}
	}
	return moves
}

// Hold puts off the ranks, and gives no awards, until Release: for loading many
// activities that were applied before.
func (b *Board) Hold() { b.held = true }

// Known is what the board remembers about an activity id.
type Known struct {
	Body      Digest
	Counted   bool
	Withdrawn bool
	Reviews   uint16
}

// Find returns what is known of the user's activity, or false.
func (b *Board) Find(user, id string) (Known, bool) {
	if u := b.users[user]; u != nil {
		if x := u.find(DigestOf([]byte(id))); x != nil {
			return Known{Body: x.body, Counted: x.counts(), Withdrawn: x.state == withdrawn, Reviews: x.reviews}, true
		}
	}
	return Known{}, false
}

// Full reports whether the user has MaxActivities.
func (b *Board) Full(user string) bool { return b.Activities(user) >= MaxActivities }

// Activities returns how many the user has, counted or not.
func (b *Board) Activities(user string) int {
	if u := b.users[user]; u != nil {
		return len(u.acts)
	}
	return 0
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
// judgement on it and how it moved the user. An activity whose id is known
// changes nothing, and applied is false. Whether the user takes part plays no
// role: that was asked before.
func (b *Board) Apply(user string, a *Activity, arrived time.Time) (v Verdict, move Move, applied bool) {
	u := b.entrant(user)
	id := DigestOf([]byte(a.ID))
	if u.find(id) != nil || len(u.acts) >= MaxActivities {
		return ignore("activity %s is known already, or the user has too many", a.ID), Move{}, false
	}
	v = b.spec.Judge(a, arrived)
	end := a.End()
	x := act{
		id: id, body: a.Body, value: v.Value, end: end.UnixNano(), flagged: len(a.Flags) > 0,
		day: dayAt(end, b.spec.zone()), period: b.spec.PeriodAt(end),
	}
	if !v.Counted {
		x.state = ignored
	}
	b.changes++
	b.updated = max(b.updated, arrived.UnixNano())
	if !v.Counted {
		b.add(u, x)
		return v, Move{UserID: user, Period: x.period}, true
	}
	move = b.change(user, u, x.period, func(st *Standing) {
		b.add(u, x)
		b.tally(st, &x, 1)
	})
	if !b.held {
		if u.joined {
			b.award(user, u, x.period, arrived, a.ID)
			b.tell(user, u, &u.acts[len(u.acts)-1], move, arrived, a.ID)
		}
		b.complete(x.period, arrived)
	}
	return v, move, true
}

// edit alters one activity by fn, and the totals and ranks with it.
func (b *Board) edit(user, id string, fn func(*act) bool) (Move, error) {
	u := b.users[user]
	var x *act
	if u != nil {
		x = u.find(DigestOf([]byte(id)))
	}
	if x == nil {
		return Move{}, fitness.Errorf("", fitness.NotFound, "there is no activity %s of %s", id, user)
	}
	move := b.change(user, u, x.period, func(st *Standing) {
		if x.counts() {
			b.tally(st, x, -1)
		}
		if fn(x) {
			b.changes++
		}
		if x.counts() {
			b.tally(st, x, 1)
		}
	})
	return move, nil
}

// Withdraw takes an activity out of the score; its id stays used. The error is
// of kind NotFound for one that is not known. Once more changes nothing.
func (b *Board) Withdraw(user, id string) (Move, error) {
	return b.edit(user, id, func(x *act) bool {
		was := x.state
		x.state = withdrawn
		return was != withdrawn
	})
}

// Review settles whether an activity counts as far as its organizer is
// concerned: one that broke the rule, or was withdrawn, does not count all the
// same. reviews is how often it has been reviewed by then, this time included;
// once more with the same number changes nothing. The error is of kind NotFound
// for an activity that is not known. at is the moment for awards that follow.
func (b *Board) Review(user, id string, counts bool, reviews uint16, at time.Time) (Move, error) {
	move, err := b.edit(user, id, func(x *act) bool {
		if x.reviews == reviews {
			return false
		}
		b.changes += uint64(reviews-x.reviews) - 1 // edit adds one
		x.reviews, x.review = reviews, barred
		if counts {
			x.review = taken
		}
		return true
	})
	if u := b.users[user]; err == nil && counts && !b.held {
		if u.joined {
			b.award(user, u, move.Period, at, id)
		}
		b.complete(move.Period, at)
	}
	return move, err
}

// Release ranks everybody after Hold.
func (b *Board) Release() {
	b.held, b.room = false, nil
	b.fill()
	for _, p := range b.Periods() {
		b.complete(p, b.Updated())
	}
}
