package conformance_test

import (
	"fmt"
	"strings"
)

// propertyRows: what a message carries beside its payload passes unchanged.
var propertyRows = []row{
	{v5: "MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-20", name: "message properties pass unchanged", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for qos := range byte(3) {
			for _, props := range [][]byte{
				cat(num8(pPayloadFormat, 0), word(pContentType, ""), word(pCorrelation, "")),
				cat(num8(pPayloadFormat, 1), word(pContentType, "text/plain"), word(pResponseTopic, "a/b"), word(pCorrelation, "\x00\xff\x80")),
				cat(word(pCorrelation, strings.Repeat("c", 60000)), word(pResponseTopic, "$x/"+strings.Repeat("r", 200))),
			} {
				p.publish(publish{topic: e.topic("a"), payload: "x", qos: qos, props: props})
				m := c.expect(e.topic("a"), "x")
				for _, want := range parseProps(e, props) {
					if got := m.props.all(want.id); len(got) != 1 || got[0] != want {
						e.Errorf("QoS %d: property 0x%02x changed", qos, want.id)
					}
				}
				if want := parseProps(e, props); len(m.props) != len(want) {
					e.Errorf("QoS %d: got %d properties, want %d", qos, len(m.props), len(want))
				}
			}
		}
	}},
	{v5: "MQTT-3.3.2-17 MQTT-3.3.2-18", name: "user properties keep their order, repeated names too", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.publish(publish{topic: e.topic("a"), qos: 1, props: cat(pair("z", "1"), word(pContentType, "t"), pair("a", "2"), pair("z", "1"),
			num8(pPayloadFormat, 1), pair("", ""), pair("z", "0"))})
		checkUser(e, c.take(), "z=1", "a=2", "z=1", "=", "z=0")
	}},
	{v5: "MQTT-3.3.2-17", name: "properties wait with the message", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2, subscriptionID(5))
		c.bye()
		for qos := byte(1); qos <= 2; qos++ {
			p.publish(publish{topic: e.topic("a"), payload: fmt.Sprint(qos), qos: qos, props: cat(pair("k", "v"), word(pResponseTopic, "r"), word(pCorrelation, "c"))})
		}
		c = e.lasting("c")
		for qos := byte(1); qos <= 2; qos++ {
			m := c.expect(e.topic("a"), fmt.Sprint(qos))
			checkUser(e, m, "k=v")
			checkProps(e, m, word(pResponseTopic, "r"), word(pCorrelation, "c"), subscriptionID(5))
		}
	}},
	{v5: "MQTT-3.3.2-17", name: "a client without problem information has its user properties", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num8(pRequestProblem, 0)}), e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.publish(publish{topic: e.topic("a"), qos: 1, props: pair("k", "v")})
		checkUser(e, c.take(), "k=v")
	}},
	{v5: "MQTT-3.1.2-29", name: "no reason strings without problem information", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num8(pRequestProblem, 0)})
		for qos := byte(1); qos <= 2; qos++ {
			c.send((&publish{topic: "session/none/chat", payload: "{}", qos: qos, id: 7}).encode(v5))
			if a := c.answer(tPUBACK - 1 + qos); len(a.props) > 0 || a.code != notAuthorized {
				e.Errorf("QoS %d: got code 0x%02x and %+v, want 0x87 alone", qos, a.code, a.props)
			}
		}
		c.send(subscribe(v5, 8, nil, option{"session/none/chat", 0}, option{e.topic("a#"), 0}))
		if a := c.answer(tSUBACK); len(a.props) > 0 {
			e.Errorf("SUBACK has %+v", a.props)
		}
		c.send(unsubscribe(v5, 9, e.topic("x")))
		if a := c.answer(tUNSUBACK); len(a.props) > 0 {
			e.Errorf("UNSUBACK has %+v", a.props)
		}
		c.send(ack(tPUBREL, 99))
		if a := c.answer(tPUBCOMP); len(a.props) > 0 {
			e.Errorf("PUBCOMP has %+v", a.props)
		}
	}},
	{v5: "MQTT-3.3.2-4", v3: "MQTT-3.3.2-3", name: "a payload format does not make the broker touch the payload", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.publish(publish{topic: e.topic("a"), payload: "\u00e9\U0001F6B4", qos: 1, props: num8(pPayloadFormat, 1)})
		c.expect(e.topic("a"), "\u00e9\U0001F6B4")
	}},
	{v5: "MQTT-3.3.2-5 MQTT-3.3.2-6", name: "messages expire while they wait", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		c.bye()
		for qos := byte(1); qos <= 2; qos++ {
			p.publish(publish{topic: e.topic("a"), payload: "short", qos: qos, props: num32(pMessageExpiry, 1)})
			p.publish(publish{topic: e.topic("a"), payload: "long", qos: qos, props: num32(pMessageExpiry, 100)})
			p.publish(publish{topic: e.topic("a"), payload: "none", qos: qos})
		}
		e.elapse(2)
		c = e.lasting("c")
		for range 2 {
			if left := c.expect(e.topic("a"), "long").props.num(e, pMessageExpiry); left > 99 || left < 80 {
				e.Errorf("message expiry is %d after more than a second of 100", left)
			}
			if m := c.expect(e.topic("a"), "none"); m.props.has(pMessageExpiry) {
				e.Errorf("a message without expiry got one")
			}
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.2-6", name: "a message that does not wait has its whole expiry", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		for qos := range byte(2) {
			p.publish(publish{topic: e.topic("a"), payload: "x", qos: qos, props: num32(pMessageExpiry, 100)})
			if left := c.expect(e.topic("a"), "x").props.num(e, pMessageExpiry); left != 100 && left != 99 {
				e.Errorf("message expiry is %d, want 100", left)
			}
		}
	}},
	{v5: "MQTT-3.3.2-5", name: "messages expire behind a full window", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 1)})
		p := e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.say(e.topic("a"), "first", 1)
		p.publish(publish{topic: e.topic("a"), payload: "short", qos: 1, props: num32(pMessageExpiry, 1)})
		p.say(e.topic("a"), "last", 1)
		m := c.message()
		e.elapse(2)
		c.complete(m)
		c.expect(e.topic("a"), "last")
	}},
}

