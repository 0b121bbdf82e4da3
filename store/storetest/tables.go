package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
)

var background = context.Background()

func testPut(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	data := []byte("v1")
	r1, err := s.Put(background, "users", "ana", data, store.Absent, 0)
	if err != nil || r1 == 0 {
		t.Fatalf("put: got %d, %v", r1, err)
	}
	clear(data)
	expect(t, s, "users", "ana", "v1", r1)
	for name, cond := range map[string]store.Cond{"Absent": store.Absent, "IfRev": store.IfRev(r1 + 1)} {
		if _, err := s.Put(background, "users", "ana", []byte("no"), cond, 0); !errors.Is(err, store.ErrConflict) {
			t.Errorf("put %s: got %v, want ErrConflict", name, err)
		}
	}
	r2, err := s.Put(background, "users", "ana", nil, store.IfRev(r1), 0)
	if err != nil || r2 <= r1 {
		t.Errorf("put: got revision %d, %v, want more than %d", r2, err, r1)
	}
	expect(t, s, "users", "ana", "", r2)
	if _, err := s.Put(background, "users", "ben", nil, store.IfRev(r1), 0); !errors.Is(err, store.ErrConflict) {
		t.Errorf("put an absent key at a revision: got %v, want ErrConflict", err)
	}
	absent(t, s, "users", "ben")
	absent(t, s, "other", "ana")
	s = restart(t, open, dir, s)
	expect(t, s, "users", "ana", "", r2)
	if r3 := mustPut(t, s, "users", "ana", "v3"); r3 <= r2 {
		t.Errorf("revision after reopening: got %d, want more than %d", r3, r2)
	}
	mustClose(t, s)
}

func expect(t testing.TB, s store.Store, table, key, data string, rev store.Rev) {
	t.Helper()
	got, err := s.Get(background, table, key)
	if err != nil || got.Key != key || string(got.Data) != data || got.Data == nil || got.Rev != rev {
		t.Errorf("get %s: got %q, revision %d, %v, want %q, %d", key, got.Data, got.Rev, err, data, rev)
	}
}

func absent(t testing.TB, s store.Store, table, key string) {
	t.Helper()
	if got, err := s.Get(background, table, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get %s: got %q, %v, want ErrNotFound", key, got.Data, err)
	}
}

func testPutLimits(t *testing.T, open Open) {
	s := start(t, open)
	long := strings.Repeat("k", 512)
	if _, err := s.Put(background, strings.Repeat("a", 32), long, make([]byte, 8<<20), store.Any, 0); err != nil {
		t.Errorf("largest of all: %v", err)
	}
	tests := []struct {
		name, table, key string
		size             int
		want             error
	}{
		{"Key", "t", long + "k", 0, store.ErrTooLarge},
		{"Value", "t", "k", 8<<20 + 1, store.ErrTooLarge},
		{"EmptyKey", "t", "", 0, nil},
		{"EmptyTable", "", "k", 0, nil},
		{"LongTable", strings.Repeat("a", 33), "k", 0, nil},
		{"TableUpper", "Users", "k", 0, nil},
		{"TableSlash", "a/b", "k", 0, nil},
		{"TableNUL", "\x00rev", "k", 0, nil},
	}
	for _, tt := range tests {
		data := make([]byte, tt.size)
		_, err := s.Put(background, tt.table, tt.key, data, store.Any, 0)
		many := s.PutMany(background, tt.table, []store.Put{{Key: tt.key, Data: data}})
		if err == nil || many == nil || tt.want != nil && (!errors.Is(err, tt.want) || !errors.Is(many, tt.want)) {
			t.Errorf("%s: got %v and %v, want an error like %v", tt.name, err, many, tt.want)
		}
	}
}

func testPutMany(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	mustPut(t, s, "t", "gone", "x")
	puts := []store.Put{{Key: "gone"}, {Key: "never"}, {Key: "empty", Data: []byte{}}}
	for i := range 10000 {
		puts = append(puts, store.Put{Key: fmt.Sprintf("k%05d", i), Data: fmt.Append(nil, i)})
	}
	puts = append(puts, store.Put{Key: "k00007", Data: []byte("last wins")}, store.Put{Key: "k00008"})
	if err := s.PutMany(background, "t", puts); err != nil {
		t.Fatalf("put many: %v", err)
	}
	for range 2 {
		absent(t, s, "t", "gone")
		absent(t, s, "t", "never")
		absent(t, s, "t", "k00008")
		if v, err := s.Get(background, "t", "k00007"); err != nil || string(v.Data) != "last wins" {
			t.Errorf("got %q, %v", v.Data, err)
		}
		if got := len(scan(t, s, "t", "k", "", 1<<30)); got != 9999 {
			t.Errorf("got %d keys, want 9999", got)
		}
		s = restart(t, open, dir, s)
	}
	mustClose(t, s)
}

