package gateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"errors"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/gateway"
	"github.com/prometheus/client_golang/prometheus"
)

func TestNew_ErrMissing(t *testing.T) {
	_, err := gateway.New(gateway.Options{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"Engine", "Users", "Policy", "Door"} {
		if !strings.Contains(err.Error(), "option "+name+" is missing") {
			t.Errorf("%q does not name %s", err, name)
		}
	}
}

func TestGateway_SignIn(t *testing.T) {
	h := newHouse(t)
	t.Run("OK/basic", func(t *testing.T) {
		wantJSON(t, h.do(t, "ana", "GET", "/api/v1/me", ""), 200, `{"userId":"ana","name":"ANA","role":"member"}`)
	})
	t.Run("OK/bearer", func(t *testing.T) {
		wantJSON(t, h.do(t, "token", "GET", "/api/v1/me", ""), 200, `{"userId":"admin","name":"Administrator","role":"admin"}`)
	})
	t.Run("OK/scheme in another case", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/api/v1/me", nil)
		r.Header.Set("Authorization", "bearer the-token")
		if res := h.send(r); res.StatusCode != 200 {
			t.Fatalf("got %d", res.StatusCode)
		}
	})
	for name, header := range map[string]string{
		"ErrNone": "", "ErrToken": "Bearer other", "ErrNoToken": "Bearer", "ErrScheme": "Digest x", "ErrBasic": "Basic !!!",
		"ErrPassword": "Basic YW5hOndyb25n", "ErrUnknownUser": "Basic bm9ib2R5Om5vYm9keW5vYm9keQ==",
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/api/v1/me", nil)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			res := h.send(r)
			wantProblem(t, res, 401, "")
			want := []string{`Bearer realm="fitmq"`, `Basic realm="fitmq", charset="UTF-8"`}
			if got := res.Header.Values("WWW-Authenticate"); !slices.Equal(got, want) {
				t.Errorf("WWW-Authenticate %q, want %q", got, want)
			}
		})
	}
	t.Run("one answer to unknown user and wrong password", func(t *testing.T) {
		var answers []string
		for _, who := range []string{"Basic YW5hOndyb25n", "Basic bm9ib2R5Om5vYm9keW5vYm9keQ=="} {
			r := httptest.NewRequest("GET", "/api/v1/me", nil)
			r.Header.Set("Authorization", who)
			answers = append(answers, h.send(r).Body)
		}
		if answers[0] != answers[1] {
			t.Errorf("got %q and %q", answers[0], answers[1])
		}
	})
	t.Run("ErrBusy", func(t *testing.T) {
		h.users.err = context.DeadlineExceeded
		defer func() { h.users.err = nil }()
		if res := h.do(t, "ana", "GET", "/api/v1/me", ""); wantProblem(t, res, 503, "too busy").Status == 503 && res.Header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
		}
	})
}

// Every resource wants credentials.
func TestGateway_EverythingSignedIn(t *testing.T) {
	h := newHouse(t)
	for _, r := range everyRoute {
		method, path, _ := strings.Cut(r, " ")
		wantProblem(t, h.do(t, "", method, "/api/v1"+path, ""), 401, "sign in")
	}
	if len(h.engine.calls)+len(h.plane.published)+len(h.users.puts) > 0 {
		t.Error("something was done for nobody")
	}
}

var everyRoute = []string{
	"GET /me", "GET /users", "GET /users/ana", "PUT /users/ana", "DELETE /users/ana",
	"GET /links/tim/ana", "PUT /links/tim/ana", "DELETE /links/tim/ana",
	"GET /sessions", "GET /sessions/s1", "PUT /sessions/s1", "DELETE /sessions/s1",
	"GET /sessions/s1/members", "PUT /sessions/s1/members/ana", "DELETE /sessions/s1/members/ana", "POST /sessions/s1/control",
	"GET /sessions/s1/summaries", "GET /sessions/s1/summaries/ana", "GET /users/ana/workouts",
	"GET /challenges", "GET /challenges/c1", "PUT /challenges/c1", "DELETE /challenges/c1",
	"GET /challenges/c1/participants", "PUT /challenges/c1/participants/ana", "DELETE /challenges/c1/participants/ana",
	"DELETE /challenges/c1/activities/ana/a1", "GET /challenges/c1/leaderboard", "GET /challenges/c1/periods", "POST /publish", "GET /retained",
}

