package broker_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
)

// The people of the rights table, by one letter each.
//
//	session s1 (invite): host hana, trainer tim, members ana, ben, kim
//	challenge c1 (invite): organizer otto, participants ana, ben
//	links: tim and tess train ana; conversations: ana.ben, and the group crew of ben
//	ana has blocked kim, has a device, and is matched with pia, who is in nothing
var kinds = []struct {
	letter byte
	user   string // "" = not signed in
	role   string
}{
	{'-', "", ""},            // anonymous, where that is allowed
	{'o', "olga", "member"},  // a stranger
	{'b', "ben", "member"},   // member, participant, in conversations
	{'h', "hana", "member"},  // host of the session
	{'t', "tim", "trainer"},  // trainer of the session, linked to ana
	{'T', "tess", "trainer"}, // trainer, linked to ana
	{'u', "ulf", "trainer"},  // trainer, linked to nobody
	{'a', "ana", "member"},   // the named user
	{'d', "ana", "device"},   // a device of the named user
	{'g', "otto", "member"},  // organizer of the challenge
	{'k', "kim", "member"},   // member of the session, blocked by ana
	{'p', "pia", "member"},   // matched with ana as training partners
	{'s', "svc", "service"},  // a backend
	{'m', "admin", "admin"},  // administrator
}

// rightsTable is the topic tables of the wire contract by hand: who may publish,
// and who may subscribe to, be delivered and read. A letter that is not there is
// denied. Administrators and services (m, s) read everything but what is secret;
// they publish as anybody.
var rightsTable = []struct{ topic, publish, receive, payload string }{
	{"session/s1/info", "", "bhtadk sm", ""},
	{"session/s1/participants", "", "bhtadk sm", ""},
	{"session/s1/events", "", "bhtadk sm", ""},
	{"session/s1/progress/ana", "ad", "bhtadk sm", ""},
	{"session/s1/progress/ben", "b", "bhtadk sm", ""},
	{"session/s1/progress/olga", "", "bhtadk sm", ""}, // she is not in it
	{"session/s1/form/ana", "t", "adt sm", ""},
	{"session/s1/form/ben", "t", "bt sm", ""},
	{"session/s1/form/ana/seen", "ad", "t sm", ""},
	{"session/s1/leaderboard", "", "bhtadk sm", ""},
	{"session/s1/chat", "bhtak", "bhtadk sm", `{"content":"hi"}`}, // a device has nothing to say
	{"session/s1/control", "ht", "sm", ""},
	{"session/s1/secret", "", "sm", ""}, // no such row
	{"session/s1/progress/ana/x", "", "sm", ""},
	{"session/s9/info", "", "sm", ""}, // no such session
	{"challenge/c1/info", "", "badg sm", ""},
	{"challenge/c1/status", "", "badg sm", ""},
	{"challenge/c1/activity", "bad", "sm", anActivity}, // the organizer has none to hand in
	{"challenge/c1/leaderboard", "", "badg sm", ""},
	{"challenge/c1/rank/ana", "", "adtT sm", ""},
	{"challenge/c1/rank/ben", "", "b sm", ""},
	{"challenge/c1/rank/olga", "", "sm", ""},
	{"challenge/c1/achievements", "", "badg sm", ""},
	{"challenge/c9/leaderboard", "", "sm", ""},
	{"chat/ana.ben/message", "ab", "ab sm", `{"content":"hi"}`},
	{"chat/ana.ben/typing", "ab", "ab sm", `{"typing":true}`},
	{"chat/ana.ben/read", "ab", "sm", ""},
	{"chat/ben.ana/message", "", "sm", `{"content":"hi"}`}, // not in byte order
	{"chat/ana.kim/message", "", "ak sm", `{"content":"hi"}`},
	{"chat/ana.kim/typing", "", "ak sm", `{"typing":true}`},
	{"chat/ana.olga/message", "", "ao sm", `{"content":"hi"}`},  // strangers
	{"chat/ana.pia/message", "ap", "ap sm", `{"content":"hi"}`}, // matched
	{"chat/ana.pia/typing", "ap", "ap sm", `{"typing":true}`},
	{"chat/ana.pia/read", "ap", "sm", ""},
	{"chat/crew/message", "b", "b sm", `{"content":"hi"}`},
	{"chat/nobody/message", "", "sm", `{"content":"hi"}`},
	{"user/ana/chat/ana.ben", "", "ad sm", ""},
	{"user/ana/receipt", "", "ad sm", ""},
	{"user/ana/notification", "tTs", "ad sm", ""},
	{"user/ben/notification", "s", "b sm", ""},
	{"user/ana/achievement", "", "ad sm", ""},
	{"user/ana/match", "", "ad sm", ""},
	{"user/ana/unread", "", "ad sm", ""},
	{"user/ana/token", "a", "", ""},
	{"user/ana/error", "", "ad sm", ""},
	{"user/ana/presence", "", "adbhtTg sm", ""}, // linked, or in one session or challenge, not blocked
	{"user/ben/presence", "", "badhtkg sm", ""},
	{"user/ana/away", "a", "sm", ""},
	{"user/ana/notification/read", "a", "sm", ""},
	{"user/ana/else", "", "sm", ""},
	{"user/ana", "", "sm", ""},
	{"match/beacon", "obhtTuadgkp", "", ""},
	{"match/reply", "obhtTuagkp", "", ""},
	{"match/block", "obhtTuagkp", "", ""},
	{"match/else", "", "sm", ""},
	{"$SYS/broker/rights-test", "", "sm", ""},
	{"a/b", "", "sm", ""},
	{"Session/s1/info", "", "sm", ""}, // no fitness name
	{"/user/ana/error", "", "sm", ""},
}

