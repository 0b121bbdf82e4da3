// Package workout holds the rules of live workouts: what a session is and how
// it passes from one state to the next, which live samples are plausible, how
// the legs of a workout add up, and who leads. It is pure: no context, no
// input or output, no locks, no goroutines, no clock.
package workout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// Limits of a progress message.
const (
	// MaxSampleBytes is the length limit of a live sample.
	MaxSampleBytes = 1024
	// MaxBatchBytes is the length limit of a batch.
	MaxBatchBytes = 16 * 1024
	// MaxBatch is how many samples a batch may hold.
	MaxBatch = 60
	// MaxSeq is the largest seq, the largest integer that every JSON reader
	// represents exactly.
	MaxSeq = 1<<53 - 1
)

// Status is what an athlete is doing, by their device.
type Status string

// The statuses of a sample.
const (
	StatusActive Status = "active"
	StatusPaused Status = "paused"
	StatusEnded  Status = "ended"
)

// measure is a field of a sample that holds a measured value.
type measure uint8

const (
	heartRate measure = iota
	cadence
	power
	speed
	distance
	altitude
	grade
	temperature
	latitude
	longitude
	horizontalAccuracy
	calories
	steps
	repetitions
	numMeasures
)

// Sample is a live sample that has passed the hard limits.
type Sample struct {
	Seq       int64
	Timestamp time.Time
	// Elapsed is the elapsedTime in s, or negative when absent.
	Elapsed float64
	Sport   string // "" when absent
	Status  Status
	// Raw is the JSON object as it came.
	Raw []byte

	values  [numMeasures]float64
	present uint32 // a bit for each measure
}

// has reports whether the measure was there.
func (s *Sample) has(m measure) bool { return s.present&(1<<m) != 0 }

// get returns a measure and whether it was there.
func (s *Sample) get(m measure) (float64, bool) { return s.values[m], s.has(m) }

// Value returns the metric's field and whether it was there.
func (s *Sample) Value(m Metric) (float64, bool) {
	for i, x := range metrics {
		if x.name == m {
			return s.get(metricMeasure[i])
		}
	}
	return 0, false
}

// metricMeasure is the measure of each entry of metrics.
var metricMeasure = []measure{distance, calories, steps, repetitions, heartRate, power, speed, cadence}

// wire is a sample as it is written in JSON.
type wire struct {
	Seq         *int64   `json:"seq"`
	Timestamp   *string  `json:"timestamp"`
	ElapsedTime *float64 `json:"elapsedTime"`
	Sport       *string  `json:"sport"`
	Status      *Status  `json:"status"`
	measures
}

// measures are the measured fields of a sample.
type measures struct {
	HeartRate          *float64 `json:"heartRate"`
	Cadence            *float64 `json:"cadence"`
	Power              *float64 `json:"power"`
	Speed              *float64 `json:"speed"`
	Distance           *float64 `json:"distance"`
	Altitude           *float64 `json:"altitude"`
	Grade              *float64 `json:"grade"`
	Temperature        *float64 `json:"temperature"`
	Latitude           *float64 `json:"latitude"`
	Longitude          *float64 `json:"longitude"`
	HorizontalAccuracy *float64 `json:"horizontalAccuracy"`
	Calories           *float64 `json:"calories"`
	Steps              *float64 `json:"steps"`
	Repetitions        *float64 `json:"repetitions"`
}

// fieldNames are the wire names of the measures.
var fieldNames = [numMeasures]string{
	"heartRate", "cadence", "power", "speed", "distance", "altitude", "grade", "temperature",
	"latitude", "longitude", "horizontalAccuracy", "calories", "steps", "repetitions",
}

// list returns the measured fields in the order of the measure constants.
func (m *measures) list() [numMeasures]*float64 {
	return [numMeasures]*float64{
		m.HeartRate, m.Cadence, m.Power, m.Speed, m.Distance, m.Altitude, m.Grade, m.Temperature,
		m.Latitude, m.Longitude, m.HorizontalAccuracy, m.Calories, m.Steps, m.Repetitions,
	}
}

