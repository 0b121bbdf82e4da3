package workout

import (
	"fmt"
	"math"
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// monitor looks at one device's samples over time for what is accepted but odd.
// Its memory does not grow.
type monitor struct {
	heart, power, longPower, speed window

	calories, steps anchor

	last     time.Time // of the last sample
	lastDist float64   // its distance in the leg
	haveDist bool
	travel   float64 // the integral of speed over the leg, m
	covered  float64 // what distance grew by in the same spans, m
}

// minTravel is how far a leg must have gone before distance is held against the
// integral of speed, in m: rounding matters less from there on.
const minTravel = 500

// maxStep is the longest gap between samples that speed is integrated over.
const maxStep = 10 * time.Second

// look returns the findings on a sample that is newer than the ones before.
// late tells that the sample came in a batch, where age is no finding.
func (m *monitor) look(s *Sample, sport string, newLeg bool, now time.Time, late bool) []fitness.Flag {
	var flags []fitness.Flag
	if age := now.Sub(s.Timestamp); age > time.Minute && !late {
		flags = append(flags, fitness.Flag{Field: "timestamp", Reason: fmt.Sprintf("timestamp is %s old, over the limit of 60 s", age.Round(time.Second))})
	}
	if v, ok := s.get(heartRate); ok {
		flags = fitness.Check(flags, "heartRate", "", v, 220, "bpm")
		flags = m.heart.check(flags, "heartRate", s.Timestamp, time.Minute, v, 210, "bpm")
	}
	if v, ok := s.get(cadence); ok {
		flags = fitness.Check(flags, "cadence", "", v, cadenceLimit(sport), "rpm")
	}
	if v, ok := s.get(power); ok {
		flags = m.power.check(flags, "power", s.Timestamp, time.Minute, v, 800, "W")
		flags = m.longPower.check(flags, "power", s.Timestamp, 20*time.Minute, v, 500, "W")
	}
	if v, ok := s.get(horizontalAccuracy); ok {
		flags = fitness.Check(flags, "horizontalAccuracy", "", v, 100, "m")
	}
	if v, ok := s.get(calories); ok {
		flags = fitness.Check(flags, "calories", "calories a minute", m.calories.rate(s.Timestamp, v, newLeg), 25, "kcal")
	}
	if v, ok := s.get(steps); ok {
		flags = fitness.Check(flags, "steps", "steps a minute", m.steps.rate(s.Timestamp, v, newLeg), 300, "")
	}
	if newLeg {
		m.speed = window{}
	}
	if v, ok := s.get(speed); ok {
		flags = m.speed.check(flags, "speed", s.Timestamp, 30*time.Second, v, fitness.MeanSpeedLimit(sport), "m/s")
	}
	return append(flags, m.distance(s, newLeg)...)
}

// cadenceLimit is the soft limit of a sport's cadence in rpm, or 0.
func cadenceLimit(sport string) float64 {
	switch fitness.SportClass(sport) {
	case fitness.Run:
		return 150
	case fitness.Ride:
		return 200
	}
	return 0
}

// distance holds the leg's distance against itself and against speed.
func (m *monitor) distance(s *Sample, newLeg bool) []fitness.Flag {
	d, ok := s.get(distance)
	if !ok {
		m.last = s.Timestamp
		return nil
	}
	step := s.Timestamp.Sub(m.last)
	m.last = s.Timestamp
	if newLeg || !m.haveDist {
		m.lastDist, m.haveDist, m.travel, m.covered = d, true, 0, 0
		return nil
	}
	grown := d - m.lastDist
	before := m.lastDist
	m.lastDist = d
	if grown < 0 {
		return []fitness.Flag{{Field: "distance", Reason: fitness.Sentence("distance", d, "back under", before, "m") + " reached before"}}
	}
	if v, ok := s.get(speed); ok && step > 0 && step <= maxStep {
		m.travel += v * step.Seconds()
		m.covered += grown
	}
	if m.travel > minTravel && math.Abs(m.covered-m.travel) > 0.2*m.travel {
		return []fitness.Flag{{Field: "distance", Reason: fmt.Sprintf("distance grew by %.0f m where speed says %.0f m, over the limit of 20%%", m.covered, m.travel)}}
	}
	return nil
}

// buckets is how finely a window forgets: in steps of a twelfth of its span.
const buckets = 12

// window is a mean over a sliding span.
type window struct {
	first, last int64 // bucket numbers since 1970; 0 = empty
	sum         [buckets]float64
	n           [buckets]int32
}

// check adds a value and a flag when the mean over the full span is over limit.
func (w *window) check(flags []fitness.Flag, field string, t time.Time, span time.Duration, v, limit float64, unit string) []fitness.Flag {
	mean, full := w.add(t, span, v)
	if !full {
		return flags
	}
	return fitness.Check(flags, field, fmt.Sprintf("%s mean of %g s", field, span.Seconds()), mean, limit, unit)
}

// add adds a value and returns the mean, and whether values span all of it.
func (w *window) add(t time.Time, span time.Duration, v float64) (mean float64, full bool) {
	b := t.UnixNano() / int64(span/buckets)
	switch {
	case w.last == 0 || b-w.last >= buckets:
		*w = window{first: b, last: b}
	case b <= w.last-buckets:
		return 0, false // older than what is remembered
	}
	for w.last < b {
		w.last++
		w.sum[w.last%buckets], w.n[w.last%buckets] = 0, 0
	}
	w.sum[b%buckets] += v
	w.n[b%buckets]++
	var sum float64
	var n int32
	for i := range buckets {
		sum += w.sum[i]
		n += w.n[i]
	}
	return sum / float64(n), w.last-w.first >= buckets-1
}

// anchor is where a count stood at least a minute ago, roughly.
type anchor struct {
	at    time.Time
	value float64
}

// rate returns what the count grew by a minute since the anchor, once that is a
// minute old, and moves the anchor; else 0.
func (a *anchor) rate(t time.Time, v float64, newLeg bool) float64 {
	if a.at.IsZero() || newLeg || v < a.value {
		*a = anchor{at: t, value: v}
		return 0
	}
	span := t.Sub(a.at)
	if span < time.Minute {
		return 0
	}
	grown := v - a.value
	*a = anchor{at: t, value: v}
	return grown / span.Minutes()
}
