package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/topics"
)

// presence is who is connected, and which of their subscriptions make them take
// part in a session: joining is subscribing.
type presence struct {
	mu       sync.RWMutex // guards what follows
	clients  map[string]*client
	visitors map[string]*visitor // by user
	due      agenda              // whose state to look at, see tickPresence
	dirty    map[string]struct{} // users to be saved
	seen     time.Time           // see keySeen
}

func (p *presence) init() {
	p.clients, p.visitors = make(map[string]*client), make(map[string]*visitor)
	p.dirty = make(map[string]struct{})
	p.due.init()
}

// client is one connected client.
type client struct {
	sender  Sender
	since   time.Time
	filters map[string]string   // filter to session id
	counts  map[string]int      // session id to how many of the filters
	feeds   map[string]struct{} // filters that match the user's notifications

	active atomic.Int64 // when it last did something, in ms since 1970
	away   atomic.Bool  // it has said that its user is
	idle   atomic.Bool  // its user counts as away: whatever it does is news
}

func newClient(s Sender, at time.Time) *client {
	return &client{sender: s, since: at, filters: make(map[string]string), counts: make(map[string]int)}
}

// maxFilters bounds the session filters of a client that are looked at; what is
// over it counts for nothing. The data plane has its own, lower bound.
const maxFilters = 10_000

func (p *presence) len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.clients)
}

// since is when the client connected, zero for one that is not connected.
func (p *presence) since(clientID string) time.Time {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if c := p.clients[clientID]; c != nil {
		return c.since
	}
	return time.Time{}
}

// users lists the users who are connected.
func (p *presence) users() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	seen := make(map[string]struct{})
	var list []string
	for _, c := range p.clients {
		if _, ok := seen[c.sender.UserID]; !ok && c.sender.UserID != "" {
			seen[c.sender.UserID] = struct{}{}
			list = append(list, c.sender.UserID)
		}
	}
	return list
}

// connect notes the client and returns what it was before, if it still was.
func (p *presence) connect(s Sender, at time.Time, grace time.Duration) (before *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before = p.clients[s.ClientID]; before != nil {
		p.departed(before, at, grace)
	}
	c := newClient(s, at)
	p.clients[s.ClientID] = c
	p.arrived(c, at)
	return before
}

// disconnect forgets the client and returns what it was.
func (p *presence) disconnect(s Sender, at time.Time, grace time.Duration) *client {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[s.ClientID]
	if c == nil {
		return nil
	}
	delete(p.clients, s.ClientID)
	p.departed(c, at, grace)
	return c
}

// client returns the client. Connected comes first; an observer that joins late
// still sees a client. p.mu is held.
func (p *presence) client(s Sender, at time.Time) *client {
	c := p.clients[s.ClientID]
	if c == nil {
		c = newClient(s, at)
		p.clients[s.ClientID] = c
		p.arrived(c, at)
	}
	return c
}

// subscribe notes the filter and reports whether it is the client's first below
// the session.
func (p *presence) subscribe(s Sender, filter, sessionID string, at time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.client(s, at)
	if _, again := c.filters[filter]; again || len(c.filters) >= maxFilters {
		return false
	}
	c.filters[filter] = sessionID
	c.counts[sessionID]++
	return c.counts[sessionID] == 1
}

// unsubscribe forgets the filter and reports whether it was the client's last
// below its session.
func (p *presence) unsubscribe(s Sender, filter string) (sessionID string, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[s.ClientID]
	if c == nil {
		return "", false
	}
	delete(c.feeds, filter)
	sessionID, ok := c.filters[filter]
	if !ok {
		return "", false
	}
	delete(c.filters, filter)
	if c.counts[sessionID]--; c.counts[sessionID] > 0 {
		return sessionID, false
	}
	delete(c.counts, sessionID)
	return sessionID, true
}

// Connected implements Handler.
func (e *Engine) Connected(s Sender) {
	e.matches.returned(s.UserID)
	if before := e.presence.connect(s, e.now(), e.opt.PresenceGrace); before != nil {
		// A take-over that was not reported as the end of the old connection.
		e.lost(before, LeftLost)
		e.out.drain()
	}
}

// Disconnected implements Handler.
func (e *Engine) Disconnected(s Sender, clean bool) {
	c := e.presence.disconnect(s, e.now(), e.opt.PresenceGrace)
	if c == nil {
		return
	}
	if !e.presence.online(s.UserID) {
		e.matches.left(s.UserID, e.now().Add(e.opt.PresenceGrace))
	}
	reason := LeftLost
	if clean {
		reason = LeftDisconnected
	}
	e.lost(c, reason)
	e.out.drain()
}

// lost starts the grace wherever the client made its user take part.
func (e *Engine) lost(c *client, reason string) {
	for sessionID := range c.counts {
		if s := e.sessions.get(sessionID); s != nil {
			e.detach(s, c.sender, reason, e.now())
		}
	}
}

// Subscribed implements Handler.
func (e *Engine) Subscribed(s Sender, filter string) {
	namespace, id, ok := topics.FilterScope(filter)
	if !ok || s.UserID == "" {
		return
	}
	at := e.now()
	if namespace == "user" && id == s.UserID && topics.Contains(filter, topics.UserNotificationTopic(id)) {
		e.presence.listen(s, filter, at)
		e.notes.desk.look(id, at)
	}
	if namespace != "session" {
		return
	}
	if !e.presence.subscribe(s, filter, id, at) {
		return
	}
	if session := e.sessions.get(id); session != nil {
		if !e.attach(session, s, at) {
			e.evict(s.UserID)
		}
		e.out.drain()
	}
}

