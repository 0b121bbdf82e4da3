package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// linkSet is who trains whom.
type linkSet struct {
	mu sync.RWMutex // guards m
	m  map[link]struct{}
}

type link struct{ trainer, client string }

// linkRecord is a link as it is stored: since when, and who made it.
type linkRecord struct {
	At time.Time `json:"at,omitzero"`
	By string    `json:"by,omitempty"`
}

func (l *linkSet) init() { l.m = make(map[link]struct{}) }

func (l *linkSet) has(x link) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ok := l.m[x]
	return ok
}

func (l *linkSet) set(x link, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if on {
		l.m[x] = struct{}{}
	} else {
		delete(l.m, x)
	}
}

// Linked reports whether the trainer has the client.
func (e *Engine) Linked(trainerID, clientID string) bool {
	return e.links.has(link{trainerID, clientID})
}

// PutLink gives the trainer the client. The client may, since it opens their
// figures to the trainer; a trainer alone may not. Errors: Invalid, Forbidden,
// Unavailable.
func (e *Engine) PutLink(ctx context.Context, actor Actor, trainerID, clientID string) error {
	const op = "put link"
	e.admin.Lock()
	defer e.admin.Unlock()
	if err := errors.Join(e.knownUser(op, "trainer", trainerID), e.knownUser(op, "client", clientID)); err != nil {
		return err
	}
	switch {
	case trainerID == clientID:
		return fitness.Errorf(op, fitness.Invalid, "trainer and client are the same user %s", trainerID)
	case !e.opt.Users.Trains(trainerID):
		return fitness.Errorf(op, fitness.Invalid, "%s is not a trainer: only a user with the role trainer has clients", trainerID)
	case !actor.all() && actor.UserID != clientID:
		return fitness.Errorf(op, fitness.Forbidden, "only the client or an administrator links a client to a trainer")
	}
	x := link{trainerID, clientID}
	if e.links.has(x) {
		return nil
	}
	rec := linkRecord{At: e.now(), By: actor.UserID}
	if err := e.put(ctx, op, tableLinks, trainerID+"/"+clientID, rec); err != nil {
		return err
	}
	e.links.set(x, true)
	e.tellLink(&rec, trainerID, clientID)
	return nil
}

// Client is a trainer's client. Presence is there where the trainer may see it.
type Client struct {
	TrainerID string    `json:"trainerId"`
	ClientID  string    `json:"clientId"`
	Name      string    `json:"name"`
	Presence  *Presence `json:"presence,omitempty"`
}

// Clients lists a trainer's clients in order of the ids, up to limit of those
// behind after; next is "" at the end. The trainer and administration may. Errors:
// Invalid, Forbidden.
func (e *Engine) Clients(actor Actor, trainerID, after string, limit int) (list []Client, next string, err error) {
	const op = "list clients"
	if err := validID(op, "trainer", trainerID); err != nil {
		return nil, "", err
	}
	if !actor.all() && actor.UserID != trainerID {
		return nil, "", fitness.Errorf(op, fitness.Forbidden, "only trainer %s and administrators may", trainerID)
	}
	ids := e.links.clients(trainerID, after)
	if limit = pageLimit(limit); len(ids) > limit {
		ids = ids[:limit]
		next = ids[limit-1]
	}
	for _, id := range ids {
		c := Client{TrainerID: trainerID, ClientID: id, Name: e.name(id)}
		if actor.all() || e.PresenceVisible(trainerID, id) {
			p := e.PresenceOf(id)
			c.Presence = &p
		}
		list = append(list, c)
	}
	return list, next, nil
}

// clients lists the trainer's clients behind after, in order.
func (l *linkSet) clients(trainerID, after string) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var list []string
	for x := range l.m {
		if x.trainer == trainerID && x.client > after {
			list = append(list, x.client)
		}
	}
	slices.Sort(list)
	return list
}

// DeleteLink ends it. Both may. Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) DeleteLink(ctx context.Context, actor Actor, trainerID, clientID string) error {
	const op = "delete link"
	e.admin.Lock()
	defer e.admin.Unlock()
	if !actor.all() && (actor.UserID == "" || actor.UserID != trainerID && actor.UserID != clientID) {
		return fitness.Errorf(op, fitness.Forbidden, "only trainer and client end their link")
	}
	x := link{trainerID, clientID}
	if !e.links.has(x) {
		return fitness.Errorf(op, fitness.NotFound, "there is no link of trainer %.80s and client %.80s", trainerID, clientID)
	}
	err := e.opt.Store.Delete(ctx, tableLinks, trainerID+"/"+clientID, store.Any)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	e.links.set(x, false)
	e.revoke(trainerID, clientID)
	return nil
}
