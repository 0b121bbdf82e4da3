package tests_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// backend takes what webhooks are told, or is down.
type backend struct {
	*httptest.Server
	mu       sync.Mutex // guards what follows
	down     bool
	attempts int
	took     []string // "type user id"
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the broker was killed
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("signature: %v", err)
		}
		e := decode[struct {
			Type string
			Data struct {
				UserID  string
				Message struct{ MessageID string }
			}
		}](t, string(body))
		b.mu.Lock()
		defer b.mu.Unlock()
		b.attempts++
		if b.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		b.took = append(b.took, strings.TrimSpace(e.Type+" "+e.Data.UserID+" "+e.Data.Message.MessageID))
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) setDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *backend) has(want string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, got := range b.took {
		if got == want {
			return true
		}
	}
	return false
}

// A backend that sends mobile pushes is down while messages come for absent users;
// the broker is killed; then the backend comes back.
func TestBroker_Webhooks(t *testing.T) {
	t.Parallel()
	b := startBackend(t)
	file := filepath.Join(t.TempDir(), "fitmq.yml")
	conf := fmt.Sprintf("webhooks:\n  - {name: push, url: %q, secret: %s}\n", b.URL, hookSecret)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "--config", file)
	s.user(t, "ana", "member")
	s.user(t, "tess", "trainer")
	s.put(t, "/links/tess/ana", struct{}{})
	tess := dial(t, s, "tess", "tess-pad")
	tess.subscribe(t, 1, "user/tess/#")
	b.setDown(true)
	if code, reason := tess.publish(t, "chat/ana.tess/message", 1, map[string]string{"content": "Are you there?", "messageId": "m1"}); code >= 0x80 {
		t.Fatalf("refused: 0x%02X %s", code, reason)
	}
	if code, reason := tess.publish(t, "user/ana/notification", 1, map[string]string{"content": "Your plan is ready", "messageId": "n1"}); code >= 0x80 {
		t.Fatalf("refused: 0x%02X %s", code, reason)
	}
	eventually(t, "the backend was asked", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.attempts > 0 })
	status := func() (hook struct {
		Name       string
		Failed     int
		LastErrors []struct{ Error string }
	}) {
		t.Helper()
		code, body := s.rest(t, http.MethodGet, "/webhooks", nil)
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal(body, &list); err != nil || code != http.StatusOK || len(list.Items) != 1 {
			t.Fatalf("webhooks: %d %s", code, body)
		}
		if err := json.Unmarshal(list.Items[0], &hook); err != nil {
			t.Fatal(err)
		}
		return hook
	}
	eventually(t, "the failure is told", func() bool {
		h := status()
		return h.Name == "push" && h.Failed > 0 && len(h.LastErrors) > 0 && strings.Contains(h.LastErrors[0].Error, "502")
	})
	s.kill(t)
	b.setDown(false)
	s.start(t)
	eventually(t, "the backend gets both", func() bool {
		return b.has("message.absent ana m1") && b.has("notification.absent ana n1")
	})
	if b.has("message.absent tess m1") {
		t.Error("who wrote it was told of it")
	}
	s.put(t, "/sessions/s1", map[string]any{"kind": "workout", "title": "Track", "host": "ana", "visibility": "open"})
	eventually(t, "the backend gets the session", func() bool { return b.has("session.started") })
}
