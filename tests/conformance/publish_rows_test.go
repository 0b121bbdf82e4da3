package conformance_test

import (
	"fmt"
	"slices"
	"strings"
)

// checkProps wants each of the properties, encoded, in the message once and as
// it is.
func checkProps(e *env, m message, want ...[]byte) {
	for _, raw := range want {
		c := cursor{e: e, b: list(raw)}
		p := c.properties()[0]
		if got := m.props.all(p.id); len(got) != 1 || got[0] != p {
			e.Errorf("property 0x%02x is %+v, want %+v", p.id, got, p)
		}
	}
}

// checkUser wants exactly these user properties in this order.
func checkUser(e *env, m message, want ...string) {
	var got []string
	for _, p := range m.props.all(pUser) {
		got = append(got, p.text+"="+p.second)
	}
	if !slices.Equal(got, want) {
		e.Errorf("user properties are %q, want %q", got, want)
	}
}

var publishRows = []row{
	{v5: "MQTT-3.3.4-1 MQTT-4.3.2-4 MQTT-4.3.3-8", v3: "MQTT-3.3.4-1 MQTT-4.3.2-2 MQTT-4.3.3-2", name: "a PUBLISH is answered by its QoS", run: func(e *env) {
		c := e.client("c")
		c.say(e.topic("a"), "x", 0)
		c.sync() // nothing for QoS 0
		c.say(e.topic("a"), "x", 1)
		c.say(e.topic("a"), "x", 2)
		c.sync()
	}},
	{v5: "MQTT-3.3.1-3 MQTT-4.3.2-2 MQTT-4.3.3-2", v3: "MQTT-3.3.1-3", name: "DUP is not passed on", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for qos := byte(1); qos <= 2; qos++ {
			p.publish(publish{topic: e.topic("a"), payload: "x", qos: qos, dup: true})
			if m := c.expect(e.topic("a"), "x"); m.dup {
				e.Errorf("QoS %d: DUP is 1 in a first delivery", qos)
			}
		}
	}},
	{v5: "MQTT-3.3.2-3", v3: "MQTT-3.3.2-3", name: "a message has its own topic, not the filter", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("+/b/#"), 0)
		c.say(e.topic("a/b"), "1", 0)
		c.say(e.topic("a/c"), "2", 0)
		c.say(e.topic("x/b/c/d"), "3", 0)
		c.expect(e.topic("a/b"), "1")
		c.expect(e.topic("x/b/c/d"), "3")
	}},
	{v5: "MQTT-3.3.4-1", v3: "MQTT-3.3.4-1", name: "payloads of every size pass unchanged", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 1)
		for _, size := range []int{0, 1, 100, 127, 128, 16370, 16384, 70000, 1 << 19} {
			payload := strings.Repeat("\x00\xff\x80a", size/4+1)[:size]
			c.send((&publish{topic: e.topic("a"), payload: payload, qos: 1, id: 9}).encode(c.version))
			for range 2 {
				p, err := c.read()
				if err != nil {
					e.Fatalf("%d bytes: %v", size, err)
				}
				if p.typ() == tPUBACK {
					continue
				}
				m := e.message(c.version, p)
				if m.payload != payload {
					e.Errorf("a payload of %d bytes came as one of %d, or changed", size, len(m.payload))
				}
				c.complete(m)
			}
		}
	}},
	{v5: "MQTT-3.3.4-2", v3: "MQTT-3.3.5-1", name: "overlapping subscriptions deliver at the highest QoS", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a/+"), 0)
		c.subscribe(e.topic("a/#"), 2)
		c.subscribe(e.topic("a/b"), 1)
		p.say(e.topic("a/b"), "x", 2)
		highest := byte(0)
		for range 3 { // one copy, or one for each subscription
			m := c.take()
			if highest = max(highest, m.qos); highest == 2 {
				break
			}
		}
		if highest != 2 {
			e.Errorf("the highest QoS is %d, want 2", highest)
		}
	}},
	{v5: "MQTT-3.3.4-4", v3: "MQTT-3.3.5-1", name: "overlapping subscriptions are one delivery", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a/+"), 1)
		c.subscribe(e.topic("a/#"), 1)
		c.subscribe(e.topic("a/b"), 1)
		p.say(e.topic("a/b"), "x", 1)
		c.expect(e.topic("a/b"), "x")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.4.2-1", name: "a PUBLISH without the right is told so", run: func(e *env) {
		c := e.client("c")
		if code := c.publish(publish{topic: "session/none/chat", payload: "{}", qos: 1}); code != notAuthorized {
			e.Errorf("PUBACK has 0x%02x, want 0x87", code)
		}
		if code := c.publish(publish{topic: "session/none/chat", payload: "{}", qos: 2}); code != notAuthorized {
			e.Errorf("PUBREC has 0x%02x, want 0x87", code)
		}
		c.publish(publish{topic: "session/none/chat", payload: "{}"})
		c.sync()
	}},
	{v3: "MQTT-3.3.5-2", name: "a PUBLISH without the right is acknowledged", run: func(e *env) {
		c := e.client("c")
		for qos := range byte(3) {
			c.publish(publish{topic: "session/none/chat", payload: "{}", qos: qos})
		}
		c.sync()
	}},
	{v5: "MQTT-3.4.2-1 MQTT-3.5.2-1", name: "the codes of PUBACK and PUBREC are theirs", run: func(e *env) {
		c := e.client("c")
		for _, topic := range []string{e.topic("nobody"), "user/x/y", e.topic(strings.Repeat("/", 100)), e.topic(strings.Repeat("x", 4000))} {
			for qos := byte(1); qos <= 2; qos++ {
				switch code := c.publish(publish{topic: topic, payload: "x", qos: qos}); code {
				case 0, noMatching, 0x80, 0x83, notAuthorized, topicNameInvalid, 0x91, 0x97, 0x99:
				default:
					e.Errorf("QoS %d: code 0x%02x is none of PUBACK's and PUBREC's", qos, code)
				}
			}
		}
	}},
	{v5: "MQTT-4.7.3-3", v3: "MQTT-4.7.3-3", name: "a topic that is too long for the broker ends no connection", run: func(e *env) {
		c := e.client("c")
		code := c.publish(publish{topic: e.topic(strings.Repeat("x", 60000)), qos: 1})
		if e.is5() && code != 0 && code != noMatching && code != topicNameInvalid {
			e.Errorf("PUBACK has 0x%02x, want success or 0x90", code)
		}
		c.sync()
	}},
	{v5: "MQTT-3.3.4-1", v3: "MQTT-3.3.4-1", name: "a publisher gets its own messages", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 0)
		c.say(e.topic("a"), "x", 0)
		c.expect(e.topic("a"), "x")
	}},
}

