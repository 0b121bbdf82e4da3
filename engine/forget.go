package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// Forget removes what is kept for a user who was deleted: choices, notifications,
// presence, and of the search for partners all of theirs and all that others have
// of them, blocks included. So nobody who gets the id later finds them. Errors:
// Unavailable; call it again then.
func (e *Engine) Forget(ctx context.Context, userID string) error {
	const op = "forget user"
	if err := validID(op, "user", userID); err != nil {
		return err
	}
	e.admin.Lock()
	defer e.admin.Unlock()
	partners, err := e.forgetUser(ctx, op, userID)
	e.revoke(partners...)
	return err
}

// forgetUser is Forget; it returns whose rights have changed by it.
func (e *Engine) forgetUser(ctx context.Context, op, userID string) ([]string, error) {
	e.apply.Lock() // an answer of theirs must not be applied in between
	defer e.apply.Unlock()
	e.saver.saving.Lock()
	defer e.saver.saving.Unlock()
	e.prefs.set(userID, nil)
	e.notes.forget(userID)
	e.presence.forget(userID)
	partners, err := e.forgetMatches(ctx, userID)
	err = errors.Join(err, e.deleteAll(ctx, op, tableInbox, userID+"/"))
	for _, table := range []string{tableInboxHeads, tablePreferences, tablePresence} {
		if gone := e.opt.Store.Delete(ctx, table, userID, store.Any); gone != nil && !errors.Is(gone, store.ErrNotFound) {
			err = errors.Join(err, fmt.Errorf("delete %s/%s: %w", table, userID, gone))
		}
	}
	if err != nil {
		return partners, unavailable(op, err)
	}
	e.out.forget(topics.UserPresenceTopic(userID))
	e.chats.recountUser(userID)
	return partners, nil // the next tick publishes
}

// forget drops the user's inbox. What is on its way out lands nowhere.
func (n *notes) forget(userID string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.boxes, userID)
	delete(n.dirty, userID)
	n.desk.mu.Lock()
	defer n.desk.mu.Unlock()
	delete(n.desk.head, userID)
}

// forget drops when the user was last seen, as soon as no client is connected.
func (p *presence) forget(userID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visitors[userID]
	if v == nil {
		return
	}
	if v.gone = true; len(v.clients) == 0 {
		delete(p.visitors, userID)
		delete(p.dirty, userID)
	}
}
