package torture_test

import "time"

// expiring is an acknowledged publish of p with a message expiry interval.
func (s *story) expiring(seq int, seconds int64) {
	for _, k := range []kind{kPublish, kAcked} {
		s.add(event{who: "p", conn: 1, kind: k, topic: "t/a", msg: surely(seq), qos: 1, id: 9, n: seconds})
	}
}

// gotLeft is a delivery to s that tells what is left of the expiry.
func (s *story) gotLeft(conn, seq int, seconds int64) {
	s.add(event{who: "s", conn: conn, kind: kRecv, topic: "t/a", msg: surely(seq), qos: 1, id: uint16(len(s.events)), n: seconds})
}

// away lets s go with a session that lasts two seconds, and come back then.
func (s *story) away(back time.Duration, present bool) {
	s.add(event{who: "s", conn: 1, kind: kClosed})
	s.connect("s", 2, opening{version: 5, expiry: 2}, true)
	s.add(event{who: "s", conn: 2, kind: kClosed})
	s.later(back)
	s.connect("s", 3, opening{version: 5, expiry: 3600}, present)
}

// mirror makes n a client that sees retained messages as they are published.
func (s *story) mirror(ret bool) {
	s.connect("n", 1, opening{version: 5, expiry: 3600}, false)
	s.subscribe("n", 1, subscribing{filter: "r/#", qos: 1, asPublished: true, handling: 2})
	s.retain(1, firstKept, true)
	s.add(event{who: "n", conn: 1, kind: kRecv, topic: "r/0", msg: firstKept, qos: 1, id: 1, ret: ret})
}

// again reads a second time, with a retain handling that gives nothing.
func (s *story) again(comes bool) {
	s.retain(1, firstKept, true)
	s.read(&firstKept)
	s.subscribe("reader", 1, subscribing{filter: "r/#", handling: 1})
	from := int64(len(s.events)) - 1
	if comes {
		s.add(event{who: "reader", conn: 1, kind: kRecv, topic: "r/0", msg: firstKept, ret: true})
	}
	s.add(event{who: "reader", conn: 1, kind: kRead, topic: "r/#", n: from, flag: true})
}

// named is a client whose subscriptions have identifiers, and a delivery to it.
func (s *story) named(version byte, ids ...uint32) {
	s.connect("n", 1, opening{version: version, expiry: 3600}, false)
	s.subscribe("n", 1, subscribing{filter: "t/a", qos: 1, id: 3})
	s.sent(1, 1)
	s.got(1, 1, 1)
	s.add(event{who: "n", conn: 1, kind: kRecv, topic: "t/a", msg: surely(1), qos: 1, id: 1, subs: ids})
}

