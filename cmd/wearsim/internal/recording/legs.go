package recording

import (
	"math"
	"slices"
	"time"
)

// generic is FIT's word for a sport that is not known.
const generic = "generic"

// finish joins samples and sessions.
func (b *builder) finish() *Recording {
	rec := &Recording{Device: b.device}
	if len(b.points) == 0 {
		return rec
	}
	start := b.points[0].at
	if !b.undated {
		rec.Start = start.UTC()
	}
	if !b.byOrder {
		b.sortSessions()
	}
	if len(b.sessions) == 0 { // an XML file cut before its first sample's leg is one
		b.sessions = []session{{sport: generic, start: start}}
	}
	rec.Samples = make([]Sample, len(b.points))
	for i := range b.points {
		rec.Samples[i] = b.points[i].Sample
		rec.Samples[i].Elapsed = max(0, b.points[i].at.Sub(start))
	}
	rec.Legs = make([]Leg, 0, len(b.sessions))
	for i, s := range b.sessions {
		end := len(b.points)
		if i+1 < len(b.sessions) {
			end = b.sessions[i+1].first
		}
		rec.Legs = append(rec.Legs, Leg{
			Sport: s.sport, SubSport: s.subSport,
			Start: s.start.Sub(start), First: s.first, End: max(end, s.first),
			Totals: s.totals,
		})
		for k := s.first; k < end; k++ {
			rec.Samples[k].Leg = i
		}
	}
	for i := range rec.Legs {
		fillTotals(rec, i, b.sessions[i])
	}
	b.countRepetitions(rec, start)
	return rec
}

// countRepetitions adds each set to the leg during which it began.
func (b *builder) countRepetitions(rec *Recording, start time.Time) {
	for _, set := range b.sets {
		i := len(rec.Legs) - 1
		for i > 0 && set.at.Sub(start) < rec.Legs[i].Start {
			i--
		}
		t := &rec.Legs[i].Totals
		if t.Repeats == nil {
			t.Repeats = new(float64)
		}
		*t.Repeats += set.repetitions
	}
}

// addOpenSession adds the leg that has samples but no totals: there is no
// session at all (CSV, a FIT file cut before its end), or the cut came within a
// later leg of several.
func (b *builder) addOpenSession() {
	open := session{sport: generic, start: b.points[0].at}
	if b.sport != "" {
		open.sport = b.sport
	}
	if n := len(b.sessions); n > 0 {
		if !b.cut {
			return
		}
		end := b.sessions[n-1].start.Add(b.sessions[n-1].elapsed + time.Second)
		i := slices.IndexFunc(b.points, func(p point) bool { return p.at.After(end) })
		if i < 0 {
			return
		}
		open.start = b.points[i].at
	}
	b.sessions = append(b.sessions, open)
}

// sortSessions puts the sessions in order of time and gives each the points
// from its start to the start of the next one. FIT writes sessions after their
// records, and one device all of them at the very end, so only the time tells.
// A point on the boundary belongs to the leg that begins there.
func (b *builder) sortSessions() {
	b.addOpenSession()
	slices.SortStableFunc(b.sessions, func(x, y session) int { return x.start.Compare(y.start) })
	next := 0
	for i := range b.sessions {
		if i > 0 {
			for next < len(b.points) && b.points[next].at.Before(b.sessions[i].start) {
				next++
			}
		}
		b.sessions[i].first = next
	}
}

