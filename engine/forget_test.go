package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/topics"
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

// knownOfMatching lists the rows that are kept of people who look for company.
func (w *world) knownOfMatching() []string {
	return append(w.tables.keys("matches"), w.tables.keys("blocks")...)
}

// TestEngine_ForgetMatching: who is deleted is gone from both sides' lists, with
// and without a crash before the next checkpoint, and when the log is read again.
func TestEngine_ForgetMatching(t *testing.T) {
	ctx := context.Background()
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("Crash=%v", crash), func(t *testing.T) {
			w := met(t)
			w.beacon("cleo", 52.521008, 13.404954, "") // proposed to both
			forAna, forBen := w.last("ana", engine.MatchProposed), w.proposals("ben")[0]
			w.reply("ana", w.proposals("ana")[0].PartnerID, true)
			w.reply("ben", forBen.PartnerID, true)
			w.last("ana", engine.MatchMatched)
			w.reply("cleo", w.proposals("cleo")[0].PartnerID, false)
			w.publish(sender("dora", "c"), topics.BlockTopic, `{"userId":"ana"}`)
			w.publish(sender("ana", "c"), topics.BlockTopic, `{"userId":"emil"}`)
			w.publish(sender("ben", "c"), topics.BlockTopic, `{"userId":"emil"}`)
			if !crash {
				must(t, w.Checkpoint(ctx))
				if got := w.knownOfMatching(); len(got) < 5 {
					t.Fatalf("rows before: %q", got)
				}
			}
			w.pass(time.Second)
			w.tables.setFail(errDisk)
			wantKind(t, w.Forget(ctx, "ana"), fitness.Unavailable, "")
			w.tables.setFail(nil)
			must(t, w.Forget(ctx, "ana"))
			w.Tick(w.clock())
			if v := w.last("ben", engine.MatchEnded); v.UserID != "ana" {
				t.Errorf("ben was told %+v", v)
			}
			if crash {
				w.start() // applies everything since the last checkpoint again
			}
			for _, row := range w.knownOfMatching() {
				if strings.Contains(row, "ana") {
					t.Errorf("row %s is left", row)
				}
			}
			for _, user := range []string{"ana", "ben", "cleo"} {
				for _, m := range w.Matches(user) {
					if m.UserID == "ana" || m.Name == "Ana" || user == "ana" {
						t.Errorf("%s still has %+v", user, m)
					}
				}
			}
			if a, d, b := w.Blocks("ana"), w.Blocks("dora"), w.Blocks("ben"); len(a)+len(d) != 0 || !slices.Equal(b, []string{"emil"}) {
				t.Errorf("blocks of ana %q, dora %q, ben %q; want none, none, emil", a, d, b)
			}
			wantRefused(t, w.reply("ana", forAna.PartnerID, true), 0x83, "no proposal that you have")
			wantRefused(t, w.publish(sender("ben", "c"), "chat/ana.ben/message", `{"content":"x"}`), 0x87, "you cannot write to user ana")

			// The id is free for somebody else, whom nobody has declined or blocked.
			before := len(w.proposals("cleo"))
			w.pass(16 * time.Second)
			w.beacon("cleo", 52.521008, 13.404954, "")
			w.beacon("ana", 52.520008, 13.404954, "")
			if got := len(w.proposals("cleo")) - before; got == 0 {
				t.Error("the new ana was not proposed to cleo")
			}
			must(t, w.Checkpoint(ctx))
			w.start()
			for _, row := range w.knownOfMatching() {
				if strings.Contains(row, "ana") {
					t.Errorf("row %s came back", row)
				}
			}
		})
	}
	t.Run("Beacon", func(t *testing.T) {
		w := newWorld(t)
		w.beacon("ana", 52.520008, 13.404954, "")
		must(t, w.Forget(ctx, "ana"))
		w.beacon("ben", 52.521008, 13.405954, "")
		if got := w.proposals("ben"); len(got) != 0 {
			t.Errorf("ben was told %+v", got)
		}
		w.pass(16 * time.Minute)
		if s := w.Stats(); s.Beacons != 0 {
			t.Errorf("%d beacons left", s.Beacons)
		}
	})
}
