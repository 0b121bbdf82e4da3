package torture_test

import (
	"slices"
	"testing"
	"time"
)

// story builds records by hand, to see that the oracle notices what is wrong
// with them. Publisher p and subscriber s keep sessions.
type story struct{ events []event }

func newStory() *story {
	s := &story{}
	s.connect("p", 1, opening{version: 5, expiry: 3600}, false)
	s.connect("s", 1, opening{version: 5, expiry: 3600}, false)
	s.subscribe("s", 1, subscribing{filter: "t/#", qos: 2})
	return s
}

func (s *story) add(e event) {
	e.at = int64(len(s.events)) + 1
	if n := len(s.events); e.when == 0 && n > 0 {
		e.when = s.events[n-1].when + time.Millisecond
	}
	s.events = append(s.events, e)
}

func (s *story) subscribe(who string, conn int, sub subscribing) {
	for _, k := range []kind{kSubscribe, kSuback} {
		s.add(event{who: who, conn: conn, kind: k, topic: sub.filter, qos: sub.qos, sub: &sub})
	}
}

func (s *story) connect(who string, conn int, o opening, present bool) {
	s.add(event{who: who, conn: conn, kind: kConnect, flag: o.clean, n: int64(o.expiry), open: &o})
	s.add(event{who: who, conn: conn, kind: kConnack, flag: present})
}

// back closes s's connection and opens the next.
func (s *story) back(conn int) {
	s.add(event{who: "s", conn: conn - 1, kind: kClosed})
	s.connect("s", conn, opening{version: 5, expiry: 3600}, true)
}

func surely(seq int) ident { return ident{pub: "p", class: classSure, seq: seq} }

// sent is an acknowledged publish of p.
func (s *story) sent(qos byte, seqs ...int) {
	for _, n := range seqs {
		id := uint16(100 + n)
		s.add(event{who: "p", conn: 1, kind: kPublish, topic: "t/a", msg: surely(n), qos: qos, id: id})
		s.add(event{who: "p", conn: 1, kind: kAcked, topic: "t/a", msg: surely(n), qos: qos, id: id})
	}
}

// got is a delivery to s, acknowledged.
func (s *story) got(conn int, qos byte, seqs ...int) {
	for _, n := range seqs {
		id := uint16(len(s.events))
		s.add(event{who: "s", conn: conn, kind: kRecv, topic: "t/a", msg: surely(n), qos: qos, id: id})
		if qos == 2 {
			s.add(event{who: "s", conn: conn, kind: kRelease, id: id})
		}
		s.add(event{who: "s", conn: conn, kind: kAck, id: id, qos: qos})
	}
}

func (s *story) retain(at int, msg ident, acked bool) {
	e := event{who: "p", conn: 1, kind: kPublish, topic: "r/0", msg: msg, qos: 1, id: uint16(at), ret: true}
	s.add(e)
	if acked {
		e.kind = kAcked
		s.add(e)
	}
}

func (s *story) read(msg *ident) {
	s.connect("reader", 1, opening{version: 5, clean: true}, false)
	s.subscribe("reader", 1, subscribing{filter: "r/#"})
	from := int64(len(s.events)) - 1
	if msg != nil {
		s.add(event{who: "reader", conn: 1, kind: kRecv, topic: "r/0", msg: *msg, ret: true})
	}
	s.add(event{who: "reader", conn: 1, kind: kRead, topic: "r/#", n: from})
}

// will makes c leave a will, ends its connection and has the watcher hear of it
// n times.
func (s *story) will(delay uint32, end func(), n int) {
	s.connect("x-watch", 1, opening{version: 5, expiry: 3600}, false)
	s.subscribe("x-watch", 1, subscribing{filter: "w/#", qos: 1})
	s.connect("c", 1, opening{version: 5, expiry: 3600, will: &leaving{topic: "w/c", qos: 1, delay: delay}}, false)
	end()
	for i := range n {
		s.add(event{who: "x-watch", conn: 1, kind: kRecv, topic: "w/c", msg: ident{pub: "c", class: classWill, seq: 1}, qos: 1, id: uint16(i + 1)})
	}
}

func (s *story) cutC() { s.add(event{who: "c", conn: 1, kind: kClosed}) }

func (s *story) byeC() {
	s.add(event{who: "c", conn: 1, kind: kBye})
	s.add(event{who: "c", conn: 1, kind: kClosed, flag: true})
}

