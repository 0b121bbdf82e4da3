package demo

import (
	"testing"
	"time"
)

// testStage is a stage that is not set up: nothing is sent.
func testStage() *Stage {
	return &Stage{opts: Options{Speed: 1, Now: time.Now}, report: newReport(), cast: cast(186)}
}

// Everybody is corrected in turn, who has seen the last one first, and nobody
// before they are there.
func TestCoach_Next(t *testing.T) {
	now := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	c := newCoach(testStage())
	if who := c.next(now); who != "" {
		t.Errorf("with nobody there: got %q", who)
	}
	c.roster([]byte(`{"participants":[{"userId":"tess"},{"userId":"ida"},{"userId":"you"}]}`))
	corrected := func(at time.Time) string {
		who := c.next(at)
		if who != "" {
			c.last, c.present[who].last, c.present[who].seen = at, at, false
		}
		return who
	}
	first, tooSoon, second := corrected(now), corrected(now.Add(time.Second)), corrected(now.Add(4*time.Second))
	if got := map[string]bool{first: true, second: true}; !got["ida"] || !got["you"] || tooSoon != "" {
		t.Errorf("got %q, %q and %q, want ida and you, and nobody in between", first, tooSoon, second)
	}
	if who := corrected(now.Add(20 * time.Second)); who != "" {
		t.Errorf("nobody has seen theirs: got %q", who)
	}
	c.hear("session/strength/form/"+second+"/seen", []byte(`{}`))
	if who := corrected(now.Add(24 * time.Second)); who != second {
		t.Errorf("got %q, want %s who has seen the last one", who, second)
	}
	if who := corrected(now.Add(46 * time.Second)); who != first {
		t.Errorf("got %q, want %s who has waited long enough", who, first)
	}
	c.roster([]byte(`{"participants":[{"userId":"tess"}]}`))
	if who := corrected(now.Add(time.Hour)); who != "" {
		t.Errorf("after all have left: got %q", who)
	}
}

// The coach says nothing that the broker would refuse.
func TestCorrections(t *testing.T) {
	for _, c := range corrections {
		if c.Exercise == "" || c.Cue == "" || len(c.Cue) > 280 || c.Severity == "" {
			t.Errorf("%+v: an exercise, a severity and a cue of at most 280 characters", c)
		}
		if (c.Measure == "") != (c.Observed == nil) {
			t.Errorf("%+v: a measure and what was observed go together", c)
		}
	}
}

// Everybody who speaks is there, and the group has more to scroll back to than
// one page.
func TestCast_Talk(t *testing.T) {
	all := cast(186)
	lines := rideTalk()
	if len(lines) <= 50 {
		t.Errorf("%d lines, want more than a page of 50", len(lines))
	}
	spoke := map[string]int{}
	for _, line := range append(lines, coachTalk...) {
		if all[line[0]] == nil {
			t.Errorf("%q says %q and is not in the cast", line[0], line[1])
		}
		spoke[line[0]]++
	}
	for who, n := range spoke {
		if n > 30 { // the burst that the broker allows
			t.Errorf("%s says %d lines at once", who, n)
		}
	}
}

// A ride of a minute ago is one that a watch can hand in.
func TestRidden(t *testing.T) {
	now := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	samples := ridden(now, 104, 7.2)["samples"].([]map[string]any)
	if len(samples) != 60 {
		t.Errorf("%d samples, want 60, the most of a batch", len(samples))
	}
	before := now.Add(-time.Hour).Format(time.RFC3339)
	for _, s := range samples {
		at, heart := s["timestamp"].(string), s["heartRate"].(int)
		if at <= before || at > now.Format(time.RFC3339) || heart < 60 || heart > 220 {
			t.Errorf("%v: want rising times up to now and a heart rate of somebody who rides", s)
		}
		before = at
	}
}

// What is planned is done when it is due, once, and no more than so much.
func TestActor_Later(t *testing.T) {
	now := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	s := testStage()
	s.opts.Now = func() time.Time { return now }
	a := newActor(s, idaID)
	var done []int
	for i := range maxPlanned + 5 {
		a.later(time.Duration(i)*time.Second, func() { done = append(done, i) })
	}
	a.act(now.Add(1500 * time.Millisecond))
	a.act(now.Add(1500 * time.Millisecond))
	if len(done) != 2 {
		t.Errorf("after 1.5 s: got %v, want what was due", done)
	}
	a.act(now.Add(time.Hour))
	if len(done) != maxPlanned {
		t.Errorf("in the end %d were done, want %d", len(done), maxPlanned)
	}
}
