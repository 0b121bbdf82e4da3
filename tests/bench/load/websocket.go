//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Opcodes of RFC 6455, 5.2.
const (
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// appendUpgrade is the handshake of RFC 6455, 4.1. The key may be constant:
// what it guards against is a proxy, and there is none.
func appendUpgrade(b []byte, host string) []byte {
	return fmt.Appendf(b, "GET /mqtt HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n", host)
}

// appendFrame appends a final frame with a mask of zeros, which leaves the
// payload as it is.
func appendFrame(b []byte, op byte, payload []byte) []byte {
	b = append(b, 0x80|op)
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = append(b, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// frames handles the handshake's answer and each whole frame, and tells how
// many bytes they were. Brokers send control packets one to a frame here, which
// is all that idle connections need: a packet across frames is refused.
func (l *Loop) frames(c *conn, data []byte) (int, error) {
	used := 0
	if c.phase == upgrading {
		end := bytes.Index(data, []byte("\r\n\r\n"))
		if end < 0 {
			return 0, nil
		}
		if !bytes.HasPrefix(data, []byte("HTTP/1.1 101 ")) {
			return 0, fmt.Errorf("upgrade refused: %.40q", data)
		}
		used = end + 4
		c.phase = connecting
		c.send(appendConnect(nil, c.spec))
	}
	for {
		op, payload, size := frame(data[used:])
		if size == 0 {
			return used, nil
		}
		used += size
		switch op {
		case opPing:
			c.out = appendFrame(c.out, opPong, payload)
		case opClose:
			return used, fmt.Errorf("closed with frame % x", payload)
		case opBinary:
			n, err := l.packets(c, payload)
			if err == nil && n < len(payload) {
				err = fmt.Errorf("a packet reaches over its frame")
			}
			if err != nil {
				return used, err
			}
		}
	}
}

// frame splits off the first frame of a server; size is 0 while it is not whole.
func frame(b []byte) (op byte, payload []byte, size int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	head, length := 2, int(b[1]&0x7f)
	switch {
	case length == 126 && len(b) >= 4:
		head, length = 4, int(binary.BigEndian.Uint16(b[2:]))
	case length == 127 && len(b) >= 10:
		head, length = 10, int(binary.BigEndian.Uint64(b[2:]))
	case length >= 126:
		return 0, nil, 0
	}
	if len(b) < head+length {
		return 0, nil, 0
	}
	return b[0] & 15, b[head : head+length], head + length
}
