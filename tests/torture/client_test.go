package torture_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// client is one MQTT client that keeps its side of the session properly,
// whatever happens to its connections.
type client struct {
	script
	h      *history
	broker *process
	// arrive, when not nil, takes what comes in place of the record; mu is held.
	arrive func(conn int, p *packet)
	// refused, when not nil, takes refused publishes; else they are a fault. mu is
	// held.
	refused func(p *packet, code byte)

	// Only the client's own goroutine uses these.
	conns     int // connections begun
	lastOpen  *opening
	uncertain bool // a CONNECT that was to begin anew was not answered
	subID     uint16
	seqs      map[stream]int

	mu      sync.Mutex // guards below
	changed *sync.Cond // something below has changed
	link    *link      // nil = none
	flights []*outgoing
	lastID  uint16
	answers map[uint16]*packet // SUBACK and UNSUBACK that have come
	pongs   int
	easy    bool // no faults of the client's own any more
}

// outgoing is a QoS 1 or 2 message that the broker has not taken over.
type outgoing struct {
	p    packet
	msg  ident
	held bool // PUBREC has come
}

func newClient(s script, h *history, b *process) *client {
	c := &client{script: s, h: h, broker: b, seqs: map[stream]int{}, answers: map[uint16]*packet{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// errGivenUp: the broker has not answered for longer than patience.
var errGivenUp = errors.New("no answer")

// run does the script.
func (c *client) run() {
	for i := range c.steps {
		if err := c.do(&c.steps[i]); err != nil {
			c.fault(fmt.Sprintf("step %d: %v", i, err))
			return
		}
	}
}

func (c *client) fault(note string) {
	c.h.add(event{who: c.name, conn: c.conns, kind: kFault, note: note})
}

func (c *client) do(s *step) error {
	switch s.do {
	case doOpen:
		return c.open(s.open)
	case doSubscribe:
		return c.subscribe(s.sub)
	case doUnsubscribe:
		return c.unsubscribe(s.sub.filter)
	case doPublish:
		for range s.n {
			if err := c.publish(s); err != nil {
				return err
			}
		}
		return nil
	case doPause:
		time.Sleep(s.pause) // a client that does nothing
		return nil
	case doPing:
		_, err := c.ping()
		return err
	case doAsk:
		return c.askRetained(byte(s.n), byte(s.m))
	case doBye:
		c.bye(s)
		return nil
	}
	l, err := c.connected()
	if errors.Is(err, errCut) {
		return nil // the line has broken already, as when the broker stops just then
	}
	if err != nil {
		return err
	}
	c.harm(l, s)
	return nil
}

// harm does what a bad line or a slow client does.
func (c *client) harm(l *link, s *step) {
	switch s.do {
	case doStall:
		l.stall.Store(time.Now().Add(s.pause).UnixNano())
	case doLazy:
		c.mu.Lock()
		l.lazy = s.pause
		c.mu.Unlock()
	case doCut:
		c.cut(l, s.flag)
	case doCutOn:
		l.cutAfter.Store(s.flag)
		l.cutOn.Store(int32(s.n))
	case doCutWriting:
		l.wmu.Lock()
		l.budget = s.n
		l.wmu.Unlock()
	case doCutReading:
		l.readBudget.Store(int64(s.n))
	}
}

// cut ends l from this side.
func (c *client) cut(l *link, reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost(l, false)
	l.close(reset)
}

// lost notes that l is over; mu is held.
func (c *client) lost(l *link, byBroker bool) {
	if l.dead {
		return
	}
	l.dead = true
	c.h.add(event{who: c.name, conn: l.num, kind: kClosed, flag: byBroker})
	if c.link == l {
		c.link = nil
	}
	if l.up && l.open.passing() {
		c.flights = nil
	}
	c.changed.Broadcast()
}

// connected returns the connection, after reconnecting if there is none.
func (c *client) connected() (*link, error) {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l != nil {
		return l, nil
	}
	o := *c.lastOpen
	o.clean = !c.lasting
	if c.lasting && c.version == 5 {
		o.expiry = 3600
	}
	if err := c.open(&o); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil {
		return nil, errCut // at once: the caller comes again
	}
	return c.link, nil
}

// open connects, again and again while the broker is away.
func (c *client) open(o *opening) error {
	c.lastOpen = o
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		use := *o
		use.clean = use.clean || c.uncertain
		err := c.tryOpen(&use)
		if err == nil {
			c.uncertain = false
			return nil
		}
		c.uncertain = use.clean && c.lasting
		time.Sleep(5 * time.Millisecond) // the broker is being restarted
	}
	return fmt.Errorf("connect: %w", errGivenUp)
}

func (c *client) tryOpen(o *opening) error {
	addr := c.broker.tcp.Load().(string)
	if c.ws {
		addr = c.broker.http.Load().(string)
	}
	l, err := dial(addr, c.ws)
	if err != nil {
		return err
	}
	c.conns++
	l.num, l.open = c.conns, o
	c.mu.Lock()
	old := c.link
	c.h.add(event{who: c.name, conn: l.num, kind: kConnect, flag: o.clean, n: int64(o.expiry), open: o})
	if old != nil {
		c.lost(old, false) // taken over: what still comes there does not count
	}
	c.mu.Unlock()
	var will []byte
	if o.will != nil {
		will = payload(c.h.round, ident{pub: c.name, class: classWill, seq: l.num}, 0)
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(patience)) // an error shows in the next call
	err = l.write(connectPacket(&c.script, o, will))
	var p *packet
	if err == nil {
		p, err = readPacket(l.r, c.version)
	}
	if err == nil && (p.typ != typConnack || p.code != 0) {
		err = fmt.Errorf("CONNECT was answered by packet type %d, code 0x%02x", p.typ, p.code)
	}
	if old != nil {
		old.close(false)
	}
	if err != nil {
		c.mu.Lock()
		c.lost(l, true)
		c.mu.Unlock()
		l.close(false)
		return err
	}
	_ = l.conn.SetReadDeadline(time.Time{}) // an error shows in the next call
	l.in.max, l.out.max = o.aliases, min(p.aliasMax, c.aliases)
	c.resume(l, p.present)
	go c.read(l)
	return nil
}

// resume makes l the connection and sends what is incomplete again, in its
// order [MQTT-4.4.0-1].
func (c *client) resume(l *link, present bool) {
	c.mu.Lock()
	c.h.add(event{who: c.name, conn: l.num, kind: kConnack, flag: present})
	c.link, l.up = l, true
	if !present {
		c.flights = nil
	}
	flights := slices.Clone(c.flights)
	c.mu.Unlock()
	for _, f := range flights {
		var err error
		if f.held {
			c.h.add(event{who: c.name, conn: l.num, kind: kReleasing, id: f.p.id, qos: 2})
			err = l.write(ackPacket(typPubrel, f.p.id))
		} else {
			f.p.dup = true
			err = c.send(l, &f.p, f.msg)
		}
		if err != nil {
			return // the reading goroutine finds out
		}
	}
}

// send writes a PUBLISH.
func (c *client) send(l *link, p *packet, m ident) error {
	c.h.add(event{
		who: c.name, conn: l.num, kind: kPublish, topic: p.topic, msg: m,
		id: p.id, qos: p.qos, dup: p.dup, ret: p.retain, n: int64(p.expiry),
	})
	use := *p
	use.alias, use.omit = l.out.give(p.topic)
	return l.write(publishPacket(c.version, &use))
}

// publish sends one message once the window has room.
func (c *client) publish(s *step) error {
	class := byte(classSure)
	if s.qos == 0 {
		class = classZero
	}
	m := ident{clear: s.clear}
	p := packet{topic: s.topic, qos: s.qos, retain: s.retain}
	if c.version == 5 {
		p.expiry = s.expiry
	}
	if !s.clear {
		key := stream{c.name, s.topic, class}
		c.seqs[key]++
		m = ident{pub: c.name, class: class, seq: c.seqs[key]}
		p.payload = payload(c.h.round, m, s.size)
	}
	return c.submit(&p, m)
}

// submit sends a message once the window has room.
func (c *client) submit(p *packet, m ident) error {
	for range maxTries {
		l, err := c.room(p.qos)
		if errors.Is(err, errCut) {
			continue
		}
		if err != nil {
			return err
		}
		c.mu.Lock()
		if c.link != l {
			c.mu.Unlock()
			continue
		}
		if p.qos > 0 {
			p.id = c.freeID()
			c.flights = append(c.flights, &outgoing{p: *p, msg: m})
		}
		c.mu.Unlock()
		_ = c.send(l, p, m) // the reading goroutine finds out
		return nil
	}
	return fmt.Errorf("publish: %w", errGivenUp)
}

// maxTries bounds what a client begins again because its connection went.
const maxTries = 50

// room waits until one more message may be sent and returns the connection.
func (c *client) room(qos byte) (*link, error) {
	l, err := c.connected()
	if err != nil || qos == 0 {
		return l, err
	}
	ok := c.wait(func() bool { return c.link == nil || len(c.flights) < c.window })
	if !ok {
		return nil, fmt.Errorf("%d messages are not acknowledged: %w", len(c.flights), errGivenUp)
	}
	return c.connected()
}

// wait waits until ok, which is called with mu held, or patience has passed.
func (c *client) wait(ok func() bool) bool {
	timer := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer timer.Stop()
	deadline := time.Now().Add(patience)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ok() {
		if !time.Now().Before(deadline) {
			return false
		}
		c.changed.Wait()
	}
	return true
}

// freeID gives packet ids from a small range, so that they are used again
// soon; mu is held.
func (c *client) freeID() uint16 {
	for {
		c.lastID = c.lastID%120 + 1
		if !slices.ContainsFunc(c.flights, func(f *outgoing) bool { return f.p.id == c.lastID }) {
			return c.lastID
		}
	}
}
