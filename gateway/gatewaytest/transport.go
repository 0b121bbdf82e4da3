package gatewaytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Transport is an http.RoundTripper that holds each exchange with a server's REST
// interface against the server's own description; one that is not as described is
// an error of the request, or of reading its answer.
type Transport struct {
	// Base makes the requests; nil means http.DefaultTransport.
	Base http.RoundTripper

	mu        sync.Mutex // guards contracts
	contracts map[string]*Contract
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/api/v1/") {
		return t.base().RoundTrip(r)
	}
	x := Exchange{Method: r.Method, URL: r.URL, Header: r.Header}
	if r.Body != nil {
		var err error
		x.Body, err = io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(x.Body))
	}
	c, err := t.contract(r)
	if err != nil {
		return nil, err
	}
	res, err := t.base().RoundTrip(r)
	if err != nil {
		return nil, err
	}
	x.Status, x.AnswerHeader = res.StatusCode, res.Header
	if !strings.Contains(res.Header.Get("Content-Type"), "json") { // a stream has no end
		if err := c.Check(x); err != nil {
			return nil, errors.Join(err, res.Body.Close())
		}
		return res, nil
	}
	x.Answer, err = io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close(), c.Check(x)); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(x.Answer))
	return res, nil
}

// contract asks a server for its description, once. Servers differ in their routes
// by their configuration, which does not change.
func (t *Transport) contract(r *http.Request) (*Contract, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.contracts[r.URL.Host]; c != nil {
		return c, nil
	}
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Scheme+"://"+r.URL.Host+"/api/v1/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	res, err := t.base().RoundTrip(ask)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	c, err := New(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ask.URL, err)
	}
	if t.contracts == nil {
		t.contracts = map[string]*Contract{}
	}
	t.contracts[r.URL.Host] = c
	return c, nil
}
