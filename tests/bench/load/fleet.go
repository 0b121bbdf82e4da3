//go:build linux

package load

import (
	"time"
)

// wave is how many clients connect at once: less than any listener's backlog.
const wave = 64

// openAll connects the clients, a wave at a time, and waits until each one is
// connected and subscribed.
func (l *Loop) openAll(specs []Spec) ([]*conn, error) {
	var all []*conn
	for start := 0; start < len(specs); start += wave {
		group := specs[start:min(start+wave, len(specs))]
		first := len(all)
		for i := range group {
			c, err := l.dial(&group[i])
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
		opened := func() bool {
			for ; first < len(all) && all[first].phase == open; first++ {
			}
			return first == len(all)
		}
		if err := l.await("clients to connect", opened); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Fleet is clients that only stay connected.
type Fleet struct {
	loop  *Loop
	conns []*conn
}

// OpenFleet connects the clients and waits until each one is connected and
// subscribed.
func OpenFleet(addr string, specs []Spec) (*Fleet, error) {
	f := &Fleet{}
	loop, err := newLoop(addr, f)
	if err != nil {
		return nil, err
	}
	f.loop = loop
	if f.conns, err = loop.openAll(specs); err != nil {
		loop.Close()
		return nil, err
	}
	return f, nil
}

// Fleet members subscribe to what nobody publishes, and publish nothing.
func (*Fleet) publish(*conn, []byte) {}
func (*Fleet) acknowledged(*conn)    {}

// Rest answers what the broker asks, for the given time. It fails when the
// broker closes a connection.
func (f *Fleet) Rest(d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := f.loop.poll(left); err != nil {
			return err
		}
	}
}

// Ping asks every connection for a sign of life and waits for all of them.
func (f *Fleet) Ping() error {
	for start := 0; start < len(f.conns); start += wave {
		group := f.conns[start:min(start+wave, len(f.conns))]
		for _, c := range group {
			c.send(packetPing)
			f.loop.flush(c)
		}
		answered := func() bool {
			for _, c := range group {
				if c.pongs == 0 {
					return false
				}
			}
			return true
		}
		if err := f.loop.await("PINGRESP", answered); err != nil {
			return err
		}
	}
	return nil
}

// Leave disconnects all clients as MQTT wants it and waits until the broker
// has closed them: what they did is done then.
func (f *Fleet) Leave() error {
	defer f.loop.Close()
	return f.loop.leave()
}

// leave disconnects everybody and waits for the broker to close.
func (l *Loop) leave() error {
	l.ending = true
	for _, c := range l.conns {
		c.send(packetDisconnect)
		l.flush(c)
	}
	return l.await("the broker to close", func() bool { return l.closed >= len(l.conns) })
}

// Close ends all connections at once.
func (f *Fleet) Close() { f.loop.Close() }
