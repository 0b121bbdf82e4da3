package tests_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
)

// A client goes to and fro between MQTT and events while messages come: each
// arrives once, in order.
func TestEvents_Switch(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	pub := dial(t, s, "", "")
	sent := 0
	publish := func() string {
		sent++
		pub.publish(t, "t/x", byte(1+sent%2), sent)
		return fmt.Sprint("t/x ", sent)
	}
	sse := s.listen(t, "ana", "phone", "", "t/#")
	if sse.opened.SessionPresent || len(sse.opened.Filters) != 1 || sse.opened.Filters[0].Code != 1 {
		t.Errorf("opened as %+v", sse.opened)
	}
	for range 3 {
		want := []string{publish(), publish()}
		last := sse.want(t, want...)[1]
		s.ack(t, "ana", "phone", last)
		away := sent
		publish() // while it changes over
		m := dial(t, s, "ana", "phone")
		if !m.sessionPresent {
			t.Fatal("MQTT finds no session")
		}
		sse.wantEnd(t, 0x8E)
		publish()
		eventually(t, "messages over MQTT", func() bool { return len(m.on("t/x")) >= sent-away })
		if got, want := m.on("t/x"), []string{fmt.Sprint(away + 1), fmt.Sprint(away + 2)}; !slices.Equal(got, want) {
			t.Fatalf("over MQTT came %q, want %q", got, want)
		}
		if err := m.Disconnect(&paho.Disconnect{}); err != nil {
			t.Fatal(err)
		}
		want = []string{publish()}
		sse = s.listen(t, "ana", "phone", last)
		if !sse.opened.SessionPresent {
			t.Fatal("the stream finds no session")
		}
		s.ack(t, "ana", "phone", sse.want(t, want...)[0])
	}
}

// What was confirmed before a kill does not come again, what was not does.
func TestEvents_Kill(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	sse := s.listen(t, "ana", "phone", "", "t")
	pub := dial(t, s, "", "")
	for i := range 4 {
		pub.publish(t, "t", byte(1+i%2), i)
	}
	ids := sse.want(t, "t 0", "t 1", "t 2", "t 3")
	s.kill(t)
	s.start(t)
	sse = s.listen(t, "ana", "phone", ids[1])
	if again := sse.want(t, "t 2", "t 3"); !slices.Equal(again, ids[2:]) {
		t.Errorf("repeated as %q, were %q", again, ids[2:])
	}
	s.stop(t)
	sse.wantEnd(t, 0x8B)
}

// Who takes events from a session takes part in it.
func TestEvents_Joins(t *testing.T) {
	s := startServer(t)
	s.race(t)
	ana := dial(t, s, "ana", "")
	ana.subscribe(t, 1, "session/s1/events")
	sse := s.listen(t, "ben", "page", "", "session/s1/#", "session/s1/form/ana")
	if f := sse.opened.Filters; f[0].Code != 1 || f[1].Code != 0x87 || f[1].Reason == "" {
		t.Errorf("filters: %+v", f)
	}
	joined := func(kind string) func() bool {
		return func() bool {
			for _, p := range ana.on("session/s1/events") {
				if strings.Contains(p, kind) && strings.Contains(p, `"ben"`) {
					return true
				}
			}
			return false
		}
	}
	eventually(t, "ben joins", joined("participant-joined"))
	if status, answer := s.as(t, "ben", "POST", "/publish", `{"clientId":"page","topic":"session/s1/chat","payload":{"content":"hi"}}`); status != http.StatusOK {
		t.Errorf("publish: %d %s", status, answer)
	}
	for ev := sse.next(t); ev.data.Topic != "session/s1/chat"; {
		ev = sse.next(t)
	}
	status, answer := s.as(t, "ben", "POST", "/unsubscribe", `{"clientId":"page","filters":["session/s1/#"]}`)
	if status != http.StatusOK || answer != `{"filters":[{"filter":"session/s1/#","code":0}]}` {
		t.Errorf("unsubscribe: %d %s", status, answer)
	}
	eventually(t, "ben leaves", joined("participant-left"))
	if status, answer := s.as(t, "ben", "POST", "/subscribe", `{"clientId":"page","filters":["session/s1/info"],"qos":0}`); status != http.StatusOK {
		t.Errorf("subscribe: %d %s", status, answer)
	}
	for ev := sse.next(t); ev.data.Topic != "session/s1/info" || !ev.data.Retain; {
		ev = sse.next(t)
	}
}

