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
	use := *s
	if c.version < 5 {
		use.noLocal = false
	}
	p, l, err := c.ask(func(l *link, id uint16) []byte {
		c.h.add(event{who: c.name, conn: l.num, kind: kSubscribe, topic: use.filter, qos: use.qos, id: id, flag: use.noLocal})
		return subscribePacket(c.version, id, &use)
	})
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.filter, err)
	}
	if p.code > 2 {
		return fmt.Errorf("subscribe to %s: refused with 0x%02x", s.filter, p.code)
	}
	c.h.add(event{who: c.name, conn: l.num, kind: kSuback, topic: use.filter, qos: p.code, id: p.id, flag: use.noLocal})
	return nil
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
func (c *client) ping() error {
	l, err := c.connected()
	if err != nil {
		if errors.Is(err, errCut) {
			return nil
		}
		return err
	}
	c.mu.Lock()
	before := c.pongs
	c.mu.Unlock()
	c.h.add(event{who: c.name, conn: l.num, kind: kPing})
	_ = l.write(frame(typPingreq<<4, nil)) // the reading goroutine finds out
	if !c.wait(func() bool { return c.pongs > before || c.link != l }) {
		return fmt.Errorf("ping: %w", errGivenUp)
	}
	return nil
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
