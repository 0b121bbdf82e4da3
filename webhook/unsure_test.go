package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/webhook"
)

// unsure is a store that may say of a write that it failed, though it is made.
type unsure struct {
	store.Tables
	fails atomic.Bool
}

func (u *unsure) PutMany(ctx context.Context, table string, puts []store.Put) error {
	err := u.Tables.PutMany(ctx, table, puts)
	if err == nil && u.fails.Load() {
		return errors.New("nobody knows")
	}
	return err
}

// What was stored though its write failed is not told, and whoever comes next takes its
// place in the queue and is told.
func TestSender_AddErr(t *testing.T) {
	b := newBackend(t)
	free := make(chan struct{})
	b.set(func(_ http.ResponseWriter, _ *http.Request, id string) int {
		if id == "ana-1" {
			<-free
		}
		return http.StatusOK
	})
	h := newHouse(t, hook(t, "a", b.URL))
	u := &unsure{}
	h.wrap = func(db store.Tables) store.Tables { u.Tables = db; return u }
	h.start()
	h.add("ana-1", "ana-2")
	await.Until(t, "the first is told", func() bool { return slices.Contains(b.tried(), "ana-1") })
	u.fails.Store(true)
	lost := []webhook.Event{
		{ID: "ben-1", Type: "award", User: "ben", At: time.Now(), Data: json.RawMessage(`{}`)},
		{ID: "cem-1", Type: "award", User: "cem", At: time.Now(), Data: json.RawMessage(`{}`)},
	}
	if err := h.Add(context.Background(), lost); err == nil {
		t.Fatal("no error")
	}
	u.fails.Store(false)
	close(free)
	b.await(t, "ana-1", "ana-2") // the queue was read once more before the second was told
	h.add("dan-1", "eve-1")
	b.await(t, "ana-1", "ana-2", "dan-1", "eve-1")
	await.Until(t, "the queue is empty", func() bool { return keys(t, h.db) == 0 })
}
