package delivery

import (
	"errors"
	"strconv"
	"strings"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// Event is a message on its way to a client that takes events instead of
// packets. What it points to is shared: it must not be changed.
type Event struct {
	// ID is the cursor behind this event: Confirm takes it for this event and all
	// that were sent before it.
	ID      string
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	// Dup: it was sent before and not confirmed.
	Dup bool
	// Props are the publisher's properties, nil for none. The expiry interval in
	// them is Expiry's to replace.
	Props *wire.PublishProperties
	// Expiry is what is left of the message expiry interval in seconds; 0 = none.
	Expiry uint32
	// SubscriptionIDs are those of the matching subscriptions.
	SubscriptionIDs []uint32
}

// size is what the event counts for in bounds, in bytes.
func (e *Event) size() int { return len(e.Topic) + len(e.Payload) + 128 }

// cursor is an event's id taken apart. What the session is owed from the log is
// named by its position, which stays the same over repetitions, switches between
// packets and events, and crashes. Everything else is numbered by the session for
// as long as this process lives, and carries the position of what went before it.
type cursor struct {
	gen  int64     // the session's
	pos  store.Pos // all that is owed from the log up to here
	boot int64     // this process's beginning; 0: names a position alone
	n    uint64
}

// ErrBadCursor: not the id of an event.
var ErrBadCursor = errors.New("not the id of an event")

const cursorBase = 36

func (c cursor) String() string {
	b := make([]byte, 0, 48)
	b = strconv.AppendInt(b, c.gen, cursorBase)
	b = append(b, '-')
	b = strconv.AppendUint(b, uint64(c.pos), cursorBase)
	if c.boot != 0 {
		b = append(b, '-')
		b = strconv.AppendInt(b, c.boot, cursorBase)
		b = append(b, '-')
		b = strconv.AppendUint(b, c.n, cursorBase)
	}
	return string(b)
}

// parseCursor is String backwards.
func parseCursor(text string) (cursor, error) {
	parts := strings.Split(text, "-")
	if len(parts) != 2 && len(parts) != 4 {
		return cursor{}, ErrBadCursor
	}
	var numbers [4]uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, cursorBase, 64)
		if err != nil {
			return cursor{}, ErrBadCursor
		}
		numbers[i] = n
	}
	c := cursor{gen: int64(numbers[0]), pos: store.Pos(numbers[1]), boot: int64(numbers[2]), n: numbers[3]}
	if c.gen <= 0 || c.boot < 0 || len(parts) == 4 && c.boot == 0 {
		return cursor{}, ErrBadCursor
	}
	return c, nil
}

// mark is what a delivery that is not owed from the log was numbered with when it
// first went out as an event: its number, and what was owed before it.
type mark struct {
	n     uint64 // 0: it never did
	after store.Pos
}

// covers reports whether who has the event has this delivery too: it was sent
// before it, or is it.
func (c cursor) covers(f *flight, boot int64) bool {
	if p := f.owed(); p != 0 {
		return p <= c.pos
	}
	switch {
	case f.mark.n == 0: // never sent as an event
		return false
	case c.boot == 0:
		return f.mark.after < c.pos
	}
	return c.boot == boot && f.mark.n <= c.n
}
