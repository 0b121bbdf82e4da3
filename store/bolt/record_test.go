package bolt

import (
	"bytes"
	"testing"

	"github.com/fitmq/fitmq/store"
)

// FuzzDecodeRecord: whatever a damaged file gives, decoding ends with a record
// that encodes to the same bytes, or with an error.
func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Add([]byte{1, 255, 255, 255, 255, 0})
	f.Add(appendRecord(nil, &store.Record{ID: "id", Kind: 3, Topic: "a/b", Data: []byte("data")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			return
		}
		again := appendRecord(nil, &store.Record{ID: string(r.id), Kind: r.kind, Topic: string(r.topic), Data: r.data})
		if !bytes.Equal(again, b) {
			t.Errorf("%x decodes and encodes to %x", b, again)
		}
	})
}
