package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// Kinds of log records that the data plane writes.
const (
	kindMessage store.Kind = 1 // a PUBLISH; Topic is its topic
	kindFlow    store.Kind = 2 // a step of a session's QoS 2 exchange; no Topic
)

// Message is one application message. It is immutable once it has been judged,
// and shared by every session that it is delivered to.
type Message struct {
	Topic   string
	Payload []byte
	Props   *wire.PublishProperties // nil: none
	QoS     byte
	Retain  bool // the publisher's flag, for retain-as-published
	State   bool // only the topic's newest value matters

	From Origin

	// At is the arrival, Expires the end of the message expiry interval, both
	// in Unix nanoseconds; Expires 0 means never.
	At      int64
	Expires int64

	// Made is what Judge made of the message, for Applied; nil after a restart.
	Made any

	// pos is the place in the log, 0 while it has none: the tail sets it while
	// others already hold the message.
	pos atomic.Uint64
	// keep and apply repeat what the verdict asked for, so that a record read
	// back after a crash has the same effects.
	keep  bool // becomes the retained message
	apply bool // Meaning.Applied wants it
	route bool // goes to subscribers

	frames [frameVariants]atomic.Pointer[frame]
	// packed is the payload compressed, once somebody wants it so; it points at
	// nil where that makes it no smaller.
	packed atomic.Pointer[[]byte]
	// own, when not nil, is memory for frames that nobody else may see: the
	// message is gone when its routing returns.
	own *[frameVariants]frame

	// order is the place among the messages to be retained that this process has
	// accepted; 0 for what was read back from before.
	order uint64
}

// Origin is who published a message.
type Origin struct {
	ClientID string // "" = the broker itself
	UserID   string
	Role     string
	// PacketID is the id of a QoS 2 PUBLISH whose PUBREL has not come, which a
	// restart must remember; 0 otherwise.
	PacketID uint16
}

// frame is an encoded PUBLISH, with the place of its packet id.
type frame struct {
	b    []byte
	idAt int
}

// A message is encoded once for each combination of MQTT 5 or not, QoS and
// retain flag, as long as nothing else differs between its receivers.
const frameVariants = 2 * 3 * 2

func variant(v5 bool, qos byte, retain bool) int {
	i := int(qos)
	if v5 {
		i += 3
	}
	if retain {
		i += 6
	}
	return i
}

// frameFor returns the shared encoding for such receivers.
func (m *Message) frameFor(version, qos byte, retain bool) *frame {
	slot := &m.frames[variant(version == 5, qos, retain)]
	if f := slot.Load(); f != nil {
		return f
	}
	e := encoding{version: version, qos: qos, retain: retain, expiry: m.expiryInterval()}
	if m.own == nil {
		f := m.encode(&e, nil)
		slot.Store(&f)
		return &f
	}
	f := &m.own[variant(version == 5, qos, retain)]
	*f = m.encode(&e, f.b[:0])
	slot.Store(f)
	return f
}

// packedBy returns the payload compressed, nil where it would not get smaller.
func (m *Message) packedBy(p Packer) []byte {
	if b := m.packed.Load(); b != nil {
		return *b
	}
	b := p.Pack(m.Payload)
	m.packed.Store(&b) // two at the same moment make the same
	return b
}

// encoding is what an encoded PUBLISH depends on besides the message.
type encoding struct {
	version, qos byte
	retain, dup  bool
	ids          []uint32 // subscription identifiers
	expiry       uint32   // remaining seconds, where the message has an expiry
	alias        uint16   // topic alias, 0 for none
	omit         bool     // the client knows the alias: leave the topic out
}

// encode makes a PUBLISH, in the memory of into where it has room.
func (m *Message) encode(e *encoding, into []byte) frame {
	out := wire.PublishOut{
		Topic: m.Topic, Payload: m.Payload,
		QoS: e.qos, Retain: e.retain, Dup: e.dup,
		PacketID: 1, // replaced when it is sent
		Props:    m.Props, SubscriptionIDs: e.ids, TopicAlias: e.alias, OmitTopic: e.omit,
	}
	if m.Props != nil && m.Props.HasExpiry && e.expiry != m.Props.Expiry {
		p := *m.Props
		p.Expiry = e.expiry
		out.Props = &p
	}
	if into == nil {
		into = make([]byte, 0, frameRoom+len(m.Topic)+len(m.Payload)+m.propsSize())
	}
	b, at := wire.AppendPublish(into, e.version, &out)
	return frame{b: b, idAt: at}
}

func (m *Message) expiryInterval() uint32 {
	if m.Props == nil {
		return 0
	}
	return m.Props.Expiry
}

