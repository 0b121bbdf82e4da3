package conformance_test

import (
	"slices"
	"strings"
)

// filters say which of the topics each filter matches.
var filters = map[string]string{
	"sport/tennis/player1/#": "sport/tennis/player1 sport/tennis/player1/ranking sport/tennis/player1/score/wimbledon",
	"sport/#":                "sport sport/ sport/tennis sport/tennis/player1 sport/tennis/player1/ranking sport/tennis/player1/score/wimbledon",
	"sport/+":                "sport/ sport/tennis",
	"sport/tennis/+":         "sport/tennis/player1",
	"+":                      "sport finance",
	"+/+":                    "sport/ sport/tennis /finance",
	"/+":                     "/finance",
	"+/tennis/#":             "sport/tennis sport/tennis/player1 sport/tennis/player1/ranking sport/tennis/player1/score/wimbledon",
	"sport":                  "sport",
	"Sport":                  "",
	"sport/tennis/":          "",
	"/#":                     "/finance",
	"sport/+/player1":        "sport/tennis/player1",
	"+/+/+/+/#":              "sport/tennis/player1/ranking sport/tennis/player1/score/wimbledon",
}

var topicNames = strings.Fields("sport sport/ sport/tennis sport/tennis/player1 sport/tennis/player1/ranking " +
	"sport/tennis/player1/score/wimbledon finance /finance")

var topicRows = []row{
	{v5: "MQTT-4.7.1-1 MQTT-4.7.1-2", v3: "MQTT-4.7.1-2 MQTT-4.7.1-3", name: "wildcards match as the text's examples say", run: func(e *env) {
		p := e.client("p")
		for filter, want := range filters {
			c := e.client("c" + filter)
			c.subscribe(e.topic(filter), 0)
			for _, topic := range topicNames {
				p.say(e.topic(topic), "x", 0)
			}
			p.sync()
			c.send(pingreq)
			var got []string
			for {
				pk, err := c.read()
				if err != nil {
					e.Fatalf("%s: %v", filter, err)
				}
				if pk.typ() == tPINGRESP {
					break
				}
				got = append(got, strings.TrimPrefix(e.message(c.version, pk).topic, e.topic("")))
			}
			if !slices.Equal(got, strings.Fields(want)) {
				e.Errorf("%s matches %q, want %q", filter, got, strings.Fields(want))
			}
		}
	}},
	{v5: "MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-3.9.3-2", v3: "MQTT-4.7.1-2 MQTT-4.7.1-3", name: "misplaced wildcards are refused", run: func(e *env) {
		c := e.client("c")
		want := unspecified
		if e.is5() {
			want = topicFilterInvalid
		}
		for _, filter := range []string{"a#", "a/b#", "#/a", "a/#/b", "a+", "+a", "a/+b/c", "a/b+/c", "##", "++", "#+"} {
			if codes := c.subscribeAll(nil, option{e.topic(filter), 0}); codes[0] != want {
				e.Errorf("%s: SUBACK has 0x%02x, want 0x%02x", filter, codes[0], want)
			}
		}
		c.sync()
	}},
	{v5: "MQTT-4.7.3-4", v3: "MQTT-4.7.3-4", name: "names are not normalized", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		composed, decomposed := e.topic("caf\u00e9"), e.topic("cafe\u0301")
		c.subscribe(composed, 0)
		p.say(decomposed, "1", 0)
		for _, other := range []string{"CAF\u00c9", "caf\u00e9/", "/caf\u00e9", "caf\u00e9 ", "caf%C3%A9", "./caf\u00e9", "a/../caf\u00e9"} {
			p.say(e.topic(other), "2", 0)
		}
		p.say(composed, "3", 0)
		c.expect(composed, "3")
	}},
	{v5: "MQTT-4.7.3-1", v3: "MQTT-4.7.3-1", name: "topics of one character, of separators and spaces", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		for _, topic := range []string{"//", "/ /", " ", "a//b", "/a/"} {
			c.subscribe(e.topic(topic), 0)
			p.say(e.topic(topic), topic, 0)
			c.expect(e.topic(topic), topic)
		}
		if code := c.publish(publish{topic: "/", qos: 1}); code >= 0x80 {
			e.Errorf("PUBACK has 0x%02x for the topic /", code)
		}
	}},
	{v5: "MQTT-4.7.2-1", v3: "MQTT-4.7.2-1", name: "wildcards at the front do not match $ topics", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.send(subscribe(e.version, 1, nil, option{"#", 0}, option{"+/a", 0}))
		c.until(tSUBACK)
		p.publish(publish{topic: "$" + e.topic("a"), payload: "x", qos: 1, retain: true})
		p.say(e.topic("end"), "end", 1)
		c.noDollar(e.topic("end"))
	}},
	{v5: "MQTT-4.7.2-1", v3: "MQTT-4.7.2-1", name: "retained $ topics do not match wildcards at the front", run: func(e *env) {
		p := e.client("p")
		p.publish(publish{topic: "$" + e.topic("a"), payload: "x", qos: 1, retain: true})
		p.publish(publish{topic: e.topic("end"), payload: "x", qos: 1, retain: true})
		user := "admin"
		c := e.open(connect{id: e.id("c"), clean: true, user: &user, password: &e.b.Token})
		c.send(subscribe(e.version, 1, nil, option{"+/a", 0}, option{"+/broker/uptime", 0}, option{"+/broker/#", 0}, option{e.topic("end"), 0}))
		c.noDollar(e.topic("end"))
	}},
	{v5: "MQTT-4.7.2-1", v3: "MQTT-4.7.2-1", name: "$SYS is there for who may ask", run: func(e *env) {
		user := "admin"
		c := e.open(connect{id: e.id("c"), clean: true, user: &user, password: &e.b.Token})
		c.subscribe("$SYS/#", 0)
		if m := c.message(); !strings.HasPrefix(m.topic, "$SYS/") {
			e.Errorf("got %s", m.topic)
		}
	}},
	{v5: "MQTT-4.7.3-3", v3: "MQTT-4.7.3-3", name: "a filter that is too long for the broker is refused by itself", run: func(e *env) {
		c := e.client("c")
		codes := c.subscribeAll(nil, option{e.topic(strings.Repeat("x", 60000)), 0}, option{e.topic("a"), 0})
		if codes[1] != 0 {
			e.Errorf("the filter beside it is answered 0x%02x", codes[1])
		}
	}},
}

