package conformance_test

import (
	"fmt"
	"strings"
)

// quotaRows are about Receive Maximum, both ways.
var quotaRows = []row{
	{v5: "MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2", name: "the broker keeps to the client's Receive Maximum", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 3)}), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for i := range 12 {
			p.say(e.topic("a"), fmt.Sprint(i), 1+byte(i%2))
		}
		var have []message
		for i := range 12 {
			m := c.message()
			if m.payload != fmt.Sprint(i) {
				e.Fatalf("got %q, want %d", m.payload, i)
			}
			if have = append(have, m); len(have) == 3 {
				c.sync() // the window is full: nothing but the answer comes
				c.complete(have[0])
				have = have[1:]
			}
		}
	}},
	{v5: "MQTT-3.3.4-9 MQTT-4.9.0-2", name: "PUBREC does not free a place, PUBCOMP does", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 1)}), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "1", 2)
		p.say(e.topic("a"), "2", 2)
		m := c.message()
		c.send(ack(tPUBREC, m.id))
		c.acked(tPUBREL, m.id)
		c.sync()
		c.send(ack(tPUBCOMP, m.id))
		c.expect(e.topic("a"), "2")
	}},
	{v5: "MQTT-3.3.4-9", name: "a PUBREC that refuses frees a place", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 1)}), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "1", 2)
		p.say(e.topic("a"), "2", 2)
		c.send(ack(tPUBREC, c.message().id, 0x97))
		c.expect(e.topic("a"), "2")
	}},
	{v5: "MQTT-3.3.4-9", name: "Receive Maximum holds for what is sent again", run: func(e *env) {
		o := connect{id: e.id("c"), props: cat(num16(pReceiveMaximum, 5), num32(pSessionExpiry, 100))}
		c, p := e.open(o), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for i := range 7 {
			p.say(e.topic("a"), fmt.Sprint(i), 1+byte(i%2))
		}
		var ids []int
		for range 5 {
			ids = append(ids, c.message().id)
		}
		c.drop()
		o.props = cat(num16(pReceiveMaximum, 2), num32(pSessionExpiry, 100))
		c = e.open(o)
		var have []message
		for i := range 7 {
			m := c.message()
			if m.payload != fmt.Sprint(i) || m.dup != (i < 5) || i < 5 && m.id != ids[i] {
				e.Fatalf("message %d came as %+v", i, m)
			}
			if have = append(have, m); len(have) == 2 {
				c.sync()
				c.complete(have[0])
				have = have[1:]
			}
		}
	}},
	{v5: "MQTT-3.3.4-10 MQTT-4.9.0-3", name: "a full window delays nothing but PUBLISH", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 1)}), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "1", 1)
		p.say(e.topic("a"), "2", 1)
		m := c.message()
		c.sync()
		c.say(e.topic("b"), "x", 1)
		c.say(e.topic("b"), "x", 2)
		c.subscribe(e.topic("c"), 0)
		c.unsubscribe(e.topic("c"))
		c.complete(m)
		c.expect(e.topic("a"), "2")
	}},
	{v5: "MQTT-3.3.4-9", name: "QoS 0 needs no place in the window", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num16(pReceiveMaximum, 1)}), e.client("p")
		c.subscribe(e.topic("1"), 1)
		c.subscribe(e.topic("0"), 0)
		p.say(e.topic("1"), "1", 1)
		m := c.message()
		p.say(e.topic("0"), "0", 0)
		c.expect(e.topic("0"), "0")
		c.complete(m)
	}},
	{v5: "MQTT-4.13.1-1", name: "a client over the broker's Receive Maximum is disconnected", broker: small, run: func(e *env) {
		c := e.client("c")
		for id := 1; id <= 3; id++ {
			c.send((&publish{topic: e.topic("a"), qos: 2, id: id}).encode(v5))
		}
		for {
			p, err := c.read()
			if err != nil {
				e.Fatalf("closed without a DISCONNECT: %v", err)
			}
			if p.typ() == tDISCONNECT {
				if a := e.answer(v5, p); a.code != receiveMaximumExceeded {
					e.Errorf("DISCONNECT has 0x%02x, want 0x93", a.code)
				}
				break
			}
			if p.typ() != tPUBREC || e.answer(v5, p).id > 2 {
				e.Fatalf("the third message was taken: %s", p)
			}
		}
		c.eof()
	}},
	{v5: "MQTT-3.3.4-7", name: "a client at the broker's Receive Maximum is served for ever", broker: small, run: func(e *env) {
		c := e.client("c")
		for i := range 20 {
			c.send((&publish{topic: e.topic("a"), qos: 2, id: 100 + i}).encode(v5))
			c.acked(tPUBREC, 100+i)
			c.say(e.topic("a"), "x", 1)
			c.send(ack(tPUBREL, 100+i))
			c.acked(tPUBCOMP, 100+i)
		}
	}},
}

