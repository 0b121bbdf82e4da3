package recording

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// decodeCSV reads the CSV form: a header line that names the columns
// (elapsed_time and any of heart_rate, cadence, power, speed, distance,
// altitude, grade, temperature, calories, latitude, longitude), then a sample a
// line. An empty field was not measured; columns of other names are passed over.
func decodeCSV(r io.Reader, b *builder) error {
	b.undated = true
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		return csvDamage(in, "the header line", err)
	}
	columns := make([]string, len(header))
	for i, h := range header {
		columns[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
	}
	for {
		offset := in.InputOffset()
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvDamage(in, "this line", err)
		}
		line, _ := in.FieldPos(0)
		p, err := csvPoint(columns, row)
		if err == nil && len(b.points) > 0 && p.at.Before(b.points[0].at) {
			err = errors.New("elapsed_time is before the first sample's")
		}
		if err != nil {
			return &DamageError{Format: CSV, Line: line, Offset: offset, What: "this line is not a sample", Err: err}
		}
		if err := b.add(p); err != nil {
			return err
		}
	}
}

func csvDamage(in *csv.Reader, what string, err error) error {
	d := &DamageError{Format: CSV, Offset: in.InputOffset(), What: what + " does not parse", Err: err}
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		d.Line, d.Err = pe.Line, pe.Err
	}
	return d
}

func csvPoint(columns, row []string) (point, error) {
	var p point
	var elapsed, lat, lon *float64
	for i, field := range row {
		dst := csvField(columns[i], &p.Sample)
		switch columns[i] {
		case "elapsed_time":
			dst = &elapsed
		case "latitude":
			dst = &lat
		case "longitude":
			dst = &lon
		}
		field = strings.TrimSpace(field)
		if dst == nil || field == "" {
			continue
		}
		v, err := strconv.ParseFloat(field, 64)
		if err != nil || num(v) == nil {
			return p, fmt.Errorf("%s %q is not a number", columns[i], field)
		}
		*dst = &v
	}
	// Durations hold 292 years; a day count beyond a year is no workout.
	if elapsed == nil || *elapsed < 0 || *elapsed > 366*24*3600 {
		return p, errors.New("elapsed_time is missing, negative or over a year")
	}
	p.at = time.Unix(0, 0).UTC().Add(time.Duration(*elapsed * float64(time.Second)))
	if p.HeartRate != nil {
		p.HeartRate = positive(*p.HeartRate)
	}
	if lat != nil && lon != nil {
		p.Position = place(*lat, *lon, nil)
	}
	return p, nil
}

// csvField is where a column's value goes, nil when the column is not known.
func csvField(column string, s *Sample) **float64 {
	switch column {
	case "heart_rate":
		return &s.HeartRate
	case "cadence":
		return &s.Cadence
	case "power":
		return &s.Power
	case "speed":
		return &s.Speed
	case "distance":
		return &s.Distance
	case "altitude":
		return &s.Altitude
	case "grade":
		return &s.Grade
	case "temperature":
		return &s.Temperature
	case "calories":
		return &s.Calories
	}
	return nil
}
