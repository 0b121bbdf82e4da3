package conformance_test

import (
	"strings"
)

// badConnect is a CONNECT that the broker must not accept.
type badConnect struct {
	v5, v3, name string
	packet       func(e *env) []byte
	code5, code3 byte
}

func (b badConnect) row() row {
	return row{v5: b.v5, v3: b.v3, name: b.name, run: func(e *env) {
		bystander := e.client("bystander")
		c := e.dial()
		c.send(b.packet(e))
		c.refused(b.code5, b.code3)
		bystander.sync()
	}}
}

// flagged is a CONNECT with the flags and, behind the client identifier, the
// fields.
func flagged(flags byte, fields ...[]byte) func(e *env) []byte {
	return func(e *env) []byte {
		return rawConnect(e.version, flags|0x02, 0, nil, cat(text(e.id("bad")), cat(fields...)))
	}
}

// willed is flagged with a will's properties, where the version has them, in
// front of the fields.
func willed(flags byte, fields ...[]byte) func(e *env) []byte {
	return func(e *env) []byte {
		var props []byte
		if e.is5() {
			props = []byte{0}
		}
		return flagged(flags|0x04, props, cat(fields...))(e)
	}
}

func withProps(props ...[]byte) func(e *env) []byte {
	return func(e *env) []byte {
		return rawConnect(e.version, 0x02, 0, cat(props...), text(e.id("bad")))
	}
}

func identified(id string) func(e *env) []byte {
	return func(e *env) []byte { return (&connect{id: id, clean: true}).encode(e.version) }
}

const surrogate = "\xed\xa0\x80"

