package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/fitmq/fitmq/delivery/wire"
)

const (
	v4 = "0004'MQTT' 04 "
	v5 = "0004'MQTT' 05 "
)

func TestParseConnect_Err(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		version byte
		code    wire.Code
	}{
		{"empty", "", 0, wire.MalformedPacket},
		{"protocol name [MQTT-3.1.2-1]", "0004'HTTP' 04 02 003c 0001'c'", 0, wire.UnsupportedProtocolVersion},
		{"level 2 [MQTT-3.1.2-2]", "0004'MQTT' 02 02 003c 0001'c'", 2, wire.UnsupportedProtocolVersion},
		{"level 6 [MQTT-3.1.2-2]", "0004'MQTT' 06 02 003c 0001'c'", 6, wire.UnsupportedProtocolVersion},
		{"level 3 as MQTT", "0004'MQTT' 03 02 003c 0001'c'", 3, wire.UnsupportedProtocolVersion},
		{"level 4 as MQIsdp", "0006'MQIsdp' 04 02 003c 0001'c'", 4, wire.UnsupportedProtocolVersion},
		{"reserved flag [MQTT-3.1.2-3]", v4 + "03 003c 0001'c'", 4, wire.MalformedPacket},
		{"will QoS without will [MQTT-3.1.2-11]", v4 + "0a 003c 0001'c'", 4, wire.MalformedPacket},
		{"will retain without will [MQTT-3.1.2-13]", v5 + "22 003c 00 0001'c'", 5, wire.MalformedPacket},
		{"will QoS 3 [MQTT-3.1.2-12]", v4 + "1e 003c 0001'c' 0001't' 0001'p'", 4, wire.MalformedPacket},
		{"password without user name 3.1.1 [MQTT-3.1.2-22]", v4 + "42 003c 0001'c' 0001'p'", 4, wire.MalformedPacket},
		{"surplus bytes", v4 + "02 003c 0001'c' 00", 4, wire.MalformedPacket},
		{"truncated", v4 + "02 003c 0005'c'", 4, wire.MalformedPacket},
		{"no user name", v4 + "82 003c 0001'c'", 4, wire.MalformedPacket},
		{"user name U+0000 [MQTT-1.5.4-2]", v4 + "82 003c 0001'c' 0002'a'00", 4, wire.MalformedPacket},
		{"user name surrogate [MQTT-1.5.4-1]", v4 + "82 003c 0001'c' 0003 edb080", 4, wire.MalformedPacket},
		{"client id UTF-8 [MQTT-3.1.3-4]", v5 + "02 003c 00 0001 ff", 5, wire.MalformedPacket},
		{"empty client id, clean 0 [MQTT-3.1.3-8]", v4 + "00 003c 0000", 4, wire.ClientIdentifierNotValid},
		{"empty client id 3.1", "0006'MQIsdp' 03 02 003c 0000", 3, wire.ClientIdentifierNotValid},
		{"will topic wildcard", v4 + "06 003c 0001'c' 0001'#' 0001'p'", 4, wire.TopicNameInvalid},
		{"will topic empty [MQTT-4.7.3-1]", v5 + "06 003c 00 0001'c' 00 0000 0001'p'", 5, wire.TopicNameInvalid},
		{"will topic UTF-8", v4 + "06 003c 0001'c' 0001 ff 0001'p'", 4, wire.MalformedPacket},
		{"will property foreign", v5 + "06 003c 00 0001'c' 03 230001 0001't' 0001'p'", 5, wire.MalformedPacket},
		{"will format 2", v5 + "06 003c 00 0001'c' 02 0102 0001't' 0001'p'", 5, wire.ProtocolError},
		{"no properties", v5 + "02 003c", 5, wire.MalformedPacket},
		{"receive maximum 0", v5 + "02 003c 03 210000 0001'c'", 5, wire.ProtocolError},
		{"maximum packet size 0", v5 + "02 003c 05 2700000000 0001'c'", 5, wire.ProtocolError},
		{"request problem 2", v5 + "02 003c 02 1702 0001'c'", 5, wire.ProtocolError},
		{"property twice", v5 + "02 003c 06 210001210001 0001'c'", 5, wire.ProtocolError},
		{"authentication data alone", v5 + "02 003c 04 16 0001'd' 0001'c'", 5, wire.ProtocolError},
		{"PUBLISH's property", v5 + "02 003c 02 0101 0001'c'", 5, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := wire.ParseConnect(unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if c.Version != tt.version {
				t.Errorf("got version %d, want %d", c.Version, tt.version)
			}
		})
	}
}

