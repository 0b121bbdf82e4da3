package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// Limits of a user's record.
const (
	MinPassword = 8    // bytes
	MaxPassword = 1024 // bytes
	MaxName     = 100  // characters
)

// UserSpec is what [Users.Put] makes of a user.
type UserSpec struct {
	// Name to show; empty means the id. At most MaxName characters.
	Name string
	Role Role
	// Password of MinPassword to MaxPassword bytes; nil keeps the old one, and a
	// new user without one cannot sign in by password.
	Password *string
	// Disabled users cannot sign in.
	Disabled bool
}

// check returns what is wrong with the spec of a user with that id.
func (s UserSpec) check(id string) error {
	switch {
	case !topics.ValidID(id):
		return &InputError{fmt.Sprintf("id %s is not 1 to %d characters of A-Z a-z 0-9 _ -", shorten(id), topics.MaxID)}
	case !s.Role.Valid():
		return &InputError{fmt.Sprintf("role %s is not member, trainer, service or admin", shorten(string(s.Role)))}
	case id == AdminUserID && s.Role != Admin:
		return &InputError{fmt.Sprintf("id %q is the administrator's: its role can only be admin", AdminUserID)}
	case !utf8.ValidString(s.Name) || utf8.RuneCountInString(s.Name) > MaxName:
		return &InputError{fmt.Sprintf("name is over the limit of %d characters", MaxName)}
	case hasControl(s.Name):
		return &InputError{"name contains a control character"}
	case s.Password != nil && (len(*s.Password) < MinPassword || len(*s.Password) > MaxPassword):
		return &InputError{fmt.Sprintf("password of %d bytes is not %d to %d bytes long", len(*s.Password), MinPassword, MaxPassword)}
	}
	return nil
}

// shorten quotes a value for a message, however long it is.
func shorten(s string) string {
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return fmt.Sprintf("%q", s)
}

func hasControl(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}

// Put creates or replaces a user, durably, and returns the new record; created
// tells which. Errors: [*InputError], [ErrBusy], [ErrLastAdmin], the store's, and
// the context's while waiting for a place to hash the password.
func (u *Users) Put(ctx context.Context, id string, spec UserSpec) (user User, created bool, err error) {
	if err := spec.check(id); err != nil {
		return User{}, false, err
	}
	hash := ""
	if spec.Password != nil {
		if err := u.acquire(ctx); err != nil {
			return User{}, false, fmt.Errorf("hash password: %w", err)
		}
		hash = newPasswordHash(*spec.Password, u.params).String()
		u.release()
	}
	u.writing.Lock()
	defer u.writing.Unlock()
	for range 5 { // another node may change the same user in between
		user, created, err = u.put(ctx, id, spec, hash)
		if !errors.Is(err, store.ErrConflict) {
			return user, created, err
		}
	}
	return User{}, false, fmt.Errorf("put user: %w", ErrBusy)
}

// put is one attempt; writing is held.
func (u *Users) put(ctx context.Context, id string, spec UserSpec, hash string) (User, bool, error) {
	if (spec.Role != Admin || spec.Disabled) && u.lastAdmin(id) {
		return User{}, false, fmt.Errorf("put user: %w", ErrLastAdmin)
	}
	now := u.now().UTC().Truncate(time.Millisecond)
	r := userRecord{Name: spec.Name, Role: spec.Role, PasswordHash: hash, CreatedAt: now, UpdatedAt: now, Disabled: spec.Disabled}
	if r.Name == "" {
		r.Name = id
	}
	cond, created := store.Absent, true
	old, err := u.tables.Get(ctx, usersTable, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return User{}, false, fmt.Errorf("read user: %w", err)
	default:
		var before userRecord
		if err := json.Unmarshal(old.Data, &before); err != nil {
			return User{}, false, fmt.Errorf("decode user %q: %w", id, err)
		}
		cond, created = store.IfRev(old.Rev), false
		r.CreatedAt, r.Devices = before.CreatedAt, before.Devices
		if spec.Password == nil {
			r.PasswordHash = before.PasswordHash
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return User{}, false, fmt.Errorf("encode user: %w", err)
	}
	if _, err := u.tables.Put(ctx, usersTable, id, data, cond, 0); err != nil {
		return User{}, false, fmt.Errorf("write user: %w", err)
	}
	a, err := decodeAccount(id, data)
	if err != nil {
		return User{}, false, err
	}
	u.install(id, a)
	return a.User, created, nil
}

// Delete removes the user, durably. Errors: [ErrNoUser], [ErrLastAdmin] and the
// store's.
func (u *Users) Delete(ctx context.Context, id string) error {
	if !topics.ValidID(id) {
		return ErrNoUser
	}
	u.writing.Lock()
	defer u.writing.Unlock()
	if u.lastAdmin(id) {
		return fmt.Errorf("delete user: %w", ErrLastAdmin)
	}
	err := u.tables.Delete(ctx, usersTable, id, store.Any)
	if errors.Is(err, store.ErrNotFound) {
		u.install(id, nil)
		return ErrNoUser
	}
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	u.install(id, nil)
	return nil
}
