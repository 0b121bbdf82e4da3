package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/tests/await"
)

// TestStore_CancelledAppend: a caller that gives up may use its memory again.
func TestStore_CancelledAppend(t *testing.T) {
	hold := make(chan struct{})
	var holding atomic.Bool
	s := mustOpen(t, t.TempDir(), bolt.Options{}.WithFailpoint(func(step string) error {
		if step == "log.before" && holding.Load() {
			<-hold
		}
		return nil
	}))
	defer mustClose(t, s)
	holding.Store(true)
	ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
	defer cancel()
	data := []byte("mine")
	if _, err := s.Append(ctx, []store.Record{{Topic: "a", Data: data}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append: got %v, want the context's error", err)
	}
	copy(data, "XXXX")
	holding.Store(false)
	close(hold)
	mustAppend(t, s, store.Record{Topic: "b"})
	entries, err := s.Read(background, []store.Span{{Filter: "a"}}, 1<<60, 10)
	if err != nil || len(entries) != 1 || string(entries[0].Data) != "mine" {
		t.Errorf("got %v, %v, want the data as it was", entries, err)
	}
}

// TestStore_CollidingIDs: ids that hash alike are still told apart.
func TestStore_CollidingIDs(t *testing.T) {
	s := mustOpen(t, t.TempDir(), bolt.Options{GenerationRecords: 3})
	defer mustClose(t, s)
	s.CollideIDs()
	for range 2 {
		for i := range 10 {
			mustAppend(t, s, store.Record{ID: fmt.Sprint(i), Topic: fmt.Sprint(i)})
		}
	}
	if got := fmt.Sprint(topicsOf(t, s)); got != "[0 1 2 3 4 5 6 7 8 9]" {
		t.Errorf("got %s", got)
	}
	if err := s.Trim(background, 8); err != nil {
		t.Fatalf("trim: %v", err)
	}
	for i := range 10 {
		mustAppend(t, s, store.Record{ID: fmt.Sprint(i), Topic: fmt.Sprint("new", i)})
	}
	if got := fmt.Sprint(topicsOf(t, s)); got != "[6 7 8 9 new0 new1 new2 new3 new4 new5]" {
		t.Errorf("after trimming: got %s", got)
	}
}

// TestStore_HandoverBounded: what is kept for a reader that does not come back
// stays within the bound, and nothing is kept for nobody.
func TestStore_HandoverBounded(t *testing.T) {
	s := mustOpen(t, t.TempDir(), bolt.Options{})
	defer mustClose(t, s)
	batch := make([]store.Record, 2000)
	mustAppend(t, s, batch...)
	if got := s.Handover(); got != 0 {
		t.Errorf("without readers %d entries are kept", got)
	}
	ctx, cancel := context.WithCancel(background)
	stuck := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.Tail(ctx, 0, func([]store.Entry) error {
			if ctx.Err() == nil {
				select {
				case stuck <- struct{}{}:
				case <-ctx.Done():
				}
				<-ctx.Done()
			}
			return nil
		})
	}()
	<-stuck
	for range 20 {
		mustAppend(t, s, batch...)
	}
	if got := s.Handover(); got == 0 || got > 16384 {
		t.Errorf("with a stuck reader %d entries are kept, want at most 16384", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("tail: %v", err)
	}
	if got := s.Handover(); got != 0 {
		t.Errorf("after the reader left %d entries are kept", got)
	}
}

// TestStore_WatchLagged: a watcher that does not keep up is cut off and told.
func TestStore_WatchLagged(t *testing.T) {
	s := mustOpen(t, t.TempDir(), bolt.Options{})
	defer mustClose(t, s)
	hold, began := make(chan struct{}), make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Watch(background, "t", "", func(store.Change) {
			select {
			case began <- struct{}{}:
			default:
			}
			<-hold
		})
	}()
	put := func(n int) {
		puts := make([]store.Put, n)
		for i := range puts {
			puts[i] = store.Put{Key: fmt.Sprint(i), Data: []byte{1}}
		}
		if err := s.PutMany(background, "t", puts); err != nil {
			t.Fatalf("put many: %v", err)
		}
	}
	await.Until(t, "the watch begins", func() bool { put(1); return len(began) > 0 })
	put(bolt.WatchQueue + 1)
	close(hold)
	if err := <-ended; !errors.Is(err, store.ErrLagged) {
		t.Errorf("got %v, want ErrLagged", err)
	}
}
