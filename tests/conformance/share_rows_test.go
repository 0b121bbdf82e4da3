package conformance_test

import (
	"fmt"
)

// share is the filter of a shared subscription of the row's.
func (e *env) share(group, filter string) string {
	return "$share/" + group + "/" + e.topic(filter)
}

// await reads messages of the members until n have come and are complete, and
// returns how many each got. It asks one member at a time by a PINGREQ, whose
// answer comes behind what was sent before.
func (e *env) await(n int, members ...*client) (got []int, payloads map[string]int) {
	got, payloads = make([]int, len(members)), map[string]int{}
	open := 0 // exchanges of QoS 2
	for total, rounds := 0, 0; total < n || open > 0; rounds++ {
		if rounds > 2000 {
			e.Fatalf("%d of %d messages have come: %v", total, n, got)
		}
		for i, c := range members {
			c.send(pingreq)
			for {
				p, err := c.read()
				if err != nil {
					e.Fatalf("member %d: %v", i, err)
				}
				if p.typ() == tPINGRESP {
					break
				}
				if p.typ() == tPUBREL {
					open--
					c.send(ack(tPUBCOMP, e.answer(c.version, p).id))
					continue
				}
				m := e.message(c.version, p)
				switch m.qos {
				case 1:
					c.send(ack(tPUBACK, m.id))
				case 2:
					open++
					c.send(ack(tPUBREC, m.id))
				}
				got[i]++
				payloads[m.payload]++
				total++
			}
		}
	}
	return got, payloads
}

