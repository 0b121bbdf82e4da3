package delivery

import (
	"context"
	"errors"
	"sync"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// One reading takes at most catchUpBatch log entries for one session, so that
// many returning sessions take turns, and about catchUpBytes of payload: the
// first takes catchUpFirst entries, to learn how large they are.
const (
	catchUpBatch = 256
	catchUpFirst = 32
	catchUpBytes = 1 << 20
)

// logReader is a session or a shared subscription that reads on in the log.
type logReader interface {
	readOn(ctx context.Context) error
	name() string
	fail(reason string)
}

// catchUp reads the log for sessions that are behind, with a few workers.
type catchUp struct {
	hub *Hub

	mu      sync.Mutex  // guards below; a session's mu may be held around it
	waiting []logReader // bounded by the number of sessions and groups: each is here once
	queued  map[logReader]struct{}
	wake    *sync.Cond
	closed  bool
}

func newCatchUp(h *Hub) *catchUp {
	c := &catchUp{hub: h, queued: map[logReader]struct{}{}}
	c.wake = sync.NewCond(&c.mu)
	return c
}

// want puts a reader into the line, once.
func (c *catchUp) want(s logReader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.queued[s]; ok || c.closed {
		return
	}
	c.queued[s] = struct{}{}
	c.waiting = append(c.waiting, s)
	c.wake.Signal()
}

func (c *catchUp) next() logReader {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) == 0 && !c.closed {
		c.wake.Wait()
	}
	if c.closed {
		return nil
	}
	s := c.waiting[0]
	c.waiting = c.waiting[1:]
	delete(c.queued, s)
	return s
}

func (c *catchUp) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.wake.Broadcast()
}

// run serves the line until close.
func (c *catchUp) run(ctx context.Context) {
	for s := c.next(); s != nil; s = c.next() {
		if err := s.readOn(ctx); err != nil && !errors.Is(err, store.ErrClosed) && ctx.Err() == nil {
			c.hub.log.Error("read the log", "for", s.name(), "error", err)
			s.fail("the store cannot read")
		}
	}
}

func (s *Session) name() string { return s.id }

// fail ends the connection: the client comes again and what it is owed with it.
func (s *Session) fail(reason string) {
	if l := s.link.Load(); l != nil {
		l.lost(reason)
	}
}

// readOn takes the next entries that the session is owed from the log into its
// queue, and makes it live again when there are no more.
func (s *Session) readOn(ctx context.Context) error {
	err := s.readBatch(ctx)
	if l := s.answering(); l != nil {
		if n := s.takeSkipped(); n > 0 {
			s.hub.observer.Skipped(l.client, n)
		}
	}
	return err
}

