package gateway_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/gateway"
)

// ask sends a request with further headers ("name: value").
func (h *house) ask(who, method, path, body string, headers ...string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.SetBasicAuth(who, who+who)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return h.send(r)
}

func TestGateway_ETag(t *testing.T) {
	h := newHouse(t)
	h.plane.kept["session/s1/info"] = `{"a":1}`
	const path = "/api/v1/retained?filter=session/s1/info"
	first := h.ask("root", "GET", path, "")
	tag := first.Header.Get("ETag")
	if tag == "" || first.Header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("got headers %v", first.Header)
	}
	for header, want := range map[string]int{tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, strings.TrimPrefix(tag, "W/"): 304} {
		res := h.ask("root", "GET", path, "", "If-None-Match: "+header)
		if res.StatusCode != want || want == 304 && (res.Body != "" || res.Header.Get("ETag") != tag) || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("If-None-Match %s: got %d %q, want %d", header, res.StatusCode, res.Body, want)
		}
	}
	h.plane.kept["session/s1/info"] = `{"a":2}`
	if res := h.ask("root", "GET", path, "", "If-None-Match: "+tag); res.StatusCode != 200 || res.Header.Get("ETag") == tag {
		t.Errorf("after a change: %d, %s", res.StatusCode, res.Header.Get("ETag"))
	}
	if res := h.ask("root", "GET", "/api/v1/challenges/c2/leaderboard", ""); res.Header.Get("ETag") == "" {
		t.Errorf("a board has no ETag: %d %s", res.StatusCode, res.Body)
	}
	if res := h.ask("", "GET", path, "", "If-None-Match: "+tag); res.StatusCode != 401 {
		t.Errorf("without a sign-in: %d", res.StatusCode)
	}
}

func TestGateway_Gzip(t *testing.T) {
	h := newHouse(t)
	for i := range 200 {
		h.plane.kept[fmt.Sprint("session/s1/progress/u", i)] = `{"heartRate":140}`
	}
	const path = "/api/v1/retained?filter=session/s1/progress/%2B"
	plain := h.ask("root", "GET", path, "")
	for header, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "*": true, "gzip;q=0": false, "br": false, "": false} {
		res := h.ask("root", "GET", path, "", "Accept-Encoding: "+header)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", header, got, want)
			continue
		}
		if !want {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader([]byte(res.Body)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || string(got) != plain.Body {
			t.Errorf("decompressed differs: %v", err)
		}
		if res.Header.Get("ETag") != plain.Header.Get("ETag") || res.Header.Get("Vary") == "" {
			t.Errorf("headers %v", res.Header)
		}
	}
	if res := h.ask("ana", "GET", "/api/v1/me", "", "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "" {
		t.Error("a few bytes are compressed")
	}
}

func TestGateway_CORS(t *testing.T) {
	h := newHouse(t, func(o *gateway.Options) { o.Origins = []string{"https://app.example.com"} })
	for _, res := range []answer{
		h.ask("ana", "GET", "/api/v1/me", "", "Origin: https://app.example.com"),
		h.ask("", "GET", "/api/v1/me", "", "Origin: https://app.example.com"), // the page must read why
	} {
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "https://app.example.com" {
			t.Errorf("allowed origin %q", got)
		}
	}
	pre := h.ask("", "OPTIONS", "/api/v1/publish", "", "Origin: https://app.example.com", "Access-Control-Request-Method: POST")
	if pre.StatusCode != 204 || !strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), "Idempotency-Key") {
		t.Errorf("preflight: %d %v", pre.StatusCode, pre.Header)
	}
	for _, origin := range []string{"https://evil.example.com", ""} {
		res := h.ask("ana", "GET", "/api/v1/me", "", "Origin: "+origin)
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" || res.Header.Get("Vary") != "Origin" && !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%q is allowed: %v", origin, res.Header)
		}
	}
	closed := newHouse(t)
	if res := closed.ask("ana", "GET", "/api/v1/me", "", "Origin: https://app.example.com"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other origins are allowed by default")
	}
}

func TestGateway_RequestRate(t *testing.T) {
	h := newHouse(t, func(o *gateway.Options) { o.Limits.RequestRate = 2 })
	for i := range 10 {
		if res := h.ask("ana", "GET", "/api/v1/me", ""); res.StatusCode != 200 {
			t.Fatalf("request %d: %d", i, res.StatusCode)
		}
	}
	limited := func() bool {
		res := h.ask("ana", "GET", "/api/v1/me", "")
		if res.StatusCode == 429 && res.Header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
		}
		return res.StatusCode == 429
	}
	for range 1000 {
		if limited() {
			break
		}
	}
	if !limited() {
		t.Error("there is no limit")
	}
	if res := h.ask("ben", "GET", "/api/v1/me", ""); res.StatusCode != 200 {
		t.Errorf("another user: %d", res.StatusCode)
	}
	for range 50 {
		if res := h.ask("root", "GET", "/api/v1/me", ""); res.StatusCode != 200 {
			t.Fatalf("an administrator: %d", res.StatusCode)
		}
	}
}

