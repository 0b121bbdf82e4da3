package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// DevicePrefix begins every device's secret, so that it is recognised in a
// log or a repository and never taken for a password.
const DevicePrefix = "fmd_"

// MaxDevices bounds the devices of one user: they are part of the user's record.
const MaxDevices = 32

const deviceSecretBytes = 32 // 256 bits

// Device is what others may know of a device.
type Device struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"` // when its secret was made
}

// deviceRecord is a device as the user's record holds it.
type deviceRecord struct {
	// Sum is the secret's SHA-256 in base64url. A slow hash would protect
	// nothing here: nobody guesses 256 random bits, unlike a password.
	Sum       string    `json:"sum"`
	CreatedAt time.Time `json:"createdAt"`
}

// id tells this secret from a later one of the same device; "" for none.
func (d deviceRecord) id() string { return d.Sum[:min(len(d.Sum), 16)] }

func secretSum(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// PutDevice gives the user's device a new secret, durably, and returns it: it is
// not kept and cannot be asked for again. A device of that name that was there
// before is signed out. Errors: [*InputError], [ErrNoUser], [ErrBusy], the store's.
func (u *Users) PutDevice(ctx context.Context, user, name string) (secret string, created bool, err error) {
	if !topics.ValidID(name) {
		return "", false, &InputError{fmt.Sprintf("device name %s is not 1 to %d characters of A-Z a-z 0-9 _ -", shorten(name), topics.MaxID)}
	}
	raw := make([]byte, deviceSecretBytes)
	rand.Read(raw) // never fails: crypto/rand crashes the program rather than return an error
	secret = DevicePrefix + base64.RawURLEncoding.EncodeToString(raw)
	err = u.change(ctx, user, func(r *userRecord) error {
		_, there := r.Devices[name]
		if created = !there; created && len(r.Devices) >= MaxDevices {
			return &InputError{fmt.Sprintf("user %s has %d devices already, which is the limit: delete one first", shorten(user), MaxDevices)}
		}
		r.Devices = maps.Clone(r.Devices)
		if r.Devices == nil {
			r.Devices = map[string]deviceRecord{}
		}
		r.Devices[name] = deviceRecord{Sum: secretSum(secret), CreatedAt: u.now().UTC().Truncate(time.Millisecond)}
		return nil
	})
	if err != nil {
		return "", false, err
	}
	return secret, created, nil
}

// Devices returns the user's devices in order of their names, or [ErrNoUser].
func (u *Users) Devices(user string) ([]Device, error) {
	a := u.account(user)
	if a == nil {
		return nil, ErrNoUser
	}
	list := make([]Device, 0, len(a.devices))
	for _, name := range slices.Sorted(maps.Keys(a.devices)) {
		list = append(list, Device{Name: name, CreatedAt: a.devices[name].CreatedAt})
	}
	return list, nil
}

// DeleteDevice makes the device's secret worthless, durably. Errors: [ErrNoUser],
// [ErrNoDevice], [ErrBusy], the store's.
func (u *Users) DeleteDevice(ctx context.Context, user, name string) error {
	return u.change(ctx, user, func(r *userRecord) error {
		if _, there := r.Devices[name]; !there {
			return ErrNoDevice
		}
		r.Devices = maps.Clone(r.Devices)
		delete(r.Devices, name)
		return nil
	})
}

// change rewrites an existing user's record.
func (u *Users) change(ctx context.Context, id string, edit func(*userRecord) error) error {
	if !topics.ValidID(id) {
		return ErrNoUser
	}
	u.writing.Lock()
	defer u.writing.Unlock()
	for range 5 { // another node may change the same user in between
		err := u.changeOnce(ctx, id, edit)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("change user: %w", ErrBusy)
}

// changeOnce is one attempt; writing is held.
func (u *Users) changeOnce(ctx context.Context, id string, edit func(*userRecord) error) error {
	old, err := u.tables.Get(ctx, usersTable, id)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoUser
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	var r userRecord
	if err := json.Unmarshal(old.Data, &r); err != nil {
		return fmt.Errorf("decode user %q: %w", id, err)
	}
	if err := edit(&r); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode user: %w", err)
	}
	if _, err := u.tables.Put(ctx, usersTable, id, data, store.IfRev(old.Rev), 0); err != nil {
		return fmt.Errorf("write user: %w", err)
	}
	a, err := decodeAccount(id, data)
	if err != nil {
		return err
	}
	u.install(id, a)
	return nil
}

// devices is signing in with a device's secret.
type devices struct{ users *Users }

// DeviceMethod admits devices by their secrets, under their users' names.
func DeviceMethod(u *Users) Method { return devices{u} }

// Try implements [Method]. What looks like a device's secret is nothing else.
func (m devices) Try(_ context.Context, p Proof) (Identity, error) {
	if !strings.HasPrefix(p.Secret, DevicePrefix) {
		return Identity{}, ErrElsewhere
	}
	sum := secretSum(p.Secret)
	a := m.users.account(p.User)
	if a == nil || a.Disabled {
		return Identity{}, ErrBadCredentials
	}
	for name, d := range a.devices {
		if subtle.ConstantTimeCompare([]byte(d.Sum), []byte(sum)) == 1 {
			return Identity{UserID: a.ID, Name: a.Name, Role: Member, By: ByDevice, Device: name, secretID: d.id()}, nil
		}
	}
	return Identity{}, ErrBadCredentials
}
