package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/web"
)

// get asks the handler and returns its answer.
func get(tb testing.TB, method, path string, header ...string) *http.Response {
	tb.Helper()
	req := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	web.Handler().ServeHTTP(rec, req)
	return rec.Result()
}

func body(tb testing.TB, res *http.Response) string {
	tb.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatalf("read body: %v", err)
	}
	return string(b)
}

// assetPaths are the files that index.html loads.
func assetPaths(tb testing.TB) []string {
	tb.Helper()
	found := regexp.MustCompile(`/assets/[^"]+`).FindAllString(body(tb, get(tb, http.MethodGet, "/")), -1)
	if len(found) < 2 {
		tb.Fatalf("index.html loads %v, want a script and a style sheet", found)
	}
	return found
}

func TestHandler_Index(t *testing.T) {
	for _, path := range []string{"/", "/sessions/track", "/a/b/"} {
		t.Run("OK "+path, func(t *testing.T) {
			res := get(t, http.MethodGet, path)
			if got, want := res.StatusCode, http.StatusOK; got != want {
				t.Fatalf("status %d, want %d", got, want)
			}
			if got, want := res.Header.Get("Content-Type"), "text/html; charset=utf-8"; got != want {
				t.Errorf("content type %q, want %q", got, want)
			}
			if got, want := res.Header.Get("Cache-Control"), "no-cache"; got != want {
				t.Errorf("cache control %q, want %q", got, want)
			}
			if !strings.Contains(body(t, res), `<div id="root">`) {
				t.Error("answer is not the app's page")
			}
		})
	}
}

func TestHandler_PolicyHolds(t *testing.T) {
	res := get(t, http.MethodGet, "/")
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q lets foreign or inline scripts in", policy)
	}
	page := body(t, res)
	if inline := regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]|<style|\sstyle=|\son\w+=`).FindString(page); inline != "" {
		t.Errorf("page has inline code, which its own policy stops: %q", inline)
	}
	if foreign := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*`).FindString(page); foreign != "" {
		t.Errorf("page loads from elsewhere: %q", foreign)
	}
}

func TestHandler_Assets(t *testing.T) {
	types := map[string]string{"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
	for _, path := range assetPaths(t) {
		t.Run("OK "+path, func(t *testing.T) {
			res := get(t, http.MethodGet, path)
			if got, want := res.StatusCode, http.StatusOK; got != want {
				t.Fatalf("status %d, want %d", got, want)
			}
			if got, want := res.Header.Get("Content-Type"), types[path[strings.LastIndex(path, ".")+1:]]; got != want {
				t.Errorf("content type %q, want %q", got, want)
			}
			if got, want := res.Header.Get("Cache-Control"), "public, max-age=31536000, immutable"; got != want {
				t.Errorf("cache control %q, want %q", got, want)
			}
			if len(body(t, res)) == 0 {
				t.Error("file is empty")
			}
		})
	}
	t.Run("OK favicon", func(t *testing.T) {
		if got, want := get(t, http.MethodGet, "/favicon.svg").Header.Get("Content-Type"), "image/svg+xml"; got != want {
			t.Errorf("content type %q, want %q", got, want)
		}
	})
}

func TestHandler_Gzip(t *testing.T) {
	path := assetPaths(t)[0]
	plain := body(t, get(t, http.MethodGet, path))
	for _, tt := range []struct {
		accept string
		want   string
	}{
		{"gzip", "gzip"}, {"br, gzip;q=0.8", "gzip"}, {"GZIP", "gzip"}, {"", ""}, {"br", ""}, {"gzip;q=0", ""},
	} {
		t.Run("OK "+tt.accept, func(t *testing.T) {
			res := get(t, http.MethodGet, path, "Accept-Encoding", tt.accept)
			if got := res.Header.Get("Content-Encoding"); got != tt.want {
				t.Fatalf("content encoding %q, want %q", got, tt.want)
			}
			got := ""
			if tt.want == "gzip" {
				unzip, err := gzip.NewReader(res.Body)
				if err != nil {
					t.Fatalf("open gzip: %v", err)
				}
				b, err := io.ReadAll(unzip)
				if err != nil {
					t.Fatalf("read gzip: %v", err)
				}
				got = string(b)
			} else {
				got = body(t, res)
			}
			if got != plain {
				t.Errorf("content differs: %d bytes, want %d", len(got), len(plain))
			}
		})
	}
}

func TestHandler_Validators(t *testing.T) {
	etag := get(t, http.MethodGet, "/").Header.Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	res := get(t, http.MethodGet, "/", "If-None-Match", etag)
	if got, want := res.StatusCode, http.StatusNotModified; got != want {
		t.Errorf("status %d, want %d", got, want)
	}
	if got := body(t, res); got != "" {
		t.Errorf("304 with a body of %d bytes", len(got))
	}
	if gzipped := get(t, http.MethodGet, "/", "Accept-Encoding", "gzip").Header.Get("ETag"); gzipped == etag {
		t.Error("gzipped and plain have one ETag")
	}
}

func TestHandler_Refusals(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		want               int
	}{
		{"ErrNoFile", http.MethodGet, "/assets/none.js", http.StatusNotFound},
		{"ErrOutside", http.MethodGet, "/../web.go", http.StatusNotFound},
		{"ErrHidden", http.MethodGet, "/.git/config.d", http.StatusNotFound},
		{"ErrMethod", http.MethodPost, "/", http.StatusMethodNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := get(t, tt.method, tt.path)
			if got := res.StatusCode; got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
			if got := res.Header.Get("Cache-Control"); strings.Contains(got, "immutable") {
				t.Errorf("refusal may be cached: %q", got)
			}
		})
	}
	t.Run("OK head", func(t *testing.T) {
		res := get(t, http.MethodHead, "/")
		if res.StatusCode != http.StatusOK || body(t, res) != "" || res.Header.Get("Content-Length") == "" {
			t.Errorf("HEAD: status %d, length %q", res.StatusCode, res.Header.Get("Content-Length"))
		}
	})
}
