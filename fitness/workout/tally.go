package workout

import (
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

const (
	// maxGap is the longest time between two samples that counts as active by
	// itself; of a longer one what the device's elapsedTime says.
	maxGap = time.Minute
	// maxElapsed is the longest workout, in line with the hard limit of
	// elapsedTime.
	maxElapsed = 48 * time.Hour
	// MaxLegs bounds the legs that are told apart; what comes after belongs to
	// the last one.
	MaxLegs = 32
)

// gauged are the measures with a mean and a maximum, as Tally.Gauges has them.
var gauged = [...]measure{heartRate, cadence, power, speed}

// Tally sums up one athlete's part of a session from the newest samples, whichever
// device they came from. All of it is kept over a restart but for the stretch
// under way of the fastest kilometre and mile, and how long a zone has been held.
type Tally struct {
	First  time.Time          `json:"f"` // when the workout began
	Last   time.Time          `json:"l"` // timestamp of the newest sample
	Timer  time.Duration      `json:"t"` // active time
	Gauges [len(gauged)]Gauge `json:"g"`
	Zones  [NumZones]Span     `json:"z"` // time by heart-rate zone, 0 is below the first
	Legs   []Leg              `json:"e,omitempty"`
	Told   Told               `json:"o"`
	Before leaderboard.Score  `json:"b,omitempty"` // distance from before the timing began
	Dist   leaderboard.Score  `json:"d,omitempty"` // the highest total so far
	Device float64            `json:"v"`           // elapsedTime of the newest sample, negative when absent
	pace   pace
	idle   bool // the newest sample said that the athlete pauses
	zone   int  // the one held since
	since  time.Time
	gap    time.Duration // between the two newest samples
}

// Span is a time that is added up.
type Span = time.Duration

// Gauge is the mean over time and the maximum of a measure.
type Gauge struct {
	Sum  float64   `json:"s,omitempty"` // values times seconds
	Over float64   `json:"o,omitempty"` // seconds
	Max  float64   `json:"m,omitempty"`
	N    int64     `json:"n,omitempty"` // samples
	last time.Time // of the newest value
}

// Mean returns the mean over time, the only value where there is one, or false.
func (g *Gauge) Mean() (float64, bool) {
	if g.Over <= 0 {
		return g.Max, g.N > 0
	}
	return g.Sum / g.Over, true
}

// Leg is the part of a workout in one sport.
type Leg struct {
	Sport string            `json:"s,omitempty"`
	Start time.Time         `json:"t"`
	Timer time.Duration     `json:"a,omitempty"`
	Dist  leaderboard.Score `json:"d,omitempty"`
	// Best is the time of the fastest kilometre and mile, 0 before there is one.
	Best [2]time.Duration `json:"b"`
}

// newTally begins with a sample. What the device has counted before the sample
// belongs to the workout where its elapsedTime says since when.
func newTally(s *Sample, total leaderboard.Score) *Tally {
	y := &Tally{First: s.Timestamp, Last: s.Timestamp, Device: s.Elapsed, idle: s.Status == StatusPaused}
	if s.Elapsed > 0 {
		y.Timer = seconds(s.Elapsed)
		y.First = s.Timestamp.Add(-y.Timer)
	} else {
		y.Before, y.Dist = total, total
	}
	return y
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// take adds a sample after which the athlete has a total distance.
func (y *Tally) take(s *Sample, sport string, newLeg bool, total leaderboard.Score, maxHeartRate float64) {
	active := y.active(s)
	y.Timer += active
	y.gap = s.Timestamp.Sub(y.Last)
	leg := y.leg(s, sport, newLeg)
	leg.Timer += active
	if grown := total - y.Dist; grown > 0 {
		leg.Dist += grown
		y.Dist = total
	}
	if s.has(distance) {
		y.pace.add(leg, s.Timestamp.Sub(leg.Start))
	}
	for i, m := range gauged {
		v, ok := s.get(m)
		if !ok {
			continue
		}
		over := y.Gauges[i].add(v, s.Timestamp, y.idle)
		if m == heartRate {
			y.Zones[ZoneOf(v, maxHeartRate)] += over
			y.hold(ZoneOf(v, maxHeartRate), s.Timestamp, over)
		}
	}
	y.Last, y.Device, y.idle = s.Timestamp, s.Elapsed, s.Status == StatusPaused
}

// active is for how much of the time since the sample before the athlete was
// active: none when that one said paused.
func (y *Tally) active(s *Sample) time.Duration {
	gap := s.Timestamp.Sub(y.Last)
	if gap <= 0 || y.idle {
		return 0
	}
	if s.Elapsed >= 0 && y.Device >= 0 && s.Elapsed > y.Device {
		return min(gap, seconds(s.Elapsed-y.Device))
	}
	if gap > maxGap {
		return 0
	}
	return gap
}

// leg returns the leg that the sample belongs to.
func (y *Tally) leg(s *Sample, sport string, newLeg bool) *Leg {
	n := len(y.Legs)
	switch {
	case n == 0:
		y.Legs = append(y.Legs, Leg{Sport: sport, Start: y.First, Timer: y.Timer})
	case newLeg && n < MaxLegs && y.Legs[n-1].Sport != sport:
		y.Legs = append(y.Legs, Leg{Sport: sport, Start: s.Timestamp})
		y.pace.reset()
	case newLeg:
		y.pace.reset() // a new run of the same sport: nothing is known of the way between
	case y.Legs[n-1].Sport == "":
		y.Legs[n-1].Sport = sport
	}
	return &y.Legs[len(y.Legs)-1]
}

// add adds a value and returns for how long it stands.
func (g *Gauge) add(v float64, at time.Time, idle bool) time.Duration {
	gap := at.Sub(g.last)
	known := !g.last.IsZero()
	g.last = at
	g.N++
	g.Max = max(g.Max, v)
	if !known || idle || gap <= 0 || gap > maxStep {
		return 0
	}
	g.Sum += v * gap.Seconds()
	g.Over += gap.Seconds()
	return gap
}

// of sums up the legs of a sport.
func (y *Tally) of(sport string) (sum Leg) {
	sum.Sport = sport
	for i := range y.Legs {
		l := &y.Legs[i]
		if l.Sport != sport {
			continue
		}
		sum.Timer += l.Timer
		sum.Dist += l.Dist
		for k, b := range l.Best {
			sum.Best[k] = quicker(sum.Best[k], b)
		}
	}
	return sum
}

// quicker is the shorter of two times, 0 being none.
func quicker(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
