package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answer wraps a call: limits, sign-in, the answer, and what is logged and counted.
func (g *Gateway) answer(route string, fn call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		status := http.StatusInternalServerError // what a panic makes of it
		defer func() { g.metrics.observe(route, r.Method, status, time.Since(start)) }()
		ctx, cancel := context.WithTimeout(r.Context(), g.o.Limits.RequestTime)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, g.o.Limits.BodySize)
		req := request{Request: r}
		var err error
		if req.id, err = g.signIn(r, openPaths[route]); err == nil {
			err = deviceMay(req, route)
		}
		if err == nil {
			err = grantsMay(req, route)
		}
		if err == nil {
			err = g.rate.take(req)
		}
		if err == nil {
			err = queryFault(r)
		}
		var out *response
		if err == nil {
			out, err = g.once(req, func() *response { return g.run(req, route, fn) })
		}
		if err != nil {
			out = g.failed(req, err)
		}
		status = out.write(w, r)
	}
}

// run makes the answer of a call.
func (g *Gateway) run(req request, route string, fn call) *response {
	res, err := fn(req)
	if err != nil {
		return g.failed(req, err)
	}
	out := &response{status: res.status}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead && !traffic[route] {
		g.audit(req, "change", out.status, "")
		g.log.Info("administrative change", "user", req.id.UserID, "role", string(req.id.Role), "method", req.Method, "path", req.URL.Path, "status", out.status)
	}
	if res.body != nil {
		out.body = encodeJSON(res.body)
	}
	return out
}

// failed makes the answer of an error, and tells operators of it.
func (g *Gateway) failed(r request, err error) *response {
	p := problemOf(err)
	g.logFailure(r, p, err)
	if p.Status == http.StatusForbidden {
		g.audit(r, "refused", p.Status, p.Detail)
	}
	return &response{status: p.Status, problem: p}
}

// response is an answer before it is written: it may be kept and written again.
type response struct {
	status  int
	body    []byte // JSON; nil for none
	problem *Problem
	replay  bool // kept from the same request before
}

// gzipLeast is the size in bytes from which an answer is worth compressing.
const gzipLeast = 1 << 10

var gzips = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// write writes the answer and returns its status, which is 304 where the client
// has it already.
func (o *response) write(w http.ResponseWriter, r *http.Request) int {
	h := w.Header()
	if o.replay {
		h.Set("Idempotency-Replayed", "true")
	}
	if o.problem != nil {
		o.problem.write(w)
		return o.status
	}
	h.Set("Cache-Control", "no-store")
	if o.body == nil {
		w.WriteHeader(o.status)
		return o.status
	}
	if o.status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		tag := etag(o.body)
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", tag)
		if matches(r.Header.Get("If-None-Match"), tag) {
			h.Add("Vary", "Accept-Encoding") // as with the whole answer
			w.WriteHeader(http.StatusNotModified)
			return http.StatusNotModified
		}
	}
	h.Set("Content-Type", "application/json")
	writeBody(w, r, o.status, o.body)
	return o.status
}

// writeBody writes the body, compressed where that is wanted and worth it. An
// error means that the client has gone, and it is the client that would have to be
// told.
func writeBody(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) < gzipLeast || !acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body) // see above
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := gzips.Get().(*gzip.Writer)
	defer gzips.Put(z)
	z.Reset(w)
	_, _ = z.Write(body) // see above
	_ = z.Close()        // see above
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if name = strings.TrimSpace(name); !strings.EqualFold(name, "gzip") && name != "*" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err != nil || weight > 0
	}
	return false
}

// etag names what is shown, however it is encoded on the way: it is weak.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// matches reads If-None-Match (RFC 9110, 13.1.2).
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// encodeJSON is the value's JSON with a line feed.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null\n") // cannot be: what is shown has a JSON form
	}
	return b.Bytes()
}
