package workout

import "strings"

// Metric is what a live leaderboard ranks by, named like the sample's field.
type Metric string

// The metrics. The first four add up over the legs of a session; the others
// are the newest value.
const (
	Distance    Metric = "distance"
	Calories    Metric = "calories"
	Steps       Metric = "steps"
	Repetitions Metric = "repetitions"
	HeartRate   Metric = "heartRate"
	Power       Metric = "power"
	Speed       Metric = "speed"
	Cadence     Metric = "cadence"
)

// metrics holds every metric with its unit.
var metrics = []struct {
	name Metric
	unit string
}{
	{Distance, "m"}, {Calories, "kcal"}, {Steps, "count"}, {Repetitions, "count"},
	{HeartRate, "bpm"}, {Power, "W"}, {Speed, "m/s"}, {Cadence, "rpm"},
}

// Valid reports whether m is one of the metrics.
func (m Metric) Valid() bool { return m.Unit() != "" }

// Unit returns the unit of the metric's scores, "" for one that is not known.
func (m Metric) Unit() string {
	for _, x := range metrics {
		if x.name == m {
			return x.unit
		}
	}
	return ""
}

// Cumulative reports whether a device counts the metric up over a leg.
func (m Metric) Cumulative() bool {
	switch m {
	case Distance, Calories, Steps, Repetitions:
		return true
	}
	return false
}

// metricList names the metrics for an error.
func metricList() string {
	names := make([]string, len(metrics))
	for i, x := range metrics {
		names[i] = string(x.name)
	}
	return strings.Join(names, ", ")
}