// frameRoom is what a frame needs at most besides topic, payload and properties:
// headers, packet id, lengths, a topic alias and a subscription identifier.
const frameRoom = 24

// propsSize is a close upper bound of what the properties take, in bytes.
func (m *Message) propsSize() int {
	p := m.Props
	if p == nil {
		return 0
	}
	const fixed = 2 + 5 + 3*3
	return fixed + len(p.ContentType) + len(p.ResponseTopic) + len(p.Correlation) + len(p.User)
}

// expired reports whether the message may no longer be delivered [MQTT-3.3.2-5].
func (m *Message) expired(now time.Time) bool {
	return m.Expires != 0 && now.UnixNano() >= m.Expires
}

// isExpired is expired by the hub's clock, which is only asked when it matters.
func (h *Hub) isExpired(m *Message) bool { return m.Expires != 0 && m.expired(h.now()) }

// remaining is the expiry interval to forward: what was received less the time
// spent waiting here, in seconds [MQTT-3.3.2-6].
func (m *Message) remaining(now time.Time) uint32 {
	left := (m.Expires - now.UnixNano() + int64(time.Second) - 1) / int64(time.Second)
	return uint32(max(left, 1))
}

// Pos is the message's place in the log, 0 when it has none.
func (m *Message) Pos() store.Pos { return store.Pos(m.pos.Load()) }

func (m *Message) setPos(p store.Pos) { m.pos.Store(uint64(p)) }

// size is what the message counts for in bounds, in bytes.
func (m *Message) size() int { return len(m.Payload) + len(m.Topic) + 64 }

// The record form of a message: a version byte, then fixed fields and
// length-prefixed strings, all integers little endian or uvarint. Props are
// kept in their MQTT 5 wire form.
const messageFormat = 1

const (
	flagRetain = 1 << iota
	flagState
	flagKeep
	flagApply
	flagRoute
	flagProps
)

var errBadRecord = errors.New("damaged message record")

func (m *Message) flags() byte {
	var f byte
	set := func(bit byte, on bool) {
		if on {
			f |= bit
		}
	}
	set(flagRetain, m.Retain)
	set(flagState, m.State)
	set(flagKeep, m.keep)
	set(flagApply, m.apply)
	set(flagRoute, m.route)
	set(flagProps, m.Props != nil)
	return f
}

// appendRecord encodes the message without its topic, which the record carries.
func (m *Message) appendRecord(b []byte) []byte {
	if b == nil {
		const fixed = 3 + 2 + 8 + 8 + 4*2
		b = make([]byte, 0, fixed+len(m.From.ClientID)+len(m.From.UserID)+len(m.From.Role)+m.propsSize()+len(m.Payload))
	}
	b = append(b, messageFormat, m.flags(), m.QoS)
	b = binary.LittleEndian.AppendUint16(b, m.From.PacketID)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.At))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.Expires))
	b = appendString(b, m.From.ClientID)
	b = appendString(b, m.From.UserID)
	b = appendString(b, m.From.Role)
	if m.Props != nil {
		b = appendString(b, string(m.Props.Append(nil)))
	}
	return append(b, m.Payload...)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decodeMessage reads what appendRecord wrote. It copies, so that b may be reused.
func decodeMessage(topic string, b []byte) (*Message, error) {
	const fixed = 3 + 2 + 8 + 8
	if len(b) < fixed || b[0] != messageFormat {
		return nil, fmt.Errorf("%w on topic %q", errBadRecord, topic)
	}
	flags := b[1]
	m := &Message{
		Topic: topic, QoS: b[2],
		Retain: flags&flagRetain != 0, State: flags&flagState != 0,
		keep: flags&flagKeep != 0, apply: flags&flagApply != 0, route: flags&flagRoute != 0,
		At:      int64(binary.LittleEndian.Uint64(b[5:])),
		Expires: int64(binary.LittleEndian.Uint64(b[13:])),
	}
	m.From.PacketID = binary.LittleEndian.Uint16(b[3:])
	r := reader{b: b[fixed:]}
	m.From.ClientID, m.From.UserID, m.From.Role = r.string(), r.string(), r.string()
	if flags&flagProps != 0 {
		m.Props = &wire.PublishProperties{}
		if err := m.Props.Decode([]byte(r.string())); err != nil {
			return nil, fmt.Errorf("properties of a message on topic %q: %w", topic, err)
		}
	}
	if r.bad {
		return nil, fmt.Errorf("%w on topic %q", errBadRecord, topic)
	}
	m.Payload = append([]byte(nil), r.b...)
	return m, nil
}

// reader takes length-prefixed strings off a byte slice.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
