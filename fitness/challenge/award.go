package challenge

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// AwardKind is what an award is for: a metric, whose threshold a participant
// has reached, or one of the following.
type AwardKind string

// The kinds of awards beside the metrics.
const (
	Streak             AwardKind = "streak"             // threshold: days in a row with an activity
	PersonalBest       AwardKind = "personalBest"       // threshold: the best activity before
	RankUp             AwardKind = "rankUp"             // threshold: the rank that was entered
	Overtaken          AwardKind = "overtaken"          // threshold: the rank that was lost
	LeadTaken          AwardKind = "leadTaken"          // threshold: 1
	ChallengeJoined    AwardKind = "challengeJoined"    // threshold: 0
	ChallengeCompleted AwardKind = "challengeCompleted" // threshold: the goal, of each or of all
)

const (
	// MaxAwards is how many awards a challenge may have.
	MaxAwards = 32
	// TopRanks are the ranks whose gain and loss are news.
	TopRanks = 10
	// OvertakenEvery is how often a user is told at most, in one challenge, of
	// having been overtaken.
	OvertakenEvery = 6 * time.Hour
)

// AwardRule is an award that a challenge gives, once to each participant in each
// period.
type AwardRule struct {
	// Kind is the challenge's metric (also when empty) or streak.
	Kind AwardKind `json:"kind,omitempty"`
	// Threshold is the score that has to be reached, in the unit of the scores
	// (the best activity where the aggregate is best or last), or the days of
	// the streak.
	Threshold float64 `json:"threshold"`
	// Title is for people.
	Title string `json:"title,omitempty"`
}

// awardProblems lists what is wrong with the awards.
func (s *Spec) awardProblems() []string {
	var bad []string
	if len(s.Awards) > MaxAwards {
		return []string{fmt.Sprintf("%d awards are over the limit of %d", len(s.Awards), MaxAwards)}
	}
	for i, a := range s.Awards {
		add := func(format string, args ...any) {
			bad = append(bad, fmt.Sprintf("awards[%d].", i)+fmt.Sprintf(format, args...))
		}
		if n := utf8.RuneCountInString(a.Title); n > MaxTitle {
			add("title of %d characters is over the limit of %d", n, MaxTitle)
		}
		if !inRange(a.Threshold) || a.Threshold == 0 {
			add("threshold %v is outside 0 to %v", a.Threshold, MaxGoal)
		}
		switch {
		case a.Kind == Streak:
			if a.Threshold != float64(int(a.Threshold)) || a.Threshold < 2 || a.Threshold > 3660 {
				add("threshold %v of a streak is not a whole number of days from 2 to 3660", a.Threshold)
			}
		case a.Kind != "" && a.Kind != AwardKind(s.Metric):
			add("kind %.40q is neither %s nor streak", string(a.Kind), string(s.Metric))
		case s.Order == leaderboard.Asc && s.totals():
			add("threshold has no use where the lowest total leads")
		}
	}
	return bad
}

// Award is an award that was given.
type Award struct {
	User      string
	Kind      AwardKind
	Period    string // name of the period; "" for the challenge as a whole
	Threshold leaderboard.Score
	Value     leaderboard.Score
	Unit      string
	Title     string
	Activity  string // id of the activity that brought it, "" for none
	At        time.Time
}

// Key tells the awards of one user in one challenge apart: each is given once.
// It has no characters but letters, digits, dots, - and /.
func (a *Award) Key() string {
	period := a.Period
	if period == "" {
		period = "-"
	}
	return period + "/" + string(a.Kind) + "/" + a.Threshold.String()
}

// news is what a user was given.
type news struct {
	given     []uint64 // digests of keys, rising
	overtaken int64    // when last told, ns since 1970
}

// digest stands for a key in little memory. Two of one user's awards would have
// to collide, in 64 bits, for one to be missed.
func digest(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash never fails to write
	return h.Sum64()
}

// Given notes that the user has the award of that key since a moment: it is not
// given again. It reports whether that is new.
func (b *Board) Given(user, key string, kind AwardKind, at time.Time) bool {
	u := b.entrant(user)
	if u.news == nil {
		u.news = &news{}
	}
	if kind == Overtaken {
		u.news.overtaken = max(u.news.overtaken, at.UnixNano())
	}
	d := digest(key)
	i, found := slices.BinarySearch(u.news.given, d)
	if !found {
		u.news.given = slices.Insert(u.news.given, i, d)
	}
	return !found
}

// TakeAwards returns the awards that were given since the last call.
func (b *Board) TakeAwards() []Award {
	list := b.awards
	b.awards = nil
	return list
}

// CopyAwards notes what was given by another board of the same challenge.
func (b *Board) CopyAwards(from *Board) {
	for id, u := range from.users {
		if u.news != nil {
			n := *u.news
			n.given = slices.Clone(n.given)
			b.entrant(id).news = &n
		}
	}
}

// give gives an award, unless the user has it.
func (b *Board) give(a Award) {
	if b.Given(a.User, a.Key(), a.Kind, a.At) {
		b.awards = append(b.awards, a)
	}
}

