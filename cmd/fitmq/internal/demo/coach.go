package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// correction is a trainer's word as the wire contract names its fields.
type correction struct {
	CorrectionID string   `json:"correctionId"`
	Exercise     string   `json:"exercise"`
	Set          int      `json:"set,omitempty"`
	Repetition   int      `json:"repetition,omitempty"`
	Joint        string   `json:"joint,omitempty"`
	Measure      string   `json:"measure,omitempty"`
	Observed     *float64 `json:"observed,omitempty"`
	TargetMin    *float64 `json:"targetMin,omitempty"`
	TargetMax    *float64 `json:"targetMax,omitempty"`
	Unit         string   `json:"unit,omitempty"`
	Severity     string   `json:"severity"`
	Cue          string   `json:"cue"`
}

func number(v float64) *float64 { return &v }

// corrections are given in turn.
var corrections = []correction{
	{Exercise: "squat", Joint: "knee", Measure: "angle", Observed: number(72), TargetMin: number(85), TargetMax: number(100), Unit: "deg", Severity: "warning", Cue: "Deeper, knees over the toes"},
	{Exercise: "squat", Joint: "spine", Measure: "angle", Observed: number(38), TargetMax: number(30), Unit: "deg", Severity: "warning", Cue: "Chest up, back straight"},
	{Exercise: "push_up", Joint: "elbow", Measure: "rangeOfMotion", Observed: number(64), TargetMin: number(80), Unit: "deg", Severity: "info", Cue: "All the way down"},
	{Exercise: "lunge", Joint: "hip", Measure: "symmetry", Observed: number(81), TargetMin: number(92), Unit: "%", Severity: "info", Cue: "Same weight on both sides"},
	{Exercise: "deadlift", Joint: "spine", Measure: "angle", Observed: number(24), TargetMax: number(10), Unit: "deg", Severity: "stop", Cue: "Stop: your back rounds. Less weight"},
	{Exercise: "shoulder_press", Joint: "shoulder", Measure: "tempo", Observed: number(1.2), TargetMin: number(2), TargetMax: number(3), Unit: "s", Severity: "info", Cue: "Slower on the way down"},
	{Exercise: "curl", Joint: "elbow", Severity: "info", Cue: "Elbows stay at your sides"},
}

const (
	// correctEvery is how often somebody who trains is corrected, at most.
	correctEvery = 12 * time.Second
	// unseenFor is how long the coach waits for who has not seen the last one.
	unseenFor = 45 * time.Second
)

// coach is Tess: corrects who trains, and answers who writes.
type coach struct {
	*actor
	present map[string]*pupil
	n       int
	last    time.Time
}

// pupil is somebody who trains now.
type pupil struct {
	last time.Time // when they were corrected
	seen bool      // and whether they have said so
}

func newCoach(s *Stage) *coach {
	c := &coach{actor: newActor(s, TrainerID, SessionID, trainingID), present: map[string]*pupil{}}
	c.actor.hear, c.actor.tick = c.hear, c.correct
	return c
}

// hear takes who trains, and who has seen a correction.
func (c *coach) hear(topic string, payload []byte) {
	below, ok := strings.CutPrefix(topic, "session/"+trainingID+"/")
	if !ok {
		return
	}
	if below == "participants" {
		c.roster(payload)
		return
	}
	user, seen := strings.CutSuffix(strings.TrimPrefix(below, "form/"), "/seen")
	if p := c.present[user]; seen && p != nil {
		p.seen = true
	}
}

func (c *coach) roster(payload []byte) {
	var roster struct {
		Participants []struct {
			UserID string `json:"userId"`
		} `json:"participants"`
	}
	if json.Unmarshal(payload, &roster) != nil {
		return
	}
	before := c.present
	c.present = make(map[string]*pupil, len(roster.Participants))
	for _, p := range roster.Participants {
		if p.UserID == TrainerID {
			continue
		}
		if c.present[p.UserID] = before[p.UserID]; c.present[p.UserID] == nil {
			c.present[p.UserID] = &pupil{seen: true} // the first word comes at once
		}
	}
}

// next is who is to be corrected now: of those who are ready who has waited
// longest; "" where nobody is.
func (c *coach) next(now time.Time) (who string) {
	if now.Sub(c.last) < correctEvery/4 {
		return ""
	}
	for id, p := range c.present {
		ready := p.seen && now.Sub(p.last) >= correctEvery || now.Sub(p.last) >= unseenFor
		if ready && (who == "" || p.last.Before(c.present[who].last)) {
			who = id
		}
	}
	return who
}

// correct corrects one who is ready.
func (c *coach) correct(now time.Time) {
	who := c.next(now)
	if who == "" {
		return
	}
	say := corrections[c.n%len(corrections)]
	c.n++
	say.CorrectionID = fmt.Sprintf("demo-%d-%d", now.UnixMilli(), c.n)
	say.Set, say.Repetition = 1+c.n/12%4, 1+c.n%12
	c.last, c.present[who].last, c.present[who].seen = now, now, false
	c.say("session/"+trainingID+"/form/"+who, 1, say)
}
