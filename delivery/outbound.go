package delivery

import (
	"github.com/fitmq/fitmq/store"
)

// Bounds of what waits in memory for one session.
const (
	// spill is how many log-kept messages wait in memory for a connected
	// session. When there are more the session is behind: the rest stays in
	// the log and is read from there when the client has caught up.
	spill = 256
	// refill is when a session that is behind reads on.
	refill = 64
)

// flightState is where an outgoing QoS 1 or 2 delivery stands.
type flightState uint8

const (
	flightLogging   flightState = iota + 1 // QoS 2: its id is on the way to the log
	flightSent                             // PUBLISH sent, PUBACK or PUBREC awaited
	flightReleasing                        // PUBREC came, its record is on the way
	flightReleased                         // PUBREL sent, PUBCOMP awaited
	flightWaiting                          // to be sent again when the window has room
)

// flight is one delivery that the client has not completed.
type flight struct {
	queued
	id    uint16
	state flightState
	mark  mark // where it went out as an event
}

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

// outbound is what a session is owed. The session's mu guards it.
type outbound struct {
	// flights are the window, in the order of sending, bounded by the client's
	// Receive Maximum and maxInflight.
	flights []flight
	window0 []flight // the memory that flights moves in
	lastID  uint16
	window  int
	flying  int // bytes of the messages in flights that are in memory
	// mixed: the flights' ids are not in cyclic order, after a restart.
	mixed bool

	// queue holds what waits behind the window, from head on. states finds a
	// state topic's entry in it, so that a newer value takes its place.
	queue  []queued
	head   int
	bytes  int
	states map[string]int

	// read is the log position up to which everything is in the queue, in the
	// window, or done. behind: newer matches are in the log only; missed is the
	// newest that was offered meanwhile.
	read    store.Pos
	behind  bool
	missed  store.Pos
	logging int // flights in state flightLogging
	waiting int // flights in state flightWaiting
	// done are positions over the cursor whose QoS 2 exchange is complete.
	done map[store.Pos]struct{}
	keptOwed
	// streamed is the newest position that went out as an event.
	streamed store.Pos
	// stateFrom is the time from which newer state values are owed.
	stateFrom int64
	// batch is how many entries the next reading of the log takes; 0 at first.
	batch int
	// skipped counts messages that were given up since the client was last told.
	skipped int
	// gone is the position up to which they were given up because there were too
	// many; of this process.
	gone store.Pos
}

func (o *outbound) len() int { return len(o.queue) - o.head }

// open readies the queue for a new connection.
func (o *outbound) open(l *link) {
	o.window = l.window
	if l.stream == nil {
		return
	}
	for i := range o.flights {
		if o.flights[i].state == flightReleased {
			o.window++ // only MQTT can complete it: it must not hold events up
		}
	}
}

// close drops what can be read again and keeps what cannot. It is called when
// the connection is gone. What shared subscriptions had given comes back, to be
// handed to other members; a QoS 2 exchange that has begun stays [MQTT-4.8.2-4].
func (o *outbound) close(s *Session) []queued {
	lasting := s.lasting.Load()
	back, again := o.closeFlights(s, lasting)
	if n := o.firstQueued(); n != 0 {
		o.read = min(o.read, n-1)
	}
	o.stateFrom = s.offlineSince
	kept := again
	for _, q := range o.queue[o.head:] {
		switch {
		case q.m.State:
			o.stateFrom = min(o.stateFrom, q.m.At) // its newest value is owed on return
		case q.share != nil:
			back = append(back, q)
		case lasting && q.owed() == 0 && q.qos > 0:
			kept = append(kept, q)
		}
	}
	o.queue, o.head, o.bytes, o.states = nil, 0, 0, nil
	for _, q := range kept {
		o.push(q)
	}
	o.behind, o.missed = true, 0
	return back
}

// closeFlights readies the window for the next connection. A QoS 2 message
// whose id is not known to be in the log has not been sent: it is read again,
// or waits again, and its id is free.
func (o *outbound) closeFlights(s *Session, lasting bool) (back, again []queued) {
	kept := o.flights[:0]
	for _, f := range o.flights {
		if f.state == flightLogging {
			s.hub.logFlow(s, flowDropped, &f, nil) // its flowSent may be in the log
		}
		switch {
		case f.share != nil && (f.qos == 1 || f.state == flightLogging):
			back = append(back, f.queued)
			continue
		case f.state == flightLogging && f.aside:
			again = append(again, f.queued)
			continue
		case f.state == flightLogging:
			o.read = min(o.read, f.pos-1)
			continue
		}
		if f.state != flightReleased {
			f.state = flightSent
		}
		if f.pos != 0 && !f.aside && lasting {
			f.m = nil // many absent sessions must not hold messages in memory
		}
		kept = append(kept, f)
	}
	defer o.recount()
	clear(o.flights[len(kept):])
	o.flights, o.logging, o.waiting = kept, 0, 0
	return back, again
}

// recount adds up flying after the window has changed as a whole.
func (o *outbound) recount() {
	o.flying = 0
	for i := range o.flights {
		if m := o.flights[i].m; m != nil {
			o.flying += m.size()
		}
	}
}

