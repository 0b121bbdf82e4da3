package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/delivery/wire"
)

// unhex decodes hex with any spaces in it; words in single quotes stand for
// themselves.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	var out []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			tb.Fatalf("bad hex %q: %v", part, err)
		}
		out = append(out, b...)
	}
	return out
}

// wantCode fails unless err is an *Error with the code and some reason; code 0
// wants no error.
func wantCode(tb testing.TB, err error, want wire.Code) {
	tb.Helper()
	if want == wire.Success {
		if err != nil {
			tb.Fatalf("got error %v, want none", err)
		}
		return
	}
	var e *wire.Error
	if !errors.As(err, &e) {
		tb.Fatalf("got error %v, want code %v", err, want)
	}
	if e.Code != want {
		tb.Fatalf("got code %v (%s), want %v", e.Code, e.Reason, want)
	}
	if e.Reason == "" {
		tb.Fatal("got an empty reason")
	}
}

func TestHeader(t *testing.T) {
	tests := []struct {
		name            string
		in              string
		remaining, size int
		code            wire.Code
	}{
		{"nothing yet", "", 0, 0, 0},
		{"type only", "30", 0, 0, 0},
		{"empty PINGREQ", "c0 00", 0, 2, 0},
		{"one length byte", "30 7f", 127, 2, 0},
		{"two, unfinished", "30 80", 0, 0, 0},
		{"two", "30 80 01", 128, 3, 0},
		{"four, unfinished", "30 ff ff ff", 0, 0, 0},
		{"largest", "30 ff ff ff 7f", wire.MaxRemaining, 5, 0},
		{"five length bytes [2.1.4]", "30 ff ff ff ff 01", 0, 0, wire.MalformedPacket},
		{"fifth not even needed [2.1.4]", "30 80 80 80 80", 0, 0, wire.MalformedPacket},
		{"type 0 [2.1.2]", "00", 0, 0, wire.MalformedPacket},
		{"CONNECT flags [MQTT-2.1.3-1]", "11 00", 0, 0, wire.MalformedPacket},
		{"PUBACK flags [MQTT-2.1.3-1]", "42 02", 0, 0, wire.MalformedPacket},
		{"PUBREL flags 0 [MQTT-3.6.1-1]", "60 02", 0, 0, wire.MalformedPacket},
		{"PUBREL", "62 02", 2, 2, 0},
		{"SUBSCRIBE flags 0 [MQTT-3.8.1-1]", "80 02", 0, 0, wire.MalformedPacket},
		{"UNSUBSCRIBE flags 3 [MQTT-3.10.1-1]", "a3 02", 0, 0, wire.MalformedPacket},
		{"DISCONNECT flags [MQTT-3.14.1-1]", "e1 00", 0, 0, wire.MalformedPacket},
		{"AUTH flags [MQTT-3.15.1-1]", "f1 00", 0, 0, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, remaining, size, err := wire.Header(unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if tt.code == 0 && (remaining != tt.remaining || size != tt.size) {
				t.Errorf("got remaining %d, size %d, want %d, %d", remaining, size, tt.remaining, tt.size)
			}
		})
	}
}

func TestHeaderSize(t *testing.T) {
	for remaining, want := range map[int]int{0: 2, 127: 2, 128: 3, 16383: 3, 16384: 4, 2097152: 5, wire.MaxRemaining: 5} {
		if got := wire.HeaderSize(remaining); got != want {
			t.Errorf("HeaderSize(%d): got %d, want %d", remaining, got, want)
		}
	}
}

func TestCode_String(t *testing.T) {
	if got, want := wire.NotAuthorized.String(), "not authorized"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := wire.Code(0x77).String(), "reason code 0x77"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	err := &wire.Error{Code: wire.ProtocolError, Reason: "why"}
	if got, want := err.Error(), "protocol error: why"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if wire.GrantedQoS2.Failed() || !wire.UnspecifiedError.Failed() {
		t.Error("Failed must begin at 0x80")
	}
}

