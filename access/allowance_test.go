package access_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/access"
)

func TestAllowances_Take(t *testing.T) {
	now := time.Date(2026, 6, 4, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	ana, ben := people['a'], people['b']
	t.Run("Messages", func(t *testing.T) {
		a := access.NewAllowances(map[access.Role]access.Quota{access.Member: {Publishes: 3}}, clock)
		for range 3 {
			if o := a.Take(ana, "t", 10); o != nil {
				t.Fatalf("within the limit: %+v", o)
			}
		}
		o := a.Take(ana, "t", 10)
		if o == nil || o.Wait <= 0 || o.Wait > time.Second || !o.Tell || o.Reason != "over the limit of 3 messages a second" {
			t.Fatalf("got %+v", o)
		}
		if o := a.Take(ana, "t", 10); o == nil || o.Tell {
			t.Errorf("told twice in a second: %+v", o)
		}
		if o := a.Take(ben, "t", 10); o != nil {
			t.Errorf("another user pays: %+v", o)
		}
		if o := a.Take(people['t'], "t", 10); o != nil {
			t.Errorf("another role is bounded: %+v", o)
		}
		now = now.Add(time.Second)
		for range 3 {
			if o := a.Take(ana, "t", 10); o != nil {
				t.Fatalf("a second later: %+v", o)
			}
		}
		if o := a.Take(ana, "t", 10); o == nil || !strings.HasSuffix(o.Reason, "(1 more were refused since the last notice)") {
			t.Errorf("got %+v, want what was not told of", o)
		}
	})
	t.Run("Bytes", func(t *testing.T) {
		a := access.NewAllowances(map[access.Role]access.Quota{access.Member: {Bytes: 100}}, clock)
		if o := a.Take(ana, "t", 249); o != nil { // more than a second's worth, in debt from then on
			t.Fatalf("a large message never gets through: %+v", o)
		}
		if o := a.Take(ana, "t", 1); o == nil || o.Wait != 1500*time.Millisecond {
			t.Errorf("got %+v, want a wait of 1.5 s", o)
		}
		now = now.Add(1400 * time.Millisecond)
		if o := a.Take(ana, "t", 1); o == nil {
			t.Error("the debt is forgotten")
		}
		now = now.Add(200 * time.Millisecond)
		if o := a.Take(ana, "t", 1); o != nil {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("Anonymous", func(t *testing.T) {
		a := access.NewAllowances(map[access.Role]access.Quota{access.Anonymous: {Publishes: 1}}, clock)
		for _, client := range []string{"one", "two"} {
			if o := a.Take(access.Identity{ClientID: client}, "t", 1); o != nil {
				t.Errorf("%s: %+v", client, o)
			}
			if o := a.Take(access.Identity{ClientID: client}, "t", 1); o == nil {
				t.Errorf("%s is not bounded", client)
			}
		}
	})
	t.Run("ManyUsers", func(t *testing.T) {
		a := access.NewAllowances(map[access.Role]access.Quota{access.Member: {Publishes: 1}}, clock)
		for i := range 30_000 {
			now = now.Add(time.Millisecond)
			a.Take(access.Identity{UserID: "u" + strconv.Itoa(i), Role: access.Member}, "t", 1)
		}
		if n := a.Known(); n > 22_000 {
			t.Errorf("%d users are remembered", n)
		}
		if o := a.Take(access.Identity{UserID: "u29999", Role: access.Member}, "t", 1); o == nil {
			t.Error("a user who has just published was forgotten")
		}
	})
}
