package delivery

import (
	"errors"
	"fmt"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// Connect is an authenticated CONNECT.
type Connect struct {
	Conn   Conn
	Client *Client
	// CleanStart discards an existing session [MQTT-3.1.2-4].
	CleanStart bool
	// Expiry is the session expiry interval in seconds, 0xFFFFFFFF for never.
	Expiry uint32
	// KeepExpiry leaves an existing session the interval that it has.
	KeepExpiry bool
	// ReceiveMaximum is the client's; 0 means 65,535.
	ReceiveMaximum uint16
	// MaximumPacketSize is the client's, in bytes; 0 means no limit.
	MaximumPacketSize uint32
	// TopicAliasMaximum is how many aliases the client takes.
	TopicAliasMaximum uint16
	// ProblemInformation: the client wants reason strings.
	ProblemInformation bool
	Will               *wire.Will
}

// ErrOwned: the client id is in use by another user's session.
var ErrOwned = errors.New("client identifier belongs to another user")

// ErrReplaced: another CONNECT with the same client id came at the same moment
// and has replaced the session.
var ErrReplaced = errors.New("the session was replaced by another connection")

// ErrCrowded: the user has as many connections as allowed.
var ErrCrowded = errors.New("this user has too many connections")

// crowded reports whether the client's user has no connection left; one with the
// same client id is replaced and does not count. Connections that come at the
// same moment may be let in together. mu is held.
func (h *Hub) crowded(c *Client) bool {
	if h.allowance == nil {
		return false
	}
	most := h.allowance.Connections(c)
	if most <= 0 || len(h.byUser[c.UserID]) < most {
		return false
	}
	n := 0
	for s := range h.byUser[c.UserID] {
		if s.id != c.ID && s.link.Load() != nil {
			n++
		}
	}
	return n >= most
}

// Owned returns ErrOwned when the client id's session belongs to another user.
func (h *Hub) Owned(clientID, userID string) error {
	s := h.session(clientID)
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.user != userID && !s.expired(h.now()) {
		return ErrOwned
	}
	return nil
}

// Connect gives a client its session: the one it left, or a new one. An
// earlier connection of the same client id ends with 0x8E [MQTT-3.1.4-3]. What
// the session is from now on is stored when Connect returns. Errors: ErrOwned,
// ErrCrowded, ErrReplaced, *WillError, and the store's.
func (h *Hub) Connect(c Connect) (Connection, error) {
	if err := h.judgeWill(c.Client, c.Will); err != nil {
		return nil, err
	}
	s, replaced, present, err := h.claim(c.Client, c.CleanStart)
	if err != nil {
		return nil, err
	}
	s.attaching.Lock()
	defer s.attaching.Unlock()
	unsettled := h.takeOver(s, replaced)
	h.wills.settle(s.id)
	h.returned(s.id)
	l := &link{s: s, conn: c.Conn, client: c.Client, present: present}
	if l.stream, _ = c.Conn.(*Stream); l.stream != nil {
		l.stream.l = l
	}
	if p, ok := c.Conn.(Packer); ok && p.Packs(1<<20) {
		l.packer = p
	}
	l.agree(&c, h.limits.MaxInflight)
	if unsettled {
		l.follow()
	}
	if !s.take(l, &c) {
		return nil, ErrReplaced
	}
	l.noteCome()
	if err := h.saveSession(s); err != nil {
		return nil, fmt.Errorf("store the session: %w", err)
	}
	return l, nil
}

// takeOver ends the connections that the client has with its session and with
// the one that was replaced. What they were about to take is taken when it
// returns; unsettled: something of it is on its way to the log.
func (h *Hub) takeOver(s, replaced *Session) (unsettled bool) {
	var before []*link
	if replaced != nil {
		if l := replaced.link.Load(); l != nil {
			before = append(before, l)
		}
		h.end(replaced, wire.SessionTakenOver)
	}
	if l := s.link.Load(); l != nil {
		before = append(before, l)
		l.hangUp(wire.SessionTakenOver, "another connection has the same client identifier")
		h.disconnected(l)
	}
	if l, ok := h.unsettled.LoadAndDelete(s.id); ok {
		before = append(before, l.(*link))
	}
	for _, l := range before {
		l.quiet()
		unsettled = unsettled || l.unsettled()
	}
	return unsettled
}

// claim finds or makes the session of a client id for its user.
func (h *Hub) claim(c *Client, clean bool) (s, replaced *Session, present bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.crowded(c) {
		return nil, nil, false, ErrCrowded
	}
	old := h.sessions[c.ID]
	if old != nil {
		old.mu.Lock()
		gone := old.ended || old.expired(h.now())
		owner := old.user
		// A session that ends with its connection ends when that is taken over.
		gone = gone || !old.outlives()
		old.mu.Unlock()
		if owner != c.UserID && !gone {
			return nil, nil, false, ErrOwned
		}
		if owner != c.UserID && old.link.Load() != nil {
			return nil, nil, false, ErrOwned
		}
		if !clean && !gone {
			return old, nil, true, nil
		}
	}
	s = newSession(h, c.ID)
	s.user = c.UserID
	s.who.Store(c)
	s.kept.gen = h.now().UnixNano()
	s.kept.born = store.Pos(h.committed.Load())
	s.out.read = s.kept.born
	if old != nil {
		s.kept.row = true // its row is to be replaced or removed
	}
	h.keepSession(s)
	return s, old, false, nil
}

// take makes l the session's connection, without deliveries yet; false when
// the session has ended meanwhile.
func (s *Session) take(l *link, c *Connect) bool {
	w := newWill(c.Will)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.link.Store(l)
	s.who.Store(l.client)
	if !l.present || !c.KeepExpiry {
		s.setExpiry(s.hub.cappedExpiry(c.Expiry))
	}
	if w != nil {
		w.left = s.hub.now().UnixNano()
	}
	s.will = w
	s.offlineSince, s.connected = 0, s.hub.now().UnixNano()
	s.dirty = true
	return true
}

// disconnected ends a connection's part in its session.
func (h *Hub) disconnected(l *link) {
	clean := l.clean.Load()
	w, mine := l.s.detach(l, clean)
	if !mine {
		return
	}
	l.noteGone(clean)
	if l.open.Load() {
		h.observer.Disconnected(l.client, clean)
	}
	if w != nil {
		h.leaveWill(l.s, w)
	}
	l.s.mu.Lock()
	outlives := l.s.outlives()
	l.s.mu.Unlock()
	if !outlives {
		h.end(l.s, wire.Success)
		return
	}
	if w == nil { // a clean DISCONNECT deletes the stored will, too
		if err := h.saveSession(l.s); err != nil {
			h.log.Error("store a session", "client", l.s.id, "error", err)
		}
	}
}

// end discards a session: its subscriptions, its queue and what is stored of
// it. A connection it still has is closed with the code.
func (h *Hub) end(s *Session, code wire.Code) {
	if l := s.link.Load(); l != nil {
		l.hangUp(code, "the session has been replaced")
		if w, mine := s.detach(l, l.clean.Load()); mine {
			l.noteGone(l.clean.Load())
			if l.open.Load() {
				h.observer.Disconnected(l.client, l.clean.Load())
			}
			if w != nil {
				h.leaveWill(s, w)
			}
		}
	}
	s.mu.Lock()
	already := s.ended
	s.ended = true
	subs := s.filters()
	s.subs = map[string]*subscription{}
	back := s.out.abandon()
	s.out = outbound{}
	clear(s.held)
	s.mu.Unlock()
	h.giveBack(back)
	if already {
		return
	}
	for _, sub := range subs {
		h.outOfForce(s, sub)
	}
	h.wills.sessionEnded(s.id)
	h.mu.Lock()
	mine := h.sessions[s.id] == s
	if mine {
		h.dropSession(s)
	}
	h.mu.Unlock()
	if mine {
		h.publishWaiting(s.id)
		if err := h.forgetSession(s); err != nil && !errors.Is(err, store.ErrNotFound) {
			h.log.Error("remove a session", "client", s.id, "error", err)
		}
	}
}

// expireSessions ends those that have been away for longer than their interval. One
// that holds a will, which is due then, goes with the tick behind its publication.
func (h *Hub) expireSessions() {
	now := h.now()
	for _, s := range h.all() {
		s.mu.Lock()
		over := s.link.Load() == nil && s.expired(now)
		willing := s.will != nil
		s.mu.Unlock()
		switch {
		case over && willing:
			h.wills.sessionEnded(s.id)
		case over:
			h.stats.SessionsExpired.Add(1)
			h.end(s, wire.Success)
		}
	}
}
