package delivery

import (
	"sync/atomic"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// inbound is what one connection's client sends: what is known of it, and how far
// it has come. It ends with the connection; what outlives it is in heldIDs. The
// reading goroutine owns what has no other rule beside it.
type inbound struct {
	pub     wire.Publish // scratch
	passing *passing     // scratch, once the client has published
	last    lastTopic    // what is known of the topic published to last
	routed  int          // messages published
	// aliases are the topics the client has named [3.3.2.3.4].
	aliases []string

	// holding counts the QoS 2 exchanges begun over this connection that are not
	// complete: quotas begin anew with a connection [4.9]. Guarded by the session's mu.
	holding int
	// recs are the QoS 2 messages that came over this connection, repetitions too, and
	// have no PUBREC yet, in their order; repeats: an id may be among them more than
	// once. Bounded by owe. Guarded by the session's mu.
	recs    []receipt
	repeats bool

	underway
	// following: what the client has published over earlier connections may be
	// on its way to the log, too.
	following atomic.Bool
}

// maxPacketIDs is how many packet ids there are.
const maxPacketIDs = 65_535

// receipt is the PUBREC that a message is owed, ready once it may go out.
type receipt struct {
	id     uint16
	ready  bool
	code   wire.Code
	reason string
}

// released gives one exchange back to the client's quota. The session's mu is
// held. An exchange that an earlier connection began was not counted here.
func (in *inbound) released() { in.holding = max(in.holding-1, 0) }

// underway is what one publisher has on its way to the log: while there is any,
// what follows takes the same way, to keep its order. Safe for concurrent use.
type underway struct {
	// pending counts the messages that have not arrived.
	pending atomic.Int64
	// logged is a log position that includes all of them that have arrived:
	// until it has been routed, what follows takes the same way, too.
	logged atomic.Uint64
}

// arrived notes that one of the messages is in the log, which ends at last, or
// that it never will be.
func (u *underway) arrived(last store.Pos) {
	u.logged.Store(uint64(last))
	u.pending.Add(-1)
}

// any reports whether something is on its way, or has not been routed from the
// log by the position.
func (u *underway) any(routed uint64) bool {
	return u.pending.Load() > 0 || u.logged.Load() > routed
}

// heldState is where an inbound QoS 2 exchange stands.
type heldState uint8

const (
	heldPending   heldState = iota + 1 // its record is on the way to the log
	heldReceived                       // PUBREC sent or due, PUBREL awaited
	heldReleasing                      // PUBREL came, its record is on the way
	heldRepeated                       // as heldPending, and the present connection has repeated it
)

// heldIDs are the QoS 2 messages that a session has received and that are not
// complete, by packet id [MQTT-4.3.3-10]: they outlive a connection, and a
// restart where the session does. The session's mu guards them. Bounded by the
// client's packet ids, and for MQTT 5 by Limits.ReceiveMaximum a connection.
type heldIDs map[uint16]heldState

// unanswered readies the ids for the next connection. One whose record is on its
// way to the log stays pending: the client's repetition must not become a second
// message.
func (h heldIDs) unanswered() {
	for id, state := range h {
		switch state {
		case heldRepeated:
			h[id] = heldPending
		case heldReleasing:
			h[id] = heldReceived
		}
	}
}

// lasting returns the ids whose messages are in the log.
func (h heldIDs) lasting() (ids []uint16) {
	for id, state := range h {
		if state != heldPending && state != heldRepeated {
			ids = append(ids, id)
		}
	}
	return ids
}

// lastTopic keeps what was found out about the topic that a publisher used
// last, since it mostly goes on with it. The connection's reading goroutine
// owns it.
type lastTopic struct {
	name    string
	plain   bool   // Meaning.Plain
	rights  uint64 // Session.rights when it was allowed; 0 = ask
	matched *matched
}

// known returns the cache for the topic, begun anew when it is another one.
func (l *link) known(topic string) *lastTopic {
	if l.in.last.name != topic || l.in.last.name == "" {
		l.in.last = lastTopic{name: topic, plain: l.s.hub.meaning.Plain(topic)}
	}
	return &l.in.last
}

// passing is a message that is routed and forgotten, with its frames.
type passing struct {
	Message
	memory [frameVariants]frame
}

// keptFrame is how large a frame's memory may be to be kept for the next one.
const keptFrame = 4 << 10

// clear readies it for the next message.
func (p *passing) clear() {
	p.Payload, p.Props, p.Expires = nil, nil, 0
	p.packed.Store(nil)
	for i := range p.memory {
		if p.frames[i].Load() == nil {
			continue
		}
		p.frames[i].Store(nil)
		if cap(p.memory[i].b) > keptFrame {
			p.memory[i].b = nil
		}
	}
}

// receivers returns who gets the topic that was published to last.
func (l *link) receivers() *matched {
	k := &l.in.last
	if k.matched == nil || !l.s.hub.index.valid(k.matched) {
		k.matched = l.s.hub.match(k.name)
	}
	return k.matched
}
