package delivery

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fitmq/fitmq/delivery/wire"
)

// link is one connection of a session: what ends with it. The transport calls
// its methods on the connection's reading goroutine, Drained excepted.
type link struct {
	s       *Session
	conn    Conn
	packer  Packer  // conn, where it compresses; nil otherwise
	stream  *Stream // conn, where the client takes events; nil for packets
	client  *Client
	present bool // CONNACK said session present
	problem bool // the client wants reason strings [3.1.2.11.7]

	// busy is held while a packet is handled, so that a successor can wait for
	// the end of it. Nothing else is locked around it but Session.attaching.
	busy sync.Mutex

	// window is how many QoS 1 and 2 messages the client takes at once: its
	// Receive Maximum, at most Limits.MaxInflight.
	window    int
	maxPacket uint32 // bytes, the client's Maximum Packet Size

	// aliases are the topics the client has named [3.3.2.3.4]; reading goroutine.
	aliases []string
	// named are the aliases that this connection's client has been given.
	named outAliases

	// dirty are the connections that this publisher has written to since its
	// last Idle; reading goroutine.
	dirty batch
	pub   wire.Publish // scratch of the reading goroutine
	// holding counts the QoS 2 exchanges begun over this connection that are not
	// complete: quotas begin anew with a connection [4.9]. Guarded by the session's mu.
	holding int
	// again are the QoS 2 ids that were repeated over this connection before their
	// first message was in the log. Guarded by the session's mu.
	again   []uint16
	routed  int       // messages published over this connection
	passing *passing  // scratch of the reading goroutine, once it has published
	last    lastTopic // what is known of the topic published to last
	// judgedAt is the session's rights when its filters were judged last.
	judgedAt uint64

	// pending counts this publisher's messages on their way to the log: while
	// there are any, what follows takes the same way, to keep its order.
	pending atomic.Int32
	// logged is a log position that includes all of them that have arrived:
	// until it has been routed, what follows takes the same way, too.
	logged atomic.Uint64
	// following: what the client has published over earlier connections may be
	// on its way to the log, too.
	following atomic.Bool
	failed    atomic.Bool // a write to the store failed: the client must come again
	open      atomic.Bool // CONNACK is out: deliveries may follow
	joined    atomic.Bool // the index knows the connection: the log may be read up to now
	held      atomic.Bool // deliveries wait for the connection's buffer to drain
	clean     atomic.Bool // a DISCONNECT without will came
}

// A publisher's receivers are woken when its burst is over, so that it is one
// write for each: a write costs as much as twenty deliveries. A burst is what
// the transport reads at once, so only one of many small messages is long. Of
// that, many receivers (flushMany connections) are woken after every flushEvery
// messages, so that they begin to read while it goes on.
const (
	flushEvery = 256
	flushMany  = 256
)

// Packet handles one packet of the data plane. body is only valid during the
// call. An error, a *wire.Error, ends the connection.
func (l *link) Packet(header byte, body []byte) error {
	l.busy.Lock()
	defer l.busy.Unlock()
	if l.s.link.Load() != l { // what it still has to say would overtake its successor
		return errTakenOver
	}
	err := l.handle(header, body)
	if err != nil {
		l.noteBroken(err)
	}
	return err
}

// errTakenOver ends a connection that is not its session's any more.
var errTakenOver = &wire.Error{Code: wire.SessionTakenOver, Reason: "another connection has the same client identifier"}

func (l *link) handle(header byte, body []byte) error {
	switch header >> 4 {
	case wire.PUBLISH:
		err := l.publish(header, body)
		if l.routed++; l.routed%flushEvery == 0 && len(l.dirty.conns) >= flushMany {
			l.dirty.flush()
		}
		return err
	case wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP:
		l.noteAck(header, body)
		return l.acknowledged(header, body)
	case wire.SUBSCRIBE:
		return l.subscribe(body)
	case wire.UNSUBSCRIBE:
		return l.unsubscribe(body)
	default:
		return &wire.Error{Code: wire.ProtocolError, Reason: "a client does not send this packet [2.1.2]"}
	}
}

