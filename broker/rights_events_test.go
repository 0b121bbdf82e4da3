package broker_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker/brokertest"
)

// eventStream is a client that takes Server-Sent Events.
type eventStream struct {
	t     *testing.T
	lines *bufio.Reader
	// grants are the codes of the filters, from the first event.
	grants map[string]byte
}

// streamEvents opens the events of the filters at QoS 0, without a client id.
func (c *cell) streamEvents(filters ...string) *eventStream {
	c.t.Helper()
	query := url.Values{"filter": filters, "qos": {"0"}}
	req, err := http.NewRequestWithContext(c.t.Context(), "GET", "http://"+c.s.HTTP+"/api/v1/events?"+query.Encode(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.sign(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	watchdog := time.AfterFunc(time.Minute, func() { _ = res.Body.Close() }) // ends a read that nothing comes for
	c.t.Cleanup(func() { watchdog.Stop(); _ = res.Body.Close() })            // the test is over
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("%c: events: %s", c.letter, res.Status)
	}
	e := &eventStream{t: c.t, lines: bufio.NewReader(res.Body), grants: map[string]byte{}}
	var opened struct {
		Filters []struct {
			Filter string
			Code   byte
		}
	}
	if err := json.Unmarshal(e.data(), &opened); err != nil {
		c.t.Fatal(err)
	}
	for _, g := range opened.Filters {
		e.grants[g.Filter] = g.Code
	}
	return e
}

// data returns the next event's data.
func (e *eventStream) data() []byte {
	e.t.Helper()
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			e.t.Fatalf("the stream ended: %v", err)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return []byte(data)
		}
	}
}

// next returns the next message.
func (e *eventStream) next() (topic, payload string, retain bool) {
	e.t.Helper()
	var m struct {
		Topic   string
		Payload json.RawMessage
		Retain  bool
	}
	data := e.data()
	if err := json.Unmarshal(data, &m); err != nil {
		e.t.Fatalf("%s: %v", data, err)
	}
	return m.Topic, strings.Trim(string(m.Payload), `"`), m.Retain
}

// checkEvents streams every row by name, and where that is granted by #, and
// looks at what was retained and what is delivered.
func (c *cell) checkEvents() {
	c.t.Helper()
	filters := []string{"marker/#"}
	for _, row := range rightsTable {
		filters = append(filters, row.topic)
	}
	named := c.streamEvents(filters...)
	for _, row := range rightsTable {
		code, answered := named.grants[row.topic]
		c.wrong("subscribe", row.topic, "SSE", answered && code < 0x80, c.may(row.receive, row.topic), "")
	}
	c.checkStream(named, "SSE", false)
	if c.dev || c.letter == 's' || c.letter == 'm' {
		c.checkStream(c.streamEvents("#"), "SSE by #", true)
	}
}

// checkStream looks at what comes. wildcard: topics that begin with $ do not.
func (c *cell) checkStream(e *eventStream, way string, wildcard bool) {
	c.t.Helper()
	for _, row := range rightsTable {
		c.s.Emit(row.topic, "live "+way, false)
	}
	c.s.Emit("marker/end", "end "+way, false)
	kept, live := map[string]bool{}, map[string]bool{}
	for {
		topic, payload, retain := e.next()
		if topic == "marker/end" && payload == "end "+way {
			break
		}
		kept[topic] = kept[topic] || retain
		live[topic] = live[topic] || payload == "live "+way
	}
	for _, row := range rightsTable {
		if wildcard && row.topic[0] == '$' {
			continue
		}
		want := c.may(row.receive, row.topic)
		c.wrong("retained", row.topic, way, kept[row.topic], want, "")
		c.wrong("deliver", row.topic, way, live[row.topic], want, "")
	}
}

// checkSilent publishes as an MQTT 3 client that has no feed of refusals: what
// was taken is what somebody with all rights receives.
func (c *cell) checkSilent(p *peer) {
	c.t.Helper()
	all := mustDial(c.t, c.s, 5, "all"+string(c.letter), "admin", c.s.Token)
	if code := all.subscribe("#"); code >= 0x80 {
		c.t.Fatalf("SUBACK %#x", code)
	}
	for i, row := range rightsTable {
		sent := payload(i)
		p.publish(row.topic, sent)
		p.publish("marker/silent", row.topic)
		got := false
		for {
			topic, text := all.next()
			if topic == "marker/silent" {
				break
			}
			got = got || topic == row.topic && (text == sent || sent != "x") // messages are stamped
		}
		if row.topic[0] != '$' { // # does not match it
			c.wrong("publish", row.topic, 4, got, c.may(row.publish, row.topic), "")
		}
	}
}

// matchUp makes two users partners: both look for company in one place, and accept.
func matchUp(t *testing.T, s *brokertest.Server, users ...string) {
	t.Helper()
	senders, feeds := make([]*peer, len(users)), make([]*peer, len(users))
	for i, user := range users {
		senders[i] = mustDial(t, s, 5, "match-"+user, user, user+"-secret")
		feeds[i] = mustDial(t, s, 5, "match-feed-"+user, user, user+"-secret")
		if code := feeds[i].subscribe("user/" + user + "/match"); code >= 0x80 {
			t.Fatalf("SUBACK %#x", code)
		}
		if code, why := senders[i].publishWhy("match/beacon", `{"latitude":52.52,"longitude":13.405,"sport":"running","pace":330}`); code >= 0x80 {
			t.Fatalf("beacon of %s: %#x %s", user, code, why)
		}
	}
	await := func(i int, state string) string {
		t.Helper()
		for {
			var m struct{ State, PartnerID string }
			if err := json.Unmarshal([]byte(feeds[i].await("user/"+users[i]+"/match")), &m); err != nil {
				t.Fatal(err)
			}
			if m.State == state {
				return m.PartnerID
			}
		}
	}
	for i := range users {
		if code, why := senders[i].publishWhy("match/reply", `{"partnerId":"`+await(i, "proposed")+`","accept":true}`); code >= 0x80 {
			t.Fatalf("reply of %s: %#x %s", users[i], code, why)
		}
	}
	for i := range users {
		await(i, "matched")
		senders[i].drain()
		feeds[i].drain()
	}
}
