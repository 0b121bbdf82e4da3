package demo

import (
	"strings"
	"testing"
	"time"
)

// testRider is a rider on a stage that is not set up: nothing is sent.
func testRider(seed uint64) *rider {
	s := &Stage{opts: Options{Speed: 1, Now: time.Now}, report: newReport(), ChallengeID: "c"}
	return newRider(s, "mia", "Mia", seed)
}

func TestRider_EarlierRide(t *testing.T) {
	now := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	ids := map[string]bool{}
	for seed := range uint64(50) {
		r := testRider(seed)
		for range 20 {
			r.submitted++
			a := r.earlierRide(now)
			start, err := time.Parse(time.RFC3339, a.StartTime)
			if err != nil {
				t.Fatalf("startTime: %v", err)
			}
			end := start.Add(time.Duration(a.TotalElapsedTime) * time.Second)
			// The challenge begins a day before the month, and a ride must not
			// end in the future.
			if start.Before(now.AddDate(0, 0, -1)) || end.After(now) {
				t.Errorf("the ride is from %v to %v, want it within the day before %v", start, end, now)
			}
			if a.TotalDistance < 2000 || a.TotalDistance > 14_000 {
				t.Errorf("distance = %v m, want 2 to 14 km", a.TotalDistance)
			}
			if a.TotalTimerTime > a.TotalElapsedTime+1 || a.TotalTimerTime < 60 {
				t.Errorf("timer = %v s of %v s elapsed", a.TotalTimerTime, a.TotalElapsedTime)
			}
			if v := a.TotalDistance / a.TotalElapsedTime; v < 4 || v > 10 {
				t.Errorf("speed = %.1f m/s, want a cyclist's", v)
			}
			if seed == 0 {
				ids[a.ActivityID] = true
			}
			if len(a.ActivityID) > 64 {
				t.Errorf("activityId %q is over 64 characters", a.ActivityID)
			}
		}
	}
	if got, want := len(ids), 20; got != want {
		t.Errorf("%d different ids for %d rides", got, want)
	}
}

// A demonstration that runs all day must not be refused for its quota: a burst
// of 20, then one in ten seconds, 100 a day.
func TestRider_NextActivity(t *testing.T) {
	for seed := range uint64(50) {
		r := testRider(seed)
		tokens, at := 20.0, time.Duration(0)
		for range 3 { // what is uploaded at the start, at most
			r.submitted++
			tokens--
		}
		for {
			wait := r.nextActivity()
			if at += wait; at > 24*time.Hour {
				break
			}
			tokens = min(20, tokens+wait.Seconds()/10) - 1
			if tokens < 0 {
				t.Fatalf("seed %d: over the burst after %v", seed, at)
			}
			r.submitted++
		}
		if r.submitted < 60 || r.submitted > 100 {
			t.Fatalf("seed %d: %d uploads in a day, want 60 to 100", seed, r.submitted)
		}
	}
}

func TestReport_String(t *testing.T) {
	r := newReport()
	r.start = time.Unix(0, 0)
	r.end = r.start.Add(30 * time.Second)
	r.samples.Add(180)
	r.activities.Add(14)
	for _, name := range []string{"Mia", "Mia", "Noah", "Mia"} {
		r.sawLeader(name)
	}
	if got, want := r.String(), "30s: 180 samples and 14 activities accepted, 0 refused; the lead changed 2 times, Mia is in front"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for range 5 {
		r.refuse("heartRate 900 is over the limit")
	}
	if got, want := r.String(), "5 refused; the lead changed 2 times, Mia is in front\n  refused: heartRate"; !strings.Contains(got, want) {
		t.Errorf("got %s, want it to contain %s", got, want)
	}
}
