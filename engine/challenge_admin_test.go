package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

func TestEngine_Participants(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana", "ben", "cleo")
	wantKind(t, w.PutParticipant(ctx, actor("eve"), "c1", "eve"), fitness.Forbidden, "while it is not open")
	wantKind(t, w.PutParticipant(ctx, actor("oli"), "c1", "ghost"), fitness.Invalid, "not a user")
	wantKind(t, w.DeleteParticipant(ctx, actor("ben"), "c1", "ana"), fitness.Forbidden, "only the organizer")
	wantKind(t, w.DeleteParticipant(ctx, actor("oli"), "c1", "eve"), fitness.NotFound, "eve")
	if !w.ChallengeParticipant("c1", "ana") || !w.ChallengeParticipant("c1", "oli") || w.ChallengeParticipant("c1", "eve") {
		t.Error("relations are wrong")
	}
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.publish(sender("ben", "b"), act("c1"), w.activity("b1", 90))
	must(t, w.DeleteParticipant(ctx, actor("ana"), "c1", "ana"))
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ben 90")
	wantLines(t, w.revoked, "ana")
	if w.ChallengeParticipant("c1", "ana") {
		t.Error("who left still takes part")
	}
	list, next, err := w.Participants("c1", "", 1)
	must(t, err)
	if len(list) != 1 || list[0].UserID != "ben" || list[0].Name != "Ben" || next != "ben" {
		t.Errorf("first page: %+v %q", list, next)
	}
	list, next, err = w.Participants("c1", next, 5)
	must(t, err)
	if len(list) != 1 || list[0].UserID != "cleo" || next != "" {
		t.Errorf("last page: %+v %q", list, next)
	}
	must(t, w.PutParticipant(ctx, actor("oli"), "c1", "ana"))
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ana 100", "2 ben 90")

	open := w.spec()
	open.Visibility = "open"
	_, _, err = w.PutChallenge(ctx, actor("oli"), "open", open)
	must(t, err)
	must(t, w.PutParticipant(ctx, actor("eve"), "open", "eve"))
	wantKind(t, w.PutParticipant(ctx, actor("eve"), "open", "ben"), fitness.Forbidden, "organizer")
}

func TestEngine_PutChallenge(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana", "ben")
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.publish(sender("ana", "a"), act("c1"), w.activity("a2", 150))
	w.publish(sender("ben", "b"), act("c1"), w.activity("b1", 200))
	w.pass(time.Second)
	before := state[engine.Board](w, "challenge/c1/leaderboard")
	wantLines(t, lines(before.Entries), "1 ana 250", "2 ben 200")

	spec := w.spec()
	spec.Aggregate = "best"
	_, _, err := w.PutChallenge(ctx, actor("ana"), "c1", spec)
	wantKind(t, err, fitness.Forbidden, "changed by its organizer")
	res, created, err := w.PutChallenge(ctx, actor("oli"), "c1", spec)
	must(t, err)
	if created || res.Aggregate != "best" {
		t.Errorf("got %+v, created %v", res, created)
	}
	w.pass(time.Second)
	board := state[engine.Board](w, "challenge/c1/leaderboard")
	wantLines(t, lines(board.Entries), "1 ben 200", "2 ana 150")
	if board.Revision <= before.Revision {
		t.Errorf("revision fell from %d to %d", before.Revision, board.Revision)
	}
	if card := state[engine.RankCard](w, "challenge/c1/rank/ana"); card.Rank != 2 {
		t.Errorf("rank of ana: got %+v", card)
	}

	var bad engine.ChallengeSpec
	must(t, json.Unmarshal([]byte(`{"metric":"looks","teams":[{"id":"a b"}],"awards":[{}],"period":"hourly","limits":{"perDay":-1},"startsAt":"2026-05-02T00:00:00Z","endsAt":"2026-05-01T00:00:00Z"}`), &bad))
	_, _, err = w.PutChallenge(ctx, actor("oli"), "c2", bad)
	wantKind(t, err, fitness.Invalid, `metric "looks" is none of`)
	for _, text := range []string{`teams[0].id "a b"`, "awards[0].threshold 0", `period "hourly"`, "limits.perDay -1", "endsAt is not after startsAt"} {
		wantKind(t, err, fitness.Invalid, text)
	}
	other := w.spec()
	other.Organizer = "ben"
	_, _, err = w.PutChallenge(ctx, actor("ana"), "c2", other)
	wantKind(t, err, fitness.Forbidden, "made by its organizer")
}

