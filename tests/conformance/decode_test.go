package conformance_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// packet is what the broker has sent.
type packet struct {
	header byte
	body   []byte
}

func (p packet) typ() byte { return p.header >> 4 }

func (p packet) String() string {
	b := p.body
	more := ""
	if len(b) > 64 {
		b, more = b[:64], "..."
	}
	return fmt.Sprintf("%02x [%d] % x%s", p.header, len(p.body), b, more)
}

// readPacket reads one packet. Its length must be in the shortest form.
func readPacket(r io.Reader) (packet, error) {
	var one [1]byte
	if _, err := io.ReadFull(r, one[:]); err != nil {
		return packet{}, err
	}
	p := packet{header: one[0]}
	size := 0
	for shift := 0; ; shift += 7 {
		if _, err := io.ReadFull(r, one[:]); err != nil {
			return packet{}, fmt.Errorf("packet %02x is cut in its length: %w", p.header, io.ErrUnexpectedEOF)
		}
		size |= int(one[0]&0x7f) << shift
		if one[0] < 0x80 {
			if shift > 0 && one[0] == 0 {
				return packet{}, fmt.Errorf("packet %02x: the length is not in its shortest form", p.header)
			}
			break
		}
		if shift == 21 {
			return packet{}, fmt.Errorf("packet %02x: a length of more than four bytes", p.header)
		}
	}
	p.body = make([]byte, size)
	if n, err := io.ReadFull(r, p.body); err != nil {
		return packet{}, fmt.Errorf("packet %02x is cut after %d of %d bytes: %w", p.header, n, size, io.ErrUnexpectedEOF)
	}
	return p, nil
}

// property is one property of a packet of the broker's.
type property struct {
	id     byte
	num    uint32
	text   string
	second string // the value of a user property, whose name is text
}

type properties []property

func (l properties) all(id byte) (found properties) {
	for _, p := range l {
		if p.id == id {
			found = append(found, p)
		}
	}
	return found
}

func (l properties) has(id byte) bool { return len(l.all(id)) > 0 }

// num is the value of a property that must be there.
func (l properties) num(e *env, id byte) uint32 {
	found := l.all(id)
	if len(found) != 1 {
		e.Fatalf("property 0x%02x stands %d times in %+v, want once", id, len(found), l)
	}
	return found[0].num
}

func (l properties) text(e *env, id byte) string {
	found := l.all(id)
	if len(found) != 1 {
		e.Fatalf("property 0x%02x stands %d times in %+v, want once", id, len(found), l)
	}
	return found[0].text
}

// cursor reads the fields of a body; what is missing fails the row.
type cursor struct {
	e *env
	p packet
	b []byte
}

