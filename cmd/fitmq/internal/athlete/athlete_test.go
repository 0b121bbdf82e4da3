package athlete_test

import (
	"math"
	"testing"
	"time"

	"github.com/fitmq/fitmq/cmd/fitmq/internal/athlete"
)

// ride steps a rider once a second and calls fn with every reading.
func ride(seed uint64, seconds int, fn func(i int, r athlete.Reading)) {
	a := athlete.New(athlete.Random(seed), seed)
	for i := range seconds {
		fn(i, a.Step(time.Second, 0))
	}
}

func TestAthlete_Step(t *testing.T) {
	t.Run("StaysInsideTheHardLimits", func(t *testing.T) {
		for seed := range uint64(50) {
			last := athlete.Reading{Distance: -1}
			ride(seed, 2*3600, func(i int, r athlete.Reading) {
				switch {
				case r.HeartRate < 40 || r.HeartRate > 210:
					t.Fatalf("seed %d, second %d: heart rate %d", seed, i, r.HeartRate)
				case r.Cadence < 0 || r.Cadence > 130:
					t.Fatalf("seed %d, second %d: cadence %d", seed, i, r.Cadence)
				case r.Power < 0 || r.Power > 900:
					t.Fatalf("seed %d, second %d: power %d", seed, i, r.Power)
				case r.Speed < 0 || r.Speed > 20:
					t.Fatalf("seed %d, second %d: speed %v", seed, i, r.Speed)
				case r.Distance < last.Distance:
					t.Fatalf("seed %d, second %d: distance went from %v to %v", seed, i, last.Distance, r.Distance)
				case math.Abs(r.Latitude-52.358) > 0.01 || math.Abs(r.Longitude-4.8686) > 0.02:
					t.Fatalf("seed %d, second %d: position %v, %v", seed, i, r.Latitude, r.Longitude)
				}
				last = r
			})
			if mean := last.Distance / 7200; mean < 4.5 || mean > 12 {
				t.Errorf("seed %d: mean speed of two hours = %.1f m/s, want a cyclist's", seed, mean)
			}
		}
	})

	t.Run("SameSeedSameRide", func(t *testing.T) {
		var first, second []athlete.Reading
		ride(7, 600, func(_ int, r athlete.Reading) { first = append(first, r) })
		ride(7, 600, func(_ int, r athlete.Reading) { second = append(second, r) })
		for i := range first {
			if got, want := second[i], first[i]; got != want {
				t.Fatalf("second %d: got %+v, want %+v", i, got, want)
			}
		}
	})

	t.Run("HeartFollowsEffort", func(t *testing.T) {
		hard, easy := athlete.New(athlete.Random(3), 3), athlete.New(athlete.Random(3), 3)
		var sumHard, sumEasy int
		for range 300 {
			sumHard += hard.Step(time.Second, 1000).HeartRate
			sumEasy += easy.Step(time.Second, 0).HeartRate
		}
		if sumHard <= sumEasy {
			t.Errorf("mean heart rate chasing = %d, leading = %d: want it higher when chasing", sumHard/300, sumEasy/300)
		}
	})

	t.Run("PausesAndGoesOn", func(t *testing.T) {
		paused, resumed := false, false
		ride(11, 3600, func(_ int, r athlete.Reading) {
			if r.Paused && (r.Power != 0 || r.Cadence != 0 || r.Speed != 0) {
				t.Fatalf("a paused rider has power %d, cadence %d, speed %v", r.Power, r.Cadence, r.Speed)
			}
			resumed = resumed || paused && r.Speed > 0
			paused = paused || r.Paused
		})
		if !paused || !resumed {
			t.Errorf("in an hour: paused = %t, resumed = %t, want both", paused, resumed)
		}
	})

	t.Run("LongStepIsManyShortOnes", func(t *testing.T) {
		a := athlete.New(athlete.Random(5), 5)
		r := a.Step(10*time.Minute, 0)
		if got, want := r.Elapsed.Round(time.Second), 10*time.Minute; got != want {
			t.Errorf("elapsed = %v, want %v", got, want)
		}
		if r.Distance < 2000 || r.Distance > 8000 {
			t.Errorf("distance after ten minutes in one step = %.0f m", r.Distance)
		}
	})
}

// A demonstration in which nobody overtakes anybody is not worth watching.
func TestAthlete_LeadChanges(t *testing.T) {
	riders := make([]*athlete.Athlete, 6)
	for i := range riders {
		riders[i] = athlete.New(athlete.Random(uint64(i)), uint64(i))
	}
	leader, changes := -1, 0
	for range 900 {
		best := 0
		for i, r := range riders {
			if r.Distance() > riders[best].Distance() {
				best = i
			}
		}
		if best != leader {
			leader, changes = best, changes+1
		}
		front := riders[best].Distance()
		for _, r := range riders {
			r.Step(time.Second, front-r.Distance())
		}
	}
	if changes < 4 {
		t.Errorf("the lead changed %d times in fifteen minutes, want at least 4", changes)
	}
	for i, r := range riders {
		if behind := riders[leader].Distance() - r.Distance(); behind > 1500 {
			t.Errorf("rider %d is %.0f m behind after fifteen minutes: out of the race", i, behind)
		}
	}
}
