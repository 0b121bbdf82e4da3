package gateway_test

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/gateway"
)

// fakeUsers: every password is the user's id doubled.
type fakeUsers struct {
	users map[string]access.User
	err   error
	puts  []access.UserSpec
	// searched is what Search was last asked for.
	searched string
}

// SignIn is the door of the tests: passwords, the admin token "the-token", and
// "fmd_" for everybody's device.
func (f *fakeUsers) SignIn(_ context.Context, p access.Proof) (access.Identity, error) {
	if f.err != nil {
		return access.Identity{}, f.err
	}
	if p.Bearer {
		id, ok := access.NewAdminToken("the-token").Check(p.Secret)
		if !ok {
			return id, access.ErrBadCredentials
		}
		return id, nil
	}
	u, ok := f.users[p.User]
	if ok && p.Secret == "fmd_" {
		return access.Identity{UserID: u.ID, Name: u.Name, Role: access.Member, By: access.ByDevice, Device: "watch"}, nil
	}
	if !ok || p.Secret != p.User+p.User {
		return access.Identity{}, access.ErrBadCredentials
	}
	return access.Identity{UserID: u.ID, Name: u.Name, Role: u.Role, By: access.ByPassword}, nil
}

func (f *fakeUsers) PutDevice(_ context.Context, user, name string) (string, bool, error) {
	if _, ok := f.users[user]; !ok {
		return "", false, access.ErrNoUser
	}
	return "fmd_new", true, f.err
}

func (f *fakeUsers) Devices(string) ([]access.Device, error) {
	return []access.Device{{Name: "watch", CreatedAt: time.Unix(0, 0).UTC()}}, f.err
}

func (f *fakeUsers) DeleteDevice(_ context.Context, _, name string) error {
	if name != "watch" {
		return access.ErrNoDevice
	}
	return f.err
}

func (f *fakeUsers) Issue(user string, ttl time.Duration, _ *access.Grants) (string, time.Time, error) {
	if _, ok := f.users[user]; !ok {
		return "", time.Time{}, access.ErrNoUser
	}
	return "token-of-" + user, time.Unix(0, 0).UTC().Add(ttl), nil
}

func (f *fakeUsers) Get(id string) (access.User, error) {
	u, ok := f.users[id]
	if !ok {
		return u, access.ErrNoUser
	}
	return u, nil
}

func (f *fakeUsers) List(after string, limit int) ([]access.User, string) {
	return pageOf(f.users, after, limit)
}

func (f *fakeUsers) Search(text, after string, limit int) ([]access.User, string) {
	f.searched = text
	return pageOf(f.users, after, limit)
}

func (f *fakeUsers) Put(_ context.Context, id string, spec access.UserSpec) (access.User, bool, error) {
	if f.err != nil {
		return access.User{}, false, f.err
	}
	f.puts = append(f.puts, spec)
	_, there := f.users[id]
	u := access.User{ID: id, Name: spec.Name, Role: spec.Role}
	f.users[id] = u
	return u, !there, nil
}

func (f *fakeUsers) Delete(_ context.Context, id string) error {
	if _, ok := f.users[id]; !ok {
		return access.ErrNoUser
	}
	delete(f.users, id)
	return nil
}

// fakePlane is the data plane's two ports.
type fakePlane struct {
	published []gateway.Message
	receipt   gateway.Receipt
	err       error
	kept      map[string]string
}

func (f *fakePlane) Publish(_ context.Context, m gateway.Message) (gateway.Receipt, error) {
	f.published = append(f.published, m)
	return f.receipt, f.err
}

func (f *fakePlane) EachRetained(_ string, fn func(topic string, payload []byte, qos byte) bool) {
	for topic, payload := range f.kept {
		if !fn(topic, []byte(payload), 1) {
			return
		}
	}
}
