package bolt_test

import (
	"io"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/store/storetest"
)

func mustOpen(t testing.TB, dir string, opts bolt.Options) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(dir, opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

// TestStore runs the common suite, also with files so small that every test
// crosses many of them.
func TestStore(t *testing.T) {
	tests := map[string]bolt.Options{
		"Default":  {},
		"Small":    {GenerationRecords: 7, SweepEvery: 10 * time.Millisecond},
		"Interval": {Durability: bolt.Interval, SyncEvery: 5 * time.Millisecond, GenerationBytes: 4096},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			open := func(t testing.TB, dir string) store.Store { return mustOpen(t, dir, opts) }
			storetest.Run(t, open, func(dir string, backup io.Reader) error {
				_, _, err := bolt.Restore(dir, backup)
				return err
			})
		})
	}
}
