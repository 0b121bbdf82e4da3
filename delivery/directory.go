package delivery

import (
	"hash/maphash"
	"maps"
	"slices"
	"sync"
)

// directory finds sessions.
type directory struct {
	mu       sync.RWMutex // guards below; taken before a session's mu
	sessions map[string]*Session
	// byUser are the same sessions by their owners.
	byUser map[string]map[*Session]struct{}
}

func (d *directory) session(clientID string) *Session {
	if clientID == "" {
		return nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.sessions[clientID]
}

// sessionsOf returns the user's sessions, connected or not.
func (d *directory) sessionsOf(userID string) []*Session {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Collect(maps.Keys(d.byUser[userID]))
}

// keepSession puts a session in its client id's place; mu is held, or nobody
// else is there yet.
func (d *directory) keepSession(s *Session) {
	d.dropSession(d.sessions[s.id])
	d.sessions[s.id] = s
	mine := d.byUser[s.user]
	if mine == nil {
		mine = make(map[*Session]struct{}, 1)
		d.byUser[s.user] = mine
	}
	mine[s] = struct{}{}
}

// dropSession takes a session out, if there is one; mu is held.
func (d *directory) dropSession(s *Session) {
	if s == nil {
		return
	}
	delete(d.sessions, s.id)
	mine := d.byUser[s.user]
	delete(mine, s)
	if len(mine) == 0 {
		delete(d.byUser, s.user)
	}
}

func (d *directory) all() []*Session {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := make([]*Session, 0, len(d.sessions))
	for _, s := range d.sessions {
		list = append(list, s)
	}
	return list
}

// saving orders the writing of session rows by client id; taken before the
// directory's mu and a session's.
type saving struct {
	locks [1024]sync.Mutex
	seed  maphash.Seed
}

// of is the lock of what is written of the sessions that one client id has had.
func (s *saving) of(id string) *sync.Mutex {
	return &s.locks[maphash.String(s.seed, id)%uint64(len(s.locks))]
}
