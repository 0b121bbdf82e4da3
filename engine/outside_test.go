package engine_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
)

// herald remembers what it is told, and fails where it is told to.
type herald struct {
	fail error
	not  string // what it does not want
	list []engine.Happening
}

func (h *herald) Wants(typ string) bool { return typ != h.not }

func (h *herald) Add(_ context.Context, list []engine.Happening) error {
	if h.fail == nil {
		h.list = append(h.list, list...)
	}
	return h.fail
}

// told writes what was told as "type user", and forgets it.
func (h *herald) told() []string {
	out := []string{}
	for _, x := range h.list {
		out = append(out, x.Type+" "+x.User)
	}
	h.list = nil
	return out
}

func TestEngine_Herald(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*world, *herald) {
		w, h := newWorld(t), &herald{}
		w.herald = h
		w.start()
		return w, h
	}
	t.Run("OK what it wants, with the next checkpoint", func(t *testing.T) {
		w, h := begin(t)
		h.not = engine.TellActivityFlagged
		w.session("s1")
		for _, action := range []string{"pause", "resume", "end"} {
			w.publish(sender("ana", "a"), "session/s1/control", `{"action":"`+action+`"}`)
		}
		if len(h.list) != 0 {
			t.Errorf("told before it is stored: %v", h.told())
		}
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told(), "session.started ana", "session.ended ana")
		w.challenge("c1", "ana")
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told(), "award ana", "notification.absent ana")                       // for joining
		w.publish(sender("ana", "phone"), "challenge/c1/activity", w.activity("a1", 25_000)) // odd, in half an hour
		must(t, w.Checkpoint(ctx))
		got := h.list
		if len(got) != 1 || got[0].Type != engine.TellActivityAccepted || !strings.Contains(string(got[0].Data), `"activityId":"a1","counted":true`) {
			t.Errorf("got %+v", got)
		}
		must(t, w.Checkpoint(ctx))
		if len(h.list) != 1 {
			t.Errorf("told again: %v", h.told())
		}
	})
	t.Run("OK a flagged activity is both", func(t *testing.T) {
		w, h := begin(t)
		w.challenge("c1", "ana")
		must(t, w.Checkpoint(ctx))
		h.told()
		w.publish(sender("ana", "phone"), "challenge/c1/activity", w.activity("a1", 25_000)) // in half an hour
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told(), "activity.accepted ana", "activity.flagged ana")
	})
	t.Run("OK a message for who is not connected", func(t *testing.T) {
		w, h := begin(t)
		must(t, w.PutLink(ctx, admin, "tess", "ana"))
		must(t, w.Checkpoint(ctx))
		h.told()
		tess := sender("tess", "pad")
		w.Connected(tess)
		w.publish(tess, "chat/ana.tess/message", `{"content":"Hi","messageId":"m1"}`)
		w.Connected(sender("ana", "phone"))
		w.publish(tess, "chat/ana.tess/message", `{"content":"There you are","messageId":"m2"}`)
		must(t, w.Checkpoint(ctx))
		if len(h.list) != 1 || h.list[0].Type != engine.TellMessageAbsent || h.list[0].User != "ana" ||
			!strings.Contains(string(h.list[0].Data), `"senderName":"Tess"`) || !strings.Contains(string(h.list[0].Data), `"content":"Hi"`) {
			t.Errorf("got %+v", h.list)
		}
		first := h.list[0].ID
		h.told()
		// The process is killed before the position was stored.
		w.tables = newTables()
		must(t, w.PutLink(ctx, admin, "tess", "ana"))
		w.start()
		must(t, w.Checkpoint(ctx))
		if len(h.list) == 0 || h.list[0].ID != first {
			t.Errorf("again after a crash: got %+v, want the id %s", h.list, first)
		}
	})
	t.Run("OK a message for who does not come back within the grace, once", func(t *testing.T) {
		w, h := begin(t)
		h.not = engine.TellNotificationAbsent
		must(t, w.PutLink(ctx, admin, "tess", "ana"))
		tess, phone := sender("tess", "pad"), w.listen()
		say := func(id string) {
			w.publish(tess, "chat/ana.tess/message", `{"content":"Hi","messageId":"`+id+`"}`)
			must(t, w.Checkpoint(ctx))
		}
		w.Disconnected(phone, false)
		say("m1")
		w.pass(4 * time.Second)
		phone = w.listen() // only a tunnel
		w.pass(10 * time.Second)
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told())
		if w.Position() != w.log[len(w.log)-1].pos {
			t.Errorf("position %d is behind the log's %d", w.Position(), w.log[len(w.log)-1].pos)
		}

		w.Disconnected(phone, false)
		say("m2")
		wantLines(t, h.told())
		w.crash() // before anybody was told
		w.pass(time.Minute)
		must(t, w.Checkpoint(ctx))
		if len(h.list) != 1 || !strings.Contains(string(h.list[0].Data), `"messageId":"m2"`) {
			t.Errorf("got %+v, want m2", h.list)
		}
		h.told()
		w.crash()
		w.pass(time.Minute)
		say("m3")
		wantLines(t, h.told(), "message.absent ana")
	})
	t.Run("OK a notification for who stays away, once and after quiet hours", func(t *testing.T) {
		w, h := begin(t)
		phone := w.listen()
		w.Disconnected(phone, false)
		w.note("m1", "")
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told()) // perhaps it is only a tunnel
		w.pass(6 * time.Second)
		must(t, w.Checkpoint(ctx))
		var d struct {
			UserID  string
			Message envelope
		}
		if len(h.list) != 1 || json.Unmarshal(h.list[0].Data, &d) != nil || d.UserID != "ana" || d.Message.MessageID != "m1" {
			t.Errorf("got %+v", h.list)
		}
		h.told()
		w.start()
		w.pass(20 * time.Second)
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told())
		w.listen()
		w.want("m1", "m1*")
	})
	t.Run("OK what could not be handed over is handed over later", func(t *testing.T) {
		w, h := begin(t)
		h.fail = errDisk
		w.session("s1")
		if err := w.Checkpoint(ctx); err == nil {
			t.Error("the checkpoint succeeded without it")
		}
		h.fail = nil
		w.session("s2")
		must(t, w.Checkpoint(ctx))
		wantLines(t, h.told(), "session.started ana", "session.started ana")
	})
}