func (s *Session) readBatch(ctx context.Context) error {
	s.mu.Lock()
	l := s.link.Load()
	// Before the index knows the connection, what is committed after this
	// reading might be routed past it.
	if l == nil || !l.joined.Load() || !s.out.behind || s.out.len() >= refill || s.out.bytes >= s.hub.memory.spillBytes() || s.ended {
		s.mu.Unlock()
		return nil
	}
	subs := s.filters()
	from, most := s.out.read, s.out.batch
	s.mu.Unlock()

	head, _ := s.hub.store.Applied()
	spans := owedSpans(subs, from)
	if most == 0 {
		most = catchUpFirst
	}
	entries, reached, err := s.hub.readOwed(ctx, s, spans, head, most)
	if err != nil {
		return err
	}
	messages := make([]*Message, 0, len(entries))
	for _, e := range entries {
		m, err := decodeEntry(e)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.Load() != l || s.out.read != from {
		return nil // the connection changed meanwhile: its own reading follows
	}
	for _, m := range messages {
		s.takeFromLog(m, subs)
	}
	s.out.batch = nextBatch(entries)
	s.out.read = max(s.out.read, reached)
	if reached >= head && s.out.missed <= head {
		s.out.behind = false
	}
	var b batch
	s.pump(l, &b)
	b.flush()
	if s.out.behind {
		s.pumpAgain()
	}
	return nil
}

// nextBatch is how many entries the next reading takes, so that they come to
// about catchUpBytes if they are like these.
func nextBatch(entries []store.Entry) int {
	bytes := 0
	for i := range entries {
		bytes += len(entries[i].Data)
	}
	return min(max(catchUpBytes*len(entries)/(bytes+1), 1), catchUpBatch)
}

// pumpAgain keeps a session in line that is behind and has room. mu is held.
func (s *Session) pumpAgain() {
	if s.out.len() < refill && s.out.bytes < s.hub.memory.spillBytes() && s.out.room() > 0 {
		s.hub.catchUp.want(s)
	}
}

// owedSpans asks for what the QoS 1 and 2 subscriptions match after from.
func owedSpans(subs []*subscription, from store.Pos) []store.Span {
	spans := make([]store.Span, 0, len(subs))
	for _, sub := range subs {
		if sub.qos > 0 && sub.group == nil {
			spans = append(spans, store.Span{Filter: sub.filter, After: max(from, sub.since)})
		}
	}
	return spans
}

// readOwed reads one batch, after skipping what is over the session's bounds.
// reached is how far the log has been read.
func (h *Hub) readOwed(ctx context.Context, s *Session, spans []store.Span, head store.Pos, most int) ([]store.Entry, store.Pos, error) {
	if len(spans) == 0 {
		return nil, head, nil
	}
	to, skipped, err := h.store.Skip(ctx, spans, head, h.limits.QueueMessages, int64(h.limits.QueueBytes))
	if err != nil {
		return nil, 0, err
	}
	if skipped > 0 {
		for i := range spans {
			spans[i].After = max(spans[i].After, to)
		}
		s.dropMany(dropQueueFull, skipped)
		s.mu.Lock()
		s.out.skipped += skipped
		s.out.gone = max(s.out.gone, to)
		s.mu.Unlock()
	}
	entries, err := h.store.Read(ctx, spans, head, most)
	if err != nil {
		return nil, 0, err
	}
	if len(entries) < most {
		return entries, head, nil
	}
	return entries, entries[len(entries)-1].Pos, nil
}

// takeFromLog queues an entry for the session, if it is owed. mu is held.
func (s *Session) takeFromLog(m *Message, subs []*subscription) {
	if s.knows(m) {
		return
	}
	t, qos := s.owed(m, subs)
	if qos == 0 {
		return
	}
	if s.hub.isExpired(m) {
		s.drop(dropExpired, m)
		return
	}
	if !s.hub.mayReceive(s, m.Topic) {
		s.drop(dropNoRight, m)
		return
	}
	if s.hub.tooOld(m) {
		s.drop(dropQueueFull, m)
		s.out.skipped++
		return
	}
	s.out.push(queued{m: m, ids: t.ids, qos: qos, retain: m.Retain && t.asPublished, pos: m.Pos()})
}

// owed is how a logged message goes to the session by its subscriptions, at QoS 1
// or 2; 0: it does not.
func (s *Session) owed(m *Message, subs []*subscription) (t target, qos byte) {
	if m.State || !m.route || m.QoS == 0 {
		return t, 0
	}
	for _, sub := range subs {
		own := m.From.ClientID == s.id && (sub.noLocal || m.Pos() <= sub.localSince)
		if sub.group != nil || m.Pos() <= sub.since || own || !topics.Match(sub.filter, m.Topic) {
			continue
		}
		t.qos = max(t.qos, sub.qos)
		t.asPublished = t.asPublished || sub.asPublished
		if sub.id != 0 {
			t.ids = append(t.ids, sub.id)
		}
	}
	return t, min(t.qos, m.QoS)
}

// knows reports whether the message is in the window, or its QoS 2 exchange is
// complete. mu is held.
func (s *Session) knows(m *Message) bool {
	if _, ok := s.out.done[m.Pos()]; ok {
		return true
	}
	for i := range s.out.flights {
		if s.out.flights[i].owed() == m.Pos() {
			return true
		}
	}
	return false
}

// load reads one message back, or returns nil when it has been trimmed.
func (h *Hub) load(pos store.Pos) *Message {
	if pos == 0 {
		return nil
	}
	e, err := h.store.ReadAt(context.Background(), pos)
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			h.log.Error("read a message back", "pos", pos, "error", err)
		}
		return nil
	}
	m, err := decodeEntry(e)
	if err != nil {
		h.log.Error("read a message back", "pos", pos, "error", err)
		return nil
	}
	return m
}

func decodeEntry(e store.Entry) (*Message, error) {
	if m, ok := e.Value.(*Message); ok {
		m.setPos(e.Pos)
		return m, nil
	}
	m, err := decodeMessage(e.Topic, e.Data)
	if err != nil {
		return nil, err
	}
	m.setPos(e.Pos)
	return m, nil
}
