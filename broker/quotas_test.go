package broker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery/wire"
)

// open lets everybody use lab/#.
func open(o *broker.Options) {
	o.Config.ACL.Rules = []config.ACLRule{{Allow: config.Both, Topic: "lab/#"}}
}

func TestBroker_PublishQuota(t *testing.T) {
	s := start(t, open, func(o *broker.Options) { o.Config.Quotas.Member.PublishRate = 1 })
	ana := mustDial(t, s, 5, "a1", "ana", "ana-secret")
	refused := 0
	for range 40 {
		if code := ana.publish("lab/x", "x"); code == byte(wire.MessageRateTooHigh) {
			refused++
		} else if code >= 0x80 {
			t.Fatalf("PUBACK %#x", code)
		}
	}
	if refused == 0 {
		t.Fatal("40 messages at once are within one a second")
	}
	// The user's other connections and HTTP share the allowance: this is still the
	// burst that is used up.
	feed := mustDial(t, s, 4, "a2", "ana", "ana-secret")
	feed.subscribe("user/ana/error")
	old := mustDial(t, s, 4, "a3", "ana", "ana-secret")
	for range 40 {
		old.publish("lab/x", "x")
	}
	if text := feed.await("user/ana/error"); !strings.Contains(text, `"code":150`) || !strings.Contains(text, "over the limit of 1 messages a second") {
		t.Errorf("got %s", text)
	}
	limited := false
	for range 40 {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.HTTP+"/api/v1/publish", strings.NewReader(`{"topic":"lab/x","payload":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("ana", "ana-secret")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusTooManyRequests {
			if after, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || after < 1 {
				t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
			}
			limited = true
			break
		}
	}
	if !limited {
		t.Error("HTTP has an allowance of its own")
	}
	ben := mustDial(t, s, 5, "b", "ben", "ben-secret")
	if code := ben.publish("lab/x", "x"); code >= 0x80 {
		t.Errorf("another user pays: PUBACK %#x", code)
	}
	if got := metric(t, s, `fitmq_publishes_refused_total{reason="rate"}`); got < float64(refused)+1 {
		t.Errorf("%v refusals are counted, at least %d were made", got, refused+1)
	}
}

func TestBroker_PublishQuota_QoS0(t *testing.T) {
	s := start(t, open, func(o *broker.Options) { o.Config.Quotas.Member.PublishBytes = 1 * config.KiB })
	ana := mustDial(t, s, 5, "a1", "ana", "ana-secret")
	ana.subscribe("user/ana/error")
	for range 200 {
		ana.send(0x30, append([]byte{0, 5, 'l', 'a', 'b', '/', 'x', 0}, make([]byte, 500)...))
	}
	if text := ana.await("user/ana/error"); !strings.Contains(text, "over the limit of 1024 bytes a second") {
		t.Errorf("got %s", text)
	}
	if code := ana.subscribe("lab/y"); code != 1 { // the connection lives, and was not flooded with notices
		t.Errorf("SUBACK %#x", code)
	}
}

func TestBroker_ConnectionQuota(t *testing.T) {
	s := start(t, func(o *broker.Options) { o.Config.Quotas.Member.Connections = 2 })
	first := mustDial(t, s, 5, "a1", "ana", "ana-secret")
	mustDial(t, s, 4, "a2", "ana", "ana-secret")
	for version, want := range map[byte]byte{5: byte(wire.QuotaExceeded), 4: 3} {
		if _, code := dial(t, s, version, "a3", "ana", "ana-secret"); code != want {
			t.Errorf("a third connection, version %d: CONNACK %#x, want %#x", version, code, want)
		}
	}
	mustDial(t, s, 5, "a1", "ana", "ana-secret") // takes over, and is no third one
	first.wantEnd(wire.SessionTakenOver)
	mustDial(t, s, 5, "b1", "ben", "ben-secret")
	if got := metric(t, s, `fitmq_connections_refused_total{reason="quota exceeded"}`); got != 2 {
		t.Errorf("%v refused connections are counted, want 2", got)
	}
}

func TestBroker_SubscriptionQuota(t *testing.T) {
	s := start(t, open, func(o *broker.Options) { o.Config.Quotas.Member.Subscriptions = 2 })
	for version, want := range map[byte]byte{5: byte(wire.QuotaExceeded), 4: 0x80} {
		ana := mustDial(t, s, version, "a1", "ana", "ana-secret")
		for filter, want := range map[string]byte{"lab/1": 1, "lab/2": 1} {
			if code := ana.subscribe(filter); code != want {
				t.Errorf("%s: SUBACK %#x", filter, code)
			}
		}
		if code := ana.subscribe("lab/3"); code != want {
			t.Errorf("version %d, a third subscription: SUBACK %#x, want %#x", version, code, want)
		}
		if code := ana.subscribe("lab/1"); code != 1 { // the same again is no third one
			t.Errorf("SUBACK %#x", code)
		}
	}
}

// What the domain takes of a user goes by role: a trainer has more here
// than a member, and a new role counts for the next message.
func TestBroker_DomainQuota(t *testing.T) {
	s := start(t, func(o *broker.Options) {
		m, tr := &o.Config.Quotas.Member, &o.Config.Quotas.Trainer
		m.ActivitiesPerDay, m.ChatBurst, m.ChatRate, m.BeaconInterval = 1, 1, 1, config.Duration(time.Hour)
		tr.ActivitiesPerDay, tr.ChatBurst, tr.ChatRate, tr.BeaconInterval = 3, 100, 1, config.Duration(time.Minute)
	})
	rest(t, s, "admin", s.Token, "PUT", "/users/tom", `{"role":"trainer","password":"tom-secret"}`, 201)
	now := time.Now().UTC()
	rest(t, s, "admin", s.Token, "PUT", "/challenges/c1", fmt.Sprintf(`{"title":"June","organizer":"ben","visibility":"open","metric":"distance","startsAt":%q,"endsAt":%q}`,
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(24*time.Hour).Format(time.RFC3339)), 201)
	for _, id := range []string{"ana", "tom"} {
		rest(t, s, "admin", s.Token, "PUT", "/challenges/c1/participants/"+id, `{}`, 204)
	}
	payload := map[string]func(i int) string{
		"challenge/c1/activity": func(i int) string { return strings.Replace(anActivity, `"run"`, fmt.Sprintf(`"run-%d"`, i), 1) },
		"chat/ana.tom/message":  func(int) string { return `{"content":"hi"}` },
		"match/beacon":          func(int) string { return `{"latitude":52.52,"longitude":13.405,"sport":"running","pace":330}` },
	}
	code := map[string]byte{"challenge/c1/activity": byte(wire.QuotaExceeded), "chat/ana.tom/message": byte(wire.MessageRateTooHigh), "match/beacon": byte(wire.MessageRateTooHigh)}
	for topic, text := range payload {
		t.Run(topic, func(t *testing.T) {
			ana := mustDial(t, s, 5, "a"+topic[:2], "ana", "ana-secret")
			tom := mustDial(t, s, 5, "t"+topic[:2], "tom", "tom-secret")
			publish := func(p *peer, i int) byte {
				got, why := p.publishWhy(topic, text(i))
				if got >= 0x80 && !strings.Contains(why, "over the limit of") {
					t.Errorf("refused with %#x %q, which names no limit", got, why)
				}
				return got
			}
			if got := publish(ana, 0); got != 0 {
				t.Fatalf("a member's first: %#x", got)
			}
			for i := range map[bool]int{true: 1, false: 3}[topic == "match/beacon"] {
				if got := publish(tom, i); got != 0 {
					t.Errorf("a trainer's number %d: %#x", i+1, got)
				}
			}
			refused := byte(0)
			for i := 1; i < 20 && refused == 0; i++ { // one a second may become possible meanwhile
				refused = publish(ana, i)
			}
			if refused != code[topic] {
				t.Errorf("a member's next: %#x, want %#x", refused, code[topic])
			}
			wantLimited(t, s, topic, text)
		})
	}
	if got := metric(t, s, `fitmq_publishes_refused_total{reason="rate"}`); got < 6 {
		t.Errorf("%v refusals are counted, 6 were made", got)
	}
	// A trainer becomes a member, connected as before.
	tom := mustDial(t, s, 5, "tom", "tom", "tom-secret")
	if got, why := tom.publishWhy("match/beacon", payload["match/beacon"](0)); !strings.Contains(why, "one every 1m0s") {
		t.Errorf("a beacon as a trainer: %#x %q", got, why)
	}
	rest(t, s, "admin", s.Token, "PUT", "/users/tom", `{"role":"member"}`, 200)
	if got, why := tom.publishWhy("match/beacon", payload["match/beacon"](0)); got != byte(wire.MessageRateTooHigh) || !strings.Contains(why, "one every 1h0m0s") {
		t.Errorf("a beacon as a member: %#x %q", got, why)
	}
}

// wantLimited publishes as ana over HTTP until it is too much.
func wantLimited(t *testing.T, s *brokertest.Server, topic string, text func(int) string) {
	t.Helper()
	for i := range 20 {
		body, err := json.Marshal(map[string]string{"topic": topic, "payload": text(100 + i)})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.HTTP+"/api/v1/publish", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("ana", "ana-secret")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		switch after, err := strconv.Atoi(res.Header.Get("Retry-After")); {
		case res.StatusCode == http.StatusOK:
			continue
		case res.StatusCode != http.StatusTooManyRequests || err != nil || after < 1:
			t.Errorf("HTTP: %s, Retry-After %q, want 429", res.Status, res.Header.Get("Retry-After"))
		}
		return
	}
	t.Errorf("HTTP has an allowance of its own")
}
