package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/webhook"
)

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567"))

// backend is an address that is told; answer says what to.
type backend struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex // guards what follows
	got    []string   // ids that it took, in order
	tries  []string   // ids of all attempts
	answer func(w http.ResponseWriter, r *http.Request, id string) (status int)
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{t: t}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender gave up
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = verifier.Verify(body, r.Header)
	}
	if err != nil {
		b.t.Errorf("the signature does not hold: %v", err)
	}
	var e struct {
		Type      string
		Timestamp time.Time
		Data      json.RawMessage
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" || e.Timestamp.IsZero() || !json.Valid(e.Data) || r.Header.Get("Content-Type") != "application/json" {
		b.t.Errorf("body %s: %v", body, err)
	}
	id := r.Header.Get("webhook-id")
	b.mu.Lock()
	b.tries = append(b.tries, id)
	answer := b.answer
	b.mu.Unlock()
	status := http.StatusNoContent
	if answer != nil {
		status = answer(w, r, id)
	}
	if status >= 200 && status < 300 {
		b.mu.Lock()
		b.got = append(b.got, id)
		b.mu.Unlock()
	}
	w.WriteHeader(status)
}

func (b *backend) set(answer func(http.ResponseWriter, *http.Request, string) int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *backend) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func (b *backend) tried() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.tries)
}

// house is a sender over a store on disk.
type house struct {
	t    *testing.T
	dir  string
	opt  webhook.Options
	log  bytes.Buffer
	db   *bolt.Store
	stop func()
	wrap func(store.Tables) store.Tables // what the sender sees of the store; nil: all
	*webhook.Sender
}

func newHouse(t *testing.T, hooks ...webhook.Hook) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), opt: webhook.Options{Hooks: hooks, Backoff: 5 * time.Millisecond}}
	h.opt.Logger = slog.New(slog.NewTextHandler(&h.log, nil))
	t.Cleanup(func() { h.end() })
	return h
}

func hook(t *testing.T, name, url string, events ...string) webhook.Hook {
	t.Helper()
	s, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		events = []string{"award", "session.started"}
	}
	return webhook.Hook{Name: name, URL: url, Secret: s, Events: events, Timeout: 5 * time.Second}
}

// open opens the store and the sender, without running it.
func (h *house) open() {
	h.t.Helper()
	var err error
	if h.db, err = bolt.Open(h.dir, bolt.Options{}); err != nil {
		h.t.Fatal(err)
	}
	h.opt.Tables = h.db
	if h.wrap != nil {
		h.opt.Tables = h.wrap(h.db)
	}
	if h.Sender, err = webhook.Open(context.Background(), h.opt); err != nil {
		h.t.Fatal(err)
	}
}

// start is open and run.
func (h *house) start() {
	h.t.Helper()
	h.open()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("run: %v", err)
		}
	}
}

func (h *house) end() {
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
	if h.db != nil {
		if err := h.db.Close(); err != nil {
			h.t.Errorf("close: %v", err)
		}
		h.db = nil
	}
}

func (h *house) add(ids ...string) {
	h.t.Helper()
	var list []webhook.Event
	for _, id := range ids {
		user, _, _ := strings.Cut(id, "-")
		list = append(list, webhook.Event{ID: id, Type: "award", User: user, At: time.Now().UTC(), Data: json.RawMessage(`{"n":1}`)})
	}
	if err := h.Add(context.Background(), list); err != nil {
		h.t.Fatal(err)
	}
}

func (b *backend) await(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	await.Until(t, fmt.Sprintf("%q are taken", want), func() bool {
		got := b.taken()
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

// order fails where a user's events came in another order than their numbers.
func order(t *testing.T, ids []string) {
	t.Helper()
	last := map[string]string{}
	for _, id := range ids {
		user, n, _ := strings.Cut(id, "-")
		if n < last[user] {
			t.Errorf("%s came after %s-%s", id, user, last[user])
		}
		last[user] = n
	}
}

func keys(t *testing.T, db store.Tables) (n int) {
	t.Helper()
	if err := db.Scan(context.Background(), "webhook_events", "", "", func(store.Value) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}
