package conformance_test

import (
	"bytes"
	"strings"

	"github.com/gobwas/ws"
)

// script is a whole conversation in one piece of bytes, and the types of the
// answers to it.
func script(e *env, id string) (b []byte, want []byte) {
	topic := e.topic(id)
	return cat(
		(&connect{id: e.id(id), clean: true, will: &will{topic: topic + "/will", payload: "w"}}).encode(e.version),
		subscribe(e.version, 1, nil, option{topic, 0}),
		(&publish{topic: topic, payload: strings.Repeat("p", 130)}).encode(e.version), // a length of two bytes
		pingreq,
		(&publish{topic: topic + "/x", payload: "x", qos: 2, id: 3}).encode(e.version),
		ack(tPUBREL, 3),
		unsubscribe(e.version, 4, topic),
		goodbye,
	), []byte{tCONNACK, tSUBACK, tPUBLISH, tPINGRESP, tPUBREC, tPUBCOMP, tUNSUBACK}
}

func (c *client) wantTypes(want []byte) {
	for i, typ := range want {
		p, err := c.read()
		if err != nil {
			c.e.Fatalf("answer %d of %d: %v", i, len(want), err)
		}
		if p.typ() != typ {
			c.e.Fatalf("answer %d is %s, want type %d", i, p, typ)
		}
	}
	c.eof()
}

// streamRows: where packets begin and end is nobody's business but theirs.
var streamRows = []row{
	{v5: "MQTT-4.2-1 MQTT-6.0.0-2", v3: "MQTT-4.2.0-1 MQTT-6.0.0-2", name: "a conversation cut in two at every byte", not31: true, run: func(e *env) {
		whole, _ := script(e, "s")
		for at := 1; at < len(whole); at++ {
			if bytes.HasPrefix(whole[at:], []byte("ppp")) && at%32 != 0 {
				continue // one place inside the payload is as good as another
			}
			b, want := script(e, "s")
			c := e.dial()
			c.send(b[:at])
			c.send(b[at:])
			c.wantTypes(want)
			c.conn.Close()
		}
	}},
	{v5: "MQTT-4.2-1 MQTT-6.0.0-2", v3: "MQTT-4.2.0-1 MQTT-6.0.0-2", name: "a conversation byte by byte", run: func(e *env) {
		b, want := script(e, "s")
		c := e.dial()
		for i := range b {
			c.send(b[i : i+1])
		}
		c.wantTypes(want)
	}},
	{v5: "MQTT-4.2-1 MQTT-6.0.0-2", v3: "MQTT-4.2.0-1 MQTT-6.0.0-2", name: "a conversation in one piece", run: func(e *env) {
		b, want := script(e, "s")
		c := e.dial()
		c.send(b)
		c.wantTypes(want)
	}},
}