func TestParseAck(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		header  byte
		in      string
		want    wire.Ack
		code    wire.Code
	}{
		{"OK v4", 4, 0x40, "0007", wire.Ack{PacketID: 7}, 0},
		{"OK v5 short", 5, 0x40, "ffff", wire.Ack{PacketID: 65535}, 0},
		{"OK v5 code", 5, 0x40, "0007 10", wire.Ack{PacketID: 7, Code: wire.NoMatchingSubscribers}, 0},
		{"OK v5 no properties", 5, 0x50, "0007 00 00", wire.Ack{PacketID: 7}, 0},
		{"OK v5 properties", 5, 0x40, "0007 97 0e 1f 0004'full' 26 0001'a' 0001'b'", wire.Ack{PacketID: 7, Code: wire.QuotaExceeded}, 0},
		{"OK PUBREL not found", 5, 0x62, "0007 92", wire.Ack{PacketID: 7, Code: wire.PacketIdentifierNotFound}, 0},
		{"Err empty", 4, 0x40, "", wire.Ack{}, wire.MalformedPacket},
		{"Err half an id", 4, 0x40, "00", wire.Ack{}, wire.MalformedPacket},
		{"Err id 0 [MQTT-2.2.1-3]", 4, 0x40, "0000", wire.Ack{}, wire.ProtocolError},
		{"Err v4 with code", 4, 0x40, "0007 00", wire.Ack{}, wire.MalformedPacket},
		{"Err PUBACK reason [MQTT-3.4.2-1]", 5, 0x40, "0007 92", wire.Ack{}, wire.ProtocolError},
		{"Err PUBREL reason [MQTT-3.6.2-1]", 5, 0x62, "0007 10", wire.Ack{}, wire.ProtocolError},
		{"Err PUBCOMP reason [MQTT-3.7.2-1]", 5, 0x70, "0007 80", wire.Ack{}, wire.ProtocolError},
		{"Err surplus bytes", 5, 0x40, "0007 00 00 ff", wire.Ack{}, wire.MalformedPacket},
		{"Err properties overrun", 5, 0x40, "0007 00 05 1f00", wire.Ack{}, wire.MalformedPacket},
		{"Err reason twice [3.4.2.2.2]", 5, 0x40, "0007 00 08 1f 0001'a' 1f 0001'b'", wire.Ack{}, wire.ProtocolError},
		{"Err foreign property", 5, 0x40, "0007 00 02 0101", wire.Ack{}, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseAck(tt.version, tt.header, unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAppendAck(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		typ     byte
		ack     wire.Ack
		want    string
	}{
		{"v4 success", 4, wire.PUBACK, wire.Ack{PacketID: 1}, "40 02 0001"},
		{"v4 has no code", 4, wire.PUBREC, wire.Ack{PacketID: 1, Code: wire.NotAuthorized, Reason: "no"}, "50 02 0001"},
		{"v5 success", 5, wire.PUBREL, wire.Ack{PacketID: 0x102}, "62 02 0102"},
		{"v5 code", 5, wire.PUBCOMP, wire.Ack{PacketID: 1, Code: wire.PacketIdentifierNotFound}, "70 03 0001 92"},
		{"v5 reason", 5, wire.PUBACK, wire.Ack{PacketID: 1, Code: wire.NotAuthorized, Reason: "no"}, "40 09 0001 87 05 1f 0002'no'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wire.AppendAck([]byte{0xee}, tt.version, tt.typ, tt.ack)
			if want := append([]byte{0xee}, unhex(t, tt.want)...); !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
		})
	}
	t.Run("OK long reason is cut at a character", func(t *testing.T) {
		frame := wire.AppendAck(nil, 5, wire.PUBACK, wire.Ack{PacketID: 1, Code: wire.NotAuthorized, Reason: strings.Repeat("ä", 400)})
		header, remaining, size, err := wire.Header(frame)
		wantCode(t, err, 0)
		if size+remaining != len(frame) || len(frame) > 600 {
			t.Fatalf("got %d bytes for a header that says %d", len(frame), size+remaining)
		}
		_, err = wire.ParseAck(5, header, frame[size:])
		wantCode(t, err, 0)
	})
}

func TestParseDisconnect(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		in      string
		want    wire.Disconnect
		code    wire.Code
	}{
		{"OK v4", 4, "", wire.Disconnect{}, 0},
		{"OK v5 empty", 5, "", wire.Disconnect{}, 0},
		{"OK length 1 is a reason", 5, "04", wire.Disconnect{Code: wire.DisconnectWithWill}, 0},
		{"OK properties", 5, "00 0b 11 0000000a 1f 0003'bye'", wire.Disconnect{SessionExpiry: 10, HasSessionExpiry: true, Reason: "bye"}, 0},
		{"OK zero expiry", 5, "00 05 11 00000000", wire.Disconnect{HasSessionExpiry: true}, 0},
		{"Err v4 with body", 4, "00", wire.Disconnect{}, wire.MalformedPacket},
		{"Err server's code", 5, "8e", wire.Disconnect{}, wire.ProtocolError},
		{"Err unknown code [MQTT-3.14.2-1]", 5, "02", wire.Disconnect{}, wire.ProtocolError},
		{"Err server reference", 5, "00 04 1c 0001'a'", wire.Disconnect{}, wire.MalformedPacket},
		{"Err expiry twice", 5, "00 0a 11 00000001 11 00000002", wire.Disconnect{}, wire.ProtocolError},
		{"Err surplus", 5, "00 00 00", wire.Disconnect{}, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseDisconnect(tt.version, unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if tt.code == 0 && *got != tt.want {
				t.Errorf("got %+v, want %+v", *got, tt.want)
			}
		})
	}
}

func TestAppendDisconnect(t *testing.T) {
	tests := []struct {
		code   wire.Code
		reason string
		want   string
	}{
		{wire.NormalDisconnection, "", "e0 00"},
		{wire.ServerShuttingDown, "", "e0 01 8b"},
		{wire.ProtocolError, "no", "e0 07 82 05 1f 0002'no'"},
	}
	for _, tt := range tests {
		if got, want := wire.AppendDisconnect(nil, tt.code, tt.reason), unhex(t, tt.want); !bytes.Equal(got, want) {
			t.Errorf("%v: got %x, want %x", tt.code, got, want)
		}
	}
	if got, want := wire.AppendPingresp(nil), unhex(t, "d0 00"); !bytes.Equal(got, want) {
		t.Errorf("PINGRESP: got %x, want %x", got, want)
	}
}

func TestPublishProperties_EachUser(t *testing.T) {
	p := wire.PublishProperties{User: []byte("\x26\x00\x01a\x00\x02bc\x26\x00\x00\x00\x01d")}
	var got []string
	p.EachUser(func(name, value string) { got = append(got, name+"="+value) })
	if want := []string{"a=bc", "=d"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
