package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/store"
)

func TestUsers_Rights(t *testing.T) {
	for _, tt := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"ana", "GET", "/users", "", 403}, {"tim", "GET", "/users", "", 403}, {"svc", "GET", "/users", "", 200}, {"token", "GET", "/users", "", 200},
		{"ana", "GET", "/users/ana", "", 200}, {"ana", "GET", "/users/ben", "", 403}, {"ana", "GET", "/users/nobody", "", 403},
		{"svc", "GET", "/users/ana", "", 200}, {"svc", "GET", "/users/nobody", "", 404},
		{"ana", "PUT", "/users/ana", `{"role":"member"}`, 403}, {"tim", "PUT", "/users/new", `{"role":"member"}`, 403},
		{"svc", "PUT", "/users/new", `{"role":"member"}`, 201}, {"svc", "PUT", "/users/ana", `{"role":"trainer"}`, 200},
		{"svc", "PUT", "/users/new", `{"role":"admin"}`, 403}, {"svc", "PUT", "/users/root", `{"role":"member"}`, 403},
		{"root", "PUT", "/users/new", `{"role":"admin"}`, 201}, {"token", "PUT", "/users/root", `{"role":"member"}`, 200},
		{"ana", "DELETE", "/users/ana", "", 403}, {"svc", "DELETE", "/users/ana", "", 204}, {"svc", "DELETE", "/users/root", "", 403},
		{"token", "DELETE", "/users/root", "", 204}, {"token", "DELETE", "/users/nobody", "", 404},
	} {
		t.Run(fmt.Sprintf("%s %s %s", tt.who, tt.method, tt.path), func(t *testing.T) {
			res := newHouse(t).do(t, tt.who, tt.method, "/api/v1"+tt.path, tt.body)
			if tt.status >= 400 {
				wantProblem(t, res, tt.status, "")
			} else if res.StatusCode != tt.status {
				t.Errorf("got %d %s, want %d", res.StatusCode, res.Body, tt.status)
			}
		})
	}
}

func TestUsers_Put(t *testing.T) {
	h := newHouse(t)
	res := h.do(t, "token", "PUT", "/api/v1/users/zoe", `{"name":"Zoe","role":"member","password":"correct horse"}`)
	wantJSON(t, res, 201, `{"id":"zoe","name":"Zoe","role":"member","createdAt":"0001-01-01T00:00:00Z","updatedAt":"0001-01-01T00:00:00Z"}`)
	if got := h.users.puts[0]; got.Name != "Zoe" || got.Role != access.Member || got.Password == nil || *got.Password != "correct horse" {
		t.Errorf("put %+v", got)
	}
	h.do(t, "token", "PUT", "/api/v1/users/zoe", `{"name":"Zoe","role":"member","disabled":true}`)
	if got := h.users.puts[1]; got.Password != nil || !got.Disabled {
		t.Errorf("without a password: %+v", got)
	}
	if strings.Contains(h.log.String(), "correct horse") {
		t.Error("a password is in the log")
	}
	if !strings.Contains(h.log.String(), `msg="administrative change" user=admin role=admin method=PUT path=/api/v1/users/zoe status=201`) {
		t.Errorf("the change is not in the log: %s", h.log)
	}
	for _, tt := range []struct {
		err    error
		status int
		detail string
	}{
		{&access.InputError{Msg: "password of 3 bytes is not 8 to 1024 bytes long"}, 422, "password of 3 bytes"},
		{fmt.Errorf("write user: %w", store.ErrUnavailable), 503, "the store cannot write now"},
		{fmt.Errorf("write user: %w", store.ErrFull), 503, "no space left"},
		{fmt.Errorf("put user: %w", access.ErrBusy), 409, "changed by others"},
		{fmt.Errorf("put user: %w", access.ErrLastAdmin), 409, "last administrator who may sign in: make another one first"},
		{fmt.Errorf("disk is on fire"), 500, "internal error"},
	} {
		h := newHouse(t)
		h.users.err = tt.err
		p := wantProblem(t, h.do(t, "token", "PUT", "/api/v1/users/zoe", `{"role":"member"}`), tt.status, tt.detail)
		if strings.Contains(p.Detail, "fire") {
			t.Errorf("an internal error reached the client: %q", p.Detail)
		}
		if tt.status == 500 && !strings.Contains(h.log.String(), "disk is on fire") {
			t.Errorf("an internal error is not in the log: %s", h.log)
		}
	}
}

// Administrators and services cannot saw off the branch that they sit on.
func TestUsers_Himself(t *testing.T) {
	for _, tt := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"root", "PUT", "/users/root", `{"role":"admin","disabled":true}`, 409}, {"root", "PUT", "/users/root", `{"role":"member"}`, 409},
		{"root", "DELETE", "/users/root", "", 409}, {"svc", "DELETE", "/users/svc", "", 409}, {"svc", "PUT", "/users/svc", `{"role":"service","disabled":true}`, 409},
		{"root", "PUT", "/users/root", `{"role":"admin","name":"R","password":"another one"}`, 200}, {"root", "DELETE", "/users/svc", "", 204},
		{"token", "PUT", "/users/root", `{"role":"member"}`, 200}, // the token is nobody's account
	} {
		t.Run(tt.who+" "+tt.method+" "+tt.body, func(t *testing.T) {
			h := newHouse(t)
			res := h.do(t, tt.who, tt.method, "/api/v1"+tt.path, tt.body)
			if tt.status == 409 {
				wantProblem(t, res, 409, "is you")
				if _, there := h.users.users[strings.TrimPrefix(tt.path, "/users/")]; !there || len(h.users.puts) > 0 {
					t.Error("it was done all the same")
				}
			} else if res.StatusCode != tt.status {
				t.Errorf("status %d: %s", res.StatusCode, res.Body)
			}
		})
	}
}

func TestUsers_Search(t *testing.T) {
	h := newHouse(t)
	if res := h.do(t, "token", "GET", "/api/v1/users?search=An+B&limit=2", ""); res.StatusCode != 200 || h.users.searched != "An B" || !strings.Contains(res.Body, `"next"`) {
		t.Errorf("status %d, searched %q: %s", res.StatusCode, h.users.searched, res.Body)
	}
	p := wantProblem(t, h.do(t, "token", "GET", "/api/v1/users?search="+strings.Repeat("x", 257), ""), 400, "search has 257 bytes, the limit is 256")
	if len(p.Errors) != 1 || p.Errors[0].Parameter != "search" {
		t.Errorf("errors %+v", p.Errors)
	}
	wantProblem(t, h.do(t, "ana", "GET", "/api/v1/users?search=a", ""), 403, "only administrators and services")
}
