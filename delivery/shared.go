package delivery

import (
	"context"
	"fmt"
	"sync"

	"github.com/fitmq/fitmq/store"
)

// group is a shared subscription: sessions that share the messages of one
// filter under one name, each message going to one of them [4.8.2]. Connected
// members are preferred, and what a member leaves unacknowledged goes to
// another. While no member is connected, what the group is owed stays in the
// log; it is read from the group's own cursor.
type group struct {
	hub    *Hub
	id     uint64 // of the key, as the log has it
	key    string // $share/name/filter
	filter string
	// born is the log position at its beginning: nothing before is its business,
	// nor what is stored of an earlier group with the same key. Like key and
	// filter it is set when the first member joins.
	born store.Pos

	// mu guards below, but for what outMu does. Lock order: the list of groups, mu,
	// a session's mu.
	mu      sync.Mutex
	members []*member
	next    int // whose turn it is
	read    store.Pos
	missed  store.Pos
	behind  bool
	ended   bool // has no members
	// back is what waits for a member with room: given back by members who left,
	// or in no log to wait in. Over the bounds of one session's queue what comes
	// new is dropped and counted; what is given back was within a member's.
	back      []queued
	backBytes int

	// outMu guards below; a leaf: it may be taken under any other lock.
	outMu sync.Mutex
	out   map[store.Pos]struct{} // handed out from the log and not acknowledged, nor taken
	// taken are positions over the cursor whose QoS 2 delivery has begun: they are
	// one session's, even when that has ended [MQTT-4.8.2-5]. Bounded by what the
	// log keeps behind a QoS 1 delivery that is not acknowledged.
	taken map[store.Pos]struct{}
}

type member struct {
	s   *Session
	sub *subscription
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
	logged := m.logged()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended || logged && pos <= g.read {
		return
	}
	if logged && g.behind {
		g.missed = max(g.missed, pos)
		return
	}
	if g.hand(m, b) {
		if logged {
			g.read = pos
		}
		return
	}
	messages, bytes := g.hub.queueBounds()
	switch {
	case g.nobodyMay(m.Topic):
		g.hub.stats.Dropped.NoRight.Add(1)
		if logged {
			g.read = pos
		}
	case logged:
		g.behind, g.missed = true, pos
	case m.QoS > 0 && len(g.back) < messages && g.backBytes+m.size() <= bytes:
		g.wait(queued{m: m})
	default:
		g.hub.stats.Dropped.QueueFull.Add(1)
	}
}

// wait keeps q until a member has room; mu is held.
func (g *group) wait(q queued) {
	g.back = append(g.back, q)
	g.backBytes += q.m.size()
}

// logged reports whether the message waits in the log for a group.
func (m *Message) logged() bool { return m.Pos() != 0 && !m.State && m.QoS > 0 }

// hand gives the message to the next member that has room; mu is held.
func (g *group) hand(m *Message, b *batch) bool {
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
			if m.logged() {
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
	if s.link.Load() != l || s.ended || s.out.len() >= spill || l.congested() {
		return false // who makes room wants the group to go on
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

// begun notes that a member's QoS 2 delivery of the message has begun: the group
// does not wait for its end. It may be called under a session's mu.
func (g *group) begun(pos store.Pos) {
	g.outMu.Lock()
	defer g.outMu.Unlock()
	delete(g.out, pos)
	g.taken[pos] = struct{}{}
}

// isTaken reports whether the message is one session's.
func (g *group) isTaken(pos store.Pos) bool {
	g.outMu.Lock()
	defer g.outMu.Unlock()
	_, ok := g.taken[pos]
	return ok
}

// done notes that a member has acknowledged, and goes on when the group waits
// for room. It may be called under a session's mu.
func (g *group) done(pos store.Pos) {
	if pos == 0 {
		return
	}
	g.forget(pos)
	g.hub.catchUp.want(g)
}

func (g *group) forget(pos store.Pos) {
	g.outMu.Lock()
	defer g.outMu.Unlock()
	delete(g.out, pos)
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
		if q.m != nil && h.isExpired(q.m) { // it may begin nowhere any more [MQTT-3.3.2-5]
			h.stats.Dropped.Expired.Add(1)
			q.m = nil
		}
		if q.m == nil {
			g.done(q.pos)
			continue
		}
		g.mu.Lock()
		switch {
		case g.hand(q.m, &b) || g.ended:
		case g.nobodyMay(q.m.Topic):
			g.refuse(q.m)
		default:
			g.wait(q)
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
	gone := max(at+1, g.hub.store.Floor()) // the first position that can be read again
	for pos := range g.taken {
		if pos < gone {
			delete(g.taken, pos)
		}
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
		owed := m.route && m.logged() && !g.hub.isExpired(m) && !g.isTaken(e.Pos)
		if owed && !g.hand(m, &b) {
			if !g.nobodyMay(m.Topic) {
				return nil // an acknowledgement or a returning member goes on
			}
			g.hub.stats.Dropped.NoRight.Add(1)
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
		m := g.back[0].m
		if g.hub.isExpired(m) {
			g.hub.stats.Dropped.Expired.Add(1)
			g.forget(m.Pos())
		} else if !g.hand(m, b) {
			if !g.nobodyMay(m.Topic) {
				return false
			}
			g.refuse(m)
		}
		g.back[0] = queued{}
		g.back = g.back[1:]
		g.backBytes -= m.size()
	}
	g.back = nil
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
