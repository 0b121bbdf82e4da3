package conformance_test

import (
	"fmt"
)

// ackRows are about acknowledgements that nobody waits for, or wrong ones.
var ackRows = []row{
	{v5: "MQTT-3.7.2-1 MQTT-4.3.3-11", v3: "MQTT-4.3.3-2", name: "PUBREL for an unknown identifier is answered", run: func(e *env) {
		c := e.client("c")
		c.send(ack(tPUBREL, 4711))
		if code := c.acked(tPUBCOMP, 4711); e.is5() && code != idNotFound {
			e.Errorf("PUBCOMP has 0x%02x, want 0x92", code)
		}
		c.sync()
	}},
	{v5: "MQTT-3.6.2-1 MQTT-3.3.4-1", v3: "MQTT-4.3.3-1", name: "PUBREC for an unknown identifier is answered", run: func(e *env) {
		c := e.client("c")
		c.send(ack(tPUBREC, 4711))
		if code := c.acked(tPUBREL, 4711); e.is5() && code != idNotFound {
			e.Errorf("PUBREL has 0x%02x, want 0x92", code)
		}
		c.send(ack(tPUBCOMP, 4711))
		c.sync()
	}},
	{v5: "MQTT-4.3.2-3", v3: "MQTT-4.3.2-1", name: "PUBACK and PUBCOMP for unknown identifiers change nothing", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.say(e.topic("a"), "x", 1)
		m := c.message()
		c.send(ack(tPUBACK, m.id+1), ack(tPUBCOMP, m.id+2))
		c.sync()
		c.send(ack(tPUBACK, m.id), ack(tPUBACK, m.id)) // twice: the second is for nobody
		c.sync()
	}},
	{v5: "MQTT-4.13.1-1", v3: "MQTT-4.8.0-1", name: "PUBACK for a message of QoS 2 ends the connection", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 2)
		e.client("p").say(e.topic("a"), "x", 2)
		m := c.message()
		c.send(ack(tPUBACK, m.id))
		c.ended(protocolError)
	}},
	{v5: "MQTT-4.13.1-1", v3: "MQTT-4.8.0-1", name: "PUBREC for a message of QoS 1 ends the connection", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 1)
		e.client("p").say(e.topic("a"), "x", 1)
		m := c.message()
		c.send(ack(tPUBREC, m.id))
		c.ended(protocolError)
	}},
	{v5: "MQTT-4.13.1-1", v3: "MQTT-4.8.0-1", name: "PUBCOMP before PUBREC ends the connection", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 2)
		e.client("p").say(e.topic("a"), "x", 2)
		m := c.message()
		c.send(ack(tPUBCOMP, m.id))
		c.ended(protocolError)
	}},
	{v5: "MQTT-3.4.2-1 MQTT-3.5.2-1 MQTT-3.6.2-1 MQTT-3.7.2-1", name: "acknowledgements in every form are taken", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		why := list(word(pReasonString, "because"), pair("a", "b"))
		for _, tail := range [][]byte{nil, {0}, {0, 0}, append([]byte{0}, why...), {noMatching}, append([]byte{noMatching}, why...)} {
			p.say(e.topic("a"), "x", 1)
			c.send(frame(tPUBACK<<4, be16(c.message().id), tail))
			p.say(e.topic("a"), "x", 2)
			m := c.message()
			c.send(frame(tPUBREC<<4, be16(m.id), tail))
			c.acked(tPUBREL, m.id)
			if len(tail) > 0 {
				tail = append([]byte{0}, tail[1:]...)
			}
			c.send(frame(tPUBCOMP<<4, be16(m.id), tail))
			c.send((&publish{topic: e.topic("b"), qos: 2, id: 500}).encode(v5))
			c.acked(tPUBREC, 500)
			c.send(frame(tPUBREL<<4|2, be16(500), tail))
			c.acked(tPUBCOMP, 500)
		}
		c.sync()
	}},
}