// sizeRows are about Maximum Packet Size, both ways.
var sizeRows = []row{
	{v5: "MQTT-3.1.2-24 MQTT-3.1.2-25", name: "a message over the client's Maximum Packet Size is as if delivered", run: func(e *env) {
		o := connect{id: e.id("c"), props: cat(num32(pMaximumPacketSize, 200), num16(pReceiveMaximum, 1), num32(pSessionExpiry, 100))}
		c, p := e.open(o), e.client("p")
		c.subscribe(e.topic("a"), 2)
		big := strings.Repeat("x", 400)
		for qos := range byte(3) {
			p.say(e.topic("a"), big, qos)
			p.say(e.topic("a"), "small", qos)
			if m := c.expect(e.topic("a"), "small"); m.size > 200 {
				e.Errorf("got a packet of %d bytes", m.size)
			}
		}
		c.drop()
		p.say(e.topic("a"), big, 1)
		p.say(e.topic("a"), "later", 1)
		c = e.open(o)
		c.expect(e.topic("a"), "later")
	}},
	{v5: "MQTT-3.1.2-24", name: "a packet of exactly Maximum Packet Size is sent", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num32(pMaximumPacketSize, 100)}), e.client("p")
		c.subscribe(e.topic("a"), 0)
		head := len((&publish{topic: e.topic("a")}).encode(v5))
		for size := 98; size <= 102; size++ {
			p.say(e.topic("a"), strings.Repeat("x", size-head), 0)
		}
		p.say(e.topic("a"), "end", 0)
		for size := 98; size <= 100; size++ {
			if m := c.message(); m.size != size {
				e.Fatalf("got a packet of %d bytes, want %d", m.size, size)
			}
		}
		c.expect(e.topic("a"), "end")
	}},
	{v5: "MQTT-3.1.2-25", name: "others get the message that is too large for one", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, props: num32(pMaximumPacketSize, 100)}), e.client("p")
		other := e.client("other")
		c.subscribe(e.topic("a"), 1)
		other.subscribe(e.topic("a"), 1)
		big := strings.Repeat("x", 400)
		p.say(e.topic("a"), big, 1)
		other.expect(e.topic("a"), big)
		p.say(e.topic("a"), "small", 1)
		c.expect(e.topic("a"), "small")
	}},
	{v5: "MQTT-3.4.2-2 MQTT-3.5.2-2", name: "reason strings keep to Maximum Packet Size", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num32(pMaximumPacketSize, 24)})
		for qos := byte(1); qos <= 2; qos++ {
			c.send((&publish{topic: "session/none/chat", payload: "{}", qos: qos, id: 7}).encode(v5))
			if a := c.answer(tPUBACK - 1 + qos); a.size > 24 || a.code != notAuthorized {
				e.Errorf("QoS %d: got %d bytes and code 0x%02x, want at most 24 and 0x87", qos, a.size, a.code)
			}
		}
	}},
	{v5: "MQTT-3.14.2-3", name: "DISCONNECT keeps to Maximum Packet Size", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num32(pMaximumPacketSize, 24)})
		c.send([]byte{0x36, 0})
		if a := c.answer(tDISCONNECT); a.size > 24 || a.code != malformed {
			e.Errorf("DISCONNECT has %d bytes and code 0x%02x, want at most 24 and 0x81", a.size, a.code)
		}
		c.eof()
	}},
	{v5: "MQTT-3.9.2-1 MQTT-3.11.2-1 MQTT-3.1.2-24", name: "SUBACK and UNSUBACK keep to Maximum Packet Size", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num32(pMaximumPacketSize, 24)})
		c.send(subscribe(v5, 7, nil, option{"session/none/chat", 0}, option{e.topic("a"), 0}))
		if a := c.answer(tSUBACK); a.size > 24 || len(a.codes) != 2 {
			e.Errorf("SUBACK has %d bytes and %d codes", a.size, len(a.codes))
		}
		c.send(unsubscribe(v5, 7, "session/none/chat", e.topic("a")))
		if a := c.answer(tUNSUBACK); a.size > 24 || len(a.codes) != 2 {
			e.Errorf("UNSUBACK has %d bytes and %d codes", a.size, len(a.codes))
		}
	}},
	{v5: "MQTT-3.2.2-15 MQTT-4.13.1-1", v3: "MQTT-4.8.0-1", name: "a packet over the broker's limit ends the connection", broker: small, run: func(e *env) {
		c, w := e.client("c"), e.client("w")
		w.subscribe(e.topic("a"), 1)
		c.send((&publish{topic: e.topic("a"), payload: strings.Repeat("x", 2048), qos: 1, id: 7}).encode(e.version))
		c.ended(packetTooLarge)
		w.nothingFrom(e.client("p"))
	}},
	{v5: "MQTT-3.2.2-15", v3: "MQTT-4.8.0-1", name: "the length alone tells that a packet is too large", broker: small, run: func(e *env) {
		c := e.client("c")
		c.send([]byte{tPUBLISH << 4}, varint(268_435_455))
		c.ended(packetTooLarge)
	}},
	{v5: "MQTT-3.2.2-15", v3: "MQTT-3.3.4-1", name: "a packet of exactly the broker's limit is taken", broker: small, run: func(e *env) {
		c := e.client("c")
		head := len((&publish{topic: e.topic("a"), qos: 1}).encode(e.version)) + 1
		c.publish(publish{topic: e.topic("a"), payload: strings.Repeat("x", 2048-head), qos: 1})
	}},
}
