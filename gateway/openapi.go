package gateway

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// operation is what the description says of a route beside what the route says
// itself.
type operation struct {
	summary string
	// about says more than the summary: who may, and what it does besides.
	about string
	// query names the parameters of the query; queryWords describe them.
	query []string
	// body and answer are values of the types that are read and written; nil: none.
	body, answer any
	// need names the members without which the body is refused.
	need []string
	// example is a body, as JSON.
	example string
	// status of success; 0 means 200, or 204 where there is no answer. created: 201
	// as well, for what was not there before.
	status  int
	created bool
	// media is the answer's, where it is not JSON.
	media string
	// public needs no credentials.
	public bool
	// refuses are statuses beside those that follow from what the operation is.
	refuses []int
}

// m is a JSON object.
type m = map[string]any

// groups are the tags, in the order of the page, and the first parts of the paths
// that belong to them.
var groups = []struct {
	name, about string
	paths       []string
}{
	{"Account", "Who asks, tokens, and what users keep for themselves.", []string{"me", "tokens"}},
	{"Messages", "Publishing, and MQTT's session as an event stream: the way that works where WebSocket does not.", []string{"publish", "events", "ack", "subscribe", "unsubscribe", "retained", "explain"}},
	{"Sessions", "Live workouts and trainings.", []string{"sessions"}},
	{"Challenges", "Challenges, their boards, and what was handed in.", []string{"challenges"}},
	{"Chat", "Conversations and what was said.", []string{"conversations"}},
	{"Matches", "Training partners.", []string{"matches"}},
	{"Users", "Users, their devices, and who trains whom.", []string{"users", "links"}},
	{"Operation", "What the server does, for administrators.", []string{"clients", "queues", "boards", "stats", "refusals", "webhooks", "backup"}},
	{"Description", "This.", []string{"openapi.json", "docs"}},
}

// groupOf is the tag of a path.
func groupOf(path string) string {
	first := strings.SplitN(path, "/", 3)[1]
	for _, g := range groups {
		if slices.Contains(g.paths, first) {
			return g.name
		}
	}
	return first
}

