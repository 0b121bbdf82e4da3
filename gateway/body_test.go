package gateway_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/gateway"
)

func TestBody_Strict(t *testing.T) {
	const path = "/api/v1/sessions/s1"
	for _, tt := range []struct {
		name, body string
		status     int
		detail     string
		pointers   []string
	}{
		{"ErrUnknown", `{"title":"x","colour":1,"hots":"ana"}`, 422, `unknown member "colour"; known here: kind, title, host`, []string{"#/colour", "#/hots"}},
		{"ErrOtherCase", `{"TITLE":"x"}`, 422, `unknown member "TITLE"`, []string{"#/TITLE"}},
		{"ErrTwice", `{"title":"x","title":"y"}`, 422, `member "title" stands there twice`, []string{"#/title"}},
		{"ErrType", `{"title":7}`, 422, "title must be a string, not number", []string{"#/title"}},
		{"ErrTime", `{"startsAt":"tomorrow"}`, 422, `"tomorrow" is not a time like 2026-05-01T08:00:00Z`, nil},
		{"ErrTrailing", `{"title":"x"} {}`, 400, "there is more behind the JSON object", nil},
		{"ErrGarbage", `{"title":"x"}garbage`, 400, "there is more behind the JSON object", nil},
		{"ErrArray", `[1]`, 400, "not a JSON object", nil},
		{"ErrNull", `null`, 400, "not a JSON object", nil},
		{"ErrOpen", `{"title":"x"`, 400, "not JSON", nil},
		{"ErrBlank", `  `, 400, "the body is empty", nil},
		{"ErrSyntax", `{title:1}`, 400, "not JSON", nil},
		{"ErrUTF8", "{\"title\":\"\xff\"}", 400, "not UTF-8", nil},
		{"ErrLarge", `{"title":"` + strings.Repeat("x", 2000) + `"}`, 413, "over the limit of 1024 bytes", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, func(o *gateway.Options) { o.Limits.BodySize = 1024 })
			p := wantProblem(t, h.do(t, "token", "PUT", path, tt.body), tt.status, tt.detail)
			var got []string
			for _, f := range p.Errors {
				got = append(got, f.Pointer)
			}
			if !slices.Equal(got, tt.pointers) {
				t.Errorf("got %v, want %v", got, tt.pointers)
			}
			if len(h.engine.calls) > 0 {
				t.Errorf("a bad body reached the engine: %q", h.engine.calls)
			}
		})
	}
	t.Run("ErrNothing", func(t *testing.T) {
		wantProblem(t, newHouse(t).do(t, "token", "PUT", path, ""), 400, "the body is empty")
	})
	t.Run("ErrNotEmpty", func(t *testing.T) {
		wantProblem(t, newHouse(t).do(t, "token", "PUT", path+"/members/ana", `{"role":"host"}`), 422, `unknown member "role"; known here: none`)
	})
	t.Run("ErrMany", func(t *testing.T) {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"m%d":1,`, i)
		}
		p := wantProblem(t, newHouse(t).do(t, "token", "PUT", path, "{"+b.String()+`"x":1}`), 422, "unknown member")
		if len(p.Errors) != 20 {
			t.Errorf("%d faults listed, want 20", len(p.Errors))
		}
	})
	for name, contentType := range map[string]string{"ErrForm": "application/x-www-form-urlencoded", "ErrText": "text/plain", "ErrNone": ""} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", path+"/control", strings.NewReader(`{"action":"start"}`))
			r.SetBasicAuth("ana", "anaana")
			if contentType != "" {
				r.Header.Set("Content-Type", contentType)
			}
			wantProblem(t, newHouse(t).send(r), 415, "Content-Type: application/json")
		})
	}
	t.Run("OK/charset", func(t *testing.T) {
		r := httptest.NewRequest("PUT", path, strings.NewReader(`{"title":"x"}`))
		r.SetBasicAuth("ana", "anaana")
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		if res := newHouse(t).send(r); res.StatusCode != 200 {
			t.Errorf("got %d %s", res.StatusCode, res.Body)
		}
	})
}

// Whatever is sent, it is either taken or answered with what is wrong.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"title":"x","host":"ana","startsAt":"2026-05-01T00:00:00Z"}`, `{"title":{"a":[1,2]}}`, `{"a":1,"a":1}`, `[`, `{"rankBy":"power"}`, `{} {}`, "{\"\xff\":1}"} {
		f.Add(seed)
	}
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, body string) {
		h.t = t
		for _, path := range []string{"/api/v1/sessions/s1", "/api/v1/challenges/c1", "/api/v1/users/zoe", "/api/v1/links/tim/ana"} {
			res := h.do(t, "token", "PUT", path, body)
			if res.StatusCode >= 500 || res.StatusCode >= 400 && res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s", path, res.StatusCode, res.Body)
			}
			if len(res.Body) > 16<<10 {
				t.Errorf("%s: an answer of %d bytes", path, len(res.Body))
			}
		}
	})
}
