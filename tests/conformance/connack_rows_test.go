package conformance_test

import (
	"strings"
	"time"
)

var credentialRows = []row{
	{v5: "MQTT-3.1.4-2 MQTT-3.2.2-7 MQTT-4.13.2-1", v3: "MQTT-3.2.2-5", name: "a wrong password is refused", run: func(e *env) {
		user, wrong := "admin", "wrong"
		c := e.dial()
		c.send((&connect{id: e.id("c"), clean: true, user: &user, password: &wrong}).encode(e.version))
		c.refused(badUserNameOrPassword, 4)
	}},
	{v5: "MQTT-3.2.2-6", v3: "MQTT-3.2.2-4", name: "a refusal says nothing of a session", run: func(e *env) {
		e.lasting("c").bye()
		user, wrong := "admin", "wrong"
		c := e.dial()
		c.send((&connect{id: e.id("c"), user: &user, password: &wrong}).encode(e.version))
		c.refused(badUserNameOrPassword, 4)
	}},
	{v5: "MQTT-3.1.4-2", name: "a password without a user name is judged", run: func(e *env) {
		wrong := "wrong"
		c := e.dial()
		c.send((&connect{id: e.id("c"), clean: true, password: &wrong}).encode(e.version))
		c.refused(badUserNameOrPassword, closed)
	}},
	{v5: "MQTT-3.1.4-2", v3: "MQTT-3.1.2-19", name: "a user name alone, unknown, is refused", run: func(e *env) {
		user := "nobody"
		c := e.dial()
		c.send((&connect{id: e.id("c"), clean: true, user: &user}).encode(e.version))
		c.refused(badUserNameOrPassword, 4)
	}},
	{v5: "MQTT-3.2.2-19", name: "the reason of a refusal keeps to Maximum Packet Size", run: func(e *env) {
		user, wrong := "admin", "wrong"
		c := e.dial()
		c.send((&connect{id: e.id("c"), clean: true, user: &user, password: &wrong, props: num32(pMaximumPacketSize, 20)}).encode(v5))
		if a := c.answer(tCONNACK); a.size > 20 || a.code != badUserNameOrPassword {
			e.Errorf("CONNACK has %d bytes and code 0x%02x, want at most 20 and 0x86", a.size, a.code)
		}
	}},
}

var connackRows = []row{
	{v5: "MQTT-3.1.4-5 MQTT-3.2.2-1 MQTT-3.2.2-8", v3: "MQTT-3.1.4-4 MQTT-3.2.2-6", name: "an accepted CONNECT is acknowledged", run: func(e *env) {
		if c := e.client("c"); c.connack.present {
			e.Errorf("a new session is present")
		}
	}},
	{v5: "MQTT-3.2.0-1 MQTT-3.2.0-2", v3: "MQTT-3.2.0-1", name: "CONNACK comes first, and once", run: func(e *env) {
		c := e.dial()
		topic := e.topic("a")
		c.send((&connect{id: e.id("c"), clean: true}).encode(e.version),
			subscribe(e.version, 1, nil, option{topic, 1}),
			(&publish{topic: topic, payload: "x", qos: 1, id: 2}).encode(e.version), pingreq)
		c.answer(tCONNACK)
		c.acked(tSUBACK, 1)
		got := map[byte]int{}
		for range 3 {
			p, err := c.read()
			if err != nil {
				e.Fatalf("read: %v", err)
			}
			got[p.typ()]++
		}
		if got[tPUBLISH] != 1 || got[tPUBACK] != 1 || got[tPINGRESP] != 1 {
			e.Errorf("behind CONNACK and SUBACK came %v, want a PUBLISH, a PUBACK and a PINGRESP", got)
		}
	}},
	{v5: "MQTT-3.2.0-1", v3: "MQTT-3.2.0-1", name: "CONNACK comes before what waits in the session", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.bye()
		for range 20 {
			p.say(e.topic("a"), "x", 1)
		}
		c = e.lasting("c") // wants CONNACK as the first packet
		for range 20 {
			c.expect(e.topic("a"), "x")
		}
	}},
	{v5: "MQTT-3.2.2-2 MQTT-3.1.2-4 MQTT-3.1.4-4", v3: "MQTT-3.2.2-1 MQTT-3.1.2-6 MQTT-3.1.4-3", name: "clean start finds no session", run: func(e *env) {
		e.lasting("c").bye()
		o := e.lastingConnect("c")
		o.clean = true
		if c := e.open(o); c.connack.present {
			e.Errorf("session present is 1 after a clean start")
		}
	}},
	{v5: "MQTT-3.2.2-3 MQTT-3.1.2-5", v3: "MQTT-3.2.2-2 MQTT-3.1.2-4", name: "a kept session is present", not31: true, run: func(e *env) {
		e.lasting("c").bye()
		if c := e.lasting("c"); !c.connack.present {
			e.Errorf("session present is 0")
		}
	}},
	{v3: "MQTT31-3.2", name: "CONNACK of MQTT 3.1 has no session present flag", run: func(e *env) {
		e.lasting("c").bye()
		if c := e.lasting("c"); c.connack.present != (e.version == v311) {
			e.Errorf("the first byte says present = %v", c.connack.present)
		}
	}},
	{v5: "MQTT-3.2.2-3 MQTT-3.1.2-6", v3: "MQTT-3.2.2-3 MQTT-3.1.2-4", name: "without a kept session there is none", run: func(e *env) {
		if c := e.lasting("c"); c.connack.present {
			e.Errorf("session present is 1 for a client that was never here")
		}
	}},
	{v5: "MQTT-3.2.2-9 MQTT-3.2.2-12 MQTT-3.2.2-13", name: "what is not announced as missing works", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, will: &will{topic: e.topic("w"), qos: 2, retain: true}})
		for _, id := range []byte{pMaximumQoS, pRetainAvailable, pWildcardAvailable, pSubIDAvailable, pSharedAvailable} {
			for _, p := range c.connack.props.all(id) {
				if p.num != 1 || id == pMaximumQoS {
					e.Errorf("CONNACK announces property 0x%02x = %d: the broker lacks something", id, p.num)
				}
			}
		}
	}},
	{v5: "MQTT-3.2.2-15", name: "limits are announced", broker: small, run: func(e *env) {
		props := e.client("c").connack.props
		for id, want := range map[byte]uint32{pMaximumPacketSize: 2048, pReceiveMaximum: 2, pTopicAliasMaximum: 3} {
			if got := props.num(e, id); got != want {
				e.Errorf("property 0x%02x is %d, want %d", id, got, want)
			}
		}
	}},
	{v5: "MQTT-3.1.2-28", name: "no response information unless asked for", run: func(e *env) {
		for _, props := range [][]byte{nil, num8(pRequestResponse, 0)} {
			if c := e.open(connect{id: e.id("c"), clean: true, props: props}); c.connack.props.has(pResponseInfo) {
				e.Errorf("CONNACK has response information")
			}
		}
		e.open(connect{id: e.id("d"), clean: true, props: num8(pRequestResponse, 1)}).sync()
	}},
	{v5: "MQTT-4.12.0-6", name: "no authentication method in CONNACK unless one was named", run: func(e *env) {
		if c := e.client("c"); c.connack.props.has(pAuthMethod) || c.connack.props.has(pAuthData) {
			e.Errorf("CONNACK is %+v", c.connack)
		}
	}},
	{v5: "MQTT-3.2.2-19 MQTT-3.2.2-20 MQTT-3.1.2-24", name: "CONNACK keeps to Maximum Packet Size", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num32(pMaximumPacketSize, 64)})
		if c.connack.size > 64 {
			e.Errorf("CONNACK has %d bytes, the client takes 64", c.connack.size)
		}
	}},
	{v5: "MQTT-3.1.2-23", name: "a session expiry that is cut is announced", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, props: num32(pSessionExpiry, 0xffffffff)})
		for _, p := range c.connack.props.all(pSessionExpiry) {
			if p.num == 0 {
				e.Errorf("the session that was to last for ever lasts for 0 s")
			}
		}
	}},
}

