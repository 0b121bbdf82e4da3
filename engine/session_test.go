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

func TestEngine_Race(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	ana, ben := sender("ana", "watch-a"), sender("ben", "watch-b")
	for _, s := range []engine.Sender{ana, ben} {
		w.Connected(s)
		w.Subscribed(s, "session/s1/#")
	}
	w.pass(time.Second)
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ana", "participant-joined:ben")
	roster := state[engine.Roster](w, "session/s1/participants")
	if len(roster.Participants) != 2 || roster.Participants[0].Name != "Ana" || roster.Participants[0].Role != "host" || roster.Participants[1].Role != "participant" {
		t.Errorf("roster: got %+v", roster)
	}
	for sec := 1; sec <= 20; sec++ {
		a, b := 3.0*float64(sec), 2.5*float64(sec)
		if sec > 10 { // ben overtakes
			b += 10
		}
		out := w.publish(ana, "session/s1/progress/ana", w.sample(sec, fmt.Sprintf(`"distance":%v,"heartRate":150`, a)))
		if out.Code != 0 || !out.Deliver || !out.Retain || !out.State || out.Log {
			t.Fatalf("sample %d: got %+v", sec, out)
		}
		w.publish(ben, "session/s1/progress/ben", w.sample(sec, fmt.Sprintf(`"distance":%v`, b)))
		w.pass(time.Second)
		if sec == 10 {
			wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ana 30", "2 ben 25")
		}
	}
	board := state[engine.Board](w, "session/s1/leaderboard")
	wantLines(t, lines(board.Entries), "1 ana 60", "2 ben 60")
	if board.SessionID != "s1" || board.Metric != "distance" || board.Unit != "m" || board.Total != 2 || board.Entries[0].Name != "Ana" {
		t.Errorf("board: got %+v", board)
	}
}

func TestEngine_LeaderboardRate(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	w.pass(time.Second)
	before := w.count("session/s1/leaderboard")
	revision := state[engine.Board](w, "session/s1/leaderboard").Revision
	for i := range 40 { // 4 samples a second for 10 s
		w.publish(sender("ana", "a"), "session/s1/progress/ana", w.sample(i, fmt.Sprintf(`"distance":%d`, i)))
		w.pass(250 * time.Millisecond)
	}
	w.pass(time.Second)
	if got := w.count("session/s1/leaderboard") - before; got < 15 || got > 26 {
		t.Errorf("got %d boards in 13 s of ticks, want about 2 a second", got)
	}
	board := state[engine.Board](w, "session/s1/leaderboard")
	wantLines(t, lines(board.Entries), "1 ana 39")
	if board.Revision <= revision {
		t.Errorf("revision %d is not over %d", board.Revision, revision)
	}
	before = w.count("session/s1/leaderboard")
	w.pass(3 * time.Second)
	if got := w.count("session/s1/leaderboard"); got != before {
		t.Errorf("got %d boards without a change, want none", got-before)
	}
}

func TestEngine_Presence(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	phone, watch := sender("ben", "phone"), sender("ben", "watch")
	w.Connected(phone)
	w.Subscribed(phone, "session/s1/events")
	w.Subscribed(phone, "session/s1/events") // again: the same subscription
	w.Subscribed(phone, "session/s1/progress/+")
	w.Connected(watch)
	w.Subscribed(watch, "session/s1/#")
	w.Subscribed(watch, "session/+/info") // no session in particular
	w.Unsubscribed(phone, "session/s1/events")
	w.Unsubscribed(phone, "session/s1/progress/+")
	w.pass(6 * time.Second)
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben")

	w.Disconnected(watch, false) // a quick reconnect is neither
	w.pass(4 * time.Second)
	w.Connected(watch)
	w.Subscribed(watch, "session/s1/#")
	w.pass(10 * time.Second)
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben")

	w.Disconnected(watch, false)
	w.pass(6 * time.Second)
	wantLines(t, w.events("s1")[2:], "participant-left:ben:lost")
	if got := len(state[engine.Roster](w, "session/s1/participants").Participants); got != 0 {
		t.Errorf("roster has %d entries, want none", got)
	}

	w.Connected(phone)
	w.Subscribed(phone, "session/s1/#")
	w.Unsubscribed(phone, "session/s1/#")
	w.Subscribed(phone, "session/s1/chat")
	w.Disconnected(phone, true)
	w.pass(6 * time.Second)
	wantLines(t, w.events("s1")[3:], "participant-joined:ben", "participant-left:ben:unsubscribed",
		"participant-joined:ben", "participant-left:ben:disconnected")

	spy := engine.Sender{UserID: "backend", Role: "service", ClientID: "svc"}
	w.Connected(spy)
	w.Subscribed(spy, "session/s1/#")
	w.Connected(engine.Sender{ClientID: "anon"})
	w.Subscribed(engine.Sender{ClientID: "anon"}, "session/s1/#")
	w.pass(time.Second)
	if got := len(w.events("s1")); got != 7 {
		t.Errorf("who only watches made events: %v", w.events("s1")[7:])
	}
}

