package demo

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// lifter trains with Tess: sets of repetitions and pauses, with a heart that
// follows, and says when a correction was seen.
type lifter struct {
	*actor
	rng   *rand.Rand
	seq   int
	begun time.Time
	heart float64
	reps  int
}

func newLifter(s *Stage, who string, seed uint64) *lifter {
	l := &lifter{actor: newActor(s, who, trainingID), rng: rand.New(rand.NewPCG(seed, 0x1d872b41)), heart: 96}
	l.actor.hear, l.actor.tick = l.hear, l.move
	return l
}

// liftSample is a live sample of who lifts.
type liftSample struct {
	Seq         int     `json:"seq"`
	Timestamp   string  `json:"timestamp"`
	ElapsedTime float64 `json:"elapsedTime"`
	Sport       string  `json:"sport"`
	Status      string  `json:"status"`
	HeartRate   int     `json:"heartRate"`
	Repetitions int     `json:"repetitions"`
	Calories    int     `json:"calories"`
}

// move lets a second pass: 40 of work, 35 of rest.
func (l *lifter) move(now time.Time) {
	if l.begun.IsZero() {
		l.begun = now.Add(-time.Duration(l.rng.IntN(75)) * time.Second)
	}
	elapsed := now.Sub(l.begun).Seconds()
	works := math.Mod(elapsed, 75) < 40
	target := 0.58 * l.maxHeartRate
	if works {
		target = 0.86 * l.maxHeartRate
	}
	l.heart += (target-l.heart)/18 + l.rng.NormFloat64()
	l.seq++
	if works && l.seq%3 == 0 {
		l.reps++
	}
	l.say("session/"+trainingID+"/progress/"+l.id, 0, liftSample{
		Seq: l.seq, Timestamp: now.UTC().Format(time.RFC3339Nano), ElapsedTime: math.Round(elapsed), Sport: "training", Status: "active",
		HeartRate: int(l.heart), Repetitions: l.reps, Calories: int(elapsed / 7),
	})
}

// hear sees a correction, a moment later.
func (l *lifter) hear(topic string, payload []byte) {
	if topic != "session/"+trainingID+"/form/"+l.id || strings.HasSuffix(topic, "/seen") {
		return
	}
	var c struct {
		CorrectionID string `json:"correctionId"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return
	}
	l.later(time.Duration(2+l.rng.IntN(6))*time.Second, func() {
		l.say(topic+"/seen", 1, map[string]string{"correctionId": c.CorrectionID})
	})
}
