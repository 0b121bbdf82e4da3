package torture_test

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// opening is how a client connects.
type opening struct {
	version byte
	clean   bool
	expiry  uint32 // MQTT 5; with MQTT 3 a session that is not clean never expires
	window  uint16 // Receive Maximum, 0 = none said
	aliases uint16 // Topic Alias Maximum, 0 = none taken
	will    *leaving
}

// passing: the session does not outlive the connection.
func (o *opening) passing() bool {
	if o.version == 5 {
		return o.expiry == 0
	}
	return o.clean
}

// short: the session may end within a round.
func (o *opening) short() bool { return o.version == 5 && o.expiry > 0 && o.expiry < 60 }

// leaving is a will.
type leaving struct {
	topic  string
	qos    byte
	retain bool
	delay  uint32 // seconds
}

// subscribing is one filter.
type subscribing struct {
	filter      string
	qos         byte
	noLocal     bool
	asPublished bool   // retain as published
	handling    byte   // retain handling
	id          uint32 // subscription identifier, 0 = none
}

// plain is what of it MQTT 3 knows.
func (s *subscribing) plain() subscribing { return subscribing{filter: s.filter, qos: s.qos} }

// action is what a step does.
type action uint8

const (
	doOpen        action = iota + 1 // connect; an open connection is taken over
	doSubscribe                     // and wait for SUBACK
	doUnsubscribe                   // and wait for UNSUBACK
	doPublish                       // n messages
	doPause                         // wait for pause
	doStall                         // read nothing for pause
	doLazy                          // hold acknowledgements back by pause, from now on
	doCut                           // close the connection
	doCutOn                         // cut at the next packet of type n
	doCutWriting                    // cut after n bytes written
	doCutReading                    // cut after n bytes read
	doBye                           // DISCONNECT
	doPing
	doAsk // read what is retained, with retain handlings n and m
)

// step is one thing that a client does. The script is fixed by the seed; what
// does not depend on the script is when the other side answers.
type step struct {
	do     action
	open   *opening
	sub    *subscribing
	topic  string
	qos    byte
	retain bool
	clear  bool // empty payload
	expiry uint32
	size   int
	n, m   int
	pause  time.Duration
	flag   bool // doCut: reset; doCutOn: after answering; doBye: with will
	expire bool // doBye: end the session
}

// script is a client and what it does.
type script struct {
	name    string
	version byte
	ws      bool
	lasting bool   // keeps a session
	window  int    // how many QoS 1 and 2 messages it publishes at once
	aliases uint16 // topic aliases that it publishes with, MQTT 5
	user    string // signs in as, with secret; "" = anonymous
	secret  string
	steps   []step
}

// fault is something that happens to the broker.
type fault struct {
	after time.Duration // since it came up
	term  bool          // SIGTERM in place of SIGKILL
	down  time.Duration
}

// plan is one round, a function of seed and round number.
type plan struct {
	round   int
	scripts []script
	faults  []fault
}

// watcher is the client that every will must reach.
const watcher = "watch"

var (
	sureTopics   = []string{"t/a/0", "t/a/1", "t/b/0", "t/b/1", "s/0", "s/1"}
	keptTopics   = []string{"r/0", "r/1", "r/2"}
	dataFilters  = []string{"t/a/0", "t/a/1", "t/b/0", "t/a/+", "t/+/0", "t/+/+", "t/#", "+/b/#", "#", "r/#", "r/0"}
	cutTypes     = []int{typPublish, typPuback, typPubrec, typPubrel, typPubcomp, typPublish, typPubrec, typPubrel}
	windowsOf    = []uint16{1, 2, 3, 7, 20, 0, 0}
	packetCounts = []int{1, 1, 2, 3, 5, 8, 30}
	expiriesOf   = []uint32{0, 0, 0, 0, 0, 0, passingExpiry, 3600} // passingExpiry ends within a round
	aliasesOf    = []uint16{0, 0, 1, 2, 10}
)

// makePlan draws a round.
func makePlan(seed uint64, round int) plan {
	r := rand.New(rand.NewPCG(seed, uint64(round)))
	p := plan{round: round}
	p.scripts = append(p.scripts, watcherScript(r, round))
	for i := range 4 + r.IntN(4) {
		p.scripts = append(p.scripts, makeScript(r, fmt.Sprintf("r%d-c%d", round, i), i))
	}
	if r.IntN(2) == 0 {
		for i := range 2 + r.IntN(3) {
			p.scripts = append(p.scripts, memberScript(r, fmt.Sprintf("r%d-m%d", round, i), i))
		}
	}
	if r.IntN(3) == 0 {
		p.scripts = append(p.scripts, mirrorScript(r, fmt.Sprintf("r%d-mirror", round)))
	}
	if r.IntN(3) == 0 {
		p.scripts = append(p.scripts, askerScript(r, fmt.Sprintf("r%d-asker", round)))
	}
	longest := 700
	if r.IntN(5) == 0 { // some stay away for longer than what expires
		longest = 1500
		for i := range 1 + r.IntN(3) {
			p.scripts = append(p.scripts, awayScript(r, fmt.Sprintf("r%d-away%d", round, i)))
		}
	}
	for range r.IntN(5) {
		p.faults = append(p.faults, fault{
			after: ms(r, 20, longest), term: r.IntN(4) == 0, down: ms(r, 0, 60),
		})
	}
	return p
}

