package torture_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
)

// read takes what comes over l until it ends.
func (c *client) read(l *link) {
	for {
		p, err := readPacket(l.r, c.version)
		if err != nil {
			c.ended(l, err)
			return
		}
		on := l.cutOn.Load() == int32(p.typ)
		if on && !l.cutAfter.Load() {
			c.cut(l, true)
			return
		}
		if err := c.handle(l, p); err != nil {
			c.ended(l, err)
			return
		}
		if on {
			c.cut(l, false)
			return
		}
	}
}

// ended notes why l is over.
func (c *client) ended(l *link, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.dead && !expectedEnd(err) {
		c.fault(fmt.Sprintf("connection %d: %v", l.num, err))
	}
	c.lost(l, errors.Is(err, io.EOF))
	l.close(false)
}

// expectedEnd tells a cut, of ours or by a kill, from a fault.
func expectedEnd(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, errCut, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

var errByBroker = errors.New("the broker ended the connection")

func (c *client) handle(l *link, p *packet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.dead {
		return errCut
	}
	switch p.typ {
	case typPublish:
		return c.received(l, p)
	case typPuback, typPubrec:
		return c.accepted(l, p)
	case typPubrel:
		c.h.add(event{who: c.name, conn: l.num, kind: kRelease, id: p.id})
		c.owe(l, answer{ackPacket(typPubcomp, p.id), event{kind: kAck, id: p.id, qos: 2}})
	case typPubcomp:
		c.h.add(event{who: c.name, conn: l.num, kind: kComplete, id: p.id, qos: 2})
		c.flights = slices.DeleteFunc(c.flights, func(f *outgoing) bool { return f.held && f.p.id == p.id })
	case typSuback, typUnsuback:
		c.answers[p.id] = p
	case typPingresp:
		c.h.add(event{who: c.name, conn: l.num, kind: kPong})
		c.pongs++
	case typDisconnect:
		// 0x8E: taken over; 0x8B: the broker is stopping.
		if p.code != 0x8E && p.code != 0x8B {
			return fmt.Errorf("%w with code 0x%02x", errByBroker, p.code)
		}
		return io.EOF
	default:
		return fmt.Errorf("%w: type %d is not for a client", errBadPacket, p.typ)
	}
	c.changed.Broadcast()
	return nil
}

// received records a delivery and owes its acknowledgement; mu is held.
func (c *client) received(l *link, p *packet) error {
	if !l.in.resolve(p) {
		return fmt.Errorf("%w: topic %q with alias %d, the maximum is %d", errBadPacket, p.topic, p.alias, l.in.max)
	}
	if c.arrive != nil {
		c.arrive(l.num, p)
		c.acknowledge(l, p)
		return nil
	}
	round, m, ok := parsePayload(p.payload)
	if !ok || round != c.h.round && !m.clear {
		return fmt.Errorf("%w: message on %q that nobody published: %.40q", errBadPacket, p.topic, p.payload)
	}
	c.h.add(event{
		who: c.name, conn: l.num, kind: kRecv, topic: p.topic, msg: m,
		id: p.id, qos: p.qos, dup: p.dup, ret: p.retain, n: int64(p.expiry), subs: p.subs,
	})
	c.acknowledge(l, p)
	return nil
}

// acknowledge owes what a delivery calls for; mu is held.
func (c *client) acknowledge(l *link, p *packet) {
	switch p.qos {
	case 1:
		c.owe(l, answer{ackPacket(typPuback, p.id), event{kind: kAck, id: p.id, qos: 1}})
	case 2:
		c.owe(l, answer{ackPacket(typPubrec, p.id), event{}})
	}
}

// owe sends an acknowledgement, at once or after what is owed before it; mu is
// held.
func (c *client) owe(l *link, a answer) {
	l.acks = append(l.acks, a)
	if l.lazy == 0 || c.easy {
		c.pay(l)
		return
	}
	if len(l.acks) == 1 {
		time.AfterFunc(l.lazy, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pay(l)
		})
	}
}

// pay sends what is owed, in order; mu is held.
func (c *client) pay(l *link) {
	if l.dead || len(l.acks) == 0 {
		return
	}
	var out []byte
	for _, a := range l.acks {
		if a.e.kind != 0 {
			a.e.who, a.e.conn = c.name, l.num
			c.h.add(a.e)
		}
		out = append(out, a.b...)
	}
	l.acks = l.acks[:0]
	_ = l.write(out) // the reading goroutine finds out
}

// accepted takes PUBACK and PUBREC; mu is held.
func (c *client) accepted(l *link, p *packet) error {
	i := slices.IndexFunc(c.flights, func(f *outgoing) bool { return f.p.id == p.id })
	if i < 0 {
		return fmt.Errorf("%w: type %d for id %d, which is not in use", errBadPacket, p.typ, p.id)
	}
	f := c.flights[i]
	if want := 1 + p.typ - typPuback; f.p.qos != want {
		return fmt.Errorf("%w: type %d for id %d of QoS %d", errBadPacket, p.typ, p.id, f.p.qos)
	}
	if p.code >= 0x80 && c.refused != nil {
		c.refused(&f.p, p.code)
		c.flights = slices.Delete(c.flights, i, i+1)
		c.changed.Broadcast()
		return nil
	}
	if p.code >= 0x80 {
		return fmt.Errorf("%w: PUBLISH refused with 0x%02x", errBadPacket, p.code)
	}
	if !f.held { // [MQTT-4.6.0-2], [MQTT-4.6.0-3]
		for _, before := range c.flights[:i] {
			if before.p.qos == f.p.qos && !before.held {
				return fmt.Errorf("%w: id %d acknowledged before id %d, which was sent first", errBadPacket, p.id, before.p.id)
			}
		}
		c.h.add(event{who: c.name, conn: l.num, kind: kAcked, topic: f.p.topic, msg: f.msg, id: p.id, qos: f.p.qos, ret: f.p.retain})
	}
	if p.typ == typPuback {
		c.flights = slices.Delete(c.flights, i, i+1)
	} else {
		f.held = true
		c.owe(l, answer{ackPacket(typPubrel, p.id), event{kind: kReleasing, id: p.id, qos: 2}})
	}
	c.changed.Broadcast()
	return nil
}
