// Package gateway is the HTTP side of the server: the REST interface for
// administration and as a fallback, publishing and reading retained messages,
// the mount of MQTT over WebSocket, the page, and what operators probe. It asks
// the same policy and the same use cases as MQTT does and has no rules of its
// own.
package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fitmq/fitmq/access"
)

// Options are a Gateway's parts and limits. Zero limits mean the stated values.
type Options struct {
	// Engine, Users, Policy and Door are required.
	Engine Engine
	Users  Users
	Policy Policy
	Door   Door
	// Tokens serves POST /api/v1/tokens, Devices /api/v1/users/{id}/devices; nil
	// leaves the paths out.
	Tokens  TokenIssuer
	Devices Devices
	// Audit gets changes and refusals; nil for none.
	Audit *access.Audit
	// Publisher serves POST /api/v1/publish, Retained GET /api/v1/retained; nil
	// leaves the path out.
	Publisher Publisher
	Retained  Retained
	// Streams serves GET /api/v1/events and what belongs to it; nil leaves it out.
	Streams Streams
	// Console serves /api/v1/clients, stats, refusals and explain; nil leaves them out.
	Console Console
	// Tracer serves /api/v1/clients/{clientId}/trace; nil leaves it out.
	Tracer Tracer
	// Backup serves GET /api/v1/backup: it writes a copy of the data. Error:
	// store.ErrBusy while another one is under way. nil leaves it out.
	Backup func(ctx context.Context, w io.Writer) error
	// Webhooks serves GET /api/v1/webhooks; nil leaves it out.
	Webhooks Webhooks
	// WebSocket serves /mqtt and /ws, Web serves /; nil leaves the path out.
	WebSocket http.Handler
	Web       http.Handler
	Client    http.Handler // /fitmq.js
	// Ready says why the server cannot take work now, for /readyz; nil: always ready.
	Ready func() error
	// Registry is served at /metrics and gets this package's own metrics; nil
	// leaves both out.
	Registry *prometheus.Registry
	// Logger for changes, failures and panics; nil logs nothing.
	Logger *slog.Logger
	// Anonymous lets requests without credentials publish and read retained
	// messages, as far as the policy allows nobody in particular to.
	Anonymous bool
	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// TLS makes Serve speak HTTPS (and HTTP/2 where it offers that); nil: HTTP.
	TLS *tls.Config
	// Revoked tells of a client certificate that has been revoked since its
	// connection was opened; nil: none ever is.
	Revoked func(*tls.ConnectionState) bool
	// Origins are those of the pages, besides this server's own, that may use the
	// REST interface (https://app.example.com; * for all).
	Origins []string
	// Limits of requests.
	Limits Limits
}

// Limits bound what a request may take.
type Limits struct {
	// BodySize in bytes, over which the answer is 413; zero means 1 MiB.
	BodySize int64
	// RequestTime, after which the answer is 503; zero means 30 s.
	RequestTime time.Duration
	// HeaderTime to read a request's header, HTTP's slow start; zero means 10 s.
	HeaderTime time.Duration
	// RequestRate is how many requests a second one user may make, after a first
	// five seconds' worth, over which the answer is 429; zero means no bound.
	// Administrators and services are not bounded.
	RequestRate int
	// Streams is how many event streams may be open, over which the answer is 503;
	// zero means 10,000. StreamsPerUser is how many of one user, 429; zero means 50.
	Streams, StreamsPerUser int
	// Heartbeat is after how long without a message a stream gets a comment, so that
	// proxies keep it and a client that is gone is noticed; zero means 15 s.
	Heartbeat time.Duration
	// StreamWrite is how long a stream's client may take nothing of what is written to
	// it; then the stream ends, counted, and its session waits. Zero means 30 s.
	StreamWrite time.Duration
	// IdleTime of a kept connection; zero means 2 min.
	IdleTime time.Duration
}

