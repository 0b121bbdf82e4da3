package delivery

import (
	"github.com/fitmq/fitmq/delivery/wire"
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
	// congested is how many bytes may wait in a connection's buffer before
	// the session holds back: QoS 0 is dropped and counted, QoS 1 and 2 stay in
	// the queue, a state topic keeps its newest value.
	congested = 256 << 10
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
}

// owed is the position that the session's own cursor passes with this delivery,
// or 0.
func (q *queued) owed() store.Pos {
	if q.share != nil {
		return 0
	}
	return q.pos
}

// outbound is what a session is owed. The session's mu guards it.
type outbound struct {
	// flights are the window, in the order of sending, bounded by the client's
	// Receive Maximum and maxInflight.
	flights []flight
	lastID  uint16
	window  int

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
	// stateFrom is the time from which newer state values are owed.
	stateFrom int64
	// skipped counts messages that were given up since the client was last told.
	skipped int
}

func (o *outbound) len() int { return len(o.queue) - o.head }

// open readies the queue for a new connection.
func (o *outbound) open(l *link) {
	o.window = l.window
}

// close drops what can be read again and keeps what cannot. It is called when
// the connection is gone. What shared subscriptions had given comes back, to be
// handed to other members; a QoS 2 exchange that has begun stays [MQTT-4.8.2-4].
func (o *outbound) close(s *Session) (back []queued) {
	lasting := s.lasting.Load()
	back = o.closeFlights(lasting)
	if n := o.firstQueued(); n != 0 {
		o.read = min(o.read, n-1)
	}
	o.stateFrom = s.offlineSince
	var kept []queued
	for _, q := range o.queue[o.head:] {
		switch {
		case q.m.State:
			o.stateFrom = min(o.stateFrom, q.m.At) // its newest value is owed on return
		case q.share != nil:
			back = append(back, q)
		case lasting && q.pos == 0 && q.qos > 0:
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
// whose id is not known to be in the log has not been sent: it is read again.
func (o *outbound) closeFlights(lasting bool) (back []queued) {
	kept := o.flights[:0]
	for _, f := range o.flights {
		if f.share != nil && (f.qos == 1 || f.state == flightLogging) {
			back = append(back, f.queued)
			continue
		}
		if f.state == flightLogging {
			o.read = min(o.read, f.pos-1)
			continue
		}
		if f.state != flightReleased {
			f.state = flightSent
		}
		if f.pos != 0 && lasting {
			f.m = nil // many absent sessions must not hold messages in memory
		}
		kept = append(kept, f)
	}
	clear(o.flights[len(kept):])
	o.flights, o.logging, o.waiting = kept, 0, 0
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
		o.lastID = id
		return id
	}
}

func (o *outbound) find(id uint16) int {
	for i := range o.flights {
		if o.flights[i].id == id {
			return i
		}
	}
	return -1
}

func (o *outbound) remove(i int) {
	if i == 0 {
		o.flights[0] = flight{}
		o.flights = o.flights[1:]
		if len(o.flights) == 0 {
			o.flights = nil
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

// offer gives a message to the session over l. Of QoS 0 only state topics come
// here, when the connection is congested.
func (s *Session) offer(l *link, t *target, m *Message, qos byte, retain bool, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.Load() != l || s.ended {
		return // it came and went: what it is owed it reads from the log
	}
	o := &s.out
	q := queued{m: m, ids: t.ids, qos: qos, retain: retain}
	if qos > 0 && m.Pos() != 0 && !m.State && s.lasting.Load() {
		if m.Pos() <= o.read {
			return // read from the log already
		}
		if o.behind {
			o.missed = max(o.missed, m.Pos())
			return
		}
		if o.len() >= spill {
			o.behind, o.missed = true, m.Pos()
			return
		}
		o.read, q.pos = m.Pos(), m.Pos()
	} else if !s.makeRoom(m) {
		return
	}
	if o.len() > 0 || !s.send(l, q, b) {
		o.push(q)
		s.pump(l, b)
	}
}

// makeRoom keeps the in-memory queue within the session's bounds: the oldest
// message goes first and is counted. mu is held.
func (s *Session) makeRoom(m *Message) bool {
	o, lim := &s.out, &s.hub.limits
	if m.size() > lim.QueueBytes {
		s.hub.stats.Dropped.QueueFull.Add(1)
		o.skipped++
		return false
	}
	for o.len() > 0 && (o.len() >= lim.QueueMessages || o.bytes+m.size() > lim.QueueBytes) {
		o.pop()
		o.skipped++
		s.hub.stats.Dropped.QueueFull.Add(1)
	}
	return true
}

// pump sends from the queue as long as the window and the connection have
// room. mu is held.
func (s *Session) pump(l *link, b *batch) {
	o := &s.out
	s.resendWaiting(l, b)
	for o.len() > 0 {
		q := o.queue[o.head]
		if q.m.expired(s.hub.now()) {
			o.pop()
			s.hub.stats.Dropped.Expired.Add(1)
			continue
		}
		if !s.send(l, q, b) {
			break
		}
		o.pop()
	}
	if o.len() >= refill || len(o.flights) >= o.window {
		return
	}
	if o.behind {
		s.hub.catchUp.want(s)
	}
	for _, sub := range s.subs {
		if sub.group != nil {
			s.hub.catchUp.want(sub.group)
		}
	}
}

// send puts one delivery on the wire, or reports that it must wait. mu is held.
func (s *Session) send(l *link, q queued, b *batch) bool {
	o := &s.out
	if l.conn.Buffered() > congested {
		l.held.Store(true)
		return false
	}
	if q.qos == 0 {
		s.transmit(l, &q, 0, false, b)
		return true
	}
	logged := q.qos == 2 && q.pos != 0 && s.lasting.Load()
	// What follows a QoS 2 message waits until that one is out, to keep order.
	if len(o.flights) >= o.window || o.waiting > 0 || o.logging > 0 && !logged {
		return false
	}
	f := flight{queued: q, id: o.nextID(), state: flightSent}
	if logged {
		f.state = flightLogging
		o.logging++
		s.hub.logFlow(s, flowSent, &f, func(err error) { s.flowLogged(l, f.id, err) })
	}
	o.flights = append(o.flights, f)
	if !logged {
		s.transmit(l, &q, f.id, false, b)
	}
	return true
}

// transmit writes the PUBLISH. A packet over the client's Maximum Packet Size
// is not sent, as if it had been delivered [MQTT-3.1.2-25]. mu is held.
func (s *Session) transmit(l *link, q *queued, id uint16, dup bool, b *batch) {
	dirty, ok := l.put(q.m, id, q.qos, q.retain, dup, q.ids, s.hub.now())
	if !ok {
		s.hub.stats.Dropped.TooLarge.Add(1)
		if i := s.out.find(id); id != 0 && i >= 0 {
			s.out.remove(i)
		}
		if q.share != nil {
			q.share.done(q.pos)
		}
		return
	}
	s.hub.stats.Delivered[q.qos].Add(1)
	if dirty {
		b.add(l.conn)
	}
}

// flowLogged sends the QoS 2 PUBLISH whose id is in the log now.
func (s *Session) flowLogged(l *link, id uint16, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.Load() != l {
		return
	}
	i := s.out.find(id)
	if i < 0 || s.out.flights[i].state != flightLogging {
		return
	}
	s.out.logging--
	if err != nil {
		l.lost("the store cannot write")
		return
	}
	f := &s.out.flights[i]
	f.state = flightSent
	s.dirty = true
	b := &s.hub.commit.batch
	s.transmit(l, &f.queued, id, false, b)
	s.pump(l, b)
}

// resend readies, in order, what the last connection left incomplete; PUBREL
// goes out at once, PUBLISH as the window allows.
func (o *outbound) resend(s *Session, l *link) {
	list := o.flights
	o.flights = make([]flight, 0, len(list))
	for _, f := range list {
		if f.state == flightReleased {
			o.flights = append(o.flights, f)
			l.ack(wire.PUBREL, f.id, wire.Success, "", &l.dirty)
			continue
		}
		if f.m == nil {
			f.m = s.hub.load(f.pos)
		}
		if f.m == nil || f.m.expired(s.hub.now()) || !s.hub.mayReceive(s, f.m.Topic) {
			continue // trimmed, expired, or no longer allowed
		}
		f.state = flightWaiting
		o.waiting++
		o.flights = append(o.flights, f)
	}
	s.resendWaiting(l, &l.dirty)
}

// resendWaiting repeats PUBLISH packets with DUP set and under their first ids
// [MQTT-4.4.0-1], within the client's Receive Maximum. mu is held.
func (s *Session) resendWaiting(l *link, b *batch) {
	o := &s.out
	for i := 0; i < len(o.flights) && o.waiting > 0 && len(o.flights)-o.waiting < o.window; {
		f := &o.flights[i]
		if f.state != flightWaiting {
			i++
			continue
		}
		f.state = flightSent
		o.waiting--
		before := len(o.flights)
		s.transmit(l, &f.queued, f.id, true, b)
		if len(o.flights) == before {
			i++
		}
	}
}