func TestEngine_DeleteChallenge(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana")
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.pass(time.Second)
	wantKind(t, w.DeleteChallenge(ctx, actor("ana"), "c1"), fitness.Forbidden, "organizer")
	must(t, w.DeleteChallenge(ctx, actor("oli"), "c1"))
	w.pass(time.Second)
	w.dropUsers()
	if len(w.retained) != 0 {
		t.Errorf("still retained: %v", w.retained)
	}
	wantLines(t, w.revoked, "ana")
	for _, table := range []string{"participants", "activities"} {
		if got := w.tables.keys(table); len(got) != 0 {
			t.Errorf("table %s still has %v", table, got)
		}
	}
	// A successor under the same id starts empty, and the same activity counts
	// in it under a record id of its own.
	w.pass(time.Second)
	w.challenge("c1", "ana")
	out := w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 70))
	if out.RecordID != "act/c1~1/ana/a1" {
		t.Errorf("record id: got %q", out.RecordID)
	}
	w.start() // the old record is in the log and must not count
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ana 70")
}

// TestEngine_DeleteChallengeWhilePending has an activity reach the log's end
// only when its challenge has been replaced by another one of the same id.
func TestEngine_DeleteChallengeWhilePending(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana")
	in := engine.Inbound{Sender: sender("ana", "a"), Topic: act("c1"), Payload: []byte(w.activity("a1", 100)), At: w.clock()}
	out := w.Handle(in)
	must(t, w.DeleteChallenge(ctx, admin, "c1"))
	w.pass(time.Second)
	w.challenge("c1", "ana")
	w.commit(out, in)
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries))
	if got := w.Stats(); got.Pending != 0 || got.ActivitiesIgnored != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestEngine_AppliedTwice hands the whole log in again, as a tail does that
// begins before the saved position.
func TestEngine_AppliedTwice(t *testing.T) {
	w := newWorld(t)
	w.challenge("c1", "ana")
	w.session("s1")
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 100))
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"pause"}`)
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"resume"}`)
	w.pass(time.Second)
	must(t, w.Checkpoint(context.Background()))
	board, events := w.raw("challenge/c1/leaderboard"), w.events("s1")
	for range 2 {
		for _, x := range w.log {
			w.Applied(x.pos, x.in)
		}
		w.pass(time.Second)
		if got := w.raw("challenge/c1/leaderboard"); got != board {
			t.Errorf("got %s, want %s", got, board)
		}
		wantLines(t, w.events("s1"), events...)
		w.start()
	}
}

func TestEngine_LeaderboardQuery(t *testing.T) {
	w := newWorld(t)
	users := make([]string, 60)
	for i := range users {
		users[i] = fmt.Sprintf("u%02d", i)
	}
	w.challenge("c1", users...)
	for i, u := range users {
		w.publish(sender(u, u), act("c1"), w.activity("a", float64(1000-i)))
	}
	w.pass(time.Second)
	if got := len(state[engine.Board](w, "challenge/c1/leaderboard").Entries); got != 25 {
		t.Errorf("published: got %d entries, want 25", got)
	}
	b, err := w.Leaderboard("c1", engine.BoardQuery{Offset: 58, Limit: 10})
	must(t, err)
	wantLines(t, lines(b.Entries), "59 u58 942", "60 u59 941")
	b, err = w.Leaderboard("c1", engine.BoardQuery{Around: "u30", Limit: 3})
	must(t, err)
	wantLines(t, lines(b.Entries), "30 u29 971", "31 u30 970", "32 u31 969")
	_, err = w.Leaderboard("c1", engine.BoardQuery{Around: "eve"})
	wantKind(t, err, fitness.NotFound, "eve is not ranked")
	_, err = w.Leaderboard("c9", engine.BoardQuery{})
	wantKind(t, err, fitness.NotFound, "c9")
	_, err = w.Leaderboard("c1", engine.BoardQuery{Offset: -1})
	wantKind(t, err, fitness.Invalid, "offset")
}

