package wire

import "encoding/binary"

// Ack is a PUBACK, PUBREC, PUBREL or PUBCOMP [3.4]..[3.7].
type Ack struct {
	PacketID uint16 // 1..65,535
	Code     Code
	// Reason is a reason string for people. ParseAck leaves it empty: what a
	// client writes there concerns nobody.
	Reason string
}

// ParseAck reads an acknowledgement of the type that header names, without
// allocating. The error is an *Error: identifier 0, bytes too many or too few,
// or a reason code that this type has not.
func ParseAck(version, header byte, body []byte) (Ack, error) {
	s := scanner{b: body}
	id, err := s.packetID()
	if err != nil {
		return Ack{}, err
	}
	a := Ack{PacketID: id}
	if len(s.b) == 0 {
		return a, nil
	}
	if version < V5 {
		return Ack{}, malformed("acknowledgement is longer than a packet identifier [3.4 of MQTT 3.1.1]")
	}
	code, _ := s.u8() // there is one: checked above
	a.Code = Code(code)
	if !ackCodeAllowed(header>>4, a.Code) {
		return Ack{}, violation("reason code is not one of this acknowledgement's [MQTT-3.4.2-1]")
	}
	if len(s.b) == 0 {
		return a, nil
	}
	list, err := s.properties(inAck)
	if err == nil {
		err = list.skip()
	}
	if err == nil && len(s.b) > 0 {
		err = malformed("acknowledgement has bytes behind its properties [3.4.2]")
	}
	if err != nil {
		return Ack{}, err
	}
	return a, nil
}

func ackCodeAllowed(typ byte, c Code) bool {
	switch typ {
	case PUBACK, PUBREC:
		switch c {
		case Success, NoMatchingSubscribers, UnspecifiedError, ImplementationSpecific, NotAuthorized,
			TopicNameInvalid, PacketIdentifierInUse, QuotaExceeded, PayloadFormatInvalid:
			return true
		}
		return false
	default:
		return c == Success || c == PacketIdentifierNotFound
	}
}

// AppendAck appends an acknowledgement of the type (PUBACK, PUBREC, PUBREL or
// PUBCOMP) in its shortest form. Versions before 5 know no code and no reason.
func AppendAck(dst []byte, version byte, typ byte, a Ack) []byte {
	header := typ<<4 | flagsOf[typ&0x0f]
	id1, id2 := byte(a.PacketID>>8), byte(a.PacketID)
	switch {
	case version < V5 || a.Code == Success && a.Reason == "":
		return append(dst, header, 2, id1, id2)
	case a.Reason == "":
		return append(dst, header, 3, id1, id2, byte(a.Code))
	}
	props := reasonSize(a.Reason)
	dst = appendVarint(append(dst, header), 3+varintSize(props)+props)
	dst = append(dst, id1, id2, byte(a.Code))
	return appendReason(appendVarint(dst, props), a.Reason)
}

// reasonSize is the size of a reason string property, 0 for none.
func reasonSize(reason string) int {
	if reason == "" {
		return 0
	}
	return 3 + len(cutText(reason, maxReason))
}

// maxReason bounds a reason string, in bytes: it is a sentence for a log line,
// and the packet must not outgrow a small client's maximum packet size.
const maxReason = 512

// appendReason appends a reason string property; what is over maxReason is cut.
func appendReason(dst []byte, reason string) []byte {
	if reason == "" {
		return dst
	}
	return appendText(append(dst, propReasonString), cutText(reason, maxReason))
}

// appendID appends a packet identifier.
func appendID(dst []byte, id uint16) []byte {
	return binary.BigEndian.AppendUint16(dst, id)
}
