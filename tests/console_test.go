package tests_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// get reads a resource as the administrator.
func get[T any](t testing.TB, s *server, path string) (v T) {
	t.Helper()
	status, body := s.rest(t, http.MethodGet, path, nil)
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("GET %s: %s: %v", path, body, err)
	}
	return v
}

func TestConsole_Clients(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	ana := dial(t, s, "ana", "phone")
	ana.subscribe(t, 1, "t/#")
	ana.leave()
	sse := s.listen(t, "ana", "page", "", "t/#")
	pub := dial(t, s, "", "")
	for range 3 {
		pub.publish(t, "t/x", 1, 1234567890)
	}
	sse.want(t, `t/x 1234567890`)
	type client struct {
		ClientID, UserID, Via string
		Connected             bool
		Subscriptions         map[string]int
	}
	list := get[struct {
		Items []client
		Next  string
	}](t, s, "/clients?limit=1")
	if len(list.Items) != 1 || list.Next == "" {
		t.Errorf("a page: %+v", list)
	}
	page := get[client](t, s, "/clients/page")
	if !page.Connected || page.Via != "http" || page.UserID != "ana" || page.Subscriptions["t/#"] != 1 {
		t.Errorf("page: %+v", page)
	}
	if phone := get[client](t, s, "/clients/phone"); phone.Connected || phone.Via != "" {
		t.Errorf("phone: %+v", phone)
	}
	queue := get[struct {
		Messages int
		Bytes    int
		Oldest   string
	}](t, s, "/clients/phone/queue")
	if queue.Messages != 3 || queue.Bytes < 30 || queue.Oldest == "" {
		t.Errorf("queue: %+v", queue)
	}
	for _, path := range []string{"/clients/none", "/clients/none/queue"} {
		if status, _ := s.rest(t, http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	for _, path := range []string{"/clients", "/clients/phone", "/clients/phone/queue", "/stats", "/refusals"} {
		if status, _ := s.as(t, "ana", "GET", path, ""); status != http.StatusForbidden {
			t.Errorf("GET %s as a member: %d", path, status)
		}
	}
	if status, body := s.rest(t, http.MethodDelete, "/clients/page", nil); status != http.StatusNoContent {
		t.Errorf("disconnect: %d %s", status, body)
	}
	sse.wantEnd(t, 0x98)
	if status, body := s.rest(t, http.MethodDelete, "/clients/phone?session=true", nil); status != http.StatusNoContent {
		t.Errorf("forget: %d %s", status, body)
	}
	if status, _ := s.rest(t, http.MethodGet, "/clients/phone", nil); status != http.StatusNotFound {
		t.Errorf("a forgotten session: %d", status)
	}
}

func TestConsole_Search(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	for _, id := range []string{"phone-1", "phone-2", "watch"} {
		dial(t, s, "ana", id)
	}
	type page struct {
		Items []struct{ ClientID string }
		Next  string
	}
	first := get[page](t, s, "/clients?search=PHONE&connected=true&sort=since&limit=1")
	if len(first.Items) != 1 || first.Items[0].ClientID != "phone-2" || first.Next == "" {
		t.Fatalf("the first page: %+v", first)
	}
	second := get[page](t, s, "/clients?search=PHONE&connected=true&sort=since&limit=1&after="+url.QueryEscape(first.Next))
	if len(second.Items) != 1 || second.Items[0].ClientID != "phone-1" || second.Next != "" {
		t.Errorf("the second page: %+v", second)
	}
	for _, query := range []string{"sort=size", "connected=maybe", "search=" + strings.Repeat("x", 300)} {
		if status, body := s.rest(t, http.MethodGet, "/clients?"+query, nil); status != http.StatusBadRequest || !strings.Contains(string(body), strings.SplitN(query, "=", 2)[0]) {
			t.Errorf("%.20s: %d %s", query, status, body)
		}
	}
}

func TestConsole_Trace(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	path := "/clients/watch/trace"
	if status, _ := s.rest(t, http.MethodGet, path, nil); status != http.StatusNotFound {
		t.Errorf("not traced: %d", status)
	}
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		if status, body := s.rest(t, http.MethodPut, path, struct{}{}); status != want {
			t.Fatalf("begin: %d %s, want %d", status, body, want)
		}
	}
	watch := dial(t, s, "ana", "watch")
	watch.publish(t, "t/x", 1, "secret words")
	watch.publish(t, "session/s1/info", 1, "x")
	type trace struct {
		Next   int
		Events []struct {
			Direction, Packet, Topic, Reason string
			Size, Code                       int
		}
	}
	got := get[trace](t, s, path)
	text := fmt.Sprintf("%+v", got.Events)
	if len(got.Events) != 5 || got.Next != 5 || got.Events[1].Topic != "t/x" || got.Events[1].Size != 14 || got.Events[4].Code != 0x87 || got.Events[4].Reason == "" {
		t.Errorf("trace: %s", text)
	}
	if strings.Contains(text, "secret") {
		t.Error("the trace has what the message said")
	}
	if more := get[trace](t, s, path+"?after=3"); len(more.Events) != 2 {
		t.Errorf("after 3: %+v", more)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if status, _ := s.as(t, "ana", method, path, ""); status != http.StatusForbidden {
			t.Errorf("%s as a member: %d", method, status)
		}
	}
	if status, _ := s.rest(t, http.MethodGet, path+"?after=x", nil); status != http.StatusBadRequest {
		t.Errorf("after=x: %d", status)
	}
	if status, _ := s.rest(t, http.MethodDelete, path, nil); status != http.StatusNoContent {
		t.Errorf("end: %d", status)
	}
	if status, _ := s.rest(t, http.MethodDelete, path, nil); status != http.StatusNotFound {
		t.Errorf("end again: %d", status)
	}
}

func TestConsole_Stats(t *testing.T) {
	s := startServer(t)
	s.race(t)
	ana := dial(t, s, "ana", "")
	ana.publish(t, "session/s1/info", 1, "x")
	ana.publish(t, "session/s1/progress/ana", 1, map[string]any{"heartRate": 900})
	type refusal struct {
		UserID, Action, Target, Reason string
		Code                           int
	}
	list := get[struct{ Items []refusal }](t, s, "/refusals").Items
	if len(list) < 2 || list[0].Code != 0x83 || !strings.Contains(list[0].Reason, "heartRate") || list[1].Code != 0x87 || list[1].Target != "session/s1/info" || list[1].UserID != "ana" {
		t.Errorf("refusals: %+v", list)
	}
	type stats struct {
		Version               string
		Connected, Challenges int
		Totals                map[string]int
		History               []struct{ Received, Connected int }
	}
	if got := get[stats](t, s, "/stats"); got.Connected != 1 || got.Challenges != 1 || got.Totals["received.qos1"] != 2 || got.Version == "" {
		t.Errorf("stats: %+v", got)
	}
	eventually(t, "the history has the messages", func() bool {
		n := 0
		for _, second := range get[stats](t, s, "/stats").History {
			n += second.Received
		}
		return n == 2
	})
}

func TestExplain(t *testing.T) {
	s := startServer(t)
	s.race(t)
	s.put(t, "/sessions/s1/members/ben", struct{}{})
	phone := dial(t, s, "ben", "phone") // away
	phone.subscribe(t, 1, "session/s1/chat")
	phone.leave()
	page := s.listen(t, "ben", "page", "", "session/s1/chat") // there, confirms nothing
	watch := dial(t, s, "ben", "watch")                       // there, acknowledges
	watch.subscribe(t, 1, "session/s1/chat")
	ana := dial(t, s, "ana", "")
	if code, reason := ana.publish(t, "session/s1/chat", 1, map[string]string{"content": "hi", "messageId": "m-1"}); code >= 0x80 {
		t.Fatalf("%#x %s", code, reason)
	}
	page.next(t)
	type explained struct {
		Messages []struct {
			Topic, SenderID string
			Recipients      []struct{ UserID, ClientID, State, OfflineSince string }
		}
	}
	states := map[string]string{}
	since := ""
	eventually(t, "watch has acknowledged", func() bool {
		for _, r := range get[explained](t, s, "/explain/m-1").Messages[0].Recipients {
			if states[r.ClientID] = r.State; r.ClientID == "phone" {
				since = r.OfflineSince
			}
		}
		return states["watch"] == "acknowledged"
	})
	if states["phone"] != "queued" || states["page"] != "sent" || since == "" {
		t.Errorf("fates: %v, phone away since %q", states, since)
	}
	status, body := s.as(t, "ana", "GET", "/explain/m-1", "")
	if status != http.StatusOK || strings.Contains(body, "phone") || !strings.Contains(body, `"ben"`) {
		t.Errorf("as the sender: %d %s", status, body)
	}
	for user, id := range map[string]string{"ben": "m-1", "ana": "m-2"} {
		if status, body := s.as(t, user, "GET", "/explain/"+id, ""); status != http.StatusNotFound {
			t.Errorf("%s of %s: %d %s", id, user, status, body)
		}
	}
}
