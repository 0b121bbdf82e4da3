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

func TestEngine_PutSession(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	tests := []struct {
		name  string
		actor engine.Actor
		id    string
		spec  engine.SessionSpec
		kind  fitness.Kind
		text  string
	}{
		{"ErrID", actor("ana"), "no/slash", engine.SessionSpec{}, fitness.Invalid, "session id"},
		{"ErrOther", actor("ana"), "s2", engine.SessionSpec{Host: "ben"}, fitness.Forbidden, "made by its host"},
		{"ErrAnonymous", engine.Actor{}, "s2", engine.SessionSpec{Host: "ben"}, fitness.Forbidden, "made by its host"},
		{"ErrGhost", actor("ana"), "s2", engine.SessionSpec{Trainer: "ghost"}, fitness.Invalid, "trainer ghost is not a user"},
		{"ErrYear", actor("ana"), "s2", engine.SessionSpec{StartsAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}, fitness.Invalid, "startsAt is not in the years"},
		{"ErrAll", actor("ana"), "s2", engine.SessionSpec{Kind: "party", Visibility: "secret", RankBy: "looks", Title: strings.Repeat("x", 201)},
			fitness.Invalid, `kind "party" is neither workout nor training; visibility "secret" is neither open nor invite; title of 201 characters is over the limit of 200; rankBy "looks"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := w.PutSession(ctx, tt.actor, tt.id, tt.spec)
			wantKind(t, err, tt.kind, tt.text)
		})
	}
	s, created, err := w.PutSession(ctx, engine.Actor{UserID: "tom", Role: "trainer"}, "s1", engine.SessionSpec{Kind: "training", Host: "ana", Trainer: "tom"})
	must(t, err)
	if !created || s.State != "live" || s.Visibility != "invite" || s.RankBy != "distance" {
		t.Errorf("got %+v", s)
	}
	if !w.SessionTrainer("s1", "tom") || !w.SessionControl("s1", "ana") || w.SessionMember("s1", "ben") || w.SessionTrainer("s1", "") {
		t.Error("relations are wrong")
	}
	wantKind(t, func() error {
		_, _, err := w.PutSession(ctx, actor("ben"), "s1", engine.SessionSpec{Host: "ben"})
		return err
	}(), fitness.Forbidden, "changed by its host")
	_, created, err = w.PutSession(ctx, actor("ana"), "s1", engine.SessionSpec{Host: "ana", RankBy: "power"})
	must(t, err)
	if created || w.SessionControl("s1", "tom") {
		t.Error("the old trainer still commands the session")
	}
	wantLines(t, w.revoked, "tom")
	for _, id := range []string{"a", "b"} {
		w.session(id)
	}
	page, next := w.Sessions("", 2)
	if len(page) != 2 || page[0].ID != "a" || next != "b" {
		t.Errorf("first page: %v %q", page, next)
	}
	if page, next = w.Sessions(next, 2); len(page) != 1 || page[0].ID != "s1" || next != "" {
		t.Errorf("last page: %v %q", page, next)
	}
	w.tables.setFail(errDisk)
	_, _, err = w.PutSession(ctx, actor("ana"), "s3", engine.SessionSpec{})
	wantKind(t, err, fitness.Unavailable, "cannot write")
	w.tables.setFail(nil)
	if _, err := w.Session("s3"); fitness.KindOf(err) != fitness.NotFound {
		t.Error("a session that was not stored exists")
	}
}

func TestEngine_DeleteSession(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.session("s1")
	ben := sender("ben", "b")
	w.Connected(ben)
	w.Subscribed(ben, "session/s1/#")
	w.publish(ben, "session/s1/progress/ben", w.sample(1, `"distance":100`))
	must(t, w.PutMember(ctx, actor("ana"), "s1", "cleo"))
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	wantKind(t, w.DeleteSession(ctx, actor("ben"), "s1"), fitness.Forbidden, "host and trainer")
	must(t, w.DeleteSession(ctx, actor("ana"), "s1"))
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	w.dropUsers() // theirs is not the session's
	if len(w.retained) != 0 {
		t.Errorf("still retained: %v", w.retained)
	}
	for _, table := range []string{"sessions", "members", "live"} {
		if got := w.tables.keys(table); len(got) != 0 {
			t.Errorf("table %s still has %v", table, got)
		}
	}
	if w.SessionMember("s1", "ana") || w.SessionMember("s1", "ben") {
		t.Error("a deleted session has members")
	}
	wantLines(t, w.revoked, "ben")
	wantKind(t, w.DeleteSession(ctx, admin, "s1"), fitness.NotFound, "s1")
}

func TestEngine_SessionRestart(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.session("s1")
	ana, ben := sender("ana", "a"), sender("ben", "b")
	for _, s := range []engine.Sender{ana, ben} {
		w.Connected(s)
		w.Subscribed(s, "session/s1/#")
		w.publish(s, "session/s1/progress/"+s.UserID, w.sample(1, `"distance":100`))
	}
	// ana's second leg, so that her total is not what her next sample says.
	w.publish(ana, "session/s1/progress/ana", strings.Replace(w.sample(2, `"distance":10`), "running", "cycling", 1))
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	before := state[engine.Board](w, "session/s1/leaderboard")

	w.retained = map[string][]byte{}
	w.start() // as after a kill: no Disconnected, no Unsubscribed
	w.pass(time.Second)
	after := state[engine.Board](w, "session/s1/leaderboard")
	wantLines(t, lines(after.Entries), lines(before.Entries)...)
	wantLines(t, lines(after.Entries), "1 ana 110", "2 ben 100")
	if after.Revision <= before.Revision {
		t.Errorf("revision fell from %d to %d", before.Revision, after.Revision)
	}
	w.Connected(ana)
	w.Subscribed(ana, "session/s1/#")
	w.publish(ana, "session/s1/progress/ana", strings.Replace(w.sample(3, `"distance":20`), "running", "cycling", 1))
	w.pass(20 * time.Second)
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ana", "participant-joined:ben", "participant-left:ben:lost")
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ana 120", "2 ben 100")
}

func TestEngine_ScheduledStart(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.PutSession(context.Background(), actor("ana"), "s1", engine.SessionSpec{StartsAt: w.clock().Add(3 * time.Second)})
	must(t, err)
	w.pass(2 * time.Second)
	if got := state[engine.Session](w, "session/s1/info").State; got != "scheduled" {
		t.Errorf("too early: got %s", got)
	}
	w.pass(2 * time.Second)
	if got := state[engine.Session](w, "session/s1/info").State; got != "live" {
		t.Errorf("got %s, want live", got)
	}
	wantLines(t, w.events("s1"), "session-started")
}

// Everybody gets the roster and the events, so that a storm of joins must not cost
// its square.
func TestEngine_JoinStorm(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	const n, seconds = 5000, 10
	bytes, rosters := 0, 0
	present := 0
	for range seconds * 10 {
		for range n / seconds / 10 {
			s := sender(fmt.Sprintf("u%d", present), fmt.Sprintf("c%d", present))
			w.Connected(s)
			w.Subscribed(s, "session/s1/#")
			present++
		}
		w.sent = nil
		w.pass(100 * time.Millisecond)
		for _, m := range w.sent {
			switch m.Topic {
			case "session/s1/participants":
				rosters++
				bytes += len(m.Payload) * present
			case "session/s1/events":
				bytes += len(m.Payload) * present
			}
		}
	}
	if most := seconds * 60_000_000; bytes > most {
		t.Errorf("the storm costs %d MB, want at most %d", bytes/1e6, most/1_000_000)
	}
	if rosters < 5 || rosters > 2*seconds {
		t.Errorf("%d rosters in %d s", rosters, seconds)
	}
	w.join("s1", "ana") // the host, last
	w.pass(5 * time.Second)
	r := state[engine.Roster](w, "session/s1/participants")
	if r.Total != n+1 || len(r.Participants) != 100 || r.Participants[0].UserID != "ana" {
		t.Errorf("roster: total %d with %d listed from %s on, want %d with 100 from the host on", r.Total, len(r.Participants), r.Participants[0].UserID, n+1)
	}
	if w.Stats().EventsDropped == 0 {
		t.Error("dropped events are not counted")
	}
	t.Logf("%d joins in %d s: %d rosters, %d MB to all together", n, seconds, rosters, bytes/1e6)
}

func TestEngine_EndedRestart(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.session("s1")
	topic := "session/s1/progress/ben"
	w.publish(sender("ben", "b"), topic, w.sample(1, `"distance":100`))
	w.pass(time.Second)
	must(t, w.Control(ctx, actor("ana"), "s1", "end", ""))
	must(t, w.Checkpoint(ctx))
	w.retained[topic] = []byte("{}")
	w.start() // killed before the samples were removed
	w.pass(time.Second)
	if w.raw(topic) == "" {
		t.Error("the last sample goes before the summaries are stored")
	}
	must(t, w.Checkpoint(ctx))
	w.pass(time.Second)
	if w.raw(topic) != "" {
		t.Error("the last sample outlives the session")
	}
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ben 100")
	must(t, w.Checkpoint(ctx))
	w.start()
	w.sent = nil
	w.pass(time.Second)
	if got := w.count(topic); got != 0 {
		t.Errorf("the sample is removed at every start: %d times", got)
	}
}

func TestEngine_ControlReplay(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.session("s1")
	w.pass(time.Second)
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"pause"}`)
	w.pass(time.Second)
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"resume"}`)
	w.pass(time.Second)
	must(t, w.Control(ctx, actor("ana"), "s1", "pause", "")) // stored at once
	w.start()                                                // the commands in the log come again
	if s, _ := w.Session("s1"); s.State != "paused" {
		t.Errorf("state: got %s, want paused", s.State)
	}
	wantLines(t, w.events("s1"), "session-started", "session-paused", "session-started::resumed", "session-paused")
}
