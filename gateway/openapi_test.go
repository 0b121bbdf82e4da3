package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/fitmq/fitmq/access"
)

// everything is a gateway with all routes, none of which can be called.
func everything(t *testing.T) *Gateway {
	t.Helper()
	g, err := New(Options{
		Engine: struct{ Engine }{}, Users: struct{ Users }{}, Policy: struct{ Policy }{}, Door: struct{ Door }{},
		Tokens: struct{ TokenIssuer }{}, Devices: (*access.Users)(nil), Publisher: struct{ Publisher }{},
		Retained: struct{ Retained }{}, Streams: struct{ Streams }{}, Console: struct{ Console }{}, Tracer: struct{ Tracer }{},
		Backup: func(context.Context, io.Writer) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Every route is described, and nothing else is.
func TestOpenAPI_Routes(t *testing.T) {
	g := everything(t)
	for _, pattern := range g.patterns {
		if op, ok := operations[pattern]; !ok || op.summary == "" {
			t.Errorf("%s has no entry in operations.go", pattern)
		}
	}
	for pattern := range operations {
		if !slices.Contains(g.patterns, pattern) {
			t.Errorf("operations.go describes %s, which no handler serves", pattern)
		}
	}
}

func TestOpenAPI_Document(t *testing.T) {
	g := everything(t)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	if w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
		t.Fatalf("status %d, headers %v", w.Code, w.Header())
	}
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	n := 0
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			n++
			if ids[op.OperationID] {
				t.Errorf("%s %s: operationId %s is not the only one", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if want := strings.Count(path, "{"); len(op.Parameters) < want {
				t.Errorf("%s %s has %d parameters, want %d at least", method, path, len(op.Parameters), want)
			}
		}
	}
	if n != len(g.patterns) {
		t.Errorf("%d operations, want %d", n, len(g.patterns))
	}
	body := doc.Paths.Value("/api/v1/sessions/{id}").Put.RequestBody.Value.Content["application/json"].Schema.Value
	if body.Properties["title"] == nil {
		t.Errorf("the body of a session is described as %v", body.Properties)
	}
}

func TestOpenAPI_Page(t *testing.T) {
	g := everything(t)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/docs", nil))
	page := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, headers %v", w.Code, w.Header())
	}
	for _, want := range []string{"/api/v1/explain/{messageId}", "/api/v1/events", `href="openapi.json"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	for _, outside := range []string{"http://", "https://", "<script", "src="} {
		if strings.Contains(page, outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}
