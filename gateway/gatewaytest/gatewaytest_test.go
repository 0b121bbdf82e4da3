package gatewaytest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/gateway/gatewaytest"
)

const description = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
"/api/v1/things/{id}":{"put":{"operationId":"put",
  "parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}},{"name":"limit","in":"query","schema":{"type":"integer","maximum":9}}],
  "requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"name":{"type":"string"}},"additionalProperties":false}}}},
  "responses":{"200":{"description":"done","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}},"204":{"description":"nothing"}}}},
"/api/v1/things/new":{"get":{"operationId":"new","responses":{"204":{"description":"nothing"}}}}},
"components":{"schemas":{"Thing":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"at":{"type":"string","format":"date-time"},"more":{"type":"object","additionalProperties":true}}}}}}`

func TestContract_Check(t *testing.T) {
	c, err := gatewaytest.New([]byte(description))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		media, answer      string
		want               string // a part of the error, "" for none
	}{
		"OK":           {"PUT", "/things/a%2Fb", `{"name":"x"}`, 200, "application/json", `{"id":"a","at":"2026-05-01T08:00:00Z","more":{"x":1}}`, ""},
		"OK/nothing":   {"PUT", "/things/a", "", 204, "", "", ""},
		"OK/literal":   {"GET", "/things/new", "", 204, "", "", ""},
		"OK/unknown":   {"GET", "/other", "", 404, "application/problem+json", `{}`, ""},
		"ErrPath":      {"GET", "/other", "", 200, "application/json", `{}`, "not described"},
		"ErrStatus":    {"PUT", "/things/a", "", 409, "application/problem+json", `{}`, "status is not described"},
		"ErrMedia":     {"PUT", "/things/a", "", 200, "text/plain", `x`, `the type "text/plain"`},
		"ErrMember":    {"PUT", "/things/a", "", 200, "application/json", `{"id":"a","other":1}`, "additional"},
		"ErrMissing":   {"PUT", "/things/a", "", 200, "application/json", `{}`, "missing"},
		"ErrType":      {"PUT", "/things/a", "", 200, "application/json", `{"id":null}`, "got null"},
		"ErrFormat":    {"PUT", "/things/a", "", 200, "application/json", `{"id":"a","at":"yesterday"}`, "date-time"},
		"ErrBody":      {"PUT", "/things/a", `{"size":1}`, 204, "", "", "was served"},
		"ErrParameter": {"PUT", "/things/a?limit=10", "", 204, "", "", "was served"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse("/api/v1" + tc.path)
			if err != nil {
				t.Fatal(err)
			}
			x := gatewaytest.Exchange{Method: tc.method, URL: u, Status: tc.status, AnswerHeader: http.Header{}, Header: http.Header{}, Answer: []byte(tc.answer)}
			if tc.body != "" {
				x.Body = []byte(tc.body)
				x.Header.Set("Content-Type", "application/json")
			}
			if tc.media != "" {
				x.AnswerHeader.Set("Content-Type", tc.media)
			}
			err = c.Check(x)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestNew_Err(t *testing.T) {
	for _, text := range []string{"", "[]", strings.Replace(description, `"description":"done",`, "", 1), strings.Replace(description, "3.1.0", "3.0.3", 1)} {
		if _, err := gatewaytest.New([]byte(text)); err == nil {
			t.Errorf("no error for %.80s", text)
		}
	}
}
