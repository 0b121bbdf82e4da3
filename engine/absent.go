package engine

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/fitmq/fitmq/store"
)

// absentees is what others will be told of users whose connection has just ended,
// unless they come back within the grace.
type absentees struct {
	mu sync.Mutex // guards what follows
	m  map[string][]missed
	n  int
}

// missed is a message for such a user. Until it is settled the position of its record
// is not saved, so that a start after a crash applies the record again.
type missed struct {
	pos  store.Pos
	what Happening
}

// maxMissed bounds the messages that wait for the end of a grace; for more of them the
// grace is not waited for.
const maxMissed = 10_000

func (a *absentees) init() { a.m = make(map[string][]missed) }

// tellMissed tells others of the message of the record at pos, for a user who has been
// without a client for longer than the grace: now, or when that is so. Any lock may be
// held but presence.mu, absentees.mu, happenings.mu and outbox.mu.
func (e *Engine) tellMissed(pos store.Pos, userID, cause string, at time.Time, payload json.RawMessage, senderID string) {
	if e.presence.online(userID) || !e.wants(TellMessageAbsent) {
		return
	}
	h := happening(TellMessageAbsent, userID, cause, at, toldUser{UserID: userID, SenderName: e.name(senderID), Message: payload})
	a := &e.missed
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n >= maxMissed || e.absent(userID, e.now()) {
		e.outside.add(h, &e.stats)
		return
	}
	e.out.hold(pos)
	a.m[userID] = append(a.m[userID], missed{pos, h})
	a.n++
}

// tickMissed settles what waits for users who have come back, or whose grace is over.
func (e *Engine) tickMissed(now time.Time) {
	a := &e.missed
	a.mu.Lock()
	defer a.mu.Unlock()
	for userID, list := range a.m {
		back := e.presence.online(userID)
		if !back && !e.absent(userID, now) {
			continue
		}
		for _, x := range list {
			if !back {
				e.outside.add(x.what, &e.stats)
			}
			e.out.release(x.pos)
		}
		a.n -= len(list)
		delete(a.m, userID)
	}
}
