package wire

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Why strings and lengths are refused; the same words wherever they occur.
const (
	reasonShort = "packet ends inside a field [4.13.1]"
	reasonUTF8  = "string is not UTF-8 or holds U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]"
)

// scanner reads fields off the front of b.
type scanner struct {
	b []byte
}

func (s *scanner) u8() (byte, error) {
	if len(s.b) < 1 {
		return 0, malformed(reasonShort)
	}
	v := s.b[0]
	s.b = s.b[1:]
	return v, nil
}

func (s *scanner) u16() (uint16, error) {
	if len(s.b) < 2 {
		return 0, malformed(reasonShort)
	}
	v := binary.BigEndian.Uint16(s.b)
	s.b = s.b[2:]
	return v, nil
}

func (s *scanner) u32() (uint32, error) {
	if len(s.b) < 4 {
		return 0, malformed(reasonShort)
	}
	v := binary.BigEndian.Uint32(s.b)
	s.b = s.b[4:]
	return v, nil
}

// binary reads two length bytes and that many bytes [1.5.6].
func (s *scanner) binary() ([]byte, error) {
	if len(s.b) < 2 {
		return nil, malformed(reasonShort)
	}
	n := 2 + int(binary.BigEndian.Uint16(s.b))
	if len(s.b) < n {
		return nil, malformed(reasonShort)
	}
	v := s.b[2:n:n]
	s.b = s.b[n:]
	return v, nil
}

// text reads a UTF-8 string [1.5.4].
func (s *scanner) text() ([]byte, error) {
	v, err := s.binary()
	if err != nil {
		return nil, err
	}
	if !validText(v) {
		return nil, malformed(reasonUTF8)
	}
	return v, nil
}

// varint reads a Variable Byte Integer in its shortest form [MQTT-1.5.5-1].
func (s *scanner) varint() (uint32, error) {
	if len(s.b) > 0 && s.b[0] < 0x80 {
		v := uint32(s.b[0])
		s.b = s.b[1:]
		return v, nil
	}
	var v uint32
	for i := 0; i < 4 && i < len(s.b); i++ {
		c := s.b[i]
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			if i > 0 && c == 0 {
				return 0, malformed("variable byte integer is longer than it need be [MQTT-1.5.5-1]")
			}
			s.b = s.b[i+1:]
			return v, nil
		}
	}
	if len(s.b) < 4 {
		return 0, malformed(reasonShort)
	}
	return 0, malformed("variable byte integer of more than four bytes [1.5.5]")
}

// validText tells whether b may stand in a UTF-8 Encoded String: well-formed
// UTF-8 without surrogates [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2].
func validText(b []byte) bool {
	return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0
}

// scanTopic tells in one pass whether b is a valid string, and whether it
// holds a wildcard character.
func scanTopic(b []byte) (valid, wildcard bool) {
	var high byte
	for _, c := range b {
		high |= c
		if c <= '+' {
			if c == 0 {
				return false, false
			}
			wildcard = wildcard || c == '+' || c == '#'
		}
	}
	return high < 0x80 || utf8.Valid(b), wildcard
}

func varintSize(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	default:
		return 4
	}
}

func appendVarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// appendText appends a string or binary field with its two length bytes. What
// does not fit into 65,535 bytes is cut, so that the packet stays readable.
func appendText[T ~string | ~[]byte](dst []byte, v T) []byte {
	v = cutText(v, 65_535)
	dst = append(dst, byte(len(v)>>8), byte(len(v)))
	return append(dst, v...)
}

// cutText is v, or its first limit bytes and a little less where that would cut
// a UTF-8 character in two.
func cutText[T ~string | ~[]byte](v T, limit int) T {
	if len(v) <= limit {
		return v
	}
	n := limit
	for n > limit-3 && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n]
}
