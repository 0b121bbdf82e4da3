package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/preference"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// States of a user's presence.
const (
	Online  = "online"  // a client is connected and in use
	Away    = "away"    // all of them are idle, or have said so
	Offline = "offline" // none is connected, for longer than the grace
)

// Presence is the payload of user/{uid}/presence, merged over all of the user's
// clients. LastSeen is when the user was last known to be active, or to be
// connected where State is offline.
type Presence struct {
	UserID   string    `json:"userId"`
	State    string    `json:"state"`
	LastSeen time.Time `json:"lastSeen,omitzero"`
}

const (
	tablePresence = "presence" // uid: presenceRecord
	keySeen       = "seen"     // in tableEngine: when the broker last ran with somebody online

	// presenceEvery is the least time between two states of one user: who
	// connects again and again costs no more than that.
	presenceEvery = time.Second
	// presenceKept is after how long nobody knows of a user's last visit any more.
	presenceKept = 30 * 24 * time.Hour
	// seenEvery is how exact LastSeen is for those whom a crash cut off.
	seenEvery = time.Minute
)

// presenceRecord is what is stored of a user's presence.
type presenceRecord struct {
	LastSeen time.Time `json:"lastSeen"`
	Online   bool      `json:"online,omitempty"`
}

// visitor is a user who is connected, or was. presence.mu guards it.
type visitor struct {
	clients  map[string]*client
	state    string    // as published last, "" for not at all
	lastSeen time.Time // as published last, or when the last client went
	grace    time.Time // with no clients: offline from then on
	next     time.Time // nothing is published before
	hidden   time.Time // when the presence became private
	gone     bool      // the user was deleted: nothing stays once the last client has gone
}

// online reports whether the user has a connected client.
func (p *presence) online(userID string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v := p.visitors[userID]
	return v != nil && len(v.clients) > 0
}

// visitor returns the user's, made where there is none. p.mu is held.
func (p *presence) visitor(userID string) *visitor {
	v := p.visitors[userID]
	if v == nil {
		v = &visitor{clients: make(map[string]*client)}
		p.visitors[userID] = v
	}
	return v
}

// arrived notes a client of the user's. p.mu is held.
func (p *presence) arrived(c *client, at time.Time) {
	c.active.Store(at.UnixMilli())
	if id := c.sender.UserID; id != "" {
		v := p.visitor(id)
		v.clients[c.sender.ClientID], v.gone = c, false
		p.due.add(id, at)
	}
}

// departed notes that a client of the user's is gone. p.mu is held.
func (p *presence) departed(c *client, at time.Time, grace time.Duration) {
	id := c.sender.UserID
	if id == "" {
		return
	}
	v := p.visitor(id)
	delete(v.clients, c.sender.ClientID)
	v.lastSeen = at
	if len(v.clients) == 0 {
		if v.gone {
			grace = 0
		}
		v.grace = at.Add(grace)
		p.due.add(id, v.grace)
		return
	}
	p.due.add(id, at)
}

// touch notes that the client has done something.
func (p *presence) touch(clientID string, at time.Time) {
	p.mu.RLock()
	c := p.clients[clientID]
	p.mu.RUnlock()
	if c == nil {
		return
	}
	c.active.Store(at.UnixMilli())
	if c.idle.CompareAndSwap(true, false) {
		p.look(c.sender.UserID, at)
	}
}

// look has the user's presence looked at.
func (p *presence) look(userID string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due.add(userID, at)
}

