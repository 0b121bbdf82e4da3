package workout_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/fitness/workout"
)

// athlete sends samples and gathers what they bring.
type athlete struct {
	t     *testing.T
	track *workout.Track
	seq   int
	told  []string
	keys  []string
}

func newAthlete(t *testing.T, p workout.Profile) *athlete {
	a := &athlete{t: t, track: &workout.Track{}}
	a.track.SetProfile(p)
	return a
}

// at sends a sample of a moment after noon.
func (a *athlete) at(after time.Duration, fields string) {
	a.t.Helper()
	a.seq++
	list, _, err := workout.Parse([]byte(sample(a.seq, after, fields)), noon.Add(after))
	if err != nil {
		a.t.Fatal(err)
	}
	a.track.Take("w", time.Time{}, &list[0], noon.Add(after), false)
	for _, m := range a.track.Milestones() {
		a.told = append(a.told, fmt.Sprintf("%g %s %s%s", m.Timer, m.Kind, m.Best, fmt.Sprint(m.Value, m.Unit)))
		a.keys = append(a.keys, m.Key())
	}
}

// run goes on for so many seconds at a speed from a distance.
func (a *athlete) run(from, seconds int, metres, speed float64) {
	for i := range seconds {
		a.at(time.Duration(from+i)*time.Second, fmt.Sprintf(`"sport":"running","distance":%v`, metres+float64(i)*speed))
	}
}

func (a *athlete) want(want ...string) {
	a.t.Helper()
	if !slices.Equal(a.told, want) {
		a.t.Errorf("got  %q\nwant %q", a.told, want)
	}
	slices.Sort(a.keys)
	if n := len(slices.Compact(a.keys)); n != len(a.told) {
		a.t.Errorf("%d milestones have %d keys", len(a.told), n)
	}
}

func TestTrack_Milestones(t *testing.T) {
	t.Run("OK/Distances", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{})
		a.run(0, 1001, 0, 4)
		a.want("250 distance 1km", "500 distance 2km", "600 duration 10min", "750 distance 3km", "1000 distance 4km")
	})
	t.Run("OK/Miles", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{Miles: true})
		a.run(0, 900, 0, 4)
		a.want("403 distance 1mi", "600 duration 10min", "805 distance 2mi")
	})
	t.Run("OK/JumpTellsTheLast", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{})
		a.at(0, `"distance":900`)
		a.at(time.Second, `"distance":3100`)
		a.want("1 distance 3km")
	})
	t.Run("OK/Resumed", func(t *testing.T) { // what was known of the athlete is lost
		a := newAthlete(t, workout.Profile{})
		a.track.Resume()
		a.at(0, `"elapsedTime":1500,"distance":5900`)
		a.want("1500 distance 5km", "1500 duration 20min")
	})
	t.Run("OK/LateComer", func(t *testing.T) { // what was reached before the session is not told
		a := newAthlete(t, workout.Profile{})
		a.at(0, `"elapsedTime":1500,"distance":5900,"calories":350`)
		a.at(time.Second, `"elapsedTime":1501,"distance":5904,"calories":351`)
		a.at(2*time.Second, `"elapsedTime":1502,"distance":6000,"calories":400`)
		a.want("1502 distance 6km", "1502 calories 400kcal")
	})
	t.Run("OK/PauseDoesNotCount", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{})
		a.at(0, `"heartRate":80`)
		a.at(9*time.Minute, `"heartRate":80,"status":"paused"`) // too long a gap to be known as active
		for i := range 100 {
			a.at(9*time.Minute+time.Duration(i+1)*10*time.Second, `"heartRate":80,"status":"paused"`)
		}
		a.want()
	})
	t.Run("OK/Zones", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{MaxHeartRate: 200})
		for i := range 200 {
			bpm := 130 // zone 2
			switch {
			case i >= 50 && i < 60:
				bpm = 185 // zone 5, not held
			case i >= 100:
				bpm = 165 // zone 4
			}
			a.at(time.Duration(i)*time.Second, fmt.Sprintf(`"heartRate":%d`, bpm))
		}
		a.want("30 heartRateZone 2zone", "130 heartRateZone 4zone")
	})
	t.Run("OK/PersonalBests", func(t *testing.T) {
		before := workout.Records{FastestKm: 240 * time.Second, LongestDistance: leaderboard.ScoreOf(2500), LongestDuration: 11 * time.Minute}
		a := newAthlete(t, workout.Profile{Records: map[string]workout.Records{"running": before}})
		a.run(0, 250, 0, 4)      // a km in 250 s
		a.run(250, 500, 1000, 5) // and in 200 s, twice
		a.want("250 distance 1km", "450 distance 2km", "450 personalBest fastestKm200s", "551 personalBest longestDistance2505m",
			"600 duration 10min", "650 distance 3km", "661 personalBest longestDuration661s")
	})
	t.Run("OK/NoHistoryNoBests", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{Records: map[string]workout.Records{"cycling": {FastestKm: time.Hour}}})
		a.run(0, 251, 0, 4)
		a.want("250 distance 1km")
	})
}