// Who comes back within the grace is as if never gone: a later leave has its own reason.
func TestEngine_PresenceReason(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	phone, watch := sender("ben", "phone"), sender("ben", "watch")
	join := func(s engine.Sender) {
		w.Connected(s)
		w.Subscribed(s, "session/s1/#")
	}
	join(phone)
	w.Disconnected(phone, true)
	w.pass(time.Second)
	join(phone)
	w.Unsubscribed(phone, "session/s1/#")
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben", "participant-left:ben:unsubscribed")

	join(phone)
	join(watch)
	w.Disconnected(watch, false)
	w.Unsubscribed(phone, "session/s1/#") // the watch is in its grace
	w.pass(4 * time.Second)
	wantLines(t, w.events("s1")[3:], "participant-joined:ben")
	w.pass(2 * time.Second)
	wantLines(t, w.events("s1")[4:], "participant-left:ben:lost")

	join(phone)
	must(t, w.Checkpoint(t.Context()))
	w.start()
	join(phone) // within the grace after a start
	w.Unsubscribed(phone, "session/s1/#")
	wantLines(t, w.events("s1")[5:], "participant-joined:ben", "participant-left:ben:unsubscribed")
}

func TestEngine_PresenceTakeOver(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	c := sender("ben", "phone")
	w.Connected(c)
	w.Subscribed(c, "session/s1/#")
	w.Connected(c) // the old connection's end was never reported
	w.pass(2 * time.Second)
	w.Subscribed(c, "session/s1/#")
	w.pass(10 * time.Second)
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben")
}

func TestEngine_ProgressOrder(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	ana, topic := sender("ana", "w"), "session/s1/progress/ana"
	w.publish(ana, topic, w.sample(5, `"distance":50`))
	w.pass(time.Second)
	out := w.publish(ana, topic, w.sample(4, `"distance":40`))
	if out.Code != 0 || !out.Deliver || out.Retain || out.State {
		t.Errorf("an older sample: got %+v, want delivered and not kept", out)
	}
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ana 50")

	batch := fmt.Sprintf(`{"samples":[%s,%s,%s]}`, w.sample(7, `"distance":70`), w.sample(6, `"distance":60`), w.sample(8, `"distance":80,"mood":"fine"`))
	out = w.publish(ana, topic, batch)
	if !out.Retain || !strings.Contains(string(out.Payload), `"seq":8`) || !strings.Contains(string(out.Payload), `"mood":"fine"`) {
		t.Errorf("batch: got %+v, want the newest sample as it was sent", out)
	}
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ana 80")

	// A multisport leg starts at 0 again and adds.
	leg := strings.Replace(w.sample(9, `"distance":5`), "running", "cycling", 1)
	if out := w.publish(ana, topic, leg); out.Code != 0 {
		t.Fatalf("leg: %+v", out)
	}
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ana 85")
}

func TestEngine_ProgressRefusals(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	later := engine.SessionSpec{Host: "ana", StartsAt: w.clock().Add(time.Hour)}
	if _, _, err := w.PutSession(context.Background(), admin, "later", later); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, sid, payload string
		code               byte
		reason             string
	}{
		{"ErrHeartRate", "s1", w.sample(1, `"heartRate":900`), 0x83, "heartRate 900 is over the limit of 250 bpm"},
		{"ErrType", "s1", w.sample(1, `"heartRate":"fast"`), 0x99, "heartRate cannot be a string"},
		{"ErrNotJSON", "s1", "hello", 0x99, "not a JSON object"},
		{"ErrNotUTF8", "s1", "{\"a\":\"\xff\"}", 0x99, "not UTF-8"},
		{"ErrEmpty", "s1", "", 0x99, "payload is empty"},
		{"ErrNoSession", "nope", w.sample(1, `"power":1`), 0x87, "session nope does not exist"},
		{"ErrScheduled", "later", w.sample(1, `"power":1`), 0x83, "session later is scheduled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := w.publish(sender("ana", "w"), "session/"+tt.sid+"/progress/ana", tt.payload)
			wantRefused(t, out, tt.code, tt.reason)
		})
	}
	if got := w.Stats().Refused; got != uint64(len(tests)) {
		t.Errorf("Refused: got %d, want %d", got, len(tests))
	}
	t.Run("ErrRate", func(t *testing.T) {
		var out engine.Outcome
		for i := range 6 {
			out = w.publish(sender("ana", "fast"), "session/s1/progress/ana", w.sample(i, `"power":1`))
		}
		wantRefused(t, out, 0x96, "over the limit of 5 messages a second")
		if out := w.publish(sender("ana", "other"), "session/s1/progress/ana", w.sample(9, `"power":1`)); out.Code != 0 {
			t.Errorf("another device is held back: %+v", out)
		}
		w.pass(time.Second)
		if out := w.publish(sender("ana", "fast"), "session/s1/progress/ana", w.sample(10, `"power":1`)); out.Code != 0 {
			t.Errorf("a second later: %+v", out)
		}
	})
	t.Run("ErrStranger", func(t *testing.T) {
		must(t, func() error {
			_, _, err := w.PutSession(context.Background(), actor("ana"), "closed", engine.SessionSpec{})
			return err
		}())
		out := w.publish(sender("eve", "e"), "session/closed/progress/eve", w.sample(1, `"power":1`))
		wantRefused(t, out, 0x87, "eve is not a member")
	})
}

