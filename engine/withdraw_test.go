package engine_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

// A participant sees what they have handed in, and the organizer does; nobody else.
func TestEngine_ActivitiesOf(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.challenge("c1", "ana", "ben")
	ana := sender("ana", "a")
	w.publish(ana, act("c1"), w.activity("run-1", 1000))
	w.publish(ana, act("c1"), w.activity("run-2", 500))
	w.publish(sender("ben", "b"), act("c1"), w.activity("run-3", 700))
	must(t, w.WithdrawActivity(ctx, actor("ana"), "c1", "ana", "run-1"))
	list, next, err := w.ActivitiesOf(ctx, actor("ana"), "c1", "ana", "", 1)
	must(t, err)
	more, end, err := w.ActivitiesOf(ctx, admin, "c1", "ana", next, 1)
	must(t, err)
	if next == "" || end != "" {
		t.Errorf("cursors: got %q and %q, want one and the end", next, end)
	}
	got := map[string]bool{}
	for _, h := range append(list, more...) {
		if h.UserID != "ana" || h.Name == "" {
			t.Errorf("got %+v, want one of ana's", h)
		}
		got[h.ActivityID] = h.Counted
	}
	if want := map[string]bool{"run-1": false, "run-2": true}; !maps.Equal(got, want) {
		t.Errorf("counted: got %v, want %v", got, want)
	}
	_, _, err = w.ActivitiesOf(ctx, actor("ben"), "c1", "ana", "", 0)
	wantKind(t, err, fitness.Forbidden, "only user ana and the organizer")
	_, _, err = w.ActivitiesOf(ctx, actor("ana"), "c9", "ana", "", 0)
	wantKind(t, err, fitness.NotFound, "c9")
}

// Withdrawn by a message: once, for good, over a crash before and after it was
// saved, and only one's own.
func TestEngine_WithdrawByMessage(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.challenge("c1", "ana", "ben")
	ana := sender("ana", "a")
	w.publish(ana, act("c1"), w.activity("run-1", 1000))
	w.publish(ana, act("c1"), w.activity("run-2", 500))
	w.publish(sender("ben", "b"), act("c1"), w.activity("run-3", 700))
	const tombstone = `{"activityId":"run-1","withdrawn":true}`
	wantRefused(t, w.publish(sender("ben", "b"), act("c1"), tombstone), 0x83, "you have handed in no such activity")
	wantRefused(t, w.publish(ana, act("c1"), `{"withdrawn":true}`), 0x99, "activityId is missing")
	wantRefused(t, w.publish(ana, act("c1"), `{"activityId":"","withdrawn":true}`), 0x83, "activityId of 0 characters")
	if out := w.publish(ana, act("c1"), tombstone); out.Code != 0 || !out.Log || out.Deliver {
		t.Fatalf("got %+v, want logged", out)
	}
	check := func(when string) {
		t.Helper()
		b, err := w.Leaderboard("c1", engine.BoardQuery{})
		must(t, err)
		if got := lines(b.Entries); len(got) != 2 || got[0] != "1 ben 700" || got[1] != "2 ana 500" {
			t.Errorf("%s: got %q", when, got)
		}
		report, err := w.RebuildChallenge(ctx, admin, "c1")
		must(t, err)
		if !report.Identical {
			t.Errorf("%s: a rebuilt board differs: %+v", when, report.Differences)
		}
	}
	check("withdrawn")
	w.start() // before all of it was saved
	check("after a crash")
	must(t, w.Checkpoint(ctx))
	w.start()
	check("after a restart")
	if out := w.publish(ana, act("c1"), tombstone); out.Code != 0 || out.Log {
		t.Errorf("once more: got %+v, want that nothing changes", out)
	}
	wantRefused(t, w.publish(ana, act("c1"), w.ended("run-1", 1000, w.clock())), 0x83, "was withdrawn")
	w.pass(time.Second)

	// One that cannot be saved now is not lost.
	w.tables.setFail(errDisk)
	w.publish(ana, act("c1"), w.activity("run-4", 9000))
	w.publish(ana, act("c1"), `{"activityId":"run-4","withdrawn":true}`)
	w.tables.setFail(nil)
	check("while the disk was full")
	must(t, w.Checkpoint(ctx))
	w.start()
	check("after the disk was full")
}
