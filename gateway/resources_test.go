package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

func TestList_Cursor(t *testing.T) {
	h := newHouse(t)
	var got []string
	path := "/api/v1/users?limit=4"
	for range 10 {
		var page struct {
			Items []access.User
			Next  string
		}
		if err := json.Unmarshal([]byte(h.do(t, "token", "GET", path, "").Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Items {
			got = append(got, u.ID)
		}
		if page.Next == "" {
			break
		}
		path = "/api/v1/users?limit=4&after=" + page.Next
	}
	if want := []string{"ana", "ben", "olga", "root", "svc", "tim"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "limit="} {
		p := wantProblem(t, h.do(t, "token", "GET", "/api/v1/users?"+query, ""), 400, "is not a number from 1 to 1000")
		if len(p.Errors) != 1 || p.Errors[0].Parameter != "limit" {
			t.Errorf("%s: errors %+v", query, p.Errors)
		}
	}
}

// A member's list has what the member may see, whatever lies in between.
func TestList_Visible(t *testing.T) {
	h := newHouse(t)
	ids := func(who, path string) (got []string, next string) {
		var page struct {
			Items []struct{ SessionID, ChallengeID string }
			Next  string
		}
		if err := json.Unmarshal([]byte(h.do(t, who, "GET", path, "").Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got = append(got, item.SessionID+item.ChallengeID)
		}
		return got, page.Next
	}
	for _, tt := range []struct {
		who, path string
		want      []string
		next      string
	}{
		{"ana", "/api/v1/sessions", []string{"s1"}, ""}, {"olga", "/api/v1/sessions", nil, ""}, {"token", "/api/v1/sessions", []string{"s1", "s2"}, ""},
		{"ana", "/api/v1/challenges", []string{"c1", "c2"}, ""}, {"olga", "/api/v1/challenges", []string{"c2"}, ""},
		{"svc", "/api/v1/challenges?limit=2", []string{"c1", "c2"}, "c2"}, {"svc", "/api/v1/challenges?limit=2&after=c2", []string{"c3"}, ""},
		{"olga", "/api/v1/challenges?limit=1", []string{"c2"}, "c2"}, {"olga", "/api/v1/challenges?limit=1&after=c2", nil, ""},
		{"svc", "/api/v1/challenges?limit=3", []string{"c1", "c2", "c3"}, ""},
	} {
		if got, next := ids(tt.who, tt.path); !slices.Equal(got, tt.want) || next != tt.next {
			t.Errorf("%s %s: got %v next %q, want %v next %q", tt.who, tt.path, got, next, tt.want, tt.next)
		}
	}
	t.Run("thousands of others in between", func(t *testing.T) {
		for i := range 12_000 {
			id := fmt.Sprintf("a%05d", i)
			h.engine.sessions[id] = engine.Session{ID: id}
		}
		var all []string
		path, requests := "/api/v1/sessions?limit=1000", 0
		for requests = range 10 {
			got, next := ids("ana", path)
			all = append(all, got...)
			if next == "" {
				break
			}
			path = "/api/v1/sessions?limit=1000&after=" + next
		}
		if !slices.Equal(all, []string{"s1"}) || requests == 0 || requests > 5 {
			t.Errorf("got %v after %d further requests", all, requests)
		}
	})
}

func TestEngine_Calls(t *testing.T) {
	for _, tt := range []struct {
		who, method, path, body string
		want                    string
		status                  int
	}{
		{"tim", "PUT", "/sessions/s9", `{"title":"Ride","host":"tim","visibility":"open","kind":"training"}`, "tim(trainer) put session s9 Ride tim open", 200},
		{"ana", "DELETE", "/sessions/s1", "", "ana(member) delete session s1", 204},
		{"ana", "POST", "/sessions/s1/control", `{"action":"remove","userId":"ben"}`, "ana(member) control s1 remove ben", 204},
		{"tim", "GET", "/users/ana/workouts?after=07ff.s1&limit=5", "", "tim(trainer) list workouts ana 07ff.s1", 200},
		{"ana", "PUT", "/sessions/s1/members/olga", "", "ana(member) put member s1 olga", 204},
		{"ana", "PUT", "/sessions/s1/members/olga", "{}", "ana(member) put member s1 olga", 204},
		{"ana", "DELETE", "/sessions/s1/members/ben", "", "ana(member) delete member s1 ben", 204},
		{"token", "PUT", "/challenges/c9", `{"title":"May","organizer":"tim","startsAt":"2026-05-01T00:00:00Z","endsAt":"2026-06-01T00:00:00Z"}`, "admin(admin) put challenge c9 May tim", 200},
		{"token", "DELETE", "/challenges/c1", "", "admin(admin) delete challenge c1", 204},
		{"olga", "PUT", "/challenges/c2/participants/olga", "", "olga(member) put participant c2 olga", 204},
		{"olga", "DELETE", "/challenges/c2/participants/olga", "", "olga(member) delete participant c2 olga", 204},
		{"svc", "DELETE", "/challenges/c1/activities/ana/a%2F1", "", "svc(service) withdraw c1 ana a/1", 204},
		{"svc", "PUT", "/links/tim/ben", "", "svc(service) put link tim ben", 201},
		{"svc", "PUT", "/links/tim/ana", "{}", "svc(service) put link tim ana", 200},
		{"tim", "DELETE", "/links/tim/ana", "", "tim(trainer) delete link tim ana", 204},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			h := newHouse(t)
			res := h.do(t, tt.who, tt.method, "/api/v1"+tt.path, tt.body)
			if res.StatusCode != tt.status || !slices.Equal(h.engine.calls, []string{tt.want}) {
				t.Errorf("got %d, %q, want %d, %q", res.StatusCode, h.engine.calls, tt.status, tt.want)
			}
		})
	}
	t.Run("created", func(t *testing.T) {
		h := newHouse(t)
		h.engine.created = true
		for _, path := range []string{"/sessions/s9", "/challenges/c9"} {
			if res := h.do(t, "token", "PUT", "/api/v1"+path, `{"title":"x"}`); res.StatusCode != 201 {
				t.Errorf("%s: got %d, want 201", path, res.StatusCode)
			}
		}
	})
}

// Each kind of failure has its status, on every resource that the engine judges.
func TestEngine_Errors(t *testing.T) {
	kinds := []struct {
		kind   fitness.Kind
		status int
		retry  string
	}{
		{fitness.Malformed, 422, ""}, {fitness.Invalid, 422, ""}, {fitness.Forbidden, 403, ""}, {fitness.NotFound, 404, ""}, {fitness.Conflict, 409, ""},
		{fitness.Quota, 429, "10"}, {fitness.Rate, 429, "1"}, {fitness.Unavailable, 503, "1"}, {fitness.Internal, 500, ""}, {fitness.Kind(200), 500, ""},
	}
	calls := []struct{ method, path, body string }{
		{"PUT", "/sessions/s1", "{}"}, {"DELETE", "/sessions/s1", ""}, {"POST", "/sessions/s1/control", "{}"}, {"GET", "/sessions/s1/members", ""},
		{"PUT", "/sessions/s1/members/ana", ""}, {"DELETE", "/sessions/s1/members/ana", ""}, {"PUT", "/challenges/c1", "{}"}, {"DELETE", "/challenges/c1", ""},
		{"GET", "/challenges/c1/participants", ""}, {"PUT", "/challenges/c1/participants/ana", ""}, {"DELETE", "/challenges/c1/participants/ana", ""},
		{"DELETE", "/challenges/c1/activities/ana/a1", ""}, {"GET", "/challenges/c1/leaderboard", ""}, {"PUT", "/links/tim/ana", ""}, {"DELETE", "/links/tim/ana", ""},
	}
	for _, k := range kinds {
		for _, c := range calls {
			h := newHouse(t)
			h.unheld = true
			h.engine.err = fmt.Errorf("outer: %w", fitness.Errorf("try", k.kind, "what is wrong"))
			res := h.do(t, "token", c.method, "/api/v1"+c.path, c.body)
			want := "what is wrong"
			if k.status == 500 {
				want = "internal error"
			}
			wantProblem(t, res, k.status, want)
			if got := res.Header.Get("Retry-After"); got != k.retry {
				t.Errorf("%v %s: Retry-After %q, want %q", k.kind, c.path, got, k.retry)
			}
		}
	}
}

// Several things that the engine finds wrong are told at once.
func TestEngine_JoinedErrors(t *testing.T) {
	h := newHouse(t)
	h.engine.err = fmt.Errorf("outer: %w", errors.Join(
		fitness.Errorf("put link", fitness.Invalid, "trainer x does not exist"), fitness.Errorf("put link", fitness.Invalid, "client y does not exist")))
	p := wantProblem(t, h.do(t, "token", "PUT", "/api/v1/links/x/y", ""), 422, "trainer x does not exist; client y does not exist")
	if len(p.Errors) != 2 || p.Errors[1].Detail != "client y does not exist" {
		t.Errorf("errors %+v", p.Errors)
	}
}

// Reading over HTTP is what the topic of the same content allows over MQTT.
func TestEngine_ReadRights(t *testing.T) {
	for _, tt := range []struct {
		path    string
		allowed string // of ana, ben, olga, tim, svc, token
		missing int    // what operators get: 200, or 404
	}{
		{"/sessions/s1", "ana ben svc token", 200}, {"/sessions/s2", "svc token", 200}, {"/sessions/none", "svc token", 404},
		{"/sessions/s1/members", "ana ben svc token", 200},
		{"/sessions/s1/summaries", "ana ben svc token", 200}, {"/sessions/s1/summaries/ben", "ana ben svc token", 200},
		{"/challenges/c1", "ana ben svc token", 200}, {"/challenges/c2", "ana ben olga tim svc token", 200},
		{"/challenges/c3", "svc token", 200}, {"/challenges/none", "svc token", 404},
		{"/challenges/c1/participants", "ana ben svc token", 200}, {"/challenges/c1/leaderboard", "ana ben svc token", 200},
		{"/challenges/c1/periods", "ana ben svc token", 200},
		{"/links/tim/ana", "ana tim svc token", 200}, {"/links/tim/ben", "ben tim svc token", 404},
	} {
		for _, who := range []string{"ana", "ben", "olga", "tim", "svc", "token"} {
			res := newHouse(t).do(t, who, "GET", "/api/v1"+tt.path, "")
			want := 403
			if slices.Contains(strings.Fields(tt.allowed), who) {
				want = tt.missing
			}
			if want >= 400 {
				wantProblem(t, res, want, "")
			} else if res.StatusCode != want {
				t.Errorf("%s by %s: got %d %s, want %d", tt.path, who, res.StatusCode, res.Body, want)
			}
		}
	}
}

func TestMembers_Flags(t *testing.T) {
	h := newHouse(t)
	for who, shown := range map[string]bool{"ana": true, "token": true, "ben": false} {
		if got := h.do(t, who, "GET", "/api/v1/sessions/s1/members", "").Body; strings.Contains(got, "heartRate") != shown {
			t.Errorf("%s: %s", who, got)
		}
	}
}

func TestLeaderboard(t *testing.T) {
	h := newHouse(t)
	for query, want := range map[string]engine.BoardQuery{
		"": {}, "?offset=20&limit=10": {Offset: 20, Limit: 10}, "?around=ben&limit=5": {Limit: 5, Around: "ben"}, "?after=a.b.c&period=2026-06-01": {After: "a.b.c", Period: "2026-06-01"},
	} {
		res := h.do(t, "ana", "GET", "/api/v1/challenges/c1/leaderboard"+query, "")
		if res.StatusCode != 200 || h.engine.query != want || !strings.Contains(res.Body, `"challengeId":"c1","revision":7`) {
			t.Errorf("%s: got %d, %+v, want %+v", query, res.StatusCode, h.engine.query, want)
		}
	}
	for query, want := range map[string][]string{
		"?offset=-1": {"offset"}, "?limit=1001": {"limit"}, "?limit=0&offset=x": {"offset", "limit"}, "?around=ben&offset=1": {"offset"}, "?around=ben&after=a.b.c": {"after"},
	} {
		p := wantProblem(t, h.do(t, "ana", "GET", "/api/v1/challenges/c1/leaderboard"+query, ""), 400, "")
		var got []string
		for _, f := range p.Errors {
			got = append(got, f.Parameter)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got faults in %v, want %v", query, got, want)
		}
	}
}

// Fields of the wire contract that a challenge's definition does not judge by
// reach the definition, whose own answer is better than "unknown".
func TestChallenge_OwnMembers(t *testing.T) {
	h := newHouse(t)
	if res := h.do(t, "token", "PUT", "/api/v1/challenges/c1", `{"title":"x","teams":[],"limits":{}}`); res.StatusCode != 200 || len(h.engine.calls) != 1 {
		t.Errorf("got %d, %v", res.StatusCode, h.engine.calls)
	}
	wantProblem(t, h.do(t, "token", "PUT", "/api/v1/challenges/c1", `{"title":"x","team":[]}`), 422, `unknown member "team"`)
}