// award gives what the user's activities of a period have reached, and their
// streak. That depends on which activities there are, not on their order.
func (b *Board) award(user string, u *entrant, p Day, at time.Time, activity string) {
	s := &b.spec
	if b.reached[p] && u.brought(p) { // who brings something after the goal was reached
		b.give(*b.completed(user, p, at))
	}
	if len(s.Awards) == 0 && (s.Goal == 0 || s.GoalOf != GoalEach) {
		return
	}
	total, best, found := b.best(u, p)
	if !found {
		return
	}
	base := Award{User: user, Period: s.PeriodName(p), Unit: s.Unit(), Activity: activity, At: at}
	for _, rule := range s.Awards {
		a := base
		a.Threshold, a.Title = leaderboard.ScoreOf(rule.Threshold), rule.Title
		reached := false
		switch {
		case rule.Kind == Streak:
			a.Kind, a.Period, a.Value, a.Unit = Streak, "", leaderboard.ScoreOf(float64(longestStreak(u))), "d"
			reached = a.Value >= a.Threshold
		case s.totals():
			a.Kind, a.Value = AwardKind(s.Metric), total
			reached = total >= a.Threshold
		default:
			a.Kind, a.Value = AwardKind(s.Metric), best
			reached = best == a.Threshold || b.better(best, a.Threshold)
		}
		if reached {
			b.give(a)
		}
	}
	goal := leaderboard.ScoreOf(s.Goal)
	if s.GoalOf == GoalEach && goal > 0 && (total == goal || b.better(total, goal)) {
		base.Kind, base.Threshold, base.Value = ChallengeCompleted, goal, total
		b.give(base)
	}
}

// best returns the user's score in a period, the best single value, and whether
// anything counts.
func (b *Board) best(u *entrant, p Day) (total, best leaderboard.Score, found bool) {
	total, _, found = b.fold(u, p)
	first := true
	for i := range u.acts {
		if x := &u.acts[i]; x.period == p && x.counts() && (first || b.better(x.value, best)) {
			best, first = x.value, false
		}
	}
	return total, best, found
}

// longestStreak is how many days in a row have an activity that counts, at most.
func longestStreak(u *entrant) int {
	var days []Day
	for i := range u.acts {
		if u.acts[i].counts() {
			days = append(days, u.acts[i].day)
		}
	}
	slices.Sort(days)
	longest, run := 0, 0
	for i, d := range days {
		switch {
		case i == 0 || d > days[i-1]+1:
			run = 1
		case d == days[i-1]+1:
			run++
		}
		longest = max(longest, run)
	}
	return longest
}

// tell gives the awards for what an activity changed: a personal best, the lead,
// the first ranks, and theirs who lost one.
func (b *Board) tell(user string, u *entrant, x *act, move Move, at time.Time, activity string) {
	s := &b.spec
	base := Award{User: user, Period: s.PeriodName(move.Period), Unit: s.Unit(), Activity: activity, At: at}
	if before, found := b.bestBefore(u, x); found && b.better(x.value, before) && s.Aggregate != Count {
		a := base
		a.Kind, a.Threshold, a.Value = PersonalBest, before, x.value
		b.give(a)
	}
	if move.After == 0 || move.Before > 0 && move.After >= move.Before {
		return
	}
	st := b.Standing(move.Period)
	n := st.order.Len()
	base.Unit, base.Value = "rank", leaderboard.ScoreOf(float64(move.After))
	if move.After == 1 && n > 1 {
		a := base
		a.Kind, a.Threshold = LeadTaken, leaderboard.ScoreOf(1)
		b.give(a)
	}
	if was := move.Before; move.After <= TopRanks && n > TopRanks && (was == 0 || was > TopRanks) {
		a := base
		a.Kind, a.Threshold = RankUp, leaderboard.ScoreOf(TopRanks)
		b.give(a)
	}
	last := TopRanks + 1 // who was among the first is at most one further now
	if move.Before > 0 {
		last = min(last, move.Before)
	}
	base.Activity = ""
	for _, e := range st.order.Page(move.After, last-move.After) {
		if v := b.users[e.UserID]; v.news != nil && v.news.overtaken != 0 && at.UnixNano()-v.news.overtaken < int64(OvertakenEvery) {
			continue
		}
		base.User, base.Kind = e.UserID, Overtaken
		base.Threshold, base.Value = leaderboard.ScoreOf(float64(e.Rank-1)), leaderboard.ScoreOf(float64(e.Rank))
		b.give(base)
	}
}

// bestBefore is the best value of the user's other activities that count.
func (b *Board) bestBefore(u *entrant, x *act) (best leaderboard.Score, found bool) {
	for i := range u.acts {
		if o := &u.acts[i]; o != x && o.counts() && (!found || b.better(o.value, best)) {
			best, found = o.value, true
		}
	}
	return best, found
}

// Join returns the award for a user's first coming, at a moment.
func Join(user string, at time.Time) Award {
	return Award{User: user, Kind: ChallengeJoined, At: at}
}
