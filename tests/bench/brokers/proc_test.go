//go:build linux

package brokers

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		// The name may hold spaces and parentheses.
		got, err := parseStat("42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 150 30 0 0 20 0 9 0 100 1000 100")
		if want := 1800 * time.Millisecond; err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
	t.Run("ErrShort", func(t *testing.T) {
		if _, err := parseStat("42 (a) S 1"); err == nil {
			t.Error("got no error")
		}
	})
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tfitmq\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\nThreads:\t8\n"
	t.Run("OK", func(t *testing.T) {
		if got, err := parseStatus(status, "VmRSS:"); err != nil || got != 1000<<10 {
			t.Errorf("got %d, %v, want %d", got, err, 1000<<10)
		}
	})
	t.Run("ErrMissing", func(t *testing.T) {
		if _, err := parseStatus(status, "VmSwap:"); err == nil {
			t.Error("got no error")
		}
	})
}
