// Package client holds the browser's client in one file, for pages without a
// bundler: the built file, embedded, and the handler that serves it. The sources
// are in core and react; `npm ci && npm run bundle` makes bundle/fitmq.js, which
// is committed so that building the broker needs no Node.
package client

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // the file
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

//go:embed bundle/fitmq.js
var file []byte

// pack gzips the file once: 115 kB instead of 383.
var pack = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	// A buffer takes everything: an error cannot be.
	if _, err := zip.Write(file); err != nil {
		panic(fmt.Sprintf("client: gzip: %v", err))
	}
	if err := zip.Close(); err != nil {
		panic(fmt.Sprintf("client: gzip: %v", err))
	}
	return packed.Bytes()
})

// Handler serves the file to GET and HEAD requests; others get 405. Pages of any
// origin may load it: what it may do for them, the broker's configuration says.
func Handler() http.Handler {
	sum := sha256.Sum256(file)
	etag := hex.EncodeToString(sum[:12])
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache") // may be kept, must be asked about each time
		h.Set("Vary", "Accept-Encoding")
		body, tag := file, etag
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			body, tag = pack(), etag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("ETag", `"`+tag+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}
