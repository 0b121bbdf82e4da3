package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

func TestEngine_Forget(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	phone := w.listen()
	w.note("m1", "")
	w.note("m2", "")
	_, err := w.PutPreferences(ctx, actor("ana"), "ana", engine.Preferences{Units: "mile"})
	must(t, err)
	w.Disconnected(phone, true)
	w.pass(10 * time.Second)
	must(t, w.Checkpoint(ctx))
	w.tables.setFail(errDisk)
	wantKind(t, w.Forget(ctx, "ana"), fitness.Unavailable, "")
	w.tables.setFail(nil)
	must(t, w.Forget(ctx, "ana"))
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	for _, table := range []string{"inbox", "inbox_heads", "preferences", "presence"} {
		if got := w.tables.keys(table); len(got) != 0 {
			t.Errorf("table %s still has %v", table, got)
		}
	}
	if got := w.raw("user/ana/presence"); got != "" {
		t.Errorf("presence: got %s, want nothing", got)
	}
	w.wantUnread(0)
	w.start()
	w.want("m1 m2", "") // what was delivered before, and an empty inbox
	if u := w.Units("ana"); u != "km" {
		t.Errorf("units: got %s, want the default", u)
	}
	wantKind(t, w.Forget(ctx, "a/b"), fitness.Invalid, "a/b")
}

// The connections of a deleted user end a moment later.
func TestEngine_ForgetConnected(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	phone := w.listen()
	must(t, w.Forget(ctx, "ana"))
	w.Disconnected(phone, false)
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	if got, rows := w.raw("user/ana/presence"), w.tables.keys("presence"); got != "" || len(rows) != 0 {
		t.Errorf("got %q and rows %v, want nothing", got, rows)
	}
}
