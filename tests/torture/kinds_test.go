package torture_test

import (
	"math/rand/v2"
	"time"
)

// passingExpiry is a message expiry interval, in seconds, that may pass within
// a round: such a message is not owed.
const passingExpiry = 1

// The shared subscriptions. Their members have no other subscriptions, so that
// it is known where a delivery came from.
const (
	groupOne = "$share/one/s/#"
	groupTwo = "$share/two/s/0"
)

// memberScript is the life of a member of shared subscriptions. The first one
// keeps its session and its memberships to the end: what is published
// meanwhile is owed to its groups.
func memberScript(r *rand.Rand, name string, i int) script {
	steady := i == 0
	s := script{name: name, version: 4 + byte(r.IntN(2)), ws: r.IntN(3) == 0, lasting: steady || r.IntN(3) > 0, window: 5}
	if steady {
		s.version = 5
	}
	join := []step{{do: doSubscribe, sub: &subscribing{filter: groupOne, qos: 1 + byte(r.IntN(2)), id: 1}}}
	if s.version == 5 && (steady || r.IntN(2) == 0) { // of two groups the identifier tells which
		join = append(join, step{do: doSubscribe, sub: &subscribing{filter: groupTwo, qos: 1 + byte(r.IntN(2)), id: 2}})
	}
	open := func(clean bool) step {
		o := drawOpening(r, &s, false)
		if s.lasting && s.version == 5 {
			o.expiry = 3600
		}
		o.clean = o.clean || clean
		return step{do: doOpen, open: o}
	}
	s.steps = append([]step{open(true)}, join...)
	for range 15 + r.IntN(20) {
		s.steps = append(s.steps, memberStep(r, steady, join, open)...)
	}
	return s
}

func memberStep(r *rand.Rand, steady bool, join []step, open func(clean bool) step) []step {
	switch n := r.IntN(100); {
	case n < 25:
		return []step{{do: doPause, pause: ms(r, 5, 120)}}
	case n < 35:
		return []step{{do: doStall, pause: ms(r, 20, 300)}}
	case n < 45:
		return []step{{do: doLazy, pause: ms(r, 0, 150)}}
	case n < 70:
		return []step{drawCut(r), {do: doPause, pause: ms(r, 0, 100)}}
	case n < 78:
		return []step{open(false)}
	case n < 85:
		return []step{{do: doBye}, {do: doPause, pause: ms(r, 5, 100)}}
	case steady:
		return []step{drawPublish(r)}
	case n < 92:
		return append([]step{{do: doUnsubscribe, sub: &subscribing{filter: groupOne}}, {do: doPause, pause: ms(r, 0, 60)}}, join...)
	default:
		return append([]step{open(true)}, join...)
	}
}

// mirrorScript is a client that sees what is published to be retained as it
// was published, and nothing else: retained messages do not come with its
// subscription.
func mirrorScript(r *rand.Rand, name string) script {
	s := script{name: name, version: 5, ws: r.IntN(3) == 0, lasting: true, window: 5}
	s.steps = []step{
		{do: doOpen, open: &opening{version: 5, clean: true, expiry: 3600, aliases: pick(r, aliasesOf)}},
		{do: doSubscribe, sub: &subscribing{filter: "r/#", qos: 1 + byte(r.IntN(2)), asPublished: true, handling: 2, id: 7}},
	}
	for range 10 {
		s.steps = append(s.steps, step{do: doPause, pause: ms(r, 10, 150)}, drawCut(r))
	}
	return s
}

// askerScript is a client that subscribes with all retain handlings.
func askerScript(r *rand.Rand, name string) script {
	s := script{name: name, version: 5, ws: r.IntN(3) == 0, window: 1}
	s.steps = []step{{do: doOpen, open: &opening{version: 5, clean: true}}}
	for range 6 + r.IntN(8) {
		s.steps = append(s.steps, step{do: doAsk, n: r.IntN(3), m: r.IntN(3)}, step{do: doPause, pause: ms(r, 0, 200)})
	}
	return s
}

// awayScript is a client that goes away several times: for moments with a
// session that must be there still, and once for so long that a session, a will's
// delay and messages end meanwhile.
func awayScript(r *rand.Rand, name string) script {
	s := script{name: name, version: 5, ws: r.IntN(3) == 0, lasting: true, window: 5}
	open := func(expiry uint32) step {
		o := &opening{version: 5, expiry: expiry, window: pick(r, windowsOf)}
		if r.IntN(3) > 0 {
			o.will = &leaving{topic: "w/" + s.name, qos: 1 + byte(r.IntN(2)), delay: 1}
		}
		return step{do: doOpen, open: o}
	}
	s.steps = []step{open(3600), {do: doSubscribe, sub: &subscribing{filter: "t/#", qos: 1 + byte(r.IntN(2))}}}
	for range r.IntN(3) {
		s.steps = append(s.steps, open(pick(r, []uint32{2, 2, 3600})), step{do: doPause, pause: ms(r, 0, 50)}, step{do: doCut, flag: r.IntN(2) == 0},
			step{do: doPause, pause: ms(r, 0, 800)})
	}
	gone := step{do: doCut}
	if r.IntN(4) == 0 {
		gone = step{do: doBye, flag: r.IntN(2) == 0}
	}
	s.steps = append(s.steps, open(pick(r, []uint32{1, 1, 3600, 3600})), gone,
		step{do: doPause, pause: time.Duration(3700+r.IntN(300)) * time.Millisecond}, open(3600))
	return s
}
