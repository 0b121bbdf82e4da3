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