// later lets time pass.
func (s *story) later(when time.Duration) { s.add(event{who: "p", conn: 1, kind: kPing, when: when}) }

// crash kills the broker; it is back at the given time.
func (s *story) crash(back time.Duration) {
	s.add(event{kind: kKill})
	s.add(event{kind: kUp, when: back})
}

// The two values of a retained message.
var firstKept, secondKept = surely(1), surely(2)

type tale struct {
	name string
	tell func(*story)
	want []string // rules broken
}

var stories = []tale{
	{"OK", func(s *story) { s.sent(1, 1, 2, 3); s.got(1, 1, 1, 2, 3) }, nil},
	{"OKRepeatedAfterReturn", func(s *story) { s.sent(1, 1, 2, 3); s.got(1, 1, 1, 2); s.back(2); s.got(2, 1, 1, 2, 3) }, nil},
	{"OKNotOwedBeforeSuback", func(s *story) { s.events = s.events[:3]; s.sent(1, 1) }, nil},
	{"ErrLost", func(s *story) { s.sent(1, 1, 2); s.got(1, 1, 1) }, []string{ruleLost}},
	{"ErrLostInBetween", func(s *story) { s.sent(1, 1, 2, 3); s.got(1, 1, 1, 3) }, []string{ruleGap}},
	{"ErrReordered", func(s *story) { s.sent(1, 1, 2, 3); s.got(1, 1, 1, 3, 2) }, []string{ruleGap, ruleOrder}},
	{"ErrRepeatedAtOnce", func(s *story) { s.sent(1, 1); s.got(1, 1, 1, 1) }, []string{ruleRepeat}},
	{"ErrRepeatLeavesGap", func(s *story) { s.sent(1, 1, 2, 3); s.got(1, 1, 1, 2, 3); s.back(2); s.got(2, 1, 1, 3) }, []string{ruleGap}},
	{"ErrTwice", func(s *story) { s.sent(2, 1); s.got(1, 2, 1); s.back(2); s.got(2, 2, 1) }, []string{ruleOnce}},
	{"ErrPhantom", func(s *story) { s.got(1, 1, 9) }, []string{rulePhantom}},
	{"ErrUnsubscribedTopic", func(s *story) {
		s.add(event{who: "p", conn: 1, kind: kPublish, topic: "u", msg: surely(1), qos: 1, id: 5})
		s.add(event{who: "s", conn: 1, kind: kRecv, topic: "u", msg: surely(1), qos: 1, id: 1})
	}, []string{ruleFilter}},
	{"ErrSessionLost", func(s *story) {
		s.add(event{who: "s", conn: 1, kind: kClosed})
		s.connect("s", 2, opening{version: 5, expiry: 3600}, false)
	}, []string{ruleSession}},
	{"ErrSessionAfterCleanStart", func(s *story) { s.connect("n", 1, opening{version: 5, clean: true}, true) }, []string{ruleSession}},
	{"ErrIDInUse", func(s *story) {
		s.sent(1, 1, 2)
		for _, n := range []int{1, 2} {
			s.add(event{who: "s", conn: 1, kind: kRecv, topic: "t/a", msg: surely(n), qos: 1, id: 7})
		}
	}, []string{ruleID}},
	{"ErrIDInUseByQoS2", func(s *story) {
		s.sent(2, 1, 2)
		s.add(event{who: "s", conn: 1, kind: kRecv, topic: "t/a", msg: surely(1), qos: 2, id: 7})
		s.back(2)
		s.add(event{who: "s", conn: 2, kind: kRecv, topic: "t/a", msg: surely(2), qos: 2, id: 7})
	}, []string{ruleID}},
	{"ErrDupAtFirst", func(s *story) {
		s.sent(1, 1)
		s.add(event{who: "s", conn: 1, kind: kRecv, topic: "t/a", msg: surely(1), qos: 1, id: 7, dup: true})
	}, []string{ruleDup}},
	{"ErrWindow", func(s *story) {
		s.add(event{who: "s", conn: 1, kind: kClosed})
		s.connect("s", 2, opening{version: 5, expiry: 3600, window: 1}, true)
		s.sent(1, 1, 2)
		for _, n := range []int{1, 2} {
			s.add(event{who: "s", conn: 2, kind: kRecv, topic: "t/a", msg: surely(n), qos: 1, id: uint16(n)})
		}
	}, []string{ruleWindow}},
	{"OKRetained", func(s *story) { s.retain(1, firstKept, true); s.retain(2, secondKept, true); s.read(&secondKept) }, nil},
	{"OKRetainedUnanswered", func(s *story) { s.retain(1, firstKept, true); s.retain(2, secondKept, false); s.read(&firstKept) }, nil},
	{"ErrRetainedOld", func(s *story) { s.retain(1, firstKept, true); s.retain(2, secondKept, true); s.read(&firstKept) }, []string{ruleRetained}},
	{"ErrRetainedGone", func(s *story) { s.retain(1, firstKept, true); s.read(nil) }, []string{ruleRetained}},
	{"ErrRetainedAfterClearing", func(s *story) {
		s.retain(1, firstKept, true)
		s.retain(2, ident{clear: true}, true)
		s.read(&firstKept)
	}, []string{ruleRetained}},
	{"OKWill", func(s *story) { s.will(0, s.cutC, 1) }, nil},
	{"OKNoWillAfterBye", func(s *story) { s.will(0, s.byeC, 0) }, nil},
	{"ErrWillMissing", func(s *story) { s.will(0, s.cutC, 0) }, []string{ruleWillSent}},
	{"ErrWillTwice", func(s *story) { s.will(0, s.cutC, 2) }, []string{ruleWillOnce}},
	{"ErrWillAfterBye", func(s *story) { s.will(0, s.byeC, 1) }, []string{ruleWillNever}},
	{"ErrWillAfterReturn", func(s *story) {
		s.will(60, func() { s.cutC(); s.connect("c", 2, opening{version: 5, expiry: 3600}, true) }, 1)
	}, []string{ruleWillNever}},
	{"OKDisconnectWasCutOff", func(s *story) { // it was to end the session, which went on
		s.add(event{who: "s", conn: 1, kind: kBye, flag: true})
		s.back(2)
		s.sent(1, 1)
		s.got(2, 1, 1)
	}, nil},
	{"ErrWillEarly", func(s *story) { s.will(60, s.cutC, 1) }, []string{ruleWillEarly}},
	{"OKWillAfterItsDelay", func(s *story) { s.will(1, func() { s.cutC(); s.later(4 * time.Second) }, 1) }, nil},
	{"ErrWillNotAfterItsDelay", func(s *story) { s.will(1, func() { s.cutC(); s.later(8 * time.Second) }, 0) }, []string{ruleWillSent}},
	{"OKWillDelayedByACrash", func(s *story) {
		s.will(1, func() { s.cutC(); s.crash(7 * time.Second); s.later(8 * time.Second) }, 0)
	}, nil},
	{"ErrWillLostInACrash", func(s *story) {
		s.will(1, func() { s.cutC(); s.crash(time.Second); s.later(8 * time.Second) }, 0)
	}, []string{ruleWillSent}},
	{"ErrFault", func(s *story) { s.add(event{who: "s", conn: 1, kind: kFault, note: "malformed"}) }, []string{ruleSeen}},
}

