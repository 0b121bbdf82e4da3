// Package torture_test drives the built program with random clients that cut
// their connections and with a broker that is killed, records everything that
// the clients saw, and judges the record by what the broker promises.
//
// One seed gives one schedule of actions: who connects how, publishes what,
// cuts where, and when the broker is killed. How the actions interleave is up
// to the machine, so a seed that fails may need several runs to fail again.
package torture_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// kind is what happened. Where it matters, an event is recorded before the
// bytes are written and after they are read, so that what the record says has
// happened before something else has indeed.
type kind uint8

const (
	kConnect     kind = iota + 1 // CONNECT is about to be sent; flag = clean start, n = expiry
	kConnack                     // CONNACK 0 came; flag = session present
	kClosed                      // the connection is over; flag = the broker closed it
	kBye                         // DISCONNECT is about to be sent; n = 0x04 with will; flag = session ends
	kSubscribe                   // SUBSCRIBE is about to be sent
	kSuback                      // SUBACK came; qos = granted
	kUnsubscribe                 // UNSUBSCRIBE is about to be sent
	kPublish                     // a PUBLISH is about to be sent; n = message expiry interval
	kAcked                       // PUBACK or PUBREC came
	kRecv                        // a PUBLISH came; n = message expiry interval
	kRelease                     // PUBREL came
	kReleasing                   // PUBREL is about to be sent
	kComplete                    // PUBCOMP came
	kAck                         // PUBACK or PUBCOMP is about to be sent
	kPing                        // PINGREQ is about to be sent
	kPong                        // PINGRESP came
	kRead                        // all retained messages that match topic have come since event n; flag = none must
	kFault                       // the client saw something that it can judge itself; note = what
	kKill                        // the broker is about to be killed
	kStop                        // the broker is about to get SIGTERM
	kUp                          // the broker listens again
)

var kindNames = map[kind]string{
	kConnect: "CONNECT>", kConnack: "<CONNACK", kClosed: "closed", kBye: "DISCONNECT>", kSubscribe: "SUBSCRIBE>",
	kSuback: "<SUBACK", kUnsubscribe: "UNSUBSCRIBE>", kPublish: "PUBLISH>", kAcked: "<acknowledged", kRecv: "<PUBLISH",
	kRelease: "<PUBREL", kReleasing: "PUBREL>", kComplete: "<PUBCOMP", kAck: "acknowledge>", kPing: "PINGREQ>", kPong: "<PINGRESP", kRead: "has read", kFault: "FAULT",
	kKill: "kill -9", kStop: "SIGTERM", kUp: "broker up",
}

// Classes of messages. Each publisher counts each class of each topic.
const (
	classSure = 'd' // QoS 1 and 2: one order for both
	classZero = 'z' // QoS 0
	classWill = 'w' // seq is the connection that left it
)

// event is one line of the record. Fields that a kind does not use are zero.
type event struct {
	at   int64         // place in the record, from 1
	when time.Duration // since the round began
	who  string        // client; "" = the broker
	conn int           // which connection of the client, from 1
	kind kind

	topic string // or filter
	msg   ident
	id    uint16
	qos   byte
	dup   bool
	ret   bool
	flag  bool
	n     int64
	open  *opening     // of kConnect
	sub   *subscribing // of kSubscribe, kSuback
	subs  []uint32     // of kRecv: subscription identifiers
	note  string
}

// ident tells a message from all others; of one that clears a retained
// message (its payload is empty) only clear is set.
type ident struct {
	pub   string
	class byte
	seq   int
	clear bool
}

// stream is what has an order.
type stream struct {
	pub, topic string
	class      byte
}

func (e *event) stream() stream { return stream{e.msg.pub, e.topic, e.msg.class} }

func (e *event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6d %8.3fs %s/%d %s", e.at, e.when.Seconds(), e.who, e.conn, kindNames[e.kind])
	if e.topic != "" {
		fmt.Fprintf(&b, " %q", e.topic)
	}
	switch e.kind {
	case kPublish, kRecv, kAcked:
		name := "clearing"
		if !e.msg.clear {
			name = fmt.Sprintf("%s %c%d", e.msg.pub, e.msg.class, e.msg.seq)
		}
		fmt.Fprintf(&b, " %s id=%d qos=%d dup=%t retain=%t expiry=%d %v", name, e.id, e.qos, e.dup, e.ret, e.n, e.subs)
	case kConnect:
		plain := *e.open
		plain.will = nil
		fmt.Fprintf(&b, " %+v", plain)
		if e.open.will != nil {
			fmt.Fprintf(&b, " will %+v", *e.open.will)
		}
	case kConnack:
		fmt.Fprintf(&b, " present=%t", e.flag)
	case kSubscribe, kSuback:
		fmt.Fprintf(&b, " id=%d qos=%d %+v", e.id, e.qos, *e.sub)
	case kAck, kRelease, kReleasing, kComplete:
		fmt.Fprintf(&b, " id=%d qos=%d", e.id, e.qos)
	case kClosed, kBye, kRead:
		fmt.Fprintf(&b, " flag=%t n=%d", e.flag, e.n)
	}
	if e.note != "" {
		b.WriteString(" " + e.note)
	}
	return b.String()
}

// history is the record of one round.
type history struct {
	round int
	began time.Time

	mu     sync.Mutex // guards events
	events []event
}

func newHistory(round int) *history { return &history{round: round, began: time.Now()} }

// add records e and returns its place.
func (h *history) add(e event) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.at = int64(len(h.events)) + 1
	e.when = time.Since(h.began)
	h.events = append(h.events, e)
	return e.at
}

// all returns the record so far.
func (h *history) all() []event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events[:len(h.events):len(h.events)]
}

// payload is what a message carries: its identity, then filling.
func payload(round int, m ident, size int) []byte {
	b := fmt.Appendf(nil, "%d|%s|%c|%d|", round, m.pub, m.class, m.seq)
	for len(b) < size {
		b = append(b, 'x')
	}
	return b
}

// parsePayload reads an identity back. Empty payloads are clearings.
func parsePayload(b []byte) (round int, m ident, ok bool) {
	if len(b) == 0 {
		return 0, ident{clear: true}, true
	}
	parts := strings.SplitN(string(b), "|", 5)
	if len(parts) != 5 || len(parts[2]) != 1 {
		return 0, ident{}, false
	}
	round, err1 := strconv.Atoi(parts[0])
	seq, err2 := strconv.Atoi(parts[3])
	return round, ident{pub: parts[1], class: parts[2][0], seq: seq}, err1 == nil && err2 == nil
}

// matches reports whether the filter matches the topic; both are valid and
// neither begins with $.
func matches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		if level == "#" {
			return true
		}
		if i >= len(t) || level != "+" && level != t[i] {
			return false
		}
	}
	return len(f) == len(t)
}
