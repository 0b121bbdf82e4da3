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

// outbound is what a session is owed. The session's mu guards it.
type outbound struct {
	window
	waitQueue

	// read is the log position up to which everything is in the queue, in the
	// window, or done. behind: newer matches are in the log only; missed is the
	// newest that was offered meanwhile.
	read   store.Pos
	behind bool
	missed store.Pos
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

// open readies the queue for a new connection.
func (o *outbound) open(l *link) {
	o.size = l.window
	if l.stream == nil {
		return
	}
	for i := range o.flights {
		if o.flights[i].state == flightReleased {
			o.size++ // only MQTT can complete it: it must not hold events up
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
