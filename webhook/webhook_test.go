package webhook_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/webhook"
)

func TestSender(t *testing.T) {
	t.Run("OK told, signed, and forgotten", func(t *testing.T) {
		b := newBackend(t)
		h := newHouse(t, hook(t, "a", b.URL))
		h.start()
		h.add("ana-1", "ben-1", "ana-2")
		b.await(t, "ana-1", "ana-2", "ben-1")
		order(t, b.taken())
		await.Until(t, "the queue is empty", func() bool { return keys(t, h.db) == 0 })
		if st := h.Status()[0]; st.Delivered != 3 || st.Waiting != 0 || st.Failed != 0 || st.LastDelivery.IsZero() {
			t.Errorf("got %+v", st)
		}
	})
	t.Run("OK only what a hook wants", func(t *testing.T) {
		a, b := newBackend(t), newBackend(t)
		h := newHouse(t, hook(t, "a", a.URL), hook(t, "b", b.URL, "session.started"))
		h.start()
		h.add("ana-1")
		a.await(t, "ana-1")
		await.Until(t, "the other has nothing to wait for", func() bool { return h.Status()[1].Waiting == 0 })
		if got := b.tried(); len(got) != 0 {
			t.Errorf("got %q, want nothing", got)
		}
		if !h.Wants("session.started") || h.Wants("message.absent") {
			t.Error("Wants is wrong")
		}
	})
	t.Run("OK it fails, and comes back", func(t *testing.T) {
		b := newBackend(t)
		fails := 3
		b.set(func(_ http.ResponseWriter, _ *http.Request, id string) int {
			if id == "ana-1" {
				if fails--; fails >= 0 {
					return http.StatusInternalServerError
				}
			}
			return http.StatusOK
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Parallel = 1 // fails is not guarded
		h.start()
		h.add("ana-1", "ana-2", "ben-1")
		b.await(t, "ana-1", "ana-2", "ben-1")
		order(t, b.taken())
		st := h.Status()[0]
		if st.Failed != 3 || len(st.Faults) != 3 || !strings.Contains(st.Faults[0].Error, "500") || st.Faults[2].Attempt != 3 {
			t.Errorf("got %+v", st)
		}
	})
	t.Run("OK tried again when asked to", func(t *testing.T) {
		b := newBackend(t)
		var up atomic.Bool
		b.set(func(w http.ResponseWriter, _ *http.Request, _ string) int {
			if up.Load() {
				return http.StatusOK
			}
			w.Header().Set("Retry-After", "3600")
			return http.StatusServiceUnavailable
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Parallel = 1
		h.start()
		h.add("ana-1", "ben-1")
		await.Until(t, "it pauses", func() bool { return !h.Status()[0].PausedUntil.IsZero() })
		up.Store(true)
		if !h.Retry("a") || h.Retry("b") {
			t.Error("there is one hook, a")
		}
		b.await(t, "ana-1", "ben-1")
	})
	t.Run("OK stopped, and told again when asked to", func(t *testing.T) {
		b := newBackend(t)
		var up atomic.Bool
		b.set(func(http.ResponseWriter, *http.Request, string) int {
			if up.Load() {
				return http.StatusOK
			}
			return http.StatusGone
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.start()
		h.add("ana-1")
		await.Until(t, "it is stopped", func() bool { return h.Status()[0].Stopped })
		up.Store(true)
		h.Retry("a")
		await.Until(t, "it goes on", func() bool { return !h.Status()[0].Stopped })
		h.add("ana-2")
		b.await(t, "ana-2")
	})
	t.Run("OK one that hangs holds up nobody else", func(t *testing.T) {
		b := newBackend(t)
		free := make(chan struct{})
		b.set(func(_ http.ResponseWriter, _ *http.Request, id string) int {
			if id == "ana-1" {
				<-free
			}
			return http.StatusOK
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.start()
		h.add("ana-1", "ana-2", "ben-1", "cem-1")
		b.await(t, "ben-1", "cem-1")
		close(free)
		b.await(t, "ana-1", "ana-2", "ben-1", "cem-1")
		order(t, b.taken())
	})
	t.Run("OK an answer that does not come in time", func(t *testing.T) {
		b := newBackend(t)
		var once sync.Once
		b.set(func(_ http.ResponseWriter, r *http.Request, _ string) int {
			hang := false
			once.Do(func() { hang = true })
			if hang {
				<-r.Context().Done()
				return http.StatusTeapot
			}
			return http.StatusOK
		})
		k := hook(t, "a", b.URL)
		k.Timeout = 50 * time.Millisecond
		h := newHouse(t, k)
		h.start()
		h.add("ana-1")
		await.Until(t, "it was tried again", func() bool { return slices.Contains(b.taken(), "ana-1") })
		if st := h.Status()[0]; st.Failed == 0 || strings.Contains(st.Faults[0].Error, b.URL) {
			t.Errorf("got %+v, want a failure that does not show the address", st)
		}
	})
	t.Run("OK over restarts, with nobody there in between", func(t *testing.T) {
		b := newBackend(t)
		b.set(func(http.ResponseWriter, *http.Request, string) int { return http.StatusBadGateway })
		h := newHouse(t, hook(t, "a", b.URL))
		h.start()
		h.add("ana-1", "ana-2")
		await.Until(t, "it was tried", func() bool { return len(b.tried()) > 0 })
		h.end()
		h.open() // and ends before it tells anything
		h.add("ana-3", "ana-1")
		h.end()
		b.set(nil)
		h.start()
		b.await(t, "ana-1", "ana-2", "ana-3")
		order(t, b.taken())
		await.Until(t, "the queue is empty", func() bool { return keys(t, h.db) == 0 })
		h.end()
		h.start()
		h.add("ana-4")
		b.await(t, "ana-1", "ana-2", "ana-3", "ana-4")
	})
	t.Run("OK Retry-After is kept to", func(t *testing.T) {
		b := newBackend(t)
		var first time.Time
		b.set(func(w http.ResponseWriter, _ *http.Request, _ string) int {
			if first.IsZero() {
				first = time.Now()
				w.Header().Set("Retry-After", "1")
				return http.StatusTooManyRequests
			}
			if gone := time.Since(first); gone < time.Second {
				t.Errorf("it came again after %v, want a second at least", gone)
			}
			return http.StatusOK
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Parallel = 1
		h.start()
		h.add("ana-1")
		h.add("ben-1")
		b.await(t, "ana-1", "ben-1")
	})
	t.Run("OK 410 stops it until the next start", func(t *testing.T) {
		gone, b := newBackend(t), newBackend(t)
		gone.set(func(http.ResponseWriter, *http.Request, string) int { return http.StatusGone })
		h := newHouse(t, hook(t, "gone", gone.URL), hook(t, "b", b.URL))
		h.opt.Parallel = 1
		h.start()
		h.add("ana-1", "ben-1")
		b.await(t, "ana-1", "ben-1")
		await.Until(t, "it is stopped", func() bool { return h.Status()[0].Stopped })
		h.add("ana-2")
		b.await(t, "ana-1", "ana-2", "ben-1")
		await.Until(t, "nothing waits for it", func() bool { return h.Status()[0].Waiting == 0 && keys(t, h.db) == 0 })
		if got := gone.tried(); len(got) != 1 {
			t.Errorf("got %q, want one attempt", got)
		}
		gone.set(nil)
		h.end()
		h.start()
		h.add("ana-3")
		gone.await(t, "ana-3")
	})
	t.Run("OK given up visibly, and the next one is told", func(t *testing.T) {
		b := newBackend(t)
		b.set(func(_ http.ResponseWriter, _ *http.Request, id string) int {
			if id == "ana-1" {
				return http.StatusBadRequest
			}
			return http.StatusOK
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Attempts, h.opt.Backoff = 3, time.Millisecond
		h.start()
		h.add("ana-1", "ana-2")
		b.await(t, "ana-2")
		if st := h.Status()[0]; st.GivenUp != 1 || st.Failed != 3 || st.Faults[0].EventID != "ana-1" {
			t.Errorf("got %+v", st)
		}
		h.end()
		if !strings.Contains(h.log.String(), "given up") || !strings.Contains(h.log.String(), "ana-1") {
			t.Errorf("the log does not tell: %s", h.log.String())
		}
	})
	t.Run("OK a full queue drops the oldest", func(t *testing.T) {
		b := newBackend(t)
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Queue = 5
		h.open()
		for i := range 8 {
			h.add(fmt.Sprintf("ana-%d", i))
		}
		if n, d := keys(t, h.db), h.Dropped(); n != 5 || d != 3 {
			t.Errorf("got %d there and %d dropped, want 5 and 3", n, d)
		}
		h.end()
		h.start()
		b.await(t, "ana-3", "ana-4", "ana-5", "ana-6", "ana-7")
	})
	t.Run("OK more than fits in memory", func(t *testing.T) {
		b := newBackend(t)
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Window = 3
		h.start()
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprintf("u%d-%02d", i%3, i))
		}
		h.add(want...)
		b.await(t, want...)
		order(t, b.taken())
	})
	t.Run("OK no redirect is followed", func(t *testing.T) {
		b, other := newBackend(t), newBackend(t)
		b.set(func(w http.ResponseWriter, _ *http.Request, _ string) int {
			w.Header().Set("Location", other.URL)
			return http.StatusTemporaryRedirect
		})
		h := newHouse(t, hook(t, "a", b.URL))
		h.opt.Attempts = 1
		h.start()
		h.add("ana-1")
		await.Until(t, "it is given up", func() bool { return h.Status()[0].GivenUp == 1 })
		if got := other.tried(); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Err the store cannot write", func(t *testing.T) {
		h := newHouse(t, hook(t, "a", "http://127.0.0.1:1"))
		h.open()
		if err := h.db.Close(); err != nil {
			t.Fatal(err)
		}
		err := h.Add(context.Background(), []webhook.Event{{ID: "x", Type: "award", Data: json.RawMessage(`{}`)}})
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("got %v, want %v", err, store.ErrClosed)
		}
		h.db = nil
	})
}

func TestParseSecret(t *testing.T) {
	for text, want := range map[string]string{
		"":               "begins with whsec_",
		"c2VjcmV0":       "begins with whsec_",
		"whsec_%":        "no base64",
		"whsec_c2hvcnQ=": "secret of 5 bytes",
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)): "secret of 65 bytes",
	} {
		if _, err := webhook.ParseSecret(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	s, err := webhook.ParseSecret(" " + secret + "\n")
	if err != nil || len(s) != 24 {
		t.Errorf("got %d bytes, %v", len(s), err)
	}
	if got := fmt.Sprint(s); got != "<secret>" {
		t.Errorf("it prints as %s", got)
	}
}
