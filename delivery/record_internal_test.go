package delivery

import (
	"bytes"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// FuzzDecodeMessage: a record that decodes is the one that encodes to it again,
// and a damaged one is refused without harm.
func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte{})
	plain := &Message{Topic: "a", Payload: []byte("x"), QoS: 1, At: time.Unix(1, 0).UnixNano()}
	f.Add(plain.appendRecord(nil))
	full := &Message{
		Topic: "a", Payload: []byte("x"), QoS: 2, Retain: true, At: 5, Expires: 7, keep: true, apply: true, route: true,
		From:  Origin{ClientID: "c", UserID: "u", Role: "member", PacketID: 9},
		Props: &wire.PublishProperties{HasExpiry: true, Expiry: 3},
	}
	f.Add(full.appendRecord(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMessage("a", b)
		if err != nil {
			return
		}
		again, err := decodeMessage("a", m.appendRecord(nil))
		if err != nil {
			t.Fatalf("what was decoded does not encode to something that decodes: %v", err)
		}
		if !bytes.Equal(m.appendRecord(nil), again.appendRecord(nil)) {
			t.Error("decoding and encoding again gives another record")
		}
	})
}