// qosRows are the exchanges of QoS 1 and 2.
var qosRows = []row{
	{v5: "MQTT-4.3.1-1", v3: "MQTT-4.3.1-1", name: "QoS 0 is delivered at QoS 0, without DUP", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 2)
		c.say(e.topic("a"), "x", 0)
		if m := c.expect(e.topic("a"), "x"); m.qos != 0 || m.dup {
			e.Errorf("got %+v", m)
		}
	}},
	{v5: "MQTT-4.3.2-5", v3: "MQTT-4.3.2-2", name: "after PUBACK the identifier means a new message", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		for i := range 3 {
			p.publish(publish{topic: e.topic("a"), payload: fmt.Sprint(i), qos: 1, id: 7, dup: i > 0})
			c.expect(e.topic("a"), fmt.Sprint(i))
		}
	}},
	{v5: "MQTT-4.3.3-10", v3: "MQTT-4.3.3-2", name: "a repeated PUBLISH of QoS 2 is acknowledged and delivered once", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		for i := range 3 {
			p.send((&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7, dup: i > 0}).encode(e.version))
			p.acked(tPUBREC, 7)
		}
		p.send(ack(tPUBREL, 7))
		p.acked(tPUBCOMP, 7)
		c.expect(e.topic("a"), "x")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.3.3-10", v3: "MQTT-4.3.3-2", name: "repetitions in one piece are delivered once", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		first := (&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7}).encode(e.version)
		again := (&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7, dup: true}).encode(e.version)
		p.send(first, again, again, ack(tPUBREL, 7))
		for {
			pk, err := p.read()
			if err != nil {
				e.Fatalf("read: %v", err)
			}
			if pk.typ() == tPUBCOMP {
				break
			}
		}
		c.expect(e.topic("a"), "x")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.3.3-10", v3: "MQTT-4.3.3-2", name: "a QoS 2 identifier is remembered over a reconnect", run: func(e *env) {
		c, p := e.client("c"), e.lasting("p")
		c.subscribe(e.topic("a"), 2)
		p.send((&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7}).encode(e.version))
		p.acked(tPUBREC, 7)
		p.drop()
		p = e.lasting("p")
		p.send((&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7, dup: true}).encode(e.version))
		p.acked(tPUBREC, 7)
		p.send(ack(tPUBREL, 7))
		p.acked(tPUBCOMP, 7)
		c.expect(e.topic("a"), "x")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.3.3-12", v3: "MQTT-4.3.3-2", name: "after PUBCOMP the identifier means a new message", run: func(e *env) {
		c, p := e.client("c"), e.lasting("p")
		c.subscribe(e.topic("a"), 2)
		for i := range 3 {
			p.publish(publish{topic: e.topic("a"), payload: fmt.Sprint(i), qos: 2, id: 7, dup: i > 0})
			c.expect(e.topic("a"), fmt.Sprint(i))
		}
	}},
	{v5: "MQTT-4.3.3-9", name: "after a PUBREC that refuses, the identifier means a new message", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		if code := p.publish(publish{topic: "session/none/chat", payload: "{}", qos: 2, id: 7}); code < 0x80 {
			e.Fatalf("PUBREC has 0x%02x, want a failure", code)
		}
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7})
		c.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-4.3.3-4 MQTT-4.3.3-5 MQTT-4.3.3-6", v3: "MQTT-4.3.3-1", name: "PUBREC is answered with PUBREL every time", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 2)
		e.client("p").say(e.topic("a"), "x", 2)
		m := c.message()
		if m.qos != 2 || m.dup {
			e.Errorf("got %+v", m)
		}
		for range 3 {
			c.send(ack(tPUBREC, m.id))
			c.acked(tPUBREL, m.id)
		}
		c.send(ack(tPUBCOMP, m.id))
		c.sync()
	}},
	{v5: "MQTT-4.4.0-2 MQTT-4.3.3-4", name: "a PUBREC that refuses ends the exchange", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "refused", 2)
		c.send(ack(tPUBREC, c.message().id, 0x83))
		c.sync() // no PUBREL
		c.drop()
		c = e.lasting("c")
		p.say(e.topic("a"), "next", 2)
		c.expect(e.topic("a"), "next")
	}},
	{v5: "MQTT-4.4.0-2", name: "a PUBACK that refuses ends the exchange", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.say(e.topic("a"), "refused", 1)
		c.send(ack(tPUBACK, c.message().id, unspecified))
		c.sync()
		c.drop()
		c = e.lasting("c")
		p.say(e.topic("a"), "next", 1)
		c.expect(e.topic("a"), "next")
	}},
	{v5: "MQTT-4.3.3-13", name: "an exchange goes on though its message has expired", run: func(e *env) {
		p := e.client("p")
		p.send((&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7, props: num32(pMessageExpiry, 1)}).encode(v5))
		p.acked(tPUBREC, 7)
		e.elapse(2)
		p.send(ack(tPUBREL, 7))
		if code := p.acked(tPUBCOMP, 7); code != 0 {
			e.Errorf("PUBCOMP has 0x%02x, want 0", code)
		}
	}},
	{v5: "MQTT-4.3.3-7", name: "a message that has been sent does not expire", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 2, props: num32(pMessageExpiry, 1)})
		m := c.message()
		c.drop()
		e.elapse(2)
		c = e.lasting("c")
		if again := c.expect(e.topic("a"), "x"); again.id != m.id || !again.dup {
			e.Errorf("resent as %+v, want id %d and DUP", again, m.id)
		}
	}},
}