// anActivity is one of half an hour ago.
var anActivity = fmt.Sprintf(`{"activityId":"run","sport":"running","startTime":%q,"totalElapsedTime":600,"totalDistance":1000}`,
	time.Now().UTC().Add(-30*time.Minute).Format(time.RFC3339))

// general tells the rows that --dev opens to everybody.
func general(topic string) bool { return topic == "a/b" || topic[0] == 'S' || topic[0] == '/' }

// rightsWorld makes the people and what relates them; it returns the secret of
// ana's device.
func rightsWorld(t *testing.T, s *brokertest.Server) (device string) {
	t.Helper()
	admin := func(method, path, body string, want int) []byte {
		t.Helper()
		return rest(t, s, "admin", s.Token, method, path, body, want)
	}
	for _, k := range kinds {
		if k.user != "" && k.role != "device" && k.role != "admin" {
			admin("PUT", "/users/"+k.user, fmt.Sprintf(`{"role":%q,"password":"%s-secret"}`, k.role, k.user), 201)
		}
	}
	admin("PUT", "/sessions/s1", `{"kind":"training","title":"Legs","host":"hana","trainer":"tim","visibility":"invite"}`, 201)
	for _, id := range []string{"ana", "ben", "kim"} {
		admin("PUT", "/sessions/s1/members/"+id, `{}`, 204)
	}
	now := time.Now().UTC()
	admin("PUT", "/challenges/c1", fmt.Sprintf(`{"title":"June","organizer":"otto","visibility":"invite","metric":"distance","startsAt":%q,"endsAt":%q}`,
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(24*time.Hour).Format(time.RFC3339)), 201)
	for _, id := range []string{"ana", "ben"} {
		admin("PUT", "/challenges/c1/participants/"+id, `{}`, 204)
	}
	admin("PUT", "/links/tim/ana", `{}`, 201)
	admin("PUT", "/links/tess/ana", `{}`, 201)
	rest(t, s, "ben", "ben-secret", "PUT", "/conversations/crew", `{"title":"Crew","members":["ben"]}`, 201)
	rest(t, s, "ana", "ana-secret", "PUT", "/me/blocks/kim", `{}`, 204)
	matchUp(t, s, "ana", "pia")
	var made struct{ Secret string }
	if err := json.Unmarshal(admin("PUT", "/users/ana/devices/watch", `{}`, 201), &made); err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

func TestRights_Table(t *testing.T) {
	for _, dev := range []bool{false, true} {
		name := map[bool]string{false: "Closed", true: "Dev"}[dev]
		t.Run(name, func(t *testing.T) {
			s := brokertest.Start(t, func(o *broker.Options) {
				o.Dev = dev
				o.Config.ACL.Rules = []config.ACLRule{{Allow: config.Both, Topic: "marker/#"}}
			})
			device := rightsWorld(t, s)
			for _, row := range rightsTable {
				s.Emit(row.topic, "kept", true)
			}
			s.Emit("marker/kept", "kept", true)
			admin := cell{t: t, s: s, letter: 'm', pass: s.Token}
			await.Until(t, "what was published is retained", func() bool {
				_, answer := admin.http("GET", "/retained?filter=marker/kept", "")
				return strings.Contains(answer, "marker/kept")
			})
			for _, k := range kinds {
				if k.user == "" && !dev {
					continue // is not let in: see TestRights_Anonymous
				}
				pass := k.user + "-secret"
				switch k.role {
				case "device":
					pass = device
				case "admin":
					pass = s.Token
				}
				c := cell{t: t, s: s, dev: dev, letter: k.letter, user: k.user, pass: pass}
				c.checkPublish()
				c.checkReceive(5)
				c.checkReceive(4)
				c.checkHTTP()
				c.checkEvents()
			}
		})
	}
}

func TestRights_Anonymous(t *testing.T) {
	s := brokertest.Start(t)
	for version, want := range map[byte]byte{5: 0x86, 4: 4} {
		if _, code := dial(t, s, version, "x", "", ""); code != want {
			t.Errorf("version %d: CONNACK %#x, want %#x", version, code, want)
		}
	}
	for _, path := range []string{"/retained?filter=a", "/me"} {
		res, err := http.Get("http://" + s.HTTP + "/api/v1" + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", path, res.StatusCode)
		}
	}
}

// cell checks one kind of user against every row.
type cell struct {
	t          *testing.T
	s          *brokertest.Server
	dev        bool
	letter     byte
	user, pass string
}

// may looks the expectation up.
func (c *cell) may(letters, topic string) bool {
	return strings.IndexByte(letters, c.letter) >= 0 || c.dev && general(topic)
}

func (c *cell) dial(version byte) *peer {
	c.t.Helper()
	if c.user == "" {
		return dialAnonymous(c.t, c.s, version, "x"+string(c.letter))
	}
	return mustDial(c.t, c.s, version, fmt.Sprintf("%c%d", c.letter, version), c.user, c.pass)
}

func (c *cell) wrong(what, topic string, version any, got, want bool, detail string) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%c (%s, dev=%v) %s %s by %v: got %v, want %v %s", c.letter, c.user, c.dev, what, topic, version, got, want, detail)
	}
}

