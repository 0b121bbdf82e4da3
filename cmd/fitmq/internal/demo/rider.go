package demo

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"

	"github.com/fitmq/fitmq/cmd/fitmq/internal/athlete"
)

// rider is an athlete with a watch: a model of the one and an MQTT client for
// the other.
type rider struct {
	stage              *Stage
	id, name, password string
	profile            athlete.Profile
	model              *athlete.Athlete
	rng                *rand.Rand
	seq                uint64
	submitted          int
	lead               atomic.Int64 // the leader's distance in m, from the live leaderboard
}

func newRider(s *Stage, id, name string, seed uint64) *rider {
	profile := athlete.Random(seed)
	return &rider{
		stage: s, id: id, name: name, password: password(),
		profile: profile,
		model:   athlete.New(profile, seed),
		rng:     rand.New(rand.NewPCG(seed, 0x51ed270b)),
	}
}

// sample is a live sample as the wire contract names its fields. What a
// standing rider's watch does not measure is absent.
type sample struct {
	Seq         uint64  `json:"seq"`
	Timestamp   string  `json:"timestamp"`
	ElapsedTime float64 `json:"elapsedTime"`
	Sport       string  `json:"sport"`
	Status      string  `json:"status"`
	HeartRate   int     `json:"heartRate"`
	Cadence     *int    `json:"cadence,omitempty"`
	Power       *int    `json:"power,omitempty"`
	Speed       float64 `json:"speed"`
	Distance    float64 `json:"distance"`
	Calories    int     `json:"calories"`
	Altitude    float64 `json:"altitude"`
	Latitude    float64 `json:"latitude"`
	Longitude   float64 `json:"longitude"`
}

// run rides until ctx ends: a sample a second, an activity now and then.
func (r *rider) run(ctx context.Context) error {
	w := &watcher{
		id: r.id, password: r.password, addr: r.stage.opts.MQTTAddr,
		filters:   []string{"session/" + SessionID + "/#", "user/" + r.id + "/#"},
		onMessage: r.hear,
	}
	// The connection outlives ctx for as long as it takes to sign off.
	m, err := w.connect(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer bye(m)
	// Not everybody's watch ticks at the same moment.
	if !sleep(ctx, time.Duration(r.rng.Int64N(int64(time.Second)))) {
		return nil
	}
	for range 1 + r.rng.IntN(3) {
		r.submit(ctx, m)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	next := r.opts().Now().Add(r.nextActivity())
	for {
		r.publishSample(ctx, m)
		if now := r.opts().Now(); now.After(next) {
			r.submit(ctx, m)
			next = now.Add(r.nextActivity())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *rider) opts() *Options { return &r.stage.opts }

// sleep waits and reports whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// publishSample lets a second of riding pass and sends what the watch shows.
func (r *rider) publishSample(ctx context.Context, m *autopaho.ConnectionManager) {
	step := time.Duration(r.opts().Speed * float64(time.Second))
	reading := r.model.Step(step, float64(r.lead.Load())-r.model.Distance())
	r.seq++
	s := sample{
		Seq: r.seq, Timestamp: r.opts().Now().UTC().Format(time.RFC3339Nano),
		ElapsedTime: float64(reading.Elapsed.Milliseconds()) / 1000,
		Sport:       "cycling", Status: "active",
		HeartRate: reading.HeartRate, Speed: reading.Speed, Distance: reading.Distance,
		Calories: reading.Calories, Altitude: reading.Altitude,
		Latitude: reading.Latitude, Longitude: reading.Longitude,
	}
	if reading.Paused {
		s.Status = "paused"
	} else {
		s.Cadence, s.Power = &reading.Cadence, &reading.Power
	}
	if r.publish(ctx, m, "session/"+SessionID+"/progress/"+r.id, 0, s) {
		r.stage.report.samples.Add(1)
	}
}

// publish sends one message and reports whether it was taken.
func (r *rider) publish(ctx context.Context, m *autopaho.ConnectionManager, topic string, qos byte, body any) bool {
	return r.stage.send(ctx, m, topic, qos, body)
}

// hear takes what the broker sends: who leads, and why a sample was refused.
func (r *rider) hear(topic string, payload []byte) {
	switch topic {
	case "session/" + SessionID + "/leaderboard":
		var board struct {
			Entries []struct {
				UserID string  `json:"userId"`
				Name   string  `json:"name"`
				Score  float64 `json:"score"`
			} `json:"entries"`
		}
		if err := json.Unmarshal(payload, &board); err != nil || len(board.Entries) == 0 {
			return // nobody rides yet
		}
		r.lead.Store(int64(board.Entries[0].Score))
		if r == r.stage.riders[0] { // one pair of eyes is enough for the count
			r.stage.report.sawLeader(board.Entries[0].Name)
		}
	case "user/" + r.id + "/error":
		r.stage.report.refuse(string(payload))
	}
}