// testPutConflicts: of all who change one revision, exactly one succeeds.
func testPutConflicts(t *testing.T, open Open) {
	s := start(t, open)
	const callers, each = 8, 25
	var wg sync.WaitGroup
	mustPut(t, s, "t", "counter", "0")
	for range callers {
		wg.Go(func() {
			for done := 0; done < each; {
				v, err := s.Get(background, "t", "counter")
				if err != nil {
					t.Errorf("get: %v", err)
					return
				}
				n := 0
				if _, err := fmt.Sscan(string(v.Data), &n); err != nil {
					t.Errorf("counter %q: %v", v.Data, err)
					return
				}
				_, err = s.Put(background, "t", "counter", fmt.Append(nil, n+1), store.IfRev(v.Rev), 0)
				switch {
				case err == nil:
					done++
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("put: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if v, err := s.Get(background, "t", "counter"); err != nil || string(v.Data) != fmt.Sprint(callers*each) {
		t.Errorf("got %q, %v, want %d", v.Data, err, callers*each)
	}
}

func testDelete(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Delete(background, "t", "k", store.Any); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete an absent key: got %v, want ErrNotFound", err)
	}
	r1 := mustPut(t, s, "t", "k", "v")
	if err := s.Delete(background, "t", "k", store.IfRev(r1+1)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("delete: got %v, want ErrConflict", err)
	}
	if err := s.Delete(background, "t", "k", store.IfRev(r1)); err != nil {
		t.Errorf("delete: %v", err)
	}
	absent(t, s, "t", "k")
	s = restart(t, open, dir, s)
	absent(t, s, "t", "k")
	if r2 := mustPut(t, s, "t", "k", "again"); r2 <= r1 {
		t.Errorf("revision after a deletion: got %d, want more than %d", r2, r1)
	}
	mustClose(t, s)
}

func scan(t testing.TB, s store.Store, table, prefix, after string, limit int) (keys []string) {
	t.Helper()
	err := s.Scan(background, table, prefix, after, func(v store.Value) bool {
		keys = append(keys, v.Key)
		return len(keys) < limit
	})
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	return keys
}

func testScan(t *testing.T, open Open) {
	s := start(t, open)
	all := []string{"a", "a/", "a/1", "a/2", "a\xff", "b", "b\x00", "ba"}
	for _, k := range slices.Backward(all) {
		mustPut(t, s, "t", k, k)
	}
	tests := []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"", "", 100, all},
		{"", "", 3, all[:3]},
		{"a", "", 100, all[:5]},
		{"a/", "a/", 100, all[2:4]},
		{"a/", "a/1", 100, all[3:4]},
		{"b", "a", 100, all[5:]},
		{"", "b", 100, all[6:]},
		{"a", "b", 100, nil},
		{"nothing", "", 100, nil},
	}
	for _, tt := range tests {
		if got := scan(t, s, "t", tt.prefix, tt.after, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("scan %q after %q: got %q, want %q", tt.prefix, tt.after, got, tt.want)
		}
	}
	if got := scan(t, s, "none", "", "", 10); got != nil {
		t.Errorf("scan a table that is not there: got %q", got)
	}
}

func testTTL(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	const ttl = 200 * time.Millisecond
	begun := time.Now()
	put := func(key string, ttl time.Duration) store.Rev {
		rev, err := s.Put(background, "t", key, []byte("v"), store.Any, ttl)
		if err != nil {
			t.Fatalf("put: %v", err)
		}
		return rev
	}
	long := put("long", time.Hour)
	short := put("short", ttl)
	put("kept", ttl)
	kept := put("kept", 0)
	put("many", ttl)
	if err := s.PutMany(background, "t", []store.Put{{Key: "many", Data: []byte("v")}}); err != nil {
		t.Fatalf("put many: %v", err)
	}
	if v, err := s.Get(background, "t", "short"); time.Since(begun) < ttl && (err != nil || v.Rev != short) {
		t.Errorf("get before it expires: got %+v, %v", v, err)
	}
	s = restart(t, open, dir, s)
	await.Until(t, "the key expires", func() bool {
		_, err := s.Get(background, "t", "short")
		return errors.Is(err, store.ErrNotFound)
	})
	if passed := time.Since(begun); passed < ttl {
		t.Errorf("expired after %v, want %v at least", passed, ttl)
	}
	expect(t, s, "t", "long", "v", long)
	expect(t, s, "t", "kept", "v", kept)
	if got, want := scan(t, s, "t", "", "", 10), []string{"kept", "long", "many"}; !slices.Equal(got, want) {
		t.Errorf("scan: got %q, want %q", got, want)
	}
	if err := s.Delete(background, "t", "short", store.Any); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete an expired key: got %v, want ErrNotFound", err)
	}
	if rev, err := s.Put(background, "t", "short", []byte("new"), store.Absent, 0); err != nil || rev <= short {
		t.Errorf("put where a key expired: got %d, %v, want a revision over %d", rev, err, short)
	}
	mustClose(t, s)
}

func testWatch(t *testing.T, open Open) {
	s := start(t, open)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	changes := make(chan store.Change, 1000)
	done := make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, "t", "p/", func(c store.Change) { changes <- c })
	}()
	// Watch cannot tell that it has begun: knock until it hears.
	await.Until(t, "the watch begins", func() bool {
		mustPut(t, s, "t", "p/knock", "")
		return len(changes) > 0
	})
	rev := mustPut(t, s, "t", "p/a", "1")
	mustPut(t, s, "t", "other", "x")
	mustPut(t, s, "u", "p/a", "x")
	if _, err := s.Put(background, "t", "p/a", []byte("2"), store.Absent, 0); err == nil {
		t.Fatal("put: got nil, want ErrConflict")
	}
	if err := s.PutMany(background, "t", []store.Put{{Key: "p/b", Data: []byte{}}, {Key: "p/a"}}); err != nil {
		t.Fatalf("put many: %v", err)
	}
	if _, err := s.Put(background, "t", "p/c", []byte("short"), store.Any, 50*time.Millisecond); err != nil {
		t.Fatalf("put: %v", err)
	}
	mustPut(t, s, "t", "p/d", "x")
	if err := s.Delete(background, "t", "p/d", store.Any); err != nil {
		t.Fatalf("delete: %v", err)
	}
	want := map[string][]string{"p/a": {"1", "-"}, "p/b": {""}, "p/c": {"short", "-"}, "p/d": {"x", "-"}}
	got := map[string][]string{}
	revs := map[string]store.Rev{"p/a": rev - 1}
	for n := 0; n < 7; {
		c := receive(t, changes)
		if c.Key == "p/knock" {
			continue
		}
		data := "-"
		if c.Data != nil {
			data = string(c.Data)
		}
		got[c.Key] = append(got[c.Key], data)
		if c.Rev <= revs[c.Key] {
			t.Errorf("%s: revision %d does not rise above %d", c.Key, c.Rev, revs[c.Key])
		}
		revs[c.Key] = c.Rev
		n++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("watch whose context ended: got %v, want nil", err)
	}
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing came within %v", patience)
		panic("unreachable")
	}
}

func testClose(t *testing.T, open Open) {
	s := open(t, t.TempDir())
	ended := make(chan error, 2)
	tailing := make(chan struct{})
	mustAppend(t, s, store.Record{Topic: "a"})
	go func() {
		ended <- s.Tail(background, 0, func([]store.Entry) error { close(tailing); return nil })
	}()
	go func() { ended <- s.Watch(background, "t", "", func(store.Change) {}) }()
	<-tailing
	mustClose(t, s)
	mustClose(t, s) // again is no harm
	for range 2 {
		if err := receive(t, ended); !errors.Is(err, store.ErrClosed) {
			t.Errorf("tail or watch: got %v, want ErrClosed", err)
		}
	}
	_, appendErr := s.Append(background, []store.Record{{Topic: "a"}})
	_, readErr := s.Read(background, []store.Span{{Filter: "a"}}, 1, 1)
	_, getErr := s.Get(background, "t", "k")
	_, putErr := s.Put(background, "t", "k", nil, store.Any, 0)
	for name, err := range map[string]error{"append": appendErr, "read": readErr, "get": getErr, "put": putErr} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	if _, ready := s.Applied(); ready {
		t.Error("a closed store says that it is ready")
	}
}
