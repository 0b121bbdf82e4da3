package engine

import (
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/fitmq/fitmq/store"
)

// maxOutbox bounds what waits for the publisher: more are dropped and counted.
// The publisher does not block, so only a burst inside one call can fill it.
const maxOutbox = 1 << 16

// outbox publishes in the order of push, whichever goroutine does it, without a
// lock held that the publisher's own questions to the engine could need.
type outbox struct {
	to      atomic.Pointer[Publisher]
	dropped *atomic.Uint64

	mu    sync.Mutex // guards what follows
	queue []Outgoing
	busy  bool // a goroutine is draining
	// owed counts, by position of the record that they follow from, the
	// messages that are not known to be safe, and what holds it for other reasons. A
	// checkpoint stays before them.
	owed map[store.Pos]int
}

// owe queues a message that follows from the record at pos and must not be lost:
// until it is safe the position is not saved, so that a restart applies the
// record again; its RecordID keeps it from going out twice. What the store could
// not take is tried again with the next drain. It waits where there is no
// publisher yet. The bound is not for these: each has its record in the log.
func (o *outbox) owe(pos store.Pos, m Outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owes(pos, 1)
	m.Stored = func(err error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if err != nil {
			o.queue = append(o.queue, m)
			return
		}
		o.owes(pos, -1)
	}
	o.queue = append(o.queue, m)
}

// owes changes how many messages are owed of a record. o.mu is held.
func (o *outbox) owes(pos store.Pos, by int) {
	if o.owed == nil {
		o.owed = make(map[store.Pos]int)
	}
	if o.owed[pos] += by; o.owed[pos] == 0 {
		delete(o.owed, pos)
	}
}

// hold keeps checkpoints before the record at pos, until release.
func (o *outbox) hold(pos store.Pos) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owes(pos, 1)
}

// release ends one hold.
func (o *outbox) release(pos store.Pos) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owes(pos, -1)
}

// insist queues a message that must not be lost, and calls safe once the log has
// it. What the store could not take is tried again with the next drain. It waits
// where there is no publisher yet. The caller bounds how many there are.
func (o *outbox) insist(m Outgoing, safe func()) {
	m.Stored = func(err error) {
		if err == nil {
			safe()
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.queue = append(o.queue, m)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, m)
}

// settled is the last position, up to pos, whose messages are all safe.
func (o *outbox) settled(pos store.Pos) store.Pos {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p := range o.owed {
		pos = min(pos, p-1)
	}
	return pos
}

// push queues a message; drain must follow once no other lock is held. Where there
// is no room or no publisher it returns false.
func (o *outbox) push(m Outgoing) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= maxOutbox || o.to.Load() == nil {
		o.dropped.Add(1)
		return false
	}
	o.queue = append(o.queue, m)
	return true
}

// drain publishes what is queued, unless another goroutine is at it: that one
// then publishes this as well.
func (o *outbox) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy || o.to.Load() == nil {
		return
	}
	o.busy = true
	for len(o.queue) > 0 {
		batch, to := o.queue, *o.to.Load()
		o.queue = nil
		o.mu.Unlock()
		for _, m := range batch {
			to.Publish(m)
		}
		o.mu.Lock()
	}
	o.busy = false
}

// state queues the newest value of a retained state topic.
func (o *outbox) state(topic string, value any) {
	o.push(Outgoing{Topic: topic, Payload: encode(value), QoS: 1, Retain: true, State: true})
}

// forget queues the removal of a retained message.
func (o *outbox) forget(topic string) {
	o.push(Outgoing{Topic: topic, QoS: 1, Retain: true, State: true})
}

// event queues a message that is not kept.
func (o *outbox) event(topic string, value any) {
	o.push(Outgoing{Topic: topic, Payload: encode(value), QoS: 1})
}

// encode writes one of our own shapes as JSON.
func encode(value any) []byte {
	b, err := json.Marshal(value)
	if err != nil {
		// The shapes hold nothing that JSON lacks: only a mistake of ours gets here.
		panic("engine: encode: " + err.Error())
	}
	return b
}
