package gateway_test

import (
	"strings"
	"testing"
)

func TestGateway_Tokens(t *testing.T) {
	h := newHouse(t)
	for name, c := range map[string]struct {
		who, body string
		status    int
		want      string
	}{
		"OK/administrator, seconds":   {"token", `{"userId":"ana","ttl":60}`, 201, `{"token":"token-of-ana","userId":"ana","expiresAt":"1970-01-01T00:01:00Z"}`},
		"OK/administrator, text":      {"root", `{"userId":"ben","ttl":"2h"}`, 201, `"expiresAt":"1970-01-01T02:00:00Z"`},
		"OK/service":                  {"svc", `{"userId":"ana"}`, 201, `"expiresAt":"1970-01-01T00:15:00Z"`},
		"OK/oneself":                  {"ana", `{"userId":"ana","ttl":60}`, 201, "token-of-ana"},
		"ErrAnother":                  {"ana", `{"userId":"ben"}`, 403, "only that user"},
		"ErrTrainer":                  {"tim", `{"userId":"ana"}`, 403, "only that user"},
		"ErrServiceForAdministrators": {"svc", `{"userId":"root"}`, 403, "administrator"},
		"ErrNoUser":                   {"token", `{"userId":"nobody"}`, 404, "no such user"},
		"ErrTTLWord":                  {"token", `{"userId":"ana","ttl":"soon"}`, 422, "number of seconds"},
		"ErrTTLType":                  {"token", `{"userId":"ana","ttl":[]}`, 422, "number of seconds"},
		"ErrMember":                   {"token", `{"user":"ana"}`, 422, "userId"},
		"ErrNobody":                   {"", `{"userId":"ana"}`, 401, "sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			res := h.do(t, c.who, "POST", "/api/v1/tokens", c.body)
			if res.StatusCode != c.status || !strings.Contains(res.Body, c.want) {
				t.Errorf("got %d %s, want %d with %s", res.StatusCode, res.Body, c.status, c.want)
			}
		})
	}
}

func TestGateway_Devices(t *testing.T) {
	h := newHouse(t)
	const path = "/api/v1/users/ana/devices"
	for name, c := range map[string]struct {
		who, method, path string
		status            int
		want              string
	}{
		"OK/put":        {"ana", "PUT", path + "/watch", 201, `{"userId":"ana","name":"watch","secret":"fmd_new"}`},
		"OK/list":       {"ana", "GET", path, 200, `{"items":[{"name":"watch","createdAt":"1970-01-01T00:00:00Z"}]}`},
		"OK/delete":     {"svc", "DELETE", path + "/watch", 204, ""},
		"ErrNoDevice":   {"ana", "DELETE", path + "/phone", 404, "no such device"},
		"ErrAnother":    {"ben", "PUT", path + "/watch", 403, "only administrators"},
		"ErrTrainer":    {"tim", "GET", path, 403, "only administrators"},
		"ErrService":    {"svc", "PUT", "/api/v1/users/root/devices/watch", 403, "administrator"},
		"ErrNoUser":     {"token", "PUT", "/api/v1/users/nobody/devices/watch", 404, "no such user"},
		"ErrAnonymous":  {"", "GET", path, 401, "sign in"},
		"ErrOtherShape": {"ana", "POST", path, 405, "not possible"},
	} {
		t.Run(name, func(t *testing.T) {
			res := h.do(t, c.who, c.method, c.path, "")
			if res.StatusCode != c.status || !strings.Contains(res.Body, c.want) {
				t.Errorf("got %d %s, want %d with %s", res.StatusCode, res.Body, c.status, c.want)
			}
		})
	}
}
