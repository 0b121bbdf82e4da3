package challenge

import (
	"cmp"
	"slices"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Standing is the order and the totals of one period.
type Standing struct {
	order, teams *leaderboard.Board

	activities int
	flagged    int
	sum        leaderboard.Score
}

func newStanding(order leaderboard.Order) *Standing {
	return &Standing{order: leaderboard.New(order), teams: leaderboard.New(order)}
}

// Order returns those who are ranked: participants with an activity that
// counts. It may only be read.
func (st *Standing) Order() *leaderboard.Board { return st.order }

// Teams returns the teams with a ranked member, by their ids. It may only be
// read.
func (st *Standing) Teams() *leaderboard.Board { return st.teams }

// Totals returns the activities of all who take part or did: how many count, how
// many of those are flagged and not reviewed, and the sum of what they are worth.
func (st *Standing) Totals() (activities, flagged int, sum leaderboard.Score) {
	return st.activities, st.flagged, st.sum
}

// Standing returns that of a period, an empty one where nothing has happened.
func (b *Board) Standing(p Day) *Standing {
	if st := b.periods[p]; st != nil {
		return st
	}
	return b.nothing
}

// Periods lists the periods with activities, in their order.
func (b *Board) Periods() []Day {
	list := make([]Day, 0, len(b.periods))
	for p := range b.periods {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// standing is Standing, made where there was none.
func (b *Board) standing(p Day) *Standing {
	st := b.periods[p]
	if st == nil {
		st = newStanding(b.spec.Order)
		b.periods[p] = st
	}
	return st
}

// tally adds an activity that counts to the totals, or takes it out where sign is -1.
func (b *Board) tally(st *Standing, x *act, sign int) {
	st.activities += sign
	if x.flagged && x.review == open {
		st.flagged += sign
	}
	if b.spec.perDay() == 0 { // else what it adds is not its value: see change
		st.sum = st.sum.Add(x.value * leaderboard.Score(sign))
	}
}

// change lets edit alter what counts of the user's activities of a period, then
// renews the totals and the ranks.
func (b *Board) change(user string, u *entrant, p Day, edit func(*Standing)) Move {
	st := b.standing(p)
	capped := b.spec.perDay() > 0
	if capped {
		score, _, _ := b.fold(u, p)
		st.sum = st.sum.Add(-score)
	}
	edit(st)
	if capped {
		score, _, _ := b.fold(u, p)
		st.sum = st.sum.Add(score)
	}
	return b.rank(user, u, p)
}

// Move is how a change moved a user in the order of a period; 0: not ranked.
type Move struct {
	UserID        string
	Period        Day
	Before, After int
}

// rank puts the user where the activities that count say, or nowhere.
func (b *Board) rank(user string, u *entrant, p Day) Move {
	if b.held {
		return Move{UserID: user, Period: p}
	}
	st := b.standing(p)
	move := Move{UserID: user, Period: p, Before: st.order.Rank(user)}
	score, at, ok := b.fold(u, p)
	if ok && u.joined && !b.spec.Unranked {
		st.order.Set(user, score, at)
		move.After = st.order.Rank(user)
	} else {
		st.order.Remove(user)
	}
	b.rankTeam(user, st)
	return move
}

// fold makes one score of the user's activities of a period. The moment is that
// at which the score was reached, by the activities' own ends.
func (b *Board) fold(u *entrant, p Day) (score leaderboard.Score, at int64, ok bool) {
	if limit := b.spec.perDay(); limit > 0 {
		return foldDays(u, p, limit)
	}
	for i := range u.acts {
		x := &u.acts[i]
		if x.period != p || !x.counts() {
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
			score, at = addTo(score, at, x.value, x.end)
		}
	}
	return score, at, ok
}

// addTo adds a value to a total. What adds nothing does not put off when the
// total was reached.
func addTo(score leaderboard.Score, at int64, value leaderboard.Score, end int64) (leaderboard.Score, int64) {
	switch {
	case value == 0 && score == 0:
		return 0, min(at, end)
	case value == 0:
		return score, at
	case score == 0:
		return value, end
	}
	return score.Add(value), max(at, end)
}

// foldDays is fold for totals that are limited on each day.
func foldDays(u *entrant, p Day, limit leaderboard.Score) (score leaderboard.Score, at int64, ok bool) {
	var acts []*act
	for i := range u.acts {
		if x := &u.acts[i]; x.period == p && x.counts() {
			acts = append(acts, x)
		}
	}
	slices.SortFunc(acts, func(x, y *act) int {
		return cmp.Or(cmp.Compare(x.end, y.end), cmp.Compare(x.value, y.value))
	})
	var day Day
	var left leaderboard.Score
	for _, x := range acts {
		if !ok || x.day != day {
			day, left = x.day, limit
		}
		value := min(x.value, left)
		left -= value
		if !ok {
			score, at, ok = value, x.end, true
			continue
		}
		score, at = addTo(score, at, value, x.end)
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

// perDay is the limit for a day, 0 for none.
func (s *Spec) perDay() leaderboard.Score {
	if s.Limits == nil {
		return 0
	}
	return leaderboard.ScoreOf(s.Limits.PerDay)
}

// Reached returns how many participants have reached the goal that is each
// one's own.
func (b *Board) Reached(p Day) int {
	if b.spec.Goal <= 0 {
		return 0
	}
	return b.Standing(p).order.AtLeast(leaderboard.ScoreOf(b.spec.Goal))
}
