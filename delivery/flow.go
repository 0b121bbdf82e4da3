package delivery

import (
	"encoding/binary"
	"fmt"

	"github.com/fitmq/fitmq/store"
)

// flowStep is a step of a lasting session's QoS 2 exchange that must survive a
// crash because the next packet depends on it.
type flowStep byte

const (
	flowSent     flowStep = 1 // we are about to send the message under this id
	flowReleased flowStep = 2 // the client has it: PUBREL, never PUBLISH again
	flowDone     flowStep = 3 // PUBCOMP: the id is free
	flowFreed    flowStep = 4 // inbound: PUBREL came, the id is free
	flowDropped  flowStep = 5 // the message was not sent after all: the id is free
)

// Flags of a step whose message the session's own cursor does not count: it came
// from a shared subscription, or is not owed from the log.
const (
	flowShared = 0x80 // the id of the group follows the fixed part
	flowAside  = 0x40
	// flowKept: a retained message that SUBSCRIBE has brought about.
	flowKept   = 0x20
	flowRetain = 0x10 // it goes out with the retain flag
	flowFlags  = flowShared | flowAside | flowKept | flowRetain
)

// flowFixed is the size of a step's record without the group and the client id:
// the step, the packet id, the position of the message, and the session's
// generation.
const flowFixed = 1 + 2 + 8 + 8

// logFlow appends a step. It never waits, so it may be called under the
// session's mu.
func (h *Hub) logFlow(s *Session, step flowStep, f *flight, done func(error)) {
	if f.share != nil {
		step |= flowShared
	}
	if f.aside {
		step |= flowAside
	}
	if f.kept {
		step |= flowKept
	}
	if f.retain {
		step |= flowRetain
	}
	data := make([]byte, 0, flowFixed+8+len(s.id))
	data = append(data, byte(step))
	data = binary.LittleEndian.AppendUint16(data, f.id)
	data = binary.LittleEndian.AppendUint64(data, uint64(f.pos))
	data = binary.LittleEndian.AppendUint64(data, uint64(s.kept.gen))
	if f.share != nil {
		data = binary.LittleEndian.AppendUint64(data, f.share.id)
	}
	data = append(data, s.id...)
	h.commit.add(op{rec: store.Record{Kind: kindFlow, Data: data}, from: s.link.Load(), done: done}, false)
}

// replayFlow does a recorded step again on a session read from its table.
func (h *Hub) replayFlow(e store.Entry) error {
	if len(e.Data) < flowFixed {
		return fmt.Errorf("%w at position %d", errBadRecord, e.Pos)
	}
	flags, step := e.Data[0]&flowFlags, flowStep(e.Data[0]&^flowFlags)
	id := binary.LittleEndian.Uint16(e.Data[1:])
	pos := store.Pos(binary.LittleEndian.Uint64(e.Data[3:]))
	client := e.Data[flowFixed:]
	q := queued{qos: 2, pos: pos, aside: flags&flowAside != 0, kept: flags&flowKept != 0, retain: flags&flowRetain != 0, recalled: true}
	if flags&flowShared != 0 {
		if len(client) < 8 {
			return fmt.Errorf("%w at position %d", errBadRecord, e.Pos)
		}
		q.share = h.groups.recall(binary.LittleEndian.Uint64(client))
		q.share.replayTaken(step, pos)
		client = client[8:]
	}
	s := h.sessions[string(client)]
	if s == nil || e.Pos <= s.kept.applied || int64(binary.LittleEndian.Uint64(e.Data[11:])) != s.kept.gen {
		return nil // of a session that has ended, or known already
	}
	s.dirty = true // what is done again here is in no table yet
	o := &s.out
	same := func(f *flight) bool { return f.pos == pos && f.share == q.share && f.aside == q.aside }
	switch step {
	case flowSent:
		o.dropFlight(func(f *flight) bool { return same(f) || f.id == id })
		o.flights = append(o.flights, flight{queued: q, id: id, state: flightSent})
		o.lastID = id
	case flowDropped:
		o.dropFlight(func(f *flight) bool { return same(f) && f.id == id })
	case flowReleased:
		if i := o.find(id); i >= 0 {
			o.flights[i].state = flightReleased
		}
	case flowDone:
		o.dropFlight(func(f *flight) bool { return f.id == id })
		if q.kept {
			o.keptOwed.acknowledged(pos)
		}
		if q.owed() == 0 {
			break
		}
		if o.done == nil {
			o.done = map[store.Pos]struct{}{}
		}
		o.done[pos] = struct{}{}
	case flowFreed:
		delete(s.held, id)
	}
	return nil
}

func (o *outbound) dropFlight(which func(*flight) bool) {
	for i := 0; i < len(o.flights); {
		if which(&o.flights[i]) {
			o.remove(i)
			continue
		}
		i++
	}
}
