package challenge

import (
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// completion is a period whose common goal was reached, and to whom that is still
// to be told: in a large challenge not to all at once.
type completion struct {
	period Day
	at     int64
	users  []string
}

// common is the goal of all together, or 0.
func (s *Spec) common() leaderboard.Score {
	if s.GoalOf == GoalEach {
		return 0
	}
	return leaderboard.ScoreOf(s.Goal)
}

// complete notes that the common goal of a period may be reached: everybody who
// takes part and has brought something gets the award for it, who brings something
// later with that. So the order of the activities plays no role.
func (b *Board) complete(p Day, at time.Time) {
	goal := b.spec.common()
	if st := b.periods[p]; goal <= 0 || st == nil || st.sum < goal || b.reached[p] {
		return
	}
	if b.reached == nil {
		b.reached = make(map[Day]bool)
	}
	b.reached[p] = true
	done := completion{period: p, at: at.UnixNano()}
	key := digest(b.completed("", p, at).Key())
	for id, u := range b.users {
		if !u.joined || !u.brought(p) {
			continue
		}
		if u.news != nil {
			if _, has := slices.BinarySearch(u.news.given, key); has {
				continue
			}
		}
		done.users = append(done.users, id)
	}
	slices.Sort(done.users)
	b.owed = append(b.owed, done)
}

// completed is the award for a period's common goal.
func (b *Board) completed(user string, p Day, at time.Time) *Award {
	return &Award{
		User: user, Kind: ChallengeCompleted, Period: b.spec.PeriodName(p), Threshold: b.spec.common(),
		Value: b.Standing(p).sum, Unit: b.spec.Unit(), At: at,
	}
}

// brought reports whether something of the user counts in the period.
func (u *entrant) brought(p Day) bool {
	return slices.ContainsFunc(u.acts, func(x act) bool { return x.period == p && x.counts() })
}

// GiveOwed gives up to limit awards for common goals that were reached, and reports
// whether there are more. TakeAwards has them.
func (b *Board) GiveOwed(limit int) (more bool) {
	for len(b.owed) > 0 && limit > 0 {
		done := &b.owed[0]
		n := min(limit, len(done.users))
		for _, user := range done.users[:n] {
			if u := b.users[user]; u != nil && u.joined {
				b.give(*b.completed(user, done.period, time.Unix(0, done.at).UTC()))
			}
		}
		limit -= n
		if done.users = done.users[n:]; len(done.users) == 0 {
			b.owed = b.owed[1:]
		}
	}
	return len(b.owed) > 0
}
