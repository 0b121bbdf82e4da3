// Package gatewaytest holds requests and answers of the REST interface against its
// OpenAPI description, so that tests notice when handlers and description part.
package gatewaytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Contract is a description that exchanges are held against. Safe for concurrent
// use.
type Contract struct {
	doc   *openapi3.T
	paths map[string][]string // the parts of each path

	mu       sync.Mutex // guards below
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by their place in the description
}

// New reads a description and checks that it is OpenAPI 3.1. What it says of
// answers is taken at its word: members that an object does not name are a fault,
// unless it says that there may be others.
func New(description []byte) (*Contract, error) {
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(description))
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	closeObjects(raw)
	closed, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("write the description: %w", err)
	}
	c := &Contract{paths: map[string][]string{}, schemas: map[string]*jsonschema.Schema{}, compiler: jsonschema.NewCompiler()}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(place, raw); err != nil {
		return nil, fmt.Errorf("read the description's schemas: %w", err)
	}
	for _, text := range [][]byte{description, closed} { // as it is served, too
		if c.doc, err = openapi3.NewLoader().LoadFromData(text); err != nil {
			return nil, fmt.Errorf("load the description: %w", err)
		}
		if err := c.doc.Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
			return nil, fmt.Errorf("the description is not OpenAPI: %w", err)
		}
	}
	if c.doc.OpenAPI != "3.1.0" {
		return nil, fmt.Errorf("the description is of OpenAPI %s", c.doc.OpenAPI)
	}
	for path := range c.doc.Paths.Map() {
		c.paths[path] = strings.Split(path, "/")
	}
	return c, nil
}

// place is the description's own, for what refers to it.
const place = "description.json"

// closeObjects says of each object with members that it has no others.
func closeObjects(v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			closeObjects(one)
		}
	case map[string]any:
		for _, one := range v {
			closeObjects(one)
		}
		if _, said := v["additionalProperties"]; !said && v["type"] == "object" && v["properties"] != nil {
			v["additionalProperties"] = false
		}
	}
}

// Doc is the description.
func (c *Contract) Doc() *openapi3.T { return c.doc }

// Exchange is a request with its answer.
type Exchange struct {
	Method string
	URL    *url.URL
	// Header and Body are the request's; a nil Body is not looked at.
	Header http.Header
	Body   []byte
	Status int
	// AnswerHeader and Answer are the answer's. Answer is nil where it was not read
	// to its end, and then not looked at.
	AnswerHeader http.Header
	Answer       []byte
}

// Check says what of an exchange is not as described. Of a request that was served
// the description must allow the parameters and the body, too.
func (c *Contract) Check(x Exchange) error {
	if x.Method == http.MethodHead || x.Method == http.MethodOptions {
		return nil
	}
	path, params := c.find(x.URL.EscapedPath())
	item := c.doc.Paths.Value(path)
	if path == "" || item == nil || item.GetOperation(x.Method) == nil {
		if x.Status == http.StatusNotFound || x.Status == http.StatusMethodNotAllowed || x.Status == http.StatusNoContent && x.Method == http.MethodOptions {
			return nil
		}
		return fmt.Errorf("%s %s is answered with %d, and not described", x.Method, x.URL.Path, x.Status)
	}
	err := c.check(x, path, params, item)
	if err != nil {
		return fmt.Errorf("%s %s: %d %s: %w", x.Method, x.URL, x.Status, x.Answer, err)
	}
	return nil
}

func (c *Contract) check(x Exchange, path string, params map[string]string, item *openapi3.PathItem) error {
	op := item.GetOperation(x.Method)
	req, err := http.NewRequest(x.Method, "http://server"+x.URL.RequestURI(), bytes.NewReader(x.Body))
	if err != nil {
		return err
	}
	if x.Header != nil {
		req.Header = x.Header.Clone()
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params,
		Route:   &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: x.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, ExcludeRequestBody: true},
	}
	at := "/paths/" + token(path) + "/" + strings.ToLower(x.Method)
	if x.Status < http.StatusMultipleChoices {
		err := openapi3filter.ValidateRequest(context.Background(), in)
		if err == nil && len(x.Body) > 0 {
			err = c.fits(x.Body, at+"/requestBody/content/"+token("application/json")+"/schema")
		}
		if err != nil {
			return fmt.Errorf("the request is not as described, and was served: %w", err)
		}
	}
	described := op.Responses.Value(fmt.Sprint(x.Status))
	if described == nil {
		return errors.New("this status is not described")
	}
	media, _, _ := strings.Cut(x.AnswerHeader.Get("Content-Type"), ";")
	switch {
	case len(described.Value.Content) == 0 && media == "":
		return nil
	case described.Value.Content[media] == nil:
		return fmt.Errorf("the type %q is not described", media)
	case x.Answer == nil || !strings.Contains(media, "json"):
		return nil
	}
	at += "/responses/" + fmt.Sprint(x.Status)
	if described.Ref != "" {
		at = strings.TrimPrefix(described.Ref, "#")
	}
	return c.fits(x.Answer, at+"/content/"+token(media)+"/schema")
}

// fits holds JSON against the schema at a place of the description.
func (c *Contract) fits(text []byte, at string) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.schemas[at]
	if s == nil {
		if s, err = c.compiler.Compile(place + "#" + (&url.URL{Path: at}).EscapedPath()); err != nil {
			return fmt.Errorf("compile the schema: %w", err)
		}
		c.schemas[at] = s
	}
	return s.Validate(v)
}

// token is a part of a JSON pointer (RFC 6901).
func token(part string) string {
	return strings.ReplaceAll(strings.ReplaceAll(part, "~", "~0"), "/", "~1")
}

// find returns the path of the description that a request's is of, and the values
// of its parameters. Of several that match it is the one with the fewest of these.
func (c *Contract) find(escaped string) (found string, params map[string]string) {
	got := strings.Split(escaped, "/")
	for path, want := range c.paths {
		if len(got) != len(want) {
			continue
		}
		values := map[string]string{}
		if slices.EqualFunc(got, want, func(got, want string) bool {
			name, variable := strings.CutPrefix(want, "{")
			if !variable {
				return got == want
			}
			text, err := url.PathUnescape(got)
			values[strings.TrimSuffix(name, "}")] = text
			return err == nil
		}) && (found == "" || len(values) < len(params)) {
			found, params = path, values
		}
	}
	return found, params
}