var shareRows = []row{
	{v5: "MQTT-4.8.2-1", name: "each message goes to one member of the group", run: func(e *env) {
		p := e.client("p")
		members := []*client{e.client("1"), e.client("2"), e.client("3")}
		for _, c := range members {
			c.subscribe(e.share("g", "a"), 2)
		}
		const n = 60
		for i := range n {
			p.say(e.topic("a"), fmt.Sprint(i), byte(i%3))
		}
		got, payloads := e.await(n, members...)
		if len(payloads) != n {
			e.Errorf("%d different messages came, want %d", len(payloads), n)
		}
		for i, count := range got {
			if count == 0 {
				e.Errorf("member %d got none: %v", i, got)
			}
		}
		for _, c := range members {
			c.unsubscribe(e.share("g", "a"))
			c.nothingFrom(p)
		}
	}},
	{v5: "MQTT-4.8.2-1", name: "each group, and each ordinary subscription, gets every message", run: func(e *env) {
		p, plain := e.client("p"), e.client("plain")
		a, b := e.client("a"), e.client("b")
		plain.subscribe(e.topic("a"), 1)
		a.subscribe(e.share("g", "a"), 1)
		b.subscribe(e.share("h", "a"), 1)
		for range 5 {
			p.say(e.topic("a"), "x", 1)
			plain.expect(e.topic("a"), "x")
			a.expect(e.topic("a"), "x")
			b.expect(e.topic("a"), "x")
		}
	}},
	{v5: "MQTT-4.8.2-1", name: "a client may have both a shared and an ordinary subscription", run: func(e *env) {
		p, c := e.client("p"), e.client("c")
		c.subscribe(e.topic("a"), 1, subscriptionID(1))
		c.subscribe(e.share("g", "a"), 1, subscriptionID(2))
		p.say(e.topic("a"), "x", 1)
		ids := map[uint32]int{}
		for len(ids) < 2 { // in one copy or in two
			for _, id := range c.ids(c.expect(e.topic("a"), "x")) {
				if ids[id]++; ids[id] > 1 {
					e.Fatalf("identifier %d came twice", id)
				}
			}
		}
	}},
	{v5: "MQTT-4.8.2-1 MQTT-4.8.2-2", name: "filters that are no shared subscription are refused", run: func(e *env) {
		c := e.client("c")
		for _, filter := range []string{"$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a", "$share/g+/a", "$share/g#/a", "$share/g/a#", "$share/g/#/a"} {
			if codes := c.subscribeAll(nil, option{filter, 0}); codes[0] != topicFilterInvalid {
				e.Errorf("%s: SUBACK has 0x%02x, want 0x8F", filter, codes[0])
			}
		}
	}},
	{v5: "MQTT-4.8.2-2", name: "a shared filter may have wildcards", run: func(e *env) {
		p, c := e.client("p"), e.client("c")
		c.subscribe(e.share("g", "+/b/#"), 1)
		p.say(e.topic("a/b"), "1", 1)
		p.say(e.topic("a/c"), "2", 1)
		p.say(e.topic("x/b/c/d"), "3", 1)
		c.expect(e.topic("a/b"), "1")
		c.expect(e.topic("x/b/c/d"), "3")
	}},
	{v5: "MQTT-4.8.2-3 MQTT-3.8.4-8", name: "each member has its granted QoS", run: func(e *env) {
		p := e.client("p")
		for granted := range byte(3) {
			c := e.client(fmt.Sprint("c", granted))
			c.subscribe(e.share(fmt.Sprint("g", granted), "a"), granted)
			for published := range byte(3) {
				p.say(e.topic("a"), "x", published)
				if m := c.expect(e.topic("a"), "x"); m.qos != min(granted, published) {
					e.Errorf("granted %d, published %d: delivered %d", granted, published, m.qos)
				}
			}
		}
	}},
	{v5: "MQTT-4.8.2-4", name: "a QoS 2 message that was begun stays with its member", run: func(e *env) {
		p, a := e.client("p"), e.lasting("a")
		a.subscribe(e.share("g", "a"), 2)
		p.say(e.topic("a"), "x", 2)
		m := a.message()
		b := e.lasting("b")
		b.subscribe(e.share("g", "a"), 2)
		a.drop()
		p.say(e.topic("a"), "next", 2)
		b.expect(e.topic("a"), "next")
		b.nothingFrom(p)
		a = e.lasting("a")
		if again := a.expect(e.topic("a"), "x"); again.id != m.id || !again.dup {
			e.Errorf("resent as %+v, want id %d and DUP", again, m.id)
		}
	}},
	{v5: "MQTT-4.8.2-5", name: "a QoS 2 message that was begun dies with its member's session", run: func(e *env) {
		p, a, b := e.client("p"), e.lasting("a"), e.client("b")
		a.subscribe(e.share("g", "a"), 2)
		p.say(e.topic("a"), "x", 2)
		a.message()
		b.subscribe(e.share("g", "a"), 2)
		e.client("a") // a clean start ends the session
		a.ended(takenOver)
		b.nothingFrom(p)
	}},
	{v5: "MQTT-4.8.2-6", name: "a message that its member refuses goes to no other", run: func(e *env) {
		p, a, b := e.client("p"), e.client("a"), e.client("b")
		for qos := byte(1); qos <= 2; qos++ {
			a.subscribe(e.share("g", "a"), 2)
			p.say(e.topic("a"), "x", qos)
			m := a.message()
			b.subscribe(e.share("g", "a"), 2)
			a.send(ack(tPUBACK-1+qos, m.id, unspecified))
			a.sync()
			b.nothingFrom(p)
			b.unsubscribe(e.share("g", "a"))
		}
	}},
	{v5: "MQTT-3.8.4-4 MQTT-3.3.1-9", name: "a shared subscription brings no retained messages", run: func(e *env) {
		p, c := e.client("p"), e.client("c")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.share("g", "a"), 1)
		c.nothingFrom(p)
	}},
	{v5: "MQTT-4.7.2-1", name: "a shared wildcard does not match $ topics", run: func(e *env) {
		p, c := e.client("p"), e.client("c")
		c.send(subscribe(v5, 1, nil, option{"$share/" + e.unique + "/+/a", 0}))
		c.until(tSUBACK)
		p.publish(publish{topic: "$" + e.topic("a"), payload: "x", qos: 1})
		p.say(e.topic("a"), "y", 1)
		c.noDollar(e.topic("a"))
	}},
	{v5: "MQTT-3.10.4-1 MQTT-3.10.4-2", name: "a member that leaves gets no more", run: func(e *env) {
		p, a, b := e.client("p"), e.client("a"), e.client("b")
		a.subscribe(e.share("g", "a"), 1)
		b.subscribe(e.share("g", "a"), 1)
		if codes := a.unsubscribe(e.topic("a"), e.share("h", "a"), e.share("g", "a")); codes[0] != noSubscription || codes[1] != noSubscription || codes[2] != 0 {
			e.Errorf("UNSUBACK has % x, want 11 11 00", codes)
		}
		for range 6 {
			p.say(e.topic("a"), "x", 1)
			b.expect(e.topic("a"), "x")
		}
		a.nothingFrom(p)
	}},
	{v5: "MQTT-4.8.2-1", name: "members that are connected are preferred", run: func(e *env) {
		p, a, b := e.client("p"), e.lasting("a"), e.client("b")
		a.subscribe(e.share("g", "a"), 1)
		b.subscribe(e.share("g", "a"), 1)
		a.bye()
		for range 8 {
			p.say(e.topic("a"), "x", 1)
			b.expect(e.topic("a"), "x")
		}
	}},
	{v5: "MQTT-4.8.2-1", name: "what a member that leaves has not acknowledged goes to another", run: func(e *env) {
		p, a, b := e.client("p"), e.client("a"), e.client("b")
		a.subscribe(e.share("g", "a"), 1)
		p.say(e.topic("a"), "x", 1)
		a.message()
		b.subscribe(e.share("g", "a"), 1)
		a.drop()
		b.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-4.8.2-1 MQTT-4.5.0-1", name: "a group of absent sessions gets its messages when one returns", run: func(e *env) {
		p, a := e.client("p"), e.lasting("a")
		a.subscribe(e.share("g", "a"), 1)
		a.bye()
		for i := range 5 {
			p.say(e.topic("a"), fmt.Sprint(i), 1)
		}
		a = e.lasting("a")
		for i := range 5 {
			a.expect(e.topic("a"), fmt.Sprint(i))
		}
	}},
}
