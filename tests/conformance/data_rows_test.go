package conformance_test

import (
	"bytes"
	"fmt"
)

// Chapters 1 and 2: data and the frame of packets.
var dataRows = []row{
	{v5: "MQTT-1.5.4-3", v3: "MQTT-1.5.3-3", name: "a byte order mark is a character like others", run: func(e *env) {
		c := e.client("c")
		marked, plain := e.topic("\uFEFFa"), e.topic("a")
		c.subscribe(marked, 0)
		c.say(plain, "without", 0)
		c.say(marked, "with", 0)
		c.expect(marked, "with")
	}},
	{v5: "MQTT-1.5.4-1", v3: "MQTT-1.5.3-1", name: "every well-formed character passes", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		topic := e.topic("h\u00e9 \u4e2d \U0001F6B4 \uFFFD \u0001 \u0085")
		c.subscribe(topic, 1)
		p.say(topic, "x", 1)
		c.expect(topic, "x")
	}},
	{v5: "MQTT-2.2.1-2", v3: "MQTT-2.3.1-5", name: "a PUBLISH of QoS 0 has no packet identifier", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		topic := e.topic("a")
		c.subscribe(topic, 0)
		p.say(topic, "\x00\x07payload", 1)
		if m := c.expect(topic, "\x00\x07payload"); m.qos != 0 {
			e.Errorf("QoS is %d, want 0", m.qos)
		}
	}},
	{v5: "MQTT-2.2.1-4 MQTT-4.3.2-1", v3: "MQTT-2.3.1-4", name: "the broker's identifiers are not in use", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		topic := e.topic("a")
		c.subscribe(topic, 2)
		var have []message
		seen := map[int]bool{}
		for i := range 40 {
			p.say(topic, fmt.Sprint(i), 1+byte(i%2))
			m := c.message()
			if seen[m.id] {
				e.Fatalf("packet identifier %d is in use", m.id)
			}
			seen[m.id] = true
			if have = append(have, m); i%3 == 0 { // an identifier that is done may come again
				c.complete(have[0])
				delete(seen, have[0].id)
				have = have[1:]
			}
		}
	}},
	{v5: "MQTT-2.2.1-4 MQTT-4.3.3-1", v3: "MQTT-2.3.1-4", name: "each direction has identifiers of its own", run: func(e *env) {
		c := e.client("c")
		topic := e.topic("a")
		c.subscribe(topic, 2)
		c.send((&publish{topic: topic, payload: "x", qos: 2, id: 1}).encode(c.version))
		// Both ways now stand at id 1, or will: the client's is not done, nor is the broker's.
		var m message
		for range 2 {
			switch p, err := c.read(); {
			case err != nil:
				e.Fatalf("read: %v", err)
			case p.typ() == tPUBREC:
				if a := e.answer(c.version, p); a.id != 1 {
					e.Fatalf("PUBREC has id %d, want 1", a.id)
				}
			default:
				m = e.message(c.version, p)
			}
		}
		for c.lastID = 1; c.lastID < m.id; { // take the broker's identifier for another exchange
			c.nextID()
		}
		other := e.topic("other")
		if m.id != 1 {
			c.send((&publish{topic: other, payload: "y", qos: 1, id: m.id}).encode(c.version))
			c.acked(tPUBACK, m.id)
		}
		c.send(ack(tPUBREC, m.id))
		c.acked(tPUBREL, m.id)
		c.send(ack(tPUBREL, 1))
		c.acked(tPUBCOMP, 1)
		c.send(ack(tPUBCOMP, m.id))
		c.sync()
	}},
	{v5: "MQTT-2.2.1-5", v3: "MQTT-2.3.1-6", name: "acknowledgements carry the PUBLISH's identifier", run: func(e *env) {
		c := e.client("c")
		for _, id := range []int{1, 255, 256, 0x1234, 65535} {
			c.publish(publish{topic: e.topic("a"), qos: 1, id: id})
			c.publish(publish{topic: e.topic("a"), qos: 2, id: id})
		}
	}},
	{v5: "MQTT-2.2.1-6 MQTT-3.8.4-2 MQTT-3.10.4-5", v3: "MQTT-2.3.1-7 MQTT-3.8.4-2 MQTT-3.10.4-5", name: "SUBACK and UNSUBACK carry the request's identifier", run: func(e *env) {
		c := e.client("c")
		for _, id := range []int{1, 256, 65535, 2} {
			c.send(subscribe(c.version, id, nil, option{e.topic("a"), 0}))
			c.acked(tSUBACK, id)
			c.send(unsubscribe(c.version, id, e.topic("a")))
			c.acked(tUNSUBACK, id)
		}
	}},
	{v5: "MQTT-2.2.2-1", name: "no properties are a length of zero", run: func(e *env) {
		c := e.client("c")
		topic := e.topic("a")
		c.send(subscribe(v5, 7, nil, option{topic, 0}))
		if p := c.want(tSUBACK); !bytes.Equal(p.body, []byte{0, 7, 0, 0}) {
			e.Errorf("SUBACK is %s", p)
		}
		c.say(topic, "x", 0)
		if p := c.want(tPUBLISH); !bytes.Equal(p.body, cat(text(topic), []byte{0}, []byte("x"))) {
			e.Errorf("PUBLISH is %s", p)
		}
		c.send(unsubscribe(v5, 8, topic))
		if p := c.want(tUNSUBACK); !bytes.Equal(p.body, []byte{0, 8, 0, 0}) {
			e.Errorf("UNSUBACK is %s", p)
		}
	}},
}
