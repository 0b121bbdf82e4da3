package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/preference"
)

func (w *world) presence(user string) string {
	w.t.Helper()
	p := state[engine.Presence](w, "user/"+user+"/presence")
	return p.State + " " + p.LastSeen.Format("15:04:05")
}

func wantPresence(t *testing.T, w *world, user, want string) {
	t.Helper()
	if got := w.presence(user); got != want {
		t.Errorf("presence of %s: got %q, want %q", user, got, want)
	}
}

func TestEngine_UserPresence(t *testing.T) {
	const topic = "user/ana/presence"
	phone, watch := sender("ana", "phone"), sender("ana", "watch")
	t.Run("OK merged over devices, offline after the grace", func(t *testing.T) {
		w := newWorld(t)
		w.Connected(phone)
		w.pass(time.Second)
		w.Connected(watch)
		w.Disconnected(phone, true)
		w.pass(time.Minute)
		wantPresence(t, w, "ana", "online 12:00:00")
		w.Disconnected(watch, false)
		w.pass(4 * time.Second)
		wantPresence(t, w, "ana", "online 12:00:00")
		w.pass(2 * time.Second)
		wantPresence(t, w, "ana", "offline 12:01:01")
		if n := w.count(topic); n != 2 {
			t.Errorf("published %d times, want 2: a second device is no news", n)
		}
	})
	t.Run("OK a storm of reconnects is one state", func(t *testing.T) {
		w := newWorld(t)
		for range 50 {
			w.Connected(phone)
			w.pass(200 * time.Millisecond)
			w.Disconnected(phone, false)
			w.pass(200 * time.Millisecond)
		}
		if n := w.count(topic); n != 1 {
			t.Errorf("published %d times, want 1", n)
		}
	})
	t.Run("OK at most once a second", func(t *testing.T) {
		w := newWorld(t)
		w.Connected(phone)
		for i := range 20 {
			w.publish(phone, "user/ana/away", fmt.Sprintf(`{"away":%v}`, i%2 == 0))
			w.pass(100 * time.Millisecond)
		}
		if n := w.count(topic); n > 3 {
			t.Errorf("published %d times in 2 s, want at most 3", n)
		}
		w.pass(time.Second)
		if got := state[engine.Presence](w, topic).State; got != engine.Online {
			t.Errorf("at the end: got %s, want online", got)
		}
	})
	t.Run("OK away by its own word, with its connection", func(t *testing.T) {
		w := newWorld(t)
		w.Connected(phone)
		w.Connected(watch)
		w.pass(time.Second)
		if out := w.publish(phone, "user/ana/away", `{"away":true}`); out.Code != 0 || out.Deliver || out.Log || out.Retain {
			t.Errorf("got %+v, want accepted and nothing more", out)
		}
		w.pass(2 * time.Second)
		if got := state[engine.Presence](w, topic).State; got != engine.Online {
			t.Errorf("the watch is in use: got %s, want online", got)
		}
		w.publish(watch, "user/ana/away", `{"away":true}`)
		w.pass(2 * time.Second)
		if got := state[engine.Presence](w, topic).State; got != engine.Away {
			t.Errorf("both have said so: got %s, want away", got)
		}
		w.Connected(watch) // anew
		w.pass(2 * time.Second)
		if got := state[engine.Presence](w, topic).State; got != engine.Online {
			t.Errorf("after connecting again: got %s, want online", got)
		}
	})
	t.Run("OK away without activity, and back", func(t *testing.T) {
		w := newWorld(t)
		w.Connected(phone)
		w.pass(9 * time.Minute)
		wantPresence(t, w, "ana", "online 12:00:00")
		w.pass(2 * time.Minute)
		wantPresence(t, w, "ana", "away 12:00:00")
		w.publish(phone, "dev/x", "anything")
		w.pass(200 * time.Millisecond)
		wantPresence(t, w, "ana", "online 12:11:00")
	})
	t.Run("OK over a restart", func(t *testing.T) {
		w := newWorld(t)
		ben := sender("ben", "b")
		w.Connected(phone)
		w.Connected(ben)
		w.pass(time.Second)
		w.Disconnected(ben, true)
		w.pass(2 * time.Minute)
		must(t, w.Checkpoint(context.Background()))
		w.retained = map[string][]byte{}
		w.start()
		w.pass(time.Second)
		wantPresence(t, w, "ben", "offline 12:00:01")
		if got := w.raw(topic); got != "" {
			t.Errorf("who was online has a while to return: got %s", got)
		}
		w.pass(15 * time.Second)
		wantPresence(t, w, "ana", "offline 12:02:01")
		w.Connected(phone)
		w.pass(2 * time.Second)
		if got := state[engine.Presence](w, topic).State; got != engine.Online {
			t.Errorf("got %s, want online", got)
		}
	})
	t.Run("OK forgotten after a month", func(t *testing.T) {
		w := newWorld(t)
		w.Connected(phone)
		w.Disconnected(phone, true)
		w.pass(10 * time.Second)
		must(t, w.Checkpoint(context.Background()))
		w.now = w.now.Add(31 * 24 * time.Hour)
		w.pass(time.Second)
		must(t, w.Checkpoint(context.Background()))
		if got, rows := w.raw(topic), w.tables.keys("presence"); got != "" || len(rows) != 0 {
			t.Errorf("got %q and rows %v, want nothing", got, rows)
		}
	})
	t.Run("Err", func(t *testing.T) {
		w := newWorld(t)
		wantRefused(t, w.publish(phone, "user/ana/away", `{"away":true}`), 0x83, "only a connected client")
		w.Connected(phone)
		wantRefused(t, w.publish(phone, "user/ana/away", `{}`), 0x99, "away is missing")
		wantRefused(t, w.publish(phone, "user/ana/away", `{"away":"yes"}`), 0x99, "away")
	})
}

