package engine

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/store"
)

// activityRow is an applied activity as it is stored: what a board needs in
// front, for a start that reads a million of them, and the body as it came
// behind.
type activityRow struct {
	Pos       store.Pos
	At        time.Time
	Counted   bool // by the rule
	Withdrawn bool
	Reviews   uint16 // how often it was reviewed
	Barred    bool   // the last review says that it does not count
	Reviewer  string
	Facts     []byte // see challenge.DecodeFacts
	Reason    string // why the rule does not count it
	Body      []byte
}

const rowVersion = 1

// Bits of a row's second byte.
const (
	rowCounted = 1 << iota
	rowWithdrawn
	rowBarred
)

// rowHead is the length of what has a fixed place: version, bits, reviews,
// position, moment.
const rowHead = 1 + 1 + 2 + 8 + 8

// errRow is the error of a row that is cut off or of another version.
var errRow = errors.New("the record of an activity is damaged or of another version")

func (r *activityRow) encode() []byte {
	b := make([]byte, 0, rowHead+8+len(r.Reviewer)+len(r.Facts)+len(r.Reason)+len(r.Body))
	bits := byte(0)
	for bit, on := range map[byte]bool{rowCounted: r.Counted, rowWithdrawn: r.Withdrawn, rowBarred: r.Barred} {
		if on {
			bits |= bit
		}
	}
	b = append(b, rowVersion, bits)
	b = binary.BigEndian.AppendUint16(b, r.Reviews)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Pos))
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMilli()))
	for _, part := range [][]byte{r.Facts, []byte(r.Reviewer), []byte(r.Reason)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return append(b, r.Body...)
}

// decodeRow reads a row. Facts and Body are parts of b.
func decodeRow(b []byte) (activityRow, error) {
	if len(b) < rowHead || b[0] != rowVersion {
		return activityRow{}, errRow
	}
	r := activityRow{
		Counted: b[1]&rowCounted != 0, Withdrawn: b[1]&rowWithdrawn != 0, Barred: b[1]&rowBarred != 0,
		Reviews: binary.BigEndian.Uint16(b[2:]), Pos: store.Pos(binary.BigEndian.Uint64(b[4:])),
		At: time.UnixMilli(int64(binary.BigEndian.Uint64(b[12:]))).UTC(),
	}
	b = b[rowHead:]
	var parts [3][]byte
	for i := range parts {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return activityRow{}, errRow
		}
		parts[i], b = b[size:size+int(n)], b[size+int(n):]
	}
	r.Facts, r.Reviewer, r.Reason, r.Body = parts[0], string(parts[1]), string(parts[2]), b
	return r, nil
}

// onto applies the row to a board.
func (r *activityRow) onto(b *challenge.Board, user string) error {
	a, err := challenge.DecodeFacts(r.Facts)
	if err != nil {
		return err
	}
	b.Apply(user, &a, r.At)
	if r.Reviews > 0 {
		if _, err := b.Review(user, a.ID, !r.Barred, r.Reviews, r.At); err != nil {
			return err
		}
	}
	if r.Withdrawn {
		if _, err := b.Withdraw(user, a.ID); err != nil {
			return err
		}
	}
	return nil
}
