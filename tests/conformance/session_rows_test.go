package conformance_test

import "fmt"

// sessionRows are about the state that outlives a connection.
var sessionRows = []row{
	{v5: "MQTT-3.1.2-5 MQTT-3.1.2-23 MQTT-4.5.0-1", v3: "MQTT-3.1.2-4 MQTT-3.1.2-5 MQTT-4.1.0-1 MQTT-4.5.0-1", name: "subscriptions and messages wait for a session", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("1"), 1)
		c.subscribe(e.topic("2/+"), 2)
		c.bye()
		for i := range 10 {
			p.say(e.topic("1"), fmt.Sprint(i), 1)
			p.say(e.topic("2/x"), fmt.Sprint(i), 2)
		}
		c = e.lasting("c")
		next := map[string]int{}
		for range 20 {
			m := c.take()
			if want := fmt.Sprint(next[m.topic]); m.payload != want {
				e.Errorf("%s: got %q, want %q", m.topic, m.payload, want)
			}
			next[m.topic]++
		}
		p.say(e.topic("1"), "later", 1)
		c.expect(e.topic("1"), "later")
	}},
	{v5: "MQTT-3.1.2-4", v3: "MQTT-3.1.2-6", name: "clean start discards subscriptions and messages", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		p.say(e.topic("a"), "unacknowledged", 1)
		c.message()
		c.bye()
		p.say(e.topic("a"), "waiting", 1)
		o := e.lastingConnect("c")
		o.clean = true
		c = e.open(o)
		p.say(e.topic("a"), "x", 1)
		c.nothingFrom(p)
		c.bye()
		e.lasting("c").nothingFrom(p)
	}},
	{v5: "MQTT-4.1.0-2", v3: "MQTT-3.1.2-6", name: "a clean session does not outlive its connection", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.bye()
		p.say(e.topic("a"), "x", 1)
		c = e.lasting("c")
		if c.connack.present {
			e.Errorf("session present is 1")
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.1.2-4", v3: "MQTT-3.1.2-6", name: "clean start at a take-over discards the session", run: func(e *env) {
		first, p := e.lasting("c"), e.client("p")
		first.subscribe(e.topic("a"), 1)
		o := e.lastingConnect("c")
		o.clean = true
		second := e.open(o)
		first.ended(takenOver)
		if second.connack.present {
			e.Errorf("session present is 1")
		}
		p.say(e.topic("a"), "x", 1)
		second.nothingFrom(p)
	}},
	{v5: "MQTT-4.1.0-2", v3: "MQTT-3.1.2-6", name: "a session that ends with its connection is not resumed at a take-over", run: func(e *env) {
		first, p := e.client("c"), e.client("p")
		first.subscribe(e.topic("a"), 1)
		second := e.lasting("c")
		first.ended(takenOver)
		if second.connack.present {
			e.Errorf("session present is 1")
		}
		p.say(e.topic("a"), "x", 1)
		second.nothingFrom(p)
	}},
	{v5: "MQTT-3.3.1-8", v3: "MQTT-3.1.2-7", name: "retained messages are no part of a session", run: func(e *env) {
		p := e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "kept", qos: 1, retain: true})
		p.bye()
		c := e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.expect(e.topic("a"), "kept")
	}},
	{v5: "MQTT-3.1.2-23", name: "clean start and a session expiry begin a session that lasts", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num32(pSessionExpiry, 100)})
		c.subscribe(e.topic("a"), 1)
		c.bye()
		if c = e.lasting("c"); !c.connack.present {
			e.Errorf("session present is 0")
		}
	}},
	{v5: "MQTT-4.1.0-2", name: "without a session expiry the session ends with the connection", run: func(e *env) {
		c := e.open(connect{id: e.id("c")})
		c.subscribe(e.topic("a"), 1)
		c.drop()
		if c = e.lasting("c"); c.connack.present {
			e.Errorf("session present is 1")
		}
	}},
	{v5: "MQTT-3.1.2-5", v3: "MQTT-3.1.2-4", name: "a new subscription after a resume has the new options", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.bye()
		c = e.lasting("c")
		c.subscribe(e.topic("a"), 0)
		p.say(e.topic("a"), "x", 1)
		if m := c.expect(e.topic("a"), "x"); m.qos != 0 {
			e.Errorf("QoS is %d, want 0", m.qos)
		}
	}},
	{v5: "MQTT-3.1.2-5", name: "subscription options survive in the session", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1|asPublished, subscriptionID(77))
		c.subscribe(e.topic("own"), 1|noLocal)
		c.bye()
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c = e.lasting("c")
		m := c.expect(e.topic("a"), "x")
		if !m.retain || m.props.num(e, pSubscriptionID) != 77 {
			e.Errorf("got %+v, want retain as published and identifier 77", m)
		}
		c.say(e.topic("own"), "mine", 1)
		p.say(e.topic("own"), "theirs", 1)
		c.expect(e.topic("own"), "theirs")
	}},
}

