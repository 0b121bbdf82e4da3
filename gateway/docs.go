package gateway

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

// docsPolicy lets the page have its own style, and nothing else.
const docsPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// serveDocs shows the description as a page that needs nothing else; it is open to
// everybody.
func (g *Gateway) serveDocs(w http.ResponseWriter, r *http.Request) {
	page, err := g.docs()
	if err != nil { // the tests make it
		problemOf(err).write(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", docsPolicy)
	w.Header().Set("Cache-Control", "no-cache")
	writeBody(w, r, http.StatusOK, page)
}

// The page's parts.
type (
	docsPage struct {
		Groups  []docsGroup
		Schemas []docsSchema
	}
	docsGroup struct {
		Name, About string
		Operations  []docsOperation
	}
	docsOperation struct {
		ID, Class, Method, Path, Summary, About, Curl string
		Parameters                                    []docsMember
		Body                                          *docsType
		Answers                                       []docsAnswer
	}
	docsAnswer struct {
		Status, About string
		Type          docsType
	}
	docsSchema struct {
		Name, About string
		Members     []docsMember
	}
	docsMember struct {
		Name, In, About, Range string
		Required               bool
		Type                   docsType
	}
	// docsType is text, and behind it the name of a schema that it refers to.
	docsType struct{ Text, Ref string }
)

// docsOf makes the page of the description.
func docsOf(patterns []string, description m) ([]byte, error) {
	components := description["components"].(m)
	page := docsPage{Groups: make([]docsGroup, len(groups))}
	for i, group := range groups {
		page.Groups[i] = docsGroup{Name: group.name, About: group.about}
	}
	for _, pattern := range patterns {
		method, p, _ := strings.Cut(pattern, " ")
		item, _ := description["paths"].(m)[apiPrefix+p].(m)
		op, known := item[strings.ToLower(method)].(m)
		if !known {
			continue
		}
		i := slices.IndexFunc(page.Groups, func(g docsGroup) bool { return g.Name == groupOf(p) })
		page.Groups[i].Operations = append(page.Groups[i].Operations, docsOperationOf(method, p, op, components["responses"].(m)))
	}
	all := components["schemas"].(m)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		schema := all[name].(m)
		page.Schemas = append(page.Schemas, docsSchema{Name: name, About: textOf(schema["description"]), Members: docsMembers(schema)})
	}
	var b bytes.Buffer
	if err := docsTemplate.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("make the page of the description: %w", err)
	}
	return b.Bytes(), nil
}

func docsOperationOf(method, p string, op, problems m) docsOperation {
	d := docsOperation{
		ID: textOf(op["operationId"]), Class: strings.ToLower(method), Method: method, Path: apiPrefix + p,
		Summary: textOf(op["summary"]), About: textOf(op["description"]), Curl: curl(method, p, op),
	}
	params, _ := op["parameters"].([]any)
	for _, one := range params {
		param := one.(m)
		schema := param["schema"].(m)
		in := textOf(param["in"])
		if param["required"] == true {
			in += ", required"
		}
		d.Parameters = append(d.Parameters, docsMember{Name: textOf(param["name"]), In: in, About: textOf(param["description"]), Range: rangeOf(schema)})
	}
	if body, ok := op["requestBody"].(m); ok {
		t := typeOf(contentSchema(body))
		if t.Text == "object" {
			t.Text = "None, or {}."
		}
		d.Body = &t
	}
	responses := op["responses"].(m)
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		res := responses[status].(m)
		if name, ok := res["$ref"].(string); ok {
			res = problems[path.Base(name)].(m)
		}
		d.Answers = append(d.Answers, docsAnswer{Status: status, About: textOf(res["description"]), Type: typeOf(contentSchema(res))})
	}
	return d
}

// contentSchema is the schema of what a request or answer has as its content, nil
// for none.
func contentSchema(of m) m {
	content, _ := of["content"].(m)
	for media, one := range content {
		schema := one.(m)["schema"].(m)
		if !strings.Contains(media, "json") {
			return m{"type": media}
		}
		return schema
	}
	return nil
}

