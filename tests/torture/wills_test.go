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
	next     *willEntry // the client's next connection
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
	w.open, w.will = e.open, e.open.will
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

// received counts what the watcher gets; other clients may not see all.
func (b *willBook) received(who string, e *event) {
	if !strings.HasSuffix(who, "-"+watcher) || e.ret {
		return
	}
	w := b.entry(e.msg.pub, e.msg.seq)
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
		}
	}
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
	if w.will.delay == 0 || w.ends {
		return sure, true
	}
	delay := time.Duration(w.will.delay) * time.Second
	next := w.next
	if next != nil && !next.up {
		if next.over || next.next != nil {
			return false, true // a CONNECT that was not answered may have counted
		}
		next = nil
	}
	if next == nil {
		return sure && end.when > w.closed+delay+willTick, true
	}
	if !next.present {
		return sure, true // the session is over, so the will is due
	}
	away := next.upWhen - w.closed
	switch {
	case o.wentDown(w.closedAt, next.upAt):
		return false, true // how long the broker thinks it was away is not known
	case away < delay*8/10:
		return false, false
	case away > delay+willTick:
		return sure, true
	}
	return false, true
}
