package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
)

func TestEngine_Boards(t *testing.T) {
	w := newWorld(t)
	w.challenge("small", "ana")
	w.challenge("large", "ana", "ben", "cleo")
	w.challenge("idle", "ana")
	w.pass(time.Second)
	w.publish(sender("ana", "a"), act("large"), w.activity("a1", 5000))
	w.pass(time.Second)
	w.publish(sender("ana", "a"), act("small"), w.activity("a2", 6000))
	w.pass(time.Second)
	ids := func(list []engine.BoardInfo) string {
		var ids []string
		for _, b := range list {
			ids = append(ids, b.ChallengeID)
		}
		return strings.Join(ids, " ")
	}
	for _, test := range []struct {
		search string
		latest bool
		limit  int
		want   string
	}{
		{"", false, 0, "large small idle"}, {"", false, 1, "large"}, {"", true, 10, "small large idle"}, {"MALL", false, 10, "small"}, {"none", false, 10, ""},
	} {
		if got := ids(w.Boards(test.search, test.latest, test.limit)); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
	b := w.Boards("large", false, 1)[0]
	if b.Participants != 3 || b.Ranked != 1 || b.Activities != 1 || b.Pending != 0 || b.Revision == 0 || b.UpdatedAt.IsZero() || b.State != "active" {
		t.Errorf("large: %+v", b)
	}
}
