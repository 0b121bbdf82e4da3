package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/store"
)

// tables keeps rows in memory, for as many users as a disk would take minutes for.
type tables struct {
	mu   sync.Mutex // guards rows
	rows map[string]map[string][]byte
	rev  store.Rev
}

var _ store.Tables = (*tables)(nil)

func (m *tables) Get(_ context.Context, table, key string) (store.Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.rows[table][key]
	if !ok {
		return store.Value{}, store.ErrNotFound
	}
	return store.Value{Key: key, Data: data, Rev: 1}, nil
}

func (m *tables) Put(_ context.Context, table, key string, data []byte, _ store.Cond, _ time.Duration) (store.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[table] == nil {
		m.rows[table] = map[string][]byte{}
	}
	m.rows[table][key] = slices.Clone(data)
	m.rev++
	return m.rev, nil
}

func (m *tables) PutMany(ctx context.Context, table string, puts []store.Put) error {
	for _, p := range puts {
		if _, err := m.Put(ctx, table, p.Key, p.Data, store.Any, 0); err != nil {
			return err
		}
	}
	return nil
}

func (m *tables) Delete(_ context.Context, table, key string, _ store.Cond) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows[table], key)
	return nil
}

func (m *tables) Scan(_ context.Context, table, prefix, after string, fn func(store.Value) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for k := range m.rows[table] {
		if strings.HasPrefix(k, prefix) && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !fn(store.Value{Key: k, Data: m.rows[table][k], Rev: 1}) {
			break
		}
	}
	return nil
}

func (*tables) Watch(ctx context.Context, _, _ string, _ func(store.Change)) error {
	<-ctx.Done()
	return nil
}

// crowd is rights over n users who all are in one session and one challenge.
func crowd(t testing.TB, n int) (*rights, *delivery.Client) {
	t.Helper()
	ctx := t.Context()
	m := &tables{rows: map[string]map[string][]byte{}}
	for i := range n {
		row := fmt.Sprintf(`{"name":"User %d","role":"member","createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}`, i)
		if _, err := m.Put(ctx, "users", fmt.Sprintf("u%06d", i), []byte(row), store.Any, 0); err != nil {
			t.Fatal(err)
		}
	}
	users, err := access.OpenUsers(ctx, access.UsersOptions{Tables: m})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{Store: m, Users: users, MaxMembers: n + 1})
	if err != nil {
		t.Fatal(err)
	}
	admin := engine.Actor{UserID: "admin", Role: "admin"}
	_, _, err = e.PutSession(ctx, admin, "s1", engine.SessionSpec{Kind: "workout", Title: "Run", Host: "u000000", Visibility: "invite"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = e.PutChallenge(ctx, admin, "c1", engine.ChallengeSpec{
		Title: "June", Organizer: "u000000", Metric: "distance", StartsAt: time.Now(), EndsAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := fmt.Sprintf("u%06d", i)
		if err := e.PutMember(ctx, admin, "s1", id); err != nil {
			t.Fatal(err)
		}
		if err := e.PutParticipant(ctx, admin, "c1", id); err != nil {
			t.Fatal(err)
		}
	}
	r := &rights{
		policy: access.NewPolicy(e, false, access.Rule{Allow: true, Publish: true, Subscribe: true, Topic: "home/%u/#"}), users: users,
	}
	id, _ := users.Identity("u000001")
	return r, &delivery.Client{ID: "c", UserID: id.UserID, Remote: "x", Identity: access.NewHolder(id, nil)}
}

// decisions are what is asked for each message that is not known yet.
var decisions = []struct {
	name, topic string
	publish     bool
}{
	{"publish/progress", "session/s1/progress/u000001", true},
	{"publish/activity", "challenge/c1/activity", true},
	{"publish/general", "home/u000001/door", true},
	{"deliver/progress", "session/s1/progress/u000002", false},
	{"deliver/leaderboard", "challenge/c1/leaderboard", false},
	{"deliver/feed", "user/u000001/receipt", false},
	{"deliver/general", "home/u000001/door", false},
	{"deliver/denied", "user/u000002/receipt", false},
}

func TestRights_Allocations(t *testing.T) {
	r, c := crowd(t, 100)
	for _, d := range decisions {
		if got := testing.AllocsPerRun(100, func() { ask(r, c, d.topic, d.publish) }); got != 0 {
			t.Errorf("%s: %v allocations, want 0", d.name, got)
		}
		if want := d.name != "deliver/denied"; ask(r, c, d.topic, d.publish) != want {
			t.Errorf("%s: got %v, want %v", d.name, !want, want)
		}
	}
}

func ask(r *rights, c *delivery.Client, topic string, publish bool) bool {
	if publish {
		return r.MayPublish(c, topic) == ""
	}
	return r.MayReceive(c, topic)
}

func BenchmarkRights(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			r, c := crowd(b, n)
			for _, d := range decisions {
				b.Run(strings.ReplaceAll(d.name, "/", "-"), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						ask(r, c, d.topic, d.publish)
					}
				})
			}
		})
	}
}
