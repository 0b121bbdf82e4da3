package delivery

import (
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

	// busy is held while a packet is handled, so that a successor can wait for
	// the end of it. Nothing else is locked around it but Session.attaching.
	busy sync.Mutex

	takes

	// dirty are the connections that this publisher has written to since its
	// last Idle; reading goroutine.
	dirty batch
	in    inbound

	failed atomic.Bool // a write to the store failed: the client must come again
	open   atomic.Bool // CONNACK is out: deliveries may follow
	joined atomic.Bool // the index knows the connection: the log may be read up to now
	held   atomic.Bool // deliveries wait for the connection's buffer to drain
	clean  atomic.Bool // a DISCONNECT without will came
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
		if l.in.routed++; l.in.routed%flushEvery == 0 && len(l.dirty.conns) >= flushMany {
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
	return l.in.following.Load() || l.in.any(l.s.hub.tailed.Load())
}

// follow keeps the order of what the client publishes over one connection after
// another: until all that is on its way to the log now has got there and been
// routed, this connection's messages take the same way.
func (l *link) follow() {
	c := l.s.hub.commit
	l.in.following.Store(true)
	c.add(op{none: true, done: func(error) {
		l.in.logged.Store(uint64(c.last))
		l.in.following.Store(false)
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
