package gateway_test

import (
	"strings"
	"testing"

	"github.com/fitmq/fitmq/webhook"
)

func TestPeople(t *testing.T) {
	try(t, []call{
		{"ana", "GET", "/users/ana/preferences", "", 200, "ana(member) get preferences ana"},
		{"ana", "PUT", "/users/ana/preferences", `{"units":"mile","presence":"private","notifications":{"off":["social"]}}`, 200, "ana(member) put preferences ana mile private social"},
		{"ana", "PUT", "/users/ana/preferences", `{"unit":"mile"}`, 422, ""},
		{"ana", "GET", "/me/notifications?after=7&limit=3&unread=true", "", 200, "ana(member) notifications after=7 limit=3 unread=true"},
		{"ana", "GET", "/me/notifications?unread=yes", "", 400, ""},
		{"ana", "POST", "/me/notifications/read", `{"messageId":"m1"}`, 204, `ana(member) read {"messageId":"m1"}`},
		{"ana", "POST", "/me/notifications/read", `{"all":true}`, 204, `ana(member) read {"all":true}`},
		{"ana", "POST", "/me/notifications/read", `{"al":true}`, 422, ""},
		{"ana", "DELETE", "/me/notifications/m1", "", 204, "ana(member) delete notification m1"},
		{"ana", "GET", "/users/ana/presence", "", 200, ""},
		{"ana", "GET", "/users/olga/presence", "", 403, ""},
		{"ana", "GET", "/users/a.b/presence", "", 403, ""},
		{"tim", "GET", "/links?trainer=tim", "", 200, "tim(trainer) clients tim "},
		{"tim", "GET", "/links", "", 400, ""},
		{"ana", "DELETE", "/users/ana/preferences", "", 204, "ana(member) delete preferences ana"},
	})
}

func TestWebhooks(t *testing.T) {
	h := newHouse(t)
	wantProblem(t, h.do(t, "ana", "GET", "/api/v1/webhooks", ""), 403, "only administrators")
	if res := h.do(t, "root", "GET", "/api/v1/webhooks", ""); res.StatusCode != 200 || !strings.Contains(res.Body, `"name":"push"`) {
		t.Errorf("got %d %s", res.StatusCode, res.Body)
	}
}

// hooks are webhooks that the tests look at.
func TestWebhooks_Retry(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		who, name, body string
		status          int
	}{{"root", "push", "", 204}, {"token", "push", "{}", 204}, {"root", "pull", "", 404}, {"svc", "push", "", 403}, {"ana", "push", "", 403}, {"root", "push", `{"x":1}`, 422}} {
		if res := h.do(t, tt.who, "POST", "/api/v1/webhooks/"+tt.name+"/retry", tt.body); res.StatusCode != tt.status {
			t.Errorf("%s %s %s: %d %s", tt.who, tt.name, tt.body, res.StatusCode, res.Body)
		}
	}
}

type hooks struct{}

func (hooks) Retry(name string) bool { return name == "push" }

func (hooks) Status() []webhook.Status {
	return []webhook.Status{{Name: "push", URL: "https://b.example.com"}}
}
