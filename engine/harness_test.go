package engine_test

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

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/store"
)

// memTables is store.Tables in memory.
type memTables struct {
	mu   sync.Mutex
	m    map[string]map[string]store.Value
	fail error // what writes return when not nil

	seams *seams
}

// seam is one of the places where others may come in between.
func (t *memTables) seam() {
	t.mu.Lock()
	s := t.seams
	t.mu.Unlock()
	s.pass()
}

var _ store.Tables = (*memTables)(nil)

func newTables() *memTables { return &memTables{m: map[string]map[string]store.Value{}} }

func (t *memTables) Get(_ context.Context, table, key string) (store.Value, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.m[table][key]
	if !ok {
		return v, store.ErrNotFound
	}
	return v, nil
}

func (t *memTables) Put(_ context.Context, table, key string, data []byte, cond store.Cond, _ time.Duration) (store.Rev, error) {
	t.seam()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return 0, t.fail
	}
	if t.m[table] == nil {
		t.m[table] = map[string]store.Value{}
	}
	rev := t.m[table][key].Rev
	if !cond.Holds(rev) {
		return 0, store.ErrConflict
	}
	t.m[table][key] = store.Value{Key: key, Data: slices.Clone(data), Rev: rev + 1}
	return rev + 1, nil
}

func (t *memTables) PutMany(ctx context.Context, table string, puts []store.Put) error {
	for _, p := range puts {
		if p.Data == nil {
			if err := t.Delete(ctx, table, p.Key, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			continue
		}
		if _, err := t.Put(ctx, table, p.Key, p.Data, store.Any, 0); err != nil {
			return err
		}
	}
	return nil
}

func (t *memTables) Delete(_ context.Context, table, key string, _ store.Cond) error {
	t.seam()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return t.fail
	}
	if _, ok := t.m[table][key]; !ok {
		return store.ErrNotFound
	}
	delete(t.m[table], key)
	return nil
}

func (t *memTables) Scan(_ context.Context, table, prefix, after string, fn func(store.Value) bool) error {
	t.mu.Lock()
	var list []store.Value
	for k, v := range t.m[table] {
		if strings.HasPrefix(k, prefix) && k > after {
			list = append(list, v)
		}
	}
	t.mu.Unlock()
	slices.SortFunc(list, func(a, b store.Value) int { return strings.Compare(a.Key, b.Key) })
	for _, v := range list {
		if !fn(v) {
			break
		}
	}
	return nil
}

func (t *memTables) Watch(ctx context.Context, _, _ string, _ func(store.Change)) error {
	<-ctx.Done()
	return nil
}

// keys lists a table's keys.
func (t *memTables) keys(table string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for k := range t.m[table] {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

func (t *memTables) setFail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail = err
}

// names is the users of the tests.
type names struct{}

func (names) Name(id string) string { return strings.ToUpper(id[:1]) + id[1:] }
func (names) Exists(id string) bool { return id != "ghost" }
func (names) Trains(id string) bool { return id != "mel" }

// world is an engine with everything around it: a log, a clock, and who listens.
type world struct {
	t      *testing.T
	tables *memTables
	*engine.Engine

	mu       sync.Mutex
	now      time.Time
	sent     []engine.Outgoing
	retained map[string][]byte
	revoked  []string
	lose     bool // what is published is lost
	herald   engine.Herald
	fail     error // what the log says to messages with an id
	seams    *seams

	log    []entry
	logged map[string]bool
}

type entry struct {
	pos store.Pos
	in  engine.Inbound
}

var admin = engine.Actor{UserID: "root", Role: "admin"}

func actor(id string) engine.Actor { return engine.Actor{UserID: id, Role: "member"} }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, tables: newTables(), now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
		retained: map[string][]byte{}, logged: map[string]bool{},
	}
	w.start()
	return w
}

