// Package await is where tests poll, for what no event tells them of: the state of
// another goroutine, process or disk.
package await

import (
	"errors"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come: long enough for a loaded
// machine, since only a failing test waits for all of it.
const Patience = 30 * time.Second

// slowest is the longest pause between two looks; the first is a millisecond, and
// each is half as long again as the one before.
const slowest = 50 * time.Millisecond

// Until returns when ok is true, and fails the test where that does not happen
// within Patience.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	NoError(t, what, func() error {
		if ok() {
			return nil
		}
		return errNotYet
	})
}

var errNotYet = errors.New("not so")

// NoError returns when try gives no error, and fails the test with the last one
// where that does not happen within Patience.
func NoError(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for pause := time.Millisecond; ; pause = min(pause*3/2, slowest) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s: %v", Patience, what, err)
		}
		time.Sleep(pause)
	}
}
