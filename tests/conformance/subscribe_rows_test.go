package conformance_test

import (
	"bytes"
	"fmt"
	"slices"
)

var subscribeRows = []row{
	{v5: "MQTT-3.8.4-1 MQTT-3.8.4-7", v3: "MQTT-3.8.4-1 MQTT-3.8.4-5", name: "SUBSCRIBE is answered with what was granted", run: func(e *env) {
		c := e.client("c")
		for qos := range byte(3) {
			c.subscribe(e.topic(fmt.Sprint("a", qos)), qos)
		}
	}},
	{v5: "MQTT-3.8.4-5 MQTT-3.8.4-6 MQTT-3.9.3-1 MQTT-3.9.3-2", v3: "MQTT-3.8.4-4 MQTT-3.8.4-5 MQTT-3.9.3-1 MQTT-3.9.3-2", name: "each filter has its code, in order", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		codes := c.subscribeAll(nil, option{e.topic("0"), 0}, option{e.topic("bad#"), 1}, option{e.topic("2"), 2},
			option{"session/none/chat", 1}, option{e.topic("1"), 1}, option{e.topic("+x"), 0})
		want := []byte{0, unspecified, 2, unspecified, 1, unspecified}
		if e.is5() {
			want = []byte{0, topicFilterInvalid, 2, notAuthorized, 1, topicFilterInvalid}
		}
		if !bytes.Equal(codes, want) {
			e.Errorf("codes are % x, want % x", codes, want)
		}
		for qos := range byte(3) {
			p.say(e.topic(fmt.Sprint(qos)), "x", 2)
			if m := c.expect(e.topic(fmt.Sprint(qos)), "x"); m.qos != qos {
				e.Errorf("QoS is %d, want %d", m.qos, qos)
			}
		}
	}},
	{v5: "MQTT-3.8.4-8 MQTT-3.8.4-7", v3: "MQTT-3.8.4-6", name: "the QoS is the lower of published and granted", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		for granted := range byte(3) {
			topic := e.topic(fmt.Sprint("g", granted))
			c.subscribe(topic, granted)
			for published := range byte(3) {
				p.say(topic, "x", published)
				if m := c.expect(topic, "x"); m.qos != min(granted, published) {
					e.Errorf("granted %d, published %d: delivered %d", granted, published, m.qos)
				}
			}
		}
	}},
	{v5: "MQTT-3.8.4-3", v3: "MQTT-3.8.4-3", name: "the same filter again replaces the subscription", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a/+"), 2)
		c.subscribe(e.topic("a/+"), 0)
		p.say(e.topic("a/b"), "x", 2)
		if m := c.expect(e.topic("a/b"), "x"); m.qos != 0 {
			e.Errorf("QoS is %d, want 0", m.qos)
		}
		c.subscribe(e.topic("a/+"), 1)
		p.say(e.topic("a/b"), "y", 2)
		if m := c.expect(e.topic("a/b"), "y"); m.qos != 1 {
			e.Errorf("QoS is %d, want 1", m.qos)
		}
		c.unsubscribe(e.topic("a/+"))
		p.say(e.topic("a/b"), "z", 1)
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.8.4-5", v3: "MQTT-3.8.4-4", name: "the same filter twice in one SUBSCRIBE: the last counts", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		if codes := c.subscribeAll(nil, option{e.topic("a"), 2}, option{e.topic("a"), 1}); !bytes.Equal(codes, []byte{2, 1}) {
			e.Errorf("codes are % x, want 02 01", codes)
		}
		p.say(e.topic("a"), "x", 2)
		if m := c.expect(e.topic("a"), "x"); m.qos != 1 {
			e.Errorf("QoS is %d, want 1", m.qos)
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.8.4-4", v3: "MQTT-3.8.4-3", name: "replacing a subscription loses no message", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1)
		const n = 60
		for i := range n { // all in flight while the subscription is replaced
			p.send((&publish{topic: e.topic("a"), payload: fmt.Sprint(i), qos: 1, id: i + 1}).encode(e.version))
			if i%10 == 5 {
				c.send(subscribe(e.version, 1000+i, nil, option{e.topic("a"), 1 + byte(i/10%2)}))
			}
		}
		for next := 0; next < n; {
			pk, err := c.read()
			if err != nil {
				e.Fatalf("message %d: %v", next, err)
			}
			if pk.typ() == tSUBACK {
				continue
			}
			m := e.message(c.version, pk)
			if m.payload != fmt.Sprint(next) {
				e.Fatalf("got %q, want %d", m.payload, next)
			}
			c.send(ack(tPUBACK, m.id))
			next++
		}
	}},
	{v5: "MQTT-3.8.3-3", name: "No Local keeps a client's own messages away", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2|noLocal)
		for qos := range byte(3) {
			c.say(e.topic("a"), "mine", qos)
		}
		for qos := range byte(3) {
			p.say(e.topic("a"), "theirs", qos)
			c.expect(e.topic("a"), "theirs")
		}
	}},
	{v5: "MQTT-3.8.3-3", name: "No Local concerns its own subscription alone", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a"), 1|noLocal, subscriptionID(1))
		c.subscribe(e.topic("+"), 0, subscriptionID(2))
		c.send((&publish{topic: e.topic("a"), payload: "mine", qos: 1, id: 77}).encode(v5))
		m := c.expectAmong(e.topic("a"), "mine")
		if m.qos != 0 || m.props.num(e, pSubscriptionID) != 2 {
			e.Errorf("got %+v, want what the other subscription gives: QoS 0, identifier 2", m)
		}
	}},
	{v5: "MQTT-3.8.3-3", name: "No Local holds over a reconnect", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1|noLocal)
		c.drop()
		c = e.lasting("c")
		c.say(e.topic("a"), "mine", 1)
		p.say(e.topic("a"), "theirs", 1)
		c.expect(e.topic("a"), "theirs")
	}},
	{v5: "MQTT-3.8.3-3", name: "No Local holds for messages that wait in the session", run: func(e *env) {
		c := e.lasting("c")
		c.subscribe(e.topic("a"), 1|noLocal)
		c.send((&publish{topic: e.topic("a"), payload: "mine", qos: 1, id: 77}).encode(v5), goodbye)
		for {
			if _, err := c.read(); err != nil {
				break
			}
		}
		p := e.client("p")
		p.say(e.topic("a"), "theirs", 1)
		e.lasting("c").expect(e.topic("a"), "theirs")
	}},
	{v5: "MQTT-3.8.3-3", name: "a new session may have own retained messages", run: func(e *env) {
		c := e.client("c")
		c.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.topic("a"), 1)
		c.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-3.8.4-1", v3: "MQTT-3.8.4-1", name: "messages may come before SUBACK, none after UNSUBACK", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.send(subscribe(e.version, 5, nil, option{e.topic("a"), 1}))
		types := []byte{}
		for range 2 {
			pk, err := c.read()
			if err != nil {
				e.Fatalf("read: %v", err)
			}
			types = append(types, pk.typ())
		}
		if slices.Sort(types); !bytes.Equal(types, []byte{tPUBLISH, tSUBACK}) {
			e.Errorf("got packets of types %d, want a PUBLISH and a SUBACK", types)
		}
	}},
}

