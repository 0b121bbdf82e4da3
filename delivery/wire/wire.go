// Package wire encodes and decodes the MQTT 3.1, 3.1.1 and 5 packets that the
// broker handles itself. Parsing is strict: whatever the specification calls a
// Malformed Packet or a Protocol Error is returned as an *Error with the reason
// code for it. Clause ids in brackets are those of MQTT 5.0.
//
// Caveats: Publish.Parse and ParseAck do not allocate, so what they return
// points into the bytes they were given and is valid only as long as these are.
// The other parsers copy what they keep.
package wire

import "strconv"

// Protocol levels as they stand in CONNECT [3.1.2.2].
const (
	V31  byte = 3 // MQTT 3.1 ("MQIsdp")
	V311 byte = 4 // MQTT 3.1.1
	V5   byte = 5 // MQTT 5.0
)

// Control packet types, the upper four bits of the first byte [2.1.2].
const (
	CONNECT     byte = 1
	CONNACK     byte = 2
	PUBLISH     byte = 3
	PUBACK      byte = 4
	PUBREC      byte = 5
	PUBREL      byte = 6
	PUBCOMP     byte = 7
	SUBSCRIBE   byte = 8
	SUBACK      byte = 9
	UNSUBSCRIBE byte = 10
	UNSUBACK    byte = 11
	PINGREQ     byte = 12
	PINGRESP    byte = 13
	DISCONNECT  byte = 14
	AUTH        byte = 15
)

// MaxRemaining is the largest Remaining Length, in bytes, that four length
// bytes can say [2.1.4].
const MaxRemaining = 268_435_455

// NoReceiveMaximum is the Receive Maximum of a client that named none
// [3.1.2.11.3].
const NoReceiveMaximum = 65_535

// Error says why a packet is refused. It is what every parser of this package
// returns for bad input.
type Error struct {
	// Code is the reason code to close the connection with.
	Code Code
	// Reason names what was wrong and the clause it breaks, for people.
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	return e.Code.String() + ": " + e.Reason
}

// malformed is the error for bytes that cannot be read as the packet they
// claim to be [4.13.1].
func malformed(reason string) error {
	return &Error{Code: MalformedPacket, Reason: reason}
}

// violation is the error for a readable packet that the protocol does not
// allow [4.13.1].
func violation(reason string) error {
	return &Error{Code: ProtocolError, Reason: reason}
}

// flagsOf holds the flag nibble each packet type must have [MQTT-2.1.3-1];
// PUBLISH is free to use its own.
var flagsOf = [16]byte{PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}

// Header reads a fixed header. header is the first byte (type and flags),
// remaining the Remaining Length in bytes, and size the length of the fixed
// header itself, 2 to 5 bytes; size 0 without an error means that b does not
// hold all of it yet. Type 0, flags that the type does not allow and a length
// of more than four bytes are an *Error [MQTT-2.1.3-1], [2.1.4].
func Header(b []byte) (header byte, remaining, size int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, nil
	}
	header = b[0]
	if typ := header >> 4; typ != PUBLISH && header&0x0f != flagsOf[typ] || typ == 0 {
		return header, 0, 0, badHeader(header)
	}
	if len(b) > 1 && b[1] < 0x80 { // nearly every packet
		return header, int(b[1]), 2, nil
	}
	for i := 1; i < len(b); i++ {
		if i == 5 {
			break
		}
		remaining |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return header, remaining, i + 1, nil
		}
		if i == 4 {
			return header, 0, 0, malformed("remaining length of more than four bytes [2.1.4]")
		}
	}
	return header, 0, 0, nil
}

func badHeader(header byte) error {
	if header>>4 == 0 {
		return malformed("packet type 0 is reserved [2.1.2]")
	}
	return malformed("flags " + strconv.Itoa(int(header&0x0f)) + " are not allowed for packet type " +
		strconv.Itoa(int(header>>4)) + " [MQTT-2.1.3-1]")
}

// HeaderSize is the length in bytes of the shortest fixed header for a
// Remaining Length. A longer one is malformed in MQTT 5 [MQTT-1.5.5-1].
func HeaderSize(remaining int) int {
	return 1 + varintSize(remaining)
}
