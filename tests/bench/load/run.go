//go:build linux

package load

import (
	"fmt"
	"time"
)

// stallLimit is how long a broker may deliver nothing before the rest counts
// as lost.
const stallLimit = 3 * time.Second

// started anchors the stamps: a time since then is monotonic.
var started = time.Now()

func nanotime() int64 { return int64(time.Since(started)) }

// Delivered is how many deliveries there were so far.
func (t *Traffic) Delivered() int { return t.delivered }

// Faults is what went wrong so far.
func (t *Traffic) Faults() Faults { return t.faults }

// Saturate keeps every publisher's window full for the given time.
func (t *Traffic) Saturate(d time.Duration) error {
	t.latency = nil
	end := time.Now().Add(d)
	return t.saturate(func() bool { return time.Now().After(end) })
}

// Timed keeps every publisher's window full for the given time and measures
// each delivery from the moment its message was sent.
func (t *Traffic) Timed(d time.Duration) (*Histogram, error) {
	h := NewHistogram()
	t.latency = h
	end := time.Now().Add(d)
	err := t.saturate(func() bool { return time.Now().After(end) })
	if err == nil {
		err = t.Drain()
	}
	t.latency = nil
	return h, err
}

// Deliver keeps every publisher's window full until n more deliveries came.
func (t *Traffic) Deliver(n int) error {
	wanted := t.delivered + n
	return t.saturate(func() bool { return t.delivered >= wanted })
}

func (t *Traffic) saturate(done func() bool) error {
	t.paced = false
	for _, p := range t.pubs {
		t.wake(p)
	}
	progress := newWatchdog(t.delivered)
	for !done() {
		t.refill()
		if err := t.loop.poll(10 * time.Millisecond); err != nil {
			return err
		}
		if err := progress.check(t.delivered); err != nil {
			return err
		}
	}
	t.due = t.due[:0]
	for _, p := range t.pubs {
		p.waiting = false
	}
	return nil
}

// refill lets every publisher with room send.
func (t *Traffic) refill() {
	due := t.due
	t.due = t.due[:0]
	now := nanotime()
	for _, p := range due {
		p.waiting = false
		for range p.room() {
			p.emit(now)
		}
		if !p.conn.blocked {
			t.loop.flush(p.conn)
		}
	}
}

// Pace lets every publisher send at a steady rate (messages a second) for the
// given time, whatever the broker does, and measures each delivery from the
// moment its message was to be sent. A publisher waits only when its window is
// full, and the wait is part of the latency.
func (t *Traffic) Pace(rate float64, d time.Duration) (*Histogram, error) {
	t.paced, t.latency = true, NewHistogram()
	every := time.Duration(float64(time.Second) / rate)
	now := time.Now()
	for i, p := range t.pubs {
		p.at = now.Add(every * time.Duration(i) / time.Duration(len(t.pubs)))
	}
	for end := now.Add(d); now.Before(end); now = time.Now() {
		wait := 10 * time.Millisecond
		for _, p := range t.pubs {
			wait = min(wait, t.paceOne(p, now, every))
		}
		if err := t.loop.poll(max(wait, 0)); err != nil {
			return nil, err
		}
	}
	err := t.Drain()
	h := t.latency
	t.paced, t.latency = false, nil
	return h, err
}

// paceOne sends what is due and tells how long until the next message is.
func (t *Traffic) paceOne(p *publisher, now time.Time, every time.Duration) time.Duration {
	for !p.at.After(now) && p.room() > 0 {
		p.emit(int64(p.at.Sub(started)))
		p.at = p.at.Add(every)
	}
	if len(p.conn.out) > 0 && !p.conn.blocked {
		t.loop.flush(p.conn)
	}
	if p.room() == 0 {
		return time.Millisecond
	}
	return p.at.Sub(now)
}

// Drain waits until all that was sent has arrived and is acknowledged. What
// does not come within the limit is counted as lost.
func (t *Traffic) Drain() error {
	last, end := t.delivered, time.Now().Add(stallLimit)
	for !t.drained() {
		if err := t.loop.poll(10 * time.Millisecond); err != nil {
			return err
		}
		if t.delivered != last {
			last, end = t.delivered, time.Now().Add(stallLimit)
		}
		if time.Now().After(end) {
			t.giveUp()
			return nil
		}
	}
	return nil
}

func (t *Traffic) drained() bool {
	for _, p := range t.pubs {
		if p.base != p.next || p.qos > 0 && p.acked != p.next {
			return false
		}
	}
	return true
}

// giveUp counts what is missing as lost.
func (t *Traffic) giveUp() {
	for _, m := range t.members {
		for i := range m.next {
			p := t.pubs[m.group*t.plan.Publishers+i]
			t.faults.Lost += int(p.next - m.next[i])
			m.next[i] = p.next
		}
	}
	for _, p := range t.pubs {
		p.base, p.acked = p.next, p.next
		clear(p.received)
	}
}

// watchdog notices that nothing is delivered any more.
type watchdog struct {
	last int
	end  time.Time
}

func newWatchdog(n int) *watchdog { return &watchdog{last: n, end: time.Now().Add(stallLimit)} }

func (w *watchdog) check(n int) error {
	if n != w.last {
		w.last, w.end = n, time.Now().Add(stallLimit)
	} else if time.Now().After(w.end) {
		return fmt.Errorf("no delivery in %v", stallLimit)
	}
	return nil
}
