package conformance_test

import (
	"fmt"

	"github.com/fitmq/fitmq/broker"
)

func dataDir(dir string) func(*broker.Options) {
	return func(o *broker.Options) { o.DataDir = dir }
}

// restarted is a row with a broker of its own: before runs, the broker is
// stopped and started again on the same data, after runs.
func restarted(v5, v3, name string, before func(e *env), after func(e *env)) row {
	return row{v5: v5, v3: v3, name: "over a restart: " + name, not31: true, via: "tcp", run: func(e *env) {
		dir := e.t.TempDir()
		e.b = startBroker(e.t, dataDir(dir))
		before(e)
		e.restart(dir)
		after(e)
	}}
}

// restartRows: what is kept is kept when the broker is not there for a while.
var restartRows = []row{
	restarted("MQTT-3.1.2-23 MQTT-4.5.0-1", "MQTT-4.1.0-1 MQTT-3.1.2-5", "subscriptions and waiting messages", func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		c.bye()
		for i := range 10 {
			p.say(e.topic("a"), fmt.Sprint(i), 1+byte(i%2))
		}
	}, func(e *env) {
		c := e.lasting("c")
		if !c.connack.present {
			e.Errorf("session present is 0")
		}
		for i := range 10 {
			c.expect(e.topic("a"), fmt.Sprint(i))
		}
		e.client("p").say(e.topic("a"), "new", 1)
		c.expect(e.topic("a"), "new")
	}),
	restarted("MQTT-3.3.1-5", "MQTT-3.3.1-5", "retained messages", func(e *env) {
		p := e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "kept", qos: 1, retain: true})
		p.publish(publish{topic: e.topic("b"), payload: "gone", qos: 1, retain: true})
		p.publish(publish{topic: e.topic("b"), qos: 1, retain: true})
	}, func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("#"), 1)
		if m := c.expect(e.topic("a"), "kept"); !m.retain {
			e.Errorf("RETAIN is 0")
		}
		c.nothingFrom(e.client("p"))
	}),
	restarted("MQTT-4.4.0-1", "MQTT-4.4.0-1", "unfinished exchanges of QoS 2 to the client", func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "released", 2)
		m := c.message()
		c.send(ack(tPUBREC, m.id))
		c.acked(tPUBREL, m.id)
		p.say(e.topic("a"), "sent", 2)
		c.message()
	}, func(e *env) {
		c := e.lasting("c")
		id := e.answer(e.version, c.want(tPUBREL)).id
		m := c.message()
		if m.payload != "sent" || !m.dup || m.id == id {
			e.Errorf("after PUBREL %d came %+v, want the message that was sent, with DUP", id, m)
		}
		c.send(ack(tPUBCOMP, id))
		c.complete(m)
		c.nothingFrom(e.client("p"))
	}),
	restarted("MQTT-4.3.3-10", "MQTT-4.3.3-2", "unfinished exchanges of QoS 2 from the client", func(e *env) {
		c, p := e.lasting("c"), e.lasting("p")
		c.subscribe(e.topic("a"), 2)
		p.send((&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7}).encode(e.version))
		p.acked(tPUBREC, 7)
		c.expect(e.topic("a"), "x")
		c.sync()
	}, func(e *env) {
		c, p := e.lasting("c"), e.lasting("p")
		p.send((&publish{topic: e.topic("a"), payload: "x", qos: 2, id: 7, dup: true}).encode(e.version))
		p.acked(tPUBREC, 7)
		p.send(ack(tPUBREL, 7))
		p.acked(tPUBCOMP, 7)
		c.nothingFrom(p)
	}),
	restarted("MQTT-3.1.2-8", "", "a delayed will", func(e *env) {
		w := e.lasting("w")
		w.subscribe(e.topic("will"), 1)
		c := e.open(connect{id: e.id("c"), props: num32(pSessionExpiry, 100), will: &will{topic: e.topic("will"), payload: "x", qos: 1,
			props: cat(num32(pWillDelay, 1), pair("k", "v"))}})
		c.drop()
	}, func(e *env) {
		w := e.lasting("w")
		checkUser(e, w.expect(e.topic("will"), "x"), "k=v")
	}),
	restarted("MQTT-3.1.2-8", "MQTT-3.1.2-8", "the will of a client that was connected", func(e *env) {
		w := e.lasting("w")
		w.subscribe(e.topic("will"), 1)
		o := e.lastingConnect("c")
		o.will = &will{topic: e.topic("will"), payload: "x", qos: 1}
		e.open(o)
	}, func(e *env) {
		e.lasting("w").expect(e.topic("will"), "x")
	}),
	restarted("MQTT-3.1.2-10", "MQTT-3.1.2-10", "a will that was deleted stays deleted", func(e *env) {
		w := e.lasting("w")
		w.subscribe(e.topic("#"), 1)
		o := e.lastingConnect("c")
		o.will = &will{topic: e.topic("will"), payload: "x", qos: 1}
		e.open(o).bye()
	}, func(e *env) {
		w, p := e.lasting("w"), e.client("p")
		e.elapse(2)
		p.say(e.topic("a"), "y", 1)
		w.expect(e.topic("a"), "y")
	}),
	restarted("MQTT-4.1.0-2", "", "a session's expiry", func(e *env) {
		expiring(e, "short", 1).bye()
		expiring(e, "long", 100).bye()
	}, func(e *env) {
		e.elapse(2)
		if c := expiring(e, "short", 1); c.connack.present {
			e.Errorf("the session of 1 s is present")
		}
		if c := expiring(e, "long", 100); !c.connack.present {
			e.Errorf("the session of 100 s is not present")
		}
	}),
	restarted("MQTT-3.3.2-5 MQTT-3.3.2-6", "", "message expiry", func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		c.bye()
		p.publish(publish{topic: e.topic("a"), payload: "short", qos: 1, props: num32(pMessageExpiry, 1)})
		p.publish(publish{topic: e.topic("a"), payload: "long", qos: 1, props: num32(pMessageExpiry, 100)})
	}, func(e *env) {
		e.elapse(2)
		if left := e.lasting("c").expect(e.topic("a"), "long").props.num(e, pMessageExpiry); left > 99 {
			e.Errorf("message expiry is %d", left)
		}
	}),
	{v5: "MQTT-3.14.2-1 MQTT-4.13.2-1", v3: "MQTT-4.8.0-2", name: "a broker that stops says so", not31: true, run: func(e *env) {
		e.b = startBroker(e.t)
		c := e.client("c")
		e.b.Stop()
		c.ended(shuttingDown)
	}},
}
