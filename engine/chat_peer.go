package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// seqOf reads the seq at the end of a message's key.
func seqOf(key string) (uint64, bool) {
	n, err := strconv.ParseUint(key[strings.LastIndexByte(key, '/')+1:], 16, 64)
	return n, err == nil
}

// peerCache remembers for a short while whether two users have something in
// common, since finding out looks through the sessions and challenges.
type peerCache struct {
	mu sync.Mutex // guards m
	m  map[link]peerAnswer
}

type peerAnswer struct {
	yes   bool
	until time.Time
}

const (
	// peersFor and strangersFor are for how long an answer counts.
	peersFor     = 30 * time.Second
	strangersFor = 3 * time.Second
	// maxPeerAnswers bounds the answers that are kept; over it all are asked anew.
	maxPeerAnswers = 100_000
)

func (p *peerCache) get(x link, at time.Time) (yes, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.m[x]
	return a.yes, ok && at.Before(a.until)
}

func (p *peerCache) put(x link, yes bool, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.m) >= maxPeerAnswers || p.m == nil {
		p.m = make(map[link]peerAnswer)
	}
	keep := strangersFor
	if yes {
		keep = peersFor
	}
	p.m[x] = peerAnswer{yes, at.Add(keep)}
}

// peers reports whether two users may write to each other: linked as trainer and
// client, or in one session or challenge; or anybody, where the policy says so.
// Who has just left what they had in common may go on for half a minute.
func (e *Engine) peers(a, b string, at time.Time) bool {
	if e.opt.ChatAnyone || e.Linked(a, b) || e.Linked(b, a) {
		return true
	}
	if b < a {
		a, b = b, a
	}
	x := link{a, b}
	if yes, known := e.peersOf.get(x, at); known {
		return yes
	}
	yes := e.inOneSession(a, b) || e.inOneChallenge(a, b)
	e.peersOf.put(x, yes, at)
	return yes
}

func (e *Engine) inOneSession(a, b string) bool {
	e.sessions.mu.RLock()
	defer e.sessions.mu.RUnlock()
	for _, s := range e.sessions.m {
		s.mu.RLock()
		both := s.takesPart(a) && s.takesPart(b)
		s.mu.RUnlock()
		if both {
			return true
		}
	}
	return false
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

func (e *Engine) inOneChallenge(a, b string) bool {
	e.challenges.mu.RLock()
	ids := make([]string, 0, len(e.challenges.m))
	for id := range e.challenges.m {
		ids = append(ids, id)
	}
	e.challenges.mu.RUnlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		return e.ChallengeParticipant(id, a) && e.ChallengeParticipant(id, b)
	})
}

// PutBlock keeps whom from writing to the actor in a conversation of two. Errors:
// Invalid, Forbidden, Unavailable.
func (e *Engine) PutBlock(ctx context.Context, actor Actor, whom string) error {
	const op = "put block"
	e.admin.Lock()
	defer e.admin.Unlock()
	if err := validID(op, "user", whom); err != nil {
		return err
	}
	if actor.UserID == "" || actor.UserID == whom {
		return fitness.Errorf(op, fitness.Invalid, "you cannot block yourself")
	}
	if err := e.put(ctx, op, tableBlocks, actor.UserID+"/"+whom, struct{}{}); err != nil {
		return err
	}
	e.blocks.set(link{actor.UserID, whom}, true)
	return nil
}

// DeleteBlock ends it. Errors: NotFound, Unavailable.
func (e *Engine) DeleteBlock(ctx context.Context, actor Actor, whom string) error {
	const op = "delete block"
	e.admin.Lock()
	defer e.admin.Unlock()
	x := link{actor.UserID, whom}
	if !e.blocks.has(x) {
		return fitness.Errorf(op, fitness.NotFound, "you have not blocked user %.80s", whom)
	}
	err := e.opt.Store.Delete(ctx, tableBlocks, actor.UserID+"/"+whom, store.Any)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	e.blocks.set(x, false)
	return nil
}

// Blocks lists whom the user has blocked, in order.
func (e *Engine) Blocks(userID string) []string {
	e.blocks.mu.RLock()
	defer e.blocks.mu.RUnlock()
	list := []string{}
	for x := range e.blocks.m {
		if x.trainer == userID {
			list = append(list, x.client)
		}
	}
	slices.Sort(list)
	return list
}