// until reads up to the first packet of the type. Others may come before it.
func (c *client) until(typ byte) packet {
	for {
		p, err := c.read()
		if err != nil {
			c.e.Fatalf("wait for a packet of type %d: %v", typ, err)
		}
		if p.typ() == typ {
			return p
		}
	}
}

// noDollar reads messages, those of other rows too, up to one on the topic. None
// may have a topic that begins with $.
func (c *client) noDollar(end string) {
	for {
		m := c.e.message(c.version, c.until(tPUBLISH))
		if strings.HasPrefix(m.topic, "$") {
			c.e.Fatalf("a wildcard at the front matched %s", m.topic)
		}
		if m.topic == end {
			return
		}
	}
}

// orderRows: order per publisher, topic and QoS.
var orderRows = []row{
	{v5: "MQTT-4.6.0-5 MQTT-4.6.0-6", v3: "MQTT-4.6.0-5 MQTT-4.6.0-6", name: "messages come in the order of sending", run: func(e *env) { inOrder(e, e.client("c")) }},
	{v5: "MQTT-4.6.0-5 MQTT-4.6.0-6", v3: "MQTT-4.6.0-5 MQTT-4.6.0-6", name: "to a lasting session too", run: func(e *env) { inOrder(e, e.lasting("c")) }},
	{v5: "MQTT-4.6.0-2 MQTT-4.6.0-3", v3: "MQTT-4.6.0-2 MQTT-4.6.0-3", name: "acknowledgements come in the order of the messages", run: func(e *env) {
		p, c := e.client("p"), e.lasting("c")
		c.subscribe(e.topic("1"), 1) // what goes to the log and what does not, mixed
		var b []byte
		for id := 1; id <= 60; id++ {
			topic := "1"
			if id%2 == 0 {
				topic = "2"
			}
			b = append(b, (&publish{topic: e.topic(topic), qos: 1 + byte(id/31), id: id}).encode(e.version)...)
		}
		p.send(b[:len(b)/2])
		p.send(b[len(b)/2:])
		last := map[byte]int{}
		for range 60 {
			pk, err := p.read()
			if err != nil {
				e.Fatalf("read: %v", err)
			}
			a := e.answer(p.version, pk)
			if a.id <= last[pk.typ()] {
				e.Fatalf("acknowledgement of %d after that of %d", a.id, last[pk.typ()])
			}
			last[pk.typ()] = a.id
		}
	}},
	{v5: "MQTT-4.6.0-4", v3: "MQTT-4.6.0-4", name: "PUBREL comes in the order of PUBREC", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		var b []byte
		var ids []int
		for range 10 {
			p.say(e.topic("a"), "x", 2)
			id := c.message().id
			ids = append(ids, id)
			b = append(b, ack(tPUBREC, id)...)
		}
		c.send(b)
		for _, id := range ids {
			c.acked(tPUBREL, id)
			c.send(ack(tPUBCOMP, id))
		}
	}},
}

// inOrder sends 150 messages at each QoS in one burst.
func inOrder(e *env, c *client) {
	p := e.client("p")
	c.subscribe(e.topic("#"), 2)
	const n = 150
	var b []byte
	for i := range n {
		qos := byte(i % 3)
		m := publish{topic: e.topic(string('0' + rune(qos))), payload: string(rune('a'+i/3%26)) + strings.Repeat(".", i/3), qos: qos, id: i + 1}
		b = append(b, m.encode(e.version)...)
	}
	for len(b) > 0 { // in pieces that end inside packets
		size := min(701, len(b))
		p.send(b[:size])
		b = b[size:]
	}
	var next [3]int
	for seen := 0; seen < n; {
		pk, err := c.read()
		if err != nil {
			e.Fatalf("after %d messages: %v", seen, err)
		}
		if pk.typ() == tPUBREL {
			c.send(ack(tPUBCOMP, e.answer(c.version, pk).id))
			continue
		}
		m := e.message(c.version, pk)
		if i := next[m.qos]; len(m.payload) != i+1 || m.dup {
			e.Fatalf("QoS %d: message %d came in the place of %d", m.qos, len(m.payload)-1, i)
		}
		next[m.qos]++
		seen++
		switch m.qos {
		case 1:
			c.send(ack(tPUBACK, m.id))
		case 2:
			c.send(ack(tPUBREC, m.id))
		}
	}
}
