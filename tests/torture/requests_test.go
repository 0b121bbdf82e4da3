package torture_test

import (
	"errors"
	"fmt"
)

// ask sends a request until its answer comes.
func (c *client) ask(make func(l *link, id uint16) []byte) (*packet, *link, error) {
	for range maxTries {
		l, err := c.connected()
		if errors.Is(err, errCut) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		c.subID++
		id := 40000 + c.subID
		_ = l.write(make(l, id)) // the reading goroutine finds out
		var p *packet
		if !c.wait(func() bool { p = c.answers[id]; return p != nil || c.link != l }) {
			return nil, nil, errGivenUp
		}
		if p != nil {
			return p, l, nil
		}
	}
	return nil, nil, errGivenUp
}

func (c *client) subscribe(s *subscribing) error {
	_, _, err := c.subscribeAt(s)
	return err
}

// subscribeAt returns the place of the SUBSCRIBE that was answered, and the
// connection.
func (c *client) subscribeAt(s *subscribing) (at int64, l *link, err error) {
	use := *s
	if c.version < 5 {
		use = s.plain()
	}
	p, l, err := c.ask(func(l *link, id uint16) []byte {
		at = c.h.add(event{who: c.name, conn: l.num, kind: kSubscribe, topic: use.filter, qos: use.qos, id: id, sub: &use})
		return subscribePacket(c.version, id, &use)
	})
	if err != nil {
		return 0, nil, fmt.Errorf("subscribe to %s: %w", s.filter, err)
	}
	if p.code > 2 {
		return 0, nil, fmt.Errorf("subscribe to %s: refused with 0x%02x", s.filter, p.code)
	}
	c.h.add(event{who: c.name, conn: l.num, kind: kSuback, topic: use.filter, qos: p.code, id: p.id, sub: &use})
	return at, l, nil
}

// asked is what the readers of retained messages subscribe to.
const asked = "r/#"

// askRetained subscribes twice over one connection with the given retain
// handlings, and notes when all that is retained must have come
// [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11].
func (c *client) askRetained(first, again byte) error {
	var over *link
	for i, handling := range []byte{first, again} {
		at, l, err := c.subscribeAt(&subscribing{filter: asked, handling: handling})
		if err != nil {
			return err
		}
		if i > 0 && l != over {
			break // a new session: what it is given is another question
		}
		over = l
		answered, err := c.pingOver(l)
		if err != nil {
			return err
		}
		if !answered {
			break
		}
		none := handling == 2 || handling == 1 && i > 0
		c.h.add(event{who: c.name, conn: l.num, kind: kRead, topic: asked, n: at, flag: none})
	}
	return c.unsubscribe(asked)
}

func (c *client) unsubscribe(filter string) error {
	_, _, err := c.ask(func(l *link, id uint16) []byte {
		c.h.add(event{who: c.name, conn: l.num, kind: kUnsubscribe, topic: filter})
		return unsubscribePacket(c.version, id, filter)
	})
	if err != nil {
		return fmt.Errorf("unsubscribe from %s: %w", filter, err)
	}
	return nil
}

// ping asks once; a connection that goes meanwhile is an answer, too.
func (c *client) ping() (answered bool, err error) {
	l, err := c.connected()
	if err != nil {
		if errors.Is(err, errCut) {
			return false, nil
		}
		return false, err
	}
	return c.pingOver(l)
}

// pingOver reports whether the answer came over l.
func (c *client) pingOver(l *link) (answered bool, err error) {
	c.mu.Lock()
	before := c.pongs
	c.mu.Unlock()
	c.h.add(event{who: c.name, conn: l.num, kind: kPing})
	_ = l.write(frame(typPingreq<<4, nil)) // the reading goroutine finds out
	if !c.wait(func() bool { return c.pongs > before || c.link != l }) {
		return false, fmt.Errorf("ping: %w", errGivenUp)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pongs > before, nil
}

// bye disconnects and waits until the broker has closed the connection.
func (c *client) bye(s *step) {
	c.mu.Lock()
	l := c.link
	if l == nil {
		c.mu.Unlock()
		return
	}
	downs := c.broker.downs.Load()
	e := event{who: c.name, conn: l.num, kind: kBye, flag: s.expire && l.open.expiry > 0}
	if s.flag {
		e.n = 0x04
	}
	c.h.add(e)
	c.mu.Unlock()
	l.stall.Store(0)
	if l.write(disconnectPacket(c.version, s.flag, e.flag)) != nil {
		c.cut(l, false)
		c.uncertain = c.uncertain || e.flag
		return
	}
	if !c.wait(func() bool { return c.link != l }) {
		c.fault("the broker did not close the connection after DISCONNECT")
		c.cut(l, false)
	}
	if e.flag {
		c.mu.Lock()
		c.flights = nil
		c.mu.Unlock()
		// Whether a broker that was killed had read the DISCONNECT is unknown.
		c.uncertain = c.broker.downs.Load() != downs
	}
}
