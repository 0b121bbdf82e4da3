package delivery

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/topics"
)

// retained keeps the newest retained message of each topic [MQTT-3.3.1-5]. All
// of them are in memory; the checkpoint writes what has changed, and the log
// has what the checkpoint has not.
type retained struct {
	mu    sync.RWMutex // guards below
	root  *retainedNode
	count int
	bytes int64
	// changed are topics to be written by the next checkpoint.
	changed map[string]struct{}
	// gone are topics whose message was removed a moment ago, with the order of
	// the removal: what was accepted before it and commits after it is too late.
	gone, gonePrev map[string]uint64

	accepted atomic.Uint64 // messages to be retained that were accepted
}

type retainedNode struct {
	children map[string]*retainedNode
	m        *Message
}

func newRetained() *retained {
	return &retained{
		root: &retainedNode{}, changed: map[string]struct{}{},
		gone: map[string]uint64{}, gonePrev: map[string]uint64{},
	}
}

// set keeps m, or removes what is kept when its payload is empty
// [MQTT-3.3.1-6], [MQTT-3.3.1-7].
func (r *retained) set(m *Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.at(m.Topic); old != nil && old.same(m) {
		old.setPos(m.Pos()) // read from the disk: this one had not learned its place
		r.changed[m.Topic] = struct{}{}
		return
	}
	if r.newest(m.Topic) > m.order {
		return // a later one was faster: it had not to wait for the log
	}
	if !strings.HasPrefix(m.Topic, "$") { // $SYS is only true while it is new
		r.changed[m.Topic] = struct{}{}
	}
	r.put(m)
}

// same reports whether other is m as read from the log.
func (m *Message) same(other *Message) bool {
	return m.Pos() == 0 && other.Pos() != 0 && other.order == 0 && m.order != 0 && m.At == other.At && m.From.ClientID == other.From.ClientID
}

// newest is the order of what the topic holds, or of its removal; mu is held.
func (r *retained) newest(topic string) uint64 {
	at := max(r.gone[topic], r.gonePrev[topic])
	if m := r.at(topic); m != nil {
		at = max(at, m.order)
	}
	return at
}

// settled forgets removals that nothing on its way can be older than: it is
// called now and then while nothing waits for the log.
func (r *retained) settled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.gone)+len(r.gonePrev) > 0 {
		r.gone, r.gonePrev = map[string]uint64{}, r.gone
	}
}

func (r *retained) put(m *Message) {
	if len(m.Payload) == 0 {
		if m.order > 0 {
			r.gone[m.Topic] = m.order
		}
		r.root.remove(r, strings.Split(m.Topic, "/"))
		return
	}
	n := r.root
	for level := range strings.SplitSeq(m.Topic, "/") {
		next := n.children[level]
		if next == nil {
			next = &retainedNode{}
			if n.children == nil {
				n.children = make(map[string]*retainedNode, 1)
			}
			n.children[level] = next
		}
		n = next
	}
	if n.m == nil {
		r.count++
	} else {
		r.bytes -= int64(n.m.size())
	}
	r.bytes += int64(m.size())
	n.m = m
}

func (n *retainedNode) remove(r *retained, levels []string) {
	if len(levels) == 0 {
		if n.m != nil {
			r.count--
			r.bytes -= int64(n.m.size())
			n.m = nil
		}
		return
	}
	child := n.children[levels[0]]
	if child == nil {
		return
	}
	child.remove(r, levels[1:])
	if child.m == nil && len(child.children) == 0 {
		delete(n.children, levels[0])
	}
}

// get returns a topic's retained message, or nil.
func (r *retained) get(topic string) *Message {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.at(topic)
}

func (r *retained) at(topic string) *Message {
	n := r.root
	for level := range strings.SplitSeq(topic, "/") {
		if n = n.children[level]; n == nil {
			return nil
		}
	}
	return n.m
}

// find returns the retained messages that a filter matches.
func (r *retained) find(filter string) []*Message {
	var list []*Message
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.root.find(strings.Split(filter, "/"), true, func(m *Message) { list = append(list, m) })
	return list
}

func (n *retainedNode) find(levels []string, first bool, fn func(*Message)) {
	if len(levels) == 0 {
		if n.m != nil {
			fn(n.m)
		}
		return
	}
	switch levels[0] {
	case "#":
		n.all(first, fn)
	case "+":
		for name, child := range n.children {
			if !first || !strings.HasPrefix(name, "$") { // [MQTT-4.7.2-1]
				child.find(levels[1:], false, fn)
			}
		}
	default:
		if child := n.children[levels[0]]; child != nil {
			child.find(levels[1:], false, fn)
		}
	}
}

// all visits a node and what is below it: `#` includes the parent [MQTT-4.7.1-2].
func (n *retainedNode) all(first bool, fn func(*Message)) {
	if n.m != nil {
		fn(n.m)
	}
	for name, child := range n.children {
		if !first || !strings.HasPrefix(name, "$") {
			child.all(false, fn)
		}
	}
}

// takeChanged returns the topics that have changed since the last call.
func (r *retained) takeChanged() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]string, 0, len(r.changed))
	for topic := range r.changed {
		list = append(list, topic)
	}
	clear(r.changed)
	return list
}

func (r *retained) giveBack(list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, topic := range list {
		r.changed[topic] = struct{}{}
	}
}

func (r *retained) size() (count int, bytes int64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.count, r.bytes
}

// stateSlack covers what was accepted before a session's connection went and
// routed after: it may come twice, but is not missed.
const stateSlack = 2 * time.Second

// offerNewerState gives a returning session the newest value of each state
// topic that has changed since it left: once, never a backlog.
func (h *Hub) offerNewerState(s *Session, l *link) {
	s.mu.Lock()
	from := s.out.stateFrom - int64(stateSlack)
	s.mu.Unlock()
	now := h.now()
	seen := map[string]*target{}
	for _, sub := range s.snapshot() {
		if sub.group != nil {
			continue
		}
		for _, m := range h.retained.find(sub.filter) {
			own := sub.noLocal && m.From.ClientID == s.id
			if !m.State || m.At < from || own || m.expired(now) || !topics.Match(sub.filter, m.Topic) {
				continue
			}
			t := seen[m.Topic]
			if t == nil {
				t = &target{s: s, l: l}
				seen[m.Topic] = t
			}
			t.qos = max(t.qos, sub.qos)
			t.asPublished = t.asPublished || sub.asPublished
			if sub.id != 0 {
				t.ids = append(t.ids, sub.id)
			}
		}
	}
	for topic, t := range seen {
		m := h.retained.get(topic)
		if m != nil && h.mayReceive(s, topic) {
			h.deliverKept(t, m, keptNewer, &l.dirty)
		}
	}
}
