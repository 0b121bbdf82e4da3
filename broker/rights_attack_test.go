package broker_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/delivery/wire"
)

// A will to a topic without right is refused with CONNECT, and whoever is
// connected under the client id stays.
func TestAttack_WillToAForbiddenTopic(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	first := mustDial(t, s, 5, "x", "olga", "olga-secret")
	for _, topic := range []string{"session/s1/chat", "user/ana/notification", "challenge/c1/leaderboard", "user/olga/error", "$SYS/x", "a/b"} {
		for version, want := range map[byte]byte{5: 0x87, 4: 5} {
			p := connectPeer(t, s, version, connectFlags{clean: true, will: topic, willPayload: "x"}, "x", "olga", "olga-secret")
			if p.code != want {
				t.Errorf("%s, version %d: CONNACK %#x, want %#x", topic, version, p.code, want)
			}
		}
	}
	if code := first.subscribe("marker/x"); code != 1 {
		t.Errorf("the first connection is gone: %#x", code)
	}
	p := connectPeer(t, s, 5, connectFlags{clean: true, will: "marker/x", willPayload: "x"}, "y", "olga", "olga-secret")
	if p.code != 0 {
		t.Errorf("an allowed will: CONNACK %#x", p.code)
	}
}

// alias publishes by topic alias: with the name that it then stands for, or
// without.
func (p *peer) alias(topic string, alias byte, payload string) (code byte) {
	p.t.Helper()
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(topic))), topic...)
	body = append(body, 0, 7, 3, 0x23, 0, alias)
	p.send(0x32, append(body, payload...))
	return p.puback()
}

func TestAttack_AliasToAForbiddenTopic(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	p := mustDial(t, s, 5, "x", "ben", "ben-secret")
	if code := p.alias("session/s1/progress/ana", 1, "x"); code != 0x87 {
		t.Errorf("another's progress: PUBACK %#x", code)
	}
	if code := p.alias("", 1, "x"); code != 0x87 { // the alias stands, the right does not
		t.Errorf("by its alias alone: PUBACK %#x", code)
	}
	if code := p.alias("marker/x", 1, "x"); code >= 0x80 {
		t.Errorf("PUBACK %#x", code)
	}
	if code := p.alias("", 1, "x"); code >= 0x80 {
		t.Errorf("PUBACK %#x", code)
	}
	if code := p.alias("session/s1/chat", 1, `{"content":"hi"}`); code >= 0x80 {
		t.Errorf("PUBACK %#x", code)
	}
	perform(t, s, "DELETE /sessions/s1/members/ben")
	if code := p.alias("", 1, `{"content":"hi"}`); code != 0x87 {
		t.Errorf("by alias after the removal: PUBACK %#x", code)
	}
}

// Filters that try to reach what their client may not have, and names that try
// to be taken for others.
func TestAttack_Escapes(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	long := strings.Repeat("x", 65)
	filters := []string{
		"#", "+/#", "+/s1/info", "session/#", "session/+/info", "+/+/chat", "/#", "$share/g/#", "$share/g/session/s1/#",
		"$share/g/$share/h/session/s1/info", "$share/g/$SYS/#", "$SYS/#", "$SYS/+", "session/s1/#/x", "session/s1/form/+",
		"session/s1/+", "session/s1/progress/#", "session//info", "user/+/error", "user/olga/../ana/error", "user/olga/+/#", "user/ana/#",
		"user/" + long + "/#", "user//#", "challenge/+/rank/olga", "challenge/c1/#", "chat/+/message", "chat/#", "chat/ana.ben/#",
		"chat/ben.ana/#", "match/#", "match/+", "marker/#/x", "marker+", "a/b", "Session/s1/#", "session/S1/#", " session/s1/#",
	}
	names := []string{
		"session/s1/progress/+", "session/s1/#", "session/+/chat", "user/ana\u0000/error", "session/s1\x00/chat", "user/" + long + "/token", "session/" + long + "/chat",
		"session/s1/progress/olga/", "session/s1/progress/ölga", "session/s1/progress/olga\u200b", "session/s1/progress/%6flga", "user/olga/token/x", "$share/g/session/s1/chat", "$SYS/broker/uptime",
		"user/ana/notification", "user/olga/notification", "user/olga/error", "chat/ana.olga/message", "chat/olga.ana/message", "chat/olga.olga/message", "chat/.olga/message",
	}
	for _, version := range []byte{5, 4} {
		p := mustDial(t, s, version, "x", "olga", "olga-secret")
		for _, f := range filters {
			if code := p.subscribe(f); code < 0x80 {
				t.Errorf("version %d: olga has %q: SUBACK %#x", version, f, code)
			}
		}
		for _, bad := range []string{"session/s1/\x00", "session/s1/\xed\xa0\x80", "session/s1/\xff"} { // malformed packets end the connection [MQTT-1.5.4-1]
			q := mustDial(t, s, version, "bad", "olga", "olga-secret")
			body := q.props([]byte{0, 9})
			body = append(binary.BigEndian.AppendUint16(body, uint16(len(bad))), bad...)
			q.send(0x82, append(body, 1))
			for {
				header, _ := q.read()
				if header == 0 || header == 0xE0 {
					break
				}
				if header == 0x90 {
					t.Errorf("version %d: %q is answered", version, bad)
					break
				}
			}
		}
	}
	for _, name := range names {
		p := mustDial(t, s, 5, "x", "olga", "olga-secret")
		body := append(binary.BigEndian.AppendUint16(nil, uint16(len(name))), name...)
		p.send(0x32, append(append(body, 0, 7, 0), `{"content":"hi"}`...))
		header, ack := p.read()
		switch {
		case header == 0 || header == 0xE0: // malformed
		case header == 0x40 && len(ack) > 2 && ack[2] >= 0x80:
		default:
			t.Errorf("olga publishes to %q: packet %#x % x", name, header, ack)
		}
		status, answer := (&cell{t: t, s: s, letter: 'o', user: "olga", pass: "olga-secret"}).http("POST", "/publish", fmt.Sprintf(`{"topic":%q,"payload":"x"}`, name))
		if status != 403 && status != 422 && status != 400 {
			t.Errorf("olga publishes to %q over HTTP: %d %s", name, status, answer)
		}
	}
}

