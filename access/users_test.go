package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
)

// cheap keeps the tests fast: the least that argon2id can do.
var cheap = access.PasswordParams{Memory: 8, Iterations: 1}

func mustOpen(t *testing.T, tables store.Tables, change ...func(*access.UsersOptions)) *access.Users {
	t.Helper()
	o := access.UsersOptions{Tables: tables, Passwords: cheap}
	for _, fn := range change {
		fn(&o)
	}
	u, err := access.OpenUsers(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustPut(t *testing.T, u *access.Users, id string, role access.Role, password string) {
	t.Helper()
	spec := access.UserSpec{Name: strings.ToUpper(id), Role: role}
	if password != "" {
		spec.Password = &password
	}
	if _, _, err := u.Put(t.Context(), id, spec); err != nil {
		t.Fatal(err)
	}
}

func TestUsers_Put(t *testing.T) {
	tables := newMemTables()
	u := mustOpen(t, tables)
	secret := "correct horse"
	got, created, err := u.Put(t.Context(), "ana", access.UserSpec{Name: "Ana", Role: access.Member, Password: &secret})
	if err != nil || !created || got.ID != "ana" || got.Name != "Ana" || got.Role != access.Member || got.CreatedAt.IsZero() {
		t.Fatalf("got %+v, %v, %v", got, created, err)
	}
	t.Run("OK/a missing password keeps the old one", func(t *testing.T) {
		again, created, err := u.Put(t.Context(), "ana", access.UserSpec{Name: "Ana B", Role: access.Trainer})
		if err != nil || created || !again.CreatedAt.Equal(got.CreatedAt) {
			t.Fatalf("got %+v, %v, %v", again, created, err)
		}
		id, err := u.Authenticate(t.Context(), "ana", secret)
		if want := (access.Identity{UserID: "ana", Name: "Ana B", Role: access.Trainer, By: access.ByPassword}); err != nil || id != want {
			t.Fatalf("got %+v, %v, want %+v", id, err, want)
		}
	})
	t.Run("OK/the name defaults to the id", func(t *testing.T) {
		if got, _, err := u.Put(t.Context(), "ben", access.UserSpec{Role: access.Member}); err != nil || got.Name != "ben" {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
	t.Run("OK/no password is stored", func(t *testing.T) {
		v, err := tables.Get(t.Context(), "users", "ana")
		if err != nil || strings.Contains(string(v.Data), secret) {
			t.Fatalf("stored %s, %v", v.Data, err)
		}
		var r map[string]any
		if err := json.Unmarshal(v.Data, &r); err != nil || !strings.HasPrefix(fmt.Sprint(r["passwordHash"]), "$argon2id$v=19$m=8,t=1,p=1$") {
			t.Fatalf("stored %s, %v", v.Data, err)
		}
	})
	pw := func(n int) *string { s := strings.Repeat("x", n); return &s }
	for name, tt := range map[string]struct {
		id   string
		spec access.UserSpec
		want string
	}{
		"ErrID":       {"a b", access.UserSpec{Role: access.Member}, `id "a b" is not 1 to 64 characters of A-Z a-z 0-9 _ -`},
		"ErrNoID":     {"", access.UserSpec{Role: access.Member}, `id "" is not 1 to 64`},
		"ErrLongID":   {strings.Repeat("a", 65), access.UserSpec{Role: access.Member}, `is not 1 to 64`},
		"ErrRole":     {"ana", access.UserSpec{Role: "king"}, `role "king" is not member, trainer, service or admin`},
		"ErrNoRole":   {"ana", access.UserSpec{}, `role "" is not`},
		"ErrReserved": {"admin", access.UserSpec{Role: access.Member}, `its role can only be admin`},
		"ErrName":     {"ana", access.UserSpec{Role: access.Member, Name: strings.Repeat("é", 101)}, "name is over the limit of 100 characters"},
		"ErrControl":  {"ana", access.UserSpec{Role: access.Member, Name: "a\nb"}, "name contains a control character"},
		"ErrShort":    {"ana", access.UserSpec{Role: access.Member, Password: pw(7)}, "password of 7 bytes is not 8 to 1024 bytes long"},
		"ErrLong":     {"ana", access.UserSpec{Role: access.Member, Password: pw(1025)}, "password of 1025 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := u.Put(t.Context(), tt.id, tt.spec)
			var input *access.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("ErrStore changes nothing", func(t *testing.T) {
		tables.fail = store.ErrFull
		defer func() { tables.fail = nil }()
		if _, _, err := u.Put(t.Context(), "zoe", access.UserSpec{Role: access.Member}); !errors.Is(err, store.ErrFull) || u.Exists("zoe") {
			t.Fatalf("got %v, exists %v", err, u.Exists("zoe"))
		}
		if err := u.Delete(t.Context(), "ana"); !errors.Is(err, store.ErrFull) || !u.Exists("ana") {
			t.Fatalf("got %v, exists %v", err, u.Exists("ana"))
		}
	})
}

func TestUsers_Reopen(t *testing.T) {
	tables := newMemTables()
	u := mustOpen(t, tables)
	mustPut(t, u, "ana", access.Member, "correct horse")
	again := mustOpen(t, tables)
	if id, err := again.Authenticate(t.Context(), "ana", "correct horse"); err != nil || id.Name != "ANA" {
		t.Fatalf("got %+v, %v", id, err)
	}
	for name, record := range map[string]string{
		"ErrJSON": `{`, "ErrRole": `{"role":"king"}`,
		"ErrHash": `{"role":"member","passwordHash":"$argon2id$v=19$m=99999999999,t=1,p=1$AAAA$AAAA"}`,
	} {
		t.Run(name, func(t *testing.T) {
			bad := newMemTables()
			if _, err := bad.Put(t.Context(), "users", "eve", []byte(record), store.Any, 0); err != nil {
				t.Fatal(err)
			}
			_, err := access.OpenUsers(t.Context(), access.UsersOptions{Tables: bad, Passwords: cheap})
			if err == nil || !strings.Contains(err.Error(), `user "eve"`) {
				t.Fatalf("got %v, want an error that names the user", err)
			}
		})
	}
}

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

func TestUsers_List(t *testing.T) {
	u := mustOpen(t, newMemTables())
	for i := range 25 {
		mustPut(t, u, fmt.Sprintf("u%02d", 24-i), access.Member, "")
	}
	var got []string
	pages, after := 0, ""
	for {
		list, next := u.List(after, 10)
		for _, one := range list {
			got = append(got, one.ID)
		}
		pages++
		if next == "" {
			break
		}
		after = next
	}
	if pages != 3 || len(got) != 25 || !slices.IsSorted(got) {
		t.Fatalf("%d pages with %v", pages, got)
	}
	if list, next := u.List("u24", 10); len(list) != 0 || next != "" {
		t.Fatalf("after the last: %v, %q", list, next)
	}
	if list, _ := u.List("u00x", 1); len(list) != 1 || list[0].ID != "u01" {
		t.Fatalf("after an id that is not there: %v", list)
	}
	if list, next := u.List("", 0); len(list) != 0 || next != "" {
		t.Fatalf("limit 0: %v, %q", list, next)
	}
}

func TestUsers_Delete(t *testing.T) {
	u := mustOpen(t, newMemTables())
	mustPut(t, u, "ana", access.Member, "")
	if err := u.Delete(t.Context(), "ana"); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Get("ana"); !errors.Is(err, access.ErrNoUser) || u.Exists("ana") || u.Name("ana") != "" {
		t.Fatalf("after deletion: %v, exists %v, name %q", err, u.Exists("ana"), u.Name("ana"))
	}
	for _, id := range []string{"ana", "", strings.Repeat("x", 1000)} {
		if err := u.Delete(t.Context(), id); !errors.Is(err, access.ErrNoUser) {
			t.Errorf("%q: got %v, want ErrNoUser", id, err)
		}
	}
}

func TestUsers_OnChange(t *testing.T) {
	u := mustOpen(t, newMemTables())
	var got []string
	u.OnChange(func(id string) { got = append(got, id) })
	mustPut(t, u, "ana", access.Member, "") // new: nothing rests on it
	mustPut(t, u, "ana", access.Trainer, "")
	mustPut(t, u, "ben", access.Member, "correct horse")
	mustPut(t, u, "ben", access.Member, "battery staple")
	if err := u.Delete(t.Context(), "ana"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"ana", "ben", "ana"}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// What another process writes to the same tables is known here too.
func TestUsers_Run(t *testing.T) {
	tables := newMemTables()
	here, there := mustOpen(t, tables), mustOpen(t, tables)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- here.Run(ctx) }()
	<-tables.watching
	mustPut(t, there, "ana", access.Member, "correct horse")
	await.Until(t, "the new user", func() bool { return here.Exists("ana") })
	if _, err := here.Authenticate(t.Context(), "ana", "correct horse"); err != nil {
		t.Fatal(err)
	}
	mustPut(t, there, "ana", access.Member, "battery staple")
	await.Until(t, "the new password", func() bool {
		_, err := here.Authenticate(t.Context(), "ana", "correct horse")
		return errors.Is(err, access.ErrBadCredentials)
	})
	if err := there.Delete(t.Context(), "ana"); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the deletion", func() bool { return !here.Exists("ana") })
	for i := range 3000 { // more than may wait: all are read again
		mustPut(t, there, fmt.Sprintf("u%d", i), access.Member, "")
	}
	await.Until(t, "three thousand users", func() bool { list, _ := here.List("", 5000); return len(list) == 3000 })
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Run: %v", err)
	}
}

func TestUsers_ConcurrentPut(t *testing.T) {
	u := mustOpen(t, newMemTables())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if _, _, err := u.Put(t.Context(), "ana", access.UserSpec{Name: fmt.Sprint(i), Role: access.Member}); err != nil {
					t.Error(err)
				}
				u.Identity("ana")
				u.List("", 10)
			}
		})
	}
	wg.Wait()
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
