package delivery

import (
	"github.com/fitmq/fitmq/store"
)

// queued is a delivery that has not been sent.
type queued struct {
	m      *Message // nil in a flight: read again from the log when needed
	ids    []uint32 // subscription identifiers
	qos    byte
	retain bool
	// pos is the place in the log that this delivery is owed from; 0 when it is
	// not (state, retained, QoS 0).
	pos store.Pos
	// share is the group that it came from; the session's own cursor does not
	// count it.
	share *group
	// aside: it is not owed from the log, though its message stands there (a
	// retained one, a state topic's). The session's own cursor does not count it.
	aside bool
	// kept: a retained message that SUBSCRIBE has brought about.
	kept bool
	// recalled: it is known from before a restart, maybe without its identifiers.
	recalled bool
}

// owed is the position that the session's own cursor passes with this delivery,
// or 0.
func (q *queued) owed() store.Pos {
	if q.share != nil || q.aside {
		return 0
	}
	return q.pos
}

// standAside gives a QoS 2 delivery that is not owed from the log its message's
// place there all the same, so that its id can be written before it is used.
func (q *queued) standAside() {
	if q.qos == 2 && q.m.Pos() != 0 {
		q.pos, q.aside = q.m.Pos(), true
	}
}

// waitQueue is what waits behind a session's window. The session's mu guards it.
type waitQueue struct {
	// queue holds what waits, from head on. states finds a state topic's entry in
	// it, so that a newer value takes its place.
	queue  []queued
	head   int
	bytes  int
	states map[string]int
}

func (w *waitQueue) len() int { return len(w.queue) - w.head }

func (w *waitQueue) firstQueued() store.Pos {
	for _, q := range w.queue[w.head:] {
		if p := q.owed(); p != 0 {
			return p
		}
	}
	return 0
}

// push appends to the queue; a state topic's newer value takes the place of
// the one that waits.
func (w *waitQueue) push(q queued) {
	if q.m.State {
		if i, ok := w.states[q.m.Topic]; ok && i >= w.head && i < len(w.queue) {
			w.bytes += q.m.size() - w.queue[i].m.size()
			w.queue[i] = q
			return
		}
		if w.states == nil {
			w.states = map[string]int{}
		}
		w.states[q.m.Topic] = len(w.queue)
	}
	w.queue = append(w.queue, q)
	w.bytes += q.m.size()
}

func (w *waitQueue) pop() queued {
	q := w.queue[w.head]
	w.queue[w.head] = queued{}
	w.head++
	w.bytes -= q.m.size()
	if q.m.State {
		delete(w.states, q.m.Topic)
	}
	if w.head == len(w.queue) {
		w.queue, w.head = nil, 0
	} else if w.head >= 1024 && w.head*2 >= len(w.queue) {
		w.compact()
	}
	return q
}

// compact moves the queue to its beginning.
func (w *waitQueue) compact() {
	shift := w.head
	w.queue = append([]queued(nil), w.queue[shift:]...)
	w.head = 0
	for topic, i := range w.states {
		w.states[topic] = i - shift
	}
}
