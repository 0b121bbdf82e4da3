package broker

import (
	"context"
	"fmt"
	"os"

	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/webhook"
)

// openWebhooks finds what webhooks are still to be told.
func (b *Broker) openWebhooks(ctx context.Context) error {
	var hooks []webhook.Hook
	for _, c := range b.opts.Config.Webhooks {
		h := webhook.Hook{Name: c.Name, URL: c.URL, Events: c.Events, Timeout: c.Timeout.Std()}
		if len(h.Events) == 0 {
			h.Events = config.WebhookEvents()
		}
		text := string(c.Secret)
		if c.SecretFile != "" {
			data, err := os.ReadFile(c.SecretFile)
			if err != nil {
				return fmt.Errorf("configuration: webhooks: %s: secretFile: %w", c.Name, err)
			}
			text = string(data)
		}
		var err error
		if h.Secret, err = webhook.ParseSecret(text); err != nil {
			return fmt.Errorf("configuration: webhooks: %s: %w", c.Name, err)
		}
		hooks = append(hooks, h)
	}
	var err error
	b.webhooks, err = webhook.Open(ctx, webhook.Options{Tables: b.store, Hooks: hooks, Logger: b.log})
	return err
}

// herald passes on to webhooks what the engine tells.
type herald struct{ *webhook.Sender }

// Add implements engine.Herald.
func (h herald) Add(ctx context.Context, list []engine.Happening) error {
	events := make([]webhook.Event, len(list))
	for i, x := range list {
		events[i] = webhook.Event{ID: x.ID, Type: x.Type, User: x.User, At: x.At, Data: x.Data}
	}
	return h.Sender.Add(ctx, events)
}

var _ engine.Herald = herald{}