// parseProps reads back properties that a row has encoded.
func parseProps(e *env, props []byte) properties {
	c := cursor{e: e, b: list(props)}
	return c.properties()
}

// aliasRows are about topic aliases, from the client and to it.
var aliasRows = []row{
	{v5: "MQTT-3.3.2-12", name: "an alias stands for its topic", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("#"), 2)
		highest := int(p.connack.props.num(e, pTopicAliasMaximum))
		for _, alias := range []int{1, highest} {
			topic := e.topic(fmt.Sprint("t", alias))
			p.publish(publish{topic: topic, payload: "set", qos: 1, props: num16(pTopicAlias, alias)})
			c.expect(topic, "set")
			for qos := range byte(3) {
				p.publish(publish{payload: "by alias", qos: qos, props: num16(pTopicAlias, alias)})
				if m := c.expect(topic, "by alias"); m.props.has(pTopicAlias) {
					e.Errorf("the publisher's alias was passed on")
				}
			}
		}
	}},
	{v5: "MQTT-3.3.2-12", name: "an alias can be given another topic", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("#"), 0)
		c.publish(publish{topic: e.topic("1"), payload: "1", props: num16(pTopicAlias, 2)})
		c.expect(e.topic("1"), "1")
		c.publish(publish{topic: e.topic("2"), payload: "2", props: num16(pTopicAlias, 2)})
		c.expect(e.topic("2"), "2")
		c.publish(publish{payload: "3", props: num16(pTopicAlias, 2)})
		c.expect(e.topic("2"), "3")
	}},
	{v5: "MQTT-3.3.2-7", name: "aliases end with the connection", run: func(e *env) {
		p := e.lasting("p")
		p.publish(publish{topic: e.topic("a"), qos: 1, props: num16(pTopicAlias, 1)})
		p.bye()
		p = e.lasting("p")
		p.send((&publish{qos: 1, id: 9, props: num16(pTopicAlias, 1)}).encode(v5))
		p.ended(protocolError, topicAliasInvalid)
	}},
	{v5: "MQTT-3.3.2-7", name: "aliases are each connection's own", run: func(e *env) {
		p, q := e.client("p"), e.client("q")
		p.publish(publish{topic: e.topic("a"), qos: 1, props: num16(pTopicAlias, 1)})
		q.send((&publish{qos: 1, id: 9, props: num16(pTopicAlias, 1)}).encode(v5))
		q.ended(protocolError, topicAliasInvalid)
		p.publish(publish{qos: 1, props: num16(pTopicAlias, 1)})
	}},
	{v5: "MQTT-3.3.2-9 MQTT-3.2.2-17", name: "an alias over the maximum ends the connection", broker: small, run: func(e *env) {
		c := e.client("c")
		c.publish(publish{topic: e.topic("a"), qos: 1, props: num16(pTopicAlias, 3)})
		c.send((&publish{topic: e.topic("a"), qos: 1, id: 9, props: num16(pTopicAlias, 4)}).encode(v5))
		c.ended(topicAliasInvalid)
	}},
	{v5: "MQTT-3.1.2-27", name: "a client that offers no aliases is sent none", run: func(e *env) {
		p := e.client("p")
		for i, props := range [][]byte{nil, num16(pTopicAliasMaximum, 0)} {
			c := e.open(connect{id: e.id(fmt.Sprint("c", i)), clean: true, props: props})
			c.subscribe(e.topic("long/topic/name"), 1)
			for range 5 {
				p.say(e.topic("long/topic/name"), "x", 1)
				if m := c.expect(e.topic("long/topic/name"), "x"); m.props.has(pTopicAlias) {
					e.Errorf("got a topic alias")
				}
			}
			c.unsubscribe(e.topic("long/topic/name"))
		}
	}},
	{v5: "MQTT-3.1.2-26 MQTT-3.3.2-11", name: "aliases to a client are at most its maximum and mean what they say", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pTopicAliasMaximum, 2)}), e.client("p")
		c.subscribe(e.topic("#"), 2)
		known, used := map[uint32]string{}, 0
		for i := range 24 {
			topic := e.topic(fmt.Sprintf("a/rather/long/topic/name/%d", i%4))
			p.say(topic, "x", byte(i%3))
			m := c.take()
			for _, a := range m.props.all(pTopicAlias) {
				if a.num < 1 || a.num > 2 {
					e.Fatalf("topic alias %d, the client takes 2", a.num)
				}
				if m.topic == "" {
					m.topic = known[a.num]
					used++
				}
				known[a.num] = m.topic
			}
			if m.topic != topic {
				e.Fatalf("message %d: the topic is %q, want %q", i, m.topic, topic)
			}
		}
		if used == 0 {
			e.Errorf("the broker used no alias for repeated topics")
		}
	}},
	{v5: "MQTT-3.3.2-7", name: "the broker's aliases end with the connection", run: func(e *env) {
		o := connect{id: e.id("c"), props: cat(num16(pTopicAliasMaximum, 5), num32(pSessionExpiry, 100))}
		p, c := e.client("p"), e.open(o)
		topic := e.topic("a/rather/long/topic/name")
		c.subscribe(topic, 1)
		for range 3 {
			p.say(topic, "x", 1)
			c.message() // not acknowledged
		}
		c.drop()
		c = e.open(o)
		known := map[uint32]string{}
		for i := range 3 {
			m := c.take()
			for _, a := range m.props.all(pTopicAlias) {
				if m.topic == "" {
					m.topic = known[a.num]
				}
				known[a.num] = m.topic
			}
			if m.topic != topic || !m.dup {
				e.Errorf("resent message %d has topic %q and DUP %v", i, m.topic, m.dup)
			}
		}
	}},
}