// badConnects are refused as the texts say: MQTT 5 with a CONNACK of the code,
// MQTT 3.1.1 with a return code, or closed without an answer [MQTT-3.1.4-1].
var badConnects = []badConnect{
	{"MQTT-3.1.2-3", "MQTT-3.1.2-3", "CONNECT with the reserved flag", flagged(0x01), malformed, closed},
	{"MQTT-3.1.2-11", "MQTT-3.1.2-11 MQTT-3.1.2-13", "CONNECT with a will QoS and no will", flagged(0x08), malformed, closed},
	{"MQTT-3.1.2-13", "MQTT-3.1.2-11 MQTT-3.1.2-15", "CONNECT with will retain and no will", flagged(0x20), malformed, closed},
	{"MQTT-3.1.2-12", "MQTT-3.1.2-14", "CONNECT with a will QoS of 3", willed(0x18, text("w"), text("x")), malformed, closed},
	{"MQTT-3.1.2-9", "MQTT-3.1.2-9", "CONNECT with a will flag and no will", flagged(0x04), malformed, closed},
	{"MQTT-3.1.2-9", "MQTT-3.1.2-9", "CONNECT with a will topic and no will payload", willed(0, text("w")), malformed, closed},
	{"MQTT-3.1.2-16", "MQTT-3.1.2-18", "CONNECT with a user name and no flag for it", flagged(0, text("me")), malformed, closed},
	{"MQTT-3.1.2-17", "MQTT-3.1.2-19", "CONNECT with a user name flag and no user name", flagged(0x80), malformed, closed},
	{"MQTT-3.1.2-18", "MQTT-3.1.2-20", "CONNECT with a password and no flag for it", flagged(0x80, text("me"), text("pw")), malformed, closed},
	{"MQTT-3.1.2-19", "MQTT-3.1.2-21", "CONNECT with a password flag and no password", flagged(0xC0, text("me")), malformed, closed},
	{"", "MQTT-3.1.2-22", "CONNECT with a password and no user name", flagged(0x40, text("pw")), 0, closed},
	{"MQTT-3.1.3-3", "MQTT-3.1.3-3", "CONNECT without a client identifier", func(e *env) []byte {
		return rawConnect(e.version, 0x02, 0, nil, nil)
	}, malformed, closed},
	{"MQTT-3.1.3-4 MQTT-1.5.4-1", "MQTT-3.1.3-4 MQTT-1.5.3-1", "a client identifier that is not UTF-8", identified("a\xffb"), malformed, closed},
	{"MQTT-3.1.3-4 MQTT-1.5.4-1", "MQTT-3.1.3-4 MQTT-1.5.3-1", "a client identifier with a surrogate", identified("a" + surrogate), malformed, closed},
	{"MQTT-1.5.4-2", "MQTT-1.5.3-2", "a client identifier with U+0000", identified("a\x00b"), malformed, closed},
	{"MQTT-3.1.3-11", "MQTT-3.1.3-10", "a will topic that is not UTF-8", willed(0, text("w\xc0\x80"), text("x")), malformed, closed},
	{"MQTT-1.5.4-2 MQTT-4.7.3-2", "MQTT-1.5.3-2 MQTT-4.7.3-2", "a will topic with U+0000", willed(0, text("w\x00"), text("x")), malformed, closed},
	{"MQTT-4.7.0-1", "MQTT-4.7.1-1", "a will topic with a wildcard", willed(0, text("w/#"), text("x")), topicNameInvalid, closed},
	{"MQTT-4.7.3-1", "MQTT-4.7.3-1", "an empty will topic", willed(0, text(""), text("x")), topicNameInvalid, closed},
	{"MQTT-3.1.3-12", "MQTT-3.1.3-11", "a user name that is not UTF-8", flagged(0x80, text("m\xfe")), malformed, closed},
	{"MQTT-1.5.4-2", "MQTT-1.5.3-2", "a user name with U+0000", flagged(0x80, text("m\x00e")), malformed, closed},
	{"MQTT-3.1.4-1 MQTT-4.13.1-1", "MQTT-3.1.4-1", "CONNECT with bytes behind its payload", flagged(0, []byte{0}), malformed, closed},
	{"MQTT-3.1.4-1", "MQTT-3.1.4-1", "CONNECT whose client identifier is cut", func(e *env) []byte {
		return rawConnect(e.version, 0x02, 0, nil, []byte{0, 9, 'a'})
	}, malformed, closed},
	{"", "MQTT-3.1.3-7 MQTT-3.1.3-8", "an empty client identifier with clean session 0", func(e *env) []byte {
		return (&connect{}).encode(e.version)
	}, 0, 2},
	{"MQTT-3.1.3-8", "MQTT-3.1.3-9", "a client identifier that is too long", identified(strings.Repeat("x", 4000)), clientIDInvalid, 2},
	{"MQTT-3.1.4-1", "", "CONNECT with a property twice", withProps(num16(pReceiveMaximum, 1), num16(pReceiveMaximum, 1)), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with a session expiry twice", withProps(num32(pSessionExpiry, 1), num32(pSessionExpiry, 1)), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with a Receive Maximum of 0", withProps(num16(pReceiveMaximum, 0)), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with a Maximum Packet Size of 0", withProps(num32(pMaximumPacketSize, 0)), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with Request Problem Information 2", withProps(num8(pRequestProblem, 2)), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with Request Response Information 2", withProps(num8(pRequestResponse, 2)), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with authentication data and no method", withProps(word(pAuthData, "x")), protocolError, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with a property of another packet", withProps(num16(pTopicAlias, 1)), malformed, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with a property that is none", withProps([]byte{0x7f, 0}), malformed, 0},
	{"MQTT-3.1.4-1", "", "CONNECT with a property that is cut", withProps([]byte{pSessionExpiry, 0, 0}), malformed, 0},
	{"MQTT-1.5.7-1", "", "CONNECT with a user property that is not UTF-8", withProps(pair("a", "b\xff")), malformed, 0},
	{"MQTT-3.1.4-1", "", "a will delay among the properties of CONNECT", withProps(num32(pWillDelay, 1)), malformed, 0},
	{"MQTT-3.3.2-14", "", "a will with a response topic that has a wildcard", func(e *env) []byte {
		return flagged(0x04, list(word(pResponseTopic, "a/+")), text("w"), text("x"))(e)
	}, protocolError, 0},
	{"MQTT-3.1.4-1", "", "a will with its delay twice", func(e *env) []byte {
		return flagged(0x04, list(num32(pWillDelay, 1), num32(pWillDelay, 1)), text("w"), text("x"))(e)
	}, protocolError, 0},
	{"MQTT-4.12.0-1 MQTT-4.12.0-4", "", "CONNECT with an authentication method that nobody knows", withProps(word(pAuthMethod, "ROT-13")), badAuthMethod, 0},
}