// Who says to be somebody else is refused, and nobody hears it.
func TestAttack_SpoofedSender(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	ana := mustDial(t, s, 5, "a", "ana", "ana-secret")
	for _, f := range []string{"user/ana/#", "chat/ana.ben/#", "session/s1/#", "marker/#"} {
		ana.subscribe(f)
	}
	ben := mustDial(t, s, 5, "b", "ben", "ben-secret")
	for _, topic := range []string{"chat/ana.ben/message", "session/s1/chat"} {
		if code := ben.publish(topic, `{"content":"hi","senderId":"hana","messageId":"spoof"}`); code != byte(wire.ImplementationSpecific) {
			t.Errorf("%s: PUBACK %#x, want 0x83", topic, code)
		}
		status, answer := (&cell{t: t, s: s, letter: 'b', user: "ben", pass: "ben-secret"}).http("POST", "/publish",
			fmt.Sprintf(`{"topic":%q,"payload":{"content":"hi","senderId":"hana","messageId":"spoof"}}`, topic))
		if status != 422 {
			t.Errorf("%s over HTTP: %d %s", topic, status, answer)
		}
	}
	s.EmitStored("marker/end", "end")
	for {
		topic, text := ana.next()
		if topic == "marker/end" {
			break
		}
		if strings.Contains(text, "spoof") {
			t.Errorf("%s: %s", topic, text)
		}
	}
}

// Roles that change while their user is connected.
func TestAttack_PromotedAndDemoted(t *testing.T) {
	s := brokertest.Start(t, markers)
	rightsWorld(t, s)
	p := mustDial(t, s, 5, "o", "olga", "olga-secret")
	if code := p.subscribe("$SYS/#"); code != 0x87 {
		t.Fatalf("a member reads $SYS: %#x", code)
	}
	perform(t, s, `PUT /users/olga {"role":"service"}`)
	if code := p.subscribe("$SYS/#"); code != 1 {
		t.Errorf("a service does not: %#x", code)
	}
	if code, reason := p.publishWhy("user/ana/notification", `{"type":"notification","content":"x"}`); code >= 0x80 {
		t.Errorf("PUBACK %#x %s", code, reason)
	}
	perform(t, s, `PUT /users/olga {"role":"member"}`)
	if code := p.publish("user/ana/notification", `{"type":"notification","content":"x"}`); code != 0x87 {
		t.Errorf("a member again: PUBACK %#x", code)
	}
	if code := p.unsubscribe("$SYS/#"); code != 0x11 {
		t.Errorf("the subscription of the service stays: UNSUBACK %#x", code)
	}
	// A trainer of nobody is not a client's trainer.
	ulf := mustDial(t, s, 5, "u", "ulf", "ulf-secret")
	for topic, want := range map[string]byte{"user/ana/notification": 0x87, "session/s1/form/ana": 0x87} {
		if code := ulf.publish(topic, `{"type":"notification","content":"x"}`); code != want {
			t.Errorf("%s: PUBACK %#x", topic, code)
		}
	}
	if code := ulf.subscribe("challenge/c1/rank/ana"); code != 0x87 {
		t.Errorf("SUBACK %#x", code)
	}
}
