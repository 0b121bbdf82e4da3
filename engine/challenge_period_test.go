package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
)

// leap lets time go by without the ticks in between.
func (w *world) leap(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	w.pass(time.Second)
}

// A repeating challenge lists its periods, and a member's rank tells where the team
// stands, also when others moved it.
func TestEngine_PeriodsAndTeams(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	spec := w.spec()
	spec.Period, spec.EndsAt = challenge.Daily, w.clock().Add(100*24*time.Hour)
	spec.Teams = []challenge.Team{{ID: "red", Name: "Reds", Members: []string{"ana", "ben"}}, {ID: "blue", Members: []string{"cleo"}}}
	_, _, err := w.PutChallenge(ctx, admin, "c1", spec)
	must(t, err)
	for _, u := range []string{"ana", "ben", "cleo"} {
		must(t, w.PutParticipant(ctx, admin, "c1", u))
	}
	hand := func(user, id string, metres float64) {
		t.Helper()
		if out := w.publish(sender(user, user), act("c1"), w.activity(id, metres)); out.Code != 0 {
			t.Fatalf("%+v", out)
		}
		w.pass(time.Second)
	}
	hand("ana", "a", 100)
	hand("cleo", "a", 200)
	card := state[engine.RankCard](w, "challenge/c1/rank/ana")
	if card.Team == nil || card.Team.Rank != 2 || card.Team.Name != "Reds" || card.Team.Score.String() != "100" {
		t.Fatalf("ana's card: got team %+v, want the second", card.Team)
	}
	hand("ben", "a", 150) // ana keeps her rank and her neighbour; her team takes the lead
	if card = state[engine.RankCard](w, "challenge/c1/rank/ana"); card.Team.Rank != 1 || card.Team.Score.String() != "250" {
		t.Errorf("ana's card after ben's activity: got team %+v, want the first", card.Team)
	}
	if card = state[engine.RankCard](w, "challenge/c1/rank/cleo"); card.Team.Rank != 2 {
		t.Errorf("cleo's card: got team %+v, want the second", card.Team)
	}
	w.leap(24 * time.Hour)
	hand("cleo", "b", 50)
	w.leap(24 * time.Hour)
	var got []string
	for after := ""; ; {
		list, next, err := w.Periods("c1", after, 2)
		must(t, err)
		for _, p := range list {
			got = append(got, fmt.Sprint(p.Period, " ", p.Activities, " ", len(p.Winners)))
		}
		if after = next; next == "" {
			break
		}
	}
	wantLines(t, got, "2026-05-01 3 3", "2026-05-02 1 1", "2026-05-03 0 0")
	_, _, err = w.Periods("c1", "2026-13-01", 0)
	wantKind(t, err, fitness.NotFound, "no period")
}