func (c *cursor) take(n int) []byte {
	if len(c.b) < n {
		c.e.Fatalf("the broker's packet ends inside a field: %s", c.p)
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() byte     { return c.take(1)[0] }
func (c *cursor) u16() int     { return int(binary.BigEndian.Uint16(c.take(2))) }
func (c *cursor) u32() uint32  { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) text() string { return string(c.take(c.u16())) }

func (c *cursor) varint() (n int) {
	for shift := 0; shift <= 21; shift += 7 {
		b := c.u8()
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	c.e.Fatalf("the broker's packet has a variable byte integer of over four bytes: %s", c.p)
	return 0
}

// properties reads a list. The broker's packets must have one wherever the
// text puts one, an empty one as a zero [MQTT-2.2.2-1].
func (c *cursor) properties() (l properties) {
	in := cursor{e: c.e, p: c.p, b: c.take(c.varint())}
	for len(in.b) > 0 {
		p := property{id: in.u8()}
		switch p.id {
		case pPayloadFormat, pRequestProblem, pRequestResponse, pMaximumQoS, pRetainAvailable, pWildcardAvailable, pSubIDAvailable, pSharedAvailable:
			p.num = uint32(in.u8())
		case pServerKeepAlive, pReceiveMaximum, pTopicAliasMaximum, pTopicAlias:
			p.num = uint32(in.u16())
		case pMessageExpiry, pSessionExpiry, pWillDelay, pMaximumPacketSize:
			p.num = in.u32()
		case pSubscriptionID:
			p.num = uint32(in.varint())
		case pContentType, pResponseTopic, pCorrelation, pAssignedID, pAuthMethod, pAuthData, pResponseInfo, pServerReference, pReasonString:
			p.text = in.text()
		case pUser:
			p.text, p.second = in.text(), in.text()
		default:
			c.e.Fatalf("the broker's packet has the unknown property 0x%02x: %s", p.id, c.p)
		}
		l = append(l, p)
	}
	return l
}

// message is a PUBLISH of the broker's.
type message struct {
	topic, payload string
	qos            byte
	retain, dup    bool
	id             int
	props          properties
	size           int // of the whole packet, in bytes
}

func (e *env) message(version byte, p packet) message {
	m := message{
		qos: p.header >> 1 & 3, retain: p.header&1 != 0, dup: p.header&8 != 0,
		size: 1 + len(varint(len(p.body))) + len(p.body),
	}
	c := cursor{e: e, p: p, b: p.body}
	m.topic = c.text()
	if m.qos > 0 {
		if m.id = c.u16(); m.id == 0 {
			e.Fatalf("the broker's PUBLISH has the packet identifier 0: %s", p)
		}
	}
	if version == v5 {
		m.props = c.properties()
	}
	m.payload = string(c.b)
	switch {
	case m.qos == 3:
		e.Fatalf("the broker's PUBLISH has QoS 3: %s", p)
	case m.dup && m.qos == 0:
		e.Fatalf("the broker's PUBLISH of QoS 0 has DUP [MQTT-3.3.1-2]: %s", p)
	}
	return m
}

// answer is an acknowledgement, a SUBACK or an UNSUBACK, or a CONNACK or
// DISCONNECT of the broker's.
type answer struct {
	id      int
	code    byte
	codes   []byte // of SUBACK and UNSUBACK
	present bool   // of CONNACK
	props   properties
	size    int
}

func (e *env) answer(version byte, p packet) answer {
	a := answer{size: 1 + len(varint(len(p.body))) + len(p.body)}
	c := cursor{e: e, p: p, b: p.body}
	switch p.typ() {
	case tCONNACK:
		flags := c.u8()
		if flags > 1 {
			e.Fatalf("CONNACK has reserved flags [MQTT-3.2.2-1]: %s", p)
		}
		a.present, a.code = flags == 1, c.u8()
		if version == v5 {
			a.props = c.properties()
		}
	case tSUBACK, tUNSUBACK:
		a.id = c.u16()
		if version == v5 {
			a.props = c.properties()
		}
		a.codes, c.b = c.b, nil
	case tDISCONNECT, tAUTH:
		e.tail(&c, &a)
	default:
		a.id = c.u16()
		if version == v5 {
			e.tail(&c, &a)
		}
	}
	if len(c.b) > 0 {
		e.Fatalf("the broker's packet has bytes too many: %s", p)
	}
	if version == v5 {
		e.checkCodes(p, a)
	}
	return a
}

// codesOf are the reason codes that a server may use in each packet.
var codesOf = map[byte][]byte{
	tCONNACK:  {0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F},
	tPUBACK:   {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
	tPUBREC:   {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
	tPUBREL:   {0, 0x92},
	tPUBCOMP:  {0, 0x92},
	tSUBACK:   {0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2},
	tUNSUBACK: {0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91},
	tAUTH:     {0, 0x18},
	tDISCONNECT: {0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
		0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2},
}

func (e *env) checkCodes(p packet, a answer) {
	for _, code := range append([]byte{a.code}, a.codes...) {
		if !bytes.Contains(codesOf[p.typ()], []byte{code}) {
			e.Errorf("the packet type %d has no code 0x%02x: %s", p.typ(), code, p)
		}
	}
}

// tail reads a reason code and properties, which both may be left out.
func (e *env) tail(c *cursor, a *answer) {
	if len(c.b) > 0 {
		a.code = c.u8()
	}
	if len(c.b) > 0 {
		a.props = c.properties()
	}
}
