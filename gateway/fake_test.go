package gateway_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/gateway/gatewaytest"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/gateway"
)

// fakeEngine remembers what was asked and answers from maps, or with err.
type fakeEngine struct {
	calls      []string
	err        error
	panics     bool
	created    bool
	sessions   map[string]engine.Session
	challenges map[string]engine.Challenge
	links      map[string]bool
	query      engine.BoardQuery
	wait       bool // answer only when the context ends
}

var _ gateway.Engine = (*fakeEngine)(nil)

func (f *fakeEngine) call(ctx context.Context, a engine.Actor, parts ...string) error {
	if f.panics {
		panic("the fake was told to")
	}
	f.calls = append(f.calls, a.UserID+"("+a.Role+") "+strings.Join(parts, " "))
	if f.wait {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.err
}

func (f *fakeEngine) Boards(search string, latest bool, limit int) []engine.BoardInfo {
	f.calls = append(f.calls, fmt.Sprint("boards ", search, latest, limit))
	return nil
}

// pageOf is a page of a map's values in order of the keys.
func pageOf[T any](m map[string]T, after string, limit int) (list []T, next string) {
	keys := slices.Sorted(maps.Keys(m))
	for i, k := range keys {
		if k <= after {
			continue
		}
		if list = append(list, m[k]); len(list) == limit && i < len(keys)-1 {
			return list, k
		}
	}
	return list, ""
}

func (f *fakeEngine) Periods(id, after string, _ int) ([]engine.PeriodStatus, string, error) {
	return []engine.PeriodStatus{{Period: "2026-06-01"}}, "", f.call(context.Background(), engine.Actor{}, "list periods", id, after)
}

func (f *fakeEngine) Summaries(ctx context.Context, sid, after string, _ int) ([]engine.WorkoutSummary, string, error) {
	err := f.call(ctx, engine.Actor{}, "list summaries", sid, after)
	return []engine.WorkoutSummary{{SessionID: sid, UserID: "ben"}}, "ben", err
}

func (f *fakeEngine) Summary(ctx context.Context, sid, uid string) (engine.WorkoutSummary, error) {
	return engine.WorkoutSummary{SessionID: sid, UserID: uid}, f.call(ctx, engine.Actor{}, "get summary", sid, uid)
}

func (f *fakeEngine) Workouts(ctx context.Context, a engine.Actor, uid, after string, _ int) ([]engine.WorkoutSummary, string, error) {
	err := f.call(ctx, a, "list workouts", uid, after)
	return []engine.WorkoutSummary{{SessionID: "s1", UserID: uid}}, "", err
}

func (f *fakeEngine) PutSession(ctx context.Context, a engine.Actor, id string, s engine.SessionSpec) (engine.Session, bool, error) {
	err := f.call(ctx, a, "put session", id, s.Title, s.Host, s.Visibility)
	return engine.Session{ID: id, SessionSpec: s}, f.created, err
}

func (f *fakeEngine) Session(id string) (engine.Session, error) {
	s, ok := f.sessions[id]
	if !ok {
		return s, fitness.Errorf("get session", fitness.NotFound, "no session %s", id)
	}
	return s, nil
}

func (f *fakeEngine) Sessions(after string, limit int) ([]engine.Session, string) {
	return pageOf(f.sessions, after, limit)
}

func (f *fakeEngine) DeleteSession(ctx context.Context, a engine.Actor, id string) error {
	return f.call(ctx, a, "delete session", id)
}

func (f *fakeEngine) Control(ctx context.Context, a engine.Actor, id, action, user string) error {
	return f.call(ctx, a, "control", id, action, user)
}

func (f *fakeEngine) PutMember(ctx context.Context, a engine.Actor, sid, uid string) error {
	return f.call(ctx, a, "put member", sid, uid)
}

func (f *fakeEngine) DeleteMember(ctx context.Context, a engine.Actor, sid, uid string) error {
	return f.call(ctx, a, "delete member", sid, uid)
}

func (f *fakeEngine) Members(sid string) ([]engine.Member, error) {
	return []engine.Member{{UserID: "ana", Name: "Ana", Role: "host", Flags: map[string]int{"heartRate": 2}}}, f.err
}

func challengeOf(id, visibility string) engine.Challenge {
	return engine.Challenge{ID: id, ChallengeSpec: engine.ChallengeSpec{Visibility: visibility}}
}

func (f *fakeEngine) PutChallenge(ctx context.Context, a engine.Actor, id string, s engine.ChallengeSpec) (engine.Challenge, bool, error) {
	err := f.call(ctx, a, "put challenge", id, s.Title, s.Organizer)
	return engine.Challenge{ID: id, ChallengeSpec: s}, f.created, err
}

func (f *fakeEngine) Challenge(id string) (engine.Challenge, error) {
	c, ok := f.challenges[id]
	if !ok {
		return c, fitness.Errorf("get challenge", fitness.NotFound, "no challenge %s", id)
	}
	return c, nil
}

func (f *fakeEngine) Challenges(after string, limit int) ([]engine.Challenge, string) {
	return pageOf(f.challenges, after, limit)
}

func (f *fakeEngine) DeleteChallenge(ctx context.Context, a engine.Actor, id string) error {
	return f.call(ctx, a, "delete challenge", id)
}

func (f *fakeEngine) Leaderboard(id string, q engine.BoardQuery) (engine.Board, error) {
	f.query = q
	return engine.Board{ChallengeID: id, Revision: 7, Metric: "distance", Unit: "m", Total: 2, Entries: []engine.BoardEntry{{Rank: 1, UserID: "ana"}}}, f.err
}

func (f *fakeEngine) PutParticipant(ctx context.Context, a engine.Actor, cid, uid string) error {
	return f.call(ctx, a, "put participant", cid, uid)
}

func (f *fakeEngine) DeleteParticipant(ctx context.Context, a engine.Actor, cid, uid string) error {
	return f.call(ctx, a, "delete participant", cid, uid)
}

func (f *fakeEngine) Participants(_, after string, limit int) ([]engine.Entrant, string, error) {
	list, next := pageOf(map[string]engine.Entrant{"ana": {UserID: "ana"}, "ben": {UserID: "ben"}}, after, limit)
	return list, next, f.err
}

func (f *fakeEngine) WithdrawActivity(ctx context.Context, a engine.Actor, cid, uid, aid string) error {
	return f.call(ctx, a, "withdraw", cid, uid, aid)
}

func (f *fakeEngine) PutLink(ctx context.Context, a engine.Actor, trainer, client string) error {
	return f.call(ctx, a, "put link", trainer, client)
}

func (f *fakeEngine) DeleteLink(ctx context.Context, a engine.Actor, trainer, client string) error {
	return f.call(ctx, a, "delete link", trainer, client)
}

func (f *fakeEngine) PresenceVisible(viewer, user string) bool {
	return f.links[viewer+"/"+user] || f.links[user+"/"+viewer]
}

func (f *fakeEngine) PresenceOf(user string) engine.Presence {
	return engine.Presence{UserID: user, State: engine.Away}
}

func (f *fakeEngine) Clients(a engine.Actor, trainer, after string, limit int) ([]engine.Client, string, error) {
	return []engine.Client{{TrainerID: trainer, ClientID: "ana"}}, "", f.call(context.Background(), a, "clients", trainer, after)
}

func (f *fakeEngine) Linked(trainer, client string) bool { return f.links[trainer+"/"+client] }

// The relations of the tests: ana hosts s1, ben is its member; both take part in
// c1; tim trains ana.

func (f *fakeEngine) SessionMember(sid, uid string) bool {
	return sid == "s1" && (uid == "ana" || uid == "ben")
}
func (f *fakeEngine) SessionRoom(string, string) bool { return true }

func (f *fakeEngine) SessionControl(sid, uid string) bool { return sid == "s1" && uid == "ana" }
func (f *fakeEngine) SessionTrainer(string, string) bool  { return false }
func (f *fakeEngine) ChallengeParticipant(cid, uid string) bool {
	return cid == "c1" && (uid == "ana" || uid == "ben")
}

func newHouse(t testing.TB, change ...func(*gateway.Options)) *house {
	t.Helper()
	h := &house{
		engine: &fakeEngine{
			sessions:   map[string]engine.Session{"s1": {ID: "s1"}, "s2": {ID: "s2"}},
			challenges: map[string]engine.Challenge{"c1": challengeOf("c1", "invite"), "c2": challengeOf("c2", "open"), "c3": challengeOf("c3", "invite")},
			links:      map[string]bool{"tim/ana": true},
		},
		users: &fakeUsers{users: map[string]access.User{}},
		plane: &fakePlane{kept: map[string]string{}},
		log:   &bytes.Buffer{},
		t:     t,
	}
	for id, role := range map[string]access.Role{"ana": access.Member, "ben": access.Member, "olga": access.Member, "tim": access.Trainer, "svc": access.Service, "root": access.Admin} {
		h.users.users[id] = access.User{ID: id, Name: strings.ToUpper(id), Role: role, CreatedAt: time.Unix(0, 0).UTC(), UpdatedAt: time.Unix(0, 0).UTC()}
	}
	o := gateway.Options{
		Engine: h.engine, Users: h.users, Policy: access.NewPolicy(h.engine, false), Door: h.users, Tokens: h.users, Devices: h.users,
		Publisher: h.plane, Retained: h.plane, Webhooks: hooks{},
		Logger: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, fn := range change {
		fn(&o)
	}
	var err error
	if h.Gateway, err = gateway.New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

// contracts are those that tests have read already, by the description.
var contracts sync.Map

func contractOf(t testing.TB, description []byte) *gatewaytest.Contract {
	t.Helper()
	if c, ok := contracts.Load(string(description)); ok {
		return c.(*gatewaytest.Contract)
	}
	c, err := gatewaytest.New(description)
	if err != nil {
		t.Fatal(err)
	}
	contracts.Store(string(description), c)
	return c
}

// wantProblem checks that the answer is a problem with that status and detail.
func wantProblem(t *testing.T, res answer, status int, detail string) gateway.Problem {
	t.Helper()
	body := res.Body
	var p gateway.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("status %d with %q, which is no problem: %v", res.StatusCode, body, err)
	}
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if res.StatusCode != status || p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) {
		t.Errorf("got status %d and %+v, want %d", res.StatusCode, p, status)
	}
	if !strings.Contains(p.Detail, detail) || p.Detail == "" {
		t.Errorf("got detail %q, want %q", p.Detail, detail)
	}
	return p
}

// wantJSON checks status and body.
func wantJSON(t *testing.T, res answer, status int, body string) {
	t.Helper()
	got := strings.TrimSpace(res.Body)
	if res.StatusCode != status || got != body {
		t.Errorf("got %d %s\nwant %d %s", res.StatusCode, got, status, body)
	}
	if want := cmp.Or(map[bool]string{true: "application/json"}[body != ""], ""); res.Header.Get("Content-Type") != want {
		t.Errorf("content type %q, want %q", res.Header.Get("Content-Type"), want)
	}
}

func (f *fakeEngine) PutConversation(ctx context.Context, a engine.Actor, id string, s engine.ConversationSpec) (engine.Conversation, bool, error) {
	err := f.call(ctx, a, "put conversation", id, s.Title, strings.Join(s.Members, "+"))
	return engine.Conversation{ID: id, Title: s.Title}, f.created, err
}

func (f *fakeEngine) DeleteConversation(ctx context.Context, a engine.Actor, id string) error {
	return f.call(ctx, a, "delete conversation", id)
}

func (f *fakeEngine) LeaveConversation(ctx context.Context, a engine.Actor, id, user string) error {
	return f.call(ctx, a, "leave", id, user)
}

func (f *fakeEngine) Conversation(id, user string) (engine.Conversation, error) {
	return engine.Conversation{ID: id, Members: []string{user}}, f.err
}

func (f *fakeEngine) Conversations(user, _ string, _ int) ([]engine.Conversation, string) {
	return []engine.Conversation{{ID: "ana." + user, Unread: 2}}, ""
}

func (f *fakeEngine) History(ctx context.Context, a engine.Actor, id string, q engine.HistoryQuery) (engine.History, error) {
	err := f.call(ctx, a, fmt.Sprintf("history %s before=%d after=%d oldest=%v limit=%d", id, q.Before, q.After, q.Oldest, q.Limit))
	return engine.History{Items: []json.RawMessage{[]byte(`{"seq":1}`)}, Head: 9}, err
}

func (f *fakeEngine) SessionHistory(ctx context.Context, a engine.Actor, id string, q engine.HistoryQuery) (engine.History, error) {
	return f.History(ctx, a, "session "+id, q)
}

func (f *fakeEngine) PutBlock(ctx context.Context, a engine.Actor, whom string) error {
	return f.call(ctx, a, "block", whom)
}

func (f *fakeEngine) DeleteBlock(ctx context.Context, a engine.Actor, whom string) error {
	return f.call(ctx, a, "unblock", whom)
}

func (f *fakeEngine) Preferences(a engine.Actor, user string) (engine.Preferences, error) {
	return engine.Preferences{Units: "mile"}, f.call(context.Background(), a, "get preferences", user)
}

func (f *fakeEngine) PutPreferences(ctx context.Context, a engine.Actor, user string, p engine.Preferences) (engine.Preferences, error) {
	return p, f.call(ctx, a, "put preferences", user, string(p.Units), string(p.Presence), strings.Join(p.Notifications.Off, "+"))
}

func (f *fakeEngine) DeletePreferences(ctx context.Context, a engine.Actor, user string) error {
	return f.call(ctx, a, "delete preferences", user)
}

func (f *fakeEngine) Notifications(a engine.Actor, after string, limit int, unread bool) (engine.Inbox, error) {
	return engine.Inbox{}, f.call(context.Background(), a, "notifications", fmt.Sprintf("after=%s limit=%d unread=%v", after, limit, unread))
}

func (f *fakeEngine) ReadNotifications(ctx context.Context, a engine.Actor, body []byte) error {
	return f.call(ctx, a, "read", string(body))
}

func (f *fakeEngine) DeleteNotification(ctx context.Context, a engine.Actor, id string) error {
	return f.call(ctx, a, "delete notification", id)
}

func (f *fakeEngine) Matches(userID string) []engine.Match {
	return []engine.Match{{State: engine.MatchProposed, PartnerID: "p1", Name: "Ben"}}
}
func (f *fakeEngine) Blocks(string) []string { return []string{"ben"} }

func (f *fakeEngine) ConversationMember(id, user string) bool {
	return id == "ana.ben" && (user == "ana" || user == "ben")
}
