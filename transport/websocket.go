package transport

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// WebSocket is MQTT over WebSocket: an http.Handler for a server that somebody
// else runs, and a listener of the engine.
type WebSocket struct {
	t       *Transport
	id      string
	origins []string
	log     *slog.Logger

	mu        sync.RWMutex // guards establish
	establish listeners.EstablishFn
}

var (
	_ listeners.Listener = (*WebSocket)(nil)
	_ http.Handler       = (*WebSocket)(nil)
)

// NewWebSocket makes the handler. A browser's page may connect when it comes
// from the host it connects to, or from one of the origins ("https://host" as
// the Origin header has it; "*" allows all). Programs send no Origin and may.
func (t *Transport) NewWebSocket(id string, origins ...string) *WebSocket {
	return &WebSocket{t: t, id: id, origins: origins, log: t.log}
}

// ID implements listeners.Listener.
func (l *WebSocket) ID() string { return l.id }

// Address is empty: the HTTP server has it.
func (l *WebSocket) Address() string { return "" }

// Protocol is "ws".
func (l *WebSocket) Protocol() string { return "ws" }

// Init implements listeners.Listener.
func (l *WebSocket) Init(log *slog.Logger) error {
	if log != nil {
		l.log = log
	}
	return nil
}

// Serve remembers whom to give connections to; before it they are refused.
func (l *WebSocket) Serve(establish listeners.EstablishFn) {
	l.mu.Lock()
	l.establish = establish
	l.mu.Unlock()
}

// Close refuses new connections and disconnects the clients, as TCP.Close does.
func (l *WebSocket) Close(listeners.CloseFn) {
	l.mu.Lock()
	was := l.establish
	l.establish = nil
	l.mu.Unlock()
	if was != nil {
		l.t.endAll(l.id)
	}
}

// subprotocols that are MQTT [MQTT-6.0.0-3]; "mqttv3.1" is the old name.
var subprotocols = []string{"mqtt", "mqttv3.1"}

// ServeHTTP upgrades the request and returns; the connection lives on.
func (l *WebSocket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.RLock()
	establish := l.establish
	l.mu.RUnlock()
	switch {
	case establish == nil:
		l.refuse(w, http.StatusServiceUnavailable, "the broker is not serving")
		return
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		w.Header().Set("Upgrade", "websocket")
		l.refuse(w, http.StatusUpgradeRequired, "this is the address for MQTT over WebSocket, for an MQTT client to connect to")
		return
	case !offersMQTT(r):
		l.refuse(w, http.StatusBadRequest, `the WebSocket subprotocol must be "mqtt" (or "mqttv3.1"): send Sec-WebSocket-Protocol`)
		return
	case !l.allowed(r):
		l.refuse(w, http.StatusForbidden, "this page's origin may not connect; the broker's configuration lists those that may")
		return
	}
	l.upgrade(w, r, establish)
}

// refuse answers with a sentence and counts.
func (l *WebSocket) refuse(w http.ResponseWriter, status int, why string) {
	l.t.stats.RefusedHTTP.Add(1)
	http.Error(w, why, status)
}

func offersMQTT(r *http.Request) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if slices.Contains(subprotocols, strings.TrimSpace(name)) {
				return true
			}
		}
	}
	return false
}

// allowed judges the Origin header, which only browsers send and cannot forge.
func (l *WebSocket) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(l.origins, "*") {
		return true
	}
	u, err := url.Parse(origin)
	if err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return true
	}
	return slices.ContainsFunc(l.origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

func (l *WebSocket) upgrade(w http.ResponseWriter, r *http.Request, establish listeners.EstablishFn) {
	u := ws.HTTPUpgrader{
		Timeout:  l.t.limits.ConnectTimeout,
		Protocol: func(name string) bool { return slices.Contains(subprotocols, name) },
	}
	extension := wsflate.Extension{Parameters: parameters}
	if l.t.limits.Compression {
		u.Negotiate = extension.Negotiate
	}
	nc, rw, _, err := u.Upgrade(r, w)
	if err != nil {
		// The upgrader has answered the request with what was wrong.
		l.t.stats.RefusedHTTP.Add(1)
		l.log.Debug("upgrade to WebSocket", "remote", r.RemoteAddr, "error", err)
		return
	}
	// The HTTP server's deadlines end here; an error will show at the first read.
	_ = nc.SetDeadline(time.Time{})
	codec := &wsCodec{}
	if _, agreed := extension.Accepted(); agreed {
		codec.deflation = &deflation{}
		codec.state = codec.state.Set(ws.StateExtended)
		l.t.stats.Compressed.Add(1)
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early, err := rw.Reader.Peek(n)
		if err == nil {
			codec.early = slices.Clone(early)
		}
	}
	c := l.t.newConn(unwrapWeb(nc), l.id, codec)
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && r.RemoteAddr != nc.RemoteAddr().String() {
		c.remote.Store(net.TCPAddrFromAddrPort(a)) // what is in front knows better
	}
	codec.timer = time.AfterFunc(time.Hour, c.ping)
	if err := l.t.admit(c); err != nil {
		codec.stop()
		_ = nc.Close() // as TCP's accept
		return
	}
	codec.timer.Reset(l.t.limits.PingInterval) // not before timer is set
	l.mu.RLock()
	closed := l.establish == nil
	l.mu.RUnlock()
	if closed { // Close may have missed it
		c.finish(nil)
	}
	go l.t.serve(c, nil, establish)
}
