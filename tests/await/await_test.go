package await_test

import (
	"testing"

	"github.com/fitmq/fitmq/tests/await"
)

func TestUntil(t *testing.T) {
	looks := 0
	await.Until(t, "the third look", func() bool {
		looks++
		return looks == 3
	})
	if looks != 3 {
		t.Errorf("got %d looks, want 3", looks)
	}
}
