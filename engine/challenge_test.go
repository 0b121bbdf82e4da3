package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

func act(cid string) string { return "challenge/" + cid + "/activity" }

func TestEngine_Activity(t *testing.T) {
	w := newWorld(t)
	w.challenge("c1", "ana", "ben", "cleo")
	w.pass(time.Second)
	ana, ben := sender("ana", "a"), sender("ben", "b")
	body := w.activity("a1", 7242.48)
	for i := range 10 {
		out := w.publish(ana, act("c1"), body)
		if out.Code != 0 || out.Deliver || out.Retain || out.Log != (i == 0) {
			t.Fatalf("time %d: got %+v", i+1, out)
		}
	}
	w.publish(ben, act("c1"), w.activity("a1", 7204.78)) // the same id of another user
	wantRefused(t, w.publish(ana, act("c1"), w.activity("a1", 9000)), 0x83, "activityId a1 was handed in before with another body")
	w.pass(time.Second)
	board := state[engine.Board](w, "challenge/c1/leaderboard")
	wantLines(t, lines(board.Entries), "1 ana 7242.48", "2 ben 7204.78")
	if board.Total != 2 || board.Unit != "m" || board.ChallengeID != "c1" || board.Entries[1].Name != "Ben" {
		t.Errorf("board: got %+v", board)
	}
	if !strings.Contains(w.raw("challenge/c1/leaderboard"), `"score":7242.48,`) {
		t.Errorf("score in %s", w.raw("challenge/c1/leaderboard"))
	}
	card := state[engine.RankCard](w, "challenge/c1/rank/ben")
	if card.Rank != 2 || card.Total != 2 || len(card.Above) != 1 || card.Above[0].UserID != "ana" || len(card.Below) != 0 {
		t.Errorf("rank of ben: got %+v", card)
	}
	if w.raw("challenge/c1/rank/cleo") != "" {
		t.Error("cleo has a rank without an activity")
	}
	st := state[engine.ChallengeStatus](w, "challenge/c1/status")
	if st.State != "active" || st.Participants != 3 || st.Activities != 2 || st.Sum.String() != "14447.26" || st.TimeLeft < 172_700 {
		t.Errorf("status: got %+v", st)
	}
	w.publish(ben, act("c1"), w.activity("a2", 100.02))
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ben 7304.8", "2 ana 7242.48")
	if card := state[engine.RankCard](w, "challenge/c1/rank/ana"); card.Rank != 2 || card.Above[0].UserID != "ben" {
		t.Errorf("rank of ana, who was overtaken: got %+v", card)
	}
}

func TestEngine_ActivityPending(t *testing.T) {
	w := newWorld(t)
	w.challenge("c1", "ana")
	in := engine.Inbound{Sender: sender("ana", "a"), Topic: act("c1"), Payload: []byte(w.activity("a1", 100)), At: w.clock()}
	first := w.Handle(in)
	if !first.Log || first.RecordID != "act/c1/ana/a1" {
		t.Fatalf("got %+v", first)
	}
	if again := w.Handle(in); again.Code != 0 || !again.Log || again.RecordID != first.RecordID {
		t.Errorf("a repeat on the way: got %+v, want it to wait for the same record", again)
	}
	other := in
	other.Payload = []byte(w.activity("a1", 200))
	wantRefused(t, w.Handle(other), 0x83, "another body")
	if got := w.Stats().Pending; got != 1 {
		t.Errorf("Pending: got %d, want 1", got)
	}
	// The record was never written: after a minute the id is free again.
	w.pass(61 * time.Second)
	other.At = w.clock()
	second := w.Handle(other)
	if second.Code != 0 || !second.Log || second.RecordID != first.RecordID {
		t.Errorf("after a minute: got %+v", second)
	}
	w.commit(second, other)
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ana 200")
	if got := w.Stats().Pending; got != 0 {
		t.Errorf("Pending: got %d, want 0", got)
	}
}

