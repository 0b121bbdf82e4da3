package webhook_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
)

// counted counts the writes to single keys.
type counted struct {
	store.Tables
	puts atomic.Int64
}

func (c *counted) Put(ctx context.Context, table, key string, data []byte, cond store.Cond, ttl time.Duration) (store.Rev, error) {
	c.puts.Add(1)
	return c.Tables.Put(ctx, table, key, data, cond, ttl)
}

// Posts do not wait for a write each, and the oldest event goes first: so what a crash
// has told again is little.
func TestSender_Pace(t *testing.T) {
	b := newBackend(t)
	h := newHouse(t, hook(t, "a", b.URL))
	h.opt.Parallel = 1
	c := &counted{}
	h.wrap = func(db store.Tables) store.Tables { c.Tables = db; return c }
	h.start()
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprintf("u%03d-1", i))
	}
	h.add(ids...)
	b.await(t, ids...)
	if !slices.Equal(b.taken(), ids) {
		t.Errorf("told in another order: %q", b.taken())
	}
	if n := c.puts.Load(); n > 100 {
		t.Errorf("%d writes for %d events", n, len(ids))
	}
	await.Until(t, "the queue is empty", func() bool { return keys(t, h.db) == 0 })
}
