package broker_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
)

// A change of a relation, and what somebody loses by it.
type change struct {
	name string
	user string // whose rights end
	// device: it is a device of the user that is signed in.
	device bool
	// before is done as administrator before anybody subscribes, and do is the change:
	// "METHOD path body" each; "as USER:" in front has that user do it.
	before, do    []string
	filter, topic string
	ends          wire.Code // the connection ends; 0 = it goes on
}

const trainerless = `{"kind":"training","title":"Legs","host":"hana","visibility":"invite"}`

var changes = []change{
	{name: "removed from a session", user: "ben", do: []string{"DELETE /sessions/s1/members/ben"}, filter: "session/s1/#", topic: "session/s1/chat"},
	{name: "removed by the host", user: "ben", do: []string{`as hana: POST /sessions/s1/control {"action":"remove","userId":"ben"}`}, filter: "session/s1/progress/+", topic: "session/s1/progress/ana"},
	{name: "left a session", user: "ben", do: []string{"as ben: DELETE /sessions/s1/members/ben"}, filter: "session/s1/chat", topic: "session/s1/chat"},
	{name: "session deleted", user: "ben", do: []string{"DELETE /sessions/s1"}, filter: "session/s1/#", topic: "session/s1/chat"},
	{
		name: "session closed to strangers", user: "olga", filter: "session/s2/#", topic: "session/s2/chat",
		before: []string{`PUT /sessions/s2 {"kind":"workout","title":"Run","host":"hana","visibility":"open"}`},
		do:     []string{`PUT /sessions/s2 {"kind":"workout","title":"Run","host":"hana","visibility":"invite"}`},
	},
	{name: "trainer replaced", user: "tim", do: []string{"PUT /sessions/s1 " + trainerless}, filter: "session/s1/form/+", topic: "session/s1/form/ana"},
	{name: "unlinked", user: "tess", do: []string{"DELETE /links/tess/ana"}, filter: "challenge/c1/rank/ana", topic: "challenge/c1/rank/ana"},
	{name: "unlinked by the client", user: "tess", do: []string{"as ana: DELETE /links/tess/ana"}, filter: "user/ana/presence", topic: "user/ana/presence"},
	{name: "a fellow has left", user: "hana", do: []string{"DELETE /sessions/s1/members/ben"}, filter: "user/ben/presence", topic: "user/ben/presence"},
	{name: "blocked", user: "ben", do: []string{"as ana: PUT /me/blocks/ben {}"}, filter: "user/ana/presence", topic: "user/ana/presence"},
	{name: "removed from a challenge", user: "ben", do: []string{"DELETE /challenges/c1/participants/ben"}, filter: "challenge/c1/leaderboard", topic: "challenge/c1/leaderboard"},
	{name: "challenge deleted", user: "ben", do: []string{"DELETE /challenges/c1"}, filter: "challenge/c1/achievements", topic: "challenge/c1/achievements"},
	{
		name: "removed from a conversation", user: "kim", filter: "chat/crew/#", topic: "chat/crew/message",
		before: []string{`as ben: PUT /conversations/crew {"title":"Crew","members":["ben","kim"]}`},
		do:     []string{"as ben: DELETE /conversations/crew/members/kim"},
	},
	{name: "a trainer demoted", user: "tess", do: []string{`PUT /users/tess {"role":"member"}`}, filter: "challenge/c1/rank/ana", topic: "challenge/c1/rank/ana"},
	{name: "a service demoted", user: "svc", do: []string{`PUT /users/svc {"role":"member"}`}, filter: "#", topic: "session/s1/chat"},
	{name: "a service of a group demoted", user: "svc", do: []string{`PUT /users/svc {"role":"member"}`}, filter: "$share/g/session/s1/#", topic: "session/s1/chat"},
	{name: "disabled", user: "ben", do: []string{`PUT /users/ben {"role":"member","disabled":true}`}, filter: "session/s1/#", topic: "session/s1/chat", ends: wire.NotAuthorized},
	{name: "deleted", user: "ben", do: []string{"DELETE /users/ben"}, filter: "session/s1/#", topic: "session/s1/chat", ends: wire.NotAuthorized},
	{name: "a device revoked", user: "ana", device: true, do: []string{"DELETE /users/ana/devices/watch"}, filter: "session/s1/#", topic: "session/s1/chat", ends: wire.NotAuthorized},
}

// perform does "METHOD path body" as administrator, or as the user it names.
func perform(t *testing.T, s *brokertest.Server, what string) {
	t.Helper()
	user, pass := "admin", s.Token
	if rest, ok := strings.CutPrefix(what, "as "); ok {
		user, what, _ = strings.Cut(rest, ": ")
		pass = user + "-secret"
	}
	parts := strings.SplitN(what, " ", 3)
	c := cell{t: t, s: s, letter: 'x', user: user, pass: pass}
	if user == "admin" {
		c.letter = 'm'
	}
	body := ""
	if len(parts) > 2 {
		body = parts[2]
	}
	if status, answer := c.http(parts[0], parts[1], body); status >= 300 {
		t.Fatalf("%s as %s: %d %s", what, user, status, answer)
	}
}

