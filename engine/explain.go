package engine

import (
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/notify"
)

// NoteFate is what became of a notification in its user's inbox.
type NoteFate struct {
	// Waits: it has not gone out yet. Sent: it has. Read: the user has read it, too.
	// Expired: it was worth nothing any more. None of it: it is not, or no longer, in
	// the inbox.
	Waits, Sent, Read, Expired bool
	// Why says more.
	Why string
}

// NoteFate tells what became of a notification that the log has, as its payload is
// there. Error: Unavailable.
func (e *Engine) NoteFate(userID string, payload []byte) (NoteFate, error) {
	const op = "explain a notification"
	n, err := notify.Decode(payload)
	if err != nil {
		return NoteFate{}, err
	}
	now := e.now()
	e.notes.mu.Lock()
	defer e.notes.mu.Unlock()
	ib, err := e.inbox(userID, now)
	if err != nil {
		return NoteFate{}, &fitness.Error{Op: op, Kind: fitness.Unavailable, Msg: "the inbox cannot be read now", Err: err}
	}
	x := ib.box.Find(n.Sender, n.ID)
	switch {
	case x == nil && !n.Expires.After(now):
		return NoteFate{Expired: true, Why: "it was worth something until " + n.Expires.Format(time.RFC3339)}, nil
	case x == nil && !e.prefs.of(userID).Wants(n.Kind):
		return NoteFate{Why: "the user does not want the kind " + n.Kind}, nil
	case x == nil:
		return NoteFate{Why: "it is not in the inbox: deleted, or replaced or pushed out by newer ones"}, nil
	case x.Read:
		return NoteFate{Sent: true, Read: true, Why: "read"}, nil
	case x.Sent:
		return NoteFate{Sent: true, Why: "it has left the inbox, and is not read"}, nil
	}
	if quiet := e.prefs.of(userID).QuietUntil(now); !quiet.IsZero() && !x.Urgent {
		return NoteFate{Waits: true, Why: "quiet hours until " + quiet.Format(time.RFC3339)}, nil
	}
	if !e.presence.listens(userID) {
		return NoteFate{Waits: true, Why: "in the inbox, until a client of the user's listens"}, nil
	}
	return NoteFate{Waits: true, Why: "on its way"}, nil
}
