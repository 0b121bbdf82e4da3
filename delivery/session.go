package delivery

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// never is the session expiry interval that means "does not expire".
const never = ^uint32(0)

// Session is one client's state, from its first CONNECT until it expires: who
// owns it, what it subscribes to, what it has not acknowledged, and its will.
// It exists whether or not a connection is there.
type Session struct {
	hub *Hub
	id  string // client identifier
	owner

	// link is the connection, nil while there is none. Written under mu.
	link   atomic.Pointer[link]
	traced tracePoint
	drops  drops

	// attaching lets one CONNECT at a time take the session over.
	attaching sync.Mutex
	kept      kept
	// numbered counts the events that are not named by a place in the log.
	numbered atomic.Uint64

	// mu guards all below. Lock order: mu before the connection's own; never
	// taken while the index or the committer is locked.
	mu sync.Mutex
	lifetime
	subs  map[string]*subscription
	will  *will
	out   outbound
	held  heldIDs
	dirty bool // progress to be written by the next checkpoint
}

// owner is whose session it is. Safe for concurrent use.
type owner struct {
	user string // who owns the client id; set before the session is shared
	// who is the client as of the last connection: deliveries are judged by it.
	who atomic.Pointer[Client]
	// rights rises when the user's rights may have become less; starts at 1.
	rights atomic.Uint64
}

// lifetime is how long a session is there. The session's mu guards it, but for
// reading lasting.
type lifetime struct {
	// lasting: the session outlives its connection (session expiry over 0), or
	// did before: then it is owed what waits in the log, although it ends with
	// this connection.
	lasting atomic.Bool
	// expiry is the session expiry interval in seconds [3.1.2.11.2].
	expiry uint32
	// connected is the latest connection's beginning, Unix nanoseconds.
	connected int64
	// offlineSince is when the connection went, Unix nanoseconds; 0 = connected.
	offlineSince int64
	ended        bool // expired or replaced: takes nothing any more
}

// setExpiry changes the session expiry interval.
func (t *lifetime) setExpiry(seconds uint32) {
	t.expiry = seconds
	if seconds > 0 {
		t.lasting.Store(true)
	}
}

// outlives reports whether the session goes on without a connection.
func (t *lifetime) outlives() bool { return t.expiry > 0 }

// expired reports whether the session, without a connection since
// offlineSince, has outlived its interval at now.
func (t *lifetime) expired(now time.Time) bool {
	if t.offlineSince == 0 || t.expiry == never {
		return false
	}
	return now.UnixNano() >= t.offlineSince+int64(t.expiry)*int64(time.Second)
}

// kept is what is known of the session's stored form.
type kept struct {
	// Hub.saving guards both: row, there is one to be removed; written, it is
	// this session's own.
	row, written bool
	// gen tells this session's rows from those of an earlier one with the same
	// client id: Unix nanoseconds at its beginning; born is the log position
	// then, applied the one that its stored progress includes. Set before the
	// session is shared.
	gen           int64
	born, applied store.Pos
}

func newSession(h *Hub, id string) *Session {
	s := &Session{hub: h, id: id, subs: map[string]*subscription{}, held: heldIDs{}}
	s.rights.Store(1)
	s.traced.Store(h.traces.of(id))
	return s
}

// reach returns the connection, if deliveries may go there, and whether the
// session is lasting.
func (s *Session) reach() (*link, bool) {
	l := s.link.Load()
	if l != nil && !l.open.Load() {
		l = nil // no PUBLISH before CONNACK
	}
	return l, s.lasting.Load()
}

// answering returns the connection if CONNACK is out, so that an acknowledgement
// may be sent there; nil otherwise.
func (s *Session) answering() *link {
	l, _ := s.reach()
	return l
}

// filters returns the session's subscriptions; mu is held.
func (s *Session) filters() []*subscription {
	list := make([]*subscription, 0, len(s.subs))
	for _, sub := range s.subs {
		list = append(list, sub)
	}
	return list
}

// attach makes l the session's connection. What was sent and not acknowledged
// goes out again first, in its order and under its ids [MQTT-4.4.0-1]; what
// came in between is read from the log. mu is not held; CONNACK is out.
func (s *Session) attach(l *link) {
	read := s.unread()
	s.mu.Lock()
	if s.link.Load() != l {
		s.mu.Unlock()
		return
	}
	s.out.open(l)
	s.out.resend(s, l, read)
	if l.stream != nil && s.out.waiting == 0 {
		l.stream.resumed()
	}
	s.mu.Unlock()
	l.open.Store(true)
	for _, sub := range s.snapshot() {
		s.hub.index.spoil(sub.inner())
		if sub.group != nil {
			s.hub.catchUp.want(sub.group)
		}
	}
	l.joined.Store(true)
	if l.present {
		s.hub.sendRetainedAgain(l)
		s.hub.offerNewerState(s, l)
	}
	if s.lasting.Load() {
		s.hub.catchUp.want(s)
	}
	if n := s.takeSkipped(); n > 0 {
		s.hub.observer.Skipped(l.client, n)
	}
	l.flushOwn()
}

func (s *Session) snapshot() []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.filters()
}

// detach ends l's part in the session. It returns the will to publish, if the
// end was not a clean one, and false when l was not the connection any more.
func (s *Session) detach(l *link, clean bool) (w *will, mine bool) {
	s.mu.Lock()
	if s.link.Load() != l {
		s.mu.Unlock()
		return nil, false
	}
	if clean {
		s.will = nil // [MQTT-3.14.4-3]
	}
	if w = s.will; w != nil {
		s.hub.wills.leaving(s.id) // before anybody sees the connection gone
	}
	s.link.Store(nil)
	s.offlineSince = s.hub.now().UnixNano()
	back := s.out.close(s)
	s.held.unanswered()
	s.dirty = true
	subs := s.filters()
	s.mu.Unlock()
	s.hub.giveBack(back)
	if l.unsettled() {
		s.hub.unsettled.Store(s.id, l)
	}
	for _, sub := range subs {
		s.hub.index.spoil(sub.inner())
	}
	return w, true
}

// lost reports a failed write to a session's client and ends the connection:
// what is not acknowledged is sent again by the client.
func (l *link) lost(reason string) {
	if l.failed.CompareAndSwap(false, true) {
		l.hangUp(wire.UnspecifiedError, reason)
	}
}

// cursor is the position up to which everything the session is owed has been
// acknowledged: what a restart reads on from. mu is held.
func (s *Session) cursor() store.Pos {
	at := s.out.read
	for i := range s.out.flights {
		if p := s.out.flights[i].owed(); p != 0 {
			at = min(at, p-1)
		}
	}
	if n := s.out.firstQueued(); n != 0 {
		at = min(at, n-1)
	}
	return at
}

// needs is the position up to which the session needs nothing of the log any
// more: what it may have to send again is read from there, too. mu is held.
func (s *Session) needs() store.Pos {
	at := s.cursor()
	for i := range s.out.flights {
		if f := &s.out.flights[i]; f.pos != 0 && f.state != flightReleased {
			at = min(at, f.pos-1)
		}
	}
	return at
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
