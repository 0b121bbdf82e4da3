package engine

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// seqOf reads the seq at the end of a message's key.
func seqOf(key string) (uint64, bool) {
	n, err := strconv.ParseUint(key[strings.LastIndexByte(key, '/')+1:], 16, 64)
	return n, err == nil
}

// peerCache remembers what two users have in common, since finding out looks
// through the sessions and challenges of one of them.
type peerCache struct {
	mu sync.Mutex // guards m
	m  map[link]peerAnswer
}

// peerAnswer is a session or challenge in which both are, or neither.
type peerAnswer struct {
	session, challenge string
	until              time.Time // of neither: for how long that counts
}

const (
	// strangersFor is for how long it counts that two have nothing in common.
	strangersFor = 3 * time.Second
	// maxPeerAnswers bounds the answers that are kept; over it all are asked anew.
	maxPeerAnswers = 100_000
)

func (p *peerCache) get(x link) (peerAnswer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.m[x]
	return a, ok
}

func (p *peerCache) put(x link, a peerAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.m) >= maxPeerAnswers || p.m == nil {
		p.m = make(map[link]peerAnswer)
	}
	p.m[x] = a
}

// peers reports whether two users may write to each other: acquainted or matched
// as partners, or anybody, where the policy says so.
func (e *Engine) peers(a, b string, at time.Time) bool {
	return e.opt.ChatAnyone || e.matched(a, b) || e.acquainted(a, b, at)
}

// acquainted reports whether two users are linked as trainer and client, or in
// one session or challenge now. What they were found to have in common is looked
// at again each time; what they begin to have may be found a moment later.
func (e *Engine) acquainted(a, b string, at time.Time) bool {
	if e.Linked(a, b) || e.Linked(b, a) {
		return true
	}
	if b < a {
		a, b = b, a
	}
	x := link{a, b}
	found, known := e.peersOf.get(x)
	switch {
	case !known:
	case found.session != "" && e.bothInSession(found.session, a, b), found.challenge != "" && e.bothInChallenge(found.challenge, a, b):
		return true
	case found.session == "" && found.challenge == "" && at.Before(found.until):
		return false
	}
	found = peerAnswer{session: e.inOneSession(a, b), until: at.Add(strangersFor)}
	if found.session == "" {
		found.challenge = e.inOneChallenge(a, b)
	}
	e.peersOf.put(x, found)
	return found.session != "" || found.challenge != ""
}

func (e *Engine) bothInSession(id, a, b string) bool {
	s := e.sessions.get(id)
	return s != nil && s.both(a, b)
}

// both reports whether the two take part.
func (s *session) both(a, b string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.takesPart(a) && s.takesPart(b)
}

func (e *Engine) bothInChallenge(id, a, b string) bool {
	return e.ChallengeParticipant(id, a) && e.ChallengeParticipant(id, b)
}

// inOneSession returns a session of both, or "".
func (e *Engine) inOneSession(a, b string) string {
	for _, id := range e.sessionsOf.common(a, b) {
		if e.bothInSession(id, a, b) {
			return id
		}
	}
	return ""
}

// takesPart reports whether the user belongs to the session in person: that it is
// open to everybody makes nobody acquainted. s.mu is held.
func (s *session) takesPart(userID string) bool {
	if s.gone || !s.allowed(userID) {
		return false
	}
	m, member := s.members[userID]
	return s.controls(userID) || s.people[userID] != nil || member && !m.Removed
}

// inOneChallenge returns a challenge of both, or "".
func (e *Engine) inOneChallenge(a, b string) string {
	for _, id := range e.challengesOf.common(a, b) {
		if e.bothInChallenge(id, a, b) {
			return id
		}
	}
	return ""
}
