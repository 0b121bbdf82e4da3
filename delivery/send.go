package delivery

import (
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

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
			s.noteWaits(l, m, qos)
			return
		}
		if o.len() >= spill || o.bytes >= s.hub.memory.spillBytes() {
			o.behind, o.missed = true, m.Pos()
			s.noteWaits(l, m, qos)
			return
		}
		o.read, q.pos = m.Pos(), m.Pos()
	} else {
		if !s.makeRoom(m) {
			return
		}
		q.standAside()
	}
	if o.len() > 0 || !s.send(l, q, b) {
		s.noteWaits(l, m, qos)
		o.push(q)
		s.pump(l, b)
	}
}

// makeRoom keeps the in-memory queue within the session's bounds: the oldest
// message goes first and is counted. mu is held.
func (s *Session) makeRoom(m *Message) bool {
	o := &s.out
	messages, bytes := s.hub.queueBounds()
	if m.size() > bytes {
		s.drop(dropQueueFull, m)
		o.skipped++
		return false
	}
	for o.len() > 0 && (o.len() >= messages || o.bytes+m.size() > bytes) {
		q := o.pop()
		if q.share != nil {
			q.share.done(q.pos)
		}
		o.skipped++
		s.drop(dropQueueFull, q.m)
	}
	return true
}

// pump sends from the queue as long as the window and the connection have
// room. mu is held.
func (s *Session) pump(l *link, b *batch) {
	o := &s.out
	for s.resendWaiting(l, b); o.len() > 0; s.resendWaiting(l, b) {
		q := o.queue[o.head]
		if s.hub.isExpired(q.m) {
			o.pop()
			if q.share != nil {
				q.share.done(q.pos)
			}
			s.drop(dropExpired, q.m)
			continue
		}
		// Revoke goes through the queue, but a message may have come in behind it.
		if q.share == nil && !s.hub.mayReceive(s, q.m.Topic) {
			o.pop()
			s.drop(dropNoRight, q.m)
			continue
		}
		if !s.send(l, q, b) {
			break
		}
		o.pop()
	}
	if o.len() >= refill || o.bytes >= s.hub.memory.spillBytes() || o.room() <= 0 {
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
	if l.congested() {
		return false
	}
	if q.qos == 0 {
		s.transmit(l, &q, 0, false, b)
		return true
	}
	// To a group it matters who began a delivery, whatever becomes of the session.
	logged := q.qos == 2 && q.pos != 0 && (s.lasting.Load() || q.share != nil)
	// What follows a QoS 2 message waits until that one is out, to keep order.
	at, blocked := o.place(&q)
	// What is not owed from the log is named by what went before it.
	blocked = blocked || l.stream != nil && o.waiting > 0 && q.owed() == 0
	if o.room() <= 0 || !o.fits(q.m, s.hub.memory.windowBytes()) || blocked || o.logging > 0 && !logged {
		return false
	}
	id := o.nextID()
	o.enter(at, &q, id)
	if logged {
		s.sendLogged(l, &o.flights[at])
	} else {
		s.transmit(l, &q, id, false, b)
	}
	return true
}

// sendLogged writes the id of a QoS 2 message to the log; the message goes out
// when that is done. mu is held.
func (s *Session) sendLogged(l *link, f *flight) {
	f.state = flightLogging
	s.out.logging++
	id := f.id
	s.hub.logFlow(s, flowSent, f, func(err error) { s.flowLogged(l, id, err) })
}

// transmit writes the PUBLISH. A packet over the client's Maximum Packet Size
// is not sent, as if it had been delivered [MQTT-3.1.2-25]. mu is held.
func (s *Session) transmit(l *link, q *queued, id uint16, dup bool, b *batch) {
	dirty, ok := l.put(q.m, id, q.qos, q.retain, dup, q.ids)
	if !ok {
		s.drop(dropTooLarge, q.m)
		if i := s.out.find(id); id != 0 && i >= 0 {
			s.out.remove(i)
		}
		if q.share != nil {
			q.share.done(q.pos)
		}
		return
	}
	s.hub.stats.Delivered[q.qos].Add(1)
	l.noteSent(q.m, id, q.qos, q.retain, dup)
	if dirty {
		b.add(l.conn)
	}
}

// flowLogged sends the QoS 2 PUBLISH whose id is in the log now.
func (s *Session) flowLogged(l *link, id uint16, err error) {
	var back []queued
	defer func() { s.hub.giveBack(back) }()
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
	if f.share != nil {
		f.share.begun(f.pos)
	}
	s.dirty = true
	b := &s.hub.commit.batch
	if s.hub.mayReceive(s, f.m.Topic) {
		s.transmit(l, &f.queued, id, false, b)
	} else {
		back = s.withdraw(i)
	}
	s.pump(l, b)
}

// resend readies, in order, what the last connection left incomplete; PUBREL
// goes out at once, PUBLISH as the window allows.
func (o *outbound) resend(s *Session, l *link, read map[store.Pos]*Message) {
	list := o.flights
	o.flights = make([]flight, 0, len(list))
	defer o.recount()
	for _, f := range list {
		if f.state == flightReleased {
			o.flights = append(o.flights, f)
			l.ack(wire.PUBREL, f.id, wire.Success, "", &l.dirty)
			continue
		}
		if f.m == nil {
			f.m = read[f.pos]
		}
		if f.m == nil || !s.hub.mayReceive(s, f.m.Topic) {
			if f.share != nil {
				f.share.done(f.pos)
			}
			continue // trimmed, or no longer allowed; what was sent does not expire [MQTT-4.3.3-7]
		}
		if f.recalled {
			s.recall(&f.queued)
		}
		f.state = flightWaiting
		o.waiting++
		o.flights = append(o.flights, f)
	}
	o.sortFlights()
	s.resendWaiting(l, &l.dirty)
}

// unread reads the messages of the window that are not in memory: without a
// lock, since the disk may be slow and others deliver to the session meanwhile.
func (s *Session) unread() map[store.Pos]*Message {
	var missing []store.Pos
	s.mu.Lock()
	for i := range s.out.flights {
		if f := &s.out.flights[i]; f.m == nil && f.pos != 0 && f.state != flightReleased {
			missing = append(missing, f.pos)
		}
	}
	s.mu.Unlock()
	read := make(map[store.Pos]*Message, len(missing))
	for _, pos := range missing {
		if m := s.hub.load(pos); m != nil {
			read[pos] = m
		}
	}
	return read
}

// recall works out what the log does not say about a delivery: the subscription
// identifiers [MQTT-3.3.4-3]. mu is held.
func (s *Session) recall(q *queued) {
	q.recalled = false
	for _, sub := range s.subs {
		if sub.id != 0 && sub.group == q.share && topics.Match(sub.inner(), q.m.Topic) {
			q.ids = append(q.ids, sub.id)
		}
	}
}

// resendWaiting repeats PUBLISH packets with DUP set and under their first ids
// [MQTT-4.4.0-1], within the client's Receive Maximum. mu is held.
func (s *Session) resendWaiting(l *link, b *batch) {
	o := &s.out
	for i := 0; i < len(o.flights) && o.waiting > 0 && o.room() > 0; {
		f := &o.flights[i]
		if f.state != flightWaiting {
			i++
			continue
		}
		if !o.ready(f) {
			return
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
