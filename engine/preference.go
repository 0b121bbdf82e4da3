package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/preference"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// tablePreferences is where users' choices are kept, by user id.
const tablePreferences = "preferences"

// Preferences are what a user has chosen.
type Preferences = preference.Preferences

// preferences is what users have chosen; those who have chosen nothing are not
// in it.
type preferences struct {
	mu sync.RWMutex // guards m
	m  map[string]*Preferences
}

func (p *preferences) init() { p.m = make(map[string]*Preferences) }

// of returns the user's, which is not to be changed.
func (p *preferences) of(userID string) *Preferences {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if c := p.m[userID]; c != nil {
		return c
	}
	return &chosenNothing
}

var chosenNothing = preference.Default()

func (p *preferences) set(userID string, c *Preferences) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c == nil {
		delete(p.m, userID)
		return
	}
	p.m[userID] = c
}

// telling is what users want to be told.
type telling struct {
	prefs preferences
	notes notes // and what waits for them

	outside happenings // and what others want to be told
	missed  absentees  // of that, what waits for the end of a grace
}

// Units is how the user thinks of distances. It may be asked with any lock held
// but preferences.mu.
func (e *Engine) Units(userID string) preference.Units { return e.prefs.of(userID).Units }

// Preferences returns what the user has chosen. The user and administration may.
// Errors: Invalid, Forbidden.
func (e *Engine) Preferences(actor Actor, userID string) (Preferences, error) {
	const op = "get preferences"
	if err := mayChoose(op, actor, userID); err != nil {
		return Preferences{}, err
	}
	return *e.prefs.of(userID), nil
}

// PutPreferences replaces what the user has chosen; what is left out becomes the
// default. The user and administration may. Errors: Invalid, Forbidden,
// Unavailable.
func (e *Engine) PutPreferences(ctx context.Context, actor Actor, userID string, p Preferences) (Preferences, error) {
	const op = "put preferences"
	e.admin.Lock()
	defer e.admin.Unlock()
	if err := mayChoose(op, actor, userID); err != nil {
		return p, err
	}
	if actor.UserID != userID { // who has signed in is somebody, also where the store has no record
		if err := e.knownUser(op, "user", userID); err != nil {
			return p, err
		}
	}
	if err := p.Check(); err != nil {
		return p, &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
	}
	if err := e.put(ctx, op, tablePreferences, userID, p); err != nil {
		return p, err
	}
	e.chosen(userID, &p)
	return p, nil
}

// DeletePreferences makes the user's choices the defaults. The user and
// administration may. Errors: Invalid, Forbidden, Unavailable.
func (e *Engine) DeletePreferences(ctx context.Context, actor Actor, userID string) error {
	const op = "delete preferences"
	e.admin.Lock()
	defer e.admin.Unlock()
	if err := mayChoose(op, actor, userID); err != nil {
		return err
	}
	err := e.opt.Store.Delete(ctx, tablePreferences, userID, store.Any)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	e.chosen(userID, nil)
	return nil
}

// chosen makes the user's choices count. admin is held.
func (e *Engine) chosen(userID string, p *Preferences) {
	was, now := e.prefs.of(userID).Presence, e.now()
	defer e.notes.desk.look(userID, now) // quiet hours may have changed
	zones := e.zonesEnd(userID)
	defer func() {
		if e.zonesEnd(userID) != zones {
			e.tellZones(userID)
		}
	}()
	if p != nil && p.Presence == preference.Private && was != preference.Private {
		e.presence.hide(userID, now)
		e.prefs.set(userID, p)
		e.out.forget(topics.UserPresenceTopic(userID))
		e.out.drain()
		return
	}
	e.prefs.set(userID, p)
	if was != e.prefs.of(userID).Presence {
		e.presence.show(userID, now)
	}
}

// mayChoose judges who sees and sets what a user has chosen.
func mayChoose(op string, actor Actor, userID string) error {
	if err := validID(op, "user", userID); err != nil {
		return err
	}
	if !actor.all() && actor.UserID != userID {
		return fitness.Errorf(op, fitness.Forbidden, "only user %s and administrators may", userID)
	}
	return nil
}

func (e *Engine) loadPreferences(ctx context.Context, _ time.Time) error {
	return scan(ctx, e.opt.Store, tablePreferences, "", func(userID string, p *Preferences) {
		if p.Check() == nil { // else another version's: the defaults count
			e.prefs.set(userID, p)
		}
	})
}
