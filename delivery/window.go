package delivery

import (
	"cmp"
	"slices"
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

// window is the deliveries that a client has begun and not completed. The
// session's mu guards it.
type window struct {
	// flights are in the order of sending, at most size of them, but for those that
	// wait to be sent again.
	flights []flight
	window0 []flight // the memory that flights moves in
	size    int      // the client's Receive Maximum, at most Limits.MaxInflight
	lastID  uint16
	flying  int // bytes of the messages in flights that are in memory
	// mixed: the flights' ids are not in cyclic order, after a restart.
	mixed   bool
	logging int // flights in state flightLogging
	waiting int // flights in state flightWaiting
}

// recount adds up flying after the window has changed as a whole.
func (w *window) recount() {
	w.flying = 0
	for i := range w.flights {
		if m := w.flights[i].m; m != nil {
			w.flying += m.size()
		}
	}
}

// nextID returns a packet id that is not in use. Ids are given in cyclic
// order, so only the oldest flights can stand in the way [MQTT-2.2.1-4].
func (w *window) nextID() uint16 {
	id := w.lastID
	for i := 0; ; {
		id++
		if id == 0 {
			id = 1
		}
		if i < len(w.flights) && w.flights[i].id == id {
			i++
			continue
		}
		if w.mixed && w.find(id) >= 0 {
			continue
		}
		w.lastID = id
		return id
	}
}

// room is how many deliveries the window still takes. Those that wait to be
// sent again have not entered it.
func (w *window) room() int { return w.size - (len(w.flights) - w.waiting) }

// fits reports whether a message's bytes have room in the window, which holds
// at least one.
func (w *window) fits(m *Message, most int) bool {
	return w.flying == 0 || w.flying+m.size() <= most
}

// place returns where a delivery goes in the window: before those that wait and come
// after it in the log. blocked: one that waits has to go first.
func (w *window) place(q *queued) (at int, blocked bool) {
	at = len(w.flights)
	if w.waiting == 0 {
		return at, false
	}
	for i := range w.flights {
		f := &w.flights[i]
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
func (w *window) enter(at int, q *queued, id uint16) {
	n := len(w.flights)
	if n == cap(w.flights) {
		if cap(w.window0) < 2*n+1 {
			w.window0 = make([]flight, 0, max(4, 4*n))
		}
		w.flights = append(w.window0[:0], w.flights...)
		clear(w.window0[n:cap(w.window0)])
	}
	w.flights = append(w.flights, flight{})
	copy(w.flights[at+1:], w.flights[at:])
	w.flights[at] = flight{queued: *q, id: id, state: flightSent}
	w.flying += q.m.size()
	w.mixed = w.mixed || at < n
}

func (w *window) find(id uint16) int {
	for i := range w.flights {
		if w.flights[i].id == id {
			return i
		}
	}
	return -1
}

// letGo forgets a flight's message: the client has it, or it can be read again.
func (w *window) letGo(f *flight) {
	if f.m != nil {
		w.flying -= f.m.size()
		f.m = nil
	}
}

func (w *window) remove(i int) {
	w.letGo(&w.flights[i])
	if i == 0 {
		w.flights[0] = flight{}
		w.flights = w.flights[1:]
		if len(w.flights) == 0 {
			if cap(w.window0) > keptFlights {
				w.window0 = nil
			}
			w.flights, w.mixed = w.window0[:0], false
		}
		return
	}
	copy(w.flights[i:], w.flights[i+1:])
	w.flights[len(w.flights)-1] = flight{}
	w.flights = w.flights[:len(w.flights)-1]
}

// sortFlights brings the window into the order of the log, which is that of
// sending but after a restart. What is not owed from the log comes first.
func (w *window) sortFlights() {
	if slices.ContainsFunc(w.flights, func(f flight) bool { return f.mark.n != 0 }) {
		return // the ids of events tell the order, and it is that of the log already
	}
	byPos := func(a, b flight) int { return cmp.Compare(a.owed(), b.owed()) }
	if !slices.IsSortedFunc(w.flights, byPos) {
		slices.SortStableFunc(w.flights, byPos)
		w.mixed = true
	}
}
