package delivery

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// group is a shared subscription: sessions that share the messages of one
// filter under one name, each message going to one of them [4.8.2]. Connected
// members are preferred, and what a member leaves unacknowledged goes to
// another. While no member is connected, what the group is owed stays in the
// log; it is read from the group's own cursor.
type group struct {
	hub    *Hub
	key    string // $share/name/filter
	filter string

	// mu guards below, but for out. Lock order: mu before a session's mu.
	mu      sync.Mutex
	members []*member
	next    int // whose turn it is
	read    store.Pos
	missed  store.Pos
	behind  bool
	ended   bool
	back    []queued // given back by members who left, to be handed on first

	// outMu guards out; a leaf: it may be taken under any other lock.
	outMu sync.Mutex
	out   map[store.Pos]struct{} // handed out from the log and not acknowledged
}

type member struct {
	s   *Session
	sub *subscription
}

// groups is the shared subscriptions in force, by key.
type groups struct {
	mu    sync.Mutex
	byKey map[string]*group
	saved map[string]store.Pos // cursors as last written
	// taken are log positions that a recovered session has in a QoS 2 exchange:
	// they belong to that session, not to its group any more [MQTT-4.8.2-5].
	// Only written during recovery.
	taken map[store.Pos]struct{}
	// orphan stands for the group of a recovered QoS 2 exchange.
	orphan *group
}

func newGroups(h *Hub) *groups {
	return &groups{
		byKey: map[string]*group{}, saved: map[string]store.Pos{}, taken: map[store.Pos]struct{}{},
		orphan: &group{hub: h, ended: true, out: map[store.Pos]struct{}{}},
	}
}

func (gs *groups) all() []*group {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	list := make([]*group, 0, len(gs.byKey))
	for _, g := range gs.byKey {
		list = append(list, g)
	}
	return list
}

// join puts the session into the group of its subscription.
func (h *Hub) join(s *Session, sub *subscription) *group {
	_, inner, _, err := topics.SplitShared(sub.filter)
	if err != nil {
		inner = sub.filter // judged before: cannot be
	}
	h.groups.mu.Lock()
	g := h.groups.byKey[sub.filter]
	if g == nil {
		g = &group{hub: h, key: sub.filter, filter: inner, read: sub.since, behind: true, out: map[store.Pos]struct{}{}}
		if at, ok := h.groups.saved[sub.filter]; ok {
			g.read = at
		}
		h.groups.byKey[sub.filter] = g
	}
	h.groups.mu.Unlock()
	g.mu.Lock()
	g.drop(s)
	g.members = append(g.members, &member{s: s, sub: sub})
	g.mu.Unlock()
	h.index.share(g)
	h.catchUp.want(g)
	return g
}

// leave takes a session out; the last one ends the group.
func (g *group) leave(s *Session) {
	g.mu.Lock()
	g.drop(s)
	last := len(g.members) == 0
	g.ended = last
	g.mu.Unlock()
	if last {
		g.hub.groups.mu.Lock()
		if g.hub.groups.byKey[g.key] == g {
			delete(g.hub.groups.byKey, g.key)
		}
		g.hub.groups.mu.Unlock()
		g.hub.index.unshare(g)
		return
	}
	g.hub.index.spoil(g.filter)
}

// drop removes the session from the members; mu is held.
func (g *group) drop(s *Session) {
	for i, m := range g.members {
		if m.s == s {
			g.members = append(g.members[:i:i], g.members[i+1:]...)
			return
		}
	}
}

// durable reports whether a member outlives its connection and wants QoS over 0.
func (g *group) durable() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if m.sub.qos > 0 && m.s.lasting.Load() {
			return true
		}
	}
	return false
}

// offer gives a message to one member. A message of the log that nobody can
// take now stays there.
func (g *group) offer(m *Message, b *batch) {
	pos := m.Pos()
	logged := pos != 0 && !m.State && m.QoS > 0
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended || logged && pos <= g.read {
		return
	}
	if logged && g.behind {
		g.missed = max(g.missed, pos)
		return
	}
	if g.hand(m, logged, b) {
		if logged {
			g.read = pos
		}
		return
	}
	if logged {
		g.behind, g.missed = true, pos
		return
	}
	g.hub.stats.Dropped.QueueFull.Add(1)
}

// hand gives the message to the next member that has room; mu is held.
func (g *group) hand(m *Message, logged bool, b *batch) bool {
	for range g.members {
		g.next = (g.next + 1) % len(g.members)
		mb := g.members[g.next]
		l, _ := mb.s.reach()
		if l == nil || !g.hub.mayReceive(mb.s, m.Topic) {
			continue
		}
		q := queued{m: m, qos: min(mb.sub.qos, m.QoS), retain: m.Retain && mb.sub.asPublished}
		if mb.sub.id != 0 {
			q.ids = []uint32{mb.sub.id}
		}
		if q.qos > 0 {
			q.share = g
			if logged {
				q.pos = m.Pos()
			}
		}
		if mb.s.takeShared(l, q, b) {
			return true
		}
	}
	return false
}

