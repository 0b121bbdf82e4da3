package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/fitmq/fitmq/store"
)

// Limits of one record and one Append. Over them Append answers ErrTooLarge.
const (
	maxID        = 256
	maxTopic     = math.MaxUint16
	maxData      = 16 << 20
	maxAppend    = 64 << 20 // encoded bytes of one call, which is one transaction
	recordHeader = 1 + 2 + 2
)

var errBadRecord = errors.New("record does not decode")

// checkRecord refuses a record that is over its limits.
func checkRecord(r *store.Record) error {
	switch {
	case len(r.ID) > maxID:
		return fmt.Errorf("record id of %d bytes, at most %d: %w", len(r.ID), maxID, store.ErrTooLarge)
	case len(r.Topic) > maxTopic:
		return fmt.Errorf("record topic of %d bytes, at most %d: %w", len(r.Topic), maxTopic, store.ErrTooLarge)
	case len(r.Data) > maxData:
		return fmt.Errorf("record data of %d bytes, at most %d: %w", len(r.Data), maxData, store.ErrTooLarge)
	}
	return nil
}

func encodedSize(r *store.Record) int {
	return recordHeader + len(r.ID) + len(r.Topic) + len(r.Data)
}

// appendRecord appends the stored form of a record: kind, the lengths of id and
// topic (two bytes each, big endian), id, topic, data.
func appendRecord(b []byte, r *store.Record) []byte {
	b = append(b, byte(r.Kind))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.ID)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Topic)))
	b = append(b, r.ID...)
	b = append(b, r.Topic...)
	return append(b, r.Data...)
}

// rawRecord is a stored record taken apart without copying.
type rawRecord struct {
	kind            store.Kind
	id, topic, data []byte
}

func decodeRecord(v []byte) (rawRecord, error) {
	if len(v) < recordHeader {
		return rawRecord{}, errBadRecord
	}
	idLen, topicLen := int(binary.BigEndian.Uint16(v[1:])), int(binary.BigEndian.Uint16(v[3:]))
	rest := v[recordHeader:]
	if idLen > maxID || len(rest) < idLen+topicLen {
		return rawRecord{}, errBadRecord
	}
	return rawRecord{
		kind:  store.Kind(v[0]),
		id:    rest[:idLen],
		topic: rest[idLen : idLen+topicLen],
		data:  rest[idLen+topicLen:],
	}, nil
}

// A log key is the position, big endian, so that bytes sort as positions do.
func posKey(p store.Pos) []byte { return binary.BigEndian.AppendUint64(nil, uint64(p)) }

func keyPos(k []byte) (store.Pos, error) {
	if len(k) != 8 {
		return 0, fmt.Errorf("log key of %d bytes, want 8", len(k))
	}
	return store.Pos(binary.BigEndian.Uint64(k)), nil
}