func TestEvents_Err(t *testing.T) {
	s := startServer(t)
	s.race(t)
	s.listen(t, "ana", "hers", "", "user/ana/#")
	for name, test := range map[string]struct {
		user, password, id, last string
		filters                  []string
		want                     int
	}{
		"wrong password":  {"ben", "x", "b", "", nil, 401},
		"another's id":    {"ben", secret("ben"), "hers", "", nil, 403},
		"no right":        {"ben", secret("ben"), "b", "", []string{"user/ana/#"}, 403},
		"filter":          {"ben", secret("ben"), "b", "", []string{"a/#/b"}, 400},
		"empty client id": {"ben", secret("ben"), "", "", nil, 400},
		"event id":        {"ben", secret("ben"), "b", "xx", nil, 422},
	} {
		t.Run(name, func(t *testing.T) {
			_, res := s.tryListen(t, test.user, test.password, test.id, test.last, test.filters...)
			if res.StatusCode != test.want || !strings.Contains(res.Header.Get("Content-Type"), "json") {
				t.Errorf("got %s %s, want %d", res.Status, res.Header.Get("Content-Type"), test.want)
			}
		})
	}
	for body, want := range map[string]int{
		`{"clientId":"nobody","lastEventId":"1-1"}`: 404,
		`{"clientId":"hers","lastEventId":"1-1"}`:   409,
		`{"clientId":"hers","lastEventId":"x"}`:     422,
		`{"clientId":"hers"}`:                       422,
		`{"lastEventId":"1-1"}`:                     422,
	} {
		if status, answer := s.as(t, "ana", "POST", "/ack", body); status != want {
			t.Errorf("ack %s: %d %s, want %d", body, status, answer, want)
		}
	}
	if status, _ := s.as(t, "ben", "POST", "/ack", `{"clientId":"hers","lastEventId":"1-1"}`); status != 403 {
		t.Errorf("ack of another's: %d, want 403", status)
	}
	if status, _ := s.as(t, "ben", "POST", "/publish", `{"clientId":"hers","topic":"session/s1/chat","payload":{"content":"x"}}`); status != 403 {
		t.Errorf("publish as another's client: %d, want 403", status)
	}
	if status, _ := s.as(t, "ana", "POST", "/subscribe", `{"clientId":"none","filters":["user/ana/#"]}`); status != 409 {
		t.Errorf("subscribe without a stream: %d, want 409", status)
	}
}

// A stream ends with the token that opened it, unless a fresh one came.
func TestEvents_Token(t *testing.T) {
	s := startServer(t)
	s.user(t, "ana", "member")
	token := func(ttl string) string {
		status, answer := s.rest(t, "POST", "/tokens", map[string]string{"userId": "ana", "ttl": ttl})
		var got struct{ Token string }
		if err := json.Unmarshal(answer, &got); err != nil || got.Token == "" {
			t.Fatalf("token: %d %s", status, answer)
		}
		return got.Token
	}
	open := func(clientID string) *events {
		sse, res := s.tryListen(t, "ana", token("2s"), clientID, "", "user/ana/#")
		if sse == nil {
			t.Fatal(res.Status)
		}
		return sse
	}
	renewed, old := open("renewed"), open("old")
	body := fmt.Sprintf(`{"clientId":"renewed","topic":"user/ana/token","payload":%q}`, token("1m"))
	if status, answer := s.as(t, "ana", "POST", "/publish", body); status != http.StatusOK {
		t.Fatalf("renew: %d %s", status, answer)
	}
	old.wantEnd(t, 0x87)
	if status, answer := s.as(t, "ana", "POST", "/subscribe", `{"clientId":"renewed","filters":["user/ana/error"]}`); status != http.StatusOK {
		t.Errorf("the renewed stream has ended: %d %s", status, answer)
	}
	renewed.cancel()
}

// A publish with an Idempotency-Key that is repeated, also over a kill, is
// delivered once.
func TestPublish_IdempotencyKey(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	sse := s.listen(t, "ana", "phone", "", "t")
	publish := func(key string, payload int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.http+"/api/v1/publish", strings.NewReader(fmt.Sprintf(`{"topic":"t","payload":%d}`, payload)))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("ana", secret("ana"))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatal(res.Status)
		}
	}
	publish("a", 1)
	publish("a", 1)
	last := sse.want(t, "t 1")[0]
	s.kill(t)
	s.start(t)
	sse = s.listen(t, "ana", "phone", last)
	publish("a", 1)
	publish("b", 2)
	sse.want(t, "t 2")
}
