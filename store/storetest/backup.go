package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
)

func testBackup(t *testing.T, open Open, restore Restore) {
	t.Run("Empty", func(t *testing.T) { testBackupEmpty(t, open, restore) })
	t.Run("UnderLoad", func(t *testing.T) { testBackupUnderLoad(t, open, restore) })
	t.Run("Busy", func(t *testing.T) { testBackupBusy(t, open, restore) })
	t.Run("ErrCut", func(t *testing.T) { testBackupCut(t, open, restore) })
	t.Run("ErrClosed", func(t *testing.T) {
		s := open(t, t.TempDir())
		mustClose(t, s)
		if _, err := s.Backup(t.Context(), &bytes.Buffer{}); !errors.Is(err, store.ErrClosed) {
			t.Errorf("backup of a closed store: %v, want ErrClosed", err)
		}
	})
}

// restored opens what a backup holds.
func restored(t *testing.T, open Open, restore Restore, backup []byte) store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if err := restore(dir, bytes.NewReader(backup)); err != nil {
		t.Fatalf("restore: %v", err)
	}
	s := open(t, dir)
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

func testBackupEmpty(t *testing.T, open Open, restore Restore) {
	s := start(t, open)
	var b bytes.Buffer
	if last, err := s.Backup(t.Context(), &b); err != nil || last != 0 {
		t.Fatalf("backup: position %d, %v", last, err)
	}
	again := restored(t, open, restore, b.Bytes())
	if last, ready := again.Applied(); last != 0 || !ready {
		t.Errorf("restored: position %d, ready %v", last, ready)
	}
	if got := mustAppend(t, again, store.Record{Topic: "a"}); got != 1 {
		t.Errorf("first position = %d, want 1", got)
	}
}

// writer appends records, and after each puts its number into a table, as a
// projection does: at no moment is the table ahead of the log, or more than one
// record behind it.
type writer struct {
	name  string
	acked atomic.Int64 // the last number of which both were acknowledged
}

func (w *writer) run(ctx context.Context, s store.Store) error {
	for n := int64(1); n <= writes && ctx.Err() == nil; n++ {
		text := strconv.FormatInt(n, 10)
		rec := store.Record{ID: w.name + "." + text, Topic: "w/" + w.name, Data: []byte(text)}
		if _, err := s.Append(context.Background(), []store.Record{rec}); err != nil {
			return err
		}
		if _, err := s.Put(context.Background(), "t", w.name, rec.Data, store.Any, 0); err != nil {
			return err
		}
		w.acked.Store(n)
	}
	return nil
}

// writes bounds what a writer writes: an engine may make many files of it.
const writes = 50