// Unsubscribed implements Handler.
func (e *Engine) Unsubscribed(s Sender, filter string) {
	id, last := e.presence.unsubscribe(s, filter)
	if !last {
		return
	}
	if session := e.sessions.get(id); session != nil {
		e.detach(session, s, LeftUnsubscribed, e.now())
		e.out.drain()
	}
}

// attach lets the user take part by the client, and reports whether there was a
// place. Services and administrators who only look are no participants.
func (e *Engine) attach(s *session, by Sender, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	watches := (by.Role == roleService || by.Role == roleAdmin) && !s.controls(by.UserID)
	if _, member := s.members[by.UserID]; watches && !member || !s.allowed(by.UserID) {
		return true
	}
	if p := s.people[by.UserID]; (p == nil || !p.present) && s.full(by.UserID) {
		e.stats.JoinsRefused.Add(1)
		return false
	}
	p := s.person(by.UserID, e.opt.MaxMembers)
	if p == nil {
		e.stats.RosterDropped.Add(1)
		return true
	}
	p.returned(by.ClientID)
	if p.present {
		return true
	}
	p.present, p.joinedAt = true, at
	s.present++
	s.out.roster = true
	s.dirty.soon[by.UserID] = struct{}{}
	if !s.rec.EmptySince.IsZero() {
		s.rec.EmptySince, s.dirty.record = time.Time{}, true
	}
	e.tell(s, EventJoined, by.UserID, "", at)
	e.touched(s)
	return true
}

// evict has the next tick end the subscriptions of a user who came a moment too
// late for the last place.
func (e *Engine) evict(userID string) {
	e.later.Lock()
	defer e.later.Unlock()
	e.later.evict = append(e.later.evict, userID)
}

// evictLate judges again who came too late.
func (e *Engine) evictLate() {
	e.later.Lock()
	users := e.later.evict
	e.later.evict = nil
	e.later.Unlock()
	e.revoke(users...)
}

// detach takes the client from its user, who has left when it was the last one,
// at once or after the grace.
func (e *Engine) detach(s *session, by Sender, reason string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[by.UserID]
	if p == nil || !p.present {
		return
	}
	if _, ok := p.clients[by.ClientID]; !ok {
		return
	}
	delete(p.clients, by.ClientID)
	if reason != LeftUnsubscribed {
		p.went(by.ClientID, absence{at.Add(e.opt.PresenceGrace), reason}, at)
	}
	if len(p.clients) > 0 {
		return
	}
	grace := p.grace()
	if !grace.until.After(at) { // no other device is in its grace
		e.leave(s, by.UserID, reason, at)
		return
	}
	e.wake.session(s, grace.until)
}

// leave takes the user off the roster; the samples stay on the leaderboard. s.mu
// is held.
func (e *Engine) leave(s *session, userID, reason string, at time.Time) {
	p := s.people[userID]
	if p == nil || !p.present {
		return
	}
	p.present, p.lost = false, nil
	clear(p.clients)
	if s.present--; s.present == 0 {
		s.rec.EmptySince, s.dirty.record = at, true
	}
	s.out.roster = true
	s.dirty.soon[userID] = struct{}{}
	if p.track == nil {
		delete(s.people, userID)
		s.place(userID)
	} else if s.rec.State != workout.Ended {
		e.keepSummary(s, userID)
	}
	e.tell(s, EventLeft, userID, reason, at)
	e.touched(s)
}

// expel takes the user out with everything: roster, leaderboard, last sample.
func (e *Engine) expel(s *session, userID, reason string) {
	s.mu.Lock()
	e.leave(s, userID, reason, e.now())
	if p := s.people[userID]; p != nil {
		if s.rec.State != workout.Ended {
			e.keepSummary(s, userID) // also of who only published
		}
		delete(s.people, userID)
		s.dirty.soon[userID] = struct{}{}
		e.out.forget(topics.SessionProgressTopic(s.id, userID))
	}
	s.place(userID)
	if s.order.Remove(userID) {
		s.out.board = true
	}
	e.touched(s)
	s.mu.Unlock()
	e.out.drain()
}

// SessionMember reports whether the user is host, trainer or member of the
// session, or it is open and has not removed them.
func (e *Engine) SessionMember(sessionID, userID string) bool {
	s := e.sessions.get(sessionID)
	if s == nil {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.allowed(userID)
}

// SessionRoom reports whether the user takes part in the session, or there is a
// place for them.
func (e *Engine) SessionRoom(sessionID, userID string) bool {
	s := e.sessions.get(sessionID)
	if s == nil {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.people[userID]; p != nil && p.present || !s.full(userID) {
		return true
	}
	e.stats.JoinsRefused.Add(1)
	return false
}

// SessionControl reports whether the user is the session's host or trainer.
func (e *Engine) SessionControl(sessionID, userID string) bool {
	s := e.sessions.get(sessionID)
	if s == nil {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.controls(userID)
}

// SessionTrainer reports whether the user is the session's trainer.
func (e *Engine) SessionTrainer(sessionID, userID string) bool {
	s := e.sessions.get(sessionID)
	if s == nil {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return userID != "" && !s.gone && s.rec.Trainer == userID
}