var retainRows = []row{
	{v5: "MQTT-3.3.1-5 MQTT-3.3.1-9", v3: "MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-8", name: "the newest retained message is kept", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		for qos := range byte(3) {
			topic := e.topic(fmt.Sprint("a", qos))
			p.publish(publish{topic: topic, payload: "old", qos: 2, retain: true})
			p.publish(publish{topic: topic, payload: "new", qos: qos, retain: true})
			p.sync()
			c.subscribe(topic, 2)
			if m := c.expect(topic, "new"); !m.retain || m.qos != qos {
				e.Errorf("got retain %v and QoS %d, want retain and QoS %d", m.retain, m.qos, qos)
			}
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-5", v3: "MQTT-3.3.1-7", name: "a retained message of QoS 0 takes the old one's place", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "old", qos: 1, retain: true})
		p.publish(publish{topic: e.topic("a"), payload: "new", retain: true})
		p.sync()
		c.subscribe(e.topic("a"), 1)
		if m := c.message(); m.payload == "old" {
			e.Errorf("the old message is still there")
		}
	}},
	{v5: "MQTT-3.3.1-6 MQTT-3.3.1-7", v3: "MQTT-3.3.1-10 MQTT-3.3.1-11", name: "an empty payload removes it and is delivered", run: func(e *env) {
		c, p, later := e.client("c"), e.client("p"), e.client("later")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.topic("a"), 1)
		c.expect(e.topic("a"), "x")
		p.publish(publish{topic: e.topic("a"), qos: 1, retain: true})
		if m := c.expect(e.topic("a"), ""); m.retain {
			e.Errorf("retain is 1 for an established subscription")
		}
		later.subscribe(e.topic("a"), 1)
		later.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-8", v3: "MQTT-3.3.1-12", name: "a message without RETAIN changes nothing", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "kept", qos: 1, retain: true})
		p.say(e.topic("a"), "passing", 1)
		p.say(e.topic("a"), "", 1)
		p.say(e.topic("b"), "passing", 1)
		c.subscribe(e.topic("b"), 1)
		c.subscribe(e.topic("a"), 1)
		c.expect(e.topic("a"), "kept")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-12", v3: "MQTT-3.3.1-9", name: "RETAIN is 0 for an established subscription", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		for qos := range byte(2) {
			p.publish(publish{topic: e.topic("a"), payload: "x", qos: qos, retain: true})
			if m := c.expect(e.topic("a"), "x"); m.retain {
				e.Errorf("RETAIN is 1 at QoS %d", qos)
			}
		}
	}},
	{v5: "MQTT-3.3.1-13", name: "retain as published keeps RETAIN", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1|asPublished)
		for i := range 4 {
			p.publish(publish{topic: e.topic("a"), payload: "x", qos: byte(i / 2), retain: i%2 == 1})
			if m := c.expect(e.topic("a"), "x"); m.retain != (i%2 == 1) {
				e.Errorf("RETAIN is %v, want %v", m.retain, i%2 == 1)
			}
		}
	}},
	{v5: "MQTT-3.3.1-9 MQTT-3.8.4-4", v3: "MQTT-3.8.4-3", name: "subscribing again brings retained messages again", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		for range 3 {
			c.subscribe(e.topic("a"), 1)
			if m := c.expect(e.topic("a"), "x"); !m.retain {
				e.Errorf("RETAIN is 0")
			}
		}
	}},
	{v5: "MQTT-3.3.1-10", name: "retain handling 1: for a new subscription only", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.topic("a"), 1|retainNew)
		c.expect(e.topic("a"), "x")
		c.subscribe(e.topic("a"), 0|retainNew)
		c.nothingFrom(p)
		c.unsubscribe(e.topic("a"))
		c.subscribe(e.topic("a"), 1|retainNew)
		c.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-3.3.1-10", name: "retain handling 1: a resumed subscription is not new", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1|retainNew)
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.expect(e.topic("a"), "x")
		c.bye()
		c = e.lasting("c")
		c.subscribe(e.topic("a"), 1|retainNew)
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-11", name: "retain handling 2: none", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.topic("a"), 1|retainNever)
		c.subscribe(e.topic("#"), 1|retainNever)
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-9", v3: "MQTT-3.3.1-6", name: "wildcards find retained messages", run: func(e *env) {
		p := e.client("p")
		topics := []string{"a", "a/b", "a/b/c", "a//c", "x"}
		for _, topic := range topics {
			p.publish(publish{topic: e.topic(topic), payload: "x", qos: 1, retain: true})
		}
		for filter, want := range map[string][]string{
			"a/#": {"a", "a/b", "a/b/c", "a//c"}, "a/+": {"a/b"}, "+": {"a", "x"}, "a/+/#": {"a/b", "a/b/c", "a//c"},
			"a/+/c": {"a/b/c", "a//c"}, "#": topics, "a/": nil, "a/b": {"a/b"},
		} {
			c := e.client("c" + filter)
			c.subscribe(e.topic(filter), 1)
			var got []string
			for range want {
				got = append(got, strings.TrimPrefix(c.take().topic, e.topic("")))
			}
			slices.Sort(got)
			if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(got, sorted) {
				e.Errorf("%s finds %q, want %q", filter, got, sorted)
			}
			c.nothingFrom(p)
		}
	}},
	{v5: "MQTT-3.3.1-9 MQTT-3.3.2-17", name: "retained messages keep their properties", run: func(e *env) {
		p, c := e.client("p"), e.client("c")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true, props: cat(word(pContentType, "t"), pair("k", "v"), num8(pPayloadFormat, 1))})
		c.subscribe(e.topic("a"), 1)
		m := c.expect(e.topic("a"), "x")
		checkProps(e, m, word(pContentType, "t"), num8(pPayloadFormat, 1))
		checkUser(e, m, "k=v")
	}},
	{v5: "MQTT-3.3.2-5", name: "a retained message expires", run: func(e *env) {
		p := e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true, props: num32(pMessageExpiry, 1)})
		e.elapse(2)
		c := e.client("c")
		c.subscribe(e.topic("a"), 1)
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.2-6", name: "a retained message tells what remains of its expiry", run: func(e *env) {
		p, c := e.client("p"), e.client("c")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true, props: num32(pMessageExpiry, 100)})
		e.elapse(2)
		c.subscribe(e.topic("a"), 1)
		if left := c.expect(e.topic("a"), "x").props.num(e, pMessageExpiry); left > 99 || left < 80 {
			e.Errorf("message expiry is %d after more than a second of 100", left)
		}
	}},
}
