package access

import (
	"sync"
	"sync/atomic"
	"time"
)

// Holder is a connection's identity. A fresh token replaces it while the
// connection lives; when it expires, the connection is told. Safe for concurrent
// use.
type Holder struct {
	id  atomic.Pointer[Identity]
	end func() // ends the connection

	mu     sync.Mutex // guards the fields below
	timer  *time.Timer
	closed bool
}

// NewHolder holds the identity. end is called once on a goroutine of its own
// when it expires unreplaced; nil where nothing is to be ended.
func NewHolder(id Identity, end func()) *Holder {
	h := &Holder{end: end}
	h.id.Store(&id)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arm(id.Expires)
	return h
}

// Identity returns who it is as of the last proof.
func (h *Holder) Identity() Identity { return *h.id.Load() }

// Renew replaces the identity by a fresher proof of the same user; false for
// another user, and when the connection has ended.
func (h *Holder) Renew(id Identity) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || id.UserID != h.id.Load().UserID {
		return false
	}
	h.id.Store(&id)
	h.arm(id.Expires)
	return true
}

// Close stops waiting for the expiry.
func (h *Holder) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
}

// arm sets the timer; mu is held.
func (h *Holder) arm(at time.Time) {
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if !at.IsZero() && h.end != nil {
		h.timer = time.AfterFunc(time.Until(at), h.expire)
	}
}

// expire ends the connection, unless a fresher proof came while the timer fired.
func (h *Holder) expire() {
	h.mu.Lock()
	at := h.id.Load().Expires
	over := !h.closed && !at.IsZero() && !time.Now().Before(at)
	h.closed = h.closed || over
	h.mu.Unlock()
	if over {
		h.end()
	}
}
