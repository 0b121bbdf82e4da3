package delivery

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fitmq/fitmq/store"
)

// subscription is one session's interest in one filter. It is immutable: a
// changed subscription is a new one in the same place [MQTT-3.8.4-3].
type subscription struct {
	filter         string
	qos            byte
	noLocal        bool
	asPublished    bool // retain as published
	retainHandling byte
	id             uint32 // subscription identifier, 0 = none
	// since is the log position at which it was made: earlier messages are not
	// its business.
	since store.Pos
	// localSince is the same for the client's own messages, which No Local may
	// have kept from it until then.
	localSince store.Pos
	// asked is the number of the SUBSCRIBE whose retained messages are owed, 0
	// for none: see keptOwed.
	asked uint64
	// group is the shared subscription that this is a member's part of, or nil.
	group *group
	// born is the group's beginning, 0 where there is none.
	born store.Pos
}

// inner is the filter that topics are matched against.
func (sub *subscription) inner() string {
	if sub.group != nil {
		return sub.group.filter
	}
	return sub.filter
}

// target is one connected receiver of a topic, with everything that need not
// be worked out again for each message.
type target struct {
	s *Session
	l *link
	// qos, asPublished and ids merge the session's overlapping subscriptions
	// into one delivery of the highest QoS [MQTT-3.3.4-2] with all identifiers
	// [MQTT-3.3.4-4].
	qos         byte
	asPublished bool
	ids         []uint32
	since       store.Pos
	// local is what its own messages go out under, when that differs because
	// of No Local [MQTT-3.8.3-3]: nil = nothing at all.
	local    *target
	hasLocal bool
}

// matched is the answer to "who gets this topic". It is immutable and holds
// until a subscription that could change it has changed.
type matched struct {
	targets []target
	groups  []*group // shared subscriptions, each to be served once
	// durable: a session that outlives its connection wants the topic at QoS 1
	// or 2, connected or not, so a QoS 1 or 2 message must be in the log.
	durable bool

	// scope is the topic's counter; gen and wild are what the counters said.
	scope     *atomic.Uint64
	gen, wild uint64
}

// The generations are counted for the first two levels of a topic, hashed
// into this many counters. A filter that is literal there spoils only cached
// answers under its counter; any other spoils all.
const generations = 4096

// maxCached bounds what the answers kept hold: one for each topic and each
// receiver, about 100 bytes. When it is reached the cache starts anew: the price
// is one walk of the tree for each topic still in use.
const maxCached = 1 << 19

// index finds the receivers of a topic. Reading takes no lock that a
// subscriber's slowness could hold: only walks and changes of the tree do.
type index struct {
	seed maphash.Seed
	gens [generations]atomic.Uint64
	wild atomic.Uint64

	cache  sync.Map // topic string -> *matched
	cached atomic.Int64

	mu   sync.RWMutex // guards the tree
	root *node
	subs int
}

type node struct {
	children map[string]*node
	subs     map[*Session]*subscription
	groups   map[string]*group // shared subscriptions by key
}

func (n *node) empty() bool { return len(n.subs) == 0 && len(n.children) == 0 && len(n.groups) == 0 }

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), root: &node{}}
}

// scope returns the counter of a topic's or literal filter's first two levels.
func (x *index) scope(topic string) *atomic.Uint64 {
	return &x.gens[maphash.String(x.seed, firstTwo(topic))%generations]
}

func firstTwo(topic string) string {
	i := strings.IndexByte(topic, '/')
	if i < 0 {
		return topic
	}
	if j := strings.IndexByte(topic[i+1:], '/'); j >= 0 {
		return topic[:i+1+j]
	}
	return topic
}

// spoil makes cached answers that the filter could touch invalid.
func (x *index) spoil(filter string) {
	head := firstTwo(filter)
	if strings.ContainsAny(head, "+#") {
		x.wild.Add(1)
		return
	}
	x.scope(filter).Add(1)
	// `a/b/#` also matches `a/b`, which shares the counter; `a/#` has its
	// wildcard in the first two levels.
}

// set adds or replaces a subscription.
func (x *index) set(s *Session, sub *subscription) {
	x.mu.Lock()
	n := x.root.descend(sub.filter)
	if n.subs == nil {
		n.subs = make(map[*Session]*subscription, 1)
	}
	_, had := n.subs[s]
	n.subs[s] = sub
	if !had {
		x.subs++
	}
	x.mu.Unlock()
	x.spoil(sub.filter)
}

// descend returns the filter's node, made when missing.
func (n *node) descend(filter string) *node {
	for level := range strings.SplitSeq(filter, "/") {
		next := n.children[level]
		if next == nil {
			if n.children == nil {
				n.children = make(map[string]*node, 1)
			}
			next = &node{}
			n.children[level] = next
		}
		n = next
	}
	return n
}

// share adds a shared subscription, and counts its new member.
func (x *index) share(g *group) {
	x.mu.Lock()
	n := x.root.descend(g.filter)
	if n.groups == nil {
		n.groups = make(map[string]*group, 1)
	}
	n.groups[g.key] = g
	x.mu.Unlock()
	x.spoil(g.filter)
}

