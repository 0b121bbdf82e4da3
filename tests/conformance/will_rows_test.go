package conformance_test

import (
	"fmt"
	"time"
)

// watch subscribes to everything of the row's at QoS 2, retain as published.
func (e *env) watch() *client {
	w := e.client("watcher")
	options := byte(2)
	if e.is5() {
		options |= asPublished
	}
	w.subscribe(e.topic("#"), options)
	return w
}

// ways are the ends of a connection after which the will is due.
var ways = map[string]func(c *client){
	"connection lost":   func(c *client) { c.drop() },
	"malformed packet":  func(c *client) { c.send([]byte{0x36, 0}); _, _ = c.read() },
	"keep alive":        func(c *client) { _, _ = c.read() },
	"second CONNECT":    func(c *client) { c.send((&connect{id: "x", clean: true}).encode(c.version)); _, _ = c.read() },
	"taken over":        func(c *client) { c.e.client("willing") },
	"cut inside packet": func(c *client) { c.send([]byte{0x30, 100, 0}); c.drop() },
}

func (e *env) willing(w will) *client {
	return e.open(connect{id: e.id("willing"), clean: true, keepAlive: 1, will: &w})
}

var willRows = []row{
	{v5: "MQTT-3.1.2-7 MQTT-3.1.2-8", v3: "MQTT-3.1.2-8", name: "the will is published however the connection is lost", run: func(e *env) {
		w := e.watch()
		for name, lose := range ways {
			c := e.willing(will{topic: e.topic("will"), payload: name, qos: 1})
			lose(c)
			w.expect(e.topic("will"), name)
		}
	}},
	{v5: "MQTT-3.1.2-10 MQTT-3.14.4-3", v3: "MQTT-3.1.2-10 MQTT-3.14.4-3", name: "a DISCONNECT deletes the will", run: func(e *env) {
		w, p := e.watch(), e.client("p")
		e.willing(will{topic: e.topic("will"), payload: "x", qos: 1}).bye()
		p.say(e.topic("a"), "y", 1)
		w.expect(e.topic("a"), "y")
	}},
	{v5: "MQTT-3.14.4-3", name: "a DISCONNECT with code 0 in every form deletes the will", run: func(e *env) {
		w, p := e.watch(), e.client("p")
		for _, body := range [][]byte{{0}, {0, 0}, cat([]byte{0}, list(word(pReasonString, "done"), pair("a", "b")))} {
			c := e.willing(will{topic: e.topic("will"), payload: "x", qos: 1})
			c.send(frame(tDISCONNECT<<4, body))
			c.eof()
		}
		p.say(e.topic("a"), "y", 1)
		w.expect(e.topic("a"), "y")
	}},
	{v5: "MQTT-3.1.2-8", name: "a DISCONNECT with another code publishes the will", run: func(e *env) {
		w := e.watch()
		for _, body := range [][]byte{{withWill}, {withWill, 0}, {unspecified}, {malformed, 0}, {0x98}} {
			payload := fmt.Sprintf("% x", body)
			c := e.willing(will{topic: e.topic("will"), payload: payload, qos: 1})
			c.send(frame(tDISCONNECT<<4, body))
			c.eof()
			w.expect(e.topic("will"), payload)
		}
	}},
	{v5: "MQTT-3.1.2-12", v3: "MQTT-3.1.2-14", name: "the will has its QoS", run: func(e *env) {
		w := e.watch()
		for qos := range byte(3) {
			e.willing(will{topic: e.topic("will"), payload: "x", qos: qos}).drop()
			if m := w.expect(e.topic("will"), "x"); m.qos != qos {
				e.Errorf("QoS is %d, want %d", m.qos, qos)
			}
		}
	}},
	{v5: "MQTT-3.1.2-14", v3: "MQTT-3.1.2-16", name: "a will is not retained unless it says so", run: func(e *env) {
		w := e.watch()
		e.willing(will{topic: e.topic("will"), payload: "x", qos: 1}).drop()
		w.expect(e.topic("will"), "x")
		c := e.client("c")
		c.subscribe(e.topic("will"), 1)
		c.nothingFrom(e.client("p"))
	}},
	{v5: "MQTT-3.1.2-15", v3: "MQTT-3.1.2-17", name: "a will that says so is retained", run: func(e *env) {
		w := e.watch()
		e.willing(will{topic: e.topic("will"), payload: "x", qos: 1, retain: true}).drop()
		if m := w.expect(e.topic("will"), "x"); m.retain != e.is5() {
			e.Errorf("retain is %v for an established subscription", m.retain)
		}
		c := e.client("c")
		c.subscribe(e.topic("will"), 1)
		if m := c.expect(e.topic("will"), "x"); !m.retain {
			e.Errorf("retain is 0 for a new subscription")
		}
	}},
	{v5: "MQTT-3.1.2-15 MQTT-3.3.1-6", v3: "MQTT-3.1.2-17 MQTT-3.3.1-10", name: "an empty retained will removes what is retained", run: func(e *env) {
		w, p := e.watch(), e.client("p")
		p.publish(publish{topic: e.topic("will"), payload: "x", qos: 1, retain: true})
		w.expect(e.topic("will"), "x")
		e.willing(will{topic: e.topic("will"), qos: 1, retain: true}).drop()
		w.expect(e.topic("will"), "")
		c := e.client("c")
		c.subscribe(e.topic("will"), 1)
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.1.2-10", v3: "MQTT-3.1.2-10 MQTT-3.1.2-12", name: "a published will is not published again", run: func(e *env) {
		w, p := e.watch(), e.client("p")
		o := e.lastingConnect("willing")
		o.will = &will{topic: e.topic("will"), payload: "x", qos: 1}
		e.open(o).drop()
		w.expect(e.topic("will"), "x")
		e.lasting("willing").drop()
		e.lasting("willing").bye()
		p.say(e.topic("a"), "y", 1)
		w.expect(e.topic("a"), "y")
	}},
	{v5: "MQTT-3.1.2-7", v3: "MQTT-3.1.2-8", name: "the newest CONNECT's will counts", run: func(e *env) {
		w := e.watch()
		o := e.lastingConnect("willing")
		o.will = &will{topic: e.topic("will"), payload: "1", qos: 1}
		e.open(o).bye()
		o.will = &will{topic: e.topic("will"), payload: "2", qos: 1}
		e.open(o).drop()
		w.expect(e.topic("will"), "2")
	}},
	{v5: "MQTT-3.3.2-17 MQTT-3.1.3-10 MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-20", name: "a will keeps its properties", run: func(e *env) {
		w := e.watch()
		e.willing(will{topic: e.topic("will"), payload: "text", qos: 1, props: cat(pair("b", "1"), num8(pPayloadFormat, 1), pair("a", "2"),
			word(pContentType, "text/plain"), pair("b", "1"), word(pResponseTopic, "answer"), word(pCorrelation, "\x00\xff"), num32(pMessageExpiry, 50))}).drop()
		m := w.expect(e.topic("will"), "text")
		checkProps(e, m, word(pContentType, "text/plain"), word(pResponseTopic, "answer"), word(pCorrelation, "\x00\xff"), num8(pPayloadFormat, 1))
		checkUser(e, m, "b=1", "a=2", "b=1")
		if left := m.props.num(e, pMessageExpiry); left > 50 || left < 40 {
			e.Errorf("message expiry is %d, want 50 or a little less", left)
		}
	}},
	{v5: "MQTT-3.1.2-8", name: "a will waits for its delay", run: func(e *env) {
		w := e.watch()
		c := e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 1)}})
		start := time.Now()
		c.drop()
		w.expect(e.topic("will"), "x")
		if got := time.Since(start); got < 900*time.Millisecond || got > 5*time.Second {
			e.Errorf("published after %v, want 1 s", got)
		}
	}},
	{v5: "MQTT-3.1.3-9", name: "a client that is back in time leaves no will", run: func(e *env) {
		w, p := e.watch(), e.client("p")
		o := connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 1)}}
		e.open(o).drop()
		o.will = nil
		e.open(o)
		e.elapse(3)
		p.say(e.topic("a"), "y", 1)
		w.expect(e.topic("a"), "y")
	}},
	{v5: "MQTT-3.1.2-8", name: "a will does not wait beyond its session", run: func(e *env) {
		w := e.watch()
		c := e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 1), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 3600)}})
		c.drop()
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-3.1.2-8", name: "a clean start ends the session and so the will's delay", run: func(e *env) {
		w := e.watch()
		c := e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 3600)}})
		c.drop()
		e.client("c")
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-3.1.3-9", name: "a take-over in time leaves no delayed will", run: func(e *env) {
		w, p := e.watch(), e.client("p")
		o := connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 1)}}
		first := e.open(o)
		o.will = nil
		e.open(o)
		first.ended(takenOver)
		e.elapse(3)
		p.say(e.topic("a"), "y", 1)
		w.expect(e.topic("a"), "y")
	}},
	{v5: "MQTT-3.1.2-8", name: "a DISCONNECT with a will and a delay waits too", run: func(e *env) {
		w := e.watch()
		c := e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 1)}})
		start := time.Now()
		c.end(withWill)
		w.expect(e.topic("will"), "x")
		if got := time.Since(start); got < 900*time.Millisecond {
			e.Errorf("published after %v, want 1 s", got)
		}
	}},
	{v5: "MQTT-3.1.2-8", name: "a DISCONNECT that ends the session makes a delayed will due", run: func(e *env) {
		w := e.watch()
		c := e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 60), will: &will{topic: e.topic("will"), payload: "x", qos: 1, props: num32(pWillDelay, 3600)}})
		c.end(withWill, num32(pSessionExpiry, 0))
		w.expect(e.topic("will"), "x")
	}},
	{v5: "MQTT-4.5.0-1", v3: "MQTT-4.5.0-1", name: "a will waits for absent sessions like other messages", run: func(e *env) {
		c, w := e.lasting("c"), e.watch()
		c.subscribe(e.topic("will"), 1)
		c.bye()
		e.willing(will{topic: e.topic("will"), payload: "x", qos: 2}).drop()
		w.expect(e.topic("will"), "x")
		e.lasting("c").expect(e.topic("will"), "x")
	}},
}
