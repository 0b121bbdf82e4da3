package training_test

import (
	"encoding/json"
	"testing"

	"github.com/fitmq/fitmq/fitness/training"
)

// FuzzParseCorrection: no payload of a client harms, and what is accepted names
// its correction.
func FuzzParseCorrection(f *testing.F) {
	for _, s := range []string{`{"correctionId":"c1","exercise":"squat","joint":"knee","measure":"angle","severity":"warning","cue":"slower"}`, `{"correctionId":"c1"}`, `{"correctionId":1e999}`, `[]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if _, err := training.ParseCorrection(payload); err == nil && !json.Valid(payload) {
			t.Error("accepted what is no JSON")
		}
		if id, err := training.ParseSeen(payload); err == nil && (id == "" || len(id) > 64*4) {
			t.Errorf("accepted %q as an id", id)
		}
	})
}