// Disconnect takes the client's DISCONNECT: with reason 0x00 the will is
// deleted, with any other it is sent; the session expiry may change.
func (l *link) Disconnect(d *wire.Disconnect) error {
	if d.HasSessionExpiry {
		l.s.mu.Lock()
		was := l.s.expiry
		if was == 0 && d.SessionExpiry != 0 {
			l.s.mu.Unlock()
			return &wire.Error{Code: wire.ProtocolError, Reason: "session expiry was 0 in CONNECT and cannot be raised in DISCONNECT [3.14.2.2.2]"}
		}
		l.s.setExpiry(l.s.hub.cappedExpiry(d.SessionExpiry))
		l.s.mu.Unlock()
		if err := l.s.hub.saveSession(l.s); err != nil {
			l.s.hub.log.Error("store a session", "client", l.s.id, "error", err)
		}
	}
	l.clean.Store(d.Code == wire.NormalDisconnection) // any other leaves the will [MQTT-3.14.4-3]
	if l.clean.Load() {
		l.s.dropWill(l)
	}
	return nil
}

// Idle writes out what this publisher has caused.
func (l *link) Idle() { l.dirty.flush() }

// Drained goes on with what waited for the connection's buffer.
func (l *link) Drained() {
	if !l.held.Swap(false) {
		return
	}
	var b batch
	l.s.mu.Lock()
	if l.s.link.Load() == l {
		l.s.pump(l, &b)
	}
	l.s.mu.Unlock()
	b.flush()
}

// congested reports whether so much waits in the connection's buffer that nothing
// may be added. Then Drained goes on when it has emptied.
func (l *link) congested() bool {
	limit := l.s.hub.memory.congested()
	if l.conn.Buffered() <= limit {
		return false
	}
	l.held.Store(true)
	return l.conn.Buffered() > limit // else it emptied before that was noted
}

// Closed is called when the connection has ended, whatever the reason, once.
func (l *link) Closed() { l.s.hub.disconnected(l) }

// takeAgain returns how often the id was repeated over this connection without
// an answer, and forgets it. The session's mu is held; l may be nil.
func (l *link) takeAgain(id uint16) int {
	if l == nil {
		return 0
	}
	n := len(l.again)
	l.again = slices.DeleteFunc(l.again, func(x uint16) bool { return x == id })
	return n - len(l.again)
}

// quiet waits for the end of the packet that is being handled: what comes over
// a later connection must not overtake it. The session has another connection,
// or none, so no more packets are taken. It waits for the store at most.
func (l *link) quiet() {
	l.busy.Lock()
	l.busy.Unlock() //nolint:staticcheck // the wait is the point
}

// unsettled reports whether something that was published over this connection
// is on its way to the log, or has not been routed from there.
func (l *link) unsettled() bool {
	return l.following.Load() || l.pending.Load() > 0 || l.logged.Load() > l.s.hub.tailed.Load()
}

// follow keeps the order of what the client publishes over one connection after
// another: until all that is on its way to the log now has got there and been
// routed, this connection's messages take the same way.
func (l *link) follow() {
	c := l.s.hub.commit
	l.following.Store(true)
	c.add(op{none: true, done: func(error) {
		l.logged.Store(uint64(c.last))
		l.following.Store(false)
	}}, false)
}

// Start lets deliveries begin; CONNACK has been written.
func (l *link) Start() {
	tell := func() {}
	if l.present { // rights may have changed while it was away
		tell = l.s.hub.endForbidden(l.s, l.s.snapshot())
	}
	l.s.attach(l)
	l.s.hub.observer.Connected(l.client)
	tell()
	for _, sub := range l.s.snapshot() {
		l.s.hub.observer.Subscribed(l.client, sub.filter)
	}
}

// Present reports what CONNACK must say about the session.
func (l *link) Present() bool { return l.present }

func (l *link) flushOwn() { l.conn.Flush() }

// ack appends an acknowledgement. Reason strings go only to who wants them
// [MQTT-3.1.2-29].
func (l *link) ack(typ byte, id uint16, code wire.Code, reason string, out *batch) {
	if l.stream != nil {
		return
	}
	l.s.traced.note(l.s.hub, TraceEvent{What: packetNames[typ], ID: id, Code: code, Reason: reason})
	if !l.problem {
		reason = ""
	}
	b := wire.AppendAck(out.ack[:0], l.client.Version, typ, wire.Ack{PacketID: id, Code: code, Reason: reason})
	if uint64(len(b)) > uint64(l.maxPacket) { // [MQTT-3.4.2-2]: without its reason string
		b = wire.AppendAck(out.ack[:0], l.client.Version, typ, wire.Ack{PacketID: id, Code: code})
	}
	if l.conn.Send(b) {
		out.add(l.conn)
	}
}

