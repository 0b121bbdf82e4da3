package delivery

import (
	"slices"
	"strings"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// acknowledged takes PUBACK, PUBREC, PUBREL and PUBCOMP. The two directions
// have id spaces of their own [MQTT-2.2.1-6]: PUBREL is about what the client
// sent, the others about what we sent.
func (l *link) acknowledged(header byte, body []byte) error {
	a, err := wire.ParseAck(l.client.Version, header, body)
	if err != nil {
		return err
	}
	switch header >> 4 {
	case wire.PUBACK:
		l.tellAcknowledged(a, 1)
		return l.puback(a)
	case wire.PUBREC:
		l.tellAcknowledged(a, 2)
		return l.pubrec(a)
	case wire.PUBREL:
		l.pubrel(a)
	case wire.PUBCOMP:
		return l.pubcomp(a)
	}
	return nil
}

// toldBelow is where acknowledgements are told to the observer.
const toldBelow = "user/"

func toldOf(m *Message) bool { return strings.HasPrefix(m.Topic, toldBelow) }

// tellAcknowledged tells the observer that the client has the message of a
// flight, before anything is noted of it: what the observer makes of it is in the
// log first, so that after a crash it has happened or the client is asked again.
func (l *link) tellAcknowledged(a wire.Ack, qos byte) {
	s := l.s
	s.mu.Lock()
	i := s.out.find(a.PacketID)
	if i < 0 || a.Code.Failed() || s.out.flights[i].qos != qos || !s.out.flights[i].untold() {
		s.mu.Unlock()
		return
	}
	m, pos := s.out.flights[i].m, s.out.flights[i].pos
	s.mu.Unlock()
	if m == nil {
		m = s.hub.load(pos)
	}
	if m != nil && toldOf(m) {
		s.hub.observer.Acknowledged(l.client, m)
	}
}

// untold reports whether the client acknowledges the flight for the first time.
func (f *flight) untold() bool { return f.state == flightSent || f.state == flightWaiting }

// puback completes a QoS 1 delivery, whatever its reason code [MQTT-4.3.2-3].
func (l *link) puback(a wire.Ack) error {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.out.find(a.PacketID)
	if i < 0 {
		return nil // repeated, or trimmed while the client was away
	}
	if s.out.flights[i].qos != 1 {
		return &wire.Error{Code: wire.ProtocolError, Reason: "PUBACK for a QoS 2 message [MQTT-4.3.3-13]"}
	}
	s.complete(l, i)
	return nil
}

// complete takes a finished delivery out of the window. mu is held.
func (s *Session) complete(l *link, i int) {
	if s.out.flights[i].state == flightWaiting {
		s.out.waiting--
	}
	if g := s.out.flights[i].share; g != nil {
		g.done(s.out.flights[i].pos)
	}
	s.out.remove(i)
	s.dirty = true
	s.pump(l, &l.dirty)
}

// pubrec goes on with a QoS 2 delivery: that the client has it is written
// before it is released, so that a restart never sends it anew [MQTT-4.3.3-4].
func (l *link) pubrec(a wire.Ack) error {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.out.find(a.PacketID)
	if i < 0 {
		code := wire.PacketIdentifierNotFound
		l.ack(wire.PUBREL, a.PacketID, code, "", &l.dirty)
		return nil
	}
	f := &s.out.flights[i]
	if f.qos != 2 {
		return &wire.Error{Code: wire.ProtocolError, Reason: "PUBREC for a QoS 1 message [MQTT-4.3.2-4]"}
	}
	if a.Code.Failed() { // the client refuses it: the exchange ends [MQTT-4.3.3-4]
		s.finishFlow(f)
		s.complete(l, i)
		return nil
	}
	switch {
	case f.state == flightReleased:
		l.ack(wire.PUBREL, f.id, wire.Success, "", &l.dirty)
	case f.state == flightReleasing:
	case f.pos == 0 || !s.lasting.Load():
		f.state = flightReleased
		s.out.letGo(f)
		l.ack(wire.PUBREL, f.id, wire.Success, "", &l.dirty)
	default:
		if f.state == flightWaiting {
			s.out.waiting--
		}
		f.state = flightReleasing
		id := f.id
		s.hub.logFlow(s, flowReleased, f, func(err error) { s.released(l, id, err) })
	}
	return nil
}

// released sends the PUBREL whose record is in the log now.
func (s *Session) released(l *link, id uint16, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.out.find(id)
	if err != nil || i < 0 || s.link.Load() != l || s.out.flights[i].state != flightReleasing {
		return
	}
	s.out.flights[i].state = flightReleased
	s.out.letGo(&s.out.flights[i])
	s.dirty = true
	l.ack(wire.PUBREL, id, wire.Success, "", &s.hub.commit.batch)
}

// pubcomp ends a QoS 2 delivery.
func (l *link) pubcomp(a wire.Ack) error {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.out.find(a.PacketID)
	if i < 0 {
		return nil
	}
	f := &s.out.flights[i]
	if f.qos != 2 || f.state != flightReleased {
		return &wire.Error{Code: wire.ProtocolError, Reason: "PUBCOMP without PUBREL [MQTT-4.3.3-5]"}
	}
	s.finishFlow(f)
	s.complete(l, i)
	return nil
}

// finishFlow notes that a logged QoS 2 delivery is complete; losing this note
// in a crash only repeats a PUBREL. mu is held.
func (s *Session) finishFlow(f *flight) {
	if f.pos == 0 || !s.lasting.Load() {
		return
	}
	if f.owed() != 0 {
		if s.out.done == nil {
			s.out.done = map[store.Pos]struct{}{}
		}
		s.out.done[f.pos] = struct{}{}
	}
	if f.kept {
		s.out.keptOwed.acknowledged(f.pos)
	}
	s.hub.logFlow(s, flowDone, f, nil)
}

// hold takes the id of a QoS 2 PUBLISH. One that is held already is answered
// and not passed on again [MQTT-4.3.3-10]. Errors: the client has as many open
// exchanges as it may have; the session has got another connection, or ended, since
// the packet came: its ids may be forgotten, and the message would count twice.
func (l *link) hold(id uint16) (repeated bool, err error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.s.link.Load() != l {
		return false, errTakenOver
	}
	switch l.s.held[id] {
	case heldPending, heldRepeated:
		l.s.held[id] = heldRepeated
		l.in.repeats = true
		return true, l.owe(id)
	case heldReceived:
		if err := l.owe(id); err != nil {
			return true, err
		}
		l.received(id, wire.Success, "", &l.dirty)
		return true, nil
	case heldReleasing:
		return true, nil
	}
	if l.in.holding >= l.s.hub.limits.ReceiveMaximum && l.client.Version == 5 {
		return false, overQuota(l.s.hub.limits.ReceiveMaximum)
	}
	if err := l.owe(id); err != nil {
		return false, err
	}
	l.s.held[id] = heldPending
	l.in.holding++
	return false, nil
}

// owe puts a PUBREC behind those that are due. A client that keeps to its quota, with
// MQTT 3 to its packet ids, never has more messages without an answer; one that goes on
// while the log is slow is cut off. The session's mu is held.
func (l *link) owe(id uint16) error {
	bound := maxPacketIDs // MQTT 3 has no quota
	if l.client.Version == 5 {
		bound = l.s.hub.limits.ReceiveMaximum
	}
	if len(l.in.recs) >= bound {
		return overQuota(bound)
	}
	l.in.recs = append(l.in.recs, receipt{id: id})
	return nil
}

// received answers a QoS 2 message, and each repetition of it over this connection, in
// the order in which they came [MQTT-4.6.0-3]: behind those that came before and have
// no answer yet. The session's mu is held.
func (l *link) received(id uint16, code wire.Code, reason string, out *batch) {
	recs := l.in.recs
	for i := range recs {
		if recs[i].id == id && !recs[i].ready {
			recs[i].ready, recs[i].code, recs[i].reason = true, code, reason
			if !l.in.repeats {
				break
			}
		}
	}
	n := 0
	for ; n < len(recs) && recs[n].ready; n++ {
		l.ack(wire.PUBREC, recs[n].id, recs[n].code, recs[n].reason, out)
	}
	l.in.recs = slices.Delete(recs, 0, n)
	l.in.repeats = l.in.repeats && n < len(recs)
}

// pubrel completes an inbound QoS 2 exchange: the id is free again once that is
// in the log, else a restart could take the client's next message for a
// repetition.
func (l *link) pubrel(a wire.Ack) {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.held[a.PacketID] {
	case heldReceived:
		if !s.lasting.Load() {
			delete(s.held, a.PacketID)
			l.in.released()
			l.ack(wire.PUBCOMP, a.PacketID, wire.Success, "", &l.dirty)
			return
		}
		s.held[a.PacketID] = heldReleasing
		s.hub.logFlow(s, flowFreed, &flight{id: a.PacketID}, func(err error) { s.freed(a.PacketID, err) })
	case heldReleasing, heldPending, heldRepeated:
		// The answer follows.
	default:
		l.ack(wire.PUBCOMP, a.PacketID, wire.PacketIdentifierNotFound, "", &l.dirty) // [MQTT-4.3.3-11]
	}
}

func (s *Session) freed(id uint16, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.held[id] != heldReleasing {
		return
	}
	delete(s.held, id)
	s.dirty = true
	// The client may have come back and repeated PUBREL meanwhile: one record
	// answers both.
	if l := s.answering(); l != nil {
		l.in.released()
		l.ack(wire.PUBCOMP, id, wire.Success, "", &s.hub.commit.batch)
	}
}
