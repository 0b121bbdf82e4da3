package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/gateway/gatewaytest"

	"github.com/fitmq/fitmq/gateway"
)

// house is a gateway with its fakes.
type house struct {
	*gateway.Gateway
	engine *fakeEngine
	users  *fakeUsers
	plane  *fakePlane
	log    *bytes.Buffer

	t        testing.TB
	contract *gatewaytest.Contract // nil before the first exchange
	unheld   bool                  // what no real engine answers is not held against it
}

// do sends a request as a user ("" nobody, "token" the admin token) and returns
// the answer.
func (h *house) do(t testing.TB, who, method, path, body string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	switch who {
	case "":
	case "token":
		r.Header.Set("Authorization", "Bearer the-token")
	default:
		r.SetBasicAuth(who, who+who)
	}
	return h.send(r)
}

// answer is what a request got.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
}

func (h *house) send(r *http.Request) answer {
	w := httptest.NewRecorder()
	x := gatewaytest.Exchange{Method: r.Method, URL: r.URL, Header: r.Header.Clone()}
	if r.Body != nil {
		x.Body, _ = io.ReadAll(r.Body) // an unreadable body is a test's own
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(x.Body), r.Body))
	}
	h.ServeHTTP(w, r)
	x.Status, x.AnswerHeader, x.Answer = w.Code, w.Header(), w.Body.Bytes()
	h.hold(x)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// hold holds an exchange against the gateway's own description. What fakes make is
// not looked at: the tests of the whole server do.
func (h *house) hold(x gatewaytest.Exchange) {
	h.t.Helper()
	if h.unheld || !strings.HasPrefix(x.URL.Path, "/api/v1/") || x.AnswerHeader.Get("Content-Encoding") != "" {
		return
	}
	if x.Status < 300 {
		x.Answer, x.Body = nil, nil
	}
	if h.contract == nil {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
		h.contract = contractOf(h.t, w.Body.Bytes())
	}
	if err := h.contract.Check(x); err != nil {
		h.t.Error(err)
	}
}
