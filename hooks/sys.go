package hooks

import (
	"strconv"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/system"
)

// Figures are what the data plane and the transport count, for $SYS.
type Figures struct {
	Connected, Sessions, Subscriptions, Retained int64
	MessagesReceived, MessagesSent               int64
	MessagesDropped                              int64
	BytesReceived, BytesSent                     int64
}

// Sys publishes the $SYS topics. The engine keeps the time and some figures;
// messages never pass through it, so those it is told here.
type Sys struct {
	mqtt.HookBase
	figures func() Figures
	publish func(topic, value string)
}

// NewSys makes the hook: figures are read, and publish is called for each
// topic, at the engine's interval.
func NewSys(figures func() Figures, publish func(topic, value string)) *Sys {
	return &Sys{figures: figures, publish: publish}
}

// ID names the hook.
func (*Sys) ID() string { return "sys" }

// Provides tells the engine which hook points are used.
func (*Sys) Provides(b byte) bool { return b == mqtt.OnSysInfoTick }

// OnSysInfoTick is called at the engine's interval.
func (h *Sys) OnSysInfoTick(info *system.Info) {
	f := h.figures()
	maximum := max(atomic.LoadInt64(&info.ClientsMaximum), f.Connected)
	for _, v := range []struct {
		topic string
		value int64
	}{
		{"broker/uptime", info.Uptime},
		{"broker/time", info.Time},
		{"broker/started", info.Started},
		{"broker/clients/connected", f.Connected},
		{"broker/clients/disconnected", f.Sessions - f.Connected},
		{"broker/clients/maximum", maximum},
		{"broker/clients/total", f.Sessions},
		{"broker/subscriptions", f.Subscriptions},
		{"broker/retained", f.Retained},
		{"broker/messages/received", f.MessagesReceived},
		{"broker/messages/sent", f.MessagesSent},
		{"broker/messages/dropped", f.MessagesDropped},
		{"broker/load/bytes/received", f.BytesReceived},
		{"broker/load/bytes/sent", f.BytesSent},
		{"broker/system/memory", info.MemoryAlloc},
		{"broker/system/threads", info.Threads},
	} {
		h.publish("$SYS/"+v.topic, strconv.FormatInt(v.value, 10))
	}
}
