package gateway_test

import (
	"slices"
	"testing"

	"github.com/fitmq/fitmq/gateway"
)

func TestConversations(t *testing.T) {
	try(t, []call{
		{"ana", "PUT", "/conversations/crew", `{"title":"Crew","members":["ana","ben"]}`, 200, "ana(member) put conversation crew Crew ana+ben"},
		{"ana", "PUT", "/conversations/crew", `{"name":"Crew"}`, 422, ""},
		{"ana", "DELETE", "/conversations/crew", "", 204, "ana(member) delete conversation crew"},
		{"ana", "DELETE", "/conversations/crew/members/ana", "", 204, "ana(member) leave crew ana"},
		{"ana", "GET", "/conversations", "", 200, ""},
		{"ana", "GET", "/conversations/ana.ben", "", 200, ""},
		{"ana", "GET", "/conversations/ben.tim", "", 403, ""},
		{"ana", "GET", "/conversations/ana.ben/messages", "", 200, "ana(member) history ana.ben before=0 after=0 oldest=false limit=100"},
		{"ana", "GET", "/conversations/ana.ben/messages?before=7&limit=3", "", 200, "ana(member) history ana.ben before=7 after=0 oldest=false limit=3"},
		{"ana", "GET", "/conversations/ana.ben/messages?after=0", "", 200, "ana(member) history ana.ben before=0 after=0 oldest=true limit=100"},
		{"ana", "GET", "/conversations/ana.ben/messages?after=1&before=2", "", 400, ""},
		{"ana", "GET", "/conversations/ana.ben/messages?limit=1001", "", 400, ""},
		{"ana", "GET", "/sessions/s1/messages?after=4", "", 200, "ana(member) history session s1 before=0 after=4 oldest=true limit=100"},
		{"ana", "PUT", "/me/blocks/ben", `{}`, 204, "ana(member) block ben"},
		{"ana", "DELETE", "/me/blocks/ben", "", 204, "ana(member) unblock ben"},
		{"ana", "GET", "/me/blocks", "", 200, ""},
		{"ana", "GET", "/matches", "", 200, ""},
		{"ana", "DELETE", "/matches/p1", "", 204, ""},
		{"svc", "DELETE", "/matches/p1", "", 403, ""},
	})
}

func TestMatches_Delete(t *testing.T) {
	h := newHouse(t)
	h.do(t, "ana", "DELETE", "/api/v1/matches/p1", "")
	if len(h.plane.published) != 1 || h.plane.published[0].Topic != "match/reply" || string(h.plane.published[0].Payload) != `{"accept":false,"partnerId":"p1"}` {
		t.Errorf("published %+v, want a no on match/reply", h.plane.published)
	}
	h.plane.receipt = gateway.Receipt{Code: 0x83, Reason: "partnerId is no proposal that you have"}
	wantProblem(t, h.do(t, "ana", "DELETE", "/api/v1/matches/p2", ""), 404, "no proposal that you have")
	h.plane.receipt = gateway.Receipt{Code: 0x96, Reason: "answers come too fast"}
	wantProblem(t, h.do(t, "ana", "DELETE", "/api/v1/matches/p3", ""), 429, "too fast")
}

// call is a request, the status that it is answered with, and, unless that is
// empty, what the engine is then called with.
type call struct {
	who, method, path, body string
	status                  int
	call                    string
}

// try does each of them in a house of its own.
func try(t *testing.T, calls []call) {
	t.Helper()
	for _, tt := range calls {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			h := newHouse(t)
			res := h.do(t, tt.who, tt.method, "/api/v1"+tt.path, tt.body)
			switch {
			case tt.status >= 400:
				wantProblem(t, res, tt.status, "")
			case res.StatusCode != tt.status:
				t.Errorf("got %d %s, want %d", res.StatusCode, res.Body, tt.status)
			}
			if tt.call != "" && !slices.Contains(h.engine.calls, tt.call) {
				t.Errorf("calls: got %q, want %q", h.engine.calls, tt.call)
			}
		})
	}
}