var markStories = []tale{
	{"OKExpiryTold", func(s *story) { s.expiring(1, 60); s.gotLeft(1, 1, 59) }, nil},
	{"OKExpiredNotOwed", func(s *story) { s.expiring(1, 1); s.sent(1, 2); s.got(1, 1, 2) }, nil},
	{"ErrNotExpiredLost", func(s *story) { s.expiring(1, 3600); s.sent(1, 2); s.got(1, 1, 2) }, []string{ruleGap}},
	{"ErrExpiryNotTold", func(s *story) { s.expiring(1, 60); s.gotLeft(1, 1, 0) }, []string{ruleExpired}},
	{"ErrExpiryGrows", func(s *story) { s.expiring(1, 60); s.gotLeft(1, 1, 61) }, []string{ruleExpired}},
	{"ErrExpiryInvented", func(s *story) { s.sent(1, 1); s.gotLeft(1, 1, 5) }, []string{ruleExpired}},
	{"OKInTime", func(s *story) { s.expiring(1, 5); s.later(2 * time.Second); s.back(2); s.gotLeft(2, 1, 3) }, nil},
	{"ErrSentAfterExpiry", func(s *story) { s.expiring(1, 1); s.later(2 * time.Second); s.back(2); s.gotLeft(2, 1, 1) }, []string{ruleExpired}},
	{"OKSessionInTime", func(s *story) { s.away(time.Second, true) }, nil},
	{"ErrSessionGoneTooSoon", func(s *story) { s.away(time.Second, false) }, []string{ruleSession}},
	{"OKSessionExpired", func(s *story) { s.away(6*time.Second, false) }, nil},
	{"OKShortenedWithoutAnAnswer", func(s *story) {
		s.add(event{who: "s", conn: 1, kind: kClosed})
		s.add(event{who: "s", conn: 2, kind: kConnect, n: 2, open: &opening{version: 5, expiry: 2}})
		s.add(event{who: "s", conn: 2, kind: kClosed})
		s.later(3 * time.Second)
		s.connect("s", 3, opening{version: 5, expiry: 3600}, false)
	}, nil},
	{"ErrSessionOutlivesItsExpiry", func(s *story) { s.away(6*time.Second, true) }, []string{ruleSession}},
	{"OKAsPublished", func(s *story) { s.mirror(true) }, nil},
	{"ErrNotAsPublished", func(s *story) { s.mirror(false) }, []string{ruleFlag}},
	{"OKNotAgain", func(s *story) { s.again(false) }, nil},
	{"ErrRetainedAgain", func(s *story) { s.again(true) }, []string{ruleHandling}},
	{"ErrRetainedTwice", func(s *story) {
		s.retain(1, firstKept, true)
		s.read(&firstKept)
		last := s.events[len(s.events)-1]
		s.events = s.events[:len(s.events)-1]
		s.add(event{who: "reader", conn: 1, kind: kRecv, topic: "r/0", msg: firstKept, ret: true})
		last.when = 0
		s.add(last)
	}, []string{ruleHandling}},
	{"ErrRetainedExpired", func(s *story) {
		for _, k := range []kind{kPublish, kAcked} {
			s.add(event{who: "p", conn: 1, kind: k, topic: "r/0", msg: firstKept, qos: 1, id: 1, ret: true, n: 1})
		}
		s.later(3 * time.Second)
		s.read(&firstKept)
	}, []string{ruleRetained, ruleExpired}},
	{"OKIdentifier", func(s *story) { s.named(5, 3) }, nil},
	{"ErrIdentifierMissing", func(s *story) { s.named(5) }, []string{ruleSubID}},
	{"ErrIdentifierOfNobody", func(s *story) { s.named(5, 4) }, []string{ruleSubID}},
	{"ErrIdentifierForMQTT3", func(s *story) { s.named(4, 3) }, []string{ruleSubID}},
}

// share makes a and b members of a shared subscription.
func (s *story) share() {
	for _, who := range []string{"a", "b"} {
		s.connect(who, 1, opening{version: 5, expiry: 3600}, false)
		s.subscribe(who, 1, subscribing{filter: groupOne, qos: 2, id: 1})
	}
}

// given is an acknowledged publish of p to the members.
func (s *story) given(qos byte, seqs ...int) {
	for _, n := range seqs {
		for _, k := range []kind{kPublish, kAcked} {
			s.add(event{who: "p", conn: 1, kind: k, topic: "s/0", msg: surely(n), qos: qos, id: uint16(n)})
		}
	}
}

// took is a delivery to a member.
func (s *story) took(who string, conn int, qos byte, seq int) {
	id := uint16(len(s.events))
	s.add(event{who: who, conn: conn, kind: kRecv, topic: "s/0", msg: surely(seq), qos: qos, id: id, subs: []uint32{1}})
}

