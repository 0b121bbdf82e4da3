package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/tests/await"
)

func TestUsers_Authenticate(t *testing.T) {
	u := mustOpen(t, newMemTables())
	mustPut(t, u, "ana", access.Member, "correct horse")
	mustPut(t, u, "robot", access.Service, "")
	for _, tt := range []struct{ user, password string }{
		{"ana", "wrong horse"}, {"ana", ""}, {"ana", "correct horse "}, {"nobody", "correct horse"},
		{"", ""}, {"robot", ""}, {"robot", "correct horse"}, {"ana", strings.Repeat("x", 2000)},
	} {
		for range 2 { // the second time finds what the first may have cached
			if id, err := u.Authenticate(t.Context(), tt.user, tt.password); err != access.ErrBadCredentials || id != (access.Identity{}) {
				t.Errorf("%q %q: got %+v, %v, want ErrBadCredentials", tt.user, tt.password, id, err)
			}
		}
	}
	signIn := func(password string) error {
		_, err := u.Authenticate(t.Context(), "ana", password)
		return err
	}
	if err := signIn("correct horse"); err != nil {
		t.Fatal(err)
	}
	t.Run("a changed password counts at once", func(t *testing.T) {
		mustPut(t, u, "ana", access.Member, "battery staple")
		if err := signIn("correct horse"); !errors.Is(err, access.ErrBadCredentials) {
			t.Fatalf("the old password: %v", err)
		}
		if err := signIn("battery staple"); err != nil {
			t.Fatalf("the new password: %v", err)
		}
	})
	t.Run("disabled and enabled count at once", func(t *testing.T) {
		for _, disabled := range []bool{true, false} {
			if _, _, err := u.Put(t.Context(), "ana", access.UserSpec{Role: access.Member, Disabled: disabled}); err != nil {
				t.Fatal(err)
			}
			if err := signIn("battery staple"); (err != nil) != disabled {
				t.Fatalf("disabled %v: %v", disabled, err)
			}
			if _, ok := u.Identity("ana"); ok == disabled {
				t.Fatalf("disabled %v: identity %v", disabled, ok)
			}
		}
	})
	t.Run("deleted counts at once", func(t *testing.T) {
		if err := u.Delete(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		if err := signIn("battery staple"); !errors.Is(err, access.ErrBadCredentials) {
			t.Fatalf("got %v", err)
		}
	})
}

// slow makes one hash cost enough to be measured.
var slow = access.PasswordParams{Memory: 19 * 1024, Iterations: 2}

func TestUsers_Authenticate_Cache(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	u := mustOpen(t, newMemTables(), func(o *access.UsersOptions) {
		o.Now = func() time.Time { return now }
		o.CacheSize = 20
	})
	mustPut(t, u, "ana", access.Member, "correct horse")
	signIn := func(user, password string, want access.SignInStats) {
		t.Helper()
		before := u.Stats()
		_, err := u.Authenticate(t.Context(), user, password)
		after := u.Stats()
		got := access.SignInStats{Hashed: after.Hashed - before.Hashed, Cached: after.Cached - before.Cached, Refused: after.Refused - before.Refused}
		if got != want || (err != nil) != (want.Refused == 1) {
			t.Errorf("%s %q: %+v with %v, want %+v", user, password, got, err, want)
		}
	}
	hashed, cached, refused := access.SignInStats{Hashed: 1}, access.SignInStats{Cached: 1}, access.SignInStats{Hashed: 1, Refused: 1}
	signIn("ana", "correct horse", hashed)
	signIn("ana", "correct horse", cached)
	signIn("ana", "wrong horse", refused)
	signIn("ana", "wrong horse", refused) // failures are not remembered
	signIn("nobody", "correct horse", refused)
	now = now.Add(59 * time.Second)
	signIn("ana", "correct horse", cached)
	now = now.Add(2 * time.Second)
	signIn("ana", "correct horse", hashed)
	mustPut(t, u, "ana", access.Member, "correct horse") // the same password again is a new hash all the same
	signIn("ana", "correct horse", hashed)
	for i := range 100 { // many more than the cache holds
		id := fmt.Sprintf("u%d", i)
		mustPut(t, u, id, access.Member, "correct horse")
		signIn(id, "correct horse", hashed)
		signIn(id, "correct horse", cached)
	}
	again := 0
	for i := range 100 {
		before := u.Stats().Cached
		if _, err := u.Authenticate(t.Context(), fmt.Sprintf("u%d", i), "correct horse"); err != nil {
			t.Fatal(err)
		}
		again += int(u.Stats().Cached - before)
	}
	if again > 20 {
		t.Errorf("%d sign-ins were cached in a cache of 20", again)
	}
}

// Many sign-ins of one user at once cost a hash for each place, not for each of them.
func TestUsers_Authenticate_Storm(t *testing.T) {
	u := mustOpen(t, newMemTables(), func(o *access.UsersOptions) { o.Passwords = slow })
	mustPut(t, u, "ana", access.Member, "correct horse")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := u.Authenticate(t.Context(), "ana", "correct horse"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := u.Stats(); got.Hashed > 2 || got.Hashed+got.Cached != 50 {
		t.Errorf("got %+v, want at most a hash for each of 2 places", got)
	}
}

func TestUsers_Authenticate_Bounds(t *testing.T) {
	u := mustOpen(t, newMemTables(), func(o *access.UsersOptions) { o.Parallel = 1; o.Passwords = slow; o.CacheTTL = -1 })
	mustPut(t, u, "ana", access.Member, "correct horse")
	t.Run("ErrNoPlaceInTime", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		results := make([]error, 20)
		for i := range results {
			wg.Go(func() { _, results[i] = u.Authenticate(ctx, "ana", "correct horse") })
		}
		await.Until(t, "the first sign-in", func() bool { _, err := u.Authenticate(t.Context(), "ana", "correct horse"); return err == nil })
		cancel()
		wg.Wait()
		for _, err := range results {
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want none or the context's", err)
			}
		}
	})
	t.Run("OK/many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := u.Authenticate(t.Context(), "ana", "correct horse"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func BenchmarkUsers_Authenticate(b *testing.B) {
	u, err := access.OpenUsers(b.Context(), access.UsersOptions{Tables: newMemTables(), CacheTTL: -1})
	if err != nil {
		b.Fatal(err)
	}
	secret := "correct horse"
	if _, _, err := u.Put(b.Context(), "ana", access.UserSpec{Role: access.Member, Password: &secret}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := u.Authenticate(b.Context(), "ana", secret); err != nil {
			b.Fatal(err)
		}
	}
}