// payload is the row's, or one that no meaning takes.
func payload(row int) string {
	if p := rightsTable[row].payload; p != "" {
		return p
	}
	return "x"
}

func (c *cell) checkPublish() {
	c.t.Helper()
	p5 := c.dial(5)
	for i, row := range rightsTable {
		code, reason := p5.publishWhy(row.topic, payload(i))
		// A token that is no token is refused for what it is, after the right.
		got := code != 0x87 || strings.HasPrefix(reason, "the token")
		c.wrong("publish", row.topic, 5, got, c.may(row.publish, row.topic), reason)
	}
	p4 := c.dial(4)
	if c.user == "" {
		c.checkSilent(p4)
		return
	}
	feed := c.dialFeed()
	for i, row := range rightsTable {
		p4.publish(row.topic, payload(i))
		last := fmt.Sprintf("session/end-%d/info", i) // is refused for sure, and so ends what is told of the row
		p4.publish(last, "x")
		got, why := true, ""
		for {
			var told struct {
				Topic, Reason string
				Code          int
			}
			if text := feed.await("user/" + c.user + "/error"); json.Unmarshal([]byte(text), &told) != nil {
				continue // of this test, see Emit
			}
			if told.Topic == last {
				break
			}
			if told.Topic == row.topic && told.Code == 0x87 && !strings.HasPrefix(told.Reason, "the token") {
				got, why = false, told.Reason
			}
		}
		c.wrong("publish", row.topic, 4, got, c.may(row.publish, row.topic), why)
	}
}

// dialFeed listens to the user's errors.
func (c *cell) dialFeed() *peer {
	c.t.Helper()
	feed := mustDial(c.t, c.s, 5, "feed"+string(c.letter), c.user, c.pass)
	if code := feed.subscribe("user/" + c.user + "/error"); code >= 0x80 {
		c.t.Fatalf("%c cannot hear of errors: %#x", c.letter, code)
	}
	return feed
}

// checkReceive subscribes to every row by name, and where that is granted by #,
// and looks at what is retained and what is delivered.
func (c *cell) checkReceive(version byte) {
	c.t.Helper()
	named, wide := c.dial(version), (*peer)(nil)
	live := map[string]bool{}
	for _, row := range rightsTable {
		code, got := named.subscribeAll(row.topic)
		want := c.may(row.receive, row.topic)
		c.wrong("subscribe", row.topic, version, code < 0x80, want, "")
		c.wrong("retained", row.topic, version, slices.Contains(got, row.topic), want, "")
	}
	named.subscribe("marker/#")
	wildcard := c.dev || c.letter == 's' || c.letter == 'm'
	if wildcard {
		named.drain() // its client id is used again
		wide = c.dial(version)
		code, got := wide.subscribeAll("#")
		if code >= 0x80 {
			c.t.Errorf("%c: # is refused with %#x", c.letter, code)
		}
		for _, row := range rightsTable {
			if row.topic[0] != '$' {
				c.wrong("retained by #", row.topic, version, slices.Contains(got, row.topic), c.may(row.receive, row.topic), "")
			}
		}
	}
	for _, row := range rightsTable {
		c.s.Emit(row.topic, "live", false)
	}
	c.s.Emit("marker/end", "end", false)
	to := named
	if wildcard {
		to = wide
	}
	for {
		topic, text := to.next()
		if topic == "marker/end" {
			break
		}
		live[topic+" "+text] = true
	}
	for _, row := range rightsTable {
		if !wildcard || row.topic[0] != '$' {
			c.wrong("deliver", row.topic, version, live[row.topic+" live"], c.may(row.receive, row.topic), "")
		}
	}
}

