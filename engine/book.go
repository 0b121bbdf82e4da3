package engine

import (
	"maps"
	"slices"
	"sort"
	"sync"
	"time"
)

// book holds things by id.
type book[T any] struct {
	mu sync.RWMutex // guards m
	m  map[string]*T
}

func (b *book[T]) init() { b.m = make(map[string]*T) }

// get returns the thing, or nil.
func (b *book[T]) get(id string) *T {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.m[id]
}

func (b *book[T]) put(id string, v *T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m[id] = v
}

func (b *book[T]) delete(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, id)
}

func (b *book[T]) len() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.m)
}

// all returns the things, in no order.
func (b *book[T]) all() []*T {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Collect(maps.Values(b.m))
}

// page returns up to limit of the things with an id after the cursor, in the
// order of ids, and the cursor for the next page, "" at the end.
func (b *book[T]) page(after string, limit int) (list []*T, next string) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	ids := slices.Sorted(maps.Keys(b.m))
	ids = ids[sort.SearchStrings(ids, after+"\x00"):]
	if limit = pageLimit(limit); len(ids) > limit {
		ids = ids[:limit]
		next = ids[limit-1]
	}
	for _, id := range ids {
		list = append(list, b.m[id])
	}
	return list, next
}

// maxPage is the most entries of a list in one answer.
const maxPage = 1000

// pageLimit is the limit of a page: 100 where none is asked for.
func pageLimit(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, maxPage)
}

// wakeups is who has timed work: nobody else costs a tick anything.
type wakeups struct {
	mu         sync.Mutex // guards what follows
	sessions   map[*session]time.Time
	challenges map[*contest]time.Time
}

func (w *wakeups) init() {
	w.sessions, w.challenges = make(map[*session]time.Time), make(map[*contest]time.Time)
}

// session asks for a tick of s at the moment or after; the earliest wins.
func (w *wakeups) session(s *session, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.sessions[s]; !ok || at.Before(old) {
		w.sessions[s] = at
	}
}

// challenge is session for a challenge.
func (w *wakeups) challenge(c *contest, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.challenges[c]; !ok || at.Before(old) {
		w.challenges[c] = at
	}
}

// takeSessions returns the sessions that are due, and forgets their wish.
func (w *wakeups) takeSessions(now time.Time) []*session {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := due(w.sessions, now)
	slices.SortFunc(list, func(a, b *session) int { return compareIDs(a.id, b.id) })
	return list
}

// takeChallenges returns the challenges that are due, and forgets their wish.
func (w *wakeups) takeChallenges(now time.Time) []*contest {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := due(w.challenges, now)
	slices.SortFunc(list, func(a, b *contest) int { return compareIDs(a.id, b.id) })
	return list
}

func due[T comparable](m map[T]time.Time, now time.Time) []T {
	var list []T
	for v, at := range m {
		if !at.After(now) {
			list = append(list, v)
			delete(m, v)
		}
	}
	return list
}

func compareIDs(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