// unshare removes a shared subscription that has no members left.
func (x *index) unshare(g *group) {
	x.mu.Lock()
	x.root.remove(strings.Split(g.filter, "/"), func(n *node) bool {
		if n.groups[g.key] != g {
			return false
		}
		delete(n.groups, g.key)
		return true
	})
	x.mu.Unlock()
	x.spoil(g.filter)
}

// unset removes a subscription and reports whether there was one.
func (x *index) unset(s *Session, filter string) bool {
	x.mu.Lock()
	had := x.root.remove(strings.Split(filter, "/"), func(n *node) bool {
		_, had := n.subs[s]
		delete(n.subs, s)
		return had
	})
	if had {
		x.subs--
	}
	x.mu.Unlock()
	x.spoil(filter)
	return had
}

// remove takes something out of the filter's node and prunes what has become
// empty.
func (n *node) remove(levels []string, take func(*node) bool) (had bool) {
	if len(levels) == 0 {
		return take(n)
	}
	child := n.children[levels[0]]
	if child == nil {
		return false
	}
	had = child.remove(levels[1:], take)
	if child.empty() {
		delete(n.children, levels[0])
	}
	return had
}

func (x *index) count() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.subs
}

// valid reports whether an answer for the topic still holds.
func (x *index) valid(m *matched) bool {
	return m.wild == x.wild.Load() && m.gen == m.scope.Load()
}

// match returns who gets the topic. may is asked once for each session and
// answer, so a change of rights must spoil what it touches.
func (x *index) match(topic string, may func(*Session, string) bool) *matched {
	if v, ok := x.cache.Load(topic); ok {
		if m := v.(*matched); x.valid(m) {
			return m
		}
	}
	m := x.walk(topic, may)
	if _, loaded := x.cache.Swap(topic, m); !loaded && x.cached.Add(1+int64(len(m.targets))) > maxCached {
		x.cache.Clear()
		x.cached.Store(0)
	}
	return m
}

// walk finds the answer in the tree. The counters are read first: a change
// that comes in between makes the answer stale at once, never wrong for long.
func (x *index) walk(topic string, may func(*Session, string) bool) *matched {
	m := &matched{scope: x.scope(topic), wild: x.wild.Load()}
	m.gen = m.scope.Load()
	found := collector{bySession: map[*Session][]*subscription{}}
	x.mu.RLock()
	// Wildcards in the first level do not match topics that begin with $
	// [MQTT-4.7.2-1].
	found.walk(x.root, topic, !strings.HasPrefix(topic, "$"))
	x.mu.RUnlock()
	m.groups = found.groups
	for _, g := range m.groups {
		m.durable = m.durable || g.durable()
	}
	for _, s := range found.order {
		if !may(s, topic) {
			continue
		}
		subs := found.bySession[s]
		link, lasting := s.reach()
		t := merge(subs, nil)
		m.durable = m.durable || lasting && t.qos > 0
		if link == nil {
			continue
		}
		t.s, t.l = s, link
		t.setLocal(subs)
		m.targets = append(m.targets, t)
	}
	return m
}

// merge makes one target of a session's overlapping subscriptions.
func merge(subs []*subscription, skip func(*subscription) bool) target {
	t := target{since: ^store.Pos(0)}
	for _, sub := range subs {
		if skip != nil && skip(sub) {
			continue
		}
		t.qos = max(t.qos, sub.qos)
		t.asPublished = t.asPublished || sub.asPublished
		t.since = min(t.since, sub.since)
		if sub.id != 0 {
			t.ids = append(t.ids, sub.id)
		}
	}
	return t
}

// setLocal prepares what the session's own messages get when a subscription of
// its has No Local.
func (t *target) setLocal(subs []*subscription) {
	n := 0
	for _, sub := range subs {
		if sub.noLocal {
			n++
		}
	}
	if n == 0 {
		return
	}
	t.hasLocal = true
	if n == len(subs) {
		return
	}
	local := merge(subs, func(s *subscription) bool { return s.noLocal })
	local.s, local.l = t.s, t.l
	t.local = &local
}

// collector gathers the subscriptions on a walk, by session in order of finding.
type collector struct {
	bySession map[*Session][]*subscription
	order     []*Session
	groups    []*group
}

func (c *collector) add(n *node) {
	for s, sub := range n.subs {
		have := c.bySession[s]
		if have == nil {
			c.order = append(c.order, s)
		}
		c.bySession[s] = append(have, sub)
	}
	for _, g := range n.groups {
		c.groups = append(c.groups, g)
	}
}

func (c *collector) walk(n *node, topic string, wild bool) {
	if wild {
		if hash := n.children["#"]; hash != nil {
			c.add(hash) // also matches the parent level [MQTT-4.7.1-2]
		}
	}
	level, rest, more := strings.Cut(topic, "/")
	if child := n.children[level]; child != nil && level != "#" && level != "+" {
		c.step(child, rest, more)
	}
	if wild {
		if child := n.children["+"]; child != nil {
			c.step(child, rest, more)
		}
	}
}

func (c *collector) step(n *node, rest string, more bool) {
	if more {
		c.walk(n, rest, true)
		return
	}
	c.add(n)
	if hash := n.children["#"]; hash != nil {
		c.add(hash)
	}
}