func ms(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.IntN(to-from+1)) * time.Millisecond
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func watcherScript(r *rand.Rand, round int) script {
	s := script{name: fmt.Sprintf("r%d-%s", round, watcher), version: 5, lasting: true, window: 1}
	s.steps = []step{
		{do: doOpen, open: &opening{version: 5, clean: true, expiry: 3600}},
		{do: doSubscribe, sub: &subscribing{filter: "w/#", qos: 1 + byte(r.IntN(2))}},
	}
	for range 4 {
		s.steps = append(s.steps, step{do: doPause, pause: ms(r, 100, 400)}, drawCut(r))
	}
	return s
}

// makeScript draws one client's life. The first two keep their sessions and
// only listen widely, so that every round has somebody to lose messages.
func makeScript(r *rand.Rand, name string, i int) script {
	s := script{
		name: name, version: 4 + byte(r.IntN(2)), ws: r.IntN(3) == 0,
		lasting: i < 2 || r.IntN(3) > 0, window: pick(r, []int{1, 2, 5, 20, 50}), aliases: pick(r, aliasesOf),
	}
	s.steps = append(s.steps, step{do: doOpen, open: drawOpening(r, &s, true)})
	if i < 2 {
		s.steps = append(s.steps, step{do: doSubscribe, sub: &subscribing{filter: pick(r, []string{"t/#", "#"}), qos: 1 + byte(i)}})
	}
	for range 1 + r.IntN(3) {
		s.steps = append(s.steps, step{do: doSubscribe, sub: drawSubscription(r)})
	}
	for range 20 + r.IntN(30) {
		s.steps = append(s.steps, drawStep(r, &s, i < 2)...)
	}
	return s
}

func drawOpening(r *rand.Rand, s *script, first bool) *opening {
	o := &opening{version: s.version, clean: !s.lasting || first && r.IntN(2) == 0}
	if s.version == 5 {
		o.window = pick(r, windowsOf)
		o.aliases = pick(r, aliasesOf)
		if s.lasting {
			o.expiry = 3600
			if !first && r.IntN(6) == 0 {
				o.expiry = 0 // resume, for this connection only
			}
		}
	}
	if r.IntN(2) == 0 {
		o.will = &leaving{topic: "w/" + s.name, qos: byte(r.IntN(3)), retain: r.IntN(4) == 0}
		if s.version == 5 && r.IntN(2) == 0 {
			o.will.delay = 1
		}
	}
	return o
}

func drawSubscription(r *rand.Rand) *subscribing {
	return &subscribing{
		filter: pick(r, dataFilters), qos: byte(r.IntN(3)), noLocal: r.IntN(6) == 0,
		handling: byte(r.IntN(3)), id: uint32(r.IntN(4)),
	}
}

// drawStep draws the next thing to do. steady clients neither unsubscribe nor
// give their session up.
func drawStep(r *rand.Rand, s *script, steady bool) []step {
	switch n := r.IntN(100); {
	case n < 38:
		return []step{drawPublish(r)}
	case n < 48:
		p := step{do: doPublish, topic: pick(r, keptTopics), retain: true, qos: byte(r.IntN(3)), n: 1, clear: r.IntN(4) == 0, expiry: pick(r, expiriesOf)}
		if p.qos == 0 {
			return []step{p, {do: doPing}}
		}
		return []step{p}
	case n < 56:
		return []step{{do: doPause, pause: ms(r, 2, 80)}}
	case n < 61:
		return []step{{do: doStall, pause: ms(r, 20, 300)}}
	case n < 66:
		return []step{{do: doLazy, pause: ms(r, 0, 120)}}
	case n < 81:
		return []step{drawCut(r)}
	case n < 86:
		return []step{{do: doOpen, open: drawOpening(r, s, false)}} // a take-over, if it is connected
	case n < 89:
		return []step{{do: doBye, flag: s.version == 5 && r.IntN(4) == 0, expire: s.version == 5 && !steady && r.IntN(4) == 0}, {do: doPause, pause: ms(r, 5, 60)}}
	case steady:
		return []step{drawPublish(r)}
	case n < 94:
		return []step{{do: doSubscribe, sub: drawSubscription(r)}}
	case n < 98:
		return []step{{do: doUnsubscribe, sub: &subscribing{filter: pick(r, dataFilters)}}}
	default:
		o := drawOpening(r, s, false)
		o.clean = true
		return []step{{do: doOpen, open: o}, {do: doSubscribe, sub: drawSubscription(r)}}
	}
}

func drawPublish(r *rand.Rand) step {
	p := step{
		do: doPublish, topic: pick(r, sureTopics), qos: pick(r, []byte{0, 1, 1, 1, 2, 2}),
		n: pick(r, packetCounts), size: r.IntN(64), expiry: pick(r, expiriesOf),
	}
	switch r.IntN(40) {
	case 0:
		p.n = 300 + r.IntN(300) // more than waits in memory for one session
	case 1, 2:
		p.size, p.n = 100_000+r.IntN(200_000), 1+r.IntN(4) // more than waits in a connection's buffer
	}
	return p
}

func drawCut(r *rand.Rand) step {
	switch r.IntN(5) {
	case 0:
		return step{do: doCutOn, n: pick(r, cutTypes), flag: r.IntN(2) == 0}
	case 1:
		return step{do: doCutWriting, n: r.IntN(400)}
	case 2:
		return step{do: doCutReading, n: r.IntN(2000)}
	}
	return step{do: doCut, flag: r.IntN(2) == 0}
}
