package demo

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
)

// activity is a ride that an athlete's watch uploads.
type activity struct {
	ActivityID       string  `json:"activityId"`
	Sport            string  `json:"sport"`
	StartTime        string  `json:"startTime"`
	TotalElapsedTime float64 `json:"totalElapsedTime"`
	TotalTimerTime   float64 `json:"totalTimerTime"`
	TotalDistance    float64 `json:"totalDistance"`
	TotalCalories    int     `json:"totalCalories"`
	TotalAscent      int     `json:"totalAscent"`
	AvgHeartRate     int     `json:"avgHeartRate"`
	MaxHeartRate     int     `json:"maxHeartRate"`
	AvgSpeed         float64 `json:"avgSpeed"`
	Device           string  `json:"device"`
}

// submit uploads a ride from earlier today, so that the board moves.
func (r *rider) submit(ctx context.Context, m *autopaho.ConnectionManager) {
	r.submitted++
	if r.publish(ctx, m, "challenge/"+r.stage.ChallengeID+"/activity", 1, r.earlierRide(r.opts().Now().UTC())) {
		r.stage.report.activities.Add(1)
	}
}

// earlierRide invents a ride of 2 to 14 km that ended between a minute and
// eight hours ago.
func (r *rider) earlierRide(now time.Time) activity {
	meters := 2000 + 12_000*r.rng.Float64()*r.rng.Float64()
	speed := 6 + 3*r.rng.Float64()
	moving := math.Round(meters / speed)
	total := moving + math.Round(moving*0.1*r.rng.Float64())
	ended := now.Add(-time.Minute - time.Duration(r.rng.Int64N(int64(8*time.Hour))))
	heart := 128 + r.rng.IntN(28)
	return activity{
		// The number of the ride alone would repeat after a restart.
		ActivityID: r.id + "-" + strconv.FormatInt(now.UnixMilli(), 36) + "-" + strconv.Itoa(r.submitted),
		Sport:      "cycling", Device: "fitmq demo",
		StartTime:        ended.Add(-time.Duration(total) * time.Second).Format(time.RFC3339),
		TotalElapsedTime: total, TotalTimerTime: moving,
		TotalDistance: math.Round(meters*100) / 100,
		TotalCalories: int(meters * 0.026),
		TotalAscent:   int(meters * 0.009),
		AvgHeartRate:  heart, MaxHeartRate: heart + 12 + r.rng.IntN(18),
		AvgSpeed: math.Round(meters/moving*100) / 100,
	}
}

// nextActivity is the time until the next upload. It grows, so that a
// demonstration that runs all day stays under the quota of 100 a day: 5 about
// every 15 s, 30 about every minute, then one about every 30 minutes.
func (r *rider) nextActivity() time.Duration {
	mean := 30 * time.Minute
	switch {
	case r.submitted < 8:
		mean = 15 * time.Second
	case r.submitted < 38:
		mean = time.Minute
	}
	return mean/2 + time.Duration(r.rng.Int64N(int64(mean)))
}
