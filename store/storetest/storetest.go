// Package storetest is the one suite that every engine of store must pass. An
// engine's own tests add what only it can show: its files, faults and crashes.
package storetest

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Open opens the store whose data is at dir, which is empty the first time. It
// fails the test when it cannot. The suite closes what it opens, and opens the
// same directory again afterwards.
type Open func(t testing.TB, dir string) store.Store

// Restore makes a data directory for Open of what Backup wrote; dir is missing.
type Restore func(dir string, backup io.Reader) error

// Run proves that the engine keeps the promises of package store.
func Run(t *testing.T, open Open, restore Restore) {
	tests := []struct {
		name string
		fn   func(*testing.T, Open)
	}{
		{"Append", testAppend},
		{"AppendID", testAppendID},
		{"AppendLimits", testAppendLimits},
		{"AppendConcurrent", testAppendConcurrent},
		{"Read", testRead},
		{"ReadWide", testReadWide},
		{"ReadAt", testReadAt},
		{"Count", testCount},
		{"Skip", testSkip},
		{"Tail", testTail},
		{"TailConcurrent", testTailConcurrent},
		{"Trim", testTrim},
		{"Excess", testExcess},
		{"Put", testPut},
		{"PutLimits", testPutLimits},
		{"PutMany", testPutMany},
		{"PutConflicts", testPutConflicts},
		{"Delete", testDelete},
		{"Scan", testScan},
		{"TTL", testTTL},
		{"Watch", testWatch},
		{"Close", testClose},
		{"Simulation", testSimulation},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.fn(t, open) })
	}
	t.Run("Backup", func(t *testing.T) { testBackup(t, open, restore) })
}

// patience is how long an event may take before a test gives up on it.
const patience = 20 * time.Second

// start opens a store in a new directory and closes it when the test ends.
func start(t *testing.T, open Open) store.Store {
	t.Helper()
	s := open(t, t.TempDir())
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

func mustClose(t testing.TB, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// restart closes the store and opens its directory again.
func restart(t *testing.T, open Open, dir string, s store.Store) store.Store {
	t.Helper()
	mustClose(t, s)
	return open(t, dir)
}

func mustAppend(t testing.TB, s store.Store, recs ...store.Record) store.Pos {
	t.Helper()
	last, err := s.Append(context.Background(), recs)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return last
}

func mustPut(t testing.TB, s store.Store, table, key, data string) store.Rev {
	t.Helper()
	rev, err := s.Put(context.Background(), table, key, []byte(data), store.Any, 0)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return rev
}

// everything reads the log from a position with Tail, up to what is applied.
func everything(t testing.TB, s store.Store, after store.Pos) []store.Entry {
	t.Helper()
	last, _ := s.Applied()
	return tailTo(t, s, after, last)
}

// tailTo reads the tail until it has delivered position last.
func tailTo(t testing.TB, s store.Store, after, last store.Pos) []store.Entry {
	t.Helper()
	if after >= last {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []store.Entry
	err := s.Tail(ctx, after, func(batch []store.Entry) error {
		all = append(all, batch...)
		if len(all) > 0 && all[len(all)-1].Pos >= last {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatalf("tail: %v", err)
	}
	if len(all) == 0 || all[len(all)-1].Pos < last {
		t.Fatalf("tail after %d: got %d entries, not up to %d", after, len(all), last)
	}
	return all
}

// text writes entries so that a difference can be read.
func text(entries []store.Entry) (lines []string) {
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%q id=%q kind=%d data=%q", e.Topic, e.ID, e.Kind, e.Data))
	}
	return lines
}

// rising reports the first entry whose position does not rise.
func rising(t testing.TB, entries []store.Entry, after store.Pos) {
	t.Helper()
	for i, e := range entries {
		if e.Pos <= after {
			t.Fatalf("entry %d: position %d does not rise above %d", i, e.Pos, after)
		}
		after = e.Pos
	}
}