func TestEngine_RanksBounded(t *testing.T) {
	w := newWorld(t)
	const n = 2500
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("u%04d", i)
	}
	w.challenge("c1", append([]string{"last"}, users...)...)
	for i, u := range users {
		w.publish(sender(u, u), act("c1"), w.activity("a", float64(10_000-i)))
	}
	w.sent = nil
	w.pass(100 * time.Millisecond)
	if got := len(w.sent); got > 1010 {
		t.Errorf("%d messages in a tick, want at most 1000 ranks", got)
	}
	w.pass(3 * time.Second)
	for i, u := range users {
		if card := state[engine.RankCard](w, "challenge/c1/rank/"+u); card.Rank != i+1 {
			t.Fatalf("rank of %s: got %d, want %d", u, card.Rank, i+1)
		}
	}
	// One overtakes all: everybody's rank moves, and all are told in the end.
	w.publish(sender("last", "l"), act("c1"), w.activity("a", 20_000))
	w.pass(4 * time.Second)
	for i, u := range users {
		if card := state[engine.RankCard](w, "challenge/c1/rank/"+u); card.Rank != i+2 {
			t.Fatalf("rank of %s: got %d, want %d", u, card.Rank, i+2)
		}
	}
	// A change at the end tells the neighbours and nobody else.
	w.sent = nil
	w.publish(sender(users[n-1], "x"), act("c1"), w.activity("b", 0.5))
	w.pass(2 * time.Second)
	ranks := 0
	for _, m := range w.sent {
		if strings.Contains(m.Topic, "/rank/") {
			ranks++
		}
	}
	if ranks < 1 || ranks > 3 {
		t.Errorf("got %d ranks for a change that moves nobody, want the user and two neighbours", ranks)
	}
}

func TestEngine_Links(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	wantKind(t, w.PutLink(ctx, actor("tom"), "tom", "ana"), fitness.Forbidden, "only the client")
	wantKind(t, w.PutLink(ctx, actor("ana"), "ana", "ana"), fitness.Invalid, "same user")
	wantKind(t, w.PutLink(ctx, actor("ana"), "mel", "ana"), fitness.Invalid, "mel is not a trainer")
	must(t, w.PutLink(ctx, actor("ana"), "tom", "ana"))
	w.start()
	if !w.Linked("tom", "ana") || w.Linked("ana", "tom") {
		t.Error("the link is wrong after a restart")
	}
	wantKind(t, w.DeleteLink(ctx, actor("ben"), "tom", "ana"), fitness.Forbidden, "trainer and client")
	must(t, w.DeleteLink(ctx, actor("tom"), "tom", "ana"))
	wantKind(t, w.DeleteLink(ctx, actor("tom"), "tom", "ana"), fitness.NotFound, "no link")
	wantLines(t, w.revoked, "tom", "ana")
}

func TestEngine_HandleOther(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		topic         string
		retain, state bool
	}{
		{"dev/x", true, false}, {"user/ana/achievement", false, false},
	} {
		out := w.Handle(engine.Inbound{Sender: sender("ana", "a"), Topic: tt.topic, Payload: []byte("x"), Retain: true, At: w.clock()})
		if want := (engine.Outcome{Deliver: true, Retain: tt.retain, State: tt.state}); fmt.Sprint(out) != fmt.Sprint(want) {
			t.Errorf("%s: got %+v, want %+v", tt.topic, out, want)
		}
	}
}

func TestEngine_New(t *testing.T) {
	_, err := engine.New(engine.Options{LeaderboardRate: -1})
	if err == nil || !strings.Contains(err.Error(), "Store is missing") || !strings.Contains(err.Error(), "LeaderboardRate is negative") {
		t.Errorf("got %v, want every problem", err)
	}
	tables := newTables()
	_, _ = tables.Put(context.Background(), "sessions", "s1", []byte("{"), store.Any, 0) // a fake does not fail here
	if _, err := engine.New(engine.Options{Store: tables}); err == nil || !strings.Contains(err.Error(), "sessions/s1") {
		t.Errorf("a damaged record: got %v, want its place", err)
	}
}
