package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// Bounds of what waits in memory for one stream's client.
const (
	// streamBatch and streamBatchBytes bound what Next returns at once.
	streamBatch      = 256
	streamBatchBytes = 64 << 10
	// streamLow is when a session that has held back goes on.
	streamLow = 16 << 10
	// streamMax ends the stream: sessions hold back long before (congested), so
	// only many publishers at the same moment get there.
	streamMax = 8 << 20
)

// Stream is a connection of a session whose client takes events instead of
// packets, and confirms them by the id of the last one (Hub.Confirm). For the
// session it is a connection like any other: a later one takes it over.
type Stream struct {
	l *link

	// changing lets one change of the subscriptions be made at a time.
	changing sync.Mutex
	wake     chan struct{} // holds one: something has come
	bytes    atomic.Int64  // in waiting, and returned by Next but not written

	mu      sync.Mutex // guards below; a leaf
	waiting []Event
	taken   int64 // bytes that the last Next has returned
	// sent: all that is owed from the log up to here has gone out on this stream,
	// or was confirmed before.
	sent  store.Pos
	ended *StreamEnd
}

var _ Conn = (*Stream)(nil)

// StreamEnd is why a stream has ended.
type StreamEnd struct {
	Code   wire.Code
	Reason string
}

// Error implements error.
func (e *StreamEnd) Error() string { return fmt.Sprintf("stream ended: %s: %s", e.Code, e.Reason) }

// OpenStream is what a stream is opened with.
type OpenStream struct {
	Client *Client
	// Lasting keeps the session when the stream ends: an existing one for the
	// interval it has, a new one for Expiry seconds. Without it a session begins
	// that ends with the stream.
	Lasting bool
	Expiry  uint32
	// Confirmed is the id of the last event that the client has, or "". Of an
	// earlier session of the client id, or not sent yet, it confirms nothing.
	Confirmed string
	// Filters, when not nil, are all filters that the session is to have: others
	// end before anything is sent.
	Filters []string
}

// Stream opens a stream on the client's session: what it was sent and has not
// confirmed comes first, under the same ids, then what came in between. Errors:
// ErrOwned, ErrReplaced, ErrBadCursor, and those of the store.
func (h *Hub) Stream(ctx context.Context, o OpenStream) (*Stream, error) {
	if o.Confirmed != "" {
		if _, err := parseCursor(o.Confirmed); err != nil {
			return nil, err
		}
	}
	st := &Stream{wake: make(chan struct{}, 1)}
	c, err := h.Connect(Connect{
		Conn: st, Client: o.Client, CleanStart: !o.Lasting, Expiry: o.Expiry, KeepExpiry: o.Lasting,
	})
	if err != nil {
		return nil, err
	}
	if err := st.begin(ctx, c, o); err != nil {
		c.Closed()
		return nil, err
	}
	h.stats.Streams.Opened.Add(1)
	return st, nil
}

func (st *Stream) begin(ctx context.Context, c Connection, o OpenStream) error {
	h, s := st.l.s.hub, st.l.s
	if o.Confirmed != "" {
		if err := h.confirm(ctx, s, o.Confirmed, nil); err != nil && !errors.Is(err, ErrOtherSession) && !errors.Is(err, ErrFutureEvent) {
			return err
		}
	}
	if o.Filters != nil && st.leaveOthers(o.Filters) {
		if err := h.saveSession(s); err != nil {
			return fmt.Errorf("store the session: %w", err)
		}
	}
	c.Start()
	return nil
}

// leaveOthers ends the subscriptions to other filters, before anybody hears of
// the connection.
func (st *Stream) leaveOthers(filters []string) (changed bool) {
	wanted := make(map[string]struct{}, len(filters))
	for _, f := range filters {
		wanted[f] = struct{}{}
	}
	for _, sub := range st.l.s.snapshot() {
		if _, ok := wanted[sub.filter]; !ok {
			changed = st.l.s.leave(sub.filter) || changed
		}
	}
	return changed
}

// Present reports whether the client's session was there already.
func (st *Stream) Present() bool { return st.l.present }

// Close ends the stream; its session goes on as after any lost connection.
// Calling it again does nothing.
func (st *Stream) Close() {
	st.Disconnect(wire.NormalDisconnection, "closed")
	st.l.Closed()
}

// Subscribe makes or changes subscriptions of the stream's session. It answers
// with a code for each, as SUBACK does, and sends retained messages as its rules
// say. An error means that the store cannot write; then the stream ends.
func (st *Stream) Subscribe(wants []wire.Subscription) ([]wire.Code, error) {
	st.changing.Lock()
	defer st.changing.Unlock()
	g, err := st.l.grant(wants, 0)
	if err != nil {
		return nil, err
	}
	st.l.subscribed(g)
	return g.codes, nil
}

// Unsubscribe ends subscriptions, and answers as UNSUBACK does. Errors as of
// Subscribe.
func (st *Stream) Unsubscribe(filters []string) ([]wire.Code, error) {
	st.changing.Lock()
	defer st.changing.Unlock()
	codes, ended, err := st.l.end(filters)
	if err != nil {
		return nil, err
	}
	for _, filter := range ended {
		st.l.s.hub.observer.Unsubscribed(st.l.client, filter)
	}
	return codes, nil
}