// expectAmong wants the message and one other packet, before or behind it.
func (c *client) expectAmong(topic, payload string) (m message) {
	for range 2 {
		p, err := c.read()
		if err != nil {
			c.e.Fatalf("read: %v", err)
		}
		if p.typ() == tPUBLISH {
			m = c.e.message(c.version, p)
			c.complete(m)
		}
	}
	if m.topic != topic || m.payload != payload {
		c.e.Fatalf("got %q on %s, want %q on %s", m.payload, m.topic, payload, topic)
	}
	return m
}

func (c *client) ids(m message) (ids []uint32) {
	for _, p := range m.props.all(pSubscriptionID) {
		ids = append(ids, p.num)
	}
	slices.Sort(ids)
	return ids
}

var subscriptionIDRows = []row{
	{v5: "MQTT-3.3.4-3", name: "a message carries its subscription's identifier", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		for _, id := range []int{1, 127, 128, 16384, 2097152, 268435455} {
			topic := e.topic(fmt.Sprint("a", id))
			c.subscribe(topic, 1, subscriptionID(id))
			for qos := range byte(2) {
				p.say(topic, "x", qos)
				if got := c.ids(c.expect(topic, "x")); !slices.Equal(got, []uint32{uint32(id)}) {
					e.Errorf("identifiers are %d, want %d", got, id)
				}
			}
		}
	}},
	{v5: "MQTT-3.3.4-3 MQTT-3.3.4-4 MQTT-3.3.4-5", name: "overlapping subscriptions give all their identifiers", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a/b"), 1, subscriptionID(10))
		c.subscribe(e.topic("a/+"), 1, subscriptionID(20))
		c.subscribe(e.topic("a/#"), 1)
		c.subscribe(e.topic("+/b"), 0, subscriptionID(30))
		p.say(e.topic("a/b"), "x", 1)
		if got := c.ids(c.expect(e.topic("a/b"), "x")); !slices.Equal(got, []uint32{10, 20, 30}) {
			e.Errorf("identifiers are %d, want 10, 20 and 30", got)
		}
	}},
	{v5: "MQTT-3.3.4-4", name: "one identifier for several filters", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribeAll(subscriptionID(9), option{e.topic("a"), 1}, option{e.topic("b"), 1})
		for _, topic := range []string{"a", "b"} {
			p.say(e.topic(topic), "x", 1)
			if got := c.ids(c.expect(e.topic(topic), "x")); !slices.Equal(got, []uint32{9}) {
				e.Errorf("identifiers are %d, want 9", got)
			}
		}
	}},
	{v5: "MQTT-3.8.4-3 MQTT-3.3.4-3", name: "a replaced subscription has the new identifier, or none", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		for _, id := range []int{1, 2, 0} {
			var props []byte
			var want []uint32
			if id != 0 {
				props, want = subscriptionID(id), []uint32{uint32(id)}
			}
			c.subscribe(e.topic("a"), 1, props)
			p.say(e.topic("a"), "x", 1)
			if got := c.ids(c.expect(e.topic("a"), "x")); !slices.Equal(got, want) {
				e.Errorf("identifiers are %d, want %d", got, want)
			}
		}
	}},
	{v5: "MQTT-3.3.4-3", name: "a retained message carries the identifier", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		p.publish(publish{topic: e.topic("a"), payload: "x", qos: 1, retain: true})
		c.subscribe(e.topic("+"), 1, subscriptionID(5))
		if got := c.ids(c.expect(e.topic("a"), "x")); !slices.Equal(got, []uint32{5}) {
			e.Errorf("identifiers are %d, want 5", got)
		}
		c.subscribe(e.topic("a"), 1, subscriptionID(6))
		if got := c.ids(c.expect(e.topic("a"), "x")); !slices.Equal(got, []uint32{6}) && !slices.Equal(got, []uint32{5, 6}) {
			e.Errorf("identifiers are %d, want 6", got)
		}
	}},
	{v5: "MQTT-3.3.4-3", name: "a message that is sent again carries the identifier", run: func(e *env) {
		c, p := e.lasting("c"), e.client("p")
		c.subscribe(e.topic("a"), 1, subscriptionID(5))
		p.say(e.topic("a"), "x", 1)
		c.message()
		c.drop()
		c = e.lasting("c")
		if got := c.ids(c.expect(e.topic("a"), "x")); !slices.Equal(got, []uint32{5}) {
			e.Errorf("identifiers are %d, want 5", got)
		}
	}},
}

