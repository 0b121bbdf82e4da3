package torture_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// round is one run of a plan against a broker.
type round struct {
	plan    plan
	broker  *process
	h       *history
	clients []*client
}

// result is what a round came to.
type result struct {
	plan   plan
	events []event
	found  []violation
	killed int
}

// settling is how long what is still missing may take to arrive once the
// broker is left in peace.
const settling = 10 * time.Second

// runRound does a plan and judges it.
func runRound(p plan, b *process) result {
	r := &round{plan: p, broker: b, h: newHistory(p.round)}
	for _, s := range p.scripts {
		r.clients = append(r.clients, newClient(s, r.h, b))
	}
	// The watcher listens before anybody can leave a will.
	watch := r.clients[0]
	for i := range 2 {
		if err := watch.do(&watch.steps[i]); err != nil {
			watch.fault(err.Error())
		}
	}
	watch.steps = watch.steps[2:]

	var clients, faults sync.WaitGroup
	for _, c := range r.clients {
		clients.Go(c.run)
	}
	faults.Go(r.harmBroker)
	clients.Wait()
	faults.Wait()
	r.settle()
	found := r.judgeWhenQuiet()
	r.cleanUp()
	return result{plan: p, events: r.h.all(), found: found, killed: r.killed()}
}

func (r *round) killed() int {
	n := 0
	for _, f := range r.plan.faults {
		if !f.term {
			n++
		}
	}
	return n
}

// harmBroker kills, stops and restarts the broker.
func (r *round) harmBroker() {
	for _, f := range r.plan.faults {
		time.Sleep(f.after) // the broker's time to live
		k, end := kKill, r.broker.kill
		if f.term {
			k, end = kStop, r.broker.stop
		}
		r.h.add(event{kind: k})
		if err := end(); err != nil {
			r.h.add(event{kind: kFault, note: err.Error()})
		}
		time.Sleep(f.down) // the outage
		if err := r.broker.start(); err != nil {
			r.h.add(event{kind: kFault, note: err.Error()})
			return
		}
		r.h.add(event{kind: kUp})
	}
}

// settle lets everybody with a session come back and complete what is open,
// then reads the retained messages.
func (r *round) settle() {
	var all sync.WaitGroup
	for _, c := range r.clients {
		all.Go(c.settle)
	}
	all.Wait()
	reader := r.extra("reader")
	if err := reader.askRetained(0, 1); err != nil {
		reader.fault(err.Error())
		return
	}
	reader.bye(&step{})
}

// extra is a client outside the script, connected.
func (r *round) extra(name string) *client {
	c := newClient(script{name: fmt.Sprintf("r%d-%s", r.plan.round, name), version: 5, window: 10}, r.h, r.broker)
	c.easy = true
	if err := c.open(&opening{version: 5, clean: true}); err != nil {
		c.fault(err.Error())
	}
	return c
}

// settle ends the client's own faults and waits until all that it published
// has been taken over.
func (c *client) settle() {
	c.mu.Lock()
	c.easy = true
	l := c.link
	if l != nil {
		l.cutOn.Store(0)
		l.readBudget.Store(-1)
		l.stall.Store(0)
		l.wmu.Lock()
		l.budget = -1
		l.wmu.Unlock()
		c.pay(l)
	}
	c.mu.Unlock()
	for range maxTries {
		if c.lasting {
			if _, err := c.connected(); errors.Is(err, errGivenUp) {
				c.fault(err.Error())
				return
			} else if err != nil {
				continue
			}
		}
		done := func() bool { return len(c.flights) == 0 }
		if !c.wait(func() bool { return done() || c.link == nil }) {
			c.fault("what the client published is not acknowledged")
			return
		}
		c.mu.Lock()
		l, over := c.link, done()
		c.mu.Unlock()
		if !over || l == nil && c.lasting {
			continue
		}
		if l == nil {
			return
		}
		// One that has read nothing for a while may not know that it is cut off.
		if answered, err := c.pingOver(l); err != nil {
			c.fault(err.Error())
			return
		} else if answered {
			return
		}
	}
	c.fault("the connection ends again and again")
}

// judgeWhenQuiet judges when nothing is missing any more, or when it has had
// its time.
func (r *round) judgeWhenQuiet() []violation {
	isOpen := func(v violation) bool { return v.open }
	size := 0
	for deadline := time.Now().Add(settling); time.Now().Before(deadline); {
		if n := len(r.h.all()); n > size { // a client with a small window needs its time
			size, deadline = n, time.Now().Add(settling)
		}
		if !slices.ContainsFunc(judge(r.h.all()), isOpen) {
			break
		}
		time.Sleep(100 * time.Millisecond) // what is missing may be on its way
	}
	time.Sleep(100 * time.Millisecond) // so may be what is too much
	return judge(r.h.all())
}

// cleanUp leaves the broker without the round's sessions and retained messages.
func (r *round) cleanUp() {
	for _, c := range r.clients {
		c.mu.Lock()
		if l := c.link; l != nil {
			c.lost(l, false)
			l.close(false)
		}
		c.h = newHistory(r.plan.round) // nobody judges this
		c.mu.Unlock()
		if err := c.open(&opening{version: c.version, clean: true}); err == nil {
			c.bye(&step{})
		}
	}
	c := r.extra("sweeper")
	topics := slices.Clone(keptTopics)
	for _, other := range r.clients {
		topics = append(topics, "w/"+other.name)
	}
	for _, topic := range topics {
		_ = c.publish(&step{topic: topic, qos: 1, retain: true, clear: true}) // the next round finds out
	}
	c.settle()
	c.bye(&step{})
}
