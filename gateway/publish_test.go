package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/gateway"
	"github.com/fitmq/fitmq/store"
)

func TestPublish(t *testing.T) {
	const topic = "session/s1/progress/ana"
	for _, tt := range []struct {
		body, payload string
		qos           byte
		retain        bool
	}{
		{`{"topic":"` + topic + `","payload":{"seq": 1}}`, `{"seq": 1}`, 1, false},
		{`{"topic":"` + topic + `","payload":"plain \"text\" é","qos":2,"retain":true}`, `plain "text" é`, 2, true},
		{`{"topic":"` + topic + `","payload":12.50,"qos":0}`, `12.50`, 0, false},
		{`{"topic":"` + topic + `","payload":null}`, ``, 1, false},
		{`{"topic":"` + topic + `"}`, ``, 1, false},
		{`{"topic":"` + topic + `","payload":""}`, ``, 1, false},
		{`{"topic":"` + topic + `","payloadBase64":"AP8="}`, "\x00\xff", 1, false},
	} {
		h := newHouse(t)
		h.plane.receipt.MessageID = "01J"
		wantJSON(t, h.do(t, "ana", "POST", "/api/v1/publish", tt.body), 200, `{"messageId":"01J"}`)
		if len(h.plane.published) != 1 {
			t.Fatalf("%s: published %v", tt.body, h.plane.published)
		}
		got := h.plane.published[0]
		if got.Topic != topic || string(got.Payload) != tt.payload || got.QoS != tt.qos || got.Retain != tt.retain || got.Sender.UserID != "ana" || got.Sender.Role != access.Member {
			t.Errorf("%s: published %+v with %q", tt.body, got, got.Payload)
		}
	}
}

func TestPublish_Refused(t *testing.T) {
	for _, tt := range []struct {
		who, body string
		status    int
		detail    string
	}{
		{"ana", `{"topic":"session/s1/progress/ben","payload":{}}`, 403, "session/s1/progress/ben: only that user may"},
		{"ana", `{"topic":"session/s1/leaderboard","payload":{}}`, 403, "computed by the broker"},
		{"ana", `{"topic":"a/b","payload":{}}`, 403, "no rule of this server"},
		{"ana", `{"topic":"a/+","payload":{}}`, 422, "wildcard"},
		{"ana", `{"payload":{}}`, 422, "topic is empty"},
		{"ana", `{"topic":"session/s1/progress/ana","qos":3}`, 422, "qos 3 is not 0, 1 or 2"},
		{"ana", `{"topic":"","qos":-1}`, 422, "topic is empty; qos -1 is not"},
		{"ana", `{"topic":"session/s1/progress/ana","qos":1.5}`, 422, "qos must be a number"},
		{"ana", `{"topic":"session/s1/progress/ana","payload":1,"payloadBase64":"AA=="}`, 422, "exclude each other"},
		{"ana", `{"topic":"session/s1/progress/ana","payloadBase64":"!"}`, 422, "not base64"},
		{"ana", `{"topic":"session/s1/progress/ana","message":1}`, 422, `unknown member "message"`},
		{"", `{"topic":"a/b","payload":{}}`, 401, "sign in"},
	} {
		h := newHouse(t)
		wantProblem(t, h.do(t, tt.who, "POST", "/api/v1/publish", tt.body), tt.status, tt.detail)
		if len(h.plane.published) > 0 {
			t.Errorf("%s was published", tt.body)
		}
	}
}

// What the data plane refuses by an MQTT reason code has its status here.
func TestPublish_Codes(t *testing.T) {
	const body = `{"topic":"session/s1/progress/ana","payload":{}}`
	for _, tt := range []struct {
		code   byte
		status int
		retry  string
	}{
		{0x00, 200, ""}, {0x10, 200, ""}, // 0x10: no matching subscribers
		{0x83, 422, ""}, {0x87, 403, ""}, {0x90, 422, ""}, {0x95, 413, ""}, {0x96, 429, "1"}, {0x97, 429, "10"}, {0x99, 422, ""}, {0x80, 500, ""},
	} {
		h := newHouse(t)
		h.plane.receipt = gateway.Receipt{Code: tt.code, Reason: "heartRate 900 is over the limit of 250 bpm"}
		res := h.do(t, "ana", "POST", "/api/v1/publish", body)
		switch tt.status {
		case 200:
			wantJSON(t, res, 200, "{}")
		case 500:
			wantProblem(t, res, 500, "internal error")
		default:
			wantProblem(t, res, tt.status, "heartRate 900 is over the limit of 250 bpm")
		}
		if got := res.Header.Get("Retry-After"); got != tt.retry {
			t.Errorf("%#x: Retry-After %q, want %q", tt.code, got, tt.retry)
		}
	}
	for _, tt := range []struct {
		err    error
		status int
	}{
		{store.ErrUnavailable, 503}, {store.ErrFull, 503}, {store.ErrClosed, 503}, {context.DeadlineExceeded, 503}, {context.Canceled, 503},
		{&fitness.Error{Kind: fitness.Internal, Err: store.ErrFull}, 503}, {store.ErrConflict, 409}, {fmt.Errorf("boom"), 500},
	} {
		h := newHouse(t)
		h.plane.err = tt.err
		wantProblem(t, h.do(t, "ana", "POST", "/api/v1/publish", body), tt.status, "")
	}
}

