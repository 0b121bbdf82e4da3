package challenge

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Metric is what a challenge counts.
type Metric string

// The metrics, each with the field of an activity that it takes.
const (
	Distance      Metric = "distance"      // totalDistance, m
	Calories      Metric = "calories"      // totalCalories, kcal
	Duration      Metric = "duration"      // totalTimerTime, else totalElapsedTime, s
	Steps         Metric = "steps"         // steps
	Ascent        Metric = "ascent"        // totalAscent, m
	Repetitions   Metric = "repetitions"   // repetitions
	Workouts      Metric = "workouts"      // 1 for each activity
	ActiveMinutes Metric = "activeMinutes" // as duration, in minutes
	Points        Metric = "points"        // the other metrics, weighed by Spec.Points
)

// units are the units of the metrics' scores.
var units = map[Metric]string{
	Distance: "m", Calories: "kcal", Duration: "s", Steps: "count", Ascent: "m",
	Repetitions: "count", Workouts: "count", ActiveMinutes: "min", Points: "points",
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

// measured returns what the metric takes of the activity, and the field's name;
// not that of Points, which takes several.
func (a *Activity) measured(m Metric) (v *float64, field string) {
	one := 1.0
	timer, name := a.m.TimerTime, "totalTimerTime"
	if timer == nil {
		timer, name = a.m.ElapsedTime, "totalElapsedTime"
	}
	switch m {
	case Distance:
		return a.m.Distance, "totalDistance"
	case Calories:
		return a.m.Calories, "totalCalories"
	case Duration:
		return timer, name
	case ActiveMinutes:
		minutes := *timer / 60
		return &minutes, name
	case Steps:
		return a.m.Steps, "steps"
	case Ascent:
		return a.m.Ascent, "totalAscent"
	case Repetitions:
		return a.m.Repetitions, "repetitions"
	case Workouts:
		return &one, ""
	}
	return nil, string(m)
}

// value returns what the activity is worth by the rule, cut to the limit for one
// activity, or a reason why nothing.
func (s *Spec) value(a *Activity) (v leaderboard.Score, reason string) {
	switch {
	case s.Aggregate == Count:
		return leaderboard.ScoreOf(1), ""
	case s.Metric == Points:
		found := false
		for _, m := range slices.Sorted(maps.Keys(s.Points)) {
			if x, _ := a.measured(m); x != nil {
				v, found = v.Add(leaderboard.ScoreOf(*x*s.Points[m])), true
			}
		}
		if !found {
			return 0, "the activity has nothing that gives points"
		}
	default:
		x, field := a.measured(s.Metric)
		if x == nil {
			return 0, fmt.Sprintf("%s is missing: the challenge counts %s", field, string(s.Metric))
		}
		v = leaderboard.ScoreOf(*x)
	}
	if s.Limits != nil && s.Limits.PerActivity > 0 {
		v = min(v, leaderboard.ScoreOf(s.Limits.PerActivity))
	}
	return v, ""
}

// Limits bound what one participant's activities can be worth, in the unit of
// the scores. What is over counts as much as the limit; 0: no limit.
type Limits struct {
	// PerActivity bounds one activity.
	PerActivity float64 `json:"perActivity,omitempty"`
	// PerDay bounds the activities that ended on one day of the challenge's time
	// zone, together; for the aggregates sum and count.
	PerDay float64 `json:"perDay,omitempty"`
}

// problems lists what is wrong with the limits under the spec's rule.
func (l *Limits) problems(s *Spec) []string {
	if l == nil {
		return nil
	}
	var bad []string
	for _, x := range []struct {
		name  string
		value float64
	}{{"perActivity", l.PerActivity}, {"perDay", l.PerDay}} {
		if !inRange(x.value) {
			bad = append(bad, fmt.Sprintf("limits.%s %v is outside 0 to %v", x.name, x.value, MaxGoal))
		}
	}
	if s.Order == leaderboard.Asc {
		bad = append(bad, "limits have no use where the lowest score leads")
	}
	if l.PerDay > 0 && s.Aggregate != Sum && s.Aggregate != Count {
		bad = append(bad, fmt.Sprintf("limits.perDay is for the aggregates sum and count, not %s", string(s.Aggregate)))
	}
	if l.PerActivity > 0 && s.Aggregate == Count {
		bad = append(bad, "limits.perActivity has no use where activities are counted")
	}
	return bad
}

// inRange reports whether x can be a goal, a limit or a threshold.
func inRange(x float64) bool { return !math.IsNaN(x) && x >= 0 && x <= MaxGoal }

// pointProblems lists what is wrong with the weights of the metric points.
func (s *Spec) pointProblems() []string {
	var bad []string
	if s.Metric != Points {
		if len(s.Points) > 0 {
			bad = append(bad, "points is for the metric points")
		}
		return bad
	}
	for _, m := range slices.Sorted(maps.Keys(s.Points)) {
		if m.Unit() == "" || m == Points {
			bad = append(bad, fmt.Sprintf("points.%.40s is no metric to give points for", string(m)))
		}
		if w := s.Points[m]; !inRange(w) || w == 0 || w > 1e6 {
			bad = append(bad, fmt.Sprintf("points.%.40s %v is outside 0 to 1e+06", string(m), w))
		}
	}
	return bad
}
