//go:build linux

package load

import (
	"errors"
	"fmt"
	"time"
)

// Plan is a workload: groups of publishers and subscribers, where every
// subscriber of a group gets every message of the group's publishers.
type Plan struct {
	Groups, Publishers, Subscribers int
	// Joint makes the publishers the subscribers too: everybody to everybody.
	// Subscribers is not used then.
	Joint bool
	QoS   byte
	// Persistent gives the subscribers sessions that outlive their connection.
	Persistent bool
	// Window is how many messages a publisher may have under way that have not
	// reached every subscriber, or are not acknowledged. It must be a power of 2.
	Window int
	// Payload is in bytes, 16 at least.
	Payload int
}

// Receivers is how many deliveries a message makes.
func (p Plan) Receivers() int {
	if p.Joint {
		return p.Publishers
	}
	return p.Subscribers
}

// Faults is what a broker did wrong, in deliveries.
type Faults struct {
	Lost     int // never came, or came after a later one
	Repeated int // came twice, or after a later one
	Strange  int // went to the wrong subscriber or is damaged
}

// Traffic is the running workload of a plan.
type Traffic struct {
	plan      Plan
	loop      *Loop
	pubs      []*publisher
	members   []*member
	due       []*publisher // publishers that may have room
	delivered int
	faults    Faults
	latency   *Histogram // nil: not measured
	paced     bool
}

// member is a subscriber: the next number it expects of each publisher of its group.
type member struct {
	group int
	next  []uint32
}

// publisher sends numbered messages and knows how far the slowest subscriber is.
type publisher struct {
	conn     *conn
	id       uint32
	group    int
	local    int // in its group
	template template
	qos      byte
	next     uint32   // number of the next message
	base     uint32   // the first message that somebody still misses
	acked    uint32   // how many the broker acknowledged
	received []uint16 // deliveries of each message from base on, a ring
	waiting  bool     // is in Traffic.due
	at       time.Time
}

// OpenTraffic connects and subscribes the clients of a plan.
func OpenTraffic(addr string, plan Plan) (*Traffic, error) {
	if plan.Window < 1 || plan.Window&(plan.Window-1) != 0 || plan.Payload < stampSize {
		return nil, errors.New("a plan wants a window that is a power of 2 and room for the stamp")
	}
	t := &Traffic{plan: plan}
	loop, err := newLoop(addr, t)
	if err != nil {
		return nil, err
	}
	t.loop = loop
	if err := t.open(); err != nil {
		loop.Close()
		return nil, err
	}
	return t, nil
}

func (t *Traffic) open() error {
	p, specs := t.plan, []Spec(nil)
	for g := range p.Groups {
		filter := fmt.Sprintf("bench/g%d/+", g)
		if p.Publishers == 1 {
			filter = fmt.Sprintf("bench/g%d/p0", g)
		}
		if !p.Joint {
			for s := range p.Subscribers {
				specs = append(specs, Spec{ClientID: fmt.Sprintf("s-%d-%d", g, s), Filter: filter, QoS: p.QoS, Persistent: p.Persistent})
			}
			filter = ""
		}
		for i := range p.Publishers {
			specs = append(specs, Spec{ClientID: fmt.Sprintf("p-%d-%d", g, i), Filter: filter, QoS: p.QoS, Persistent: p.Persistent && p.Joint})
		}
	}
	conns, err := t.loop.openAll(specs)
	if err != nil {
		return err
	}
	for g := range p.Groups {
		if !p.Joint {
			for range p.Subscribers {
				t.join(conns[0], g)
				conns = conns[1:]
			}
		}
		for i := range p.Publishers {
			if p.Joint {
				t.join(conns[0], g)
			}
			t.addPublisher(conns[0], g, i)
			conns = conns[1:]
		}
	}
	return nil
}

func (t *Traffic) join(c *conn, group int) {
	c.member = &member{group: group, next: make([]uint32, t.plan.Publishers)}
	t.members = append(t.members, c.member)
}

func (t *Traffic) addPublisher(c *conn, group, local int) {
	c.sender = &publisher{
		conn: c, id: uint32(len(t.pubs)), group: group, local: local, qos: t.plan.QoS,
		template: newTemplate(fmt.Sprintf("bench/g%d/p%d", group, local), t.plan.QoS, t.plan.Payload),
		received: make([]uint16, t.plan.Window),
	}
	t.pubs = append(t.pubs, c.sender)
}

// publish counts a delivery.
func (t *Traffic) publish(c *conn, payload []byte) {
	id, seq, sent, ok := readStamp(payload)
	if !ok || c.member == nil || int(id) >= len(t.pubs) || t.pubs[id].group != c.member.group || len(payload) != t.plan.Payload {
		t.faults.Strange++
		return
	}
	p := t.pubs[id]
	next := &c.member.next[p.local]
	if int32(seq-*next) < 0 || int32(seq-p.next) >= 0 {
		t.faults.Repeated++
		return
	}
	for ; *next != seq; *next++ {
		t.faults.Lost++
		t.arrived(p, *next)
	}
	*next = seq + 1
	t.arrived(p, seq)
	t.delivered++
	if t.latency != nil {
		t.latency.Add(time.Duration(nanotime() - sent))
	}
}

// arrived moves the publisher's window when the last subscriber has a message.
func (t *Traffic) arrived(p *publisher, seq uint32) {
	mask := uint32(len(p.received) - 1)
	p.received[seq&mask]++
	if seq != p.base || int(p.received[seq&mask]) < t.plan.Receivers() {
		return
	}
	for p.base != p.next && int(p.received[p.base&mask]) == t.plan.Receivers() {
		p.received[p.base&mask] = 0
		p.base++
	}
	t.wake(p)
}

// acknowledged moves the publisher's window. Brokers acknowledge in order, so
// counting is enough.
func (t *Traffic) acknowledged(c *conn) {
	if c.sender == nil {
		t.faults.Strange++
		return
	}
	c.sender.acked++
	t.wake(c.sender)
}

func (t *Traffic) wake(p *publisher) {
	if !p.waiting && !t.paced {
		p.waiting = true
		t.due = append(t.due, p)
	}
}

// room is how many messages the publisher may send now.
func (p *publisher) room() int {
	under := p.next - p.base
	if p.qos > 0 {
		under = max(under, p.next-p.acked)
	}
	return len(p.received) - int(under)
}

// emit queues one message.
func (p *publisher) emit(sent int64) {
	p.conn.out = p.template.appendTo(p.conn.out, p.id, p.next, sent)
	p.next++
}

// Close ends all connections.
func (t *Traffic) Close() { t.loop.Close() }