// firstPackets are what no connection may begin with [MQTT-3.1.0-1].
var firstPackets = map[string][]byte{
	"PUBLISH":     (&publish{topic: "a"}).encode(v311),
	"SUBSCRIBE":   subscribe(v311, 1, nil, option{"a", 0}),
	"UNSUBSCRIBE": unsubscribe(v311, 1, "a"),
	"PINGREQ":     pingreq,
	"PUBACK":      ack(tPUBACK, 1),
	"DISCONNECT":  goodbye,
	"CONNACK":     {0x20, 2, 0, 0},
	"AUTH":        {0xf0, 0},
	"nonsense":    []byte("SSH-2.0-x\r\n"),
}

var connectRows = append(badConnectRows(),
	row{v5: "MQTT-3.1.0-1 MQTT-3.14.0-1", v3: "MQTT-3.1.0-1 MQTT-3.2.0-1", name: "the first packet must be a CONNECT", run: func(e *env) {
		for name, packet := range firstPackets {
			c := e.dial()
			c.send(packet)
			p, err := c.read()
			if err == nil {
				e.Errorf("after %s as the first packet the broker answers %s", name, p)
			}
		}
	}},
	row{v5: "MQTT-3.1.2-1", v3: "MQTT-3.1.2-1", name: "another protocol name is not served", run: func(e *env) {
		for _, name := range []string{"MQXX", "mqtt", "MQTT ", "", "MQTTMQTT"} {
			c := e.dial()
			rest := []byte{e.version, 0x02, 0, 0}
			if e.is5() {
				rest = append(rest, 0)
			}
			c.send(frame(tCONNECT<<4, text(name), rest, text(e.id("x"))))
			c.unsupported()
		}
	}},
	row{v5: "MQTT-3.1.2-2", v3: "MQTT-3.1.2-2", name: "another protocol level is refused", run: func(e *env) {
		for _, level := range []byte{0, 1, 2, 6, 0x84, 0xff} {
			c := e.dial()
			c.send(frame(tCONNECT<<4, text("MQTT"), []byte{level, 0x02, 0, 0}, text(e.id("x"))))
			c.unsupported()
		}
	}},
	row{v5: "MQTT-2.1.3-1", v3: "MQTT-2.2.2-1 MQTT-2.2.2-2", name: "CONNECT with reserved flags in its first byte", run: func(e *env) {
		for flags := byte(1); flags < 16; flags *= 2 {
			c := e.dial()
			b := identified("r")(e)
			b[0] |= flags
			c.send(b)
			p, err := c.read()
			if err == nil && (p.typ() != tCONNACK || e.answer(e.version, p).code != malformed) {
				e.Errorf("flags %04b: the broker answers %s", flags, p)
			}
		}
	}},
	row{v3: "MQTT-3.1.2-1", name: "the name and level of MQTT 3.1 go together", run: func(e *env) {
		for name, level := range map[string]byte{"MQTT": v31, "MQIsdp": v311} {
			c := e.dial()
			c.send(frame(tCONNECT<<4, text(name), []byte{level, 0x02, 0, 0}, text(e.id("x"))))
			c.unsupported()
		}
	}},
	row{v5: "MQTT-3.1.3-5", v3: "MQTT-3.1.3-5", name: "client identifiers of 1 to 23 letters and digits", run: func(e *env) {
		const all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		skip := len(e.via) // the other transport's row uses other identifiers
		for _, id := range []string{all[skip : skip+23], all[skip+20 : skip+43], all[:skip]} {
			e.open(connect{id: id, clean: true}).bye()
		}
	}},
	row{v5: "MQTT-3.1.3-5", v3: "MQTT-3.1.3-5", name: "longer client identifiers, of any characters", run: func(e *env) {
		e.open(connect{id: e.id(strings.Repeat("long", 25)), clean: true}).bye()
		e.open(connect{id: e.id("\u00e9/ +#\U0001F6B4"), clean: true}).bye()
	}},
	row{v5: "MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.2.2-16", name: "an empty client identifier is given a name", run: func(e *env) {
		seen := map[string]bool{}
		for range 5 {
			c := e.open(connect{clean: true, props: num32(pSessionExpiry, 100)})
			id := c.connack.props.text(e, pAssignedID)
			if id == "" || seen[id] {
				e.Fatalf("the assigned client identifier %q is empty or in use", id)
			}
			seen[id] = true
			c.bye()
			back := e.open(connect{id: id})
			if !back.connack.present {
				e.Errorf("the session of the assigned identifier is not there")
			}
			if back.connack.props.has(pAssignedID) {
				e.Errorf("a client that names itself is assigned an identifier")
			}
			back.bye()
		}
	}},
	row{v5: "MQTT-3.1.3-6", name: "an empty client identifier without clean start", run: func(e *env) {
		c := e.open(connect{})
		if c.connack.present || c.connack.props.text(e, pAssignedID) == "" {
			e.Errorf("CONNACK is %+v, want a new session with an assigned identifier", c.connack)
		}
	}},
	row{v3: "MQTT-3.1.3-6", name: "an empty client identifier with clean session", not31: true, run: func(e *env) {
		a, b := e.open(connect{clean: true}), e.open(connect{clean: true})
		a.sync() // the second has not taken over the first
		b.sync()
	}},
	row{v5: "MQTT-3.1.4-6", v3: "MQTT-3.1.4-5", name: "nothing behind a refused CONNECT is processed", run: pipelinedBehindRefusal},
	row{v5: "MQTT-3.1.4-3", v3: "MQTT-3.1.4-2", name: "a second connection takes the first one's place", run: func(e *env) {
		first := e.client("same")
		second := e.client("same")
		first.ended(takenOver)
		second.sync()
	}},
	row{v5: "MQTT-3.1.4-3 MQTT-4.1.0-1", v3: "MQTT-3.1.4-2 MQTT-3.1.2-4", name: "a take-over keeps the session", run: func(e *env) {
		p := e.client("p")
		first := e.lasting("same")
		first.subscribe(e.topic("a"), 1)
		p.say(e.topic("a"), "1", 1)
		m := first.message()
		second := e.lasting("same")
		if !second.connack.present && e.version != v31 {
			e.Errorf("session present is 0 after a take-over")
		}
		first.ended(takenOver)
		if again := second.expect(e.topic("a"), "1"); again.id != m.id || !again.dup {
			e.Errorf("resent as %+v, want id %d and DUP", again, m.id)
		}
		p.say(e.topic("a"), "2", 1)
		second.expect(e.topic("a"), "2")
	}},
	row{v5: "MQTT-3.1.4-3", v3: "MQTT-3.1.4-2", name: "many take-overs in a row leave the last", run: func(e *env) {
		var all []*client
		for range 8 {
			all = append(all, e.client("same"))
		}
		for _, c := range all[:7] {
			c.ended(takenOver)
		}
		all[7].sync()
	}},
	row{v5: "MQTT-3.1.3-1", v3: "MQTT-3.1.3-1", name: "will, user name and password in their order", run: func(e *env) {
		user := "admin"
		c := e.open(connect{id: e.id("c"), clean: true, user: &user, password: &e.b.Token,
			will: &will{topic: e.topic("w"), payload: "user"}})
		c.sync()
	}},
	row{v5: "MQTT-3.1.3-2", v3: "MQTT-3.1.3-2", name: "sessions are told apart by the whole identifier", run: func(e *env) {
		a, b := e.lasting("same"), e.lasting("Same")
		a.sync()
		if b.connack.present {
			e.Errorf("another identifier finds the session")
		}
	}},
	row{v5: "MQTT-3.1.4-1", v3: "MQTT-3.1.4-1", name: "a CONNECT over 64 KiB ends the connection", run: func(e *env) {
		c := e.dial()
		c.send([]byte{tCONNECT << 4}, varint(100<<10), text("MQTT"))
		c.eof()
	}},
)

func badConnectRows() []row {
	var all []row
	for _, b := range badConnects {
		all = append(all, b.row())
	}
	return all
}

// unsupported wants the end, before which the broker may say that it does not
// speak the version.
func (c *client) unsupported() {
	p, err := c.read()
	if err != nil {
		return
	}
	if p.typ() != tCONNACK || len(p.body) < 2 || p.body[1] != 1 && p.body[1] != unsupportedVersion {
		c.e.Errorf("the broker answers %s", p)
	}
	c.eof()
}

func pipelinedBehindRefusal(e *env) {
	watcher := e.client("watcher")
	watcher.subscribe(e.topic("#"), 1)
	user, wrong := "admin", "wrong"
	c := e.dial()
	c.send((&connect{id: e.id("c"), clean: true, user: &user, password: &wrong}).encode(e.version),
		(&publish{topic: e.topic("a"), payload: "x", qos: 1, id: 1}).encode(e.version),
		subscribe(e.version, 2, nil, option{e.topic("b"), 0}), pingreq)
	c.refused(badUserNameOrPassword, 4)
	watcher.nothingFrom(e.client("p"))
}
