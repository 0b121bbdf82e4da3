// Package recording turns a workout file (FIT, TCX, GPX or CSV) into legs and
// samples: what the device measured, in SI units, and nothing that it did not.
//
// Heart rate 0 is what devices write for "no strap" and is treated as absent;
// gaps, repeated timestamps and jumps stay as they were recorded.
package recording

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of what one file may hold. A file beyond them is refused, so that a
// hostile or mistaken file cannot fill the memory.
const (
	// MaxBytes is the largest file that is read: 64 MiB, some ten times a day's
	// recording with every sensor.
	MaxBytes = 64 << 20
	// MaxSamples is the most samples that one recording may have: eleven days at
	// one a second.
	MaxSamples = 1_000_000
	// MaxLegs is the most legs of one recording.
	MaxLegs = 1000
)

// Format is how a recording is written down.
type Format string

// The formats that Decode reads.
const (
	FIT Format = "fit"
	TCX Format = "tcx"
	GPX Format = "gpx"
	CSV Format = "csv"
)

// Recording is one decoded file.
type Recording struct {
	// Format is the form of the file.
	Format Format
	// Device names what recorded it ("garmin 3290"), "" when the file does not say.
	Device string
	// Start is the moment of the first sample; zero when the file has elapsed
	// times only (CSV).
	Start time.Time
	// Hash is the SHA-256 of the file's bytes, in hexadecimal.
	Hash string
	// Samples are in the order of the file.
	Samples []Sample
	// Legs are in order of time; at least one when there are samples.
	Legs []Leg
}

// Elapsed is the time from the first sample to the last one.
func (r *Recording) Elapsed() time.Duration {
	if len(r.Samples) == 0 {
		return 0
	}
	return r.Samples[len(r.Samples)-1].Elapsed
}

// Sample is what the device measured at one moment. A nil field was not measured.
type Sample struct {
	// Elapsed is the time since the recording's first sample.
	Elapsed time.Duration
	// Leg is the index of the sample's leg.
	Leg int
	// Paused is true while the device's timer was stopped.
	Paused bool

	HeartRate   *float64 // bpm
	Cadence     *float64 // rpm, one foot
	Power       *float64 // W
	Speed       *float64 // m/s
	Distance    *float64 // m, cumulative as the file has it
	Altitude    *float64 // m
	Grade       *float64 // %
	Temperature *float64 // C
	Calories    *float64 // kcal, cumulative

	// Position is nil where the device had none.
	Position *Position
}

// Position is a place in WGS84.
type Position struct {
	Latitude  float64  // degrees, -90 to 90
	Longitude float64  // degrees, -180 to 180
	Accuracy  *float64 // m, horizontal; nil when not measured
}

// Measured reports whether the sample has any value at all.
func (s *Sample) Measured() bool {
	for _, v := range []*float64{
		s.HeartRate, s.Cadence, s.Power, s.Speed, s.Distance,
		s.Altitude, s.Grade, s.Temperature, s.Calories,
	} {
		if v != nil {
			return true
		}
	}
	return s.Position != nil
}

// Leg is one sport of a recording: a FIT session, a TCX activity, a GPX track.
type Leg struct {
	Sport    string // FIT sport in camelCase, "generic" when not known
	SubSport string // FIT sub sport in camelCase, "" when not known
	// Start is the leg's start, counted from the recording's first sample. It is
	// negative where the device began the leg before its first sample.
	Start time.Duration
	// First and End delimit the leg's samples: Samples[First:End].
	First, End int

	Totals Totals
}

// Totals is what one leg amounts to. Nil means that neither the device's own
// totals nor the samples have it.
type Totals struct {
	Elapsed  time.Duration // start to end, pauses included; more than 0
	Timer    *float64      // s, pauses excluded
	Distance *float64      // m, see legDistance for where it is taken from
	Calories *float64      // kcal
	Ascent   *float64      // m
	Steps    *float64      // count
	Repeats  *float64      // repetitions, count
	AvgHeart *float64      // bpm
	MaxHeart *float64      // bpm
	AvgPower *float64      // W
	AvgSpeed *float64      // m/s
	MaxSpeed *float64      // m/s

	// DeviceDistance is the device's own total, in m, and SampleDistance what the
	// leg's samples say: both shown beside Distance, so that nobody need guess.
	DeviceDistance *float64
	SampleDistance *float64
}

// ErrUnknownFormat is returned for a file that is none of the four formats.
var ErrUnknownFormat = errors.New("not a FIT, TCX, GPX or CSV recording")

// DamageError says what is wrong with a file and where. Decode returns it
// together with what was decoded before the damage.
type DamageError struct {
	Format Format
	Offset int64  // byte offset from the file's start, -1 when not known
	Line   int    // line, from 1; 0 in a binary format
	What   string // in words
	Err    error  // the decoder's own error, or nil
}

// Error gives the place first, as compilers do.
func (e *DamageError) Error() string {
	where := "unknown place"
	switch {
	case e.Line > 0 && e.Offset >= 0:
		where = fmt.Sprintf("line %d (byte %d)", e.Line, e.Offset)
	case e.Line > 0:
		where = fmt.Sprintf("line %d", e.Line)
	case e.Offset >= 0:
		where = fmt.Sprintf("byte %d", e.Offset)
	}
	if e.Err == nil {
		return fmt.Sprintf("damaged %s file at %s: %s", e.Format, where, e.What)
	}
	return fmt.Sprintf("damaged %s file at %s: %s: %v", e.Format, where, e.What, e.Err)
}

// Unwrap returns the decoder's own error.
func (e *DamageError) Unwrap() error { return e.Err }

// readAll reads at most MaxBytes.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("read recording: longer than %d MiB", MaxBytes>>20)
	}
	return data, nil
}
