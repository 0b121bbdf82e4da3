package workout_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/fitness/workout"
)

// columns are the measures of a recording, after the elapsed time.
var columns = []string{"heartRate", "cadence", "power", "speed", "distance", "altitude", "latitude", "longitude"}

// recording is rows of elapsed seconds and measures, "" where not measured.
type recording [][]string

// recordings returns those of the directory that FITMQ_RECORDINGS names, and one
// that is made here, with what honest devices do: no strap, gaps, jumps, a
// repeated time, a leg that starts at 0 again.
func recordings(t *testing.T) map[string]recording {
	t.Helper()
	all := map[string]recording{"generated": generated()}
	dir := os.Getenv("FITMQ_RECORDINGS")
	if dir == "" {
		return all
	}
	files, err := filepath.Glob(filepath.Join(dir, "csv", "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings below %s: %v", dir, err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = rows[1:]
	}
	return all
}

func generated() recording {
	var rows recording
	distance, at := 0.0, 0
	for i := range 2000 {
		at++
		heart := fmt.Sprint(140 + int(20*math.Sin(float64(i)/100)))
		distance += 3.3
		switch i {
		case 300, 301:
			heart = "0"
		case 500:
			at += 40
		case 700:
			at--
		case 900:
			distance += 40
		case 1200:
			distance = 1
		}
		rows = append(rows, []string{fmt.Sprint(at), heart, "85", "", "3.3", fmt.Sprintf("%.1f", distance), "12.5", "52.5", "13.4"})
	}
	return rows
}

// send is a row as a live sample.
func send(t *testing.T, seq int, row []string) (workout.Sample, time.Time) {
	t.Helper()
	var fields []string
	for i, value := range row[1:] {
		if value != "" {
			fields = append(fields, fmt.Sprintf("%q:%s", columns[i], value))
		}
	}
	var elapsed float64
	if _, err := fmt.Sscan(row[0], &elapsed); err != nil {
		t.Fatal(err)
	}
	at := noon.Add(time.Duration(elapsed * float64(time.Second)))
	payload := fmt.Sprintf(`{"seq":%d,"timestamp":%q,"elapsedTime":%s,%s}`, seq, at.Format(time.RFC3339Nano), row[0], strings.Join(fields, ","))
	samples, _, err := workout.Parse([]byte(payload), at)
	if err != nil {
		t.Fatalf("an honest sample is refused: %s: %v", payload, err)
	}
	return samples[0], at
}

// TestParse_Recordings sends what real devices recorded: nothing of it may be
// refused, and the distance that counts is at least the recording's last.
func TestParse_Recordings(t *testing.T) {
	for name, rows := range recordings(t) {
		t.Run("OK/"+name, func(t *testing.T) {
			var track workout.Track
			var last workout.Sample
			for i, row := range rows {
				if strings.Join(row[1:], "") == "" {
					continue // a sample needs a measure
				}
				s, at := send(t, i, row)
				track.Take("w", time.Time{}, &s, at, false)
				if _, ok := s.Value(workout.Distance); ok {
					last = s
				}
			}
			want, _ := last.Value(workout.Distance)
			if got, _, ok := track.Standing(workout.Distance); !ok || got < leaderboard.ScoreOf(want) {
				t.Errorf("got %s, want at least %v", got, want)
			}
		})
	}
}

// TestTrack_Race replays two recordings on one clock: of a real race where there
// are some, else of two that are made here.
func TestTrack_Race(t *testing.T) {
	all := recordings(t)
	a, b, delay := all["20210604_track_run_coros_pace_2.fit.csv"], all["20210604_track_run_garmin_fenix_6.fit.csv"], 2
	want := []string{"5 ben", "53 ana"} // as the figures of the pair say
	if a == nil || b == nil {
		a, b, delay, want = nil, nil, 0, []string{"10 ben", "16 ana"}
		for i := range 40 {
			mine, other := 3*i, 2*i
			if i >= 10 { // a sprint, and a slow end
				other += 20 - (i - 10)
			}
			a = append(a, []string{fmt.Sprint(i), "", "", "", "", fmt.Sprint(mine)})
			b = append(b, []string{fmt.Sprint(i), "", "", "", "", fmt.Sprint(other)})
		}
	}
	board := leaderboard.New(leaderboard.Desc)
	tracks := map[string]*workout.Track{"ana": {}, "ben": {}}
	var changes []string
	leader := "ana"
	for sec := range len(a) {
		for user, at := range map[string]int{"ana": sec, "ben": sec - delay} {
			rows := a
			if user == "ben" {
				rows = b
			}
			if at < 0 || at >= len(rows) || strings.Join(rows[at][1:], "") == "" {
				continue
			}
			row := slices.Clone(rows[at])
			row[0] = fmt.Sprint(sec)
			s, moment := send(t, sec, row)
			tracks[user].Take("w", time.Time{}, &s, moment, false)
			if score, reached, ok := tracks[user].Standing(workout.Distance); ok {
				board.Set(user, score, reached)
			}
		}
		first, _ := board.At(1)
		second, ok := board.At(2)
		if ok && first.UserID != leader && first.Score > second.Score {
			leader = first.UserID
			changes = append(changes, fmt.Sprintf("%d %s", sec, leader))
		}
	}
	if !slices.Equal(changes, want) {
		t.Errorf("lead changes: got %v, want %v", changes, want)
	}
}