func TestParseConnect_OK(t *testing.T) {
	plain := wire.ConnectProperties{ReceiveMaximum: 65535, RequestProblem: true}
	tests := []struct {
		name string
		in   string
		want wire.Connect
	}{
		{"3.1", "0006'MQIsdp' 03 00 003c 0001'c'", wire.Connect{Version: 3, ClientID: "c", KeepAlive: 60, ConnectProperties: plain}},
		{"3.1.1", v4 + "c2 ffff 0001'c' 0001'u' 0001 00",
			wire.Connect{Version: 4, ClientID: "c", CleanStart: true, KeepAlive: 65535, UserName: "u", HasUserName: true, Password: []byte{0}, HasPassword: true, ConnectProperties: plain}},
		{"3.1.1 will, empty payload", v4 + "26 0000 0000 0001't' 0000",
			wire.Connect{Version: 4, CleanStart: true, Will: &wire.Will{Topic: "t", Retain: true, Payload: []byte{}}, ConnectProperties: plain}},
		{"5 password alone, empty client id", v5 + "40 0000 00 0000 0001'p'",
			wire.Connect{Version: 5, Password: []byte("p"), HasPassword: true, ConnectProperties: plain}},
		{"5 all", v5 + "16 000a 2a 1100000078 210014 2700001000 220005 1901 1700 15 0001'm' 16 0001'd' 26 0001'k' 0001'v' 26 0001'k' 0001'w'" +
			"0001'c' 1f 1800000005 0101 020000000a 03 0001'x' 08 0001'r' 09 0001'q' 26 0001'k' 0001'v' 0001't' 0001'p'",
			wire.Connect{Version: 5, ClientID: "c", CleanStart: true, KeepAlive: 10,
				Will: &wire.Will{Topic: "t", Payload: []byte("p"), QoS: 2, Delay: 5, Properties: wire.PublishProperties{
					PayloadFormat: 1, HasPayloadFormat: true, Expiry: 10, HasExpiry: true, ContentType: []byte("x"), ResponseTopic: []byte("r"),
					Correlation: []byte("q"), HasCorrelation: true, User: unhex(t, "26 0001'k' 0001'v'")}},
				ConnectProperties: wire.ConnectProperties{SessionExpiry: 120, HasSessionExpiry: true, ReceiveMaximum: 20, MaximumPacketSize: 4096,
					TopicAliasMaximum: 5, RequestResponse: true, AuthMethod: "m", HasAuthMethod: true, AuthData: []byte("d"),
					User: unhex(t, "26 0001'k' 0001'v' 26 0001'k' 0001'w'")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseConnect(unhex(t, tt.in))
			wantCode(t, err, 0)
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got %+v\nwant %+v", *got, tt.want)
			}
		})
	}
}

// The engine's frame is itself a valid CONNECT, without will, method and session.
func TestConnect_EngineFrame(t *testing.T) {
	for _, in := range []string{
		"0006'MQIsdp' 03 00 003c 0001'c'",
		v4 + "c2 ffff 0001'c' 0001'u' 0001 00",
		v4 + "26 0000 0000 0001't' 0000",
		v5 + "40 0000 00 0000 0001'p'",
		v5 + "16 000a 1c 1100000078 210014 2700001000 220005 1901 1700 15 0001'm' 16 0001'd' 0001'c' 00 0001't' 0001'p'",
	} {
		want, err := wire.ParseConnect(unhex(t, in))
		wantCode(t, err, 0)
		frame := want.EngineFrame()
		header, remaining, size, err := wire.Header(frame)
		wantCode(t, err, 0)
		if header != wire.CONNECT<<4 || size+remaining != len(frame) {
			t.Fatalf("got header %x, %d+%d of %d bytes", header, size, remaining, len(frame))
		}
		got, err := wire.ParseConnect(frame[size:])
		wantCode(t, err, 0)
		if got.KeepAlive < 10 {
			t.Errorf("got keep alive %d, want one that the engine does not warn about", got.KeepAlive)
		}
		want.Will, want.KeepAlive = nil, got.KeepAlive
		want.CleanStart, want.SessionExpiry, want.HasSessionExpiry = true, 0, false
		want.AuthMethod, want.HasAuthMethod, want.AuthData = "", false, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}
}

func TestAppendConnack(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		present bool
		code    wire.Code
		reason  string
		want    string
	}{
		{"v4 accepted, present", 4, true, wire.Success, "", "20 02 01 00"},
		{"v4 level", 4, false, wire.UnsupportedProtocolVersion, "no", "20 02 00 01"},
		{"level 6", 6, false, wire.UnsupportedProtocolVersion, "no", "20 02 00 01"},
		{"v4 client id, never present [MQTT-3.2.2-6]", 4, true, wire.ClientIdentifierNotValid, "", "20 02 00 02"},
		{"v4 busy", 4, false, wire.ServerBusy, "", "20 02 00 03"},
		{"v4 quota", 4, false, wire.QuotaExceeded, "", "20 02 00 03"},
		{"v4 password", 4, false, wire.BadUserNameOrPassword, "", "20 02 00 04"},
		{"v4 banned", 4, false, wire.Banned, "", "20 02 00 05"},
		{"v4 malformed is closed silently", 4, false, wire.MalformedPacket, "", ""},
		{"v5 code", 5, false, wire.NotAuthorized, "", "20 03 00 87 00"},
		{"v5 reason", 5, true, wire.BadAuthenticationMethod, "no", "20 08 00 8c 05 1f 0002'no'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wire.AppendConnack(nil, tt.version, tt.present, tt.code, tt.reason)
			if want := unhex(t, tt.want); !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
		})
	}
}