// markers lets everybody use marker/#.
func markers(o *broker.Options) {
	o.Config.ACL.Rules = []config.ACLRule{{Allow: config.Both, Topic: "marker/#"}}
}

func TestRights_ChangeCountsAtOnce(t *testing.T) {
	for _, c := range changes {
		for _, version := range []byte{5, 4} {
			t.Run(fmt.Sprintf("%s/MQTT%d", c.name, version), func(t *testing.T) { checkChange(t, c, version) })
		}
	}
}

func checkChange(t *testing.T, c change, version byte) {
	t.Parallel()
	s := brokertest.Start(t, markers)
	device := rightsWorld(t, s)
	for _, what := range c.before {
		perform(t, s, what)
	}
	pass := c.user + "-secret"
	if c.device {
		pass = device
	}
	connect := func(id string) *peer {
		t.Helper()
		p := connectPeer(t, s, version, connectFlags{expiry: 3600}, id, c.user, pass)
		if p.code != 0 {
			t.Fatalf("%s is refused with %#x", id, p.code)
		}
		return p
	}
	live, away := connect("live"), connect("away")
	for _, filter := range []string{c.filter, "marker/#", "user/" + c.user + "/error"} {
		for _, p := range []*peer{live, away} {
			if code := p.subscribe(filter); code >= 0x80 {
				t.Fatalf("subscribe %s: %#x", filter, code)
			}
		}
	}
	away.drain()
	s.EmitStored(c.topic, "before")
	for live.await(c.topic) != "before" { // what the domain publishes itself comes, too
	}
	begin := time.Now()
	for _, what := range c.do {
		perform(t, s, what)
	}
	// From here on, and not only once the client has been told, nothing comes.
	for range changeMessages {
		s.EmitStored(c.topic, "after")
	}
	s.EmitStored("marker/end", "end")
	if c.ends != 0 {
		live.wantEndWithout(c.ends, c.topic)
		t.Logf("ended %v after the change was asked for", time.Since(begin))
		if p := connectPeer(t, s, version, connectFlags{}, "live", c.user, pass); p.code == 0 {
			t.Error("a sign-in that is no longer valid is let in")
		}
		return
	}
	live.wantEnded(c.user, c.filter, c.topic)
	t.Logf("told %v after the change was asked for", time.Since(begin))
	if got := live.unsubscribe(c.filter); version == 5 && got != 0x11 {
		t.Errorf("UNSUBACK %#x, want no subscription existed", got)
	}
	if code := live.subscribe(c.filter); code < 0x80 {
		t.Errorf("it can be had again: SUBACK %#x", code)
	}
	away = connect("away")
	if !away.present {
		t.Fatal("the session is gone")
	}
	away.wantNothingBut(c.topic, "marker/end")
	http := cell{t: t, s: s, letter: 'x', user: c.user, pass: pass}
	if filter, shared := strings.CutPrefix(c.filter, "$share/g/"); !shared {
		if status, _ := http.http("GET", "/retained?filter="+url.QueryEscape(filter), ""); status != 403 {
			t.Errorf("retained messages are read over HTTP: %d", status)
		}
	}
}

// changeMessages is how many messages follow a change at once.
const changeMessages = 50

// wantEnded reads up to marker/end and to the word that the subscription has
// ended, and wants nothing of the topic that was sent since.
func (p *peer) wantEnded(user, filter, topic string) {
	p.t.Helper()
	for told, end := false, false; !told || !end; {
		switch from, text := p.next(); {
		case from == "marker/end":
			end = true
		case from == topic && text == "after":
			p.t.Fatalf("%s was delivered after the change", topic)
		case from == "user/"+user+"/error":
			told = told || strings.Contains(text, `"topic":"`+filter+`"`) && strings.Contains(text, "subscription ended")
		}
	}
}

// wantEndWithout is wantEnd that wants nothing of the topic that was sent since.
func (p *peer) wantEndWithout(code wire.Code, topic string) {
	p.t.Helper()
	p.wantEnd(code, func(header byte, body []byte) {
		if header>>4 == wire.PUBLISH && bytes.Contains(body, []byte(topic)) && bytes.HasSuffix(body, []byte("after")) {
			p.t.Errorf("%s was delivered after the change", topic)
		}
	})
}

// wantNothingBut reads up to the last topic and wants nothing of the first, but
// for the word that it has ended.
func (p *peer) wantNothingBut(forbidden, last string) {
	p.t.Helper()
	for {
		topic, text := p.next()
		if topic == last {
			return
		}
		if topic == forbidden {
			p.t.Errorf("%s was delivered: %s", topic, text)
		}
	}
}

