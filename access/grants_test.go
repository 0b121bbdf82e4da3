package access_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/topics"
)

func TestTokens_Grants(t *testing.T) {
	a := newAuthority(t)
	tokens, _ := newTokens(t, a)
	many := slices.Repeat([]string{"a/b"}, 32)
	for name, fit := range map[string]any{
		"nothing": map[string]any{}, "one list": map[string]any{"publish": []string{"session/+/progress/zoe"}},
		"as many as may be": map[string]any{"publish": many, "subscribe": many},
		"as long as may be": map[string]any{"subscribe": []string{strings.Repeat("x", 256)}},
	} {
		id, err := tokens.Verify(sign(t, jwt.SigningMethodHS256, a.secret, fresh(jwt.MapClaims{"fit": fit})))
		if err != nil || id.Grants == nil {
			t.Errorf("OK %s: grants %v, %v", name, id.Grants, err)
		}
	}
	for name, fit := range map[string]any{
		"text": "#", "list": []string{"#"}, "number": 1, "null": json.RawMessage("null"), "true": true,
		"a list of numbers": map[string]any{"publish": []int{1}}, "text for a list": map[string]any{"publish": "#"},
		"an unknown member": map[string]any{"publish": []string{"a"}, "deny": []string{"b"}},
		"a bad filter":      map[string]any{"publish": []string{"a/#/b"}}, "an empty filter": map[string]any{"subscribe": []string{""}},
		"a share name": map[string]any{"subscribe": []string{"$share/g/a"}}, "a null filter": map[string]any{"subscribe": []any{nil}},
		"too many": map[string]any{"publish": append(many, "x")}, "too long": map[string]any{"subscribe": []string{strings.Repeat("x", 257)}},
		"NUL": map[string]any{"publish": []string{"a\x00b"}},
	} {
		if id, err := tokens.Verify(sign(t, jwt.SigningMethodHS256, a.secret, fresh(jwt.MapClaims{"fit": fit}))); !errors.Is(err, access.ErrBadCredentials) {
			t.Errorf("Err %s: grants %+v, %v", name, id.Grants, err)
		}
	}
	t.Run("Issue", func(t *testing.T) {
		want := &access.Grants{Publish: []string{"dev/#"}}
		token, _, err := tokens.Issue("ana", time.Minute, want)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := tokens.Verify(token); err != nil || !id.Grants.Equal(want) {
			t.Errorf("got %+v, %v", id.Grants, err)
		}
		var input *access.InputError
		if _, _, err := tokens.Issue("ana", time.Minute, &access.Grants{Subscribe: []string{"a", "b/#/c"}}); !errors.As(err, &input) || !strings.Contains(err.Error(), "fit.subscribe[1]") {
			t.Errorf("a bad filter: %v", err)
		}
	})
}

