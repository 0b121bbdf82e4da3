package bolt_test

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/tests/await"
)

// faults makes steps of a store fail while it is told to.
type faults struct {
	failing atomic.Pointer[map[string]error]
}

func (f *faults) set(steps map[string]error) { f.failing.Store(&steps) }

func (f *faults) check(step string) error {
	if m := f.failing.Load(); m != nil {
		return (*m)[step]
	}
	return nil
}

var (
	errNoSpace = &fs.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC}
	errIO      = error(syscall.EIO)
)

func ready(s *bolt.Store) bool { _, ok := s.Applied(); return ok }

func topicsOf(t testing.TB, s *bolt.Store) (got []string) {
	t.Helper()
	entries, err := s.Read(background, []store.Span{{Filter: "#"}}, 1<<60, 1000)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	for _, e := range entries {
		got = append(got, e.Topic)
	}
	return got
}

// TestStore_AppendFaults: a failed commit is not acknowledged and not visible,
// readiness goes and comes back by itself, nothing acknowledged is lost, and
// what failed may be sent again.
func TestStore_AppendFaults(t *testing.T) {
	tests := []struct {
		step string
		err  error
		want error
	}{
		{"log.before", errNoSpace, store.ErrFull},
		{"log.before", errIO, store.ErrUnavailable},
		{"log.after", errIO, store.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.step, tt.err), func(t *testing.T) {
			dir := t.TempDir()
			var f faults
			opts := bolt.Options{ProbeEvery: 5 * time.Millisecond}.WithFailpoint(f.check)
			s := mustOpen(t, dir, opts)
			mustAppend(t, s, store.Record{Topic: "before", ID: "b"})
			for round := range 3 {
				f.set(map[string]error{tt.step: tt.err, "log.create": tt.err})
				again := store.Record{Topic: fmt.Sprint("again", round), ID: fmt.Sprint("id", round)}
				for range 2 {
					if _, err := s.Append(background, []store.Record{again, {Topic: "lost"}}); !errors.Is(err, tt.want) {
						t.Fatalf("append: got %v, want %v", err, tt.want)
					}
					if ready(s) {
						t.Fatal("the store says that it is ready")
					}
				}
				f.set(nil)
				await.Until(t, "the store recovers", func() bool { return ready(s) })
				mustAppend(t, s, again)
				mustAppend(t, s, again, store.Record{Topic: "before", ID: "b"})
			}
			want := "[before again0 again1 again2]"
			if got := fmt.Sprint(topicsOf(t, s)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			mustClose(t, s)
			if r, err := bolt.Check(dir); err != nil || len(r.Problems) > 0 || r.Records != 4 {
				t.Errorf("check: got %+v, %v", r, err)
			}
			s = mustOpen(t, dir, bolt.Options{})
			if got := fmt.Sprint(topicsOf(t, s)); got != want {
				t.Errorf("after reopening: got %s, want %s", got, want)
			}
			mustClose(t, s)
		})
	}
}

// TestStore_AppendInDoubt: a commit whose sync failed just before a crash may
// be there afterwards, whole, and then its ids hold.
func TestStore_AppendInDoubt(t *testing.T) {
	dir := t.TempDir()
	var f faults
	s := mustOpen(t, dir, bolt.Options{ProbeEvery: time.Hour}.WithFailpoint(f.check))
	mustAppend(t, s, store.Record{Topic: "a"})
	f.set(map[string]error{"log.after": errIO})
	recs := []store.Record{{Topic: "b", ID: "b"}, {Topic: "c", ID: "c"}}
	if _, err := s.Append(background, recs); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("append: got %v, want ErrUnavailable", err)
	}
	if got := fmt.Sprint(topicsOf(t, s)); got != "[a]" {
		t.Errorf("got %s, want what was acknowledged", got)
	}
	mustClose(t, s)
	s = mustOpen(t, dir, bolt.Options{})
	mustAppend(t, s, recs...)
	if got := fmt.Sprint(topicsOf(t, s)); got != "[a b c]" {
		t.Errorf("after sending again: got %s, want [a b c]", got)
	}
	mustClose(t, s)
}

func TestStore_IntervalSyncFault(t *testing.T) {
	var f faults
	opts := bolt.Options{Durability: bolt.Interval, SyncEvery: time.Millisecond, ProbeEvery: 5 * time.Millisecond}
	s := mustOpen(t, t.TempDir(), opts.WithFailpoint(f.check))
	f.set(map[string]error{"log.sync": errIO, "log.create": errIO})
	mustAppend(t, s, store.Record{Topic: "a"})
	await.Until(t, "the failure shows", func() bool { return !ready(s) })
	f.set(nil)
	await.Until(t, "the store recovers", func() bool { return ready(s) })
	mustAppend(t, s, store.Record{Topic: "b"})
	if got := fmt.Sprint(topicsOf(t, s)); got != "[a b]" {
		t.Errorf("got %s, want [a b]", got)
	}
	mustClose(t, s)
}

func TestStore_TableFaults(t *testing.T) {
	tests := []struct {
		step string
		err  error
		want error
	}{
		{"tables.before", errNoSpace, store.ErrFull},
		{"tables.before", errIO, store.ErrUnavailable},
		{"tables.after", errIO, store.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.step, tt.err), func(t *testing.T) {
			dir := t.TempDir()
			var f faults
			s := mustOpen(t, dir, bolt.Options{ProbeEvery: 5 * time.Millisecond}.WithFailpoint(f.check))
			r1, err := s.Put(background, "t", "k", []byte("1"), store.Any, 0)
			if err != nil {
				t.Fatalf("put: %v", err)
			}
			f.set(map[string]error{tt.step: tt.err, "tables.recover": tt.err})
			for range 2 {
				if _, err := s.Put(background, "t", "other", []byte("2"), store.Any, 0); !errors.Is(err, tt.want) {
					t.Fatalf("put: got %v, want %v", err, tt.want)
				}
			}
			if ready(s) {
				t.Error("the store says that it is ready")
			}
			if v, err := s.Get(background, "t", "k"); err != nil || string(v.Data) != "1" {
				t.Errorf("get while writing fails: got %q, %v", v.Data, err)
			}
			f.set(nil)
			await.Until(t, "the store recovers", func() bool { return ready(s) })
			if r2, err := s.Put(background, "t", "k", []byte("3"), store.IfRev(r1), 0); err != nil || r2 <= r1 {
				t.Errorf("put: got %d, %v", r2, err)
			}
			mustClose(t, s)
			if r, err := bolt.Check(dir); err != nil || len(r.Problems) > 0 {
				t.Errorf("check: got %+v, %v", r, err)
			}
		})
	}
}
