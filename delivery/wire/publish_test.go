package wire_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/delivery/wire"
)

func TestPublish_Parse(t *testing.T) {
	props := func(p wire.PublishProperties) wire.Publish {
		return wire.Publish{Topic: []byte("a"), Payload: []byte("x"), Props: p}
	}
	tests := []struct {
		name    string
		version byte
		header  byte
		in      string
		want    wire.Publish
		code    wire.Code
	}{
		{"OK v4 QoS 0", 4, 0x31, "0003'a/b' 'hi'", wire.Publish{Retain: true, Topic: []byte("a/b"), Payload: []byte("hi")}, 0},
		{"OK v4 QoS 2 dup", 4, 0x3c, "0003'a/b' 0102 'hi'", wire.Publish{QoS: 2, Dup: true, PacketID: 0x102, Topic: []byte("a/b"), Payload: []byte("hi")}, 0},
		{"OK v4 empty payload", 4, 0x30, "0001'a'", wire.Publish{Topic: []byte("a"), Payload: []byte{}}, 0},
		{"OK v5 no properties", 5, 0x32, "0001'a' 0001 00 'x'", wire.Publish{QoS: 1, PacketID: 1, Topic: []byte("a"), Payload: []byte("x")}, 0},
		{"OK topic beyond ASCII", 4, 0x30, "0002 c3a4", wire.Publish{Topic: []byte("ä"), Payload: []byte{}}, 0},
		{"OK format", 5, 0x30, "0001'a' 02 0101 'x'", props(wire.PublishProperties{PayloadFormat: 1, HasPayloadFormat: true}), 0},
		{"OK expiry", 5, 0x30, "0001'a' 05 02 0000003c 'x'", props(wire.PublishProperties{Expiry: 60, HasExpiry: true}), 0},
		{"OK content type", 5, 0x30, "0001'a' 04 03 0001't' 'x'", props(wire.PublishProperties{ContentType: []byte("t")}), 0},
		{"OK request", 5, 0x30, "0001'a' 08 08 0001'r' 09 0001 ff 'x'", props(wire.PublishProperties{ResponseTopic: []byte("r"), Correlation: []byte{0xff}, HasCorrelation: true}), 0},
		{"OK empty correlation", 5, 0x30, "0001'a' 03 09 0000 'x'", props(wire.PublishProperties{Correlation: []byte{}, HasCorrelation: true}), 0},
		{"OK user", 5, 0x30, "0001'a' 0e 26 0001'b' 0001'1' 26 0001'a' 0001'2' 'x'",
			props(wire.PublishProperties{User: unhex(t, "26 0001'b' 0001'1' 26 0001'a' 0001'2'")}), 0},
		{"OK user with others between", 5, 0x30, "0001'a' 17 26 0001'b' 0001'1' 0101 26 0001'a' 0001'2' 26 0001'c' 0001'3' 'x'",
			props(wire.PublishProperties{HasPayloadFormat: true, PayloadFormat: 1, User: unhex(t, "26 0001'b' 0001'1' 26 0001'a' 0001'2' 26 0001'c' 0001'3'")}), 0},
		{"OK alias", 5, 0x30, "0000 03 23 0005 'x'", wire.Publish{Topic: []byte{}, Payload: []byte("x"), Props: wire.PublishProperties{TopicAlias: 5}}, 0},
		{"Err QoS 3 [MQTT-3.3.1-4]", 4, 0x36, "0001'a' 0001", wire.Publish{}, wire.MalformedPacket},
		{"Err dup QoS 0 [MQTT-3.3.1-2]", 4, 0x38, "0001'a'", wire.Publish{}, wire.MalformedPacket},
		{"Err id 0 [MQTT-2.2.1-3]", 4, 0x32, "0001'a' 0000", wire.Publish{}, wire.ProtocolError},
		{"Err no id", 4, 0x32, "0001'a' 00", wire.Publish{}, wire.MalformedPacket},
		{"Err empty body", 4, 0x30, "", wire.Publish{}, wire.MalformedPacket},
		{"Err truncated topic", 4, 0x30, "0009'a'", wire.Publish{}, wire.MalformedPacket},
		{"Err + in topic [MQTT-3.3.2-2]", 4, 0x30, "0003'a/+'", wire.Publish{}, wire.TopicNameInvalid},
		{"Err # in topic [MQTT-3.3.2-2]", 4, 0x30, "0001'#'", wire.Publish{}, wire.TopicNameInvalid},
		{"Err U+0000 in topic [MQTT-1.5.4-2]", 4, 0x30, "0002'a'00", wire.Publish{}, wire.MalformedPacket},
		{"Err surrogate in topic [MQTT-1.5.4-1]", 4, 0x30, "0003 eda080", wire.Publish{}, wire.MalformedPacket},
		{"Err cut UTF-8 in topic [MQTT-1.5.4-1]", 4, 0x30, "0001 c3", wire.Publish{}, wire.MalformedPacket},
		{"Err empty topic v4 [MQTT-4.7.3-1]", 4, 0x30, "0000 'x'", wire.Publish{}, wire.ProtocolError},
		{"Err empty topic without alias", 5, 0x30, "0000 00 'x'", wire.Publish{}, wire.ProtocolError},
		{"Err alias 0 [MQTT-3.3.2-8]", 5, 0x30, "0001'a' 03 23 0000", wire.Publish{}, wire.TopicAliasInvalid},
		{"Err alias twice", 5, 0x30, "0001'a' 06 23 0001 23 0002", wire.Publish{}, wire.ProtocolError},
		{"Err no property length", 5, 0x30, "0001'a'", wire.Publish{}, wire.MalformedPacket},
		{"Err overrun [2.2.2.1]", 5, 0x30, "0001'a' 05 0101", wire.Publish{}, wire.MalformedPacket},
		{"Err property cut", 5, 0x30, "0001'a' 02 0200 000000", wire.Publish{}, wire.MalformedPacket},
		{"Err property length not shortest [MQTT-1.5.5-1]", 5, 0x30, "0001'a' 8000", wire.Publish{}, wire.MalformedPacket},
		{"Err format 2", 5, 0x30, "0001'a' 02 0102", wire.Publish{}, wire.ProtocolError},
		{"Err format twice", 5, 0x30, "0001'a' 04 0101 0101", wire.Publish{}, wire.ProtocolError},
		{"Err CONNECT's property", 5, 0x30, "0001'a' 05 11 00000001", wire.Publish{}, wire.MalformedPacket},
		{"Err unknown property", 5, 0x30, "0001'a' 02 7e01", wire.Publish{}, wire.MalformedPacket},
		{"Err property id of two bytes", 5, 0x30, "0001'a' 03 810101", wire.Publish{}, wire.MalformedPacket},
		{"Err response topic wildcard [MQTT-3.3.2-14]", 5, 0x30, "0001'a' 04 08 0001'#'", wire.Publish{}, wire.ProtocolError},
		{"Err content type UTF-8 [MQTT-1.5.4-1]", 5, 0x30, "0001'a' 04 03 0001 ff", wire.Publish{}, wire.MalformedPacket},
		{"Err user property UTF-8 [MQTT-1.5.4-1]", 5, 0x30, "0001'a' 07 26 0001 ff 0001'b'", wire.Publish{}, wire.MalformedPacket},
		{"Err user property cut", 5, 0x30, "0001'a' 04 26 0001'a' 'x'", wire.Publish{}, wire.MalformedPacket},
		{"Err subscription id from a client [MQTT-3.3.4-6]", 5, 0x30, "0001'a' 02 0b01", wire.Publish{}, wire.ProtocolError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got wire.Publish
			err := got.Parse(tt.version, tt.header, unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if tt.code == 0 && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAppendPublish(t *testing.T) {
	all := &wire.PublishProperties{PayloadFormat: 1, HasPayloadFormat: true, Expiry: 60, HasExpiry: true, ContentType: []byte("t"),
		ResponseTopic: []byte("r"), Correlation: []byte{9}, HasCorrelation: true, User: unhex(t, "26 0001'k' 0001'v'"), TopicAlias: 99}
	tests := []struct {
		name    string
		version byte
		out     wire.PublishOut
		want    string
		idAt    int
	}{
		{"v4 QoS 0", 4, wire.PublishOut{Topic: "a/b", Payload: []byte("hi")}, "30 07 0003'a/b' 'hi'", 0},
		{"v4 all flags, no properties", 4, wire.PublishOut{Topic: "a", QoS: 1, Retain: true, Dup: true, PacketID: 0x102, Props: all, TopicAlias: 3, OmitTopic: true},
			"3b 05 0001'a' 0102", 5},
		{"v5 QoS 2", 5, wire.PublishOut{Topic: "a", QoS: 2, Payload: []byte("x")}, "34 07 0001'a' 0000 00 'x'", 5},
		{"v5 alias and ids", 5, wire.PublishOut{Topic: "a", TopicAlias: 3, OmitTopic: true, SubscriptionIDs: []uint32{1, 128}},
			"30 0b 0000 08 23 0003 0b 01 0b 8001", 0},
		{"v5 all properties", 5, wire.PublishOut{Topic: "a", Props: all, Payload: []byte("x")},
			"30 1f 0001'a' 1a 0101 02 0000003c 03 0001't' 08 0001'r' 09 0001 09 26 0001'k' 0001'v' 'x'", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, idAt := wire.AppendPublish([]byte{0xee}, tt.version, &tt.out)
			if want := append([]byte{0xee}, unhex(t, tt.want)...); !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
			if idAt != tt.idAt {
				t.Errorf("got idAt %d, want %d", idAt, tt.idAt)
			}
			if tt.out.QoS > 0 {
				if id := got[1+idAt : 3+idAt]; id[0] != byte(tt.out.PacketID>>8) || id[1] != byte(tt.out.PacketID) {
					t.Errorf("got id bytes %x at idAt", id)
				}
			}
		})
	}
}

// What is encoded reads back the same, for lengths around every boundary.
func TestAppendPublish_Parse(t *testing.T) {
	for _, n := range []int{0, 1, 100, 118, 119, 120, 121, 122, 123, 16370, 16375, 16380, 2_097_140, 2_097_150} {
		out := wire.PublishOut{Topic: "a/b", QoS: 1, PacketID: 7, Payload: bytes.Repeat([]byte{'p'}, n)}
		frame, _ := wire.AppendPublish(nil, 5, &out)
		header, remaining, size, err := wire.Header(frame)
		wantCode(t, err, 0)
		if size+remaining != len(frame) || size != wire.HeaderSize(remaining) {
			t.Fatalf("%d: got %d bytes, header says %d+%d", n, len(frame), size, remaining)
		}
		var in wire.Publish
		wantCode(t, in.Parse(5, header, frame[size:]), 0)
		if string(in.Topic) != "a/b" || in.PacketID != 7 || len(in.Payload) != n {
			t.Fatalf("%d: got %q %d %d", n, in.Topic, in.PacketID, len(in.Payload))
		}
	}
}

func TestPublishProperties_Clone(t *testing.T) {
	body := unhex(t, "0001'a' 15 03 0001't' 08 0001'r' 09 0001'c' 26 0001'k' 0003'val' 'x'")
	var p wire.Publish
	wantCode(t, p.Parse(5, 0x30, body), 0)
	if p.Props.Empty() {
		t.Fatal("got empty properties")
	}
	kept := p.Props.Clone()
	enc := kept.Append(nil)
	for i := range body {
		body[i] = 0xff
	}
	if got := kept.Append(nil); !bytes.Equal(got, enc) {
		t.Errorf("the copy changed with the packet: got %x, want %x", got, enc)
	}
	var back wire.PublishProperties
	wantCode(t, back.Decode(enc), 0)
	if !reflect.DeepEqual(back, kept) {
		t.Errorf("Decode: got %+v, want %+v", back, kept)
	}
	wantCode(t, back.Decode([]byte{0x01}), wire.MalformedPacket)
	if none := (wire.PublishProperties{TopicAlias: 3}); !none.Empty() {
		t.Error("an alias alone is nothing to forward")
	}
}

// A packet of nothing but user properties must cost time in proportion to it.
func TestPublish_Parse_ManyUserProperties(t *testing.T) {
	pair := "\x26\x00\x01a\x00\x01b"
	list := pair + "\x01\x01" + strings.Repeat(pair, 100_000)
	body := append(unhex(t, "0001'a'"), byte(len(list))|0x80, byte(len(list)>>7)|0x80, byte(len(list)>>14))
	body = append(body, list...)
	var p wire.Publish
	// Two of ours, and what the runtime allocates beside them now and then.
	if n := testing.AllocsPerRun(5, func() { wantCode(t, p.Parse(5, 0x30, body), 0) }); n > 10 {
		t.Errorf("got %v allocations, want a few, not one for each of 100,000 pairs", n)
	}
	if got, want := len(p.Props.User), 100_001*len(pair); got != want {
		t.Errorf("got %d bytes of user properties, want %d", got, want)
	}
}

var sink int

func TestHotPath_Allocs(t *testing.T) {
	body := unhex(t, "0014'session/s1/progress/' 0001 0d 0101 03 0001't' 26 0001'k' 0001'v' 'payload'")
	header := unhex(t, "30 80 01")
	ack := unhex(t, "0007 10")
	out := wire.PublishOut{Topic: "session/s1/progress/ana", QoS: 1, Payload: body, SubscriptionIDs: []uint32{1},
		Props: &wire.PublishProperties{Expiry: 3, HasExpiry: true}}
	frame := make([]byte, 0, 1024)
	got := testing.AllocsPerRun(100, func() {
		_, r, s, err := wire.Header(header)
		if err != nil {
			t.Fatal(err)
		}
		var p wire.Publish
		if err := p.Parse(5, 0x32, body); err != nil {
			t.Fatal(err)
		}
		a, err := wire.ParseAck(5, 0x40, ack)
		if err != nil {
			t.Fatal(err)
		}
		frame, _ = wire.AppendPublish(frame[:0], 5, &out)
		frame = wire.AppendAck(frame, 5, wire.PUBACK, wire.Ack{PacketID: 1, Code: wire.NotAuthorized, Reason: "no"})
		sink += r + s + int(a.PacketID) + len(p.Topic)
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkPublish_Parse(b *testing.B) {
	payload := strings.Repeat("x", 200)
	body := append(unhex(b, "0017'session/s1/progress/ana' 0001 00"), payload...)
	b.ReportAllocs()
	for b.Loop() {
		var p wire.Publish
		if err := p.Parse(5, 0x32, body); err != nil {
			b.Fatal(err)
		}
		sink += len(p.Payload)
	}
}

func BenchmarkAppendPublish(b *testing.B) {
	out := wire.PublishOut{Topic: "session/s1/progress/ana", QoS: 1, Payload: bytes.Repeat([]byte("x"), 200)}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = wire.AppendPublish(buf[:0], 5, &out)
	}
}

func BenchmarkParseAck(b *testing.B) {
	body := []byte{0, 7}
	b.ReportAllocs()
	for b.Loop() {
		a, err := wire.ParseAck(5, 0x40, body)
		if err != nil {
			b.Fatal(err)
		}
		sink += int(a.PacketID)
	}
}