// A track that goes on from what was kept tells nothing a second time, and misses
// nothing.
func TestTrack_MilestonesRestart(t *testing.T) {
	p := workout.Profile{MaxHeartRate: 190}
	straight, broken := newAthlete(t, p), newAthlete(t, p)
	for i := range 1300 {
		fields := fmt.Sprintf(`"sport":"running","distance":%d,"calories":%d,"heartRate":%d`, 4*i, i/5, 120+i/100)
		straight.at(time.Duration(i)*time.Second, fields)
		broken.at(time.Duration(i)*time.Second, fields)
		if i%97 == 0 {
			broken.track = workout.Restore(broken.track.Save(), noon.Add(time.Duration(i)*time.Second))
			broken.track.SetProfile(p)
		}
	}
	broken.want(straight.told...)
	a, _ := straight.track.Summary(p)
	b, _ := broken.track.Summary(p)
	if a.Timer != b.Timer || *a.Distance != *b.Distance || *a.AvgSpeed != *b.AvgSpeed {
		t.Errorf("summaries: got %+v, want %+v", b, a)
	}
}

func TestTrack_Summary(t *testing.T) {
	t.Run("ErrNothing", func(t *testing.T) {
		if _, ok := (&workout.Track{}).Summary(workout.Profile{}); ok {
			t.Error("who sent nothing has a summary")
		}
	})
	t.Run("OK/TwoLegs", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{})
		for i := range 601 { // 3 km in 10 min, the second km at 10 m/s
			m := 4 * i
			if i >= 250 {
				m = min(1000+10*(i-250), 2000) + max(0, i-350)*4
			}
			a.at(time.Duration(i)*time.Second, fmt.Sprintf(`"sport":"running","distance":%d,"heartRate":%d,"power":%d`, m, 140+i%2*20, 200))
		}
		a.at(700*time.Second, `"sport":"cycling","distance":0,"heartRate":100,"power":400`)
		for i := range 10 {
			a.at(time.Duration(701+i)*time.Second, fmt.Sprintf(`"sport":"cycling","distance":%d`, 100*(i+1)))
		}
		s, ok := a.track.Summary(workout.Profile{MaxHeartRate: 200})
		if !ok {
			t.Fatal("no summary")
		}
		got := fmt.Sprint(s.Sport, s.StartTime.Equal(noon), s.Elapsed, s.Timer, s.Distance, s.AvgHeartRate, s.MaxHeartRate, s.AvgPower, s.MaxPower, s.BestKm, s.Zones, s.Calories)
		want := "runningtrue 710 610 4000 150 160 200 400 100 [0 0 0 300 300 0] <nil>"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if len(s.Legs) != 2 || s.Legs[1].Sport != "cycling" || s.Legs[1].Timer != 10 || s.Legs[0].Distance.Units() != 3000 || s.Legs[1].Distance.Units() != 1000 {
			t.Errorf("legs: got %+v", s.Legs)
		}
	})
	t.Run("OK/ReceiverJumps", func(t *testing.T) {
		a := newAthlete(t, workout.Profile{})
		a.run(0, 300, 0, 3)
		a.run(300, 300, 1800, 3) // 900 m in a second
		if s, _ := a.track.Summary(workout.Profile{}); s.BestKm != 0 && s.BestKm < 80 {
			t.Errorf("best km in %v s: a jump counts", s.BestKm)
		}
	})
	t.Run("OK/StrapBesideWatch", func(t *testing.T) {
		var track workout.Track
		for i := range 100 {
			for client, fields := range map[string]string{"strap": `"heartRate":150`, "watch": fmt.Sprintf(`"distance":%d`, 3*i)} {
				after := time.Duration(i) * time.Second
				if client == "strap" {
					after += 500 * time.Millisecond
				}
				list, _, err := workout.Parse([]byte(sample(i, after, fields)), noon.Add(after))
				if err != nil {
					t.Fatal(err)
				}
				track.Take(client, time.Time{}, &list[0], noon.Add(after), false)
			}
			if score, _, ok := track.Standing(workout.Distance); !ok || score.Units() != float64(3*i) {
				t.Fatalf("second %d: got %s %v, want %d m whichever spoke last", i, score, ok, 3*i)
			}
		}
		s, _ := track.Summary(workout.Profile{})
		if s.Distance.Units() != 297 || s.AvgHeartRate.Units() != 150 {
			t.Errorf("got %s m and %s bpm, want 297 and 150", s.Distance, s.AvgHeartRate)
		}
		again := workout.Restore(track.Save(), noon.Add(time.Hour))
		if score, _, ok := again.Standing(workout.Distance); !ok || score.Units() != 297 {
			t.Errorf("after a restart: got %s %v, want 297", score, ok)
		}
	})
}

func TestZoneOf(t *testing.T) {
	for bpm, want := range map[float64]int{60: 0, 95: 1, 114: 2, 133: 3, 152: 4, 171: 5, 190: 5, 230: 5} {
		if got := workout.ZoneOf(bpm, 0); got != want {
			t.Errorf("%v bpm of 190: got zone %d, want %d", bpm, got, want)
		}
	}
}
