package torture_test

import (
	"strings"
	"time"
)

// willTick is how much later than its delay a will may be published when
// nothing is wrong: the broker looks every second, on a busy machine.
const willTick = 2500 * time.Millisecond

// willBook holds every connection that left a will.
type willBook struct {
	entries map[willKey]*willEntry
	order   []*willEntry
	last    map[string]*willEntry // latest connection of each client, with a will or not
}

type willKey struct {
	client string
	conn   int
}

// willEntry is one connection, what became of it, and what the watcher got.
type willEntry struct {
	willKey
	will     *leaving // nil = none
	open     *opening
	up       bool
	over     bool
	clean    bool // DISCONNECT was sent, without asking for the will
	sure     bool // and the broker closed the connection because of it
	ends     bool // the session ended with the connection
	closedAt int64
	closed   time.Duration
	alive    time.Duration // the client's latest sign of life on the connection
	began    time.Duration // CONNECT
	heard    time.Duration // the watcher got it first
	next     *willEntry    // the client's next connection
	upAt     int64
	upWhen   time.Duration
	present  bool
	got      map[int]int // deliveries by the watcher's connection
	gotQoS2  int
}

func newWillBook() *willBook {
	return &willBook{entries: map[willKey]*willEntry{}, last: map[string]*willEntry{}}
}

func (b *willBook) entry(client string, conn int) *willEntry {
	k := willKey{client, conn}
	w := b.entries[k]
	if w == nil {
		w = &willEntry{willKey: k, got: map[int]int{}}
		b.entries[k] = w
		b.order = append(b.order, w)
	}
	return w
}

func (b *willBook) connect(e *event) {
	w := b.entry(e.who, e.conn)
	w.open, w.will, w.began = e.open, e.open.will, e.when
	if last := b.last[e.who]; last != nil {
		last.next = w
	}
	b.last[e.who] = w
}

func (b *willBook) connack(e *event) {
	w := b.entry(e.who, e.conn)
	w.up, w.upAt, w.upWhen, w.present = true, e.at, e.when, e.flag
}

func (b *willBook) bye(e *event) {
	w := b.entry(e.who, e.conn)
	w.clean = e.n != 0x04
	w.ends = e.flag
}

func (b *willBook) closed(e *event, sure bool) {
	w := b.entry(e.who, e.conn)
	w.over, w.closedAt, w.closed = true, e.at, e.when
	w.sure = w.clean && sure
	w.ends = w.ends || w.open.passing()
}

// sign notes that the connection is there.
func (b *willBook) sign(e *event) {
	if w := b.entries[willKey{e.who, e.conn}]; w != nil && !w.over {
		w.alive = e.when
	}
}

// received counts what the watcher gets; other clients may not see all.
func (b *willBook) received(who string, e *event) {
	if !strings.HasSuffix(who, "-"+watcher) || e.ret {
		return
	}
	w := b.entry(e.msg.pub, e.msg.seq)
	if len(w.got) == 0 {
		w.heard = e.when
	}
	w.got[e.conn]++
	if e.qos == 2 {
		w.gotQoS2++
	}
}

// times returns how often the will was published, at least: repetitions to a
// watcher that came back do not count.
func (w *willEntry) times() int {
	most := w.gotQoS2
	for _, n := range w.got {
		most = max(most, n)
	}
	return most
}

func (o *oracle) judgeWills() {
	var end event
	if n := len(o.events); n > 0 {
		end = o.events[n-1]
	}
	for _, w := range o.wills.order {
		fail := func(rule string, open bool, text string) {
			o.found = append(o.found, violation{
				rule: rule, who: w.client, at: w.closedAt, text: text, open: open,
				stream: stream{w.client, "w/" + w.client, classWill},
			})
		}
		n := w.times()
		if n > 0 && w.will == nil {
			fail(ruleWillNever, false, "connection left no will")
			continue
		}
		if n > 1 {
			fail(ruleWillOnce, false, "published more than once")
		}
		switch must, may := o.willFate(w, &end); {
		case n > 0 && !may:
			fail(ruleWillNever, false, "published, though the connection ended cleanly or was resumed in time")
		case n == 0 && must:
			fail(ruleWillSent, true, "not published")
		case n > 0 && w.early():
			fail(ruleWillEarly, false, "published before its delay had passed")
		}
	}
}

// delay is how long the will waits: not beyond the session [MQTT-3.1.2-8].
func (w *willEntry) delay() time.Duration {
	if w.ends {
		return 0
	}
	return time.Duration(min(w.will.delay, w.open.expiry)) * time.Second
}

// early reports whether the will came long before its delay had passed, though
// nothing ended the session [MQTT-3.1.3-9].
func (w *willEntry) early() bool {
	if w.next != nil && w.next.began < w.heard {
		return false
	}
	delay := w.delay()
	return w.up && delay > 0 && w.heard < w.alive+delay*4/10
}

// willFate says whether the will must, and whether it may be published.
func (o *oracle) willFate(w *willEntry, end *event) (must, may bool) {
	switch {
	case w.will == nil:
		return false, false
	case w.clean && w.sure:
		return false, false
	case w.clean || !w.up:
		return false, true
	case !w.over:
		return false, false
	}
	sure := w.will.qos > 0
	delay := w.delay()
	if delay == 0 {
		return sure, true
	}
	next := w.next
	if next != nil && !next.up {
		if next.over || next.next != nil {
			return false, true // a CONNECT that was not answered may have counted
		}
		next = nil
	}
	if next == nil {
		since := o.backAfter(w.closed, w.closedAt, end.at)
		return sure && since != forever && end.when > since+delay+willTick, true
	}
	if !next.present {
		return sure, true // the session is over, so the will is due
	}
	away := next.upWhen - w.closed
	switch {
	case o.wentDown(w.closedAt, next.upAt): // how long the broker thinks it was away is not known
		since := o.backAfter(w.closed, w.closedAt, next.upAt)
		return sure && since != forever && next.upWhen > since+delay+willTick, true
	case away < delay*8/10:
		return false, false
	case away > delay+willTick:
		return sure, true
	}
	return false, true
}
