// Package replay plays a recording to a broker as a wearable would: it joins the
// session, publishes live samples at the recording's pace, and submits one
// activity for each leg.
package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
)

// Bounds of one progress message in the batch form, as the wire contract has
// them, and of an activity's id.
const (
	maxBatch      = 60       // samples
	maxBatchBytes = 16 << 10 // 16 KiB
	maxActivityID = 64       // characters
)

// wireSample is one live sample. Fields that were not measured are left out.
type wireSample struct {
	Seq         uint64   `json:"seq"`
	Timestamp   string   `json:"timestamp"`
	ElapsedTime float64  `json:"elapsedTime"` // s
	Sport       string   `json:"sport"`
	SubSport    string   `json:"subSport,omitempty"`
	Status      string   `json:"status"`
	HeartRate   *float64 `json:"heartRate,omitempty"`
	Cadence     *float64 `json:"cadence,omitempty"`
	Power       *float64 `json:"power,omitempty"`
	Speed       *float64 `json:"speed,omitempty"`
	Distance    *float64 `json:"distance,omitempty"`
	Calories    *float64 `json:"calories,omitempty"`
	wirePlace
}

// wirePlace is the part of a sample that says where.
type wirePlace struct {
	Altitude    *float64 `json:"altitude,omitempty"`
	Grade       *float64 `json:"grade,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
	Latitude    *float64 `json:"latitude,omitempty"`
	Longitude   *float64 `json:"longitude,omitempty"`
	Accuracy    *float64 `json:"horizontalAccuracy,omitempty"`
}

// wireActivity is a leg's activity.
type wireActivity struct {
	ActivityID       string   `json:"activityId"`
	Sport            string   `json:"sport"`
	SubSport         string   `json:"subSport,omitempty"`
	StartTime        string   `json:"startTime"`
	TotalElapsedTime float64  `json:"totalElapsedTime"` // s
	TotalTimerTime   *float64 `json:"totalTimerTime,omitempty"`
	TotalDistance    *float64 `json:"totalDistance,omitempty"`
	TotalCalories    *float64 `json:"totalCalories,omitempty"`
	TotalAscent      *float64 `json:"totalAscent,omitempty"`
	Steps            *float64 `json:"steps,omitempty"`
	Repetitions      *float64 `json:"repetitions,omitempty"`
	AvgHeartRate     *float64 `json:"avgHeartRate,omitempty"`
	MaxHeartRate     *float64 `json:"maxHeartRate,omitempty"`
	wireSpeeds
}

// wireSpeeds is the part of an activity that says how fast and by what.
type wireSpeeds struct {
	AvgPower *float64 `json:"avgPower,omitempty"`
	AvgSpeed *float64 `json:"avgSpeed,omitempty"`
	MaxSpeed *float64 `json:"maxSpeed,omitempty"`
	Device   string   `json:"device,omitempty"`
}

// timestamp writes a moment as the wire has it: RFC 3339 UTC, milliseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// seconds writes a duration in s, to the millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// item is a sample with its place in the replay.
type item struct {
	seq    uint64
	due    time.Duration // after the start of the replay's clock
	leg    int
	last   bool // of the recording: its status is "ended"
	sample *recording.Sample
}

// encodeSample writes one sample as it is sent at the moment now.
func encodeSample(it item, leg recording.Leg, now time.Time) ([]byte, error) {
	s := it.sample
	w := wireSample{
		Seq: it.seq, Timestamp: timestamp(now), ElapsedTime: seconds(s.Elapsed),
		Sport: leg.Sport, SubSport: leg.SubSport, Status: "active",
		HeartRate: s.HeartRate, Cadence: s.Cadence, Power: s.Power,
		Speed: s.Speed, Distance: s.Distance, Calories: s.Calories,
		wirePlace: wirePlace{Altitude: s.Altitude, Grade: s.Grade, Temperature: s.Temperature},
	}
	if s.Paused {
		w.Status = "paused"
	}
	if it.last {
		w.Status = "ended"
	}
	if p := s.Position; p != nil {
		w.Latitude, w.Longitude, w.Accuracy = degrees(p.Latitude), degrees(p.Longitude), p.Accuracy
	}
	data, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode sample %d: %w", it.seq, err)
	}
	return data, nil
}

// degrees rounds to 7 decimals (1 cm): FIT's semicircles have no more in them.
func degrees(v float64) *float64 {
	v = math.Round(v*1e7) / 1e7
	return &v
}

// pack writes as many of the items, in order, as one message may hold: a single
// one as a plain sample, more in the batch form. All carry the moment at which
// the message is sent. It returns how many it took, at least one.
func pack(items []item, legs []recording.Leg, now time.Time) (payload []byte, n int, err error) {
	const head, tail = `{"samples":[`, `]}`
	buf := []byte(head)
	var only []byte
	for _, it := range items[:min(len(items), maxBatch)] {
		one, err := encodeSample(it, legs[it.leg], now)
		if err != nil {
			return nil, 0, err
		}
		if n > 0 && len(buf)+1+len(one)+len(tail) > maxBatchBytes {
			break
		}
		if n > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, one...)
		only = one
		n++
	}
	if n == 1 {
		return only, 1, nil
	}
	return append(buf, tail...), n, nil
}

// ActivityID is the id of a leg's activity. It follows from the file's content
// and the leg alone, so that the same file sent twice, by whatever run, counts
// once; suffix makes another one of it. Over 64 characters are cut from the hash.
func ActivityID(rec *recording.Recording, leg int, suffix string) string {
	tail := fmt.Sprintf("-%d", leg+1)
	if suffix != "" {
		tail += "-" + suffix
	}
	return rec.Hash[:min(len(rec.Hash), 32, maxActivityID-len(tail))] + tail
}

// encodeActivity writes a leg's activity such that it ends at the moment now.
func encodeActivity(rec *recording.Recording, leg int, suffix string, now time.Time) ([]byte, error) {
	l := rec.Legs[leg]
	t := l.Totals
	data, err := json.Marshal(wireActivity{
		ActivityID: ActivityID(rec, leg, suffix), Sport: l.Sport, SubSport: l.SubSport,
		StartTime: timestamp(now.Add(-t.Elapsed)), TotalElapsedTime: seconds(t.Elapsed),
		TotalTimerTime: t.Timer, TotalDistance: t.Distance, TotalCalories: t.Calories,
		TotalAscent: t.Ascent, Steps: t.Steps, Repetitions: t.Repeats,
		AvgHeartRate: t.AvgHeart, MaxHeartRate: t.MaxHeart,
		wireSpeeds: wireSpeeds{AvgPower: t.AvgPower, AvgSpeed: t.AvgSpeed, MaxSpeed: t.MaxSpeed, Device: rec.Device},
	})
	if err != nil {
		return nil, fmt.Errorf("encode activity of leg %d: %w", leg+1, err)
	}
	return data, nil
}