func TestEngine_ActivityRefusals(t *testing.T) {
	w := newWorld(t)
	w.challenge("c1", "ana")
	spec := w.spec()
	spec.Sports = []string{"cycling"}
	spec.EndsAt = w.clock().Add(time.Hour)
	_, _, err := w.PutChallenge(context.Background(), admin, "rides", spec)
	must(t, err)
	must(t, w.PutParticipant(context.Background(), admin, "rides", "ana"))
	tests := []struct {
		name, user, cid, payload string
		code                     byte
		reason                   string
	}{
		{"ErrStranger", "eve", "c1", w.activity("x", 1), 0x87, "user eve does not take part in challenge c1"},
		{"ErrNoChallenge", "ana", "c9", w.activity("x", 1), 0x87, "challenge c9 does not exist"},
		{"ErrNotJSON", "ana", "c1", `[1]`, 0x99, "not a JSON object"},
		{"ErrMissing", "ana", "c1", `{}`, 0x99, "activityId is missing; sport is missing; startTime is missing; totalElapsedTime is missing"},
		{"ErrDistance", "ana", "c1", w.activity("x", 2e6), 0x83, "totalDistance 2000000 is over the limit of 1000000 m"},
		{"ErrSport", "ana", "rides", w.activity("x", 1), 0x83, "sport running does not count: the challenge's sports are cycling"},
		{"ErrEarly", "ana", "c1", w.ended("x", 1, w.clock().Add(-25*time.Hour)), 0x83, "before the challenge starts"},
		{"ErrAhead", "ana", "c1", w.ended("x", 1, w.clock().Add(time.Hour)), 0x83, "ahead of the broker's clock"},
		{"ErrOld", "ana", "c1", w.ended("x", 1, w.clock().Add(-31*24*time.Hour)), 0x83, "over the limit of 30 days"},
		{"ErrNoMetric", "ana", "c1", strings.Replace(w.activity("x", 1), "totalDistance", "steps", 1), 0x83, "totalDistance is missing: the challenge counts distance"},
		{"ErrLarge", "ana", "c1", strings.Replace(w.activity("x", 1), "{", `{"device":"`+strings.Repeat("x", 4096)+`",`, 1), 0x83, "over the limit of 4096 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantRefused(t, w.publish(sender(tt.user, "c"), act(tt.cid), tt.payload), tt.code, tt.reason)
		})
	}
	t.Run("ErrQuota", func(t *testing.T) {
		var out engine.Outcome
		for i := range 21 {
			out = w.publish(sender("ana", "a"), act("c1"), w.activity(fmt.Sprintf("q%d", i), 1))
		}
		wantRefused(t, out, 0x96, "over the limit of 20 at once and one more every 10s")
		if out := w.publish(sender("ana", "a"), act("c1"), w.activity("q0", 1)); out.Code != 0 {
			t.Errorf("a repeat is held against the quota: %+v", out)
		}
		for i := range 85 {
			w.pass(10 * time.Second)
			out = w.publish(sender("ana", "a"), act("c1"), w.activity(fmt.Sprintf("r%d", i), 1))
		}
		wantRefused(t, out, 0x97, "over the limit of 100 a day")
	})
}

func TestEngine_ActivityLate(t *testing.T) {
	w := newWorld(t)
	spec := w.spec()
	spec.EndsAt = w.clock().Add(time.Hour)
	_, _, err := w.PutChallenge(context.Background(), admin, "c1", spec)
	must(t, err)
	must(t, w.PutParticipant(context.Background(), admin, "c1", "ana"))
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.pass(2 * time.Hour)
	st := state[engine.ChallengeStatus](w, "challenge/c1/status")
	if st.State != "ended" || len(st.Winners) != 1 || st.Winners[0].UserID != "ana" || st.TimeLeft != 0 {
		t.Errorf("status after the end: got %+v", st)
	}
	if got := state[engine.Challenge](w, "challenge/c1/info").State; got != "ended" {
		t.Errorf("info: state %s, want ended", got)
	}
	if out := w.publish(sender("ana", "a"), act("c1"), w.ended("late", 50, spec.EndsAt)); out.Code != 0 {
		t.Errorf("ended in time, handed in late: got %+v", out)
	}
	wantRefused(t, w.publish(sender("ana", "a"), act("c1"), w.activity("a3", 1)), 0x83, "after the challenge's end")
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ana 150")
}

