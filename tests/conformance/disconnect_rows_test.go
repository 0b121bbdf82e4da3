package conformance_test

import (
	"strings"
)

var disconnectRows = []row{
	{v5: "MQTT-3.14.4-3", v3: "MQTT-3.14.4-3", name: "DISCONNECT closes without an answer", run: func(e *env) {
		e.client("c").bye()
	}},
	{v5: "MQTT-3.14.2-1", name: "every reason code of a client's is taken", run: func(e *env) {
		for _, code := range []byte{0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99} {
			c := e.client("c")
			c.send(frame(tDISCONNECT<<4, []byte{code}))
			c.eof()
			c = e.client("c")
			c.send(frame(tDISCONNECT<<4, []byte{code}, list(word(pReasonString, "why"), pair("a", "b"))))
			c.eof()
		}
	}},
	{v5: "MQTT-3.14.4-1 MQTT-3.14.4-2", v3: "MQTT-3.14.4-3", name: "what follows DISCONNECT is not processed", run: func(e *env) {
		w, c := e.client("w"), e.client("c")
		w.subscribe(e.topic("a"), 1)
		c.send(goodbye, (&publish{topic: e.topic("a"), payload: "x", qos: 1, id: 1}).encode(e.version), pingreq)
		c.eof()
		w.nothingFrom(e.client("p"))
	}},
	{v5: "MQTT-3.14.2-2 MQTT-3.14.2-1", name: "the broker's DISCONNECT has a code and no session expiry", run: func(e *env) {
		c := expiring(e, "c", 100)
		c.send([]byte{0x36, 0})
		a := c.answer(tDISCONNECT)
		if a.code != malformed || a.props.has(pSessionExpiry) {
			e.Errorf("DISCONNECT is %+v", a)
		}
		for _, p := range a.props.all(pReasonString) {
			if strings.TrimSpace(p.text) == "" {
				e.Errorf("the reason string is empty")
			}
		}
		c.eof()
	}},
	{v5: "MQTT-3.1.2-8 MQTT-4.13.1-1", v3: "MQTT-3.1.2-8", name: "a malformed DISCONNECT is none: the will is due", run: func(e *env) {
		w := e.watch()
		c := e.willing(will{topic: e.topic("will"), payload: "x", qos: 1})
		c.send(frame(tDISCONNECT<<4|1, nil))
		c.ended(malformed)
		w.expect(e.topic("will"), "x")
	}},
	{v3: "MQTT-3.14.1-1", name: "DISCONNECT with a body is malformed", run: func(e *env) {
		w := e.watch()
		c := e.willing(will{topic: e.topic("will"), payload: "x", qos: 1})
		c.send([]byte{tDISCONNECT << 4, 1, 0})
		c.eof()
		w.expect(e.topic("will"), "x")
	}},
	{v3: "MQTT-4.8.0-1", name: "a client before MQTT 5 is never sent DISCONNECT", run: func(e *env) {
		for _, packet := range [][]byte{{0x36, 0}, {0xf0, 0}, {0x82, 2, 0, 1}, (&connect{id: "x", clean: true}).encode(e.version)} {
			c := e.client("c")
			c.send(packet)
			c.eof()
		}
		first := e.client("same")
		e.client("same")
		first.eof()
	}},
}
