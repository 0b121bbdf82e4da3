package chat_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness/chat"
)

// FuzzParse: no payload of a client harms, and what is accepted stays within the
// limits.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"content":"hi"}`, `{"type":"chat","content":"hi","messageId":"m1","recipientId":7}`, `{"content":"` + "\u00e9" + `"}`, `[]`, `{"content":null}`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if m, err := chat.Parse(payload); err == nil {
			if n := utf8.RuneCountInString(m.Content); n > 4000 {
				t.Errorf("accepted a content of %d characters", n)
			}
			if !utf8.ValidString(m.Content) {
				t.Error("accepted a content that is not UTF-8")
			}
		}
		// What they return is judged by their own tests: here, that they return.
		_, _ = chat.ParseRead(payload)
		_, _ = chat.ParseTyping(payload, "ana", time.Unix(1, 0))
	})
}
