package challenge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
)

func keys(list []challenge.Award) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.User+" "+a.Key())
	}
	return out
}

func TestBoard_Awards(t *testing.T) {
	s := spec()
	s.StartsAt = noon.Add(-100 * time.Hour)
	s.Goal, s.GoalOf = 3000, challenge.GoalEach
	s.Awards = []challenge.AwardRule{{Threshold: 1000, Title: "One"}, {Threshold: 2000}, {Kind: challenge.Streak, Threshold: 3}}
	b := challenge.NewBoard(normal(t, s), 0)
	for _, u := range []string{"ana", "ben"} {
		b.SetJoined(u, true, 1)
	}
	step := func(user, id string, metres float64, hoursAgo int, want ...string) {
		t.Helper()
		a := endedAt(t, id, metres, noon.Add(-time.Duration(hoursAgo)*time.Hour))
		for range 2 { // the second time changes nothing
			b.Apply(user, &a, noon)
		}
		if got := keys(b.TakeAwards()); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	step("ana", "a", 1500, 72, "ana -/distance/1000")
	step("ben", "b", 1600, 70, "ben -/distance/1000", "ben -/leadTaken/1", "ana -/overtaken/1")
	step("ana", "c", 1600, 24, "ana -/distance/2000", "ana -/challengeCompleted/3000", "ana -/personalBest/1500", "ana -/leadTaken/1", "ben -/overtaken/1")
	step("ana", "d", 10, 48, "ana -/streak/3")
	step("ben", "e", 1601, 30, "ben -/distance/2000", "ben -/challengeCompleted/3000", "ben -/personalBest/1600") // told both already
	if _, err := b.Withdraw("ana", "c"); err != nil {
		t.Fatal(err)
	}
	step("ana", "f", 1600, 20) // reached again
	if got := b.TakeAwards(); got != nil {
		t.Errorf("taken twice: %v", got)
	}
}

func TestBoard_AwardsOfTheTop(t *testing.T) {
	b := challenge.NewBoard(normal(t, spec()), 0)
	at := noon
	apply := func(user, id string, metres float64) []string {
		b.SetJoined(user, true, 1)
		a := endedAt(t, id, metres, noon)
		b.Apply(user, &a, at)
		return keys(b.TakeAwards())
	}
	for i := range 12 {
		apply(fmt.Sprintf("u%02d", i), "a", float64(1200-100*i))
	}
	got := apply("u11", "b", 850) // from 12 to 4: those of 4 to 10 lost a rank
	if got[0] != "u11 -/personalBest/100" || got[1] != "u11 -/rankUp/10" || len(got) != 2+7 || got[2] != "u03 -/overtaken/4" {
		t.Errorf("got %q", got)
	}
	at = at.Add(challenge.OvertakenEvery - 1)
	if got := apply("u10", "b", 5); got != nil {
		t.Errorf("no rank changed: got %q", got)
	}
	if got := apply("u09", "b", 2000); slices.ContainsFunc(got, func(k string) bool { return strings.HasPrefix(k, "u04 -/overtaken") }) {
		t.Errorf("u04 was told again too soon: %q", got)
	}
}

func TestBoard_Review(t *testing.T) {
	b := challenge.NewBoard(normal(t, spec()), 0)
	b.SetJoined("ana", true, 1)
	a := endedAt(t, "a", 40_000, noon) // 22 m/s on foot
	b.Apply("ana", &a, noon)
	see := func(score string, activities, flagged int, revision uint64) {
		t.Helper()
		e, _ := b.Standing(0).Order().Get("ana")
		n, f, _ := b.Standing(0).Totals()
		if e.Score.String() != score || n != activities || f != flagged || b.Revision() != revision {
			t.Errorf("got %s, %d activities, %d flagged, revision %d; want %s, %d, %d, %d", e.Score, n, f, b.Revision(), score, activities, flagged, revision)
		}
	}
	see("40000", 1, 1, 2)
	for _, r := range []struct {
		counts  bool
		reviews uint16
	}{{false, 1}, {false, 1}, {true, 2}} {
		if _, err := b.Review("ana", "a", r.counts, r.reviews, noon); err != nil {
			t.Fatal(err)
		}
		if r.counts {
			see("40000", 1, 0, 4)
		} else {
			see("0", 0, 0, 3)
		}
	}
	if _, err := b.Review("ana", "x", true, 1, noon); fitness.KindOf(err) != fitness.NotFound {
		t.Errorf("got %v, want not found", err)
	}
}

func TestActivity_Facts(t *testing.T) {
	all := parse(t, body("é1", `,"totalDistance":40000.5,"totalCalories":300,"totalTimerTime":1750,"totalAscent":80,"steps":4000,"repetitions":12,"maxHeartRate":230`))
	few := parse(t, body("a", ``))
	for _, a := range []challenge.Activity{all, few} {
		raw := a.AppendFacts(nil)
		b, err := challenge.DecodeFacts(raw)
		if err != nil || string(b.AppendFacts(nil)) != string(raw) || b.End() != a.End() || b.Body != a.Body || len(b.Flags) != len(a.Flags) {
			t.Errorf("got %+v, %v; want %+v", b, err, a)
		}
		for _, m := range []challenge.Metric{challenge.Distance, challenge.Calories, challenge.Duration, challenge.Steps, challenge.Ascent, challenge.Repetitions} {
			s := spec()
			s.Metric = m
			if got, want := s.Judge(&b, noon), s.Judge(&a, noon); got != want {
				t.Errorf("%s: got %+v, want %+v", m, got, want)
			}
		}
		for n := range len(raw) {
			if _, err := challenge.DecodeFacts(raw[:n]); err == nil {
				t.Errorf("%d of %d bytes were taken for whole", n, len(raw))
			}
		}
	}
}
