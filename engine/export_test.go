package engine

import (
	"slices"
	"strings"
)

// Shared returns whether two users have a session, and whether a challenge, in
// common as the index by user has it, and as looking through all of them has it.
func (e *Engine) Shared(a, b string) (session, challenge, sessionScan, challengeScan bool) {
	for _, id := range ids(&e.sessions) {
		sessionScan = sessionScan || e.bothInSession(id, a, b)
	}
	for _, id := range ids(&e.challenges) {
		challengeScan = challengeScan || e.bothInChallenge(id, a, b)
	}
	return e.inOneSession(a, b) != "", e.inOneChallenge(a, b) != "", sessionScan, challengeScan
}

// Indexed lists what the index by user has, as "session user id".
func (e *Engine) Indexed() []string {
	var list []string
	for kind, c := range map[string]*circles{"session": &e.sessionsOf, "challenge": &e.challengesOf} {
		c.mu.RLock()
		for user, in := range c.of {
			for id := range in {
				list = append(list, strings.Join([]string{kind, user, id}, " "))
			}
		}
		c.mu.RUnlock()
	}
	slices.Sort(list)
	return list
}

func ids[T any](b *book[T]) (list []string) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for id := range b.m {
		list = append(list, id)
	}
	return list
}
