package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// Problem is the answer to a request that failed: RFC 9457,
// application/problem+json. Type is about:blank, so that Title is the status's
// phrase; Detail is for people.
type Problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []Fault `json:"errors,omitempty"`

	retryAfter string // seconds, or ""
	allow      string // the Allow header of a 405
}

// Fault is one of several things that are wrong with a request.
type Fault struct {
	Detail string `json:"detail"`
	// Pointer is the member of the body (RFC 6901, as a fragment), or "".
	Pointer string `json:"pointer,omitempty"`
	// Parameter is the query parameter, or "".
	Parameter string `json:"parameter,omitempty"`
}

// Error returns the detail: a Problem travels as an error to the one place that
// writes it.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail) }

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// faulty is a 422 or 400 with its list of faults; the first of them is the detail
// too, for clients that show one line.
func faulty(status int, faults []Fault) *Problem {
	details := make([]string, len(faults))
	for i, f := range faults {
		details[i] = f.Detail
	}
	p := problem(status, "%s", strings.Join(details, "; "))
	p.Errors = faults
	return p
}

// statusOf is HTTP's column of the refusals, by kind.
var statusOf = map[fitness.Kind]struct {
	status     int
	retryAfter string
}{
	fitness.Malformed:   {http.StatusUnprocessableEntity, ""},
	fitness.Invalid:     {http.StatusUnprocessableEntity, ""},
	fitness.Forbidden:   {http.StatusForbidden, ""},
	fitness.NotFound:    {http.StatusNotFound, ""},
	fitness.Conflict:    {http.StatusConflict, ""},
	fitness.Quota:       {http.StatusTooManyRequests, "10"},
	fitness.Rate:        {http.StatusTooManyRequests, "1"},
	fitness.Unavailable: {http.StatusServiceUnavailable, "1"},
	fitness.Internal:    {http.StatusInternalServerError, ""},
}

// sentinels translates the errors of others that are no fitness.Error. kind
// Internal is not in it: what is not known stays the server's fault.
var sentinels = []struct {
	err    error
	kind   fitness.Kind
	detail string
}{
	{access.ErrNoUser, fitness.NotFound, "no such user"},
	{access.ErrNoDevice, fitness.NotFound, "the user has no such device"},
	{access.ErrUnavailable, fitness.Unavailable, "signing in is not possible now: try again"},
	{access.ErrLastAdmin, fitness.Conflict, "this is the last administrator who may sign in: make another one first"},
	{access.ErrBusy, fitness.Conflict, "the user is being changed by others: try again"},
	{store.ErrUnavailable, fitness.Unavailable, "the store cannot write now: try again"},
	{store.ErrFull, fitness.Unavailable, "the store has no space left: try again later"},
	{store.ErrClosed, fitness.Unavailable, "the server is shutting down"},
	{store.ErrBusy, fitness.Conflict, "another backup is under way: wait for its end"},
	{store.ErrConflict, fitness.Conflict, "changed by somebody else at the same time: try again"},
	{context.DeadlineExceeded, fitness.Unavailable, "the server was too busy to finish this in time: try again"},
	{context.Canceled, fitness.Unavailable, "the request was given up"},
}

// problemOf translates any error.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var input *access.InputError
	if errors.As(err, &input) {
		return problem(http.StatusUnprocessableEntity, "%s", input.Msg)
	}
	kind, detail := fitness.KindOf(err), fitness.Message(err)
	if kind == fitness.Internal {
		for _, s := range sentinels {
			if errors.Is(err, s.err) {
				kind, detail = s.kind, s.detail
				break
			}
		}
	}
	row, known := statusOf[kind]
	if !known {
		row, detail = statusOf[fitness.Internal], "internal error"
	}
	p = problem(row.status, "%s", detail)
	if all := joined(err, nil); row.status < http.StatusInternalServerError && len(all) > 1 {
		p = faulty(row.status, all[:min(len(all), maxFaults)])
	}
	p.retryAfter = row.retryAfter
	return p
}

// joined gathers the messages of an error that was made of several with
// errors.Join, so that a client hears of all that is wrong at once.
func joined(err error, faults []Fault) []Fault {
	if one, ok := err.(*fitness.Error); ok { //nolint:errorlint // the tree is walked here, node by node
		return append(faults, Fault{Detail: fitness.Message(one)})
	}
	switch e := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			faults = joined(one, faults)
		}
	case interface{ Unwrap() error }:
		faults = joined(e.Unwrap(), faults)
	}
	return faults
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter != "" {
		h.Set("Retry-After", p.retryAfter)
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.Status == http.StatusUnauthorized {
		h.Add("WWW-Authenticate", `Bearer realm="fitmq"`)
		h.Add("WWW-Authenticate", `Basic realm="fitmq", charset="UTF-8"`)
	}
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}

// writeJSON writes the value. An error means that the client has gone, and it
// is the client that would have to be told.
func writeJSON(w http.ResponseWriter, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // see above
}
