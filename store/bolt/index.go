package bolt

import (
	"strings"
	"sync"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// index tells which positions hold records of which topics. It lives in memory
// and is rebuilt by a scan at Open. The writer adds a commit's records under
// the write lock; readers copy out what they need under the read lock.
type index struct {
	mu     sync.RWMutex // guards everything below, postings included
	topics map[string]*postings
	root   node
	floor  store.Pos // entries before it are forgotten, though a chunk may hold some still
}

// node is a level of the topic trie, which wildcard filters walk. Most nodes
// have few children, so the map comes only when they are many.
type node struct {
	list *postings // of the topic that ends here, or nil
	few  []edge
	many map[string]*node
}

type edge struct {
	level string
	to    *node
}

// fewEdges is how many children a node keeps in a slice.
const fewEdges = 8

func newIndex() *index { return &index{topics: make(map[string]*postings)} }

func (n *node) child(level string) *node {
	if n.many != nil {
		return n.many[level]
	}
	for i := range n.few {
		if n.few[i].level == level {
			return n.few[i].to
		}
	}
	return nil
}

func (n *node) grow(level string) *node {
	to := new(node)
	switch {
	case n.many != nil:
		n.many[level] = to
	case len(n.few) < fewEdges:
		n.few = append(n.few, edge{level, to})
	default:
		n.many = make(map[string]*node, 2*fewEdges)
		for _, e := range n.few {
			n.many[e.level] = e.to
		}
		n.many[level] = to
		n.few = nil
	}
	return to
}

func (n *node) prune(level string) {
	if n.many != nil {
		delete(n.many, level)
		return
	}
	for i := range n.few {
		if n.few[i].level == level {
			last := len(n.few) - 1
			n.few[i] = n.few[last]
			n.few[last] = edge{}
			n.few = n.few[:last]
			return
		}
	}
}

func (n *node) empty() bool { return n.list == nil && len(n.few) == 0 && len(n.many) == 0 }

// each calls fn with every child.
func (n *node) each(fn func(level string, to *node)) {
	for i := range n.few {
		fn(n.few[i].level, n.few[i].to)
	}
	for level, to := range n.many {
		fn(level, to)
	}
}

// addLocked records that the topic has a record at pos. Positions rise.
func (x *index) addLocked(topic string, pos store.Pos, size int) {
	list := x.topics[topic]
	if list == nil {
		list = x.newTopic(topic)
	}
	list.add(pos, size)
}

// addRaw is addLocked for a topic in borrowed memory.
func (x *index) addRaw(topic []byte, pos store.Pos, size int) {
	list := x.topics[string(topic)] // the conversion does not allocate
	if list == nil {
		list = x.newTopic(string(topic))
	}
	list.add(pos, size)
}

func (x *index) newTopic(topic string) *postings {
	topic = strings.Clone(topic) // do not pin the buffer that it was cut from
	list := &postings{topic: topic}
	x.topics[topic] = list
	n := &x.root
	for level := range strings.SplitSeq(topic, "/") {
		to := n.child(level)
		if to == nil {
			to = n.grow(level)
		}
		n = to
	}
	n.list = list
	return list
}

// intern returns the topic as a string, without allocating for a known one.
func (x *index) intern(topic []byte) string {
	if len(topic) == 0 {
		return ""
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if list := x.topics[string(topic)]; list != nil {
		return list.topic
	}
	return string(topic)
}

// trim forgets what lies before the floor.
func (x *index) trim(floor store.Pos) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.floor = floor
	for topic, list := range x.topics {
		if !list.dropBefore(floor) {
			delete(x.topics, topic)
			x.root.remove(topic)
		}
	}
}

// remove takes a topic out of the trie, with the branches that then are bare.
func (n *node) remove(topic string) {
	level, rest, more := strings.Cut(topic, "/")
	to := n.child(level)
	if to == nil {
		return
	}
	if more {
		to.remove(rest)
	} else {
		to.list = nil
	}
	if to.empty() {
		n.prune(level)
	}
}

// matchLocked calls fn with the postings of every topic that the filter matches.
func (x *index) matchLocked(filter string, fn func(*postings)) {
	if !topics.HasWildcard(filter) {
		if list := x.topics[filter]; list != nil {
			fn(list)
		}
		return
	}
	level, rest, more := strings.Cut(filter, "/")
	if level != "+" && level != "#" {
		x.root.match(filter, fn)
		return
	}
	// A wildcard in the first level does not match $ topics [MQTT-4.7.2-1].
	x.root.each(func(name string, to *node) {
		switch {
		case strings.HasPrefix(name, "$"):
		case level == "#":
			to.all(fn)
		case more:
			to.match(rest, fn)
		case to.list != nil:
			fn(to.list)
		}
	})
}

// match walks the trie below n by the rest of a filter.
func (n *node) match(filter string, fn func(*postings)) {
	level, rest, more := strings.Cut(filter, "/")
	step := func(to *node) {
		switch {
		case more:
			to.match(rest, fn)
		case to.list != nil:
			fn(to.list)
		}
	}
	switch level {
	case "#":
		n.all(fn) // the parent level included
	case "+":
		n.each(func(_ string, to *node) { step(to) })
	default:
		if to := n.child(level); to != nil {
			step(to)
		}
	}
}

// all calls fn with everything at and below n.
func (n *node) all(fn func(*postings)) {
	if n.list != nil {
		fn(n.list)
	}
	n.each(func(_ string, to *node) { to.all(fn) })
}