// fillTotals completes the device's totals with what the samples say.
func fillTotals(rec *Recording, i int, s session) {
	leg := &rec.Legs[i]
	samples := rec.Samples[leg.First:leg.End]
	t := &leg.Totals
	t.Elapsed = s.elapsed
	if t.Elapsed <= 0 && len(samples) > 0 {
		t.Elapsed = samples[len(samples)-1].Elapsed - leg.Start
	}
	// A timer cannot run longer than its leg: where only the timer's time is
	// known, the samples end before the leg does.
	if t.Timer != nil && s.elapsed <= 0 {
		t.Elapsed = max(t.Elapsed, time.Duration(*t.Timer*float64(time.Second)))
	}
	// A leg of a single sample still lasted: the wire contract asks for 1 s at
	// least, and a device that samples once a second means that.
	t.Elapsed = max(t.Elapsed, time.Second)

	t.DeviceDistance = s.distance
	t.SampleDistance = sampleDistance(rec, leg)
	t.Distance = legDistance(t.DeviceDistance, t.SampleDistance, len(rec.Legs) == 1)

	fill := func(dst **float64, pick func(*Sample) *float64, fold func([]float64) float64) {
		if *dst != nil {
			return
		}
		if vals := collect(samples, pick); len(vals) > 0 {
			*dst = num(fold(vals))
		}
	}
	heart := func(s *Sample) *float64 { return s.HeartRate }
	fill(&t.AvgHeart, heart, mean)
	fill(&t.MaxHeart, heart, slices.Max)
	fill(&t.AvgPower, func(s *Sample) *float64 { return s.Power }, mean)
	fill(&t.MaxSpeed, func(s *Sample) *float64 { return s.Speed }, slices.Max)
	if t.AvgSpeed == nil && t.Distance != nil {
		moving := t.Elapsed.Seconds()
		if t.Timer != nil && *t.Timer > 0 {
			moving = *t.Timer
		}
		t.AvgSpeed = num(round(*t.Distance/moving, 3))
	}
}

// How far samples and the device's total may differ before one of the two is
// taken for broken.
const (
	distanceTolerance      = 0.02 // share of the larger one
	distanceToleranceFloor = 50.0 // m, for short legs: samples need not hit a leg's ends
)

// legDistance decides which figure a leg's distance is, in m; nil when there is
// none. The device's total and the last sample differ a little in every honest
// file, for different reasons:
//
//   - A recording of one leg begins at zero with its first sample, so its last
//     sample is the whole distance, and it is what everybody saw on the live
//     board. The device's total may be something else: a watch in track mode
//     rounds it to whole laps. So the last sample counts.
//   - In a recording of several legs the samples do not fall on the boundaries
//     (a swim has one a minute): the difference of two samples would give metres
//     of one leg to the other. The device measured each leg itself, so its total
//     counts.
//
// Either rule yields where its figure falls clearly short of the other one: a
// sensor that dropped out leaves the samples short, and some exports write a
// total of the last split only.
func legDistance(device, samples *float64, only bool) *float64 {
	switch {
	case device == nil:
		return samples
	case samples == nil:
		return device
	}
	first, second := device, samples
	if only {
		first, second = samples, device
	}
	if *second-*first > max(distanceTolerance**second, distanceToleranceFloor) {
		return second
	}
	return first
}

// sampleDistance is what the samples say that a leg measures, in m; nil without
// any. Cumulative distance may go on over the legs or start again at each.
func sampleDistance(rec *Recording, leg *Leg) *float64 {
	last := lastDistance(rec.Samples[leg.First:leg.End])
	if last == nil {
		return nil
	}
	if before := lastDistance(rec.Samples[:leg.First]); before != nil && *before <= *last {
		if first := firstDistance(rec.Samples[leg.First:leg.End]); *first >= *before {
			return num(round(*last-*before, 2))
		}
	}
	return last
}

func firstDistance(samples []Sample) *float64 {
	for i := range samples {
		if samples[i].Distance != nil {
			return samples[i].Distance
		}
	}
	return nil
}

func lastDistance(samples []Sample) *float64 {
	for i := len(samples) - 1; i >= 0; i-- {
		if samples[i].Distance != nil {
			return samples[i].Distance
		}
	}
	return nil
}

func collect(samples []Sample, pick func(*Sample) *float64) []float64 {
	var vals []float64
	for i := range samples {
		if v := pick(&samples[i]); v != nil {
			vals = append(vals, *v)
		}
	}
	return vals
}

func mean(vals []float64) float64 {
	sum := 0.0
	for _, v := range vals {
		sum += v
	}
	return round(sum/float64(len(vals)), 2)
}

func round(v float64, decimals int) float64 {
	p := math.Pow10(decimals)
	return math.Round(v*p) / p
}