// describe makes the OpenAPI 3.1 description of routes that are served. A route
// that has no operation is left out; a test sees to it that each has one.
func describe(patterns []string) m {
	s := newSchemas()
	s.of(reflect.TypeFor[Problem](), false)
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
		item[strings.ToLower(method)] = op.describe(s, method, path)
	}
	tags := make([]any, len(groups))
	for i, g := range groups {
		tags[i] = m{"name": g.name, "description": g.about}
	}
	return m{
		"openapi": "3.1.0",
		"info": m{
			"title": "fitmq", "version": "1", "summary": "MQTT for fitness apps, over HTTP",
			"description": "What the topics carry that /publish takes and /events gives, and what the fields of payloads mean, is in docs/protocol.md of the project. " +
				"Lists are pages: `next` of one is `after` of the one behind it, and absent at the end.",
			"license": m{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []any{m{"url": "/", "description": "this server"}},
		"security": []any{m{"basic": []any{}}, m{"bearer": []any{}}, m{"certificate": []any{}}},
		"tags":     tags,
		"paths":    paths,
		"components": m{
			"securitySchemes": m{
				"basic":       m{"type": "http", "scheme": "basic", "description": "user and password; the password may be a device's secret, a token, or for admin the administrator's token"},
				"bearer":      m{"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "a JSON Web Token, or the administrator's token"},
				"certificate": m{"type": "mutualTLS", "description": "a client certificate whose common name is the user's id, where the server is configured for it"},
			},
			"schemas": s.components, "responses": problemResponses(), "headers": m{
				"ETag":               m{"description": "names what is shown: for If-None-Match", "schema": m{"type": "string"}, "example": `W/"hN0c7mVqkYbS8x2T"`},
				"Retry-After":        m{"description": "after how many seconds to try again", "schema": m{"type": "integer", "minimum": 1}, "example": 1},
				"IdempotencyReplied": m{"description": "true where this is the answer to an earlier request with the same Idempotency-Key", "schema": m{"type": "string", "enum": []any{"true"}}},
			},
		},
	}
}

// problemWords say what each status of a problem means here.
var problemWords = map[int]string{
	400: "A parameter of the query or a header is not what it must be, or the body is not JSON.",
	401: "Nobody is signed in, or not with valid credentials.",
	403: "The caller has no right to it; the detail says why.",
	404: "There is no such thing.",
	408: "The body came too slowly.",
	409: "It does not go with what is there, or the same Idempotency-Key is under way.",
	413: "The body is too large.",
	415: "The body is not sent as application/json.",
	422: "A member of the body is missing, unknown, or over its limit, or the Idempotency-Key was used for another request.",
	429: "Too often: too many requests, wrong passwords, or messages over a quota.",
	500: "The server's fault; its log says more.",
	503: "Not now: the store cannot write, the server is too busy or goes down.",
}

// problemName names a status's response among the components.
func problemName(status int) string {
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

func problemResponses() m {
	all := m{}
	for status, words := range problemWords {
		one := m{
			"description": words,
			"content":     m{"application/problem+json": m{"schema": ref("Problem"), "example": problem(status, "%s", strings.ToLower(words[:1])+words[1:])}},
		}
		switch status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			one["headers"] = m{"Retry-After": ref2("headers", "Retry-After")}
		case http.StatusUnauthorized:
			one["headers"] = m{"WWW-Authenticate": m{"description": "the ways to sign in", "schema": m{"type": "string"}}}
		}
		all[problemName(status)] = one
	}
	return all
}

// ref refers to a schema, ref2 to another component.
func ref(name string) m        { return ref2("schemas", name) }
func ref2(kind, name string) m { return m{"$ref": "#/components/" + kind + "/" + name} }

// describe is the operation's object.
func (o operation) describe(s *schemas, method, path string) m {
	responses := m{}
	for _, status := range o.successes(method) {
		responses[fmt.Sprint(status)] = o.success(s, method, status)
	}
	for _, status := range o.problems(method, path) {
		responses[fmt.Sprint(status)] = ref2("responses", problemName(status))
	}
	if o.conditional(method) {
		responses["304"] = m{"description": "It is what If-None-Match names.", "headers": m{"ETag": ref2("headers", "ETag")}}
	}
	d := m{
		"summary": o.summary, "operationId": operationID(method, path),
		"tags": []any{groupOf(path)}, "responses": responses,
	}
	if o.about != "" {
		d["description"] = o.about
	}
	if o.public {
		d["security"] = []any{}
	}
	if params := o.parameters(method, path); len(params) > 0 {
		d["parameters"] = params
	}
	if o.takesBody(method) {
		d["requestBody"] = o.requestBody(s)
	}
	return d
}

// conditional reports whether an answer has an ETag that is compared.
func (o operation) conditional(method string) bool {
	return method == http.MethodGet && o.media == ""
}

// takesBody reports whether a body may be sent.
func (o operation) takesBody(method string) bool {
	return method == http.MethodPut || method == http.MethodPost
}

func (o operation) successes(method string) []int {
	status := o.status
	if status == 0 {
		status = http.StatusOK
		if o.answer == nil && o.media == "" {
			status = http.StatusNoContent
		}
	}
	if o.created {
		return []int{status, http.StatusCreated}
	}
	return []int{status}
}

func (o operation) success(s *schemas, method string, status int) m {
	words := map[int]string{200: "It is done.", 201: "It was not there before, and is now.", 204: "It is done; there is nothing to show."}
	one := m{"description": words[status]}
	if method == http.MethodGet {
		one["description"] = o.summary
	}
	switch {
	case o.media != "":
		one["content"] = m{o.media: m{"schema": m{"type": "string"}}}
	case status != http.StatusNoContent:
		one["content"] = m{"application/json": m{"schema": s.of(reflect.TypeOf(o.answer), false)}}
	}
	switch {
	case o.conditional(method):
		one["headers"] = m{"ETag": ref2("headers", "ETag")}
	case method != http.MethodGet:
		one["headers"] = m{"Idempotency-Replayed": ref2("headers", "IdempotencyReplied")}
	}
	return one
}

// problems are the statuses with which the operation may refuse.
func (o operation) problems(method, path string) []int {
	if o.public {
		return nil
	}
	list := slices.Clone(o.refuses)
	list = append(list, 400, 401, 429, 500, 503)
	if path != "/me" {
		list = append(list, 403) // tokens that are for topics alone, devices, and who may not
	}
	if method != http.MethodGet {
		list = append(list, 408, 409, 413, 422) // what the Idempotency-Key can do
	}
	if o.takesBody(method) {
		list = append(list, 415)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (o operation) requestBody(s *schemas) m {
	content := m{"schema": m{"type": "object", "additionalProperties": false}}
	if o.body != nil {
		content["schema"] = s.body(reflect.TypeOf(o.body), o.need)
	}
	if o.example != "" {
		content["example"] = rawJSON(o.example)
	}
	return m{"required": o.body != nil, "content": m{"application/json": content}}
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

// serveOpenAPI answers the description; it is open to everybody.
func (g *Gateway) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	out := &response{status: http.StatusOK, body: g.description()}
	out.write(w, r)
}
