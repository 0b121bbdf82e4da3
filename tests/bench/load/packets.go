//go:build linux

package load

import (
	"encoding/binary"
	"errors"
)

// The packet types of MQTT 3.1.1, table 2.1.
const (
	typeConnect   = 1
	typeConnack   = 2
	typePublish   = 3
	typePuback    = 4
	typePubrec    = 5
	typePubrel    = 6
	typePubcomp   = 7
	typeSubscribe = 8
	typeSuback    = 9
	typePingresp  = 13
)

var errShort = errors.New("a packet is shorter than its parts")

var (
	packetPing       = []byte{12 << 4, 0}
	packetDisconnect = []byte{14 << 4, 0}
)

// packetSize tells the size of the first packet and of its fixed header;
// 0 while that is not known yet.
func packetSize(b []byte) (size, head int, err error) {
	length := 0
	for i := 1; i < len(b); i++ {
		length |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return 1 + i + length, 1 + i, nil
		}
		if i == 4 {
			return 0, 0, errors.New("remaining length has five bytes")
		}
	}
	return 0, 0, nil
}

func appendLength(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// appendConnect asks for no keep-alive: an idle client shall be idle.
func appendConnect(b []byte, s *Spec) []byte {
	flags := byte(2)
	if s.Persistent {
		flags = 0
	}
	b = append(b, typeConnect<<4)
	b = appendLength(b, 12+len(s.ClientID))
	b = appendString(b, "MQTT")
	b = append(b, 4, flags, 0, 0)
	return appendString(b, s.ClientID)
}

func appendSubscribe(b []byte, s *Spec) []byte {
	b = append(b, typeSubscribe<<4|2)
	b = appendLength(b, 5+len(s.Filter))
	b = append(b, 0, 1)
	b = appendString(b, s.Filter)
	return append(b, s.QoS)
}

func appendAck(b []byte, first byte, id []byte) []byte {
	if len(id) < 2 {
		return b // a broker that sends no id gets no answer, and the run ends in a time-out
	}
	return append(b, first, 2, id[0], id[1])
}

// stampSize is what a payload begins with: publisher, number, time.
const stampSize = 16

// template is a PUBLISH whose packet id and stamp are filled in for each message.
type template struct {
	packet  []byte
	id      int // where the packet id is; 0 at QoS 0
	payload int
}

// newTemplate makes a PUBLISH with a payload of size bytes.
func newTemplate(topic string, qos byte, size int) template {
	length := 2 + len(topic) + size
	if qos > 0 {
		length += 2
	}
	t := template{packet: appendLength([]byte{typePublish<<4 | qos<<1}, length)}
	t.packet = appendString(t.packet, topic)
	if qos > 0 {
		t.id = len(t.packet)
		t.packet = append(t.packet, 0, 0)
	}
	t.payload = len(t.packet)
	for i := range size {
		t.packet = append(t.packet, 'a'+byte(i%26))
	}
	return t
}

// appendTo appends message number seq of a publisher, sent at now (nanoseconds).
func (t *template) appendTo(b []byte, publisher, seq uint32, now int64) []byte {
	if t.id > 0 {
		binary.BigEndian.PutUint16(t.packet[t.id:], uint16(seq%0xffff)+1)
	}
	binary.BigEndian.PutUint32(t.packet[t.payload:], publisher)
	binary.BigEndian.PutUint32(t.packet[t.payload+4:], seq)
	binary.BigEndian.PutUint64(t.packet[t.payload+8:], uint64(now))
	return append(b, t.packet...)
}

// readStamp reads what appendTo wrote.
func readStamp(payload []byte) (publisher, seq uint32, sent int64, ok bool) {
	if len(payload) < stampSize {
		return 0, 0, 0, false
	}
	return binary.BigEndian.Uint32(payload), binary.BigEndian.Uint32(payload[4:]), int64(binary.BigEndian.Uint64(payload[8:])), true
}
