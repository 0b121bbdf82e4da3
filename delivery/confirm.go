package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/fitmq/fitmq/store"
)

var (
	// ErrNoSession: the client has no session here.
	ErrNoSession = errors.New("the client has no session")
	// ErrOtherSession: the event was one of an earlier session of the client id.
	ErrOtherSession = errors.New("the event belongs to a session that has ended")
	// ErrFutureEvent: the event is one that the server has not sent: a guess, or one
	// of after the backup that was restored.
	ErrFutureEvent = errors.New("the event was not sent")
)

// Confirmation is a client's word about what it has.
type Confirmation struct {
	ClientID, UserID string
	// Event is the id of the last event that it has: this one and all before it
	// are done. "" for none.
	Event string
	// Packets are QoS 1 and 2 messages that it has got over MQTT, by packet id,
	// whose acknowledgement may have been lost with the connection. They count only
	// while the client is not connected by MQTT.
	Packets []uint16
}

// Confirm takes a client's word that it has events, whatever its connection is
// now. When it returns nil no connection repeats them; of QoS 1, a crash may.
// Errors: ErrNoSession, ErrOwned, ErrBadCursor, ErrOtherSession, ErrFutureEvent,
// after which nothing is confirmed, the store's and ctx's, after which the outcome
// is unknown.
func (h *Hub) Confirm(ctx context.Context, c Confirmation) error {
	s := h.session(c.ClientID)
	if s == nil {
		return ErrNoSession
	}
	s.mu.Lock()
	owner := s.user
	s.mu.Unlock()
	if owner != c.UserID {
		return ErrOwned
	}
	s.traced.note(h, TraceEvent{In: true, What: "CONFIRM"})
	return h.confirm(ctx, s, c.Event, c.Packets)
}

func (h *Hub) confirm(ctx context.Context, s *Session, event string, packets []uint16) error {
	var at cursor
	if event != "" {
		var err error
		if at, err = parseCursor(event); err != nil {
			return err
		}
		if at.gen != s.kept.gen {
			return ErrOtherSession
		}
		if s.ahead(at) {
			return ErrFutureEvent
		}
	}
	var b batch
	told, waits, answers := s.confirm(at, packets, &b)
	b.flush()
	h.tellConfirmed(s, told)
	for range waits {
		select {
		case err := <-answers:
			if err != nil {
				return fmt.Errorf("store what is confirmed: %w", err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ahead reports whether the cursor names what cannot have been sent. A stream may be
// a moment ahead of what counts as committed.
func (s *Session) ahead(at cursor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return at.pos > max(s.out.streamed, store.Pos(s.hub.committed.Load()))
}

// confirmedMessage is one whose arrival is to be told: in memory, or by its place.
type confirmedMessage struct {
	m   *Message
	pos store.Pos
}

// confirm completes what the client has. waits is how many results follow on
// answers: QoS 2 messages are done when that is in the log.
func (s *Session) confirm(at cursor, packets []uint16, b *batch) (told []confirmedMessage, waits int, answers chan error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.answering()
	mqtt := l != nil && l.stream == nil
	if mqtt {
		packets = nil // ids may be in use anew
	}
	o := &s.out
	answers = make(chan error, len(o.flights)) // every callback has room
	for i := 0; i < len(o.flights); {
		f := &o.flights[i]
		if !s.has(at, packets, f) || mqtt && f.qos == 2 && f.state == flightSent { // its PUBREC is on the way
			i++
			continue
		}
		told = append(told, confirmedMessage{f.m, f.pos})
		if f.qos == 2 && f.pos != 0 && s.lasting.Load() {
			waits++
			s.settle(f, answers)
			i++
			continue
		}
		s.finish(i)
	}
	// After a crash the stored cursor may be behind what the client has.
	if now := s.link.Load(); at.pos > o.read && (now == nil || !now.joined.Load()) {
		o.read = at.pos
		s.dirty = true
	}
	o.streamed = max(o.streamed, at.pos)
	if l != nil {
		s.pump(l, b)
	}
	return told, waits, answers
}

// has reports whether the client's word covers a delivery that it can complete.
// mu is held.
func (s *Session) has(at cursor, packets []uint16, f *flight) bool {
	if f.state != flightSent && f.state != flightWaiting {
		return false // it was not sent, or MQTT's exchange is further than that
	}
	if at.gen != 0 && at.covers(f, s.hub.boot) {
		return true
	}
	for _, id := range packets {
		if id == f.id {
			return true
		}
	}
	return false
}

// finish takes a completed delivery out of the window. mu is held.
func (s *Session) finish(i int) {
	f := &s.out.flights[i]
	if f.state == flightWaiting {
		s.out.waiting--
	}
	if g := f.share; g != nil {
		g.done(f.pos)
	}
	s.out.remove(i)
	s.dirty = true
}

// settle writes to the log that a QoS 2 exchange is complete; then it is. mu is
// held.
func (s *Session) settle(f *flight, answers chan<- error) {
	if f.state == flightWaiting {
		s.out.waiting--
	}
	f.state = flightReleasing
	id, pos := f.id, f.pos
	s.hub.logFlow(s, flowDone, f, func(err error) {
		s.settled(id, pos, err)
		answers <- err
	})
}

func (s *Session) settled(id uint16, pos store.Pos, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.out
	i := o.find(id)
	if i < 0 || o.flights[i].pos != pos {
		return // the session has ended meanwhile
	}
	f := &o.flights[i]
	switch {
	case err == nil:
		if p := f.owed(); p != 0 {
			if o.done == nil {
				o.done = map[store.Pos]struct{}{}
			}
			o.done[p] = struct{}{}
		}
		if f.kept {
			o.keptOwed.acknowledged(f.pos)
		}
		s.finish(i)
	case f.state == flightReleasing:
		f.state = flightSent
	}
	if l := s.answering(); l != nil {
		s.pump(l, &s.hub.commit.batch)
	}
}

// tellConfirmed tells of messages whose arrival somebody waits for. mu is not held.
func (h *Hub) tellConfirmed(s *Session, list []confirmedMessage) {
	for _, c := range list {
		m := c.m
		if m == nil {
			m = h.load(c.pos)
		}
		if m != nil && toldOf(m) {
			h.observer.Acknowledged(s.who.Load(), m)
		}
	}
}
