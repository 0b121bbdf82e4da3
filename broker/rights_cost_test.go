package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
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

// spread is rights over n users in sessions of ten and challenges of a hundred
// each, every trainer with ten clients; nothing of it is in the processor's caches
// because it was asked for a moment ago.
func spread(tb testing.TB, n int) (*rights, []*delivery.Client) {
	tb.Helper()
	ctx := tb.Context()
	m := &tables{rows: map[string]map[string][]byte{}}
	for i := range n {
		role := access.Member
		if i%11 == 10 {
			role = access.Trainer
		}
		row := fmt.Sprintf(`{"name":"User %d","role":%q,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}`, i, role)
		if _, err := m.Put(ctx, "users", userOf(i), []byte(row), store.Any, 0); err != nil {
			tb.Fatal(err)
		}
	}
	users, err := access.OpenUsers(ctx, access.UsersOptions{Tables: m})
	if err != nil {
		tb.Fatal(err)
	}
	e, err := engine.New(engine.Options{Store: m, Users: users})
	if err != nil {
		tb.Fatal(err)
	}
	admin := engine.Actor{UserID: "admin", Role: "admin"}
	r := &rights{policy: access.NewPolicy(e, false, access.Rule{Allow: true, Publish: true, Subscribe: true, Topic: "home/%u/#"}), users: users}
	clients := make([]*delivery.Client, n)
	for i := range n {
		var errs []error
		if i%10 == 0 {
			_, _, err := e.PutSession(ctx, admin, sessionOf(i), engine.SessionSpec{Kind: "workout", Title: "Run", Host: userOf(i), Visibility: "invite"})
			errs = append(errs, err)
		}
		if i%100 == 0 {
			_, _, err := e.PutChallenge(ctx, admin, challengeOf(i), engine.ChallengeSpec{
				Title: "June", Organizer: userOf(i), Metric: "distance", StartsAt: time.Now(), EndsAt: time.Now().Add(time.Hour),
			})
			errs = append(errs, err)
		}
		errs = append(errs, e.PutMember(ctx, admin, sessionOf(i), userOf(i)), e.PutParticipant(ctx, admin, challengeOf(i), userOf(i)))
		if trainer := i/11*11 + 10; trainer != i && trainer < n {
			errs = append(errs, e.PutLink(ctx, admin, userOf(trainer), userOf(i)))
		}
		if err := errors.Join(errs...); err != nil {
			tb.Fatal(err)
		}
		id, _ := users.Identity(userOf(i))
		clients[i] = &delivery.Client{ID: "c", UserID: id.UserID, Remote: "x", Identity: access.NewHolder(id, nil)}
	}
	return r, clients
}

func userOf(i int) string      { return fmt.Sprintf("u%06d", i) }
func sessionOf(i int) string   { return fmt.Sprintf("s%05d", i/10) }
func challengeOf(i int) string { return fmt.Sprintf("c%04d", i/100) }

// spreadDecisions are asked of each user in turn.
var spreadDecisions = []struct {
	name    string
	publish bool
	topic   func(i, n int) string
}{
	{"publish-progress", true, func(i, _ int) string { return "session/" + sessionOf(i) + "/progress/" + userOf(i) }},
	{"publish-activity", true, func(i, _ int) string { return "challenge/" + challengeOf(i) + "/activity" }},
	{"publish-general", true, func(i, _ int) string { return "home/" + userOf(i) + "/door" }},
	{"deliver-progress", false, func(i, _ int) string { return "session/" + sessionOf(i) + "/progress/" + userOf(i/10*10) }},
	{"deliver-leaderboard", false, func(i, _ int) string { return "challenge/" + challengeOf(i) + "/leaderboard" }},
	{"deliver-feed", false, func(i, _ int) string { return "user/" + userOf(i) + "/receipt" }},
	{"deliver-fellow-presence", false, func(i, _ int) string { return "user/" + userOf(i/10*10) + "/presence" }},
	{"deliver-stranger-presence", false, func(i, n int) string { return "user/" + userOf((i+n/2)%n) + "/presence" }},
}

// BenchmarkRights measures a decision that is not known yet. cpu-ns/op is
// processor time, which other programs on the machine do not spoil as they do ns/op.
func BenchmarkRights(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		r, clients := spread(b, n)
		for _, d := range spreadDecisions {
			topics := make([]string, n)
			for i := range topics {
				topics[i] = d.topic(i, n)
			}
			b.Run(fmt.Sprintf("%s/users=%d", d.name, n), func(b *testing.B) {
				b.ReportAllocs()
				i, before := 0, processorTime(b)
				for b.Loop() {
					i = (i + 7919) % n // a prime: no two neighbours one after the other
					ask(r, clients[i], topics[i], d.publish)
				}
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// processorTime is what the process has used so far, in nanoseconds.
func processorTime(tb testing.TB) int64 {
	tb.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		tb.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