func (l Limits) withDefaults() Limits {
	l.BodySize = cmp.Or(l.BodySize, 1<<20)
	l.RequestTime = cmp.Or(l.RequestTime, 30*time.Second)
	l.HeaderTime = cmp.Or(l.HeaderTime, 10*time.Second)
	l.Streams = cmp.Or(l.Streams, 10_000)
	l.StreamsPerUser = cmp.Or(l.StreamsPerUser, 50)
	l.Heartbeat = cmp.Or(l.Heartbeat, 15*time.Second)
	l.StreamWrite = cmp.Or(l.StreamWrite, 30*time.Second)
	l.IdleTime = cmp.Or(l.IdleTime, 2*time.Minute)
	return l
}

// maxHeader bounds a request's header in bytes; over it net/http answers 431.
const maxHeader = 32 << 10

// Gateway is the HTTP handler and its server. Safe for concurrent use.
type Gateway struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	root    http.Handler
	api     *http.ServeMux
	server  *http.Server
	// patterns are the routes below apiPrefix, description is their OpenAPI document,
	// docs the page of it; both are made when they are asked for first.
	patterns    []string
	description func() []byte
	docs        func() ([]byte, error)
	streams     streamLimits
	rate        rates
	answers     answers
	silent      silent
	// draining ends when the server goes down.
	draining context.Context
	drain    context.CancelFunc
}

// New returns a Gateway. The error names every required part that is missing.
func New(o Options) (*Gateway, error) {
	var missing []error
	for _, part := range []struct {
		name string
		nil  bool
	}{{"Engine", o.Engine == nil}, {"Users", o.Users == nil}, {"Policy", o.Policy == nil}, {"Door", o.Door == nil}} {
		if part.nil {
			missing = append(missing, fmt.Errorf("option %s is missing", part.name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, fmt.Errorf("new gateway: %w", err)
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.Limits = o.Limits.withDefaults()
	g := &Gateway{o: o, log: o.Logger}
	g.draining, g.drain = context.WithCancel(context.Background())
	var err error
	if g.metrics, err = newMetrics(o.Registry); err != nil {
		return nil, fmt.Errorf("new gateway: %w", err)
	}
	g.rate = rates{each: float64(o.Limits.RequestRate), now: time.Now}
	g.answers = answers{now: time.Now, evicted: g.metrics.forgotten}
	g.api = g.apiRoutes()
	g.description = sync.OnceValue(func() []byte { return encodeJSON(describe(g.patterns)) })
	g.docs = sync.OnceValues(func() ([]byte, error) { return docsOf(g.patterns, describe(g.patterns)) })
	g.root = g.recovering(forwarded(o.Proxies, g.rootRoutes()))
	g.server = &http.Server{
		Handler:           g.root,
		TLSConfig:         o.TLS,
		ReadHeaderTimeout: o.Limits.HeaderTime,
		// A body that trickles, or a client that does not read its answer, ends
		// here; a WebSocket has left the server by then and has deadlines of its own.
		ReadTimeout:    o.Limits.HeaderTime + o.Limits.RequestTime,
		WriteTimeout:   o.Limits.HeaderTime + 2*o.Limits.RequestTime,
		IdleTimeout:    o.Limits.IdleTime,
		MaxHeaderBytes: maxHeader,
		ConnState:      g.silent.changed,
		ErrorLog:       slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	g.server.RegisterOnShutdown(g.silent.end)
	return g, nil
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.root.ServeHTTP(w, r) }

// Serve answers on the listener until Shutdown, and then returns nil. It closes
// the listener.
func (g *Gateway) Serve(l net.Listener) error {
	serve := g.server.Serve
	if g.o.TLS != nil {
		serve = func(l net.Listener) error { return g.server.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Shutdown stops accepting, ends the event streams with a hint to come again, waits for the requests under way until ctx ends,
// and then cuts off the others, which the error says. WebSocket connections are
// not its business. Calling it again does nothing more.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.drain()
	if err := g.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut down http: %w", errors.Join(err, g.server.Close()))
	}
	return nil
}
