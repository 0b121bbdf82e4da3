package conformance_test

import (
	"fmt"
	"strings"
	"time"
)

// pressureRows: the statements hold for many messages, for clients that do not
// read, and for those that try what they may not.
var pressureRows = []row{
	{v5: "MQTT-4.5.0-1 MQTT-4.6.0-6", v3: "MQTT-4.5.0-1 MQTT-4.6.0-5", name: "thousands of messages wait in order", via: "tcp", not31: true, run: func(e *env) {
		const n, burst = 4000, 400
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.bye()
		for from := 0; from < n; from += burst {
			var b []byte
			for i := from; i < from+burst; i++ {
				b = append(b, (&publish{topic: e.topic("a"), payload: fmt.Sprint(i), qos: 1, id: i%60000 + 1}).encode(e.version)...)
			}
			p.send(b)
			for range burst {
				p.want(tPUBACK)
			}
		}
		c = e.lasting("c")
		for i := range n {
			c.expect(e.topic("a"), fmt.Sprint(i))
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.4-1 MQTT-3.1.4-3", v3: "MQTT-3.3.4-1 MQTT-3.1.4-2", name: "a client that does not read holds nobody up", via: "tcp", not31: true, run: func(e *env) {
		const n = 300
		payload := strings.Repeat("x", 24<<10)
		stalled, good, p := e.lasting("stalled"), e.client("good"), e.client("p")
		stalled.subscribe(e.topic("a"), 1)
		good.subscribe(e.topic("a"), 1)
		for i := range n {
			p.publish(publish{topic: e.topic("a"), payload: fmt.Sprint(i, payload), qos: byte(i % 2)})
			good.expect(e.topic("a"), fmt.Sprint(i, payload))
		}
		back := e.lasting("stalled") // its own return, too
		for i := 1; i < n; i += 2 {
			for { // of QoS 0 as many as it could take
				if m := back.take(); m.qos == 1 {
					if m.payload != fmt.Sprint(i, payload) {
						e.Fatalf("got %.10q, want %d", m.payload, i)
					}
					break
				}
			}
		}
	}},
	{v5: "MQTT-3.3.4-9 MQTT-4.9.0-2", name: "the window does not leak", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 1)}), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for i := range 30 {
			p.say(e.topic("a"), fmt.Sprint(i), 1+byte(i%2))
			p.say(e.topic("a"), fmt.Sprint(i, "+"), 2-byte(i%2))
			m := c.message()
			c.sync()
			c.complete(m)
			c.expect(e.topic("a"), fmt.Sprint(i, "+"))
		}
	}},
	{v5: "MQTT-3.2.0-1 MQTT-3.1.4-3", v3: "MQTT-3.2.0-1 MQTT-3.1.4-2", name: "CONNACK comes first at a take-over under load", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		for i := range 25 {
			var b []byte
			for j := range 20 {
				b = append(b, (&publish{topic: e.topic("a"), payload: "x", qos: byte(j % 2), id: 100 + j}).encode(e.version)...)
			}
			p.send(b)
			c = e.lasting("c") // wants CONNACK as the first packet
			if e.version == v31 {
				continue
			}
			if !c.connack.present {
				e.Fatalf("take-over %d: session present is 0", i)
			}
		}
	}},
	{v5: "MQTT-3.1.0-1", v3: "MQTT-3.1.0-1", name: "a connection without a CONNECT is closed", broker: small, run: func(e *env) {
		silent, slow := e.dial(), e.dial()
		b := (&connect{id: e.id("c"), clean: true}).encode(e.version)
		slow.send(b[:len(b)-1])
		start := time.Now()
		silent.eof()
		slow.eof()
		if got := time.Since(start); got > 6*time.Second {
			e.Errorf("closed after %v, want %v", got, hurry)
		}
	}},
	{v5: "MQTT-4.13.2-1", v3: "MQTT-4.8.0-1", name: "the reason arrives though the client goes on sending", run: func(e *env) {
		c := e.client("c")
		c.send([]byte{0x36, 0}, []byte(strings.Repeat("\xc0\x00", 15_000)))
		c.ended(malformed)
	}},
	{v5: "MQTT-3.1.4-2 MQTT-3.2.2-7", v3: "MQTT-3.1.3-9", name: "nobody gets another user's session", run: func(e *env) {
		user := "admin"
		o := e.lastingConnect("c")
		o.user, o.password = &user, &e.b.Token
		owner := e.open(o)
		owner.subscribe(e.topic("a"), 1)
		for range 2 {
			thief := e.dial()
			o := e.lastingConnect("c")
			thief.send(o.encode(e.version))
			thief.refused(clientIDInvalid, 2)
			owner.sync()
		}
		owner.bye()
		thief := e.dial()
		o = e.lastingConnect("c")
		thief.send(o.encode(e.version))
		thief.refused(clientIDInvalid, 2)
	}},
	{v5: "MQTT-3.8.4-7 MQTT-3.11.3-2", name: "a refused subscription does not exist", run: func(e *env) {
		c := e.lasting("c")
		if codes := c.subscribeAll(nil, option{"session/none/chat", 1}); codes[0] != notAuthorized {
			e.Errorf("SUBACK has 0x%02x, want 0x87", codes[0])
		}
		c.bye()
		c = e.lasting("c")
		if codes := c.unsubscribe("session/none/chat"); codes[0] != noSubscription {
			e.Errorf("UNSUBACK has 0x%02x, want 0x11", codes[0])
		}
	}},
	{v5: "MQTT-3.4.2-1 MQTT-3.3.2-12", name: "an alias gives no right", run: func(e *env) {
		c := e.client("c")
		for _, p := range []publish{
			{topic: "session/none/chat", payload: "{}", qos: 1, props: num16(pTopicAlias, 1)},
			{payload: "{}", qos: 1, props: num16(pTopicAlias, 1)},
		} {
			if code := c.publish(p); code != notAuthorized {
				e.Errorf("PUBACK has 0x%02x, want 0x87", code)
			}
		}
	}},
	{v5: "MQTT-3.3.2-7 MQTT-3.3.2-3", name: "what was published by alias waits with its topic", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		c.bye()
		p.publish(publish{topic: e.topic("a"), payload: "1", qos: 1, props: num16(pTopicAlias, 1)})
		p.publish(publish{payload: "2", qos: 2, props: num16(pTopicAlias, 1)})
		p.bye()
		c = e.lasting("c")
		c.expect(e.topic("a"), "1")
		c.expect(e.topic("a"), "2")
	}},
	{v5: "MQTT-3.1.2-8", v3: "MQTT-3.1.2-8", name: "a will gives no right", run: func(e *env) {
		user := "admin"
		w := e.open(connect{id: e.id("w"), clean: true, user: &user, password: &e.b.Token})
		w.send(subscribe(e.version, 1, nil, option{"$SYS/" + e.unique + "/#", 0}, option{e.topic("#"), 0}))
		w.until(tSUBACK)
		thief := e.dial()
		thief.send((&connect{id: e.id("thief"), clean: true, will: &will{topic: "$SYS/" + e.unique + "/x", payload: "fake", qos: 1}}).encode(e.version))
		thief.refused(notAuthorized, 5)
		e.willing(will{topic: e.topic("will"), payload: "x", qos: 1}).drop()
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-3.3.4-1", v3: "MQTT-3.3.4-1", name: "a PUBLISH to a topic that is not for clients is answered", run: func(e *env) {
		c := e.client("c")
		for _, topic := range []string{"$SYS/broker/uptime", "$SYS", "$share/g/a", "$share", "$other/x"} {
			for qos := byte(1); qos <= 2; qos++ {
				c.publish(publish{topic: topic, payload: "x", qos: qos})
			}
			c.publish(publish{topic: topic, payload: "x"})
			c.sync()
		}
	}},
	{v5: "MQTT-4.7.2-1", name: "a shared wildcard does not bring $SYS", run: func(e *env) {
		user := "admin"
		c := e.open(connect{id: e.id("c"), clean: true, user: &user, password: &e.b.Token})
		c.send(subscribe(v5, 1, nil, option{"$share/" + e.unique + "/+/broker/#", 0}, option{"$SYS/broker/uptime", 0}))
		for range 2 { // SUBACK and the retained value, for the ordinary subscription
			p, err := c.read()
			if err != nil {
				e.Fatalf("read: %v", err)
			}
			if p.typ() == tPUBLISH && e.message(v5, p).topic != "$SYS/broker/uptime" {
				e.Errorf("got %s", p)
			}
		}
		c.nothingFrom(e.client("p"))
	}},
	{v5: "MQTT-3.1.2-5 MQTT-4.4.0-1", v3: "MQTT-3.1.2-4 MQTT-4.4.0-1", name: "a resume does not bring retained messages again", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.topic("a"), 1)
		c.expect(e.topic("a"), "x")
		c.sync()
		c.bye()
		e.lasting("c").nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-9", name: "RETAIN is 1 for a new subscription whatever its options", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 2, retain: true})
		for _, options := range []byte{0, 1, 2, asPublished, 2 | asPublished | noLocal} {
			c.subscribe(e.topic("a"), options)
			if m := c.expect(e.topic("a"), "x"); !m.retain || m.qos != options&3 {
				e.Errorf("options %02x: got RETAIN %v at QoS %d", options, m.retain, m.qos)
			}
		}
	}},
	{v5: "MQTT-3.1.4-5", name: "CONNECT with every property is accepted", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, keepAlive: 60, props: cat(pair("a", "b"), num8(pRequestProblem, 1), num32(pMaximumPacketSize, 1<<20),
			num16(pReceiveMaximum, 65535), num8(pRequestResponse, 1), num16(pTopicAliasMaximum, 65535), pair("a", "c"), num32(pSessionExpiry, 5)),
			will: &will{topic: e.topic("w"), props: cat(num32(pWillDelay, 5), pair("", ""))}})
		c.subscribe(e.topic("a"), 1, pair("k", "v"), subscriptionID(3), pair("k", "w"))
		id := c.nextID()
		c.send(frame(tUNSUBSCRIBE<<4|2, be16(id), list(pair("k", "v")), text(e.topic("a"))))
		if code := c.answer(tUNSUBACK).codes[0]; code != 0 {
			e.Errorf("UNSUBACK has 0x%02x", code)
		}
		c.bye()
	}},
	{v5: "MQTT-3.8.4-5 MQTT-3.10.4-6", v3: "MQTT-3.8.4-4 MQTT-3.10.4-6", name: "hundreds of filters in one packet", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		var filters []option
		var names []string
		for i := range 300 {
			filters = append(filters, option{e.topic(fmt.Sprint("f", i)), byte(i % 3)})
			names = append(names, e.topic(fmt.Sprint("f", i)))
		}
		for i, code := range c.subscribeAll(nil, filters...) {
			if code != byte(i%3) {
				e.Fatalf("filter %d: SUBACK has 0x%02x", i, code)
			}
		}
		p.say(e.topic("f299"), "x", 1)
		c.expect(e.topic("f299"), "x")
		c.unsubscribe(names...)
		p.say(e.topic("f299"), "x", 1)
		c.nothingFrom(p)
	}},
}
