package access

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// SignInStats counts sign-ins by password since the start.
type SignInStats struct {
	Hashed  uint64 // passwords that were hashed to check them
	Cached  uint64 // sign-ins that a recent success spared a hash
	Refused uint64 // answered with ErrBadCredentials
}

// signInCounters is SignInStats under way.
type signInCounters struct{ hashed, cached, refused atomic.Uint64 }

// Stats returns the counts.
func (u *Users) Stats() SignInStats {
	return SignInStats{Hashed: u.stats.hashed.Load(), Cached: u.stats.cached.Load(), Refused: u.stats.refused.Load()}
}

// acquire waits for a place to hash a password. Who waits costs nothing but the
// caller's own goroutine, for as long as the caller's context lets it.
func (u *Users) acquire(ctx context.Context) error {
	select {
	case u.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *Users) release() { <-u.slots }

// Authenticate returns who the user name and password prove. ErrBadCredentials
// is the one answer to everything that is wrong with them, and takes a hash's
// time for an unknown user too. The context's error, wrapped, means that there
// was no place to check them in time.
func (u *Users) Authenticate(ctx context.Context, user, password string) (Identity, error) {
	return u.prove(ctx, Proof{User: user, Secret: password})
}

// prove is Authenticate for a proof.
func (u *Users) prove(ctx context.Context, p Proof) (Identity, error) {
	id, err := u.authenticate(ctx, p)
	if errors.Is(err, ErrBadCredentials) {
		u.stats.refused.Add(1)
	}
	return id, err
}

func (u *Users) authenticate(ctx context.Context, p Proof) (Identity, error) {
	user, password := p.User, p.Secret
	if len(password) > MaxPassword {
		return Identity{}, ErrBadCredentials
	}
	a := u.account(user)
	var key [32]byte
	if a != nil && a.stored != "" {
		key = u.cache.key(user, a.stored, password)
		if u.cache.has(key) {
			u.stats.cached.Add(1)
			return a.identity()
		}
	}
	if err := u.acquire(ctx); err != nil {
		return Identity{}, fmt.Errorf("check password: %w", err)
	}
	if p.allowed != nil { // many attempts at once must not get around the throttle
		if err := p.allowed(p); err != nil {
			u.release()
			return Identity{}, err
		}
	}
	ok := u.check(a, key, password)
	u.release()
	now := u.account(user) // while the hash took its time, the record may have changed
	if !ok || now == nil || now.stored != a.stored {
		return Identity{}, ErrBadCredentials
	}
	return now.identity()
}

// check hashes the password, or finds that somebody ahead in the queue has just
// proved the same.
func (u *Users) check(a *account, key [32]byte, password string) bool {
	known := a != nil && a.stored != ""
	if known && u.cache.has(key) {
		u.stats.cached.Add(1)
		return true
	}
	u.stats.hashed.Add(1)
	if !known {
		u.dummy.verify(password)
		return false
	}
	if !a.hash.verify(password) {
		return false
	}
	u.cache.add(key) // before the place is free again, so that the next in the queue finds it
	return true
}

func (a *account) identity() (Identity, error) {
	if a.Disabled {
		return Identity{}, ErrBadCredentials
	}
	return Identity{UserID: a.ID, Name: a.Name, Role: a.Role, By: ByPassword}, nil
}