func TestJudge(t *testing.T) {
	for _, tt := range slices.Concat(stories, markStories, shareStories) {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory()
			tt.tell(s)
			var got []string
			for _, v := range judge(s.events) {
				if !slices.Contains(got, v.rule) {
					got = append(got, v.rule)
				}
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(tt.want))
			if !slices.Equal(got, want) {
				t.Errorf("rules broken: %q, want %q", got, want)
			}
		})
	}
}

// The clients refuse an alias that they have not been told, or did not allow.
func TestAliases_resolve(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    packet
		want string // "" = refused
	}{
		{"OKName", packet{topic: "a"}, "a"},
		{"OKNamed", packet{topic: "b", alias: 1}, "b"},
		{"OKKnown", packet{alias: 2}, "known"},
		{"ErrNothing", packet{}, ""},
		{"ErrUnknown", packet{alias: 1}, ""},
		{"ErrOverTheMaximum", packet{topic: "a", alias: 3}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := aliases{max: 2}
			a.set(2, "known")
			p := tt.p
			ok := a.resolve(&p)
			if ok != (tt.want != "") || ok && p.topic != tt.want {
				t.Errorf("got %q, %t, want %q", p.topic, ok, tt.want)
			}
		})
	}
}

// One seed is one schedule.
func TestMakePlan(t *testing.T) {
	one, again, other := describe(makePlan(7, 3)), describe(makePlan(7, 3)), describe(makePlan(8, 3))
	if one != again {
		t.Error("the same seed and round gave two schedules")
	}
	if one == other {
		t.Error("two seeds gave the same schedule")
	}
}
