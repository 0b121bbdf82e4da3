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

	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/delivery/wire"
)

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
