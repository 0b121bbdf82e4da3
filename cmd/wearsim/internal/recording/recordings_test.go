package recording_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
)

// expected is the part of EXPECTED.json that speaks of recordings.
type expected struct {
	SHA256       string      `json:"sha256"`
	Records      int         `json:"records"`
	Start        time.Time   `json:"start"`
	Span         float64     `json:"span_s"`
	HeartRate    *figures    `json:"heart_rate"`
	Cadence      *figures    `json:"cadence"`
	Power        *figures    `json:"power"`
	Speed        *figures    `json:"speed"`
	DistanceLast float64     `json:"distance_last_m"`
	DistanceMax  float64     `json:"distance_max_m"`
	WithPosition int         `json:"with_position"`
	Sessions     []expectLeg `json:"sessions"`
}

type figures struct {
	N   int     `json:"n"`
	Avg float64 `json:"avg"`
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

type expectLeg struct {
	Sport     string   `json:"sport"`
	SubSport  string   `json:"sub_sport"`
	Distance  *float64 `json:"total_distance"`
	Timer     *float64 `json:"total_timer_time"`
	Elapsed   *float64 `json:"total_elapsed_time"`
	Calories  *float64 `json:"total_calories"`
	HeartRate *float64 `json:"avg_heart_rate"`
	Power     *float64 `json:"avg_power"`
}

// TestDecode_Recordings checks real recordings against figures that other
// decoders computed. FITMQ_RECORDINGS names a directory with EXPECTED.json and
// the files it lists; without it the generated files of the other tests serve.
func TestDecode_Recordings(t *testing.T) {
	dir := os.Getenv("FITMQ_RECORDINGS")
	if dir == "" {
		return
	}
	text, err := os.ReadFile(filepath.Join(dir, "EXPECTED.json"))
	if err != nil {
		t.Fatalf("read expectations: %v", err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("parse expectations: %v", err)
	}
	checked := 0
	for name, raw := range all {
		var want expected
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatalf("parse %s: %v", name, err)
		}
		if want.Records == 0 {
			continue // movement recordings, and what is said of pairs
		}
		checked++
		t.Run(filepath.Base(name), func(t *testing.T) { checkRecording(t, dir, name, want) })
	}
	if checked == 0 {
		t.Error("EXPECTED.json names no recording")
	}
}

func checkRecording(t *testing.T, dir, name string, want expected) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatalf("read recording: %v", err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want.SHA256 {
		t.Fatal("the file is not the one that the figures are of")
	}
	rec := mustDecode(t, data)
	if got := len(rec.Samples); got != want.Records {
		t.Errorf("records: got %d, want %d", got, want.Records)
	}
	if !rec.Start.Equal(want.Start) || rec.Elapsed().Seconds() != want.Span {
		t.Errorf("got %v over %v, want %v over %v s", rec.Start, rec.Elapsed(), want.Start, want.Span)
	}
	checkFigures(t, "heart rate", rec, want.HeartRate, func(s *recording.Sample) *float64 { return s.HeartRate })
	checkFigures(t, "cadence", rec, want.Cadence, func(s *recording.Sample) *float64 { return s.Cadence })
	checkFigures(t, "power", rec, want.Power, func(s *recording.Sample) *float64 { return s.Power })
	checkFigures(t, "speed", rec, want.Speed, func(s *recording.Sample) *float64 { return s.Speed })
	positions := 0
	distance := 0.0
	for i := range rec.Samples {
		if rec.Samples[i].Position != nil {
			positions++
		}
		if d := rec.Samples[i].Distance; d != nil {
			distance = *d
		}
	}
	if positions != want.WithPosition {
		t.Errorf("positions: got %d, want %d", positions, want.WithPosition)
	}
	near(t, "last distance", &distance, want.DistanceLast, 0.01)
	checkLegs(t, rec, want)
	checkTable(t, dir, name, rec)
}

func checkFigures(t *testing.T, what string, rec *recording.Recording, want *figures, pick func(*recording.Sample) *float64) {
	t.Helper()
	var got figures
	sum := 0.0
	for i := range rec.Samples {
		v := pick(&rec.Samples[i])
		if v == nil {
			continue
		}
		if got.N == 0 || *v < got.Min {
			got.Min = *v
		}
		got.Max = max(got.Max, *v)
		got.N++
		sum += *v
	}
	if want == nil {
		if got.N != 0 {
			t.Errorf("%s: got %d values, want none", what, got.N)
		}
		return
	}
	if got.N > 0 {
		got.Avg = sum / float64(got.N)
	}
	if got.N != want.N || math.Abs(got.Avg-want.Avg) > 0.006 || math.Abs(got.Min-want.Min) > 0.001 || math.Abs(got.Max-want.Max) > 0.001 {
		t.Errorf("%s: got %+v, want %+v", what, got, *want)
	}
}

func checkLegs(t *testing.T, rec *recording.Recording, want expected) {
	t.Helper()
	if len(want.Sessions) <= 1 {
		if len(rec.Legs) != 1 {
			t.Fatalf("legs: got %d, want 1", len(rec.Legs))
		}
		near(t, "distance of the only leg", rec.Legs[0].Totals.Distance, want.DistanceLast, 0.1)
	}
	for i, w := range want.Sessions {
		if i >= len(rec.Legs) {
			t.Fatalf("legs: got %d, want %d", len(rec.Legs), len(want.Sessions))
		}
		leg := rec.Legs[i]
		if leg.Sport != w.Sport || !strings.EqualFold(leg.SubSport, strings.ReplaceAll(w.SubSport, "_", "")) {
			t.Errorf("leg %d: got %s/%s, want %s/%s", i, leg.Sport, leg.SubSport, w.Sport, w.SubSport)
		}
		seconds := leg.Totals.Elapsed.Seconds()
		distance := leg.Totals.DeviceDistance
		if len(want.Sessions) > 1 {
			distance = leg.Totals.Distance
		}
		for what, pair := range map[string][2]*float64{
			"distance": {distance, w.Distance}, "timer": {leg.Totals.Timer, w.Timer}, "elapsed": {&seconds, w.Elapsed},
			"calories": {leg.Totals.Calories, w.Calories}, "heart rate": {leg.Totals.AvgHeart, w.HeartRate}, "power": {leg.Totals.AvgPower, w.Power},
		} {
			if pair[1] != nil {
				near(t, what+" of "+w.Sport, pair[0], *pair[1], 0.001)
			}
		}
	}
}

// checkTable compares the file with its CSV form, sample by sample.
func checkTable(t *testing.T, dir, name string, rec *recording.Recording) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "csv", filepath.Base(name)+".csv"))
	if err != nil {
		t.Fatalf("read CSV form: %v", err)
	}
	table, err := recording.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("decode CSV form: %v", err)
	}
	if len(table.Samples) != len(rec.Samples) {
		t.Fatalf("CSV form: got %d samples, want %d", len(table.Samples), len(rec.Samples))
	}
	for i := range rec.Samples {
		a, b := &rec.Samples[i], &table.Samples[i]
		if a.Elapsed.Round(time.Second) != b.Elapsed || !alike(a.HeartRate, b.HeartRate, 0.5) || !alike(a.Power, b.Power, 0.5) ||
			!alike(a.Distance, b.Distance, 0.0501) || !alike(a.Speed, b.Speed, 0.00501) || !alike(a.Altitude, b.Altitude, 0.0501) {
			t.Fatalf("sample %d differs: got %+v, the CSV form has %+v", i, a, b)
		}
	}
}

func alike(a, b *float64, tolerance float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Abs(*a-*b) <= tolerance+1e-9
}
