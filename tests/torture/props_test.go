package torture_test

import "encoding/binary"

// Properties that the clients look at [MQTT5 2.2.2.2].
const (
	propExpiry       = 0x02 // message expiry interval
	propSubID        = 0x0b
	propAliasMaximum = 0x22
	propAlias        = 0x23
)

// propForm is how a property's value is laid out.
type propForm byte

const (
	formByte propForm = iota + 1
	formTwo
	formFour
	formVarint
	formText // two bytes of length, then as many
	formPair // two texts
)

var propForms = map[byte]propForm{
	0x01: formByte, 0x02: formFour, 0x03: formText, 0x08: formText, 0x09: formText, 0x0b: formVarint,
	0x11: formFour, 0x12: formText, 0x13: formTwo, 0x15: formText, 0x16: formText, 0x17: formByte,
	0x18: formFour, 0x19: formByte, 0x1a: formText, 0x1c: formText, 0x1f: formText, 0x21: formTwo,
	0x22: formTwo, 0x23: formTwo, 0x24: formByte, 0x25: formByte, 0x26: formPair, 0x27: formFour,
	0x28: formByte, 0x29: formByte, 0x2a: formByte,
}

// eachProp calls fn for every property; value is 0 for texts.
func eachProp(b []byte, fn func(id byte, value uint32)) error {
	for len(b) > 0 {
		id := b[0]
		value, size := propValue(propForms[id], b[1:])
		if size < 0 {
			return errBadPacket
		}
		fn(id, value)
		b = b[1+size:]
	}
	return nil
}

// propValue returns a number, and how many bytes the value takes; -1 = it is
// not well-formed.
func propValue(form propForm, b []byte) (value uint32, size int) {
	switch form {
	case formByte:
		if len(b) >= 1 {
			return uint32(b[0]), 1
		}
	case formTwo:
		if len(b) >= 2 {
			return uint32(binary.BigEndian.Uint16(b)), 2
		}
	case formFour:
		if len(b) >= 4 {
			return binary.BigEndian.Uint32(b), 4
		}
	case formVarint:
		if v, n := binary.Uvarint(b); n > 0 {
			return uint32(v), n
		}
	case formText:
		return 0, textSize(b)
	case formPair:
		if name := textSize(b); name > 0 {
			if text := textSize(b[name:]); text > 0 {
				return 0, name + text
			}
		}
	}
	return 0, -1
}

func textSize(b []byte) int {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return -1
	}
	return 2 + int(binary.BigEndian.Uint16(b))
}

// aliases are the topic aliases of one direction of one connection.
type aliases struct {
	max     uint16
	byTopic map[string]uint16
	byAlias map[uint16]string
	next    uint16
}

// give returns the alias to send topic under, and whether the other side knows
// it already. When all are in use the oldest gets the new topic [3.3.2.3.4].
func (a *aliases) give(topic string) (alias uint16, known bool) {
	if a.max == 0 {
		return 0, false
	}
	if alias, known = a.byTopic[topic]; known {
		return alias, true
	}
	a.next = a.next%a.max + 1
	a.set(a.next, topic)
	return a.next, false
}

func (a *aliases) set(alias uint16, topic string) {
	if a.byAlias == nil {
		a.byAlias, a.byTopic = map[uint16]string{}, map[string]uint16{}
	}
	if old, ok := a.byAlias[alias]; ok {
		delete(a.byTopic, old)
	}
	a.byAlias[alias], a.byTopic[topic] = topic, alias
}

// resolve gives a received PUBLISH its topic; false = the alias is not
// allowed or has not been set.
func (a *aliases) resolve(p *packet) bool {
	switch {
	case p.alias == 0:
		return p.topic != ""
	case p.alias > a.max:
		return false
	case p.topic != "":
		a.set(p.alias, p.topic)
		return true
	}
	p.topic = a.byAlias[p.alias]
	return p.topic != ""
}