var unsubscribeRows = []row{
	{v5: "MQTT-3.10.4-4 MQTT-3.11.3-1 MQTT-3.11.3-2 MQTT-3.10.4-6", v3: "MQTT-3.10.4-4 MQTT-3.10.4-6", name: "UNSUBACK has a code for each filter, in order", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribeAll(nil, option{e.topic("a"), 0}, option{e.topic("b/+"), 0}, option{e.topic("c"), 0})
		codes := c.unsubscribe(e.topic("x"), e.topic("b/+"), e.topic("a"), e.topic("a"), e.topic("b/b"))
		want := []byte(nil)
		if e.is5() {
			want = []byte{noSubscription, 0, 0, noSubscription, noSubscription}
		}
		if !bytes.Equal(codes, want) {
			e.Errorf("codes are % x, want % x", codes, want)
		}
		p.say(e.topic("a"), "x", 0)
		p.say(e.topic("b/b"), "x", 0)
		p.say(e.topic("c"), "x", 0)
		c.expect(e.topic("c"), "x")
	}},
	{v5: "MQTT-3.10.4-5", v3: "MQTT-3.10.4-5", name: "UNSUBSCRIBE of nothing is answered", run: func(e *env) {
		c, other := e.client("c"), e.client("other")
		other.subscribe(e.topic("a"), 0) // another's subscription is not meant
		codes := c.unsubscribe(e.topic("a"))
		if e.is5() && !bytes.Equal(codes, []byte{noSubscription}) {
			e.Errorf("codes are % x, want 11", codes)
		}
		c.say(e.topic("a"), "x", 0)
		other.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-3.10.4-1", v3: "MQTT-3.10.4-1", name: "filters are compared character by character", run: func(e *env) {
		c := e.client("c")
		c.subscribe(e.topic("a/#"), 0)
		c.subscribe(e.topic("a/+"), 0)
		c.unsubscribe(e.topic("a/b"), e.topic("A/#"), e.topic("a/# "), e.topic("+/#"), e.topic("a/#/"))
		c.say(e.topic("a/b/c"), "x", 0)
		c.expect(e.topic("a/b/c"), "x")
		c.unsubscribe(e.topic("a/#"))
		c.say(e.topic("a/b/c"), "y", 0)
		c.say(e.topic("a/b"), "z", 0)
		c.expect(e.topic("a/b"), "z")
	}},
	{v5: "MQTT-3.10.4-2", v3: "MQTT-3.10.4-2", name: "nothing new comes after UNSUBSCRIBE", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		c.unsubscribe(e.topic("a"))
		for qos := range byte(3) {
			p.say(e.topic("a"), "x", qos)
		}
		c.nothingFrom(p)
	}},
	{v5: "MQTT-3.10.4-3", v3: "MQTT-3.10.4-3", name: "what was begun is completed after UNSUBSCRIBE", run: func(e *env) {
		c, p := e.client("c"), e.client("p")
		c.subscribe(e.topic("a"), 2)
		p.say(e.topic("a"), "1", 1)
		p.say(e.topic("a"), "2", 2)
		one, two := c.message(), c.message()
		c.unsubscribe(e.topic("a"))
		c.complete(one)
		c.complete(two)
		c.sync()
	}},
}
