package workout

import (
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Profile is what is known of an athlete beside the samples.
type Profile struct {
	// Miles: distances are told in miles, not kilometres.
	Miles bool
	// MaxHeartRate is where the heart-rate zones end, in bpm; 0 means
	// DefaultMaxHeartRate.
	MaxHeartRate float64
	// Records are the athlete's own by sport, from the workouts before; nil while
	// they are not known.
	Records map[string]Records
}

// Records are an athlete's best in a sport, 0 where there is none.
type Records struct {
	FastestKm       time.Duration     `json:"fastestKm,omitempty"`
	FastestMile     time.Duration     `json:"fastestMile,omitempty"`
	LongestDuration time.Duration     `json:"longestDuration,omitempty"`
	LongestDistance leaderboard.Score `json:"longestDistance,omitempty"`
}

// Merge returns the better of both in each part.
func (r Records) Merge(o Records) Records {
	return Records{
		FastestKm: quicker(r.FastestKm, o.FastestKm), FastestMile: quicker(r.FastestMile, o.FastestMile),
		LongestDuration: max(r.LongestDuration, o.LongestDuration), LongestDistance: max(r.LongestDistance, o.LongestDistance),
	}
}

// NumZones is how many heart-rate zones there are, the one below the first
// included.
const NumZones = 6

// DefaultMaxHeartRate is where the heart-rate zones end for whom nothing is known,
// in bpm.
const DefaultMaxHeartRate = 190

// ZoneOf is the heart-rate zone: 1 from 50 % of the maximum, 2 from 60 %, up to 5
// from 90 %; 0 below.
func ZoneOf(heartRate, maximum float64) int {
	if maximum <= 0 {
		maximum = DefaultMaxHeartRate
	}
	return min(max(int(heartRate/maximum*10)-4, 0), NumZones-1)
}

// MilestoneKind is what a milestone is for.
type MilestoneKind string

// The kinds of milestones.
const (
	MilestoneDistance MilestoneKind = "distance"      // each kilometre or mile
	MilestoneDuration MilestoneKind = "duration"      // each ten minutes of active time
	MilestoneCalories MilestoneKind = "calories"      // each 100 kcal
	MilestoneZone     MilestoneKind = "heartRateZone" // a zone from 2 on is held for the first time
	MilestoneBest     MilestoneKind = "personalBest"  // better than in every workout before
)

// What a personal best is of.
const (
	FastestKm       = "fastestKm"
	FastestMile     = "fastestMile"
	LongestDistance = "longestDistance"
	LongestDuration = "longestDuration"
)

// Steps of the milestones.
const (
	durationStep = 10 * time.Minute
	caloriesStep = 100
	// zoneHeld is how long a zone must be held to be told.
	zoneHeld = 30 * time.Second
	// What a longest distance or duration must be for a longer one to be news.
	minDistance = 1000
	minDuration = 10 * time.Minute
)

// Milestone is something that an athlete has reached. Value is in Unit (km, mi,
// min, kcal, zone; of a personal best s or m), Before what the best was.
type Milestone struct {
	Kind   MilestoneKind `json:"milestone"`
	Best   string        `json:"best,omitempty"` // what a personalBest is of
	Value  float64       `json:"value"`
	Before float64       `json:"before,omitempty"`
	Unit   string        `json:"unit"`
	Sport  string        `json:"sport,omitempty"`
	// Timer and Distance are how long the athlete was active and how far they had
	// come by then, in s and m.
	Timer    float64           `json:"totalTimerTime"`
	Distance leaderboard.Score `json:"totalDistance"`
	At       time.Time         `json:"timestamp"`

	// Vague tells that it was reached at some time in a long gap between samples:
	// Timer and Distance are of the end of the gap.
	Vague bool `json:"-"`

	split int // how many kilometres or miles there were
}

// Key tells the milestones of one athlete in one session apart: each is told once.
// It has no characters but letters, digits and /.
func (m *Milestone) Key() string {
	switch {
	case m.Kind != MilestoneBest:
		return string(m.Kind) + "/" + strconv.Itoa(int(m.Value)) + m.Unit
	case m.split > 0:
		return string(m.Kind) + "/" + m.Best + "/" + strconv.Itoa(m.split)
	}
	return string(m.Kind) + "/" + m.Best + "/" + m.Sport
}

// Told is what was told already. Both units are counted, whichever is told.
type Told struct {
	Splits   [2]int           `json:"s"` // kilometres and miles
	Tens     int              `json:"t,omitempty"`
	Hundreds int              `json:"h,omitempty"`
	Zones    uint8            `json:"z,omitempty"` // a bit for each
	Fastest  [2]time.Duration `json:"f"`           // told as the best
	Longest  map[string]bool  `json:"l,omitempty"` // what and sport
}

// hold notes in which zone the athlete is.
func (y *Tally) hold(zone int, at time.Time, over time.Duration) {
	if zone != y.zone || over == 0 || y.since.IsZero() {
		y.zone, y.since = zone, at
	}
}

// reached returns the milestones that the newest sample has brought. first: it is
// the athlete's first, and what was reached before is not told. A jump over several
// steps tells the last one.
func (y *Tally) reached(p *Profile, calories leaderboard.Score, first bool) []Milestone {
	var list []Milestone
	add := func(m Milestone) {
		if !first {
			m.Timer, m.Distance, m.At, m.Vague = y.Timer.Seconds(), y.Dist, y.Last, y.gap > maxGap
			list = append(list, m)
		}
	}
	leg := &y.Legs[len(y.Legs)-1]
	for i, length := range stretches {
		n := int(y.Dist.Units() / length)
		if n <= y.Told.Splits[i] {
			continue
		}
		y.Told.Splits[i] = n
		if p.Miles != (i == 1) {
			continue
		}
		add(Milestone{Kind: MilestoneDistance, Value: float64(n), Unit: [2]string{"km", "mi"}[i], Sport: leg.Sport})
		if m, ok := y.fastest(p, leg.Sport, i, n); ok {
			add(m)
		}
	}
	if n := int(y.Timer / durationStep); n > y.Told.Tens {
		y.Told.Tens = n
		add(Milestone{Kind: MilestoneDuration, Value: float64(n) * durationStep.Minutes(), Unit: "min", Sport: leg.Sport})
	}
	if n := int(calories.Units() / caloriesStep); n > y.Told.Hundreds {
		y.Told.Hundreds = n
		add(Milestone{Kind: MilestoneCalories, Value: float64(n * caloriesStep), Unit: "kcal", Sport: leg.Sport})
	}
	if bit := uint8(1) << y.zone; y.zone >= 2 && y.Told.Zones&bit == 0 && !y.since.IsZero() && y.Last.Sub(y.since) >= zoneHeld {
		y.Told.Zones |= bit
		add(Milestone{Kind: MilestoneZone, Value: float64(y.zone), Unit: "zone", Sport: leg.Sport})
	}
	for _, m := range y.longest(p, leg.Sport) {
		add(m)
	}
	return list
}

// fastest returns the personal best over a stretch that a split makes certain.
func (y *Tally) fastest(p *Profile, sport string, i, split int) (Milestone, bool) {
	r, ok := p.Records[sport]
	before, name := r.FastestKm, FastestKm
	if i == 1 {
		before, name = r.FastestMile, FastestMile
	}
	best := y.of(sport).Best[i]
	if !ok || before == 0 || best == 0 || best >= before || y.Told.Fastest[i] != 0 && best >= y.Told.Fastest[i] {
		return Milestone{}, false
	}
	y.Told.Fastest[i] = best
	return Milestone{Kind: MilestoneBest, Best: name, Value: best.Seconds(), Before: before.Seconds(), Unit: "s", Sport: sport, split: split}, true
}

// longest returns the personal bests of going on.
func (y *Tally) longest(p *Profile, sport string) []Milestone {
	r, ok := p.Records[sport]
	if !ok {
		return nil
	}
	var list []Milestone
	now := y.of(sport)
	for _, x := range []struct {
		name          string
		value, before float64
		least         float64
		unit          string
	}{
		{LongestDistance, now.Dist.Units(), r.LongestDistance.Units(), minDistance, "m"},
		{LongestDuration, now.Timer.Seconds(), r.LongestDuration.Seconds(), minDuration.Seconds(), "s"},
	} {
		if x.before < x.least || x.value <= x.before || y.Told.Longest[x.name+" "+sport] {
			continue
		}
		if y.Told.Longest == nil {
			y.Told.Longest = make(map[string]bool)
		}
		y.Told.Longest[x.name+" "+sport] = true
		list = append(list, Milestone{Kind: MilestoneBest, Best: x.name, Value: x.value, Before: x.before, Unit: x.unit, Sport: sport})
	}
	return list
}
