package tests_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// awaitPresence waits until the last presence that the client has got is the
// state, or the removal where the state is empty.
func (c *client) awaitPresence(t testing.TB, user, state string) {
	t.Helper()
	eventually(t, user+" is "+state, func() bool {
		list := c.on("user/" + user + "/presence")
		if len(list) == 0 {
			return false
		}
		last := list[len(list)-1]
		return last == "" && state == "" || state != "" && strings.Contains(last, `"state":"`+state+`"`)
	})
}

// A trainer watches a client come, go and hide.
func TestBroker_Presence(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	s.user(t, "tess", "trainer")
	s.put(t, "/links/tess/ana", struct{}{})
	tess := dial(t, s, "tess", "tess-pad")
	tess.subscribe(t, 1, "user/ana/presence")
	ana := dial(t, s, "ana", "ana-phone")
	ana.subscribe(t, 1, "user/ana/#")
	tess.awaitPresence(t, "ana", "online")
	ana.awaitPresence(t, "ana", "online")
	if code, reason := ana.publish(t, "user/ana/away", 1, map[string]bool{"away": true}); code >= 0x80 {
		t.Fatalf("away refused: 0x%02X %s", code, reason)
	}
	tess.awaitPresence(t, "ana", "away")

	if code, body := s.rest(t, http.MethodPut, "/users/ana/preferences", map[string]string{"presence": "private"}); code != http.StatusOK {
		t.Fatalf("preferences: %d %s", code, body)
	}
	tess.awaitPresence(t, "ana", "")
	ana.awaitPresence(t, "ana", "away")
	seen := len(tess.on("user/ana/presence"))
	var roster struct {
		Items []struct {
			ClientID string
			Presence *struct{ State string }
		}
	}
	if code, body := s.rest(t, http.MethodGet, "/links?trainer=tess", nil); code != http.StatusOK || json.Unmarshal(body, &roster) != nil ||
		len(roster.Items) != 1 || roster.Items[0].ClientID != "ana" || roster.Items[0].Presence.State != "away" {
		t.Errorf("roster: %d %s, want ana away for an administrator", code, body)
	}
	ana.leave()
	if list := tess.on("user/ana/presence"); len(list) != seen {
		t.Errorf("tess got more after it became private: %q", list[seen:])
	}
	s.kill(t)
	s.start(t)
	ben := dial(t, s, "ben", "ben-phone")
	ben.subscribe(t, 1, "user/ben/#")
	ben.awaitPresence(t, "ben", "online")
}
