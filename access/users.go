package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/fitmq/fitmq/store"
)

// usersTable is where users are kept: key user id, value userRecord as JSON.
const usersTable = "users"

// User is what others may know of a user's record.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Disabled  bool      `json:"disabled,omitempty"` // may not sign in
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// userRecord is a user as the table holds it.
type userRecord struct {
	Name         string    `json:"name"`
	Role         Role      `json:"role"`
	PasswordHash string    `json:"passwordHash,omitempty"` // PHC string; empty: no sign-in by password
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
	Disabled     bool      `json:"disabled,omitempty"`
	// Devices by name, at most MaxDevices. They live and go with their user.
	Devices map[string]deviceRecord `json:"devices,omitempty"`
}

// account is a user in memory. It is never changed, only replaced.
type account struct {
	User
	stored string // the PHC string: its salt makes it the password's revision
	hash   passwordHash
	// devices by name; never changed.
	devices map[string]deviceRecord
}

// UsersOptions sets up [OpenUsers].
type UsersOptions struct {
	// Tables is where the users are kept; required.
	Tables store.Tables
	// Passwords is how hard new passwords are hashed; zero values mean the defaults.
	Passwords PasswordParams
	// Parallel is how many passwords are hashed at once; zero means half the
	// processors, at least one, so that a storm of sign-ins leaves the others to
	// those who are in. Further ones wait on their callers' contexts.
	Parallel int
	// CacheTTL is how long a success spares the next hash; zero means 60 s,
	// negative means no cache.
	CacheTTL time.Duration
	// CacheSize bounds the cache; zero means 10,000 entries (about 1 MB).
	CacheSize int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Users knows every user: kept in a table, answered from memory. Safe for
// concurrent use.
type Users struct {
	tables store.Tables
	params PasswordParams
	slots  chan struct{} // a place for each password that is being hashed
	dummy  passwordHash  // what an unknown user's password is compared with
	cache  *successCache
	stats  signInCounters
	now    func() time.Time

	writing sync.Mutex // held over a read, write and install of one record; taken before mu

	mu       sync.RWMutex // guards the fields below
	accounts map[string]*account
	ids      []string // sorted
	admins   int      // accounts of administrators who may sign in
	watchers []func(userID string)
}

// OpenUsers loads the users into memory. A record that cannot be read is an
// error that names its user.
func OpenUsers(ctx context.Context, o UsersOptions) (*Users, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Parallel = cmp.Or(o.Parallel, max(1, runtime.GOMAXPROCS(0)/2))
	o.CacheTTL = cmp.Or(o.CacheTTL, time.Minute)
	o.CacheSize = cmp.Or(o.CacheSize, 10_000)
	u := &Users{
		tables: o.Tables, params: o.Passwords.withDefaults(), slots: make(chan struct{}, o.Parallel),
		cache: newSuccessCache(o.CacheTTL, o.CacheSize, o.Now), now: o.Now, accounts: map[string]*account{},
	}
	u.dummy = newPasswordHash("", u.params)
	if err := u.load(ctx); err != nil {
		return nil, err
	}
	return u, nil
}

// load brings the memory up to what the table holds.
func (u *Users) load(ctx context.Context) error {
	found := map[string]*account{}
	var bad error
	err := u.tables.Scan(ctx, usersTable, "", "", func(v store.Value) bool {
		a, err := decodeAccount(v.Key, v.Data)
		if err != nil {
			bad = err
			return false
		}
		found[v.Key] = a
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("load users: %w", err)
	}
	for id := range u.snapshot() {
		if found[id] == nil {
			u.install(id, nil)
		}
	}
	if u.begin(found) {
		return nil
	}
	for id, a := range found {
		u.install(id, a)
	}
	return nil
}

// begin takes all accounts at once where there are none yet, and reports whether it
// did: one by one, each would be put into its place among all the others.
func (u *Users) begin(found map[string]*account) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.accounts) > 0 {
		return false
	}
	u.accounts, u.ids = found, slices.Sorted(maps.Keys(found))
	for _, a := range found {
		if a.admin() {
			u.admins++
		}
	}
	return true
}

// snapshot returns the ids in memory.
func (u *Users) snapshot() map[string]struct{} {
	u.mu.RLock()
	defer u.mu.RUnlock()
	ids := make(map[string]struct{}, len(u.ids))
	for _, id := range u.ids {
		ids[id] = struct{}{}
	}
	return ids
}

