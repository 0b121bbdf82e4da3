package gateway

import (
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// rootRoutes maps everything on the port.
func (g *Gateway) rootRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", cors(g.o.Origins, http.HandlerFunc(g.serveAPI)))
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", g.ready)
	if g.o.Registry != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(g.o.Registry, promhttp.HandlerOpts{}))
	}
	if g.o.WebSocket != nil {
		mux.Handle("/mqtt", g.o.WebSocket)
		mux.Handle("/ws", g.o.WebSocket)
	}
	if g.o.Client != nil {
		mux.Handle("/fitmq.js", g.o.Client)
	}
	mux.HandleFunc("/", g.front)
	return mux
}

// healthy answers as long as the process answers at all.
func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// ready answers whether the server can take work.
func (g *Gateway) ready(w http.ResponseWriter, _ *http.Request) {
	if g.o.Ready != nil {
		if err := g.o.Ready(); err != nil {
			plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
			return
		}
	}
	plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // an error means that the client has gone
}

// frontText is / for clients that want no page.
const frontText = `fitmq

  /            the page, in a browser
  /fitmq.js    the client for pages of one's own
  /mqtt, /ws   MQTT over WebSocket, subprotocol mqtt
  /api/v1/     REST and event streams: see /api/v1/docs
  /healthz     alive?
  /readyz      ready?
  /metrics     Prometheus
`

// front serves the page, and / as text to clients that want no page.
func (g *Gateway) front(w http.ResponseWriter, r *http.Request) {
	wantsPage := r.URL.Path != "/" || strings.Contains(r.Header.Get("Accept"), "text/html")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		p := problem(http.StatusMethodNotAllowed, "%s is not possible here; the REST interface is below %s", clip(r.Method), apiPrefix)
		p.allow = "GET, HEAD"
		p.write(w)
	case g.o.WebSocket != nil && strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		problem(http.StatusNotFound, "no WebSocket is at %s; MQTT over WebSocket is at /mqtt and /ws", clip(r.URL.Path)).write(w)
	case g.o.Web != nil && wantsPage:
		g.o.Web.ServeHTTP(w, r)
	case r.URL.Path == "/":
		plain(w, http.StatusOK, frontText)
	default:
		problem(http.StatusNotFound, "nothing is at %s; the REST interface is below %s", clip(r.URL.Path), apiPrefix).write(w)
	}
}
