package conformance_test

import (
	"fmt"
	"slices"
	"strings"
)

// other opens a connection in the other version: MQTT 5 next to 3.1.1, and the
// other way round.
func (e *env) other(o connect) *client {
	c := e.dial()
	c.version = v5
	if e.is5() {
		c.version = v311
	}
	c.connect(o)
	return c
}

// mixedRows: versions meet, and so do features.
var mixedRows = []row{
	{v5: "MQTT-3.3.2-17 MQTT-2.2.2-1", v3: "MQTT-3.3.2-3", name: "versions understand each other", run: func(e *env) {
		a, b := e.client("a"), e.other(connect{id: e.id("b"), clean: true})
		a.subscribe(e.topic("a"), 2)
		b.subscribe(e.topic("b"), 2)
		for qos := range byte(3) {
			a.publish(publish{topic: e.topic("b"), payload: "to b", qos: qos, props: cat(pair("k", "v"), word(pContentType, "t"), num32(pMessageExpiry, 60))})
			b.expect(e.topic("b"), "to b")
			b.publish(publish{topic: e.topic("a"), payload: "to a", qos: qos, props: cat(pair("k", "v"), num8(pPayloadFormat, 1))})
			a.expect(e.topic("a"), "to a")
		}
	}},
	{v5: "MQTT-3.1.2-5", v3: "MQTT-3.1.2-4", name: "a session goes from one version to the other", not31: true, run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.publish(publish{topic: e.topic("a"), payload: "sent", qos: 2, props: pair("k", "v")})
		m := c.message()
		c.bye()
		p.publish(publish{topic: e.topic("a"), payload: "waiting", qos: 1, props: pair("k", "v")})
		o := connect{id: e.id("c")}
		if !e.is5() {
			o.props = num32(pSessionExpiry, 100)
		}
		back := e.other(o)
		if !back.connack.present {
			e.Errorf("session present is 0")
		}
		if again := back.expect(e.topic("a"), "sent"); again.id != m.id || !again.dup {
			e.Errorf("resent as %+v, want id %d and DUP", again, m.id)
		}
		back.expect(e.topic("a"), "waiting")
	}},
	{v5: "MQTT-3.3.2-4", name: "a payload that is not the text it says is refused or unchanged", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for qos := byte(1); qos <= 2; qos++ {
			code := p.publish(publish{topic: e.topic("a"), payload: "a\xff", qos: qos, props: num8(pPayloadFormat, 1)})
			if code < 0x80 {
				c.expect(e.topic("a"), "a\xff")
			} else if code != 0x99 {
				e.Errorf("QoS %d: code 0x%02x, want success or 0x99", qos, code)
			}
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.9.0-1 MQTT-3.3.4-7", name: "the client's quota begins anew with a connection", broker: small, run: func(e *env) {
		c := e.lasting("c")
		for id := 1; id <= 2; id++ {
			c.send((&publish{topic: e.topic("a"), qos: 2, id: id}).encode(v5))
			c.acked(tPUBREC, id)
		}
		c.drop()
		c = e.lasting("c")
		for id := 1; id <= 2; id++ { // as a client that has not seen PUBREC
			c.send((&publish{topic: e.topic("a"), qos: 2, id: id, dup: true}).encode(v5))
			c.acked(tPUBREC, id)
		}
		c.send(ack(tPUBREL, 1), ack(tPUBREL, 2))
		c.acked(tPUBCOMP, 1)
		c.acked(tPUBCOMP, 2)
		c.publish(publish{topic: e.topic("a"), qos: 2, id: 3})
	}},
	{v5: "MQTT-4.9.0-1 MQTT-4.4.0-1", name: "exchanges of an earlier connection take none of the quota", broker: small, run: func(e *env) {
		c := e.lasting("c")
		for id := 1; id <= 2; id++ {
			c.send((&publish{topic: e.topic("a"), qos: 2, id: id}).encode(v5))
			c.acked(tPUBREC, id)
		}
		c.drop()
		c = e.lasting("c")
		c.send(ack(tPUBREL, 1), ack(tPUBREL, 2), // sent again, not counted
			(&publish{topic: e.topic("a"), qos: 2, id: 3}).encode(v5), (&publish{topic: e.topic("a"), qos: 2, id: 4}).encode(v5))
		var got []string
		for range 4 {
			p, err := c.read()
			if err != nil {
				e.Fatalf("after %q: %v", got, err)
			}
			if p.typ() == tDISCONNECT {
				e.Fatalf("after %q: DISCONNECT 0x%02x", got, e.answer(v5, p).code)
			}
			got = append(got, fmt.Sprint(p.typ(), " ", e.answer(v5, p).id))
		}
		if slices.Sort(got); !slices.Equal(got, []string{"5 3", "5 4", "7 1", "7 2"}) {
			e.Errorf("got %q, want PUBCOMP 1 and 2, PUBREC 3 and 4", got)
		}
	}},
	{v5: "MQTT-3.1.2-4 MQTT-4.3.3-10", v3: "MQTT-3.1.2-6 MQTT-4.3.3-2", name: "a clean start forgets the client's QoS 2 identifiers", run: func(e *env) {
		c, w := e.lasting("c"), e.client("w")
		w.subscribe(e.topic("a"), 2)
		c.send((&publish{topic: e.topic("a"), payload: "1", qos: 2, id: 7}).encode(e.version))
		c.acked(tPUBREC, 7)
		w.expect(e.topic("a"), "1")
		o := e.lastingConnect("c")
		o.clean = true
		c = e.open(o)
		c.publish(publish{topic: e.topic("a"), payload: "2", qos: 2, id: 7})
		w.expect(e.topic("a"), "2")
	}},
	{v5: "MQTT-3.1.2-8", name: "a clean start at a take-over makes the delayed will due", run: func(e *env) {
		w := e.watch()
		e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 3600)}})
		e.client("c")
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-3.1.2-8", name: "a session that ends with its connection does not delay the will", run: func(e *env) {
		w := e.watch()
		e.open(connect{id: e.id("c"), clean: true, will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 3600)}}).drop()
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-3.1.3-9 MQTT-3.1.2-7", name: "a client that is back in time leaves its next will", run: func(e *env) {
		w := e.watch()
		o := connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "1", qos: 1, props: num32(pWillDelay, 3600)}}
		e.open(o).drop()
		o.will = &will{topic: e.topic("will"), payload: "2", qos: 1}
		e.open(o).drop()
		w.expect(e.topic("will"), "2")
	}},
	{v5: "MQTT-3.3.2-18", name: "a thousand user properties keep their order", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		var props []byte
		var want []string
		for i := range 1000 {
			props = append(props, pair("k", fmt.Sprint(i*7919%1000))...)
			want = append(want, fmt.Sprint("k=", i*7919%1000))
		}
		p.publish(publish{topic: e.topic("a"), qos: 1, props: props})
		checkUser(e, c.take(), want...)
	}},
	{v5: "MQTT-3.1.2-25 MQTT-3.1.2-26", name: "aliases, identifiers and a small packet size together", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: cat(num32(pMaximumPacketSize, 120), num16(pTopicAliasMaximum, 3))})
		p := e.client("p")
		topic := e.topic(strings.Repeat("t", 40))
		c.subscribe(topic, 1, subscriptionID(268435455))
		known := map[uint32]string{}
		for size := range 80 { // from what fits by far to what does not fit at all
			p.say(topic, strings.Repeat("x", size), 1)
		}
		p.say(topic, "end", 1)
		for next := 0; ; next++ {
			m := c.take()
			if m.size > 120 {
				e.Fatalf("got a packet of %d bytes", m.size)
			}
			for _, a := range m.props.all(pTopicAlias) {
				if m.topic == "" {
					m.topic = known[a.num]
				}
				known[a.num] = m.topic
			}
			if m.topic != topic {
				e.Fatalf("the topic is %q", m.topic)
			}
			if m.payload == "end" {
				break
			}
			if len(m.payload) != next {
				e.Fatalf("a payload of %d bytes came in the place of %d", len(m.payload), next)
			}
		}
	}},
	{v5: "MQTT-3.8.4-3 MQTT-4.8.2-1", name: "a shared subscription is replaced, not doubled", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.share("g", "a"), 2, subscriptionID(1))
		c.subscribe(e.share("g", "a"), 1, subscriptionID(2))
		p.say(e.topic("a"), "x", 2)
		if m := c.expect(e.topic("a"), "x"); m.qos != 1 || !slices.Equal(c.ids(m), []uint32{2}) {
			e.Errorf("got QoS %d and identifiers %d, want QoS 1 and 2", m.qos, c.ids(m))
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.1.2-5 MQTT-4.8.2-1", name: "a shared subscription is part of the session", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.share("g", "a"), 1)
		c.bye()
		c = e.lasting("c")
		p.say(e.topic("a"), "x", 1)
		c.expect(e.topic("a"), "x")
		if codes := c.unsubscribe(e.share("g", "a")); codes[0] != 0 {
			e.Errorf("UNSUBACK has 0x%02x", codes[0])
		}
	}},
	{v5: "MQTT-4.8.2-4 MQTT-3.3.4-9", name: "shared messages respect each member's Receive Maximum", run: func(e *env) {
		p := e.client("p")
		slow := e.open(connect{id: e.id("slow"), clean: true, props: num16(pReceiveMaximum, 1)})
		quick := e.client("quick")
		slow.subscribe(e.share("g", "a"), 1)
		quick.subscribe(e.share("g", "a"), 1)
		const n = 20
		for i := range n {
			p.say(e.topic("a"), fmt.Sprint(i), 1)
		}
		first := slow.message()
		slow.sync() // one at a time
		slow.complete(first)
		got, _ := e.await(n-1, slow, quick)
		if got[1] == 0 {
			e.Errorf("the quick member got none")
		}
	}},
}