// abandon tells the shared subscriptions what becomes of theirs when the session
// ends: a QoS 2 exchange that has begun ends with it [MQTT-4.8.2-5], what was not
// sent is returned for other members.
func (o *outbound) abandon() (back []queued) {
	for _, f := range o.flights {
		switch {
		case f.share == nil:
		case f.qos == 2 && f.state != flightLogging:
			f.share.done(f.pos)
		default:
			back = append(back, f.queued)
		}
	}
	for _, q := range o.queue[o.head:] {
		if q.share != nil {
			back = append(back, q)
		}
	}
	return back
}

func (o *outbound) firstQueued() store.Pos {
	for _, q := range o.queue[o.head:] {
		if p := q.owed(); p != 0 {
			return p
		}
	}
	return 0
}

// nextID returns a packet id that is not in use. Ids are given in cyclic
// order, so only the oldest flights can stand in the way [MQTT-2.2.1-4].
func (o *outbound) nextID() uint16 {
	id := o.lastID
	for i := 0; ; {
		id++
		if id == 0 {
			id = 1
		}
		if i < len(o.flights) && o.flights[i].id == id {
			i++
			continue
		}
		if o.mixed && o.find(id) >= 0 {
			continue
		}
		o.lastID = id
		return id
	}
}

// room is how many deliveries the window still takes. Those that wait to be
// sent again have not entered it.
func (o *outbound) room() int { return o.window - (len(o.flights) - o.waiting) }

// fits reports whether a message's bytes have room in the window, which holds
// at least one.
func (o *outbound) fits(m *Message, most int) bool {
	return o.flying == 0 || o.flying+m.size() <= most
}

// ready reports whether a delivery that waits to be sent again may be, in the
// order of the log: after a restart QoS 1 deliveries that are owed from before
// it have to be read again first, because their ids were not written.
func (o *outbound) ready(f *flight) bool {
	p := f.owed()
	if p == 0 {
		return true
	}
	first := o.firstQueued()
	return p <= o.read && (first == 0 || p < first)
}

// place returns where a delivery goes in the window: before those that wait and come
// after it in the log. blocked: one that waits has to go first.
func (o *outbound) place(q *queued) (at int, blocked bool) {
	at = len(o.flights)
	if o.waiting == 0 {
		return at, false
	}
	for i := range o.flights {
		f := &o.flights[i]
		if f.state != flightWaiting {
			continue
		}
		switch p := f.owed(); {
		case p != 0 && q.owed() == 0: // not in the log's order: neither waits for the other
		case p < q.owed() || p == 0:
			return at, true
		default:
			return i, false
		}
	}
	return at, false
}

// keptFlights is how large a window's memory may be to be kept while it is empty.
const keptFlights = 64

// enter puts a delivery into the window at its place. What has been taken off
// the front leaves room there, so that a steady flow needs no new memory.
func (o *outbound) enter(at int, q *queued, id uint16) {
	n := len(o.flights)
	if n == cap(o.flights) {
		if cap(o.window0) < 2*n+1 {
			o.window0 = make([]flight, 0, max(4, 4*n))
		}
		o.flights = append(o.window0[:0], o.flights...)
		clear(o.window0[n:cap(o.window0)])
	}
	o.flights = append(o.flights, flight{})
	copy(o.flights[at+1:], o.flights[at:])
	o.flights[at] = flight{queued: *q, id: id, state: flightSent}
	o.flying += q.m.size()
	o.mixed = o.mixed || at < n
}

func (o *outbound) find(id uint16) int {
	for i := range o.flights {
		if o.flights[i].id == id {
			return i
		}
	}
	return -1
}

// letGo forgets a flight's message: the client has it, or it can be read again.
func (o *outbound) letGo(f *flight) {
	if f.m != nil {
		o.flying -= f.m.size()
		f.m = nil
	}
}

func (o *outbound) remove(i int) {
	o.letGo(&o.flights[i])
	if i == 0 {
		o.flights[0] = flight{}
		o.flights = o.flights[1:]
		if len(o.flights) == 0 {
			if cap(o.window0) > keptFlights {
				o.window0 = nil
			}
			o.flights, o.mixed = o.window0[:0], false
		}
		return
	}
	copy(o.flights[i:], o.flights[i+1:])
	o.flights[len(o.flights)-1] = flight{}
	o.flights = o.flights[:len(o.flights)-1]
}

// push appends to the queue; a state topic's newer value takes the place of
// the one that waits.
func (o *outbound) push(q queued) {
	if q.m.State {
		if i, ok := o.states[q.m.Topic]; ok && i >= o.head && i < len(o.queue) {
			o.bytes += q.m.size() - o.queue[i].m.size()
			o.queue[i] = q
			return
		}
		if o.states == nil {
			o.states = map[string]int{}
		}
		o.states[q.m.Topic] = len(o.queue)
	}
	o.queue = append(o.queue, q)
	o.bytes += q.m.size()
}

func (o *outbound) pop() queued {
	q := o.queue[o.head]
	o.queue[o.head] = queued{}
	o.head++
	o.bytes -= q.m.size()
	if q.m.State {
		delete(o.states, q.m.Topic)
	}
	if o.head == len(o.queue) {
		o.queue, o.head = nil, 0
	} else if o.head >= 1024 && o.head*2 >= len(o.queue) {
		o.compact()
	}
	return q
}

// compact moves the queue to its beginning.
func (o *outbound) compact() {
	shift := o.head
	o.queue = append([]queued(nil), o.queue[shift:]...)
	o.head = 0
	for topic, i := range o.states {
		o.states[topic] = i - shift
	}
}
