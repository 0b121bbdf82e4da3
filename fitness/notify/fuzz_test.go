package notify_test

import (
	"encoding/json"
	"testing"

	"github.com/fitmq/fitmq/fitness/notify"
)

// FuzzParse: no payload of a client harms, and what is accepted is JSON.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"type":"notification","content":"hi","kind":"reminder"}`, `{"content":"hi","data":{"ttl":60}}`, `{"read":"m1"}`, `{"messageId":"m1"}`, `[]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if _, err := notify.Parse(payload); err == nil && !json.Valid(payload) {
			t.Error("accepted a notification that is no JSON")
		}
		if _, err := notify.ParseReading(payload); err == nil && !json.Valid(payload) {
			t.Error("accepted a reading that is no JSON")
		}
	})
}