// takeShared queues a group's message for this member, or says that it has no
// room.
func (s *Session) takeShared(l *link, q queued, b *batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.Load() != l || s.ended || s.out.len() >= spill || l.conn.Buffered() > s.hub.memory.congested() {
		return false
	}
	if q.share != nil && q.pos != 0 {
		q.share.handedOut(q.pos)
	}
	if s.out.len() > 0 || !s.send(l, q, b) {
		s.out.push(q)
		s.pump(l, b)
	}
	return true
}

func (g *group) handedOut(pos store.Pos) {
	g.outMu.Lock()
	defer g.outMu.Unlock()
	g.out[pos] = struct{}{}
}

// done notes that a member has acknowledged, and goes on when the group waits
// for room. It may be called under a session's mu.
func (g *group) done(pos store.Pos) {
	if pos == 0 {
		return
	}
	g.outMu.Lock()
	delete(g.out, pos)
	g.outMu.Unlock()
	g.hub.catchUp.want(g)
}

// giveBack takes what a member left undone and hands it on. No lock is held.
func (h *Hub) giveBack(list []queued) {
	var b batch
	for _, q := range list {
		g := q.share
		q.share = nil
		if q.m == nil {
			q.m = h.load(q.pos)
		}
		if q.m == nil {
			g.done(q.pos)
			continue
		}
		g.mu.Lock()
		if !g.hand(q.m, q.pos != 0, &b) && q.pos != 0 {
			g.back = append(g.back, q)
		}
		g.mu.Unlock()
	}
	b.flush()
}

// cursor is the position up to which all has been acknowledged.
func (g *group) cursor() store.Pos {
	g.mu.Lock()
	at := g.read
	g.mu.Unlock()
	g.outMu.Lock()
	defer g.outMu.Unlock()
	for pos := range g.out {
		at = min(at, pos-1)
	}
	return at
}

// name says what a failed reading was for.
func (g *group) name() string { return g.key }

// fail has nobody to tell: the members are served again at the next message.
func (g *group) fail(string) {}

// readOn hands out what the group is owed from the log, as far as its members
// have room.
func (g *group) readOn(ctx context.Context) error {
	var b batch
	defer b.flush()
	g.mu.Lock()
	wanted := g.handBack(&b) && g.behind && !g.ended && g.anyRoom()
	from := g.read
	g.mu.Unlock()
	if !wanted {
		return nil
	}
	head, _ := g.hub.store.Applied()
	entries, err := g.hub.store.Read(ctx, []store.Span{{Filter: g.filter, After: from}}, head, catchUpBatch)
	if err != nil {
		return fmt.Errorf("shared subscription %s: %w", g.key, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.read != from {
		return nil // another reading was faster
	}
	for _, e := range entries {
		m, err := decodeEntry(e)
		if err != nil {
			return err
		}
		_, taken := g.hub.groups.taken[e.Pos]
		owed := m.route && !m.State && m.QoS > 0 && !g.hub.isExpired(m) && !taken
		if owed && !g.hand(m, true, &b) {
			return nil // an acknowledgement or a returning member goes on
		}
		g.read = e.Pos
	}
	if len(entries) == catchUpBatch {
		g.hub.catchUp.want(g)
		return nil
	}
	g.read = max(g.read, head)
	if g.missed <= head {
		g.behind = false
	} else {
		g.hub.catchUp.want(g)
	}
	return nil
}

// handBack hands on what members left; mu is held.
func (g *group) handBack(b *batch) bool {
	for len(g.back) > 0 {
		if !g.hand(g.back[0].m, true, b) {
			return false
		}
		g.back = g.back[1:]
	}
	return true
}

// anyRoom reports whether a member is connected and could take a message.
func (g *group) anyRoom() bool {
	for _, m := range g.members {
		if l, _ := m.s.reach(); l != nil && m.s.hasRoom() {
			return true
		}
	}
	return false
}

func (s *Session) hasRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.len() < spill
}

// Groups' cursors are kept behind, like those of sessions.
const tableGroups = "mqtt_groups"

func (h *Hub) readGroups(ctx context.Context) error {
	return h.store.Scan(ctx, tableGroups, "", "", func(v store.Value) bool {
		if len(v.Data) >= 8 {
			h.groups.saved[string(v.Data[8:])] = store.Pos(binary.BigEndian.Uint64(v.Data))
		}
		return true
	})
}

// writeGroups writes the cursors that have moved, and removes those of groups
// that have ended.
func (h *Hub) writeGroups(ctx context.Context) error {
	list := h.groups.all()
	h.groups.mu.Lock()
	var puts []store.Put
	for key := range h.groups.saved {
		if h.groups.byKey[key] == nil {
			puts = append(puts, store.Put{Key: retainedKey(key)})
		}
	}
	h.groups.mu.Unlock()
	now := map[string]store.Pos{}
	for _, g := range list {
		at := g.cursor()
		now[g.key] = at
		if was, ok := h.groups.saved[g.key]; !ok || was != at {
			data := append(binary.BigEndian.AppendUint64(nil, uint64(at)), g.key...)
			puts = append(puts, store.Put{Key: retainedKey(g.key), Data: data})
		}
	}
	if len(puts) == 0 {
		return nil
	}
	if err := h.store.PutMany(ctx, tableGroups, puts); err != nil {
		return err
	}
	h.groups.mu.Lock()
	h.groups.saved = now
	h.groups.mu.Unlock()
	return nil
}