func TestGateway_IdempotencyKey(t *testing.T) {
	const path, key = "/api/v1/users/new", "Idempotency-Key: k1"
	const body = `{"name":"New","role":"member"}`
	t.Run("OK", func(t *testing.T) {
		h := newHouse(t)
		first := h.ask("root", "PUT", path, body, key)
		again := h.ask("root", "PUT", path, body, key)
		if first.StatusCode != 201 || again.StatusCode != 201 || again.Body != first.Body || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("got %d %s, then %d %s", first.StatusCode, first.Body, again.StatusCode, again.Body)
		}
		if len(h.users.puts) != 1 {
			t.Errorf("%d writes", len(h.users.puts))
		}
		if res := h.ask("svc", "PUT", path, body, key); res.Header.Get("Idempotency-Replayed") != "" {
			t.Error("another user gets the answer")
		}
		if res := h.ask("root", "PUT", path+"2", body, key); res.StatusCode != 201 {
			t.Errorf("another path: %d %s", res.StatusCode, res.Body)
		}
	})
	t.Run("ErrOtherBody", func(t *testing.T) {
		h := newHouse(t)
		h.ask("root", "PUT", path, body, key)
		wantProblem(t, h.ask("root", "PUT", path, `{"name":"Other","role":"member"}`, key), 422, "Idempotency-Key")
	})
	t.Run("ErrLength", func(t *testing.T) {
		h := newHouse(t)
		wantProblem(t, h.ask("root", "PUT", path, body, "Idempotency-Key: "+strings.Repeat("k", 256)), 400, "256 bytes")
	})
	t.Run("ErrTwo", func(t *testing.T) {
		h := newHouse(t)
		wantProblem(t, h.ask("root", "PUT", path, body, key, "Idempotency-Key: k2"), 400, "more than one")
		if len(h.users.puts) != 0 {
			t.Error("it was done all the same")
		}
	})
	t.Run("a refusal is kept, a failure is not", func(t *testing.T) {
		h := newHouse(t)
		wantProblem(t, h.ask("ana", "PUT", path, body, key), 403, "")
		if res := h.ask("ana", "PUT", path, body, key); res.StatusCode != 403 || res.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("again: %d %v", res.StatusCode, res.Header)
		}
		h.users.err = access.ErrUnavailable
		if res := h.ask("root", "PUT", path, body, key); res.StatusCode < 500 {
			t.Fatalf("got %d", res.StatusCode)
		}
		h.users.err = nil
		if res := h.ask("root", "PUT", path, body, key); res.StatusCode != 201 {
			t.Errorf("after a failure: %d %s", res.StatusCode, res.Body)
		}
	})
	t.Run("bounded", func(t *testing.T) {
		registry := prometheus.NewRegistry()
		h := newHouse(t, func(o *gateway.Options) { o.Registry = registry })
		for i := range 10_001 {
			h.ask("ana", "POST", "/api/v1/tokens", "{}", fmt.Sprint("Idempotency-Key: k", i))
		}
		if res := h.ask("ana", "POST", "/api/v1/tokens", "{}", "Idempotency-Key: k0"); res.Header.Get("Idempotency-Replayed") != "" {
			t.Error("the oldest is still there")
		}
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		if got := h.send(r).Body; !strings.Contains(got, "fitmq_http_idempotency_evicted_total 2") {
			t.Error("what was forgotten is not counted")
		}
	})
}

// A query that cannot be read is refused, not answered as far as it can be.
func TestGateway_QueryErr(t *testing.T) {
	h := newHouse(t, func(o *gateway.Options) { o.Streams = &fakeStreams{} })
	for _, path := range []string{"/users?search=%zz", "/users?limit=1;after=x", "/me?%", "/events?clientId=%zz"} {
		wantProblem(t, h.ask("root", "GET", "/api/v1"+path, ""), 400, "the query is broken")
	}
}

func TestGateway_Pages(t *testing.T) {
	h := newHouse(t)
	res := h.ask("root", "GET", "/api/v1/users/ana/devices?limit=0", "")
	wantProblem(t, res, 400, "limit")
	if res := h.ask("root", "GET", "/api/v1/sessions/s1/members?after=ana", ""); strings.Contains(res.Body, `"ana"`) {
		t.Errorf("behind the cursor: %s", res.Body)
	}
}