func TestEngine_Control(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	_, _, err := w.PutSession(ctx, actor("ana"), "s1", engine.SessionSpec{Trainer: "tom", Visibility: "open", StartsAt: w.clock().Add(time.Hour)})
	must(t, err)
	topic := "session/s1/control"
	wantRefused(t, w.publish(sender("ben", "b"), topic, `{"action":"start"}`), 0x87, "only host and trainer")
	wantRefused(t, w.publish(sender("ana", "a"), topic, `{"action":"pause"}`), 0x83, "cannot pause a session that is scheduled")
	wantRefused(t, w.publish(sender("ana", "a"), topic, `{"action":"dance"}`), 0x83, `action "dance" is none of`)
	wantRefused(t, w.publish(sender("ana", "a"), topic, `{}`), 0x99, "action is missing")
	wantRefused(t, w.publish(sender("ana", "a"), topic, `{"action":"remove"}`), 0x99, "userId is missing")
	wantRefused(t, w.publish(sender("ana", "a"), topic, `{"action":"remove","userId":"tom"}`), 0x83, "host or trainer")
	wantKind(t, w.Control(ctx, actor("ben"), "s1", "start", ""), fitness.Forbidden, "only host and trainer")
	wantKind(t, w.Control(ctx, actor("ana"), "s1", "dance", ""), fitness.Invalid, "dance")
	wantKind(t, w.Control(ctx, actor("ana"), "s9", "start", ""), fitness.NotFound, "s9")

	// Two commands on their way to the log: the second is judged by the first.
	start := engine.Inbound{Sender: sender("ana", "a"), Topic: topic, Payload: []byte(`{"action":"start"}`), At: w.clock()}
	pause := engine.Inbound{Sender: sender("tom", "t"), Topic: topic, Payload: []byte(`{"action":"pause"}`), At: w.clock()}
	o1, o2 := w.Handle(start), w.Handle(pause)
	if o1.Code != 0 || o2.Code != 0 || !o1.Log || !o2.Log || o1.Deliver {
		t.Fatalf("got %+v and %+v, want both logged", o1, o2)
	}
	if s, _ := w.Session("s1"); s.State != "scheduled" {
		t.Errorf("state before the log: got %s", s.State)
	}
	w.commit(o1, start)
	w.commit(o2, pause)
	wantRefused(t, w.publish(sender("ana", "a"), "session/s1/progress/ana", w.sample(1, `"power":1`)), 0x83, "session s1 is paused")
	must(t, w.Control(ctx, actor("tom"), "s1", "resume", ""))
	must(t, w.Control(ctx, actor("tom"), "s1", "resume", "")) // again: nothing
	w.publish(sender("ben", "b"), "session/s1/progress/ben", w.sample(1, `"distance":100`))
	w.pass(time.Second)
	must(t, w.Control(ctx, actor("ana"), "s1", "end", ""))
	wantKind(t, w.Control(ctx, actor("ana"), "s1", "start", ""), fitness.Conflict, "cannot start a session that is ended")
	w.mu.Lock()
	w.retained["session/s1/progress/ben"] = []byte("{}")
	w.mu.Unlock()
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx)) // the summaries are safe: the samples may go
	w.pass(time.Second)
	wantLines(t, w.events("s1"), "session-started", "session-paused", "session-started::resumed", "session-ended")
	info := state[engine.Session](w, "session/s1/info")
	if info.State != "ended" || info.StartedAt.IsZero() || info.EndedAt.IsZero() || info.Trainer != "tom" {
		t.Errorf("info: got %+v", info)
	}
	if w.raw("session/s1/progress/ben") != "" {
		t.Error("the last sample outlives the session")
	}
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ben 100")
}

