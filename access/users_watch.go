package access

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/fitmq/fitmq/store"
)

// watchQueue bounds the ids that wait to be read again. When it is full all
// users are read again instead.
const watchQueue = 1024

// Run keeps the memory up with what other processes on the same store change,
// until ctx ends; then it returns nil. Changes made through this Users need no
// Run. Any other return is the store's error.
func (u *Users) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := make(chan string, watchQueue)
	var overflow atomic.Bool
	watching := make(chan error, 1)
	go func() { // ends with ctx, and Run waits for it
		watching <- u.tables.Watch(ctx, usersTable, "", func(c store.Change) {
			select {
			case changed <- c.Key:
			default:
				overflow.Store(true)
			}
		})
	}()
	for {
		select {
		case err := <-watching:
			if ctx.Err() != nil || err == nil {
				return nil
			}
			return fmt.Errorf("watch users: %w", err)
		case id := <-changed:
			err := u.refresh(ctx, id)
			if err == nil && overflow.Swap(false) {
				err = u.reload(ctx)
			}
			if err != nil && ctx.Err() == nil {
				cancel()
				return errors.Join(err, <-watching)
			}
		}
	}
}

// refresh reads one record again. The change that was watched may be older than
// what this process has written since, so it is the table that is asked.
func (u *Users) refresh(ctx context.Context, id string) error {
	u.writing.Lock()
	defer u.writing.Unlock()
	v, err := u.tables.Get(ctx, usersTable, id)
	if errors.Is(err, store.ErrNotFound) {
		u.install(id, nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	a, err := decodeAccount(id, v.Data)
	if err != nil {
		return err
	}
	u.install(id, a)
	return nil
}

func (u *Users) reload(ctx context.Context) error {
	u.writing.Lock()
	defer u.writing.Unlock()
	return u.load(ctx)
}