// unsubscribe returns UNSUBACK's code, 0 for MQTT 3.
func (p *peer) unsubscribe(filter string) byte {
	p.t.Helper()
	body := p.props([]byte{0, 8})
	p.send(0xA2, append(binary.BigEndian.AppendUint16(body, uint16(len(filter))), filter...))
	for {
		header, ack := p.read()
		switch {
		case header == 0:
			p.t.Fatal("the connection ended instead of an UNSUBACK")
		case header == 0xB0 && p.version == 5:
			return ack[len(ack)-1]
		case header == 0xB0:
			return 0
		}
	}
}

// Somebody who has just published, so that the right is known, loses it with the
// next packet.
func TestRights_PublishingEndsAtOnce(t *testing.T) {
	note := `{"type":"notification","content":"well done"}`
	for _, tt := range []struct{ name, user, topic, payload, do string }{
		{"unlinked", "tess", "user/ana/notification", note, "DELETE /links/tess/ana"},
		{"demoted", "tess", "user/ana/notification", note, `PUT /users/tess {"role":"member"}`},
		{"a service demoted", "svc", "user/ana/notification", note, `PUT /users/svc {"role":"trainer"}`},
		{"removed from a session", "ben", "session/s1/chat", `{"content":"hi"}`, "DELETE /sessions/s1/members/ben"},
		{"removed from a conversation", "ben", "chat/crew/message", `{"content":"hi"}`, "as ben: DELETE /conversations/crew/members/ben"},
		{"blocked", "ben", "chat/ana.ben/message", `{"content":"hi"}`, "as ana: PUT /me/blocks/ben {}"},
		{"a partner blocked", "pia", "chat/ana.pia/message", `{"content":"hi"}`, "as ana: PUT /me/blocks/pia {}"},
		{"a partner who has blocked", "pia", "chat/ana.pia/message", `{"content":"hi"}`, "as pia: PUT /me/blocks/ana {}"},
		{"trainer replaced", "tim", "session/s1/form/ana", "x", "PUT /sessions/s1 " + trainerless},
		{"removed from a challenge", "ben", "challenge/c1/activity", anActivity, "DELETE /challenges/c1/participants/ben"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := brokertest.Start(t, markers)
			rightsWorld(t, s)
			p := mustDial(t, s, 5, "p", tt.user, tt.user+"-secret")
			for range 2 {
				if code, reason := p.publishWhy(tt.topic, tt.payload); code == 0x87 {
					t.Fatalf("refused before: %s", reason)
				}
			}
			perform(t, s, tt.do)
			if code, reason := p.publishWhy(tt.topic, tt.payload); code != 0x87 || reason == "" {
				t.Errorf("PUBACK %#x %q, want 0x87 with a reason", code, reason)
			}
		})
	}
}

// A will is sent with the rights of the moment at which it is sent.
func TestRights_WillAfterRemoval(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	hana := mustDial(t, s, 5, "h", "hana", "hana-secret")
	hana.subscribe("session/s1/chat")
	hana.subscribe("marker/#")
	will := func(id, user, text string) *peer {
		t.Helper()
		p := connectPeer(t, s, 5, connectFlags{clean: true, will: "session/s1/chat", willPayload: text}, id, user, user+"-secret")
		if p.code != 0 {
			t.Fatalf("%s: CONNACK %#x", user, p.code)
		}
		return p
	}
	stays, goes := will("a", "ana", `{"content":"still here"}`), will("b", "ben", `{"content":"not here"}`)
	perform(t, s, "DELETE /sessions/s1/members/ben")
	refused := metric(t, s, `fitmq_publishes_refused_total{reason="no_right"}`)
	goes.drain()
	await.Until(t, "ben's will is refused", func() bool {
		return metric(t, s, `fitmq_publishes_refused_total{reason="no_right"}`) > refused
	})
	stays.drain()
	if text := hana.await("session/s1/chat"); !strings.Contains(text, "still here") {
		t.Errorf("got %s", text)
	}
}

// What somebody may do newly they have without subscribing again.
func TestRights_NewTrainerGetsForms(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	perform(t, s, "PUT /sessions/s1/members/tess {}")
	tess := mustDial(t, s, 5, "t", "tess", "tess-secret")
	tess.subscribe("session/s1/#")
	tess.subscribe("marker/#")
	s.EmitStored("session/s1/form/ana", "before")
	s.EmitStored("marker/1", "x")
	tess.wantNothingBut("session/s1/form/ana", "marker/1")
	perform(t, s, `PUT /sessions/s1 {"kind":"training","title":"Legs","host":"hana","trainer":"tess","visibility":"invite"}`)
	s.EmitStored("session/s1/form/ana", "after")
	if got := tess.await("session/s1/form/ana"); got != "after" {
		t.Errorf("got %s", got)
	}
}