// judge returns the user's state and when to look again. p.mu is held.
func (v *visitor) judge(now time.Time, awayAfter time.Duration) (state string, again time.Time) {
	if len(v.clients) == 0 {
		if now.Before(v.grace) {
			return v.state, v.grace
		}
		return Offline, v.lastSeen.Add(presenceKept)
	}
	var active, inUse time.Time
	for _, c := range v.clients {
		at := time.UnixMilli(c.active.Load()).UTC()
		if at.After(active) {
			active = at
		}
		if !c.away.Load() && at.After(inUse) {
			inUse = at
		}
	}
	v.lastSeen = active
	idle := awayAfter > 0 && !inUse.Add(awayAfter).After(now)
	if inUse.IsZero() || idle {
		for _, c := range v.clients {
			c.idle.Store(true)
		}
		return Away, never
	}
	if awayAfter <= 0 {
		return Online, never
	}
	return Online, inUse.Add(awayAfter)
}

// tickPresence publishes whose presence has changed, with at most budget
// messages, and returns what is left of the budget.
func (e *Engine) tickPresence(now time.Time, budget int) int {
	p := &e.presence
	var send []Outgoing
	var gone []string
	var hidden []string // whose presence is no business of others any more
	p.mu.Lock()
	for _, id := range p.due.take(now, budget) {
		v := p.visitors[id]
		if v == nil {
			continue
		}
		state, again := v.judge(now, e.opt.PresenceAway)
		switch {
		case state == Offline && (v.gone || !v.lastSeen.Add(presenceKept).After(now)):
			delete(p.visitors, id)
			send = append(send, Outgoing{Topic: topics.UserPresenceTopic(id), QoS: 1, Retain: true, State: true})
			p.dirty[id] = struct{}{}
			continue
		case state == v.state:
		case v.next.After(now):
			again = v.next
		case state != "":
			v.state, v.next = state, now.Add(presenceEvery)
			if !v.hidden.IsZero() {
				v.hidden = time.Time{}
				hidden = append(hidden, id)
			}
			send = append(send, Outgoing{
				Topic: topics.UserPresenceTopic(id), Payload: encode(v.shown(id)), QoS: 1, Retain: true, State: true,
			})
			p.dirty[id] = struct{}{}
			if state == Offline {
				gone = append(gone, id)
			}
		}
		if again != never {
			p.due.add(id, again)
		}
	}
	p.mu.Unlock()
	e.revoke(hidden...)
	for _, m := range send {
		e.out.push(m)
	}
	for _, id := range gone {
		e.notes.desk.look(id, now)
	}
	return budget - len(send)
}

// shown is the presence as others see it. p.mu is held.
func (v *visitor) shown(userID string) Presence {
	state := v.state
	if state == "" { // not published yet, or to be published anew
		state = Offline
		for _, c := range v.clients {
			if state = Away; !c.away.Load() {
				state = Online
				break
			}
		}
	}
	return Presence{UserID: userID, State: state, LastSeen: moment(v.lastSeen)}
}

// PresenceOf returns the user's presence, offline where nothing is known. Whether
// the asker may know it is PresenceVisible's to say.
func (e *Engine) PresenceOf(userID string) Presence {
	e.presence.mu.RLock()
	defer e.presence.mu.RUnlock()
	if v := e.presence.visitors[userID]; v != nil {
		return v.shown(userID)
	}
	return Presence{UserID: userID, State: Offline}
}

// PresenceVisible reports whether the viewer may know if the user is there: it is
// the user, or somebody who is linked with the user or takes part in one session
// or challenge, unless one has blocked the other or the user wants it private.
func (e *Engine) PresenceVisible(viewerID, userID string) bool {
	if viewerID == userID {
		return userID != ""
	}
	at := e.now()
	if e.prefs.of(userID).Presence == preference.Private && !e.presence.vanishing(userID, at) {
		return false
	}
	return !e.blocked(userID, viewerID) && e.acquainted(viewerID, userID, at)
}

// hide begins the time in which nothing but the removal of the retained presence
// goes out, so that those who saw it learn that there is nothing to see.
func (p *presence) hide(userID string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visitor(userID)
	v.state, v.hidden, v.next = "", at, at.Add(presenceEvery)
	p.due.add(userID, v.next)
}

// vanishing reports whether the user has become private just now.
func (p *presence) vanishing(userID string, at time.Time) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v := p.visitors[userID]
	return v != nil && !v.hidden.IsZero() && at.Sub(v.hidden) < presenceEvery/2
}