func TestEngine_Remove(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	ctx := context.Background()
	ben := sender("ben", "b")
	w.Connected(ben)
	w.Subscribed(ben, "session/s1/#")
	w.publish(ben, "session/s1/progress/ben", w.sample(1, `"distance":100`))
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"remove","userId":"ben"}`)
	w.pass(time.Second)
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben", "participant-left:ben:removed")
	wantLines(t, w.revoked, "ben")
	if w.SessionMember("s1", "ben") {
		t.Error("a removed user is let in by the open session")
	}
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries))
	must(t, w.Checkpoint(ctx))
	w.start()
	if w.SessionMember("s1", "ben") {
		t.Error("the removal is forgotten after a restart")
	}
	wantKind(t, w.PutMember(ctx, actor("ben"), "s1", "ben"), fitness.Forbidden, "only host and trainer")
	must(t, w.PutMember(ctx, actor("ana"), "s1", "ben"))
	if !w.SessionMember("s1", "ben") {
		t.Error("not let in again")
	}
	must(t, w.DeleteMember(ctx, actor("ben"), "s1", "ben"))
	wantKind(t, w.DeleteMember(ctx, actor("ana"), "s1", "ana"), fitness.Conflict, "host or trainer")
}

// The standings are saved now and then; what is kept of the stream mends them
// after a crash, and changes nothing where they are newer.
func TestEngine_Recall(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	ana := sender("ana", "watch")
	w.Connected(ana)
	w.Subscribed(ana, "session/s1/#")
	kept := engine.Inbound{Sender: ana, Topic: "session/s1/progress/ana", QoS: 1}
	for seq := 1; seq <= 3; seq++ {
		kept.Payload, kept.At = []byte(w.sample(seq, fmt.Sprintf(`"distance":%d`, seq*100))), w.clock()
		if out := w.publish(ana, kept.Topic, string(kept.Payload)); out.Code != 0 {
			t.Fatalf("sample %d: %s", seq, out.Reason)
		}
		if seq == 1 {
			must(t, w.Checkpoint(t.Context()))
		}
		w.pass(time.Second)
	}
	w.start() // as after a crash: samples 2 and 3 are not in the tables
	w.Recall(kept)
	w.Recall(kept)
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "session/s1/leaderboard").Entries), "1 ana 300")
}

// A change of a session's state is told once, whenever a crash comes.
func TestEngine_ChangesToldOnce(t *testing.T) {
	command := map[string]func(*world, string){
		"Command": func(w *world, action string) {
			w.publish(sender("ana", "a"), "session/s1/control", `{"action":"`+action+`"}`)
		},
		"REST": func(w *world, action string) {
			must(w.t, w.Control(context.Background(), actor("ana"), "s1", action, ""))
		},
	}
	for how, do := range command {
		for _, saved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/Saved%t", how, saved), func(t *testing.T) {
				w := newWorld(t)
				w.session("s1")
				w.pass(time.Second)
				w.lose = true
				for _, action := range []string{"pause", "resume", "end"} {
					do(w, action)
				}
				if saved {
					must(t, w.Checkpoint(context.Background()))
				}
				w.lose = false
				for range 2 {
					w.crash()
					w.pass(time.Second)
					must(t, w.Checkpoint(context.Background()))
					wantLines(t, w.events("s1"), "session-started", "session-paused", "session-started::resumed", "session-ended")
				}
			})
		}
	}
}

// The end of a session, by a command that is applied again after a crash, comes
// before the kept samples are recalled: their summaries are not lost.
func TestEngine_EndReplayedBeforeRecall(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	must(t, w.Checkpoint(t.Context()))
	ben := sender("ben", "watch")
	kept := engine.Inbound{Sender: ben, Topic: "session/s1/progress/ben", QoS: 1, Payload: []byte(w.sample(1, `"distance":100`)), At: w.clock()}
	w.publish(ben, kept.Topic, string(kept.Payload))
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"end"}`)
	w.crash()
	w.Recall(kept)
	w.pass(time.Second)
	must(t, w.Checkpoint(t.Context()))
	w.crash()
	sum, err := w.Summary(t.Context(), "s1", "ben")
	must(t, err)
	if !sum.Final || sum.Distance.Units() != 100 {
		t.Errorf("got %+v, want the final one of 100 m", sum)
	}
}
