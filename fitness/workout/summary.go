package workout

import (
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Summary is what an athlete did in a session. What was not measured is absent.
type Summary struct {
	Sport     string    `json:"sport,omitempty"` // of the longest leg
	StartTime time.Time `json:"startTime"`
	EndTime   time.Time `json:"endTime"`
	Totals
	Means
	// BestKm and BestMile are the fastest ones in the sport, in s.
	BestKm   float64 `json:"bestKm,omitzero"`
	BestMile float64 `json:"bestMile,omitzero"`
	// Zones are the seconds in the heart-rate zones from 0, below the first, to 5;
	// MaxHeartRate of them is ZonesUpTo.
	Zones     []float64    `json:"timeInHeartRateZones,omitempty"`
	ZonesUpTo float64      `json:"zonesMaxHeartRate,omitzero"`
	Legs      []LegSummary `json:"legs,omitempty"`
}

// Totals are what adds up: seconds, metres, kilocalories, counts.
type Totals struct {
	Elapsed     float64            `json:"totalElapsedTime"`
	Timer       float64            `json:"totalTimerTime"`
	Distance    *leaderboard.Score `json:"totalDistance,omitempty"`
	Calories    *leaderboard.Score `json:"totalCalories,omitempty"`
	Steps       *leaderboard.Score `json:"steps,omitempty"`
	Repetitions *leaderboard.Score `json:"repetitions,omitempty"`
}

// Means are means over the time and maxima, in the units of the samples.
type Means struct {
	AvgHeartRate *leaderboard.Score `json:"avgHeartRate,omitempty"`
	MaxHeartRate *leaderboard.Score `json:"maxHeartRate,omitempty"`
	AvgCadence   *leaderboard.Score `json:"avgCadence,omitempty"`
	MaxCadence   *leaderboard.Score `json:"maxCadence,omitempty"`
	AvgPower     *leaderboard.Score `json:"avgPower,omitempty"`
	MaxPower     *leaderboard.Score `json:"maxPower,omitempty"`
	AvgSpeed     *leaderboard.Score `json:"avgSpeed,omitempty"`
	MaxSpeed     *leaderboard.Score `json:"maxSpeed,omitempty"`
}

// LegSummary is the part of a workout in one sport.
type LegSummary struct {
	Sport     string             `json:"sport,omitempty"`
	StartTime time.Time          `json:"startTime"`
	Timer     float64            `json:"totalTimerTime"`
	Distance  *leaderboard.Score `json:"totalDistance,omitempty"`
	BestKm    float64            `json:"bestKm,omitzero"`
	BestMile  float64            `json:"bestMile,omitzero"`
}

// Summary returns what the athlete did, or false before the first sample.
func (t *Track) Summary(p Profile) (Summary, bool) {
	y := t.tally
	if y == nil || len(y.Legs) == 0 {
		return Summary{}, false
	}
	sport := y.mainSport()
	best := y.of(sport).Best
	s := Summary{
		Sport: sport, StartTime: y.First.UTC(), EndTime: y.Last.UTC(),
		BestKm: best[0].Seconds(), BestMile: best[1].Seconds(),
		Totals: Totals{
			Elapsed: min(max(y.Last.Sub(y.First), 0), maxElapsed).Seconds(), Timer: y.Timer.Seconds(),
			Distance: t.total(Distance), Calories: t.total(Calories), Steps: t.total(Steps), Repetitions: t.total(Repetitions),
		},
	}
	for i, to := range [len(gauged)][2]**leaderboard.Score{
		{&s.AvgHeartRate, &s.MaxHeartRate}, {&s.AvgCadence, &s.MaxCadence}, {&s.AvgPower, &s.MaxPower}, {&s.AvgSpeed, &s.MaxSpeed},
	} {
		if mean, ok := y.Gauges[i].Mean(); ok {
			*to[0], *to[1] = tenths(mean, i), tenths(y.Gauges[i].Max, i)
		}
	}
	if y.Gauges[0].N > 0 {
		s.ZonesUpTo = p.MaxHeartRate
		if s.ZonesUpTo == 0 {
			s.ZonesUpTo = DefaultMaxHeartRate
		}
		for _, z := range y.Zones {
			s.Zones = append(s.Zones, z.Seconds())
		}
	}
	// How far one came in the time says more than what the samples' speed does.
	if covered := y.Dist - y.Before; s.Distance != nil && covered > 0 && y.Timer > 0 {
		s.AvgSpeed = tenths(covered.Units()/y.Timer.Seconds(), len(gauged)-1)
	}
	for i := range y.Legs {
		s.Legs = append(s.Legs, y.Legs[i].summary(s.Distance != nil))
	}
	return s, true
}

// tenths rounds a gauge's figure: speeds to a thousandth, others to a tenth.
func tenths(v float64, gauge int) *leaderboard.Score {
	step := leaderboard.ScoreOf(0.1)
	if gauged[gauge] == speed {
		step = leaderboard.ScoreOf(0.001)
	}
	x := (leaderboard.ScoreOf(v) + step/2) / step * step
	return &x
}

// total is the metric's total, nil when it was not measured.
func (t *Track) total(m Metric) *leaderboard.Score {
	if v, _, ok := t.Standing(m); ok {
		return &v
	}
	return nil
}

func (l *Leg) summary(measured bool) LegSummary {
	s := LegSummary{
		Sport: l.Sport, StartTime: l.Start.UTC(), Timer: l.Timer.Seconds(),
		BestKm: l.Best[0].Seconds(), BestMile: l.Best[1].Seconds(),
	}
	if measured {
		s.Distance = &l.Dist
	}
	return s
}

// mainSport is the sport with the most active time, the first of them.
func (y *Tally) mainSport() string {
	sport, most := "", time.Duration(-1)
	for i := range y.Legs {
		if took := y.of(y.Legs[i].Sport).Timer; took > most {
			sport, most = y.Legs[i].Sport, took
		}
	}
	return sport
}

// Records returns what the workout would set as the athlete's bests, by sport.
func (t *Track) Records() map[string]Records {
	if t.tally == nil {
		return nil
	}
	list := make(map[string]Records)
	for i := range t.tally.Legs {
		sport := t.tally.Legs[i].Sport
		if sport == "" {
			continue
		}
		sum := t.tally.of(sport)
		list[sport] = Records{
			FastestKm: sum.Best[0], FastestMile: sum.Best[1],
			LongestDuration: sum.Timer, LongestDistance: sum.Dist,
		}
	}
	return list
}
