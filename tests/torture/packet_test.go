package torture_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Packet types, as in the first four bits of a packet [MQTT 2.1.2].
const (
	typConnect = iota + 1
	typConnack
	typPublish
	typPuback
	typPubrec
	typPubrel
	typPubcomp
	typSubscribe
	typSuback
	typUnsubscribe
	typUnsuback
	typPingreq
	typPingresp
	typDisconnect
)

// packet is one that came from the broker, as far as the clients look at it.
type packet struct {
	typ     byte
	id      uint16
	code    byte // reason or return code; of SUBACK the first one
	present bool // CONNACK
	qos     byte
	dup     bool
	retain  bool
	topic   string
	payload []byte

	// Of MQTT 5; zero = not there.
	expiry   uint32 // message expiry interval
	alias    uint16
	omit     bool     // to be sent: the alias is known, leave the topic out
	aliasMax uint16   // CONNACK
	subs     []uint32 // subscription identifiers
}

func frame(header byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{header}, uint64(len(body))), body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// appendProps adds properties, which only MQTT 5 has.
func appendProps(b []byte, version byte, props []byte) []byte {
	if version < 5 {
		return b
	}
	return append(binary.AppendUvarint(b, uint64(len(props))), props...)
}

func connectPacket(s *script, o *opening, willPayload []byte) []byte {
	version := s.version
	b := append(appendText(nil, "MQTT"), version)
	var flags byte
	if o.clean {
		flags |= 0x02
	}
	if w := o.will; w != nil {
		flags |= 0x04 | w.qos<<3
		if w.retain {
			flags |= 0x20
		}
	}
	if s.user != "" {
		flags |= 0xc0
	}
	b = append(b, flags, 0, 0) // no keep alive: cuts are ours
	var props []byte
	if o.expiry > 0 {
		props = binary.BigEndian.AppendUint32(append(props, 0x11), o.expiry)
	}
	if o.window > 0 {
		props = binary.BigEndian.AppendUint16(append(props, 0x21), o.window)
	}
	if o.aliases > 0 {
		props = binary.BigEndian.AppendUint16(append(props, propAliasMaximum), o.aliases)
	}
	b = appendText(appendProps(b, version, props), s.name)
	if w := o.will; w != nil {
		var props []byte
		if w.delay > 0 {
			props = binary.BigEndian.AppendUint32([]byte{0x18}, w.delay)
		}
		b = appendText(appendProps(b, version, props), w.topic)
		b = appendText(b, string(willPayload))
	}
	if s.user != "" {
		b = appendText(appendText(b, s.user), s.secret)
	}
	return frame(typConnect<<4, b)
}

func publishPacket(version byte, p *packet) []byte {
	header := byte(typPublish<<4) | p.qos<<1
	if p.dup {
		header |= 0x08
	}
	if p.retain {
		header |= 0x01
	}
	topic := p.topic
	var props []byte
	if p.expiry > 0 {
		props = binary.BigEndian.AppendUint32(append(props, propExpiry), p.expiry)
	}
	if p.alias > 0 {
		props = binary.BigEndian.AppendUint16(append(props, propAlias), p.alias)
		if p.omit {
			topic = ""
		}
	}
	b := appendText(nil, topic)
	if p.qos > 0 {
		b = binary.BigEndian.AppendUint16(b, p.id)
	}
	return frame(header, append(appendProps(b, version, props), p.payload...))
}

func ackPacket(typ byte, id uint16) []byte {
	header := typ << 4
	if typ == typPubrel {
		header |= 0x02
	}
	return frame(header, binary.BigEndian.AppendUint16(nil, id))
}

func subscribePacket(version byte, id uint16, s *subscribing) []byte {
	var props []byte
	if s.id > 0 {
		props = binary.AppendUvarint([]byte{propSubID}, uint64(s.id))
	}
	b := appendProps(binary.BigEndian.AppendUint16(nil, id), version, props)
	options := s.qos
	if version == 5 {
		options |= s.handling << 4
		if s.noLocal {
			options |= 0x04
		}
		if s.asPublished {
			options |= 0x08
		}
	}
	return frame(typSubscribe<<4|0x02, append(appendText(b, s.filter), options))
}