func TestGateway_UnknownPath(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		method, path  string
		status        int
		detail, allow string
	}{
		{"GET", "/api/v1/nothing", 404, "/api/v1/docs lists", ""},
		{"GET", "/api/users", 404, "try /api/v1/users", ""},
		{"GET", "/api/v1/users/a/b/c", 404, "/api/v1/docs", ""},
		{"PATCH", "/api/v1/users/ana", 405, "PATCH is not possible here", "DELETE, GET, HEAD, PUT"},
		{"POST", "/api/v1/sessions/s1", 405, "POST is not possible", "DELETE, GET, HEAD, PUT"},
		{"GET", "/api/v1/sessions/s1/control", 405, "GET is not possible", "POST"},
		{"POST", "/somewhere", 405, "the REST interface is below /api/v1", "GET, HEAD"},
		{"GET", "/somewhere", 404, "the REST interface is below /api/v1", ""},
	} {
		res := h.do(t, "token", tt.method, tt.path, "")
		wantProblem(t, res, tt.status, tt.detail)
		if got := res.Header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: Allow %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
	t.Run("ports that are not there are no paths", func(t *testing.T) {
		h := newHouse(t, func(o *gateway.Options) { o.Publisher, o.Retained = nil, nil })
		wantProblem(t, h.do(t, "token", "POST", "/api/v1/publish", "{}"), 404, "nothing is at")
		wantProblem(t, h.do(t, "token", "GET", "/api/v1/retained", ""), 404, "nothing is at")
	})
}

func TestGateway_Front(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	ws := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, hijacks := w.(http.Hijacker)
		_, _ = io.WriteString(w, "ws "+r.URL.Path+map[bool]string{true: " hijackable"}[hijacks])
	})
	h := newHouse(t, func(o *gateway.Options) { o.Web, o.WebSocket = web, ws })
	get := func(path, accept string) string {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept", accept)
		return h.send(r).Body
	}
	for _, tt := range []struct{ path, accept, want string }{
		{"/", "text/html,application/xhtml+xml", "page /"},
		{"/", "*/*", "MQTT over WebSocket"},
		{"/assets/app.js", "*/*", "page /assets/app.js"},
		{"/mqtt", "", "ws /mqtt"},
		{"/ws", "", "ws /ws"},
	} {
		if got := get(tt.path, tt.accept); !strings.Contains(got, tt.want) {
			t.Errorf("%s as %s: got %q, want %q", tt.path, tt.accept, got, tt.want)
		}
	}
	t.Run("ErrWebSocketElsewhere", func(t *testing.T) {
		for _, path := range []string{"/", "/socket"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "websocket")
			wantProblem(t, h.send(r), 404, "MQTT over WebSocket is at /mqtt and /ws")
		}
	})
	t.Run("a WebSocket gets the connection itself", func(t *testing.T) {
		s := httptest.NewServer(h)
		defer s.Close()
		res, err := http.Get(s.URL + "/mqtt")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if got := string(data); err != nil || got != "ws /mqtt hijackable" {
			t.Errorf("got %q", got)
		}
	})
}

func TestGateway_Probes(t *testing.T) {
	var reason error
	h := newHouse(t, func(o *gateway.Options) { o.Ready = func() error { return reason } })
	if res := h.do(t, "", "GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("healthz: %d", res.StatusCode)
	}
	if res := h.do(t, "", "GET", "/readyz", ""); res.StatusCode != 200 {
		t.Errorf("readyz: %d", res.StatusCode)
	}
	reason = errors.New("the store cannot write")
	if res := h.do(t, "", "GET", "/readyz", ""); res.StatusCode != 503 || !strings.Contains(res.Body, "the store cannot write") {
		t.Errorf("readyz while not ready: %d", res.StatusCode)
	}
	if res := newHouse(t).do(t, "", "GET", "/readyz", ""); res.StatusCode != 200 {
		t.Errorf("readyz without a check: %d", res.StatusCode)
	}
}

