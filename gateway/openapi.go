package gateway

import (
	"encoding"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// operation is what the description says of a route beside what the route says
// itself.
type operation struct {
	summary string
	// query names the parameters of the query.
	query []string
	// body and answer are values of the types that are read and written; nil: none,
	// or an object that is described in docs/protocol.md.
	body, answer any
	// status of success; 0 means 200, or 204 for DELETE.
	status int
	// media is the answer's, where it is not JSON.
	media string
}

// m is a JSON object.
type m = map[string]any

// describe makes the OpenAPI 3.1 description of routes that are served. A route
// that has no operation is left out; a test sees to it that each has one.
func describe(patterns []string) m {
	paths := m{}
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		op, known := operations[pattern]
		if !known {
			continue
		}
		item, _ := paths[apiPrefix+path].(m)
		if item == nil {
			item = m{}
			paths[apiPrefix+path] = item
		}
		item[strings.ToLower(method)] = op.describe(method, path)
	}
	return m{
		"openapi": "3.1.0",
		"info": m{
			"title": "fitmq", "version": "1",
			"description": "The HTTP side of fitmq. docs/protocol.md says what the fields mean, and what the topics below publish and events carry.",
			"license":     m{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []any{m{"url": "/"}},
		"security": []any{m{"basic": []any{}}, m{"bearer": []any{}}},
		"paths":    paths,
		"components": m{
			"securitySchemes": m{
				"basic":  m{"type": "http", "scheme": "basic", "description": "user and password, or a device's secret"},
				"bearer": m{"type": "http", "scheme": "bearer", "description": "a JSON Web Token, or the administrator's token"},
			},
			"schemas": m{"Problem": schemaOf(reflect.TypeOf(Problem{}))},
			"responses": m{"Problem": m{
				"description": "what is wrong (RFC 9457)",
				"content":     m{"application/problem+json": m{"schema": m{"$ref": "#/components/schemas/Problem"}}},
			}},
		},
	}
}

// describe is the operation's object.
func (o operation) describe(method, path string) m {
	status := o.status
	if status == 0 {
		status = http.StatusOK
		if method == http.MethodDelete {
			status = http.StatusNoContent
		}
	}
	success := m{"description": http.StatusText(status)}
	switch {
	case o.media != "":
		success["content"] = m{o.media: m{"schema": m{"type": "string"}}}
	case status != http.StatusNoContent:
		success["content"] = m{"application/json": m{"schema": schema(o.answer)}}
	}
	d := m{
		"summary": o.summary, "operationId": operationID(method, path),
		"tags":      []any{strings.SplitN(path, "/", 3)[1]},
		"responses": m{fmt.Sprint(status): success, "default": m{"$ref": "#/components/responses/Problem"}},
	}
	if params := o.parameters(method, path); len(params) > 0 {
		d["parameters"] = params
	}
	if method == http.MethodPut || method == http.MethodPost {
		d["requestBody"] = m{"required": true, "content": m{"application/json": m{"schema": schema(o.body)}}}
	}
	return d
}

func (o operation) parameters(method, path string) []any {
	var list []any
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			list = append(list, m{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": m{"type": "string"}})
		}
	}
	for _, name := range o.query {
		kind := "string"
		if slices.Contains([]string{"limit", "offset", "qos", "expiry"}, name) {
			kind = "integer"
		}
		one := m{"name": name, "in": "query", "schema": m{"type": kind}}
		if name == "filter" && path == "/events" {
			one["schema"] = m{"type": "array", "items": m{"type": "string"}}
		}
		list = append(list, one)
	}
	switch {
	case path == "/events":
		list = append(list, m{"name": "Last-Event-ID", "in": "header", "schema": m{"type": "string"}})
	case method == http.MethodGet:
		list = append(list, m{"name": "If-None-Match", "in": "header", "schema": m{"type": "string"}})
	default:
		list = append(list, m{"name": "Idempotency-Key", "in": "header", "schema": m{"type": "string", "maxLength": keyLength}})
	}
	return list
}

// operationID is like getSessionsIdMembers.
func operationID(method, path string) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(method))
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return strings.ContainsRune("/{}.", r) }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

func schema(v any) m {
	if v == nil {
		return m{"type": "object"}
	}
	return schemaOf(reflect.TypeOf(v))
}

var (
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
	readType = reflect.TypeFor[json.Unmarshaler]()
)

// schemaOf is the JSON Schema of what encoding/json makes of the type.
func schemaOf(t reflect.Type) m {
	switch {
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem())
	case t == reflect.TypeFor[time.Time]():
		return m{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[ttl]():
		return m{"type": []any{"number", "string"}}
	case t.Implements(textType):
		return m{"type": "string"}
	case t.Implements(jsonType), reflect.PointerTo(t).Implements(readType):
		return m{} // a form of its own
	}
	switch t.Kind() {
	case reflect.String:
		return m{"type": "string"}
	case reflect.Bool:
		return m{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return m{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return m{"type": "string", "contentEncoding": "base64"}
		}
		return m{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return m{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties := m{}
		addFields(properties, t)
		return m{"type": "object", "properties": properties}
	case reflect.Interface:
		return m{}
	}
	return m{"type": "integer"}
}

func addFields(properties m, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			addFields(properties, f.Type)
		case f.IsExported() && name != "-" && name != "":
			properties[name] = schemaOf(f.Type)
		}
	}
}

// serveOpenAPI answers the description; it is open to everybody.
func (g *Gateway) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	out := &response{status: http.StatusOK, body: g.description}
	out.write(w, r)
}

// serveDocs shows the description as a page that needs nothing else.
func (g *Gateway) serveDocs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	writeBody(w, r, http.StatusOK, docsPage(g.patterns))
}

const docsHead = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>fitmq: REST interface</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem;border-bottom:1px solid}summary{cursor:pointer;padding:.25rem 0}code,pre{font-family:ui-monospace,monospace}
pre{overflow-x:auto;padding:.75rem;border:1px solid}b{display:inline-block;min-width:4.5rem}
</style><h1>fitmq: REST interface</h1><p>Sign in with Basic (user and password) or Bearer (a token). Errors are <code>application/problem+json</code>.
The same for programs: <a href="openapi.json">openapi.json</a>.</p>
`

// docsPage lists the operations, each with its parameters and schemas.
func docsPage(patterns []string) []byte {
	var b strings.Builder
	b.WriteString(docsHead)
	section := ""
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		op, known := operations[pattern]
		if !known {
			continue
		}
		if first := strings.SplitN(path, "/", 3)[1]; first != section {
			section = first
			fmt.Fprintf(&b, "<h2>%s</h2>\n", html.EscapeString(section))
		}
		detail, err := json.MarshalIndent(op.describe(method, path), "", "  ")
		if err != nil {
			continue // cannot be
		}
		fmt.Fprintf(&b, "<details><summary><b>%s</b> <code>%s</code> %s</summary><pre>%s</pre></details>\n",
			method, html.EscapeString(apiPrefix+path), html.EscapeString(op.summary), html.EscapeString(string(detail)))
	}
	b.WriteString("</html>\n")
	return []byte(b.String())
}