// Several backups while several writers write: each is one moment's state.
func testBackupUnderLoad(t *testing.T, open Open, restore Restore) {
	s := start(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	writers := []*writer{{name: "a"}, {name: "b"}, {name: "c"}}
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			if err := w.run(ctx, s); err != nil {
				t.Error(err)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	var backups [][]byte
	var floors []map[string]int64
	var lasts []store.Pos
	for range 3 {
		acked := map[string]int64{}
		for _, w := range writers {
			before := w.acked.Load()
			await.Until(t, "the writers go on", func() bool { return w.acked.Load() >= min(before+10, writes) })
		}
		for _, w := range writers {
			acked[w.name] = w.acked.Load()
		}
		var b bytes.Buffer
		last, err := s.Backup(t.Context(), &b)
		if err != nil {
			t.Fatal(err)
		}
		backups, floors, lasts = append(backups, b.Bytes()), append(floors, acked), append(lasts, last)
	}
	cancel()
	wg.Wait()
	whole := everything(t, s, 0)
	for i, backup := range backups {
		again := restored(t, open, restore, backup)
		if last, _ := again.Applied(); last != lasts[i] {
			t.Errorf("backup %d: ends at %d, was said to at %d", i, last, lasts[i])
		}
		got := everything(t, again, 0)
		if !slices.Equal(text(got), text(whole[:len(got)])) {
			t.Errorf("backup %d: its log is not the beginning of the store's", i)
		}
		checkMoment(t, again, got, floors[i])
	}
}

// checkMoment compares the log with the table, and both with what had been
// acknowledged before the backup began.
func checkMoment(t *testing.T, s store.Store, log []store.Entry, acked map[string]int64) {
	t.Helper()
	logged := map[string]int64{}
	for _, e := range log {
		name := e.Topic[len("w/"):]
		if logged[name]++; string(e.Data) != fmt.Sprint(logged[name]) {
			t.Fatalf("%s: record %s after %d", name, e.Data, logged[name]-1)
		}
	}
	for name, before := range acked {
		v, err := s.Get(t.Context(), "t", name)
		if err != nil {
			t.Fatal(err)
		}
		put, err := strconv.ParseInt(string(v.Data), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if put < before || logged[name] < before {
			t.Errorf("%s: %d logged, %d put, %d had been acknowledged", name, logged[name], put, before)
		}
		if put > logged[name] || put < logged[name]-1 {
			t.Errorf("%s: %d logged and %d put at no moment of the store", name, logged[name], put)
		}
		// The ids are known: nothing takes effect twice.
		last, _ := s.Applied()
		if got := mustAppend(t, s, store.Record{ID: name + ".1", Topic: "w/" + name}); got > last {
			t.Errorf("%s: an id of before the backup was appended again at %d", name, got)
		}
	}
}

// gate lets one write through and then waits.
type gate struct {
	bytes.Buffer
	reached, open chan struct{}
	once          sync.Once
}

// Write implements io.Writer.
func (g *gate) Write(b []byte) (int, error) {
	g.once.Do(func() {
		close(g.reached)
		<-g.open
	})
	return g.Buffer.Write(b)
}

// A reader that takes nothing delays nobody, not even a trim, and a second
// backup is refused meanwhile.
func testBackupBusy(t *testing.T, open Open, restore Restore) {
	s := start(t, open)
	mustAppend(t, s, store.Record{Topic: "before"})
	g := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		_, err := s.Backup(context.Background(), g)
		ended <- err
	}()
	<-g.reached
	if _, err := s.Backup(t.Context(), &bytes.Buffer{}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("second backup: %v, want ErrBusy", err)
	}
	var last store.Pos
	for i := range 40 {
		last = mustAppend(t, s, store.Record{Topic: "after", Data: make([]byte, 500)})
		mustPut(t, s, "t", fmt.Sprint(i), "after")
	}
	if err := s.Trim(t.Context(), last); err != nil {
		t.Errorf("trim: %v", err)
	}
	close(g.open)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	again := restored(t, open, restore, g.Bytes())
	if got := everything(t, again, 0); len(got) != 1 || got[0].Topic != "before" {
		t.Errorf("restored %v, want what was there before", text(got))
	}
	if _, err := again.Get(t.Context(), "t", "0"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a key put after the beginning: %v, want ErrNotFound", err)
	}
	if _, err := s.Backup(t.Context(), &bytes.Buffer{}); err != nil {
		t.Errorf("a backup after the other's end: %v", err)
	}
}

// failing takes some bytes and then fails.
type failing struct{ left int }

var errGone = errors.New("reader has gone")

// Write implements io.Writer.
func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errGone
	}
	return len(b), nil
}

// A backup that ends early says so, and so does restoring what there is of it.
func testBackupCut(t *testing.T, open Open, restore Restore) {
	s := start(t, open)
	for range 20 {
		mustAppend(t, s, store.Record{Topic: "a", Data: make([]byte, 1000)})
	}
	mustPut(t, s, "t", "k", "v")
	var b bytes.Buffer
	if _, err := s.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, 600, b.Len() / 2, b.Len() - 2048} {
		if _, err := s.Backup(t.Context(), &failing{left: n}); !errors.Is(err, errGone) {
			t.Errorf("cut after %d bytes: %v, want the writer's error", n, err)
		}
		if err := restore(filepath.Join(t.TempDir(), "new"), bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Errorf("%d of %d bytes were restored", n, b.Len())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Backup(ctx, &b); !errors.Is(err, context.Canceled) {
		t.Errorf("backup with an ended context: %v", err)
	}
	mustAppend(t, s, store.Record{Topic: "goes on"})
}