// put writes a PUBLISH to the connection; id is 0 for QoS 0. ok is false when it
// is over the client's Maximum Packet Size: then it is not sent, as if it had
// been delivered [MQTT-3.1.2-25].
func (l *link) put(m *Message, id uint16, qos byte, retain, dup bool, ids []uint32) (dirty, ok bool) {
	if l.stream != nil {
		l.stream.put(m, id, qos, retain, dup, ids)
		return false, true
	}
	if l.named.max > 0 {
		l.named.mu.Lock() // a topic must not be sent by its alias before its name
		defer l.named.mu.Unlock()
	}
	named := len(l.named.byTopic)
	f := l.encode(m, qos, retain, dup, ids)
	if uint64(len(f.b)) > uint64(l.maxPacket) {
		if len(l.named.byTopic) > named {
			delete(l.named.byTopic, m.Topic) // the client has not been told
		}
		return false, false
	}
	at := f.idAt
	if qos == 0 {
		at = 0
	}
	if l.packer != nil && l.packer.Packs(len(m.Payload)) {
		head := f.b[:len(f.b)-len(m.Payload)]
		if packed := m.packedBy(l.packer); packed != nil && len(head) <= packHead {
			return l.packer.SendPacked(head, at, id, packed), true
		}
	}
	if qos == 0 {
		return l.conn.Send(f.b), true
	}
	return l.conn.SendID(f.b, at, id), true
}

// packHead is how much may stand before a payload that is sent compressed.
const packHead = 1<<16 - 1

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
	if l.last.name != topic || l.last.name == "" {
		l.last = lastTopic{name: topic, plain: l.s.hub.meaning.Plain(topic)}
	}
	return &l.last
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
	k := &l.last
	if k.matched == nil || !l.s.hub.index.valid(k.matched) {
		k.matched = l.s.hub.match(k.name)
	}
	return k.matched
}

// outAliases are the topic aliases towards one client, as many as it allows
// [MQTT-3.1.2-26]: the first topics it gets keep theirs.
type outAliases struct {
	max     uint16
	mu      sync.Mutex // guards byTopic, and the order of what is sent under it
	byTopic map[string]uint16
}

// of returns the topic's alias, 0 for none, and whether the client knows it.
func (a *outAliases) of(topic string) (alias uint16, known bool) {
	if alias, known = a.byTopic[topic]; known {
		return alias, true
	}
	if len(a.byTopic) >= int(a.max) {
		return 0, false
	}
	if a.byTopic == nil {
		a.byTopic = map[string]uint16{}
	}
	alias = uint16(len(a.byTopic) + 1)
	a.byTopic[topic] = alias
	return alias, false
}

// encode returns the PUBLISH for this receiver: the shared encoding when
// nothing in it is the receiver's own.
func (l *link) encode(m *Message, qos byte, retain, dup bool, ids []uint32) *frame {
	version := l.client.Version
	if version < 5 {
		ids = nil
	}
	expiry := m.expiryInterval()
	if m.Expires != 0 {
		expiry = m.remaining(l.s.hub.now())
	}
	var alias uint16
	var known bool
	if l.named.max > 0 {
		alias, known = l.named.of(m.Topic)
	}
	if dup || len(ids) > 0 || alias != 0 || expiry != m.expiryInterval() {
		f := m.encode(&encoding{version: version, qos: qos, retain: retain, dup: dup, ids: ids, expiry: expiry, alias: alias, omit: known}, nil)
		return &f
	}
	return m.frameFor(version, qos, retain)
}

// batch is the connections that have something to flush.
// It belongs to one goroutine.
type batch struct {
	conns []Conn
	ack   [64]byte // scratch
}

func (b *batch) add(c Conn) { b.conns = append(b.conns, c) }

func (b *batch) flush() {
	for i, c := range b.conns {
		c.Flush()
		b.conns[i] = nil
	}
	b.conns = b.conns[:0]
}
