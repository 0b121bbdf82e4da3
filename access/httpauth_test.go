package access_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/access"
)

// directory is a service that knows zoe, and answers others by their names.
func directory(t *testing.T) (url string, asked *atomic.Int64, down *atomic.Bool) {
	t.Helper()
	asked, down = &atomic.Int64{}, &atomic.Bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var q struct{ User, Password, ClientID, Remote, Via string }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.Method != http.MethodPost || q.Via != "mqtt" || q.Remote == "" {
			t.Errorf("asked %s %+v, %v", r.Method, q, err)
		}
		answer := ""
		switch {
		case down.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case q.User == "elsewhere" || q.User == "ana":
			w.WriteHeader(http.StatusNotFound)
		case q.User == "moved":
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		case q.User == "nonsense":
			answer = "<html>"
		case q.User == "wild":
			answer = `{"userId":"+/#"}`
		case q.User == "boss":
			answer = `{"userId":"admin","role":"member"}`
		case q.Password != q.User+"-right":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			answer = `{"name":"Zoe","role":"trainer","ttl":30}`
		}
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, asked, down
}

func TestHTTPMethod(t *testing.T) {
	url, asked, down := directory(t)
	c := newClock()
	m := access.NewHTTPMethod(access.HTTPMethodOptions{URL: url, Cache: 10 * time.Second, Now: c.now})
	try := func(user, secret string) (access.Identity, error) {
		return m.Try(t.Context(), proof(user, secret, "192.0.2.1"))
	}
	want := access.Identity{UserID: "zoe", Name: "Zoe", Role: access.Trainer, By: access.ByHTTP, Foreign: true, Expires: c.now().Add(30 * time.Second)}
	for range 5 {
		if id, err := try("zoe", "zoe-right"); err != nil || id != want {
			t.Fatalf("got %+v, %v, want %+v", id, err, want)
		}
	}
	if got := asked.Load(); got != 1 {
		t.Errorf("asked %d times, want once", got)
	}
	for user, want := range map[string]error{
		"zoe": access.ErrBadCredentials, "elsewhere": access.ErrElsewhere, "moved": access.ErrUnavailable,
		"nonsense": access.ErrUnavailable, "wild": access.ErrUnavailable, "boss": access.ErrUnavailable,
	} {
		if id, err := try(user, "wrong"); !errors.Is(err, want) || id != (access.Identity{}) {
			t.Errorf("%s: got %+v, %v, want %v", user, id, err, want)
		}
	}
	t.Run("ErrDown", func(t *testing.T) {
		down.Store(true)
		if _, err := try("zoe", "zoe-right"); err != nil {
			t.Errorf("an outage costs a cached admission: %v", err)
		}
		c.pass(10 * time.Second)
		before := asked.Load()
		for range 50 {
			if _, err := try("zoe", "zoe-right"); !errors.Is(err, access.ErrUnavailable) {
				t.Fatalf("got %v, want nobody let in", err)
			}
		}
		if got := asked.Load() - before; got > 5 {
			t.Errorf("a service that is down was asked %d times, want 5 at most", got)
		}
		down.Store(false)
		if _, err := try("zoe", "zoe-right"); !errors.Is(err, access.ErrUnavailable) {
			t.Errorf("the breaker closed too early: %v", err)
		}
		c.pass(10 * time.Second)
		if _, err := try("zoe", "zoe-right"); err != nil {
			t.Errorf("the breaker does not close: %v", err)
		}
	})
	t.Run("ErrSlow", func(t *testing.T) {
		hang := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
		t.Cleanup(slow.Close)
		t.Cleanup(func() { close(hang) })
		m := access.NewHTTPMethod(access.HTTPMethodOptions{URL: slow.URL, Timeout: 50 * time.Millisecond})
		if _, err := m.Try(t.Context(), proof("zoe", "zoe-right", "192.0.2.1")); !errors.Is(err, access.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// TestDoor_Order: what one method refuses, or cannot tell, no later one admits.
func TestDoor_Order(t *testing.T) {
	url, _, down := directory(t)
	c := newClock()
	var methods []access.Method
	d, users := newDoor(t, c, func(o *access.DoorOptions) {
		methods = o.Methods
		o.Methods = append([]access.Method{access.NewHTTPMethod(access.HTTPMethodOptions{URL: url, Now: c.now})}, methods...)
	})
	mustPut(t, users, "zoe", access.Member, "zoe-local")
	try := func(user, secret string) (access.Identity, error) {
		return d.SignIn(t.Context(), proof(user, secret, "192.0.2.1"))
	}
	if id, err := try("zoe", "zoe-right"); err != nil || id.Role != access.Member {
		t.Errorf("got %+v, %v, want the role of the record", id, err)
	}
	if _, err := try("zoe", "zoe-local"); !errors.Is(err, access.ErrBadCredentials) {
		t.Errorf("refused by the first method, and let in by a later one: %v", err)
	}
	if _, err := try("ana", "ana-password"); err != nil {
		t.Errorf("not known to the first method: %v", err)
	}
	down.Store(true)
	if _, err := try("ana", "ana-password"); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("the first method cannot tell: %v", err)
	}
}
