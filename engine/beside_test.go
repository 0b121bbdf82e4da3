package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

// seams lets things happen in the middle of something else: wherever the engine asks
// for the time, writes to a table or hands over happenings.
type seams struct {
	mu   sync.Mutex // guards what follows
	n    int        // seams until now
	at   map[int]func()
	busy bool // what happens at a seam has none of its own
}

// pass is called at each seam; a nil seams has none.
func (s *seams) pass() {
	if s == nil {
		return
	}
	s.mu.Lock()
	if s.busy {
		s.mu.Unlock()
		return
	}
	s.n++
	fn := s.at[s.n]
	s.busy = fn != nil
	s.mu.Unlock()
	if fn != nil {
		fn()
		s.mu.Lock()
		s.busy = false
		s.mu.Unlock()
	}
}

// during calls fn with things that happen at its seams, and returns how many it has.
func (w *world) during(fn func(), at map[int]func()) int {
	s := &seams{at: at}
	w.seam(s)
	fn()
	w.seam(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (w *world) seam(s *seams) {
	w.mu.Lock()
	w.seams = s
	w.mu.Unlock()
	w.tables.mu.Lock()
	defer w.tables.mu.Unlock()
	w.tables.seams = s
}

// kill has nothing that happens from now on survive, until the next start.
func (w *world) kill() {
	w.tables.setFail(errDisk)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = true
}

// again is a start after kill.
func (w *world) again() {
	w.tables.setFail(nil)
	w.mu.Lock()
	w.lose = false
	w.mu.Unlock()
	w.crash()
}

// Ticks go on while a checkpoint writes, and the process may be killed at any moment
// of it.
func TestEngine_TicksBesideCheckpoint(t *testing.T) {
	for name, scene := range map[string]func(t *testing.T) (w *world, beside, check func()){
		"summaries of a session that ends":  func(t *testing.T) (*world, func(), func()) { return endingSession(t, 0) },
		"summaries that wait to be written": func(t *testing.T) (*world, func(), func()) { return endingSession(t, 200*time.Millisecond) },
		"a notification for who is absent":  absentUser,
	} {
		t.Run(name, func(t *testing.T) {
			try := func(beside, kill int) (seams int) {
				w, fn, check := scene(t)
				at := map[int]func(){kill: w.kill}
				if before := at[beside]; before != nil {
					at[beside] = func() { fn(); before() }
				} else {
					at[beside] = fn
				}
				seams = w.during(func() {
					if err := w.Checkpoint(t.Context()); err != nil && kill > seams && seams > 0 {
						t.Fatal(err)
					}
				}, at)
				w.again()
				check()
				if t.Failed() {
					t.Fatalf("with a tick at seam %d, killed at %d of %d", beside, kill, seams)
				}
				return seams
			}
			all := try(0, 0)
			if all < 5 {
				t.Fatalf("a checkpoint has %d seams: nothing was tried", all)
			}
			for beside := 1; beside <= all; beside++ {
				for kill := beside; kill <= all+6; kill++ { // what happens beside may add some
					try(beside, kill)
				}
			}
		})
	}
}

// endingSession is a session that ended that long ago, with the newest sample of an
// athlete in no table yet, but retained.
func endingSession(t *testing.T, ago time.Duration) (w *world, beside, check func()) {
	w = newWorld(t)
	w.session("s1")
	ben := w.join("s1", "ben")
	topic := "session/s1/progress/ben"
	kept := engine.Inbound{Sender: ben, Topic: topic, QoS: 1}
	for seq := 1; seq <= 2; seq++ {
		kept.Payload, kept.At = []byte(w.sample(seq, fmt.Sprintf(`"distance":%d`, seq*100))), w.clock()
		if out := w.publish(ben, topic, string(kept.Payload)); out.Code != 0 {
			t.Fatal(out.Reason)
		}
		must(t, w.Checkpoint(t.Context()))
	}
	w.mu.Lock()
	w.retained[topic] = kept.Payload // the data plane's part
	w.mu.Unlock()
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"end"}`)
	w.pass(ago)
	return w, func() { w.pass(500 * time.Millisecond) }, func() {
		if w.raw(topic) != "" && w.Recall(kept) {
			t.Error("the sample is taken for stale")
		}
		w.pass(time.Second)
		must(t, w.Checkpoint(t.Context()))
		w.crash()
		w.pass(time.Second)
		sum, err := w.Summary(t.Context(), "s1", "ben")
		if err != nil || !sum.Final || sum.Distance.Units() != 200 {
			t.Errorf("got %+v, %v; want the final summary of 200 m", sum, err)
		}
		if w.raw(topic) != "" {
			t.Error("the sample is still retained")
		}
	}
}

// listed is a Herald that keeps what it takes, as a queue on a disk does.
type listed struct {
	w  *world
	mu sync.Mutex // guards ids
	// ids has how often each was taken.
	ids map[string]int
}

func (l *listed) Wants(string) bool { return true }

func (l *listed) Add(_ context.Context, list []engine.Happening) error {
	l.w.mu.Lock()
	s, killed := l.w.seams, l.w.lose
	l.w.mu.Unlock()
	if killed {
		return errDisk
	}
	l.mu.Lock()
	for _, h := range list {
		l.ids[h.Type+" "+h.User]++
	}
	l.mu.Unlock()
	s.pass()
	return nil
}

// absentUser is a user without a client, to whom a trainer's notification comes while
// others are being told of something else.
func absentUser(t *testing.T) (w *world, beside, check func()) {
	w = newWorld(t)
	l := &listed{w: w, ids: map[string]int{}}
	w.herald = l
	w.start()
	must(t, w.PutLink(t.Context(), admin, "tess", "ben"))
	w.session("s1")
	return w, func() {
			w.publish(engine.Sender{UserID: "tess", Role: "trainer", ClientID: "pad"}, "user/ben/notification", `{"content":"Come back"}`)
			w.pass(200 * time.Millisecond)
		}, func() {
			w.pass(time.Second)
			must(t, w.Checkpoint(t.Context()))
			l.mu.Lock()
			defer l.mu.Unlock()
			told := len(w.log) == 0 || l.ids["notification.absent ben"] > 0
			if !told || l.ids["session.started ana"] == 0 {
				t.Errorf("others were told %v of what is in the log: %d records", l.ids, len(w.log))
			}
		}
}

// What an administrative call has stored is not replaced by what a checkpoint took
// before it.
func TestEngine_CallsBesideCheckpoint(t *testing.T) {
	for name, tt := range map[string]struct {
		call  func(ctx context.Context, w *world) error
		check func(t *testing.T, w *world)
	}{
		"PutSession": {
			func(ctx context.Context, w *world) error {
				_, _, err := w.PutSession(ctx, actor("ana"), "s1", engine.SessionSpec{Title: "Road", Visibility: "open"})
				return err
			},
			func(t *testing.T, w *world) {
				if s, err := w.Session("s1"); err != nil || s.Title != "Road" {
					t.Errorf("got %+v, %v; want the title Road", s, err)
				}
			},
		},
		"Control": {
			func(ctx context.Context, w *world) error { return w.Control(ctx, actor("ana"), "s1", "pause", "") },
			func(t *testing.T, w *world) {
				if s, err := w.Session("s1"); err != nil || s.State != "paused" {
					t.Errorf("got %+v, %v; want it paused", s, err)
				}
			},
		},
		"DeleteSession": {
			func(ctx context.Context, w *world) error { return w.DeleteSession(ctx, actor("ana"), "s1") },
			func(t *testing.T, w *world) {
				_, err := w.Session("s1")
				wantKind(t, err, fitness.NotFound, "does not exist")
			},
		},
		"PutMember": {
			func(ctx context.Context, w *world) error { return w.PutMember(ctx, actor("ana"), "s1", "ben") },
			func(t *testing.T, w *world) {
				if !w.SessionMember("s1", "ben") {
					t.Error("ben is not a member")
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seam := 1; ; seam++ {
				w := newWorld(t)
				w.session("s1")
				w.pass(time.Second)
				w.publish(sender("ana", "a"), "session/s1/control", `{"action":"remove","userId":"ben"}`)
				called := make(chan error, 1)
				n := w.during(func() { must(t, w.Checkpoint(t.Context())) }, map[int]func(){seam: func() {
					done := make(chan struct{})
					go func() {
						defer close(done)
						called <- tt.call(context.WithoutCancel(t.Context()), w)
					}()
					select {
					case <-done: // it need not wait for the checkpoint
					case <-time.After(20 * time.Millisecond): // it does
					}
				}})
				if seam > n {
					break
				}
				must(t, <-called)
				w.crash()
				if tt.check(t, w); t.Failed() {
					t.Fatalf("called at seam %d of %d", seam, n)
				}
			}
		})
	}
}

// Who was removed by a command and put back before the next checkpoint is a member
// after it.
func TestEngine_RemovedAndPutBack(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	must(t, w.Checkpoint(t.Context()))
	w.publish(sender("ana", "a"), "session/s1/control", `{"action":"remove","userId":"ben"}`)
	must(t, w.PutMember(t.Context(), actor("ana"), "s1", "ben"))
	must(t, w.Checkpoint(t.Context()))
	w.crash()
	if !w.SessionMember("s1", "ben") {
		t.Error("the removal was written behind the return")
	}
}

// A kept sample whose removal a crash has undone is found at the start.
func TestEngine_RecallStale(t *testing.T) {
	for name, end := range map[string]func(w *world) error{
		"the session has ended": func(w *world) error { return w.Control(t.Context(), actor("ana"), "s1", "end", "") },
		"it was deleted":        func(w *world) error { return w.DeleteSession(t.Context(), actor("ana"), "s1") },
		"the user was removed":  func(w *world) error { return w.DeleteMember(t.Context(), actor("ana"), "s1", "ben") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.session("s1")
			kept := engine.Inbound{Sender: w.join("s1", "ben"), Topic: "session/s1/progress/ben", QoS: 1, Payload: []byte(w.sample(1, `"distance":100`)), At: w.clock()}
			if out := w.publish(kept.Sender, kept.Topic, string(kept.Payload)); out.Code != 0 {
				t.Fatal(out.Reason)
			}
			if w.Recall(kept) {
				t.Error("the sample of a session that goes on is taken for stale")
			}
			must(t, end(w))
			for range 3 {
				w.pass(time.Second)
				must(t, w.Checkpoint(t.Context()))
			}
			w.crash()
			if !w.Recall(kept) {
				t.Error("the sample is to be kept")
			}
		})
	}
}

// A command by REST stores the session's record, which says that its start was told: a
// kill behind that does not keep it from others.
func TestEngine_ToldBeforeStored(t *testing.T) {
	w := newWorld(t)
	l := &listed{w: w, ids: map[string]int{}}
	w.herald = l
	w.start()
	w.session("s1")
	must(t, w.Control(t.Context(), actor("ana"), "s1", "start", ""))
	w.kill()
	w.again()
	must(t, w.Checkpoint(t.Context()))
	if l.ids["session.started ana"] == 0 {
		t.Errorf("others were told %v", l.ids)
	}
}