func TestEngine_PresenceVisible(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	see := func(viewer string, want bool) {
		t.Helper()
		if got := w.PresenceVisible(viewer, "ana"); got != want {
			t.Errorf("%s sees ana: got %v, want %v", viewer, got, want)
		}
	}
	see("ana", true)
	see("ben", false)
	must(t, w.PutLink(ctx, admin, "tess", "ana"))
	see("tess", true)

	w.session("s1")
	ben := sender("ben", "b")
	w.Connected(ben)
	w.Subscribed(ben, "session/s1/#")
	w.pass(4 * time.Second)
	see("ben", true)
	must(t, w.DeleteMember(ctx, actor("ana"), "s1", "ben"))
	see("ben", false)

	w.challenge("c1", "ana", "cem")
	see("cem", true)
	must(t, w.DeleteParticipant(ctx, actor("cem"), "c1", "cem"))
	see("cem", false)

	must(t, w.PutBlock(ctx, actor("ana"), "tess"))
	see("tess", false)
	must(t, w.DeleteBlock(ctx, actor("ana"), "tess"))
	see("tess", true)

	phone := sender("ana", "phone")
	w.Connected(phone)
	w.pass(2 * time.Second)
	_, err := w.PutPreferences(ctx, actor("ana"), "ana", engine.Preferences{Presence: preference.Private})
	must(t, err)
	if got := w.raw("user/ana/presence"); got != "" {
		t.Errorf("private: got %s retained, want nothing", got)
	}
	see("tess", true) // the removal is for her too
	w.pass(900 * time.Millisecond)
	if got := w.raw("user/ana/presence"); got != "" {
		t.Errorf("published while others may still get it: %s", got)
	}
	see("tess", false)
	see("ana", true)
	w.pass(time.Second)
	if got := state[engine.Presence](w, "user/ana/presence").State; got != engine.Online {
		t.Errorf("to herself: got %s, want online", got)
	}
	n := w.count("user/ana/presence")
	must(t, w.DeletePreferences(ctx, actor("ana"), "ana"))
	w.pass(2 * time.Second)
	see("tess", true)
	if w.count("user/ana/presence") != n+1 {
		t.Error("shared again: not published anew")
	}
}

func TestEngine_Clients(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	for _, c := range []string{"ana", "ben", "cem"} {
		must(t, w.PutLink(ctx, admin, "tess", c))
	}
	must(t, w.PutLink(ctx, admin, "tim", "dan"))
	_, err := w.PutPreferences(ctx, actor("ben"), "ben", engine.Preferences{Presence: preference.Private})
	must(t, err)
	w.Connected(sender("ana", "a"))
	w.Connected(sender("ben", "b"))
	w.pass(2 * time.Second)
	list, next, err := w.Clients(actor("tess"), "tess", "", 2)
	must(t, err)
	if len(list) != 2 || next != "ben" || list[0].Name != "Ana" || list[0].Presence.State != engine.Online || list[1].Presence != nil {
		t.Errorf("got %+v next %q, want ana online and ben private", list, next)
	}
	list, next, err = w.Clients(admin, "tess", next, 2)
	must(t, err)
	if len(list) != 1 || next != "" || list[0].ClientID != "cem" || list[0].Presence.State != engine.Offline {
		t.Errorf("got %+v next %q, want cem offline", list, next)
	}
	_, _, err = w.Clients(actor("ana"), "tess", "", 2)
	wantKind(t, err, fitness.Forbidden, "only trainer tess")
	_, _, err = w.Clients(actor("ana"), "t/s", "", 2)
	wantKind(t, err, fitness.Invalid, "t/s")
}