// show has the presence published to those who may see it now.
func (p *presence) show(userID string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.visitors[userID]; v != nil {
		v.state, v.hidden = "", time.Time{}
		p.due.add(userID, at)
	}
}

// absent reports whether the user has no client, for longer than the grace.
func (e *Engine) absent(userID string, at time.Time) bool {
	e.presence.mu.RLock()
	defer e.presence.mu.RUnlock()
	v := e.presence.visitors[userID]
	return v == nil || len(v.clients) == 0 && !at.Before(v.grace)
}

// handleAway takes a client's word that its user is away, or back. It is about
// that client and ends with its connection.
func (e *Engine) handleAway(in Inbound, at time.Time) (Outcome, error) {
	var w struct {
		Away *bool `json:"away"`
	}
	if err := fitness.Decode(in.Payload, maxCommandBytes, &w); err != nil {
		return Outcome{}, err
	}
	if w.Away == nil {
		return Outcome{}, fitness.Errorf("", fitness.Malformed, "away is missing: true or false")
	}
	p := &e.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[in.Sender.ClientID]
	if c == nil {
		return Outcome{}, fitness.Errorf("", fitness.Conflict, "only a connected client says that its user is away: it is about that connection")
	}
	c.away.Store(*w.Away)
	c.idle.Store(false)
	p.due.add(in.Sender.UserID, at)
	return Outcome{}, nil
}

// presencePuts is what a checkpoint writes; the rows are as they are now.
func (p *presence) presencePuts() []store.Put {
	p.mu.Lock()
	defer p.mu.Unlock()
	puts := make([]store.Put, 0, len(p.dirty))
	for id := range p.dirty {
		put := store.Put{Key: id}
		if v := p.visitors[id]; v != nil {
			put.Data = encode(presenceRecord{LastSeen: moment(v.lastSeen), Online: len(v.clients) > 0})
		}
		puts = append(puts, put)
	}
	clear(p.dirty)
	return puts
}

// presenceUnsaved reports whether there is something to save.
func (p *presence) presenceUnsaved(now time.Time) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.dirty) > 0 || len(p.clients) > 0 && now.Sub(p.seen) >= seenEvery
}

// savePresence writes whose presence has changed, and now and then that those who
// are connected still were.
func (e *Engine) savePresence(ctx context.Context) error {
	p, now := &e.presence, e.now()
	puts := p.presencePuts()
	err := e.putMany(ctx, tablePresence, puts)
	if err == nil && now.Sub(p.seen) >= seenEvery {
		if _, err = e.opt.Store.Put(ctx, tableEngine, keySeen, encode(now), store.Any, 0); err == nil {
			p.mu.Lock()
			p.seen = now
			p.mu.Unlock()
			return nil
		}
		err = fmt.Errorf("put %s/%s: %w", tableEngine, keySeen, err)
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, put := range puts {
			p.dirty[put.Key] = struct{}{}
		}
	}
	return err
}

// loadPresence brings back when everybody was last seen. Nobody is online; who
// was has a while to return before others are told.
func (e *Engine) loadPresence(ctx context.Context, now time.Time) error {
	p := &e.presence
	var seen time.Time
	v, err := e.opt.Store.Get(ctx, tableEngine, keySeen)
	if err == nil {
		err = json.Unmarshal(v.Data, &seen)
	} else if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("read %s/%s: %w", tableEngine, keySeen, err)
	}
	return scan(ctx, e.opt.Store, tablePresence, "", func(id string, rec *presenceRecord) {
		v := p.visitor(id)
		v.lastSeen, v.grace = rec.LastSeen, now
		if rec.Online {
			if seen.After(v.lastSeen) {
				v.lastSeen = seen
			}
			v.grace = now.Add(e.opt.RestartGrace)
		}
		p.due.add(id, v.grace)
	})
}
