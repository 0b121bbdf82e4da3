package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/gateway/gatewaytest"
)

// everything is a gateway with all routes, none of which can be called.
func everything(t *testing.T) *Gateway {
	t.Helper()
	g, err := New(Options{
		Engine: struct{ Engine }{}, Users: struct{ Users }{}, Policy: struct{ Policy }{}, Door: struct{ Door }{},
		Tokens: struct{ TokenIssuer }{}, Devices: (*access.Users)(nil), Publisher: struct{ Publisher }{},
		Retained: struct{ Retained }{}, Streams: struct{ Streams }{}, Console: struct{ Console }{}, Tracer: struct{ Tracer }{},
		Webhooks: struct{ Webhooks }{}, Backup: func(context.Context, io.Writer) error { return nil },
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

// served is the description as a client gets it.
func served(t *testing.T) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	everything(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	if w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
		t.Fatalf("status %d, headers %v", w.Code, w.Header())
	}
	return w.Body.Bytes()
}

// The document is OpenAPI 3.1, examples and defaults go with their schemas, and
// everything has words.
func TestOpenAPI_Document(t *testing.T) {
	contract, err := gatewaytest.New(served(t))
	if err != nil {
		t.Fatal(err)
	}
	doc := contract.Doc()
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if ids[op.OperationID] {
				t.Errorf("%s %s: operationId %s is not the only one", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if doc.Tags.Get(op.Tags[0]) == nil {
				t.Errorf("%s %s: tag %s is not described", method, path, op.Tags[0])
			}
			for _, p := range op.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s %s: parameter %s has no words", method, path, p.Value.Name)
				}
			}
			typed(t, method+" "+path, op)
		}
	}
	if len(ids) != len(everything(t).patterns) {
		t.Errorf("%d operations, want %d", len(ids), len(everything(t).patterns))
	}
	for name, schema := range doc.Components.Schemas {
		for member, one := range schema.Value.Properties {
			if words := one.Value.Description; words == "" && name != "Message" && name != "Notification" && name != "Activity" && one.Extensions["description"] == nil {
				t.Errorf("schema %s: member %s has no words in openapi_words.go", name, member)
			}
		}
	}
	for _, want := range []string{"Session", "SessionBody", "Leaderboard", "Problem"} {
		if doc.Components.Schemas[want] == nil {
			t.Errorf("there is no schema %s", want)
		}
	}
}

// typed checks that an operation says what it takes and answers.
func typed(t *testing.T, name string, op *openapi3.Operation) {
	t.Helper()
	success := 0
	for status, res := range op.Responses.Map() {
		if status[0] != '2' {
			continue
		}
		success++
		for media, content := range res.Value.Content {
			if media == "application/json" && content.Schema.Ref == "" && len(content.Schema.Value.Properties) == 0 && op.OperationID != "getOpenapiJson" {
				t.Errorf("%s: the answer %s has no members", name, status)
			}
		}
	}
	if success == 0 {
		t.Errorf("%s never succeeds", name)
	}
	if op.RequestBody != nil && op.RequestBody.Value.Required && op.RequestBody.Value.Content["application/json"].Example == nil {
		t.Errorf("%s has no example of a body", name)
	}
}

// A word that describes no member is one that was forgotten.
func TestOpenAPI_Words(t *testing.T) {
	var document m
	if err := json.Unmarshal(served(t), &document); err != nil {
		t.Fatal(err)
	}
	members := map[string]bool{}
	var walk func(owner string, v any)
	walk = func(owner string, v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(owner, one)
			}
		case m:
			properties, _ := v["properties"].(m)
			for name := range properties {
				members[name], members[owner+"."+name], members[strings.TrimSuffix(owner, "Body")+"."+name] = true, true, true
			}
			for _, one := range v {
				walk("", one)
			}
		}
	}
	walk("", document["paths"])
	for name, schema := range document["components"].(m)["schemas"].(m) {
		walk(name, schema)
	}
	for word := range memberWords {
		if !members[word] {
			t.Errorf("memberWords describes %s, which no schema has", word)
		}
	}
	parameters := served(t)
	for word := range queryWords {
		if name := word[strings.LastIndex(word, " ")+1:]; !bytes.Contains(parameters, []byte(`"name":"`+name+`"`)) {
			t.Errorf("queryWords describes %s, which no operation has", word)
		}
	}
}

func TestOpenAPI_Page(t *testing.T) {
	g := everything(t)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/docs", nil))
	page := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("status %d, headers %v", w.Code, w.Header())
	}
	for _, want := range []string{
		"/api/v1/explain/{messageId}", "/api/v1/events", `href="openapi.json"`, `id="schema-Session"`, `href="#schema-Session"`, `<h2 id="Challenges">`,
		`curl -u &#34;$ME&#34; &#34;$API/me&#34;`, "-d &#39;{&#34;userId&#34;:&#34;ana&#34;,&#34;ttl&#34;:&#34;15m&#34;}&#39;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	for _, group := range groups {
		if !strings.Contains(page, `href="#`+group.name+`"`) {
			t.Errorf("the page has no way to %s", group.name)
		}
	}
	for _, outside := range []string{"https://", "<script", "src=", "<link", "url("} {
		if strings.Contains(page, outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}
