package challenge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Who may take part.
const (
	Open   = "open"   // everybody may join
	Invite = "invite" // who is put in by the organizer
)

// Limits of a Spec.
const (
	// MaxTitle is the length limit of a title in characters.
	MaxTitle = 200
	// MaxSports is how many sports a challenge may list.
	MaxSports = 32
	// MaxGoal is the largest goal, in the metric's unit.
	MaxGoal = 1e12
)

// Spec is the definition of a challenge: its rule, and who runs it.
type Spec struct {
	// Title is for people; at most 200 characters.
	Title string `json:"title"`
	// Organizer is the user who manages the challenge.
	Organizer string `json:"organizer"`
	// Visibility is open or invite (also when empty).
	Visibility string `json:"visibility"`
	// Metric is what counts; empty means distance.
	Metric Metric `json:"metric"`
	// Aggregate makes one score of a participant's activities; empty means sum.
	Aggregate Aggregate `json:"aggregate"`
	// Order is desc, the highest score leads (also when empty), or asc.
	Order leaderboard.Order `json:"order"`
	// Sports lists the sports that count; empty means all.
	Sports []string `json:"sports,omitempty"`
	// StartsAt and EndsAt bound the moments at which an activity may end to
	// count, both included.
	StartsAt time.Time `json:"startsAt"`
	EndsAt   time.Time `json:"endsAt"`
	// Goal is an aim in the unit of the scores; 0: none.
	Goal float64 `json:"goal,omitempty"`

	// GoalOf is whose the goal is: all (also when empty), a common one for the
	// sum of all, or each, for every participant's own score.
	GoalOf string `json:"goalOf,omitempty"`
	// Points are what one unit of each metric is worth where the metric is
	// points; none: an active minute is a point.
	Points map[Metric]float64 `json:"points,omitempty"`
	// Limits bound what activities are worth; nil: they do not.
	Limits *Limits `json:"limits,omitempty"`
	// Awards are given at thresholds.
	Awards []AwardRule `json:"awards,omitempty"`
	// Period makes the challenge start anew every day, week or month.
	Period Period `json:"period,omitempty"`
	// TimeZone is the name of the zone whose days count, like Europe/Berlin;
	// empty: UTC.
	TimeZone string `json:"timeZone,omitempty"`
	// Teams are the teams, for a board of their own.
	Teams []Team `json:"teams,omitempty"`
	// Unranked is a challenge without a board: only the common sum counts.
	Unranked bool `json:"unranked,omitempty"`

	loc *time.Location // of TimeZone, see prepare
}

// Normalize returns the spec with its defaults written out, or an Error of kind
// Invalid that names every problem.
func (s Spec) Normalize() (Spec, error) {
	s.Visibility = cmp.Or(s.Visibility, Invite)
	s.Metric = cmp.Or(s.Metric, Distance)
	s.Aggregate = cmp.Or(s.Aggregate, Sum)
	s.Order = cmp.Or(s.Order, leaderboard.Desc)
	s.GoalOf = cmp.Or(s.GoalOf, GoalAll)
	if s.Metric == Points && len(s.Points) == 0 {
		s.Points = map[Metric]float64{ActiveMinutes: 1}
	}
	s.StartsAt, s.EndsAt = s.StartsAt.UTC(), s.EndsAt.UTC()
	if bad := s.problems(); len(bad) > 0 {
		return s, &fitness.Error{Kind: fitness.Invalid, Msg: strings.Join(bad, "; ")}
	}
	return s, nil
}

// problems lists what is wrong with a spec whose defaults are written out.
func (s *Spec) problems() []string {
	var bad []string
	add := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if n := utf8.RuneCountInString(s.Title); n > MaxTitle {
		add("title of %d characters is over the limit of %d", n, MaxTitle)
	}
	if s.Organizer == "" {
		add("organizer is missing")
	}
	if s.Visibility != Open && s.Visibility != Invite {
		add("visibility %q is neither open nor invite", s.Visibility)
	}
	if s.Metric.Unit() == "" {
		add("metric %q is none of distance, calories, duration, steps, ascent, repetitions, workouts, activeMinutes, points", string(s.Metric))
	}
	if !slices.Contains([]Aggregate{Sum, Best, Last, Count}, s.Aggregate) {
		add("aggregate %q is none of sum, best, last, count", string(s.Aggregate))
	}
	if !s.Order.Valid() {
		add("order %q is neither desc nor asc", string(s.Order))
	}
	if len(s.Sports) > MaxSports {
		add("%d sports are over the limit of %d", len(s.Sports), MaxSports)
	}
	for i, sport := range s.Sports {
		if why := fitness.NoSport(fmt.Sprintf("sports[%d]", i), sport); why != "" {
			bad = append(bad, why)
		}
	}
	bad = append(bad, s.timeProblems()...)
	return append(bad, s.extraProblems()...)
}

// extraProblems lists what is wrong with the parts that a rule may have.
func (s *Spec) extraProblems() []string {
	var bad []string
	if !inRange(s.Goal) {
		bad = append(bad, fmt.Sprintf("goal %v is outside 0 to %v", s.Goal, MaxGoal))
	}
	switch {
	case s.GoalOf != GoalAll && s.GoalOf != GoalEach:
		bad = append(bad, fmt.Sprintf("goalOf %.40q is neither all nor each", s.GoalOf))
	case s.GoalOf == GoalEach && s.Order == leaderboard.Asc && s.totals():
		bad = append(bad, "goalOf each has no use where the lowest total leads")
	}
	if s.Unranked && (s.GoalOf == GoalEach || len(s.Teams) > 0) {
		bad = append(bad, "unranked excludes teams and goalOf each")
	}
	if !s.Period.valid() {
		bad = append(bad, fmt.Sprintf("period %.40q is none of daily, weekly, monthly", string(s.Period)))
	}
	if err := s.prepare(); err != nil {
		bad = append(bad, fitness.Message(err))
	}
	bad = append(bad, s.pointProblems()...)
	bad = append(bad, s.Limits.problems(s)...)
	bad = append(bad, s.awardProblems()...)
	return append(bad, s.teamProblems()...)
}

// totals reports whether a score is a total, which more activities raise.
func (s *Spec) totals() bool { return s.Aggregate == Sum || s.Aggregate == Count }

// Whose the goal is.
const (
	GoalAll  = "all"
	GoalEach = "each"
)

// timeProblems lists what is wrong with start and end.
func (s *Spec) timeProblems() []string {
	var bad []string
	for _, x := range []struct {
		name string
		t    time.Time
	}{{"startsAt", s.StartsAt}, {"endsAt", s.EndsAt}} {
		switch {
		case x.t.IsZero():
			bad = append(bad, x.name+" is missing")
		case !fitness.PlausibleTime(x.t):
			bad = append(bad, x.name+" is not in the years 1970 to 9998")
		}
	}
	if len(bad) == 0 && !s.EndsAt.After(s.StartsAt) {
		bad = append(bad, "endsAt is not after startsAt")
	}
	return bad
}

// Unit returns the unit of the scores: the metric's, or count where the
// aggregate counts activities.
func (s *Spec) Unit() string {
	if s.Aggregate == Count {
		return "count"
	}
	return s.Metric.Unit()
}

// State is where a challenge stands.
type State string

// The states, in their order.
const (
	Scheduled State = "scheduled"
	Active    State = "active"
	Ended     State = "ended"
)

// StateAt returns the state at a moment.
func (s *Spec) StateAt(t time.Time) State {
	switch {
	case t.Before(s.StartsAt):
		return Scheduled
	case t.After(s.EndsAt):
		return Ended
	}
	return Active
}