// TestPolicy_Grants: what is granted and a right is allowed, and nothing else.
func TestPolicy_Grants(t *testing.T) {
	p := access.NewPolicy(world{}, true)
	ana := people['a']
	ana.Grants = &access.Grants{
		Publish:   []string{"session/s1/progress/+", "dev/a"},
		Subscribe: []string{"session/s1/#", "session/none/info", "dev/+/x", "user/ana/error"},
	}
	for topic, want := range map[string]bool{
		"session/s1/progress/ana": true, "dev/a": true, "user/ana/token": true,
		"session/s1/progress/ben": false,                                                 // granted, and no right
		"session/s1/chat":         false, "dev/b": false, "challenge/c1/activity": false, // rights, and not granted
		"user/ben/token": false, "session/s1/progress/+": false,
	} {
		if d := p.Publish(ana, topic); d.Allowed != want || want == (d.Reason != "") {
			t.Errorf("publish %s: %+v, want %v", topic, d, want)
		}
	}
	for filter, want := range map[string]bool{
		"session/s1/#": true, "session/s1/progress/+": true, "session/s1/info": true, "dev/a/x": true, "dev/+/x": true, "$share/g/dev/+/x": true,
		"user/ana/error":    true,
		"session/none/info": false,                                                                        // granted, and no right
		"user/ana/#":        false, "dev/#": false, "dev/+/+": false, "#": false, "session/open/#": false, // rights, and not granted
		"$share/g/dev/#": false,
	} {
		if d := p.Subscribe(ana, filter); d.Allowed != want || want == (d.Reason != "") {
			t.Errorf("subscribe %s: %+v, want %v", filter, d, want)
		}
	}
	for topic, want := range map[string]bool{
		"session/s1/info": true, "dev/a/x": true, "session/s1/form/ben": false, "dev/a/y": false, "user/ana/unread": false, "session/open/info": false,
	} {
		if got := p.Deliver(ana, topic); got != want {
			t.Errorf("deliver %s: %v, want %v", topic, got, want)
		}
	}
	t.Run("an administrator's are narrowed too", func(t *testing.T) {
		admin := people['m']
		admin.Grants = &access.Grants{Subscribe: []string{"$SYS/#"}}
		if !p.Subscribe(admin, "$SYS/#").Allowed || p.Subscribe(admin, "#").Allowed || p.Deliver(admin, "session/s1/info") || p.Publish(admin, "dev/a").Allowed {
			t.Error("more than granted, or less")
		}
	})
}

func TestPolicy_Grants_Allocs(t *testing.T) {
	p := access.NewPolicy(world{}, true)
	ana := people['a']
	ana.Grants = &access.Grants{Subscribe: []string{"challenge/c1/#", "user/ana/#", "session/s1/#"}}
	if n := testing.AllocsPerRun(100, func() { p.Deliver(ana, "session/s1/info") }); n > 0 {
		t.Errorf("%v allocations a delivery, want 0", n)
	}
}

// FuzzPolicy_Grants: grants never add a right, and nothing is subscribed or
// delivered that the grants, expanded by force, do not match.
func FuzzPolicy_Grants(f *testing.F) {
	for _, s := range [][2]string{
		{"session/s1/#", "session/s1/+"}, {"+/+", "a/#"}, {"#", "$SYS/x"}, {"a/+/#", "a/b"}, {"session/+/info", "session/s1/info"}, {"dev/#", "+/x"},
	} {
		f.Add(s[0], s[1], byte('a'))
	}
	words := []string{"session", "s1", "info", "a", "b", "dev", "user", "ana", "error", "$SYS"}
	f.Fuzz(func(t *testing.T, grant, filter string, who byte) {
		id, ok := people[who]
		g := &access.Grants{Publish: []string{grant}, Subscribe: []string{grant}}
		if !ok || g.Validate() != nil {
			return
		}
		p := access.NewPolicy(world{}, true)
		narrow := id
		narrow.Grants = g
		if p.Subscribe(narrow, filter).Allowed {
			if !p.Subscribe(id, filter).Allowed {
				t.Fatalf("%q grants %q to %c, who has no right", grant, filter, who)
			}
			for _, one := range words {
				for _, rest := range []string{"", "/s1", "/ana", "/s1/info", "/x", "/ana/error", "/"} {
					if topic := one + rest; topics.Match(innerOf(filter), topic) && !topics.Match(grant, topic) {
						t.Fatalf("%q grants %q, which reaches %q", grant, filter, topic)
					}
				}
			}
		}
		if topics.ValidName(filter) == nil {
			if p.Publish(narrow, filter).Allowed && !p.Publish(id, filter).Allowed || p.Deliver(narrow, filter) && !p.Deliver(id, filter) {
				t.Fatalf("%q adds a right to %q for %c", grant, filter, who)
			}
		}
	})
}

func innerOf(filter string) string {
	_, inner, _, err := topics.SplitShared(filter)
	if err != nil {
		return filter
	}
	return inner
}
