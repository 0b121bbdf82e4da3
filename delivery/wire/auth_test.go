package wire_test

import (
	"bytes"
	"testing"

	"github.com/fitmq/fitmq/delivery/wire"
)

func TestParseAuth(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want wire.Auth
		code wire.Code
	}{
		{"OK", "19 0b 15 0003'JWT' 16 0002'ab'", wire.Auth{Code: wire.ReAuthenticate, Method: "JWT", Data: []byte("ab"), HasData: true}, 0},
		{"OK any order, with a reason and user properties", "18 15 16 0000 26 0001'a' 0001'b' 1f 0002'no' 15 0003'JWT'", wire.Auth{Code: wire.ContinueAuthentication, Method: "JWT", HasData: true}, 0},
		{"OK without data", "19 06 15 0003'JWT'", wire.Auth{Code: wire.ReAuthenticate, Method: "JWT"}, 0},
		{"OK empty method", "19 03 15 0000", wire.Auth{Code: wire.ReAuthenticate}, 0},
		{"Err nothing is a server's code", "", wire.Auth{}, wire.ProtocolError},
		{"Err server's code", "00 06 15 0003'JWT'", wire.Auth{}, wire.ProtocolError},
		{"Err unknown code [MQTT-3.15.2-1]", "1a 06 15 0003'JWT'", wire.Auth{}, wire.ProtocolError},
		{"Err no properties", "19", wire.Auth{}, wire.MalformedPacket},
		{"Err no method", "19 00", wire.Auth{}, wire.ProtocolError},
		{"Err data without a method", "19 04 16 0001'a'", wire.Auth{}, wire.ProtocolError},
		{"Err method twice", "19 08 15 0001'a' 15 0001'a'", wire.Auth{}, wire.ProtocolError},
		{"Err data twice", "19 0c 15 0001'a' 16 0001'a' 16 0001'a'", wire.Auth{}, wire.ProtocolError},
		{"Err reason twice", "19 0c 15 0001'a' 1f 0001'a' 1f 0001'a'", wire.Auth{}, wire.ProtocolError},
		{"Err a property of others", "19 09 15 0001'a' 11 00000001", wire.Auth{}, wire.MalformedPacket},
		{"Err method is not UTF-8", "19 04 15 0001 ff", wire.Auth{}, wire.MalformedPacket},
		{"Err cut", "19 06 15 0003'JW'", wire.Auth{}, wire.MalformedPacket},
		{"Err surplus", "19 06 15 0003'JWT' 00", wire.Auth{}, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseAuth(unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if tt.code == 0 && (got.Code != tt.want.Code || got.Method != tt.want.Method || got.HasData != tt.want.HasData || !bytes.Equal(got.Data, tt.want.Data)) {
				t.Errorf("got %+v, want %+v", *got, tt.want)
			}
		})
	}
}

func TestAppendAuth(t *testing.T) {
	for _, tt := range []struct {
		in   wire.Auth
		want string
	}{
		{wire.Auth{Method: "JWT"}, "f0 08 00 06 15 0003'JWT'"},
		{wire.Auth{Code: wire.ContinueAuthentication, Method: "m", Data: []byte("x"), HasData: true}, "f0 0a 18 08 15 0001'm' 16 0001'x'"},
	} {
		if got := wire.AppendAuth([]byte{1}, tt.in); !bytes.Equal(got, append([]byte{1}, unhex(t, tt.want)...)) {
			t.Errorf("got %x, want 01 and %s", got, tt.want)
		}
	}
}

func FuzzParseAuth(f *testing.F) {
	for _, s := range []string{"", "00", "19 0b 15 0003'JWT' 16 0002'ab'", "18 15 16 0000 26 0001'a' 0001'b' 1f 0002'no' 15 0003'JWT'"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := wire.ParseAuth(b)
		if err != nil {
			checkError(t, err)
			return
		}
		frame := wire.AppendAuth(nil, *a)
		header, remaining, size, err := wire.Header(frame)
		if err != nil || header != wire.AUTH<<4 || size+remaining != len(frame) {
			t.Fatalf("got header %x, %d+%d, %v for %d bytes", header, remaining, size, err, len(frame))
		}
		again, err := wire.ParseAuth(frame[size:])
		if err != nil || again.Code != a.Code || again.Method != a.Method || again.HasData != a.HasData || !bytes.Equal(again.Data, a.Data) {
			t.Fatalf("got %+v, %v, want %+v", again, err, a)
		}
	})
}
