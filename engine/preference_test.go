package engine_test

import (
	"context"
	"testing"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/preference"
)

func TestEngine_PutPreferences(t *testing.T) {
	ctx := context.Background()
	miles := engine.Preferences{Units: "mile", Notifications: preference.Notifications{Off: []string{"milestone"}}}
	t.Run("OK kept over a restart", func(t *testing.T) {
		w := newWorld(t)
		got, err := w.PutPreferences(ctx, actor("ana"), "ana", miles)
		must(t, err)
		if got.Presence != "shared" {
			t.Errorf("presence: got %q, want the default", got.Presence)
		}
		w.start()
		if u := w.Units("ana"); u != preference.Miles {
			t.Errorf("after a restart: got %q, want mile", u)
		}
		if u := w.Units("ben"); u != preference.Kilometres {
			t.Errorf("who has chosen nothing: got %q, want km", u)
		}
		must(t, w.DeletePreferences(ctx, actor("ana"), "ana"))
		w.start()
		if u := w.Units("ana"); u != preference.Kilometres {
			t.Errorf("after deleting: got %q, want km", u)
		}
	})
	t.Run("OK by an administrator", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.PutPreferences(ctx, admin, "ana", miles)
		must(t, err)
		got, err := w.Preferences(actor("ana"), "ana")
		must(t, err)
		if got.Units != "mile" {
			t.Errorf("got %+v, want mile", got)
		}
	})
	t.Run("Err", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.PutPreferences(ctx, actor("ben"), "ana", miles)
		wantKind(t, err, fitness.Forbidden, "only user ana")
		_, err = w.Preferences(actor("ben"), "ana")
		wantKind(t, err, fitness.Forbidden, "only user ana")
		wantKind(t, w.DeletePreferences(ctx, actor("ben"), "ana"), fitness.Forbidden, "only user ana")
		_, err = w.PutPreferences(ctx, admin, "ghost", miles)
		wantKind(t, err, fitness.Invalid, "ghost")
		_, err = w.PutPreferences(ctx, actor("ana"), "ana", engine.Preferences{Units: "yard"})
		wantKind(t, err, fitness.Invalid, `units "yard"`)
		w.tables.setFail(errDisk)
		_, err = w.PutPreferences(ctx, actor("ana"), "ana", miles)
		wantKind(t, err, fitness.Unavailable, "")
		if u := w.Units("ana"); u != preference.Kilometres {
			t.Errorf("a failed write counts: got %q", u)
		}
	})
}