// checkHTTP publishes and reads what is retained.
func (c *cell) checkHTTP() {
	c.t.Helper()
	for i, row := range rightsTable {
		body, err := json.Marshal(map[string]any{"topic": row.topic, "payload": payload(i)})
		if err != nil {
			c.t.Fatal(err)
		}
		status, answer := c.http("POST", "/publish", string(body))
		got := status != 403 || strings.Contains(answer, "the token")
		c.wrong("publish", row.topic, "HTTP", got, c.may(row.publish, row.topic), answer)
		status, answer = c.http("GET", "/retained?filter="+url.QueryEscape(row.topic), "")
		want := c.may(row.receive, row.topic)
		c.wrong("retained", row.topic, "HTTP", status == 200, want, answer)
		c.wrong("retained item", row.topic, "HTTP", strings.Contains(answer, `"topic":"`+row.topic+`"`), want, answer)
	}
}

func (c *cell) http(method, path, body string) (status int, answer string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.s.HTTP+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	c.sign(req)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if err := res.Write(&text); err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, text.String()
}

// sign says who asks.
func (c *cell) sign(req *http.Request) {
	switch {
	case c.letter == 'm':
		req.Header.Set("Authorization", "Bearer "+c.pass)
	case c.user != "":
		req.SetBasicAuth(c.user, c.pass)
	}
}

// dialAnonymous connects without user name and password.
func dialAnonymous(t *testing.T, s *brokertest.Server, version byte, id string) *peer {
	t.Helper()
	p := connectPeer(t, s, version, connectFlags{clean: true}, id)
	if p.code != 0 {
		t.Fatalf("anonymous is refused with %#x", p.code)
	}
	return p
}

// publishWhy is publish with the reason string of an MQTT 5 PUBACK.
func (p *peer) publishWhy(topic, payload string) (code byte, reason string) {
	p.t.Helper()
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(topic))), topic...)
	p.send(0x32, append(p.props(append(body, 0, 7)), payload...))
	for {
		header, body := p.read()
		if header == 0 {
			p.t.Fatalf("the connection ended instead of a PUBACK for %s", topic)
		}
		if header>>4 != wire.PUBACK {
			continue
		}
		if len(body) > 6 && body[4] == 0x1F { // reason string
			reason = string(body[7:])
		}
		if len(body) > 2 {
			code = body[2]
		}
		return code, reason
	}
}

// subscribeAll subscribes at QoS 0 and returns the topics of the retained
// messages that follow, up to a marker.
func (p *peer) subscribeAll(filter string) (code byte, topics []string) {
	p.t.Helper()
	body := p.props([]byte{0, 9})
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(filter))), filter...)
	p.send(0x82, append(body, 0))
	// The answer to a second SUBSCRIBE comes behind what is retained for the first.
	body = p.props([]byte{0, 10})
	body = append(binary.BigEndian.AppendUint16(body, 3), "a/+"...)
	p.send(0x82, append(body, 0))
	for acks := 0; acks < 2; {
		header, body := p.read()
		switch {
		case header == 0:
			p.t.Fatal("the connection ended instead of a SUBACK")
		case header == 0x90:
			if acks++; acks == 1 {
				code = body[len(body)-1]
			}
		case header>>4 == wire.PUBLISH && header&1 == 1:
			var m wire.Publish
			if err := m.Parse(p.version, header, body); err != nil {
				p.t.Fatal(err)
			}
			topics = append(topics, string(m.Topic))
		}
	}
	return code, topics
}

// next returns the next message, acknowledged.
func (p *peer) next() (topic, payload string) {
	p.t.Helper()
	for {
		header, body := p.read()
		if header == 0 {
			p.t.Fatal("the connection ended instead of a message")
		}
		if header>>4 != wire.PUBLISH {
			continue
		}
		var m wire.Publish
		if err := m.Parse(p.version, header, body); err != nil {
			p.t.Fatal(err)
		}
		if m.QoS == 1 {
			p.send(0x40, binary.BigEndian.AppendUint16(nil, m.PacketID))
		}
		return string(m.Topic), string(m.Payload)
	}
}

// drain closes the connection.
func (p *peer) drain() { _ = p.c.Close() } // the peer is done with