func TestPublish_Anonymous(t *testing.T) {
	h := newHouse(t, func(o *gateway.Options) {
		o.Anonymous = true
		o.Policy = access.NewPolicy(o.Engine.(*fakeEngine), true)
	})
	wantJSON(t, h.do(t, "", "POST", "/api/v1/publish", `{"topic":"test","payload":"x"}`), 200, "{}")
	if got := h.plane.published[0].Sender; got != (access.Identity{}) {
		t.Errorf("sent by %+v, want nobody", got)
	}
	wantProblem(t, h.do(t, "", "POST", "/api/v1/publish", `{"topic":"session/s1/chat","payload":"x"}`), 403, "sign in first")
	wantProblem(t, h.do(t, "", "GET", "/api/v1/me", ""), 401, "sign in")
}

type shown struct {
	Items []struct {
		Topic, PayloadBase64 string
		Payload              json.RawMessage
		QoS                  int
		Retain               bool
	}
	Next string
}

func getRetained(t *testing.T, h *house, who, filter, more string) shown {
	t.Helper()
	res := h.do(t, who, "GET", "/api/v1/retained?filter="+url.QueryEscape(filter)+more, "")
	body := res.Body
	var got shown
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 {
		t.Fatalf("%d %s: %v", res.StatusCode, body, err)
	}
	return got
}

func TestRetained(t *testing.T) {
	h := newHouse(t)
	h.plane.kept = map[string]string{
		"session/s1/info": `{"sessionId": "s1"}`, "session/s1/form/ben": `{"cue":"up"}`, "session/s1/progress/ana": `5`,
		"session/s1/participants": "\x00\xff", "session/s1/leaderboard": `"quoted"`, "session/s1/chat": "plain", "session/s1/events": "null",
	}
	got := getRetained(t, h, "ana", "session/s1/#", "")
	var lines []string
	for _, m := range got.Items {
		lines = append(lines, fmt.Sprintf("%s %s%s %d %v", m.Topic, m.Payload, m.PayloadBase64, m.QoS, m.Retain))
	}
	want := []string{ // without form/ben, which is not for ana
		`session/s1/chat "plain" 1 true`, `session/s1/events "null" 1 true`, `session/s1/info {"sessionId":"s1"} 1 true`,
		`session/s1/leaderboard "\"quoted\"" 1 true`, `session/s1/participants AP8= 1 true`, `session/s1/progress/ana 5 1 true`,
	}
	if !slices.Equal(lines, want) || got.Next != "" {
		t.Errorf("got  %s\nwant %s", strings.Join(lines, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestRetained_Pages(t *testing.T) {
	h := newHouse(t)
	var want, got []string
	for i := range 250 {
		topic := fmt.Sprintf("x/%04d", i)
		h.plane.kept[topic] = "{}"
		want = append(want, topic)
	}
	after := ""
	for range 20 {
		page := getRetained(t, h, "token", "x/#", "&limit=30&after="+url.QueryEscape(after))
		if len(page.Items) > 30 {
			t.Fatalf("a page of %d", len(page.Items))
		}
		for _, m := range page.Items {
			got = append(got, m.Topic)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d topics %v..., want %d", len(got), got[:min(5, len(got))], len(want))
	}
}

func TestRetained_Refused(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		who, filter string
		status      int
		detail      string
	}{
		{"ana", "#", 403, "reaches topics of others"}, {"olga", "session/s1/#", 403, "only members of the session"},
		{"ana", "", 400, "filter: topic is empty"}, {"ana", "a/#/b", 400, "wildcard"}, {"svc", "$share/g/a", 400, "shared subscription gets no retained"},
		{"", "a", 401, "sign in"},
	} {
		wantProblem(t, h.do(t, tt.who, "GET", "/api/v1/retained?filter="+url.QueryEscape(tt.filter), ""), tt.status, tt.detail)
	}
	wantProblem(t, h.do(t, "token", "GET", "/api/v1/retained?filter=a&limit=0", ""), 400, "limit")
}
