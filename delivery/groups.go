package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// groups is the shared subscriptions in force, by key.
type groups struct {
	hub *Hub

	mu    sync.Mutex // guards below; taken before a group's mu
	byKey map[string]*group

	// saved is what the table holds, by key: for checkpoints, which come one at
	// a time.
	saved map[string]string
	// recovered are the groups that stored sessions, the table and the log speak
	// of, by id, until the recovered subscriptions are in force; nil afterwards.
	recovered map[uint64]*group
}

func newGroups(h *Hub) *groups {
	return &groups{hub: h, byKey: map[string]*group{}, saved: map[string]string{}, recovered: map[uint64]*group{}}
}

func (gs *groups) all() []*group {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	return slices.Collect(maps.Values(gs.byKey))
}

// groupID stands for a shared subscription in log records.
func groupID(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.LittleEndian.Uint64(sum[:])
}

// recall returns the group that stored state speaks of. Only during recovery.
func (gs *groups) recall(id uint64) *group {
	g := gs.recovered[id]
	if g == nil {
		g = &group{hub: gs.hub, id: id, ended: true, out: map[store.Pos]struct{}{}, taken: map[store.Pos]struct{}{}}
		gs.recovered[id] = g
	}
	return g
}

// join puts the session into the group of its subscription. Nobody else has
// seen the subscription yet.
func (h *Hub) join(s *Session, sub *subscription) {
	gs := h.groups
	gs.mu.Lock()
	g := gs.byKey[sub.filter]
	if g == nil {
		g = gs.begin(sub)
		gs.byKey[sub.filter] = g
	}
	sub.group, sub.born = g, g.born
	g.mu.Lock()
	g.drop(s)
	g.members = append(g.members, &member{s: s, sub: sub})
	g.ended = false
	g.mu.Unlock()
	gs.mu.Unlock()
	h.index.share(g)
	h.catchUp.want(g)
}

// begin makes the group of its first member, or takes the recovered one. mu is
// held.
func (gs *groups) begin(sub *subscription) *group {
	_, inner, _, err := topics.SplitShared(sub.filter)
	if err != nil {
		inner = sub.filter // judged before: cannot be
	}
	id := groupID(sub.filter)
	g := gs.recovered[id]
	if g == nil {
		g = &group{hub: gs.hub, id: id, out: map[store.Pos]struct{}{}, taken: map[store.Pos]struct{}{}}
	}
	born := sub.since
	if gs.recovered != nil {
		born = sub.born
	}
	if g.key == "" || g.born != born {
		g.read = born // there is no row, or it is an earlier group's
	}
	g.key, g.filter, g.born, g.behind = sub.filter, inner, born, true
	return g
}

// leave takes a session out; the last one ends the group.
func (g *group) leave(s *Session) {
	gs := g.hub.groups
	gs.mu.Lock()
	g.mu.Lock()
	g.drop(s)
	last := len(g.members) == 0
	if last {
		g.ended, g.back, g.backBytes = true, nil, 0
		if gs.byKey[g.key] == g {
			delete(gs.byKey, g.key)
		}
	}
	g.mu.Unlock()
	gs.mu.Unlock()
	if last {
		g.hub.index.unshare(g)
		return
	}
	g.hub.index.spoil(g.filter)
}

// drop removes the session from the members; mu is held.
func (g *group) drop(s *Session) {
	g.members = slices.DeleteFunc(g.members, func(m *member) bool { return m.s == s })
}

// How far groups have come is kept behind, like the progress of sessions.
const tableGroups = "mqtt_groups" // key -> groupRow

type groupRow struct {
	Key    string      `json:"key"`
	Born   store.Pos   `json:"born"` // tells it from an earlier group with the same key
	Cursor store.Pos   `json:"cursor"`
	Taken  []store.Pos `json:"taken,omitempty"`
}

func (g *group) row() groupRow {
	r := groupRow{Key: g.key, Born: g.born, Cursor: g.cursor()}
	g.outMu.Lock()
	r.Taken = slices.Sorted(maps.Keys(g.taken))
	g.outMu.Unlock()
	return r
}

func (h *Hub) readGroups(ctx context.Context) error {
	var bad error
	err := h.store.Scan(ctx, tableGroups, "", "", func(v store.Value) bool {
		var r groupRow
		if bad = json.Unmarshal(v.Data, &r); bad != nil {
			bad = fmt.Errorf("shared subscription %q: %w", v.Key, bad)
			return false
		}
		h.groups.saved[r.Key] = string(v.Data)
		g := h.groups.recall(groupID(r.Key))
		g.key, g.born, g.read = r.Key, r.Born, r.Cursor
		for _, pos := range r.Taken {
			g.taken[pos] = struct{}{}
		}
		return true
	})
	if err != nil {
		return err
	}
	return bad
}

// replayTaken does again what a recorded step of a member's QoS 2 exchange
// meant to its group, whatever has become of the member.
func (g *group) replayTaken(step flowStep, pos store.Pos) {
	switch step {
	case flowSent, flowDone:
		g.taken[pos] = struct{}{}
	case flowDropped:
		delete(g.taken, pos)
	}
}

// writeGroups writes how far those have come that have moved, and removes those
// that have ended.
func (h *Hub) writeGroups(ctx context.Context) error {
	var puts []store.Put
	now := map[string]string{}
	for _, g := range h.groups.all() {
		data, err := json.Marshal(g.row())
		if err != nil {
			return fmt.Errorf("encode shared subscription %q: %w", g.key, err)
		}
		now[g.key] = string(data)
		if h.groups.saved[g.key] != now[g.key] {
			puts = append(puts, store.Put{Key: retainedKey(g.key), Data: data})
		}
	}
	for key := range h.groups.saved {
		if _, ok := now[key]; !ok {
			puts = append(puts, store.Put{Key: retainedKey(key)})
		}
	}
	if len(puts) == 0 {
		return nil
	}
	if err := h.store.PutMany(ctx, tableGroups, puts); err != nil {
		return err
	}
	h.groups.saved = now
	return nil
}