func docsMembers(schema m) (list []docsMember) {
	properties, _ := schema["properties"].(m)
	required, _ := schema["required"].([]string)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		one := properties[name].(m)
		list = append(list, docsMember{
			Name: name, About: textOf(one["description"]), Range: rangeOf(one), Required: slices.Contains(required, name), Type: typeOf(one),
		})
	}
	return list
}

// typeOf words a schema's type.
func typeOf(schema m) docsType {
	if name, ok := schema["$ref"].(string); ok {
		return docsType{Ref: path.Base(name)}
	}
	switch kind := schema["type"].(type) {
	case string:
		if items, ok := schema["items"].(m); ok && kind == "array" {
			t := typeOf(items)
			return docsType{"list of " + t.Text, t.Ref}
		}
		if properties, ok := schema["properties"].(m); ok && properties["items"] != nil {
			t := typeOf(properties["items"].(m))
			return docsType{"page: " + t.Text, t.Ref}
		}
		if format := textOf(schema["format"]); format == "date-time" {
			return docsType{Text: "time"}
		}
		return docsType{Text: kind}
	case []any:
		var all []string
		for _, one := range kind {
			all = append(all, fmt.Sprint(one))
		}
		return docsType{Text: strings.Join(all, " or ")}
	}
	if schema != nil {
		return docsType{Text: "any"}
	}
	return docsType{}
}

// rangeOf words a schema's bounds.
func rangeOf(schema m) string {
	var all []string
	if list, ok := schema["enum"].([]any); ok {
		var one []string
		for _, v := range list {
			if v != "" {
				one = append(one, fmt.Sprint(v))
			}
		}
		all = append(all, strings.Join(one, ", "))
	}
	low, high := schema["minimum"], schema["maximum"]
	switch {
	case low != nil && high != nil:
		all = append(all, fmt.Sprintf("%v to %v", low, high))
	case low != nil:
		all = append(all, fmt.Sprintf("from %v", low))
	}
	for _, bound := range []struct{ name, words string }{{"maxLength", "at most %v characters"}, {"maxItems", "at most %v"}, {"default", "%v unless given"}} {
		if v := schema[bound.name]; v != nil {
			all = append(all, fmt.Sprintf(bound.words, v))
		}
	}
	return strings.Join(all, "; ")
}

// curl is a line for a shell that asks for the operation.
func curl(method, p string, op m) string {
	var query []string
	params, _ := op["parameters"].([]any)
	for _, one := range params {
		param := one.(m)
		example := fmt.Sprint(param["example"])
		if list, ok := param["example"].([]string); ok {
			example = list[0]
		}
		switch name := textOf(param["name"]); {
		case param["in"] == "path":
			p = strings.Replace(p, "{"+name+"}", url.PathEscape(example), 1)
		case param["in"] == "query" && (param["required"] == true || name == "clientId" || name == "filter" || name == "limit"):
			query = append(query, name+"="+url.QueryEscape(example))
		}
	}
	if len(query) > 0 {
		p += "?" + strings.Join(query, "&")
	}
	line := "curl"
	if op["security"] == nil {
		line += ` -u "$ME"`
	}
	body, _ := op["requestBody"].(m)
	if method != http.MethodGet && (method != http.MethodPost || body["required"] != true) {
		line += " -X " + method
	}
	switch responses := op["responses"].(m); {
	case textOf(contentType(responses)) == "text/event-stream":
		line = strings.Replace(line, "curl", "curl -N", 1)
	case textOf(contentType(responses)) == backupMedia:
		line += " -o fitmq.tar"
	}
	line += ` "$API` + p + `"`
	if content, ok := body["content"].(m); ok {
		if example, ok := content["application/json"].(m)["example"].(json.RawMessage); ok {
			line += " \\\n  -H 'Content-Type: application/json' -d '" + string(example) + "'"
		}
	}
	return line
}

// contentType is the media type of the answer 200, nil for none.
func contentType(responses m) any {
	ok, _ := responses["200"].(m)
	content, _ := ok["content"].(m)
	for media := range content {
		return media
	}
	return nil
}

func textOf(v any) string {
	s, _ := v.(string) // "" where there is none
	return s
}
