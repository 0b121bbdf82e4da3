// Package webhook tells other services what happens: events wait in a durable
// queue and are posted to the configured addresses, signed as Standard Webhooks
// says, until they are taken or given up.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Event is something that happened.
type Event struct {
	// ID is the same whenever the event is told, and becomes webhook-id.
	ID string `json:"id"`
	// Type is a word that hooks choose by, like session.started.
	Type string `json:"type"`
	// User is whom it is about: one user's events are told in order.
	User string `json:"user"`
	// At is when it happened.
	At time.Time `json:"at"`
	// Data is what is told of it.
	Data json.RawMessage `json:"data"`
}

// body is what is posted.
func (e *Event) body() ([]byte, error) {
	b, err := json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{e.Type, e.At, e.Data})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return b, nil
}

// The lengths of a secret in bytes that Standard Webhooks allows.
const (
	minSecret = 24
	maxSecret = 64
)

// Secret is what events are signed with.
type Secret []byte

// ParseSecret reads whsec_ and base64 of 24 to 64 bytes.
func ParseSecret(text string) (Secret, error) {
	key, ok := strings.CutPrefix(strings.TrimSpace(text), "whsec_")
	if !ok {
		return nil, fmt.Errorf("a secret begins with whsec_: make one with `echo whsec_$(openssl rand -base64 32)`")
	}
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("behind whsec_ there is no base64: %w", err)
	}
	if len(b) < minSecret || len(b) > maxSecret {
		return nil, fmt.Errorf("a secret of %d bytes is not within %d to %d: make one with `echo whsec_$(openssl rand -base64 32)`", len(b), minSecret, maxSecret)
	}
	return b, nil
}

// String hides the secret.
func (Secret) String() string { return "<secret>" }

// Sign returns the value of webhook-signature for a body that is sent at that
// moment.
func (s Secret) Sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + ".")) // a hash takes everything
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Hook is an address that wants events.
type Hook struct {
	// Name tells it from others in logs and figures.
	Name string
	// URL is where events are posted.
	URL    string
	Secret Secret
	// Events are the types that it wants.
	Events []string
	// Timeout is how long an answer may take. Zero means 10 s.
	Timeout time.Duration
}

func (h *Hook) wants(typ string) bool { return slices.Contains(h.Events, typ) }