// TestEngine_Rebuild kills the engine at every point of a run and looks whether
// the board comes out the same, byte for byte.
func TestEngine_Rebuild(t *testing.T) {
	run := func(t *testing.T, killAt, saveAt int) (board, status string) {
		w := newWorld(t)
		ctx := context.Background()
		w.challenge("c1", "ana", "ben", "cleo", "dan")
		users := []string{"ana", "ben", "cleo", "dan"}
		for i := range 24 {
			u := users[i%len(users)]
			w.publish(sender(u, u), act("c1"), w.activity(fmt.Sprintf("a%d", i), 100.1*float64(i%7)))
			switch i {
			case 9:
				must(t, w.WithdrawActivity(ctx, actor("ana"), "c1", "ana", "a8"))
			case 14:
				must(t, w.DeleteParticipant(ctx, actor("dan"), "c1", "dan"))
			case 15, 18:
				must(t, w.PutParticipant(ctx, actor("oli"), "c1", "dan"))
			}
			if i == saveAt {
				must(t, w.Checkpoint(ctx))
			}
			if i == killAt {
				w.start()
			}
			w.pass(time.Second)
		}
		// The state of a stopped clock, so that the status is comparable too.
		w.pass(time.Second)
		return w.raw("challenge/c1/leaderboard"), w.raw("challenge/c1/status")
	}
	board, status := run(t, -1, -1)
	if !strings.Contains(board, `"total":4`) {
		t.Fatalf("board: %s", board)
	}
	for killAt := range 24 {
		for _, saveAt := range []int{-1, killAt / 2, killAt} {
			b, s := run(t, killAt, saveAt)
			if b != board {
				t.Fatalf("killed after %d, saved after %d:\n got %s\nwant %s", killAt, saveAt, b, board)
			}
			if killAt < 22 && s != status { // a later kill makes the last status another moment's
				t.Fatalf("status, killed after %d, saved after %d:\n got %s\nwant %s", killAt, saveAt, s, status)
			}
		}
	}
}

func TestEngine_CheckpointFails(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana")
	must(t, w.Checkpoint(ctx)) // that ana has joined was told
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.tables.setFail(errDisk)
	wantKind(t, w.Checkpoint(ctx), fitness.Unavailable, "cannot write")
	if w.Position() != 0 || w.Stats().CheckpointErrors != 1 || w.Stats().Unsaved != 1 {
		t.Errorf("position %d, stats %+v", w.Position(), w.Stats())
	}
	w.tables.setFail(nil)
	must(t, w.Checkpoint(ctx))
	if w.Position() != 1 || w.Stats().Unsaved != 0 {
		t.Errorf("position %d, unsaved %d after the disk came back", w.Position(), w.Stats().Unsaved)
	}
	w.log = nil // the tail before the position is not needed any more
	w.start()
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ana 100")
	if out := w.publish(sender("ana", "a"), act("c1"), w.ended("a1", 100, w.clock().Add(-time.Second))); out.Code != 0 || out.Log {
		t.Errorf("a repeat after the restart: got %+v", out)
	}
}

func TestEngine_RunSavesAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.challenge("c1", "ana")
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	cancel()
	must(t, <-done)
	if got := w.Position(); got != 1 {
		t.Errorf("position: got %d, want 1", got)
	}
}

func TestEngine_Withdraw(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana", "ben")
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.publish(sender("ana", "a"), act("c1"), w.activity("a 2/x", 50))
	w.publish(sender("ben", "b"), act("c1"), w.activity("b1", 120))
	w.pass(time.Second)
	before := state[engine.Board](w, "challenge/c1/leaderboard")
	wantKind(t, w.WithdrawActivity(ctx, actor("ben"), "c1", "ana", "a1"), fitness.Forbidden, "only user ana and the organizer")
	wantKind(t, w.WithdrawActivity(ctx, actor("ana"), "c1", "ana", "zz"), fitness.NotFound, "zz")
	must(t, w.WithdrawActivity(ctx, actor("ana"), "c1", "ana", "a 2/x"))
	must(t, w.WithdrawActivity(ctx, actor("oli"), "c1", "ana", "a 2/x")) // again: nothing
	w.pass(time.Second)
	board := state[engine.Board](w, "challenge/c1/leaderboard")
	wantLines(t, lines(board.Entries), "1 ben 120", "2 ana 100")
	if board.Revision != before.Revision+1 {
		t.Errorf("revision: got %d after %d", board.Revision, before.Revision)
	}
	wantRefused(t, w.publish(sender("ana", "a"), act("c1"), w.ended("a 2/x", 50, w.clock().Add(-2*time.Second))), 0x83, "was withdrawn")
	must(t, w.WithdrawActivity(ctx, actor("ana"), "c1", "ana", "a1"))
	w.pass(time.Second)
	if w.raw("challenge/c1/rank/ana") != "" {
		t.Error("ana's rank is still retained")
	}
}
