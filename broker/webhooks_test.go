package broker_test

import (
	"slices"
	"testing"

	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/engine"
)

// What may be configured is what the engine tells.
func TestWebhookEvents(t *testing.T) {
	if got, want := config.WebhookEvents(), engine.TellTypes; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
