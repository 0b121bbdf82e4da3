package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/fitmq/fitmq/delivery/wire"
)

func TestParseSubscribe(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		in      string
		want    *wire.Subscribe
		code    wire.Code
	}{
		{"OK v4", 4, "0001 0003'a/b' 01", &wire.Subscribe{PacketID: 1, Subscriptions: []wire.Subscription{{Filter: "a/b", QoS: 1}}}, 0},
		{"OK v5 all options", 5, "0001 02 0b 07 0001'#' 2e 0001'b' 10", &wire.Subscribe{PacketID: 1, ID: 7, Subscriptions: []wire.Subscription{
			{Filter: "#", QoS: 2, NoLocal: true, RetainAsPublished: true, RetainHandling: 2}, {Filter: "b", RetainHandling: 1}}}, 0},
		{"OK largest id", 5, "0001 05 0b ffffff7f 0001'a' 00", &wire.Subscribe{PacketID: 1, ID: 268435455, Subscriptions: []wire.Subscription{{Filter: "a"}}}, 0},
		{"OK user properties", 5, "0001 07 26 0001'a' 0001'b' 0001'a' 00", &wire.Subscribe{PacketID: 1, Subscriptions: []wire.Subscription{{Filter: "a"}}}, 0},
		{"OK invalid filters are kept", 5, "0001 00 0004'a#/b' 00 0008'$share/g' 00", &wire.Subscribe{PacketID: 1, Subscriptions: []wire.Subscription{{Filter: "a#/b"}, {Filter: "$share/g"}}}, 0},
		{"Err seven bytes that end inside the options", 5, "0001 00 0000", nil, wire.MalformedPacket},
		{"Err no filter [MQTT-3.8.3-2]", 5, "0001 00", nil, wire.ProtocolError},
		{"Err no filter v4 [MQTT-3.8.3-2]", 4, "0001", nil, wire.ProtocolError},
		{"Err id 0 [MQTT-2.2.1-3]", 4, "0000 0001'a' 00", nil, wire.ProtocolError},
		{"Err no property length", 5, "0001", nil, wire.MalformedPacket},
		{"Err empty filter [MQTT-4.7.3-1]", 4, "0001 0000 00", nil, wire.MalformedPacket},
		{"Err no options [MQTT-3.8.3-1]", 4, "0001 0001'a'", nil, wire.MalformedPacket},
		{"Err truncated filter", 4, "0001 0005'a' 00", nil, wire.MalformedPacket},
		{"Err filter with U+0000 [MQTT-1.5.4-2]", 4, "0001 0002'a' 00 00", nil, wire.MalformedPacket},
		{"Err filter with surrogate [MQTT-1.5.4-1]", 4, "0001 0003 eda080 00", nil, wire.MalformedPacket},
		{"Err QoS 3", 5, "0001 00 0001'a' 03", nil, wire.ProtocolError},
		{"Err QoS 3 v4", 4, "0001 0001'a' 03", nil, wire.ProtocolError},
		{"Err reserved bits v4 [MQTT-3-8.3-4]", 4, "0001 0001'a' 04", nil, wire.MalformedPacket},
		{"Err reserved bits [MQTT-3.8.3-5]", 5, "0001 00 0001'a' 40", nil, wire.MalformedPacket},
		{"Err retain handling 3", 5, "0001 00 0001'a' 30", nil, wire.ProtocolError},
		{"Err No Local shared [MQTT-3.8.3-4]", 5, "0001 00 000a'$share/g/a' 04", nil, wire.ProtocolError},
		{"Err subscription id 0", 5, "0001 02 0b00 0001'a' 00", nil, wire.ProtocolError},
		{"Err subscription id twice", 5, "0001 04 0b01 0b02 0001'a' 00", nil, wire.ProtocolError},
		{"Err subscription id too long", 5, "0001 06 0b8080808001 0001'a' 00", nil, wire.MalformedPacket},
		{"Err subscription id not shortest [MQTT-1.5.5-1]", 5, "0001 03 0b8100 0001'a' 00", nil, wire.MalformedPacket},
		{"Err foreign property", 5, "0001 03 21000a 0001'a' 00", nil, wire.MalformedPacket},
		{"Err property into the payload", 5, "0001 03 26 0001'a' 0001'b' 00", nil, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseSubscribe(tt.version, unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestParseUnsubscribe(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		in      string
		want    *wire.Unsubscribe
		code    wire.Code
	}{
		{"OK v4", 4, "0001 0003'a/b' 0001'#'", &wire.Unsubscribe{PacketID: 1, Filters: []string{"a/b", "#"}}, 0},
		{"OK v5", 5, "0001 07 26 0001'a' 0001'b' 0001'a'", &wire.Unsubscribe{PacketID: 1, Filters: []string{"a"}}, 0},
		{"Err no filter [MQTT-3.10.3-2]", 5, "0001 00", nil, wire.ProtocolError},
		{"Err id 0 [MQTT-2.2.1-3]", 4, "0000 0001'a'", nil, wire.ProtocolError},
		{"Err empty filter [MQTT-4.7.3-1]", 4, "0001 0000", nil, wire.MalformedPacket},
		{"Err truncated", 4, "0001 0001'a' 00", nil, wire.MalformedPacket},
		{"Err subscription id", 5, "0001 02 0b01 0001'a'", nil, wire.MalformedPacket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseUnsubscribe(tt.version, unhex(t, tt.in))
			wantCode(t, err, tt.code)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAppendSuback(t *testing.T) {
	codes := []wire.Code{wire.GrantedQoS1, wire.NotAuthorized, wire.GrantedQoS0}
	if got, want := wire.AppendSuback(nil, 4, 7, codes), unhex(t, "90 05 0007 01 80 00"); !bytes.Equal(got, want) {
		t.Errorf("v4: got %x, want %x", got, want)
	}
	if got, want := wire.AppendSuback(nil, 5, 7, codes), unhex(t, "90 06 0007 00 01 87 00"); !bytes.Equal(got, want) {
		t.Errorf("v5: got %x, want %x", got, want)
	}
	many := make([]wire.Code, 200)
	if got, want := wire.AppendSuback(nil, 5, 7, many)[:3], unhex(t, "90 cb 01"); !bytes.Equal(got, want) {
		t.Errorf("long: got %x, want %x", got, want)
	}
}

func TestAppendUnsuback(t *testing.T) {
	codes := []wire.Code{wire.Success, wire.NoSubscriptionExisted}
	if got, want := wire.AppendUnsuback(nil, 4, 7, codes), unhex(t, "b0 02 0007"); !bytes.Equal(got, want) {
		t.Errorf("v4: got %x, want %x", got, want)
	}
	if got, want := wire.AppendUnsuback(nil, 5, 7, codes), unhex(t, "b0 05 0007 00 00 11"); !bytes.Equal(got, want) {
		t.Errorf("v5: got %x, want %x", got, want)
	}
}
