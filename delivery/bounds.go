package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/store"
)

// What one connection may hold in memory, while there is enough and while all
// connections together hold more than Limits.MemoryBytes.
const (
	// congestedMost and congestedLeast bound how many bytes may wait in a
	// connection's buffer before the session holds back: QoS 0 is dropped and
	// counted, QoS 1 and 2 stay in the queue, a state topic keeps its newest
	// value. In between it is the connection's part of Limits.MemoryBytes. The
	// transport's HighWater must not be higher, or nobody would be told to go on.
	congestedMost, congestedLeast = 256 << 10, 32 << 10
	// A session that is owed its messages from the log leaves them there when
	// this much waits in memory.
	spillMost, spillLeast = 1 << 20, 64 << 10
	// windowMost and windowLeast bound the bytes of the messages that a client
	// has been sent and has not acknowledged, beyond one: what follows waits.
	windowMost, windowLeast = 8 << 20, 64 << 10
	// A queue that is in memory alone is bounded by Limits.QueueMessages and
	// QueueBytes, and while memory is short by these: the oldest go, counted.
	shortMessages, shortBytes = 1000, 256 << 10
)

// memory is how much all connections hold, as of the last second.
type memory struct {
	held  atomic.Int64 // bytes
	conns atomic.Int64 // connected clients
	short atomic.Bool  // over Limits.MemoryBytes
	share atomic.Int64 // what congested returns
}

func (m *memory) init() { m.share.Store(congestedMost) }

func (m *memory) congested() int { return int(m.share.Load()) }

func (m *memory) spillBytes() int {
	if m.short.Load() {
		return spillLeast
	}
	return spillMost
}

func (m *memory) windowBytes() int {
	if m.short.Load() {
		return windowLeast
	}
	return windowMost
}

// queueBounds is what a queue that is in memory alone may hold now.
func (h *Hub) queueBounds() (messages, bytes int) {
	messages, bytes = h.limits.QueueMessages, h.limits.QueueBytes
	if h.memory.short.Load() {
		messages, bytes = min(messages, shortMessages), min(bytes, shortBytes)
	}
	return messages, bytes
}

// weigh adds up what waits in memory for connected clients. A message that
// waits for several counts for each, although it is there once.
func (h *Hub) weigh() {
	var held, connected int64
	for _, s := range h.all() {
		l := s.link.Load()
		s.mu.Lock()
		held += int64(s.out.bytes + s.out.flying)
		s.mu.Unlock()
		if l != nil {
			connected++
			held += int64(l.conn.Buffered())
		}
	}
	share := int64(congestedMost)
	if connected > 0 {
		share = min(max(h.limits.MemoryBytes/connected, congestedLeast), congestedMost)
	}
	h.memory.share.Store(share)
	h.memory.held.Store(held)
	h.memory.conns.Store(connected)
	if short := held > h.limits.MemoryBytes; h.memory.short.Swap(short) != short && short {
		h.stats.MemoryShort.Add(1)
		h.log.Warn("too much waits for slow clients: queues are cut short until it is less",
			"bytes", held, "limit", h.limits.MemoryBytes, "connected", connected)
	}
}

// retainedFull returns the reason why a client's message cannot be retained,
// or "". What is under way at the same moment may exceed the bound by as much.
func (h *Hub) retainedFull(m *Message) string {
	r := h.retained
	r.mu.RLock()
	defer r.mu.RUnlock()
	old := r.at(m.Topic)
	count, bytes := r.count, r.bytes
	if old != nil {
		count, bytes = count-1, bytes-int64(old.size())
	}
	switch {
	case count >= h.limits.RetainedMessages:
		return fmt.Sprintf("the server keeps %d retained messages, its limit", h.limits.RetainedMessages)
	case bytes+int64(m.size()) > h.limits.RetainedBytes:
		return fmt.Sprintf("retained messages would take over %d bytes, the server's limit", h.limits.RetainedBytes)
	}
	return ""
}

// tooOld reports whether the message has waited for longer than any may.
func (h *Hub) tooOld(m *Message) bool {
	return m.At < h.now().Add(-h.limits.QueueAge).UnixNano()
}

// forcedFloor is the position before which the log goes although sessions are
// still owed something there, because of its size or its age; 0 for none.
func (h *Hub) forcedFloor(ctx context.Context) store.Pos {
	return max(h.store.Excess(h.limits.LogBytes), h.firstSince(ctx, h.now().Add(-h.limits.QueueAge)))
}

// firstSince returns the first position whose message arrived at or after the
// time, 0 when that is the first one of all. Arrivals rise with positions, but
// for what was under way at the same moment.
func (h *Hub) firstSince(ctx context.Context, at time.Time) store.Pos {
	low, high := max(h.store.Floor(), 1), store.Pos(h.committed.Load())
	first := low
	for low <= high {
		mid := low + (high-low)/2
		arrived, pos, ok := h.arrival(ctx, mid, high)
		switch {
		case !ok || arrived >= at.UnixNano():
			high = mid - 1
		default:
			low, first = pos+1, pos+1
		}
	}
	if first == max(h.store.Floor(), 1) {
		return 0
	}
	return first
}

// arrivalSteps is how many records without a time arrival passes over.
const arrivalSteps = 64

// arrival returns when the first message from pos on, up to last, arrived.
func (h *Hub) arrival(ctx context.Context, pos, last store.Pos) (at int64, found store.Pos, ok bool) {
	for end := min(last, pos+arrivalSteps); pos <= end; pos++ {
		e, err := h.store.ReadAt(ctx, pos)
		if err != nil || e.Kind != kindMessage {
			continue // trimmed meanwhile, or a step of a QoS 2 exchange
		}
		if m, err := decodeEntry(e); err == nil {
			return m.At, pos, true
		}
	}
	return 0, 0, false
}

// giveUp counts what the session loses when the log goes before the position,
// for the client to be told when it returns.
func (h *Hub) giveUp(ctx context.Context, s *Session, before store.Pos) {
	s.mu.Lock()
	from, subs := s.out.read, s.filters()
	s.mu.Unlock()
	if from+1 >= before {
		return
	}
	n := 0
	if spans := owedSpans(subs, from); len(spans) > 0 {
		var err error
		if n, _, err = h.store.Count(ctx, spans, before-1); err != nil {
			if !errors.Is(err, store.ErrClosed) {
				h.log.Error("count what a session loses", "client", s.id, "error", err)
			}
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.read != from {
		return // it reads on: what is gone by then it skips
	}
	s.out.read, s.dirty = before-1, true
	s.out.skipped += n
	s.dropMany(dropQueueFull, n)
}

// takeSkipped returns how many messages the client has not been told of that it
// will not get.
func (s *Session) takeSkipped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.out.skipped
	if n > 0 {
		s.out.skipped, s.dirty = 0, true
	}
	return n
}
