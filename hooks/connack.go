package hooks

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Connack completes what the engine says in CONNACK.
type Connack struct {
	mqtt.HookBase
	shared   *shared
	announce Announce
}

// ID names the hook.
func (*Connack) ID() string { return "connack" }

// Provides tells the engine which hook points are used.
func (*Connack) Provides(b byte) bool { return b == mqtt.OnPacketEncode }

// OnPacketEncode sets session present from our own sessions, which the engine
// does not know, and announces limits [3.2.2.3].
func (h *Connack) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Connack || pk.ReasonCode != 0 {
		return pk
	}
	conn, st := h.shared.of(cl)
	if conn == nil || st.session == nil {
		return pk
	}
	// [MQTT-3.2.2-2], [MQTT-3.2.2-3]; CONNACK of MQTT 3.1 has no such flag.
	pk.SessionPresent = st.session.Present() && conn.Connect().Version > 3
	p := &pk.Properties
	p.MaximumPacketSize = h.announce.MaximumPacketSize
	p.TopicAliasMaximum = h.announce.TopicAliasMaximum
	if conn.Connect().HasAuthMethod {
		p.AuthenticationMethod = TokenMethod // [MQTT-4.12.0-5]
	}
	if c := conn.Connect(); c.SessionExpiry > h.announce.SessionExpiry {
		p.SessionExpiryInterval, p.SessionExpiryIntervalFlag = h.announce.SessionExpiry, true
	}
	return pk
}