func TestGateway_Metrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := newHouse(t, func(o *gateway.Options) { o.Registry = registry })
	h.do(t, "ana", "GET", "/api/v1/users/ana", "")
	h.do(t, "ana", "GET", "/api/v1/users/ben", "")
	h.do(t, "ana", "HEAD", "/api/v1/users/ana", "")
	got := h.do(t, "", "GET", "/metrics", "").Body
	for _, line := range []string{
		`fitmq_http_requests_total{code="200",method="GET",route="/api/v1/users/{id}"} 2`,
		`fitmq_http_requests_total{code="403",method="GET",route="/api/v1/users/{id}"} 1`,
		`fitmq_http_request_seconds_count{route="/api/v1/users/{id}"} 3`,
		`fitmq_http_panics_total 0`,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	if _, err := gateway.New(gateway.Options{Engine: h.engine, Users: h.users, Policy: access.NewPolicy(h.engine, false), Door: h.users, Registry: registry}); err == nil {
		t.Error("a second gateway on one registry gets no error")
	}
	if res := newHouse(t).do(t, "", "GET", "/metrics", ""); res.StatusCode != 404 {
		t.Errorf("metrics without a registry: %d", res.StatusCode)
	}
}

func TestGateway_Panic(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := newHouse(t, func(o *gateway.Options) { o.Registry = registry })
	h.engine.panics = true
	res := h.do(t, "token", "DELETE", "/api/v1/sessions/s1", "")
	if p := wantProblem(t, res, 500, "internal error"); p.Detail != "internal error" {
		t.Errorf("detail %q tells too much", p.Detail)
	}
	if log := h.log.String(); !strings.Contains(log, "the fake was told to") || !strings.Contains(log, "stack") {
		t.Errorf("the log does not say what happened: %s", log)
	}
	metrics := h.do(t, "", "GET", "/metrics", "").Body
	for _, line := range []string{"fitmq_http_panics_total 1", `fitmq_http_requests_total{code="500",method="DELETE",route="/api/v1/sessions/{id}"} 1`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no %s in the metrics", line)
		}
	}
	h.engine.panics = false
	if res := h.do(t, "token", "DELETE", "/api/v1/sessions/s1", ""); res.StatusCode != 204 {
		t.Errorf("after a panic: %d", res.StatusCode)
	}
}

func TestGateway_RequestTime(t *testing.T) {
	h := newHouse(t, func(o *gateway.Options) { o.Limits.RequestTime = 20 * time.Millisecond })
	h.engine.wait = true
	res := h.do(t, "token", "DELETE", "/api/v1/sessions/s1", "")
	wantProblem(t, res, 503, "too busy to finish this in time")
}

func TestGateway_Serve(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	h := newHouse(t, func(o *gateway.Options) {
		o.Web = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(started)
			<-release
			_, _ = io.WriteString(w, "finished")
		})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			answered <- err.Error()
			return
		}
		answered <- string(data)
	}()
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- h.Shutdown(t.Context()) }()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still accepts after Shutdown has begun")
	}
	close(release)
	if got := <-answered; got != "finished" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
}

func TestGateway_Shutdown_ErrTooSlow(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	h := newHouse(t, func(o *gateway.Options) {
		o.Web = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(started); <-release })
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	cut := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err == nil {
			res.Body.Close()
		}
		cut <- err
	}()
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: got %v, want the context's error", err)
	}
	if err := <-cut; err == nil {
		t.Error("the slow request was not cut off")
	}
	close(release)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A header that never ends is cut off.
func TestGateway_HeaderTime(t *testing.T) {
	h := newHouse(t, func(o *gateway.Options) { o.Limits.HeaderTime = 30 * time.Millisecond })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection was not closed: %v", err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
