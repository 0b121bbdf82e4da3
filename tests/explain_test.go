package tests_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// fates are what became of a message, by client id, or by "inbox" for a notification.
func (s *server) fates(t testing.TB, id, topic string) map[string]string {
	t.Helper()
	explained := get[struct {
		Since    time.Time
		Messages []struct {
			Topic      string
			Recipients []struct{ ClientID, State, Why, OfflineSince string }
		}
	}](t, s, "/explain/"+id+"?topic="+topic)
	if explained.Since.IsZero() {
		t.Errorf("%s: since when it is known is not told", id)
	}
	all := map[string]string{}
	for _, m := range explained.Messages {
		for _, r := range m.Recipients {
			name := r.ClientID
			if name == "" {
				name = "inbox"
			}
			all[name] = r.State
			if r.State == "queued" && r.OfflineSince != "" {
				all[name] += " offline"
			}
			if r.Why != "" {
				all[name] += ": " + r.Why
			}
		}
	}
	return all
}

// What became of a message, for each way in which it can end.
func TestExplain_Outcomes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "few.yml")
	if err := os.WriteFile(file, []byte("sessions: {queueMessages: 3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "--dev", "--config", file)
	s.race(t)
	s.user(t, "shop", "service")
	s.put(t, "/sessions/secret", map[string]any{"kind": "workout", "title": "S", "host": "tess", "visibility": "invite"})
	away := func(user, id, filter string, qos byte) {
		c := dial(t, s, user, id)
		c.subscribe(t, qos, filter)
		c.leave()
	}
	away("ben", "away", "t/+", 1)
	away("ben", "full", "f/#", 1)
	away("ben", "wide", "#", 1)
	away("ben", "zero", "t/+", 0)
	away("shop", "group", "$share/g/t/+", 1)
	watch := dial(t, s, "ben", "watch")
	watch.subscribe(t, 2, "t/+")
	page := s.listen(t, "ben", "page", "", "t/x", "t/two")
	host, port := hostPort(t, s.mqtt)
	old := []string{"-h", host, "-p", port, "-V", "mqttv311", "-u", "ben", "-P", secret("ben"), "-i", "old", "-c", "-q", "1", "-t", "t/x", "-E"}
	if out, err := exec.Command("mosquitto_sub", old...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ana := dial(t, s, "ana", "")
	say := func(topic, id string, qos byte, expiry uint32) {
		t.Helper()
		p := &paho.Publish{Topic: topic, QoS: qos, Payload: []byte(fmt.Sprintf(`{"messageId":%q}`, id))}
		if expiry > 0 {
			p.Properties = &paho.PublishProperties{MessageExpiry: &expiry}
		}
		if res, err := ana.Publish(t.Context(), p); err != nil {
			t.Fatalf("publish %s: %v %v", id, res, err)
		}
	}
	say("t/x", "one", 1, 0)
	say("t/two", "two", 2, 0)
	page.want(t, `t/x {"messageId":"one"}`, `t/two {"messageId":"two"}`)
	eventually(t, "watch has both", func() bool { return len(watch.on("t/x")) == 1 && len(watch.on("t/two")) == 1 })
	for i := range 6 {
		say("f/x", fmt.Sprint("f", i), 1, 0)
	}
	dial(t, s, "ben", "full") // comes back to a queue that could not hold all
	say("e/x", "brief", 1, 1)
	tess := dial(t, s, "tess", "")
	tess.publish(t, "session/secret/chat", 1, map[string]string{"content": "psst", "messageId": "s1"})

	for _, tt := range []struct{ id, topic, client, want string }{
		{"one", "t/x", "away", "queued offline"},
		{"one", "t/x", "old", "queued offline"},
		{"one", "t/x", "watch", "acknowledged"},
		{"one", "t/x", "page", "sent"},
		{"one", "t/x", "zero", "untracked: delivered at QoS 0"},
		{"one", "t/x", "group", "queued offline: "},
		{"two", "t/two", "away", "queued offline"},
		{"two", "t/two", "watch", "acknowledged"},
		{"two", "t/two", "page", "sent"},
		{"f0", "f/x", "full", "dropped: the client's queue was full"},
		{"f5", "f/x", "full", "acknowledged"},
		{"brief", "e/x", "wide", "expired"},
		{"s1", "session/secret/chat", "wide", "no-right"},
	} {
		t.Run(tt.id+" for "+tt.client, func(t *testing.T) {
			eventually(t, tt.client+" has it "+tt.want, func() bool {
				got := s.fates(t, tt.id, tt.topic)[tt.client]
				t.Log(got)
				return strings.HasPrefix(got, tt.want)
			})
		})
	}
	t.Run("QoS 0 leaves no trace", func(t *testing.T) {
		ana.publish(t, "t/x", 0, map[string]string{"messageId": "zero"})
		if status, _ := s.rest(t, http.MethodGet, "/explain/zero?topic=t/x", nil); status != http.StatusNotFound {
			t.Errorf("status %d, want 404", status)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		s.kill(t)
		s.start(t)
		if got := s.fates(t, "one", "t/x"); got["away"] != "queued offline" || got["old"] != "queued offline" || got["watch"] == "" {
			t.Errorf("got %v", got)
		}
	})
}

// A notification goes to the inbox first, and its sender may ask there, too.
func TestExplain_Notification(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "shop", "service")
	note := func(id, more string) {
		t.Helper()
		body := fmt.Sprintf(`{"topic":"user/ana/notification","payload":{"content":"x","messageId":%q%s}}`, id, more)
		if status, answer := s.as(t, "shop", "POST", "/publish", body); status != http.StatusOK {
			t.Fatalf("publish: %d %s", status, answer)
		}
	}
	s.put(t, "/users/ana/preferences", map[string]any{"notifications": map[string]any{"off": []string{"ads"}}})
	note("ad", `,"kind":"ads"`)
	note("old", `,"collapseKey":"k"`)
	note("new", `,"collapseKey":"k"`)
	for id, want := range map[string]string{
		"new": "queued: in the inbox, until a client of the user's listens", "old": "dropped: it is not in the inbox", "ad": "dropped: the user does not want the kind ads",
	} {
		eventually(t, id+" is "+want, func() bool { return strings.HasPrefix(s.fates(t, id, "")["inbox"], want) })
	}
	if status, answer := s.as(t, "shop", "GET", "/explain/new", ""); status != http.StatusOK || !strings.Contains(answer, `"queued"`) {
		t.Errorf("as the sender: %d %s", status, answer)
	}
	ana := dial(t, s, "ana", "phone")
	ana.subscribe(t, 1, "user/ana/#")
	eventually(t, "the phone has it", func() bool { return s.fates(t, "new", "")["phone"] == "acknowledged" })
	ana.publish(t, "user/ana/notification/read", 1, map[string]bool{"all": true})
	eventually(t, "it is read", func() bool { return s.fates(t, "new", "")["inbox"] == "acknowledged: read" })
}