// start opens an engine on the tables and applies the log's tail, as after a
// start of the process.
func (w *world) start() {
	w.t.Helper()
	e, err := engine.New(engine.Options{Store: w.tables, Publisher: w, Users: names{}, Clock: w.clock, Herald: w.herald})
	if err != nil {
		w.t.Fatalf("new engine: %v", err)
	}
	e.SetMembership(w)
	w.Engine = e
	for _, x := range w.log {
		if x.pos > e.Position() {
			e.Applied(x.pos, x.in)
		}
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	s := w.seams
	w.mu.Unlock()
	s.pass()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Publish implements engine.Publisher.
func (w *world) Publish(m engine.Outgoing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lose {
		return // on its way to the log when the process is killed
	}
	if m.Stored != nil {
		defer m.Stored(w.fail)
	}
	if m.RecordID != "" && w.fail != nil {
		return
	}
	if m.RecordID != "" {
		if w.logged[m.RecordID] {
			return // the log has it
		}
		w.logged[m.RecordID] = true
	}
	w.sent = append(w.sent, m)
	if m.Retain && len(m.Payload) > 0 {
		w.retained[m.Topic] = m.Payload
	} else if m.Retain {
		delete(w.retained, m.Topic)
	}
}

// Revoke implements engine.Membership. It asks back, as the real one does.
func (w *world) Revoke(userID string) {
	w.SessionMember("s1", userID)
	w.ChallengeParticipant("c1", userID)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = append(w.revoked, userID)
}

// pass lets time go by in ticks.
func (w *world) pass(d time.Duration) {
	for end := w.clock().Add(d); w.clock().Before(end); {
		w.mu.Lock()
		w.now = w.now.Add(100 * time.Millisecond)
		now := w.now
		w.mu.Unlock()
		w.Tick(now)
	}
}

func sender(user, client string) engine.Sender {
	return engine.Sender{UserID: user, Role: "member", ClientID: client}
}

// publish hands in a message as the data plane does: what is to be logged is
// logged, at most once for an id, and applied.
func (w *world) publish(from engine.Sender, topic, payload string) engine.Outcome {
	w.t.Helper()
	in := engine.Inbound{Sender: from, Topic: topic, Payload: []byte(payload), QoS: 1, At: w.clock()}
	out := w.Handle(in)
	if out.Code == 0 && out.Log {
		w.commit(out, in)
	}
	return out
}

func (w *world) commit(out engine.Outcome, in engine.Inbound) {
	if out.RecordID != "" && w.logged[out.RecordID] {
		return
	}
	if out.RecordID != "" {
		w.logged[out.RecordID] = true
	}
	if out.Payload != nil {
		in.Payload = out.Payload
	}
	x := entry{pos: store.Pos(len(w.log) + 1), in: in}
	w.log = append(w.log, x) // read back after a start it has no Made
	in.Made = out.Made
	w.Applied(x.pos, in)
}

// events lists what was sent on session/{sid}/events, as type:user:reason.
func (w *world) events(sid string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, m := range w.sent {
		if m.Topic == "session/"+sid+"/events" {
			var e engine.Event
			_ = json.Unmarshal(m.Payload, &e) // ours
			list = append(list, strings.TrimRight(e.Type+":"+e.UserID+":"+e.Reason, ":"))
		}
	}
	return list
}

// count is how often a topic was published.
func (w *world) count(topic string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, m := range w.sent {
		if m.Topic == topic {
			n++
		}
	}
	return n
}

// state decodes a retained message.
func state[T any](w *world, topic string) T {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var v T
	b, ok := w.retained[topic]
	if !ok {
		w.t.Fatalf("nothing is retained on %s", topic)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		w.t.Fatalf("%s: %v in %s", topic, err, b)
	}
	return v
}

// raw is the retained bytes, "" for none.
func (w *world) raw(topic string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.retained[topic])
}

// lines writes a board as "1 ana 7242.48".
func lines(entries []engine.BoardEntry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, fmt.Sprintf("%d %s %s", e.Rank, e.UserID, e.Score))
	}
	return list
}

func (w *world) sample(seq int, fields string) string {
	return fmt.Sprintf(`{"seq":%d,"timestamp":%q,"sport":"running",%s}`, seq, w.clock().Format(time.RFC3339Nano), fields)
}

func (w *world) activity(id string, metres float64) string {
	return w.ended(id, metres, w.clock())
}

// ended is an activity that ended at a moment.
func (w *world) ended(id string, metres float64, end time.Time) string {
	start := end.Add(-30 * time.Minute)
	return fmt.Sprintf(`{"activityId":%q,"sport":"running","startTime":%q,"totalElapsedTime":1800,"totalDistance":%v}`,
		id, start.Format(time.RFC3339Nano), metres)
}

// errDisk is a store that cannot write.
var errDisk = errors.New("disk on fire")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fitness.Kind, text string) {
	t.Helper()
	if err == nil || fitness.KindOf(err) != kind || !strings.Contains(fitness.Message(err), text) {
		t.Errorf("got %v (%v), want kind %v with %q", err, fitness.KindOf(err), kind, text)
	}
}

func wantRefused(t *testing.T, out engine.Outcome, code byte, text string) {
	t.Helper()
	if out.Code != code || !strings.Contains(out.Reason, text) {
		t.Errorf("got code %#x %q, want %#x with %q", out.Code, out.Reason, code, text)
	}
	if out.Log || out.Deliver || out.Retain {
		t.Errorf("a refused message has an effect: %+v", out)
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// session makes an open session with ana as host.
func (w *world) session(id string) {
	w.t.Helper()
	_, created, err := w.PutSession(context.Background(), actor("ana"), id, engine.SessionSpec{Title: "Track", Visibility: "open"})
	must(w.t, err)
	if !created {
		w.t.Fatal("the session was there already")
	}
}

// challenge makes a challenge of oli that runs from a day ago for three days,
// with participants.
func (w *world) challenge(id string, users ...string) {
	w.t.Helper()
	ctx := context.Background()
	_, _, err := w.PutChallenge(ctx, actor("oli"), id, w.spec())
	must(w.t, err)
	for _, u := range users {
		must(w.t, w.PutParticipant(ctx, actor("oli"), id, u))
	}
}

func (w *world) spec() engine.ChallengeSpec {
	return engine.ChallengeSpec{
		Title: "Far", Organizer: "oli", Metric: "distance", Order: leaderboard.Desc,
		StartsAt: w.clock().Add(-24 * time.Hour), EndsAt: w.clock().Add(48 * time.Hour),
	}
}

// dropUsers leaves out what is retained for users.
func (w *world) dropUsers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic := range w.retained {
		if strings.HasPrefix(topic, "user/") {
			delete(w.retained, topic)
		}
	}
}
