package recording

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"time"
	"unicode"
)

// Decode reads a whole recording; its format is found in the content, not in
// the file's name.
//
// With a *DamageError the recording is not nil and holds what could be decoded
// before the damage, legs and totals computed from that. Every other error
// (ErrUnknownFormat, a read error, a file over the bounds) comes with nil.
func Decode(r io.Reader) (*Recording, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	format, err := Sniff(data)
	if err != nil {
		return nil, err
	}
	b := &builder{}
	switch format {
	case FIT:
		err = decodeFIT(data, b)
	case TCX:
		err = decodeTCX(bytes.NewReader(data), b)
	case GPX:
		err = decodeGPX(bytes.NewReader(data), b)
	case CSV:
		err = decodeCSV(bytes.NewReader(data), b)
	}
	if err == nil && len(b.points) == 0 {
		err = &DamageError{Format: format, Offset: int64(len(data)), What: "the file ends without a single sample"}
	}
	if err != nil && !isDamage(err) {
		return nil, err
	}
	b.cut = err != nil
	rec := b.finish()
	rec.Format = format
	sum := sha256.Sum256(data)
	rec.Hash = hex.EncodeToString(sum[:])
	return rec, err
}

func isDamage(err error) bool {
	_, ok := err.(*DamageError) //nolint:errorlint // the decoders return it unwrapped
	return ok
}

// Sniff tells the format from the first bytes: the FIT signature at byte 8, the
// root element of an XML file, or a CSV header with an elapsed_time column.
func Sniff(data []byte) (Format, error) {
	if len(data) >= 12 && string(data[8:12]) == ".FIT" {
		return FIT, nil
	}
	head := data[:min(len(data), 4096)]
	if bytes.Contains(head, []byte("<TrainingCenterDatabase")) {
		return TCX, nil
	}
	if bytes.Contains(head, []byte("<gpx")) {
		return GPX, nil
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.Contains(bytes.ToLower(line), []byte("elapsed_time")) {
		return CSV, nil
	}
	switch {
	case len(data) == 0:
		return "", fmt.Errorf("%w: the file is empty", ErrUnknownFormat)
	case len(data) < 14 && (data[0] == 12 || data[0] == 14):
		return "", fmt.Errorf("%w: %d bytes are too few for a FIT header", ErrUnknownFormat, len(data))
	case bytes.Count(line, []byte(",")) > 0 && isText(line):
		return "", fmt.Errorf("%w: line 1 looks like CSV but does not name its columns (elapsed_time,heart_rate,...)", ErrUnknownFormat)
	}
	return "", fmt.Errorf("%w: no FIT signature at byte 8, no <TrainingCenterDatabase> or <gpx> element, no CSV header", ErrUnknownFormat)
}

func isText(b []byte) bool {
	for _, r := range string(b) {
		if r == unicode.ReplacementChar || (unicode.IsControl(r) && !unicode.IsSpace(r)) {
			return false
		}
	}
	return true
}

// point is a sample whose time is absolute (or, without a date, counted from
// the Unix epoch), as decoders find it.
type point struct {
	at time.Time
	Sample
}

// session is a leg as a decoder finds it: the device's totals, not yet joined
// with the samples.
type session struct {
	sport, subSport string
	start           time.Time
	elapsed         time.Duration // 0 when the device does not say
	totals          Totals        // device's own; Distance and Elapsed unused
	distance        *float64      // m
	first           int           // index of the first point, used when byOrder
}

// repSet is one set of a strength workout.
type repSet struct {
	at          time.Time
	repetitions float64
}

// builder gathers what a decoder finds.
type builder struct {
	device   string
	sport    string // the last sport the device announced, "" when it did not
	cut      bool   // the file is damaged: its end is missing
	undated  bool   // times are counted from the epoch: there is no date
	points   []point
	sessions []session
	sets     []repSet
	// byOrder: sessions know their first point (XML formats). Otherwise points
	// belong to the session during which they fall (FIT).
	byOrder bool
}

func (b *builder) add(p point) error {
	if len(b.points) >= MaxSamples {
		return fmt.Errorf("read recording: more than %d samples", MaxSamples)
	}
	b.points = append(b.points, p)
	return nil
}

func (b *builder) addSession(s session) error {
	if len(b.sessions) >= MaxLegs {
		return fmt.Errorf("read recording: more than %d legs", MaxLegs)
	}
	b.sessions = append(b.sessions, s)
	return nil
}

func (b *builder) addSet(s repSet) error {
	if len(b.sets) >= MaxSamples {
		return fmt.Errorf("read recording: more than %d sets", MaxSamples)
	}
	b.sets = append(b.sets, s)
	return nil
}

// num returns a pointer to v, or nil where v cannot be a measurement.
func num(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// positive is num for values where 0 stands for "not measured".
func positive(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	return num(v)
}

// place returns a position, or nil where it is none on earth. Devices without a
// fix write 180 degrees or not-a-number.
func place(lat, lon float64, accuracy *float64) *Position {
	if !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180) {
		return nil
	}
	return &Position{Latitude: lat, Longitude: lon, Accuracy: accuracy}
}