// resumeRows: what is sent again, and what is not.
var resumeRows = []row{
	{v5: "MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.3.2-3 MQTT-4.3.3-3", v3: "MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-2.3.1-3 MQTT-4.3.2-1", name: "unacknowledged messages are sent again as they were", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		var first []message
		for i := range 6 {
			p.say(e.topic("a"), fmt.Sprint(i), 1+byte(i%2))
			first = append(first, c.message())
		}
		c.drop()
		for range 2 {
			c = e.lasting("c")
			for i, m := range first {
				again := c.message()
				if again.id != m.id || again.payload != m.payload || !again.dup || again.qos != m.qos {
					e.Fatalf("message %d came again as %+v, want %+v with DUP", i, again, m)
				}
			}
			c.drop()
		}
		c = e.lasting("c")
		for range first {
			c.take()
		}
		c.nothingFrom(p)
		c.drop()
		e.lasting("c").nothingFrom(p)
	}},
	{v5: "MQTT-4.4.0-1 MQTT-4.3.3-6", v3: "MQTT-4.4.0-1 MQTT-4.3.3-1", name: "PUBREL is sent again, PUBLISH after it never", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "x", 2)
		m := c.message()
		c.send(ack(tPUBREC, m.id))
		c.acked(tPUBREL, m.id)
		for range 2 {
			c.drop()
			c = e.lasting("c")
			c.acked(tPUBREL, m.id)
		}
		c.send(ack(tPUBCOMP, m.id))
		c.sync()
		c.drop()
		c = e.lasting("c")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.4.0-1", v3: "MQTT-4.4.0-1", name: "nothing is sent again while the connection lives", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "1", 1)
		p.say(e.topic("a"), "2", 2)
		c.message()
		c.message()
		e.elapse(2)
		c.sync()
	}},
	{v5: "MQTT-4.4.0-1", v3: "MQTT-4.4.0-1", name: "what was acknowledged is not sent again", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		var have []message
		for i := range 4 {
			p.say(e.topic("a"), fmt.Sprint(i), 1)
			have = append(have, c.message())
		}
		c.complete(have[0])
		c.complete(have[2]) // out of order, as a client may
		c.sync()
		c.drop()
		c = e.lasting("c")
		c.expect(e.topic("a"), "1")
		c.expect(e.topic("a"), "3")
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.4.0-1", v3: "MQTT-4.4.0-1", name: "what waits follows what is sent again", run: func(e *env) {
		w, p := e.client("w"), e.client("p")
		w.subscribe(e.topic("will"), 0)
		o := e.lastingConnect("c")
		o.will = &will{topic: e.topic("will"), payload: "lost"}
		c := e.open(o)
		c.subscribe(e.topic("a"), 1)
		p.say(e.topic("a"), "1", 1)
		c.message()
		c.drop()
		w.expect(e.topic("will"), "lost") // the broker knows
		p.say(e.topic("a"), "2", 1)
		c = e.lasting("c")
		if m := c.expect(e.topic("a"), "1"); !m.dup {
			e.Errorf("the first message has no DUP")
		}
		if m := c.expect(e.topic("a"), "2"); m.dup {
			e.Errorf("the second message has DUP")
		}
	}},
	{v5: "MQTT-3.10.4-3", v3: "MQTT-3.10.4-3", name: "an unsubscribed message is completed over a reconnect", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "1", 1)
		p.say(e.topic("a"), "2", 2)
		one, two := c.message(), c.message()
		c.unsubscribe(e.topic("a"))
		c.drop()
		c = e.lasting("c")
		if m := c.expect(e.topic("a"), "1"); m.id != one.id {
			e.Errorf("id is %d, want %d", m.id, one.id)
		}
		if m := c.expect(e.topic("a"), "2"); m.id != two.id {
			e.Errorf("id is %d, want %d", m.id, two.id)
		}
	}},
}