var keepAliveRows = []row{
	{v5: "MQTT-3.1.2-22", v3: "MQTT-3.1.2-24", name: "silence for one and a half keep alives ends the connection", run: func(e *env) {
		start := time.Now()
		c := e.open(connect{id: e.id("c"), clean: true, keepAlive: 1})
		c.ended(keepAliveTimeout)
		if got := time.Since(start); got < 1400*time.Millisecond || got > 2900*time.Millisecond {
			e.Errorf("closed after %v, want 1.5 s", got)
		}
	}},
	{v5: "MQTT-3.1.2-22", v3: "MQTT-3.1.2-24", name: "what the broker sends does not keep a connection alive", run: func(e *env) {
		c, p := e.open(connect{id: e.id("c"), clean: true, keepAlive: 1}), e.client("p")
		c.subscribe(e.topic("a"), 0)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		start := time.Now()
		for range tick.C {
			p.say(e.topic("a"), "x", 0)
			got, err := c.read()
			if err != nil || got.typ() == tDISCONNECT {
				break
			}
			if time.Since(start) > patience {
				e.Fatalf("still open after %v of silence", time.Since(start))
			}
		}
	}},
	{v5: "MQTT-3.1.2-22", v3: "MQTT-3.1.2-24", name: "any packet of the client's keeps it alive", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, keepAlive: 1})
		tick := time.NewTicker(700 * time.Millisecond)
		defer tick.Stop()
		for i, n := 0, 4; i < n; i++ {
			<-tick.C
			switch i % 3 {
			case 0:
				c.say(e.topic("a"), "x", 0)
			case 1:
				c.sync()
			default:
				c.say(e.topic("a"), "x", 1)
			}
		}
		c.sync()
	}},
	{v5: "MQTT-3.1.2-22", v3: "MQTT-3.1.2-24", name: "a keep alive of 0 is none", run: func(e *env) {
		c := e.client("c")
		e.elapse(3)
		c.sync()
	}},
	{v5: "MQTT-3.2.2-22", v3: "MQTT-3.1.2-24", name: "the longest keep alive is as good as another", run: func(e *env) {
		for _, seconds := range []int{43691, 65535} {
			c := e.open(connect{id: e.id("c"), clean: true, keepAlive: seconds})
			for _, p := range c.connack.props.all(pServerKeepAlive) {
				if p.num == 0 {
					e.Errorf("the server's keep alive is 0 for %d", seconds)
				}
			}
			c.sync()
		}
	}},
	{v5: "MQTT-3.2.2-22", name: "the client's keep alive holds unless the broker names another", run: func(e *env) {
		c := e.open(connect{id: e.id("c"), clean: true, keepAlive: 77})
		if c.connack.props.has(pServerKeepAlive) && c.connack.props.num(e, pServerKeepAlive) != 77 {
			e.Errorf("CONNACK names %d s", c.connack.props.num(e, pServerKeepAlive))
		}
	}},
	{v5: "MQTT-3.12.4-1", v3: "MQTT-3.12.4-1", name: "PINGREQ is answered", run: func(e *env) {
		c := e.client("c")
		for range 3 {
			c.sync()
		}
		c.send([]byte(strings.Repeat(string(pingreq), 50)))
		for range 50 {
			c.want(tPINGRESP)
		}
	}},
}