var shareStories = []tale{
	{"OKShared", func(s *story) { s.share(); s.given(1, 1, 2); s.took("a", 1, 1, 1); s.took("b", 1, 1, 2) }, nil},
	{"ErrSharedLost", func(s *story) { s.share(); s.given(1, 1, 2); s.took("a", 1, 1, 1) }, []string{ruleShareLost}},
	{"ErrSharedByBoth", func(s *story) { s.share(); s.given(1, 1); s.took("a", 1, 1, 1); s.took("b", 1, 1, 1) }, []string{ruleShared}},
	{"OKHandedOn", func(s *story) {
		s.share()
		s.given(1, 1)
		s.took("a", 1, 1, 1)
		s.add(event{who: "a", conn: 1, kind: kClosed})
		s.took("b", 1, 1, 1)
	}, nil},
	{"ErrHandedOnTwice", func(s *story) {
		s.share()
		s.given(1, 1)
		s.took("a", 1, 1, 1)
		s.add(event{who: "a", conn: 1, kind: kClosed})
		s.took("b", 1, 1, 1)
		s.took("b", 1, 1, 1)
	}, []string{ruleShared}},
	{"ErrHandedOnAtQoS2", func(s *story) {
		s.share()
		s.given(2, 1)
		s.took("a", 1, 2, 1)
		s.add(event{who: "a", conn: 1, kind: kClosed})
		s.took("b", 1, 2, 1)
	}, []string{ruleShared}},
	{"ErrAgainAtQoS2AfterACrash", func(s *story) {
		s.share()
		s.given(2, 1)
		s.took("a", 1, 2, 1)
		s.crash(time.Second)
		s.took("b", 1, 2, 1)
	}, []string{ruleShared}},
	{"ErrAgainAtQoS1AfterACrash", func(s *story) {
		s.share()
		s.given(2, 1)
		s.took("a", 1, 2, 1)
		s.crash(time.Second)
		s.connect("b", 2, opening{version: 5, expiry: 3600}, true)
		s.took("b", 2, 1, 1)
		s.add(event{who: "b", conn: 2, kind: kClosed})
	}, []string{ruleShared}},
	{"OKReadLate", func(s *story) { // a had it first, and left it
		s.share()
		s.given(2, 1)
		s.add(event{who: "a", conn: 1, kind: kBye})
		s.took("b", 1, 2, 1)
		s.took("a", 1, 1, 1)
		s.add(event{who: "a", conn: 1, kind: kClosed, flag: true})
	}, nil},
	{"OKAgainAtQoS1AfterACrash", func(s *story) {
		s.share()
		s.given(1, 1)
		s.took("a", 1, 1, 1)
		s.crash(time.Second)
		s.took("b", 1, 1, 1)
	}, nil},
	{"OKEndedWithItsSession", func(s *story) { // begun at QoS 2, with a session that is gone
		s.share()
		s.given(2, 1)
		s.connect("a", 2, opening{version: 5, clean: true}, false)
	}, nil},
	{"ErrLostThoughASessionEnded", func(s *story) { // at QoS 1 another member gets it
		s.share()
		s.given(1, 1)
		s.connect("a", 2, opening{version: 5, clean: true}, false)
	}, []string{ruleShareLost}},
	{"OKNobodyOwed", func(s *story) { // the only member comes later
		s.given(1, 1)
		s.share()
	}, nil},
	{"ErrSharedPhantom", func(s *story) { s.share(); s.took("a", 1, 1, 1) }, []string{rulePhantom}},
	{"ErrOfWhichGroup", func(s *story) {
		s.connect("a", 1, opening{version: 5, expiry: 3600}, false)
		s.subscribe("a", 1, subscribing{filter: groupOne, qos: 1, id: 1})
		s.subscribe("a", 1, subscribing{filter: groupTwo, qos: 1, id: 2})
		s.given(1, 1)
		for _, id := range []uint32{1, 2} {
			s.add(event{who: "a", conn: 1, kind: kRecv, topic: "s/0", msg: surely(1), qos: 1, id: uint16(id), subs: []uint32{id}})
		}
		s.given(1, 2)
		s.add(event{who: "a", conn: 1, kind: kRecv, topic: "s/0", msg: surely(2), qos: 1, id: 3, subs: []uint32{1, 2}})
	}, []string{ruleShareLost, ruleSubID}},
}
