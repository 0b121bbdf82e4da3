package challenge

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Metric is what a challenge counts.
type Metric string

// The metrics, each with the field of an activity that it takes.
const (
	Distance    Metric = "distance"    // totalDistance, m
	Calories    Metric = "calories"    // totalCalories, kcal
	Duration    Metric = "duration"    // totalTimerTime, else totalElapsedTime, s
	Steps       Metric = "steps"       // steps
	Ascent      Metric = "ascent"      // totalAscent, m
	Repetitions Metric = "repetitions" // repetitions
	Workouts    Metric = "workouts"    // 1 for each activity
)

// units are the units of the metrics' scores.
var units = map[Metric]string{
	Distance: "m", Calories: "kcal", Duration: "s", Steps: "count",
	Ascent: "m", Repetitions: "count", Workouts: "count",
}

// Unit returns the unit of the metric's scores.
func (m Metric) Unit() string { return units[m] }

// Aggregate is how a participant's activities make one score.
type Aggregate string

// The aggregates.
const (
	Sum   Aggregate = "sum"   // all values together
	Best  Aggregate = "best"  // the highest, or the lowest where the order is asc
	Last  Aggregate = "last"  // that of the activity that ended last
	Count Aggregate = "count" // how many activities
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
	// Goal is a common aim for the sum of all, in the metric's unit; 0: none.
	Goal float64 `json:"goal,omitempty"`

	refused []string // fields read from JSON that are not offered
}

// notOffered are fields of a definition that this version does not judge by. To
// pass over one would make a board that is not what its organizer asked for.
var notOffered = []string{"awards", "limits", "period", "teams"}

// UnmarshalJSON reads a definition and remembers the fields that this version
// does not judge by; Normalize refuses them together with every other problem.
func (s *Spec) UnmarshalJSON(b []byte) error {
	type plain Spec
	if err := json.Unmarshal(b, (*plain)(s)); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	s.refused = nil
	for _, name := range notOffered {
		if v, ok := members[name]; ok && string(v) != "null" {
			s.refused = append(s.refused, name)
		}
	}
	return nil
}

// Normalize returns the spec with its defaults written out, or an Error of kind
// Invalid that names every problem.
func (s Spec) Normalize() (Spec, error) {
	setDefault(&s.Visibility, Invite)
	setDefault(&s.Metric, Distance)
	setDefault(&s.Aggregate, Sum)
	setDefault(&s.Order, leaderboard.Desc)
	s.StartsAt, s.EndsAt = s.StartsAt.UTC(), s.EndsAt.UTC()
	if bad := s.problems(); len(bad) > 0 {
		return s, &fitness.Error{Kind: fitness.Invalid, Msg: strings.Join(bad, "; ")}
	}
	return s, nil
}

// setDefault gives *p the value where it has none.
func setDefault[T ~string](p *T, value T) {
	if *p == "" {
		*p = value
	}
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
		add("metric %q is none of distance, calories, duration, steps, ascent, repetitions, workouts", string(s.Metric))
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
		if !ValidSport(sport) {
			add("sports[%d] %q is not a sport's name", i, sport)
		}
	}
	for _, name := range s.refused {
		add("%s is not offered by this server", name)
	}
	bad = append(bad, s.timeProblems()...)
	if math.IsNaN(s.Goal) || s.Goal < 0 || s.Goal > MaxGoal {
		add("goal %v is outside 0 to %v", s.Goal, MaxGoal)
	}
	return bad
}

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