// webSocketRows are about the frames.
var webSocketRows = []row{
	{v5: "MQTT-6.0.0-1", v3: "MQTT-6.0.0-1", name: "a text frame ends the connection", via: "ws", run: func(e *env) {
		c := e.client("c")
		w := c.conn.(*wsConn)
		if err := w.writeFrame(ws.NewTextFrame(bytes.Clone(pingreq))); err != nil {
			e.Fatalf("write: %v", err)
		}
		for {
			p, err := c.read()
			if err != nil {
				break
			}
			if p.typ() != tDISCONNECT {
				e.Fatalf("a text frame is answered %s", p)
			}
		}
	}},
	{v5: "MQTT-6.0.0-1", v3: "MQTT-6.0.0-1", name: "a text frame as the first ends the connection", via: "ws", run: func(e *env) {
		c := e.dial()
		w := c.conn.(*wsConn)
		if err := w.writeFrame(ws.NewTextFrame((&connect{id: e.id("c"), clean: true}).encode(e.version))); err != nil {
			e.Fatalf("write: %v", err)
		}
		c.eof()
		if w.code != ws.StatusUnsupportedData && w.code != 0 {
			e.Errorf("the close code is %d, want 1003", w.code)
		}
	}},
	{v5: "MQTT-6.0.0-2", v3: "MQTT-6.0.0-2", name: "a message in many frames", via: "ws", run: func(e *env) {
		c := e.client("c")
		w := c.conn.(*wsConn)
		c.subscribe(e.topic("a"), 0)
		b := (&publish{topic: e.topic("a"), payload: "fragmented"}).encode(e.version)
		for i := range b {
			op, fin := ws.OpContinuation, i == len(b)-1
			if i == 0 {
				op = ws.OpBinary
			}
			if err := w.writeFrame(ws.NewFrame(op, fin, []byte{b[i]})); err != nil {
				e.Fatalf("write: %v", err)
			}
			if i%5 == 2 { // control frames may stand between
				if err := w.writeFrame(ws.NewPingFrame([]byte("hi"))); err != nil {
					e.Fatalf("write: %v", err)
				}
			}
		}
		c.expect(e.topic("a"), "fragmented")
	}},
	{v5: "MQTT-6.0.0-2", v3: "MQTT-6.0.0-2", name: "empty frames mean nothing", via: "ws", run: func(e *env) {
		c := e.client("c")
		for range 3 {
			if err := c.conn.(*wsConn).writeFrame(ws.NewBinaryFrame(nil)); err != nil {
				e.Fatalf("write: %v", err)
			}
			c.sync()
		}
	}},
	{v5: "MQTT-6.0.0-2", v3: "MQTT-6.0.0-2", name: "packets that span frames, and share them", via: "ws", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 0)
		var b []byte
		for range 30 {
			b = append(b, (&publish{topic: e.topic("a"), payload: strings.Repeat("x", 50)}).encode(e.version)...)
		}
		for len(b) > 0 {
			n := min(len(b), 97)
			c.send(b[:n])
			b = b[n:]
		}
		for range 30 {
			c.expect(e.topic("a"), strings.Repeat("x", 50))
		}
	}},
	{v5: "MQTT-6.0.0-3 MQTT-6.0.0-4", v3: "MQTT-6.0.0-3 MQTT-6.0.0-4", name: "the subprotocol is mqtt", via: "ws", run: func(e *env) {
		for _, offered := range [][]string{{"mqtt"}, {"other", "mqtt"}, {"mqtt", "mqttv3.1"}, {"mqttv3.1"}} {
			w := e.upgrade(offered...)
			if want := offered[len(offered)-1]; w.protocol != "mqtt" && w.protocol != want {
				e.Errorf("offered %q: the broker chose %q", offered, w.protocol)
			}
			w.Close()
		}
	}},
	{v5: "MQTT-6.0.0-3", v3: "MQTT-6.0.0-3", name: "without the subprotocol there is no upgrade", via: "ws", run: func(e *env) {
		for _, offered := range [][]string{nil, {"chat"}} {
			if e.upgrades(offered...) {
				e.Errorf("offered %q: upgraded", offered)
			}
		}
	}},
	{v5: "MQTT-6.0.0-1", v3: "MQTT-6.0.0-1", name: "WebSocket pings are answered", via: "ws", run: func(e *env) {
		c := e.client("c")
		w := c.conn.(*wsConn)
		if err := w.writeFrame(ws.NewPingFrame([]byte("hello"))); err != nil {
			e.Fatalf("write: %v", err)
		}
		for {
			f, err := readFrame(w.r)
			if err != nil {
				e.Fatalf("read: %v", err)
			}
			if f.Header.OpCode == ws.OpPong {
				if string(f.Payload) != "hello" {
					e.Errorf("the pong says %q", f.Payload)
				}
				break
			}
		}
	}},
	{v5: "MQTT-3.1.2-8", v3: "MQTT-3.1.2-8", name: "a WebSocket close is no DISCONNECT: the will is due", via: "ws", run: func(e *env) {
		w := e.watch()
		c := e.willing(will{topic: e.topic("will"), payload: "x", qos: 1})
		if err := c.conn.(*wsConn).writeFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))); err != nil {
			e.Fatalf("write: %v", err)
		}
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-6.0.0-2", v3: "MQTT-6.0.0-2", name: "an unmasked frame ends the connection", via: "ws", run: func(e *env) {
		c := e.client("c")
		if err := ws.WriteFrame(c.conn.(*wsConn).Conn, ws.NewBinaryFrame(bytes.Clone(pingreq))); err != nil {
			e.Fatalf("write: %v", err)
		}
		if p, err := c.read(); err == nil && p.typ() != tDISCONNECT {
			e.Errorf("an unmasked frame is answered %s", p)
		}
	}},
}
