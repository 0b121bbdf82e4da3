package client_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/client"
)

func ask(method, encoding, known string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/fitmq.js", nil)
	r.Header.Set("Accept-Encoding", encoding)
	r.Header.Set("If-None-Match", known)
	w := httptest.NewRecorder()
	client.Handler().ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := ask(http.MethodGet, "", "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), " as connect") {
			t.Fatalf("got %d and no module that exports connect", w.Code)
		}
		for name, want := range map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Access-Control-Allow-Origin": "*"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if strings.Contains(w.Body.String(), "require(") && strings.Contains(w.Body.String(), "from`mqtt`") {
			t.Error("it needs other files")
		}
	})
	t.Run("OK: gzipped, and not again to who has it", func(t *testing.T) {
		w := ask(http.MethodGet, "gzip", "")
		if got := w.Header().Get("Content-Encoding"); got != "gzip" || w.Body.Len() > 150<<10 {
			t.Fatalf("Content-Encoding is %q with %d bytes, want gzip and less than half", got, w.Body.Len())
		}
		if again := ask(http.MethodGet, "gzip", w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Fatalf("got %d, want 304", again.Code)
		}
	})
	t.Run("ErrMethod", func(t *testing.T) {
		if w := ask(http.MethodPost, "", ""); w.Code != http.StatusMethodNotAllowed {
			t.Fatalf("got %d, want 405", w.Code)
		}
	})
}

// The page that people copy from the READMEs is the one that is tested in a browser.
func TestExample(t *testing.T) {
	page, err := os.ReadFile("example.html")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(page), "\n"); lines > 30 {
		t.Errorf("the example has %d lines, want 30 at most", lines)
	}
	for _, name := range []string{"README.md", "../README.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "```html\n"+string(page)+"```") {
			t.Errorf("%s does not have client/example.html as it is", name)
		}
	}
}
