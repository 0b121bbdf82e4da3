package config

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/topics"
)

// Webhook is an address that is told what happens, by POST and signed as Standard
// Webhooks says.
type Webhook struct {
	// Name tells it from others, also over restarts: how far it has come is kept
	// under it. 1 to 64 letters, digits, _ or -.
	Name string `yaml:"name"`
	// URL is where events are posted; https, but in a network that is trusted.
	URL string `yaml:"url"`
	// Secret signs what is posted: `whsec_` and base64 of 24 to 64 bytes. Give this
	// or secretFile.
	Secret Secret `yaml:"secret"`
	// SecretFile is a file that holds such a secret; white space around it does not
	// count.
	SecretFile string `yaml:"secretFile"`
	// Events are what it wants to be told of: `session.started`, `session.ended`,
	// `activity.accepted`, `activity.flagged`, `award`, `message.absent` (a chat
	// message for a user with no client connected) and `notification.absent`. Empty
	// means all.
	Events []string `yaml:"events"`
	// Timeout is how long an answer may take, 100ms to 1m; 0s means 10s.
	Timeout Duration `yaml:"timeout"`
}

// WebhookEvents are the words of Webhook.Events.
func WebhookEvents() []string {
	return []string{"session.started", "session.ended", "activity.accepted", "activity.flagged", "award", "message.absent", "notification.absent"}
}

// The bounds of webhooks.
const (
	maxWebhooks      = 16
	minWebhookWait   = Duration(100 * time.Millisecond)
	maxWebhookWait   = Duration(time.Minute)
	minWebhookSecret = 24
	maxWebhookSecret = 64
)

// webhookProblems judges the webhooks.
func webhookProblems(hooks []Webhook) (problems Problems) {
	add := func(field, format string, args ...any) {
		problems = append(problems, Problem{Field: field, Msg: fmt.Sprintf(format, args...)})
	}
	if len(hooks) > maxWebhooks {
		add("webhooks", "%d webhooks are over the limit of %d", len(hooks), maxWebhooks)
	}
	names := map[string]bool{}
	for i, h := range hooks {
		field := itemField("webhooks", i)
		switch {
		case !topics.ValidID(h.Name):
			add(field+".name", "%q is not 1 to %d letters, digits, _ or -", h.Name, topics.MaxID)
		case names[h.Name]:
			add(field+".name", "%q is the name of another webhook too", h.Name)
		}
		names[h.Name] = true
		if msg := checkURL(h.URL); msg != "" || h.URL == "" {
			add(field+".url", "not an address: write it like https://backend.example.com/fitmq")
		}
		if (h.Secret == "") == (h.SecretFile == "") {
			add(field, "a webhook has either secret or secretFile")
		}
		if msg := checkWebhookSecret(string(h.Secret)); h.Secret != "" && msg != "" {
			add(field+".secret", "%s", msg)
		}
		for _, word := range h.Events {
			if !slices.Contains(WebhookEvents(), word) {
				add(field+".events", "%q is not an event: write some of %s", word, strings.Join(WebhookEvents(), ", "))
			}
		}
		if h.Timeout != 0 && (h.Timeout < minWebhookWait || h.Timeout > maxWebhookWait) {
			add(field+".timeout", "%s is not within %s to %s", h.Timeout, minWebhookWait, maxWebhookWait)
		}
	}
	return problems
}

// checkWebhookSecret judges a secret of Standard Webhooks.
func checkWebhookSecret(text string) string {
	key, ok := strings.CutPrefix(text, "whsec_")
	b, err := base64.StdEncoding.DecodeString(key)
	if ok && err == nil && len(b) >= minWebhookSecret && len(b) <= maxWebhookSecret {
		return ""
	}
	return "not whsec_ and base64 of 24 to 64 bytes: make one with `echo whsec_$(openssl rand -base64 32)`"
}
