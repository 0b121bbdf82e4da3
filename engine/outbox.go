package engine

import (
	"encoding/json"
	"sync"
	"sync/atomic"
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
}

// push queues a message; drain must follow once no other lock is held.
func (o *outbox) push(m Outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= maxOutbox || o.to.Load() == nil {
		o.dropped.Add(1)
		return
	}
	o.queue = append(o.queue, m)
}

// drain publishes what is queued, unless another goroutine is at it: that one
// then publishes this as well.
func (o *outbox) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy {
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