func decodeAccount(id string, data []byte) (*account, error) {
	var r userRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("decode user %q: %w", id, err)
	}
	if !r.Role.Valid() {
		return nil, fmt.Errorf("decode user %q: unknown role %q", id, r.Role)
	}
	a := &account{
		User:   User{ID: id, Name: r.Name, Role: r.Role, Disabled: r.Disabled, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt},
		stored: r.PasswordHash, devices: r.Devices,
	}
	if r.PasswordHash != "" {
		h, err := parsePasswordHash(r.PasswordHash)
		if err != nil {
			return nil, fmt.Errorf("decode user %q: %w", id, err)
		}
		a.hash = h
	}
	return a, nil
}

// install puts an account into memory, nil to take it out, and tells the
// watchers if that changes what the user is or may prove.
func (u *Users) install(id string, a *account) {
	u.mu.Lock()
	old := u.accounts[id]
	i, there := slices.BinarySearch(u.ids, id)
	if old.admin() {
		u.admins--
	}
	if a.admin() {
		u.admins++
	}
	switch {
	case a != nil:
		u.accounts[id] = a
		if !there {
			u.ids = slices.Insert(u.ids, i, id)
		}
	case there:
		delete(u.accounts, id)
		u.ids = slices.Delete(u.ids, i, i+1)
	}
	watchers := u.watchers
	u.mu.Unlock()
	if old == nil || a != nil && old.User == a.User && old.stored == a.stored && maps.Equal(old.devices, a.devices) {
		return
	}
	for _, fn := range watchers {
		fn(id)
	}
}

// OnChange calls fn after each change of an existing user (name, role, password,
// devices, disabled, deleted), so that what rests on the old record can end. fn must not
// block and must not change users.
func (u *Users) OnChange(fn func(userID string)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.watchers = append(slices.Clip(u.watchers), fn)
}

func (u *Users) account(id string) *account {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.accounts[id]
}

// Get returns the user, or ErrNoUser.
func (u *Users) Get(id string) (User, error) {
	a := u.account(id)
	if a == nil {
		return User{}, ErrNoUser
	}
	return a.User, nil
}

// Identity returns who the user is now; false for one who is unknown or
// disabled. It does not allocate.
func (u *Users) Identity(id string) (Identity, bool) {
	a := u.account(id)
	if a == nil || a.Disabled {
		return Identity{}, false
	}
	return Identity{UserID: a.ID, Name: a.Name, Role: a.Role}, true
}

// Current returns what an identity that was proved some time ago is worth now:
// name and role are the record's. False for a user who is disabled, or gone
// where no other authority vouches for them, and for the secret of a device that
// was revoked. It does not look at Expires. It does not allocate.
func (u *Users) Current(id Identity) (Identity, bool) {
	if id.By == ByAdminToken {
		return id, true
	}
	a := u.account(id.UserID)
	if a == nil {
		return id, id.Foreign && id.signedIn()
	}
	if a.Disabled || id.Device != "" && a.devices[id.Device].id() != id.secretID {
		return Identity{}, false
	}
	id.Name = a.Name
	id.Role = a.Role
	if id.Device != "" {
		id.Role = Member
	}
	return id, true
}

// Name returns the user's display name, or "" where there is no such user.
func (u *Users) Name(id string) string {
	if a := u.account(id); a != nil {
		return a.Name
	}
	return ""
}

// Exists reports whether there is such a user.
func (u *Users) Exists(id string) bool { return u.account(id) != nil }

// Trains reports whether the user has the role of a trainer.
func (u *Users) Trains(id string) bool {
	a := u.account(id)
	return a != nil && a.Role == Trainer
}

// List returns at most limit users with an id after the given one, in byte
// order of the ids, and the id to go on after, "" at the end. A limit under 1
// returns none.
func (u *Users) List(after string, limit int) (list []User, next string) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	i, there := slices.BinarySearch(u.ids, after)
	if there {
		i++
	}
	for ; i < len(u.ids) && len(list) < limit; i++ {
		list = append(list, u.accounts[u.ids[i]].User)
	}
	if len(list) > 0 && i < len(u.ids) {
		next = list[len(list)-1].ID
	}
	return list, next
}
