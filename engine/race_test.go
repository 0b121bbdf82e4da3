package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/store"
)

// TestEngine_Concurrent drives everything at once, for the race detector and for
// locks that wait for each other; the sums must come out right all the same.
func TestEngine_Concurrent(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.session("s1")
	const users, each = 8, 20
	ids := make([]string, users)
	for i := range ids {
		ids[i] = fmt.Sprintf("u%d", i)
	}
	w.challenge("c1", ids...)
	applied := make(chan engine.Inbound, users*each)
	var wg sync.WaitGroup
	for _, u := range ids {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := sender(u, "c-"+u)
			w.Connected(s)
			w.Subscribed(s, "session/s1/#")
			for i := range each {
				in := engine.Inbound{Sender: s, Topic: act("c1"), Payload: []byte(w.activity(fmt.Sprintf("a%d", i), 10.1)), At: w.clock()}
				if out := w.Handle(in); out.Code == 0 && out.Log {
					applied <- in
				} else {
					t.Errorf("%s activity %d: %+v", u, i, out)
				}
				w.Handle(engine.Inbound{Sender: s, Topic: "session/s1/progress/" + u, Payload: []byte(w.sample(i, `"distance":5`)), At: w.clock()})
				w.SessionMember("s1", u)
				w.ChallengeParticipant("c1", u)
				w.Stats()
			}
			w.Disconnected(s, false)
		}()
	}
	stop := make(chan struct{})
	var side sync.WaitGroup
	aside := func(fn func(i int)) {
		side.Add(1)
		go func() {
			defer side.Done()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					fn(i)
				}
			}
		}()
	}
	aside(func(int) { w.pass(100 * time.Millisecond) })
	aside(func(int) { _ = w.Checkpoint(ctx) }) // the fake does not fail
	aside(func(i int) {
		action := []string{"pause", "resume"}[i%2]
		_ = w.Control(ctx, admin, "s1", action, "") // either may be too late
		_, _, _ = w.PutChallenge(ctx, admin, "c1", w.spec())
		_ = w.PutMember(ctx, admin, "s1", "u1")
		_, _ = w.Members("s1")
		_, _ = w.Leaderboard("c1", engine.BoardQuery{Around: "u1"})
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		pos := store.Pos(0)
		for in := range applied {
			pos++
			w.Applied(pos, in)
		}
	}()
	wg.Wait()
	close(applied)
	<-done
	close(stop)
	side.Wait()
	w.pass(time.Second)
	b, err := w.Leaderboard("c1", engine.BoardQuery{})
	must(t, err)
	if b.Total != users {
		t.Errorf("total: got %d, want %d", b.Total, users)
	}
	for _, e := range b.Entries {
		if e.Score.String() != "202" {
			t.Errorf("%s: got %s, want 202", e.UserID, e.Score)
		}
	}
	must(t, w.Checkpoint(ctx))
	w.start()
	again, err := w.Leaderboard("c1", engine.BoardQuery{})
	must(t, err)
	wantLines(t, lines(again.Entries), lines(b.Entries)...)
	if again.Revision != b.Revision {
		t.Errorf("revision after the restart: got %d, want %d", again.Revision, b.Revision)
	}
}

// nobody listens.
type nobody struct{}

func (nobody) Publish(engine.Outgoing) {}

func benchEngine(b *testing.B, users int) *engine.Engine {
	b.Helper()
	e, err := engine.New(engine.Options{Store: newTables(), Publisher: nobody{}, Allowance: engine.Allowance{ActivityBurst: -1, ActivityDaily: -1}, ProgressRate: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	_, _, err = e.PutSession(ctx, admin, "s1", engine.SessionSpec{Host: "u0", Visibility: "open"})
	if err == nil {
		_, _, err = e.PutChallenge(ctx, admin, "c1", engine.ChallengeSpec{Organizer: "u0", StartsAt: time.Now().Add(-time.Hour), EndsAt: time.Now().Add(time.Hour)})
	}
	for i := range users {
		if err == nil {
			err = e.PutParticipant(ctx, admin, "c1", fmt.Sprintf("u%d", i))
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func BenchmarkEngine_Activity(b *testing.B) {
	const users = 10_000
	e := benchEngine(b, users)
	start := time.Now().Add(-30 * time.Minute).UTC().Format(time.RFC3339)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		u := fmt.Sprintf("u%d", i%users)
		in := engine.Inbound{
			Sender: engine.Sender{UserID: u, Role: "member", ClientID: u}, Topic: "challenge/c1/activity", At: time.Now(),
			Payload: fmt.Appendf(nil, `{"activityId":"a%d","sport":"running","startTime":%q,"totalElapsedTime":1700,"totalDistance":%d}`, i, start, i%5000),
		}
		out := e.Handle(in)
		if out.Code != 0 {
			b.Fatalf("%+v", out)
		}
		in.Made = out.Made
		e.Applied(store.Pos(i+1), in)
	}
}

func BenchmarkEngine_Progress(b *testing.B) {
	e := benchEngine(b, 0)
	now := time.Now().UTC()
	payload := []byte{}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		u := fmt.Sprintf("u%d", i%500)
		payload = fmt.Appendf(payload[:0], `{"seq":%d,"timestamp":%q,"elapsedTime":%d,"sport":"running","status":"active","heartRate":150,"cadence":85,"speed":3.4,"distance":%d}`, i, now.Format(time.RFC3339), i%1000, i/500)
		out := e.Handle(engine.Inbound{Sender: engine.Sender{UserID: u, Role: "member", ClientID: u}, Topic: "session/s1/progress/" + u, Payload: payload, At: now.Add(time.Duration(i) * time.Microsecond)})
		if out.Code != 0 {
			b.Fatalf("%+v", out)
		}
	}
}

func BenchmarkEngine_SessionMember(b *testing.B) {
	e := benchEngine(b, 0)
	b.ReportAllocs()
	for range b.N {
		if !e.SessionMember("s1", "u7") {
			b.Fatal("not a member")
		}
	}
}

func BenchmarkEngine_Load100k(b *testing.B) {
	const users, each = 10_000, 10
	tables := newTables()
	ctx := context.Background()
	e, err := engine.New(engine.Options{Store: tables, Publisher: nobody{}, Allowance: engine.Allowance{ActivityBurst: -1, ActivityDaily: -1}})
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := e.PutChallenge(ctx, admin, "c1", engine.ChallengeSpec{Organizer: "u0", StartsAt: time.Now().Add(-time.Hour), EndsAt: time.Now().Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	start := time.Now().Add(-30 * time.Minute).UTC().Format(time.RFC3339)
	for i := range users * each {
		u := fmt.Sprintf("u%d", i%users)
		if i < users {
			if err := e.PutParticipant(ctx, admin, "c1", u); err != nil {
				b.Fatal(err)
			}
		}
		e.Applied(store.Pos(i+1), engine.Inbound{
			Sender: engine.Sender{UserID: u}, Topic: "challenge/c1/activity", At: time.Now(),
			Payload: fmt.Appendf(nil, `{"activityId":"a%d","sport":"running","startTime":%q,"totalElapsedTime":1700,"totalDistance":%d}`, i, start, i%5000),
		})
	}
	if err := e.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		again, err := engine.New(engine.Options{Store: tables})
		if err != nil {
			b.Fatal(err)
		}
		if board, err := again.Leaderboard("c1", engine.BoardQuery{}); err != nil || board.Total != users {
			b.Fatalf("%+v %v", board, err)
		}
	}
}
