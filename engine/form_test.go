package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
)

func TestEngine_Form(t *testing.T) {
	const correction = `{"correctionId":"k1","exercise":"squat","severity":"warning","cue":"Deeper"}`
	w := newWorld(t)
	ctx := context.Background()
	_, _, err := w.PutSession(ctx, admin, "t1", engine.SessionSpec{Title: "Legs", Kind: "training", Host: "tess", Trainer: "tess", Visibility: "invite"})
	must(t, err)
	must(t, w.PutMember(ctx, admin, "t1", "ana"))
	tess, ana := sender("tess", "tablet"), sender("ana", "phone")

	t.Run("OK", func(t *testing.T) {
		out := w.publish(tess, "session/t1/form/ana", correction)
		if out.Code != 0 || !out.Deliver || out.Expiry != 30*time.Second || out.Retain || out.State || out.Payload != nil {
			t.Errorf("got %+v, want it delivered as it is, for 30 s", out)
		}
		out = w.publish(tess, "session/t1/form/ana", `{"correctionId":"k2","exercise":"squat","severity":"stop","cue":"Rest","expiresIn":5}`)
		if out.Code != 0 || out.Expiry != 5*time.Second {
			t.Errorf("got %+v, want 5 s", out)
		}
		if out := w.publish(ana, "session/t1/form/ana/seen", `{"correctionId":"k1"}`); out.Code != 0 || !out.Deliver {
			t.Errorf("seen: got %+v", out)
		}
	})
	t.Run("OKSentAgain", func(t *testing.T) {
		id := func(user, text string) string {
			return w.publish(tess, "session/t1/form/"+user, text).RecordID
		}
		first := id("ana", correction)
		if first == "" || id("ana", correction) != first {
			t.Error("what is sent again does not have the record id of the first")
		}
		if id("tess", correction) == first || id("ana", strings.Replace(correction, "k1", "k3", 1)) == first {
			t.Error("another user's, or another one, has the same record id")
		}
	})
	t.Run("ErrNotTheTrainer", func(t *testing.T) {
		wantRefused(t, w.publish(ana, "session/t1/form/ana", correction), 0x87, "only the trainer of session t1")
	})
	t.Run("ErrNotAMember", func(t *testing.T) {
		wantRefused(t, w.publish(tess, "session/t1/form/ben", correction), 0x87, "ben is not a member")
		wantRefused(t, w.publish(sender("ben", "b"), "session/t1/form/ben/seen", `{"correctionId":"k1"}`), 0x87, "ben is not a member")
	})
	t.Run("ErrSeenForAnother", func(t *testing.T) {
		wantRefused(t, w.publish(tess, "session/t1/form/ana/seen", `{"correctionId":"k1"}`), 0x87, "only user ana")
	})
	t.Run("ErrPayload", func(t *testing.T) {
		wantRefused(t, w.publish(tess, "session/t1/form/ana", `{"exercise":"squat"}`), 0x99, "correctionId is missing")
		wantRefused(t, w.publish(ana, "session/t1/form/ana/seen", `{}`), 0x99, "correctionId is missing")
	})
	t.Run("ErrEnded", func(t *testing.T) {
		must(t, w.Control(ctx, admin, "t1", "end", ""))
		wantRefused(t, w.publish(tess, "session/t1/form/ana", correction), 0x83, "ended")
	})
}