// Parse reads a progress payload, a sample or a batch of them, that arrived at
// now, and returns its samples by rising seq; batch tells which it was. One bad
// sample refuses all of a batch. Errors: kind Malformed for what is not such an
// object, Invalid for a broken limit; the message names every field, value and
// limit, and the sample's place in a batch.
func Parse(payload []byte, now time.Time) (samples []Sample, batch bool, err error) {
	if len(payload) == 0 {
		return nil, false, fitness.Errorf("", fitness.Malformed, "payload is empty")
	}
	var in struct {
		Samples *[]json.RawMessage `json:"samples"`
		wire
	}
	if err := fitness.Decode(payload, MaxBatchBytes, &in); err != nil {
		return nil, false, err
	}
	if in.Samples == nil {
		s, err := judge(payload, &in.wire, now, "")
		if err != nil {
			return nil, false, err
		}
		return []Sample{s}, false, nil
	}
	list := *in.Samples
	if len(list) == 0 || len(list) > MaxBatch {
		return nil, true, fitness.Errorf("", fitness.Invalid, "samples: a batch of %d is outside the limit of 1 to %d", len(list), MaxBatch)
	}
	samples = make([]Sample, 0, len(list))
	for i, raw := range list {
		where := fmt.Sprintf("samples[%d].", i)
		var w wire
		if err := fitness.Decode(raw, MaxSampleBytes, &w); err != nil {
			return nil, true, &fitness.Error{Kind: fitness.KindOf(err), Msg: where[:len(where)-1] + ": " + fitness.Message(err), Err: err}
		}
		s, err := judge(raw, &w, now, where)
		if err != nil {
			return nil, true, err
		}
		samples = append(samples, s)
	}
	slices.SortStableFunc(samples, func(a, b Sample) int { return cmp.Compare(a.Seq, b.Seq) })
	return samples, true, nil
}

// judge holds a decoded sample against the hard limits. where precedes field
// names in the reasons.
func judge(raw []byte, w *wire, now time.Time, where string) (Sample, error) {
	if len(raw) > MaxSampleBytes {
		return Sample{}, fitness.Errorf("", fitness.Invalid, "payload of %d bytes is over the limit of %d bytes", len(raw), MaxSampleBytes)
	}
	s := Sample{Raw: raw, Elapsed: -1, Status: StatusActive}
	var bad []string
	for i, p := range w.list() {
		if p == nil || i == int(heartRate) && *p == 0 {
			continue // a strap that is not worn says 0: nothing was measured
		}
		if why := fitness.Broken(fieldNames[i], *p); why != "" {
			bad = append(bad, where+why)
		}
		s.values[i] = *p
		s.present |= 1 << i
	}
	missing := s.head(w, now, where, &bad)
	if s.present == 0 && missing == "" && len(bad) == 0 {
		bad = append(bad, where+"at least one measure is needed, such as heartRate or distance")
	}
	switch {
	case len(bad) > 0:
		return s, &fitness.Error{Kind: fitness.Invalid, Msg: strings.Join(bad, "; ")}
	case missing != "":
		return s, &fitness.Error{Kind: fitness.Malformed, Msg: where + missing}
	}
	return s, nil
}

// head reads the fields that are not measures. Broken limits go to bad; what is
// missing or of the wrong form is returned.
func (s *Sample) head(w *wire, now time.Time, where string, bad *[]string) (missing string) {
	add := func(why string) {
		if why != "" {
			*bad = append(*bad, where+why)
		}
	}
	if w.ElapsedTime != nil {
		s.Elapsed = *w.ElapsedTime
		add(fitness.Broken("elapsedTime", s.Elapsed))
	}
	if w.Sport != nil {
		s.Sport = *w.Sport
		add(fitness.NoSport("sport", s.Sport))
	}
	if w.Status != nil {
		s.Status = *w.Status
		if s.Status != StatusActive && s.Status != StatusPaused && s.Status != StatusEnded {
			add(fmt.Sprintf("status %.40q is none of active, paused, ended", string(s.Status)))
		}
	}
	switch {
	case w.Seq == nil:
		missing = "seq is missing"
	case *w.Seq < 0 || *w.Seq > MaxSeq:
		add(fmt.Sprintf("seq %d is outside the limit of 0 to %d", *w.Seq, int64(MaxSeq)))
	default:
		s.Seq = *w.Seq
	}
	if w.Timestamp == nil {
		return "timestamp is missing"
	}
	t, err := fitness.ParseTime("timestamp", *w.Timestamp)
	if err != nil {
		return fitness.Message(err)
	}
	// A device whose clock was never set may say anything; its samples pass as
	// old ones, but are not counted from before the epoch.
	s.Timestamp = t
	if epoch := time.Unix(0, 0).UTC(); t.Before(epoch) {
		s.Timestamp = epoch
	}
	add(fitness.TooFarAhead("timestamp", t, now))
	return missing
}
