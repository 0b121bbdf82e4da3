// Package web holds the app that the broker serves at /: its built files, embedded, and the handler that
// serves them. The sources are in src; `npm ci && npm run build` makes dist, which is committed so that
// building the broker needs no Node.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// ContentSecurityPolicy is what the app may load: files and sockets of its own origin, nothing inline, no
// frames around it. The one exception are workers from blobs, in which the MQTT library keeps its keep-alive
// timer, because a hidden tab's own timers are slowed down to less than the keep-alive needs.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const (
	cacheForever = "public, max-age=31536000, immutable" // the name carries a hash of the content
	cacheNever   = "no-cache"                            // may be kept, must be asked about each time
	index        = "index.html"
)

// contentTypes are the kinds of file a build makes. Written out, because the standard library's table also
// reads the machine's own, and a wrong type there would stop the app under nosniff.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".ico":         "image/x-icon",
	".json":        "application/json",
	".webmanifest": "application/manifest+json",
	".txt":         "text/plain; charset=utf-8",
}

// asset is one built file, ready to be sent.
type asset struct {
	plain       []byte
	gzipped     []byte // empty where it would not be smaller
	contentType string
	cache       string
	etag        string
}

// load reads the built files once: 600 kB, and 180 kB more gzipped.
var load = sync.OnceValue(func() map[string]asset {
	assets, err := readAssets(dist)
	if err != nil {
		// The files are part of the binary: this is a broken build, and the package's test fails on it.
		panic(fmt.Sprintf("web: read embedded files: %v", err))
	}
	return assets
})

// Handler serves the app to GET and HEAD requests; others get 405.
//
// A path with a dot in its last element is a file: served, or 404. Every other path is a place in the app and
// gets index.html, which is never cached unasked; files below /assets/ are cached for a year, because a new build
// has new names. Text is gzipped for those who accept it. All answers carry [ContentSecurityPolicy].
func Handler() http.Handler {
	assets := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setSecurityHeaders(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" || !strings.Contains(path.Base(name), ".") {
			name = index
		}
		file, ok := assets[name]
		if !ok {
			w.Header().Set("Cache-Control", cacheNever)
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		file.serve(w, r)
	})
}

// serve answers with the file, or with 304 when the client has it (RFC 9110, 13.1.2).
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", a.cache)
	header.Set("Vary", "Accept-Encoding")
	body, etag := a.plain, a.etag
	if len(a.gzipped) > 0 && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, etag = a.gzipped, a.etag+"-gzip"
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("ETag", `"`+etag+`"`)
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+etag+`"`) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	// A failed write means that the client has gone; there is nobody left to tell.
	_, _ = w.Write(body)
}

func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", ContentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(self), payment=()")
}

// acceptsGzip reports whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3).
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		value, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		if !found {
			return true
		}
		q, err := strconv.ParseFloat(value, 64)
		return err == nil && q > 0
	}
	return false
}

// readAssets reads and packs every file below dist.
func readAssets(files fs.FS) (map[string]asset, error) {
	assets := map[string]asset{}
	err := fs.WalkDir(files, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		name = strings.TrimPrefix(name, "dist/")
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("no content type known for %s", name)
		}
		gzipped, err := pack(plain)
		if err != nil {
			return fmt.Errorf("gzip %s: %w", name, err)
		}
		sum := sha256.Sum256(plain)
		cache := cacheNever
		if strings.HasPrefix(name, "assets/") {
			cache = cacheForever
		}
		assets[name] = asset{plain: plain, gzipped: gzipped, contentType: contentType, cache: cache, etag: hex.EncodeToString(sum[:12])}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, ok := assets[index]; !ok {
		return nil, fmt.Errorf("%s: %w", index, fs.ErrNotExist)
	}
	return assets, nil
}

// pack gzips, or returns nothing where that saves nothing.
func pack(plain []byte) ([]byte, error) {
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zip.Write(plain); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	if packed.Len() >= len(plain) {
		return nil, nil
	}
	return packed.Bytes(), nil
}