func expiring(e *env, name string, seconds uint32) *client {
	return e.open(connect{id: e.id(name), props: num32(pSessionExpiry, seconds)})
}

// end says DISCONNECT with a reason code and properties.
func (c *client) end(code byte, props ...[]byte) {
	c.send(frame(tDISCONNECT<<4, []byte{code}, list(props...)))
	c.eof()
}

// expiryRows are about the session expiry interval of MQTT 5.
var expiryRows = []row{
	{v5: "MQTT-4.1.0-2", name: "a session expires", run: func(e *env) {
		c := expiring(e, "c", 1)
		c.subscribe(e.topic("a"), 1)
		c.bye()
		e.elapse(2)
		if c = expiring(e, "c", 1); c.connack.present {
			e.Errorf("session present is 1 after the session expiry interval")
		}
	}},
	{v5: "MQTT-3.1.2-23", name: "a session is there until it expires", run: func(e *env) {
		c := expiring(e, "c", 60)
		c.subscribe(e.topic("a"), 1)
		c.drop()
		e.elapse(2)
		if c = expiring(e, "c", 60); !c.connack.present {
			e.Errorf("session present is 0")
		}
	}},
	{v5: "MQTT-4.1.0-1", name: "a session does not expire while its connection is open", run: func(e *env) {
		c, p := expiring(e, "c", 1), e.client("p")
		c.subscribe(e.topic("a"), 1)
		e.elapse(3)
		p.say(e.topic("a"), "x", 1)
		c.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-3.1.2-23", name: "the interval runs from the end of the connection", run: func(e *env) {
		c := expiring(e, "c", 3)
		e.elapse(3)
		c.drop()
		if c = expiring(e, "c", 3); !c.connack.present {
			e.Errorf("session present is 0 right after the connection was lost")
		}
	}},
	{v5: "MQTT-3.1.2-23", name: "DISCONNECT may lengthen the session", run: func(e *env) {
		c := expiring(e, "c", 1)
		c.subscribe(e.topic("a"), 1)
		c.end(0, num32(pSessionExpiry, 60))
		e.elapse(3)
		if c = expiring(e, "c", 1); !c.connack.present {
			e.Errorf("session present is 0: the interval of DISCONNECT was not taken")
		}
	}},
	{v5: "MQTT-4.1.0-2", name: "DISCONNECT may end the session", run: func(e *env) {
		c, p := expiring(e, "c", 60), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.end(0, num32(pSessionExpiry, 0))
		p.say(e.topic("a"), "x", 1)
		if c = expiring(e, "c", 60); c.connack.present {
			e.Errorf("session present is 1 after a DISCONNECT with a session expiry of 0")
		}
	}},
	{v5: "MQTT-4.13.1-1", name: "DISCONNECT cannot give a session to a client that asked for none", run: func(e *env) {
		c := e.client("c")
		c.send(frame(tDISCONNECT<<4, []byte{0}, list(num32(pSessionExpiry, 60))))
		c.ended(protocolError)
		if c = e.lasting("c"); c.connack.present {
			e.Errorf("session present is 1")
		}
	}},
	{v5: "MQTT-3.1.2-23", name: "the next CONNECT sets the interval anew", run: func(e *env) {
		expiring(e, "c", 60).bye()
		c := expiring(e, "c", 0)
		if !c.connack.present {
			e.Errorf("session present is 0")
		}
		c.bye()
		if c = expiring(e, "c", 60); c.connack.present {
			e.Errorf("session present is 1: the second CONNECT's interval of 0 was not taken")
		}
	}},
	{v5: "MQTT-3.1.2-23", name: "an interval of 0xFFFFFFFF is taken", run: func(e *env) {
		expiring(e, "c", 0xffffffff).bye()
		if c := expiring(e, "c", 0xffffffff); !c.connack.present {
			e.Errorf("session present is 0")
		}
	}},
	{v5: "MQTT-4.1.0-2", name: "an expired session's messages are gone", run: func(e *env) {
		c, p := expiring(e, "c", 1), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.bye()
		p.say(e.topic("a"), "x", 1)
		e.elapse(2)
		c = expiring(e, "c", 60)
		p.say(e.topic("a"), "y", 1)
		c.nothingFrom(p)
	}},
}