func unsubscribePacket(version byte, id uint16, filter string) []byte {
	b := appendProps(binary.BigEndian.AppendUint16(nil, id), version, nil)
	return frame(typUnsubscribe<<4|0x02, appendText(b, filter))
}

func disconnectPacket(version byte, withWill, endSession bool) []byte {
	if version < 5 || !withWill && !endSession {
		return frame(typDisconnect<<4, nil)
	}
	var code byte
	if withWill {
		code = 0x04
	}
	var props []byte
	if endSession {
		props = []byte{0x11, 0, 0, 0, 0}
	}
	return frame(typDisconnect<<4, appendProps([]byte{code}, version, props))
}

var errBadPacket = errors.New("the broker sent a malformed packet")

// readPacket reads one packet.
func readPacket(r *bufio.Reader, version byte) (*packet, error) {
	header, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if size > 16<<20 {
		return nil, fmt.Errorf("%w: %d bytes", errBadPacket, size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	p := &packet{typ: header >> 4}
	if err := p.parse(version, header, body); err != nil {
		return nil, fmt.Errorf("%w: header 0x%02x", err, header)
	}
	return p, nil
}

func (p *packet) parse(version, header byte, body []byte) error {
	switch p.typ {
	case typConnack:
		return p.parseConnack(version, body)
	case typPublish:
		return p.parsePublish(version, header, body)
	case typPuback, typPubrec, typPubrel, typPubcomp, typSuback, typUnsuback:
		if len(body) < 2 {
			return errBadPacket
		}
		p.id = binary.BigEndian.Uint16(body)
		if body = body[2:]; version == 5 && (p.typ == typSuback || p.typ == typUnsuback) {
			_, rest, err := splitProps(body)
			if err != nil {
				return err
			}
			body = rest
		}
		if len(body) > 0 {
			p.code = body[0]
		}
	case typDisconnect:
		if len(body) > 0 {
			p.code = body[0]
		}
	case typPingresp:
	default:
		return errBadPacket
	}
	return nil
}

func (p *packet) parseConnack(version byte, body []byte) error {
	if len(body) < 2 {
		return errBadPacket
	}
	p.present, p.code = body[0] == 1, body[1]
	if version < 5 || len(body) == 2 {
		return nil
	}
	props, _, err := splitProps(body[2:])
	if err != nil {
		return err
	}
	return eachProp(props, func(id byte, value uint32) {
		if id == propAliasMaximum {
			p.aliasMax = uint16(value)
		}
	})
}

func (p *packet) parsePublish(version, header byte, body []byte) error {
	p.dup, p.qos, p.retain = header&0x08 != 0, header>>1&3, header&1 != 0
	if len(body) < 2 {
		return errBadPacket
	}
	n := int(binary.BigEndian.Uint16(body))
	if body = body[2:]; len(body) < n {
		return errBadPacket
	}
	p.topic, body = string(body[:n]), body[n:]
	if p.qos > 0 {
		if len(body) < 2 {
			return errBadPacket
		}
		p.id, body = binary.BigEndian.Uint16(body), body[2:]
	}
	if version == 5 {
		props, rest, err := splitProps(body)
		if err != nil {
			return err
		}
		if err := eachProp(props, p.publishProp); err != nil {
			return err
		}
		body = rest
	}
	p.payload = body
	return nil
}

func (p *packet) publishProp(id byte, value uint32) {
	switch id {
	case propExpiry:
		p.expiry = value
	case propAlias:
		p.alias = uint16(value)
	case propSubID:
		p.subs = append(p.subs, value)
	}
}

func splitProps(b []byte) (props, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || uint64(len(b)-used) < n {
		return nil, nil, errBadPacket
	}
	return b[used : used+int(n)], b[used+int(n):], nil
}
