package access_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/store"
)

func TestUsers_Search(t *testing.T) {
	u := mustOpen(t, newMemTables())
	for id, name := range map[string]string{
		"ana": "Ana Abel", "anton": "Toni", "ben": "Ben Ana-Brook", "Anke": "Änne Öz", "zoe": "Zoë",
	} {
		if _, _, err := u.Put(t.Context(), id, access.UserSpec{Name: name, Role: access.Member}); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"an": "Anke ana anton ben", "ANA": "ana ben", "anton": "anton", "ton": "anton", "önne": "", "änne": "Anke", "ÖZ": "Anke", "oe": "", "zoë": "zoe", "": "Anke ana anton ben zoe",
	} {
		t.Run(text, func(t *testing.T) {
			for _, limit := range []int{1, 2, 100} {
				var got []string
				after := ""
				for page := 0; ; page++ {
					list, next := u.Search(text, after, limit)
					if len(list) > limit || page > 10 {
						t.Fatalf("page %d has %d, the limit is %d", page, len(list), limit)
					}
					for _, one := range list {
						got = append(got, one.ID)
					}
					if after = next; next == "" {
						break
					}
				}
				if all := strings.Join(got, " "); all != want {
					t.Errorf("pages of %d: %q, want %q", limit, all, want)
				}
			}
		})
	}
	if list, next := u.Search("an", "", 0); len(list) != 0 || next != "" {
		t.Errorf("limit 0: %v %q", list, next)
	}
}

// One call looks at 100,000 users only, and says where to go on.
func TestUsers_Search_Bound(t *testing.T) {
	tables := newMemTables()
	const look, n = 100_000, 100_010
	puts := make([]store.Put, n)
	for i := range puts {
		puts[i] = store.Put{Key: fmt.Sprintf("u%06d", i), Data: []byte(`{"name":"x","role":"member"}`)}
	}
	puts[n-1].Data = []byte(`{"name":"a needle","role":"member"}`)
	if err := tables.PutMany(t.Context(), "users", puts); err != nil {
		t.Fatal(err)
	}
	u := mustOpen(t, tables)
	list, next := u.Search("needle", "", 10)
	if len(list) != 0 || next != puts[look-1].Key {
		t.Fatalf("the first call: %v, next %q", list, next)
	}
	if list, next = u.Search("needle", next, 10); len(list) != 1 || next != "" {
		t.Errorf("the second call: %v, next %q", list, next)
	}
}

// Whatever would leave nobody who may sign in as an administrator is refused and
// changes nothing.
func TestUsers_LastAdmin(t *testing.T) {
	tables := newMemTables()
	u := mustOpen(t, tables)
	mustPut(t, u, "root", access.Admin, "root+secret&1")
	mustPut(t, u, "ana", access.Member, "")
	put := func(spec access.UserSpec) func() error {
		return func() error { _, _, err := u.Put(t.Context(), "root", spec); return err }
	}
	attempts := map[string]func() error{
		"ErrDisable": put(access.UserSpec{Role: access.Admin, Disabled: true}),
		"ErrDemote":  put(access.UserSpec{Role: access.Member}),
		"ErrDelete":  func() error { return u.Delete(t.Context(), "root") },
	}
	refused := func(t *testing.T) {
		t.Helper()
		for name, try := range attempts {
			if err := try(); !errors.Is(err, access.ErrLastAdmin) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := u.Get("root"); err != nil || got.Role != access.Admin || got.Disabled {
			t.Errorf("root is %+v now, %v", got, err)
		}
	}
	t.Run("Alone", refused)
	t.Run("OtherIsDisabled", func(t *testing.T) {
		if _, _, err := u.Put(t.Context(), "second", access.UserSpec{Role: access.Admin, Disabled: true}); err != nil {
			t.Fatal(err)
		}
		refused(t)
	})
	t.Run("Reopened", func(t *testing.T) {
		u = mustOpen(t, tables)
		refused(t)
	})
	t.Run("OK", func(t *testing.T) {
		if _, _, err := u.Put(t.Context(), "root", access.UserSpec{Name: "Robin", Role: access.Admin}); err != nil {
			t.Errorf("a new name: %v", err)
		}
		if err := u.Delete(t.Context(), "second"); err != nil {
			t.Errorf("one who is disabled: %v", err)
		}
		mustPut(t, u, "third", access.Admin, "")
		if err := u.Delete(t.Context(), "root"); err != nil {
			t.Errorf("with another one there: %v", err)
		}
	})
}