// StreamOf returns the stream that the user's client has open, or nil.
func (h *Hub) StreamOf(clientID, userID string) *Stream {
	s := h.session(clientID)
	if s == nil {
		return nil
	}
	l := s.answering()
	if l == nil || l.client.UserID != userID {
		return nil
	}
	return l.stream
}

// Client is who has opened the stream.
func (st *Stream) Client() *Client { return st.l.client }

// IdentityOf is what the policy attached to the client's present connection, if
// it is the user's; nil otherwise.
func (h *Hub) IdentityOf(clientID, userID string) any {
	s := h.session(clientID)
	if s == nil {
		return nil
	}
	l := s.link.Load()
	if l == nil || l.client.UserID != userID {
		return nil
	}
	return l.client.Identity
}

// Subscriptions are the session's filters with their QoS.
func (st *Stream) Subscriptions() map[string]byte {
	list := map[string]byte{}
	for _, sub := range st.l.s.snapshot() {
		list[sub.filter] = sub.qos
	}
	return list
}

// Next waits for events and returns them; those of the call before count as
// written. It is called by one goroutine. The error is ctx's, or a *StreamEnd.
func (st *Stream) Next(ctx context.Context) ([]Event, error) {
	st.written()
	for {
		events, ended := st.take()
		if len(events) > 0 {
			return events, nil
		}
		if ended != nil {
			return nil, ended
		}
		select {
		case <-st.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// written takes what the last Next has returned off the bound.
func (st *Stream) written() {
	st.mu.Lock()
	n := st.taken
	st.taken = 0
	st.mu.Unlock()
	if st.bytes.Add(-n) <= streamLow {
		st.l.Drained()
	}
}

func (st *Stream) take() ([]Event, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	n, size := 0, 0
	for n < len(st.waiting) && n < streamBatch && size < streamBatchBytes {
		size += st.waiting[n].size()
		n++
	}
	events := st.waiting[:n:n]
	if st.waiting = st.waiting[n:]; len(st.waiting) == 0 {
		st.waiting = nil
	}
	st.taken = int64(size)
	if st.ended == nil {
		return events, nil
	}
	return events, st.ended
}

// put appends a message as an event. For QoS 1 and 2 the session's mu is held.
func (st *Stream) put(m *Message, id uint16, qos byte, retain, dup bool, ids []uint32) {
	e := Event{Topic: m.Topic, Payload: m.Payload, QoS: qos, Retain: retain, Dup: dup, Props: m.Props, SubscriptionIDs: ids}
	if m.own != nil { // its memory is somebody's who goes on
		e.Payload = bytes.Clone(m.Payload)
		if m.Props != nil {
			props := m.Props.Clone()
			e.Props = &props
		}
	}
	if m.Expires != 0 {
		e.Expiry = m.remaining(st.l.s.hub.now())
	}
	var f *flight
	if id != 0 {
		if i := st.l.s.out.find(id); i >= 0 {
			f = &st.l.s.out.flights[i]
		}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended != nil {
		return
	}
	if st.bytes.Add(int64(e.size())) > streamMax {
		st.l.s.hub.stats.Streams.Overflows.Add(1)
		st.end(&StreamEnd{wire.QuotaExceeded, "too much waits for this client"})
		return
	}
	e.ID = st.number(f).String()
	st.waiting = append(st.waiting, e)
	st.signal()
}

// number gives an event its id; mu is held.
func (st *Stream) number(f *flight) cursor {
	s := st.l.s
	c := cursor{gen: s.kept.gen}
	if f != nil && f.owed() != 0 {
		c.pos = f.owed()
		st.sent = max(st.sent, c.pos)
		s.out.streamed = max(s.out.streamed, c.pos)
		return c
	}
	at := mark{}
	if f != nil {
		at = f.mark
	}
	if at.n == 0 {
		at = mark{n: s.numbered.Add(1), after: st.sent}
	}
	if f != nil {
		f.mark = at
	}
	c.pos, c.boot, c.n = at.after, s.hub.boot, at.n
	return c
}

// resumed is called when all that was sent before has been sent again; the
// session's mu is held.
func (st *Stream) resumed() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sent = max(st.sent, st.l.s.out.streamed)
}

func (st *Stream) signal() {
	select {
	case st.wake <- struct{}{}:
	default: // it is awake
	}
}

// end is Disconnect with mu held.
func (st *Stream) end(why *StreamEnd) {
	if st.ended != nil {
		return
	}
	st.ended = why
	if why.Code == wire.SessionTakenOver || why.Code == wire.QuotaExceeded {
		st.waiting = nil // the successor gets it again
	}
	st.signal()
}

// Send implements Conn: acknowledgements mean nothing here.
func (*Stream) Send([]byte) bool { return false }

// SendID implements Conn; messages come by put.
func (*Stream) SendID([]byte, int, uint16) bool { return false }

// Buffered implements Conn.
func (st *Stream) Buffered() int { return int(st.bytes.Load()) }

// Flush implements Conn: put has woken the reader.
func (*Stream) Flush() {}

// Disconnect implements Conn.
func (st *Stream) Disconnect(code wire.Code, reason string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.end(&StreamEnd{code, reason})
}
