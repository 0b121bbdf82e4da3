package access_test

import (
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
)

// world is the relations of the tests:
// s1: host ana, trainer tim, member ben; open: everybody, host ben.
// c1: participants ana and ben, organizer tim. tim trains ana; tam (demoted,
// now a member) still has a link to ana.
type world struct{}

func (world) SessionMember(sid, uid string) bool {
	return sid == "open" || sid == "s1" && (uid == "ana" || uid == "ben" || uid == "tim")
}
func (world) SessionRoom(sid, uid string) bool { return sid != "open" || uid != "late" }
func (world) SessionControl(sid, uid string) bool {
	return sid == "s1" && (uid == "ana" || uid == "tim") || sid == "open" && uid == "ben"
}
func (world) SessionTrainer(sid, uid string) bool { return sid == "s1" && uid == "tim" }
func (world) ChallengeParticipant(cid, uid string) bool {
	return cid == "c1" && (uid == "ana" || uid == "ben" || uid == "tim")
}
func (world) ConversationMember(c, uid string) bool {
	return c == "ana.ben" && (uid == "ana" || uid == "ben") || c == "crew" && uid == "tim"
}
func (w world) PresenceVisible(viewer, user string) bool {
	return w.Linked(viewer, user) || w.Linked(user, viewer)
}

func (world) Linked(trainer, client string) bool {
	return client == "ana" && (trainer == "tim" || trainer == "tam")
}

// The people of the tests, by one letter each.
var people = map[byte]access.Identity{
	'a': {UserID: "ana", Role: access.Member},
	'b': {UserID: "ben", Role: access.Member},
	't': {UserID: "tim", Role: access.Trainer},
	'x': {UserID: "tam", Role: access.Member},  // linked as a trainer, demoted since
	'o': {UserID: "olga", Role: access.Member}, // outsider
	'u': {UserID: "other", Role: access.Trainer},
	's': {UserID: "svc", Role: access.Service},
	'm': {UserID: "admin", Role: access.Admin},
	'-': {},               // anonymous
	'?': {UserID: "ana"},  // claims a name, proved nothing
	'!': {Role: "wizard"}, // no such role
}

const everybody = "abtxousm-?!"

// rights is PROTOCOL's tables by hand: who may publish, and who may subscribe to
// and be delivered, one row a topic.
var rights = []struct{ topic, publish, receive string }{
	{"session/s1/info", "", "abtsm"},
	{"session/s1/participants", "", "abtsm"},
	{"session/s1/events", "", "abtsm"},
	{"session/s1/progress/ana", "a", "abtsm"},
	{"session/s1/progress/ben", "b", "abtsm"},
	{"session/s1/progress/olga", "", "abtsm"},
	{"session/s1/form/ana", "t", "atsm"},
	{"session/s1/form/olga", "t", "tsm"},
	{"session/s1/form/ana/seen", "a", "tsm"},
	{"session/s1/leaderboard", "", "abtsm"},
	{"session/s1/chat", "abt", "abtsm"},
	{"session/s1/control", "at", "sm"},
	{"session/open/control", "b", "sm"},
	{"session/open/progress/olga", "o", "abtxousm"},
	{"session/open/info", "", "abtxousm"},
	{"session/none/info", "", "sm"},
	{"session/s1", "", "sm"},
	{"session/s1/", "", "sm"},
	{"session/s1/progress", "", "sm"},
	{"session/s1/progress/ana/x", "", "sm"},
	{"session/s1/INFO", "", "sm"},
	{"session//info", "", "sm"},
	{"session/s1/secret", "", "sm"},
	{"challenge/c1/info", "", "abtsm"},
	{"challenge/c1/status", "", "abtsm"},
	{"challenge/c1/activity", "abt", "sm"},
	{"challenge/c1/leaderboard", "", "abtsm"},
	{"challenge/c1/achievements", "", "abtsm"},
	{"challenge/c1/rank/ana", "", "atsm"},
	{"challenge/c1/rank/ben", "", "bsm"},
	{"challenge/c1/rank/olga", "", "sm"},
	{"challenge/c2/activity", "", "sm"},
	{"challenge/c2/rank/ana", "", "sm"},
	{"user/ana/chat/ana.ben", "", "asm"},
	{"user/ana/receipt", "", "asm"},
	{"user/ana/notification", "ts", "asm"},
	{"user/ben/notification", "s", "bsm"},
	{"user/ana/achievement", "", "asm"},
	{"user/ana/match", "", "asm"},
	{"user/ana/unread", "", "asm"},
	{"user/ana/token", "a", ""},
	{"user/ana/error", "", "asm"},
	{"user/ana/presence", "", "atxsm"},
	{"user/tim/presence", "", "atsm"},
	{"user/ana/away", "a", "sm"},
	{"user/ana/notification/read", "a", "sm"},
	{"user/ana/else", "", "sm"},
	{"chat/ana.ben/message", "ab", "absm"},
	{"chat/ana.ben/typing", "ab", "absm"},
	{"chat/ana.ben/read", "ab", "sm"},
	{"chat/ben.ana/message", "", "sm"},
	{"chat/crew/message", "t", "tsm"},
	{"chat/crew/else", "", "sm"},
	{"match/beacon", "abtxou", ""},
	{"match/reply", "abtxou", ""},
	{"match/block", "abtxou", ""},
	{"$SYS/broker/uptime", "", "sm"},
	{"a/b", "", "sm"},
	{"test", "", "sm"},
	{"dev/x", "", "sm"},
	{"Session/s1/info", "", "sm"},
	{"/session/s1/info", "", "sm"},
}

func TestPolicy_Rows(t *testing.T) {
	p := access.NewPolicy(world{}, false)
	for _, row := range rights {
		for i := range len(everybody) {
			c := everybody[i]
			id := people[c]
			got := p.Publish(id, row.topic)
			if want := strings.IndexByte(row.publish, c) >= 0; got.Allowed != want {
				t.Errorf("publish %s by %q: got %v (%s), want %v", row.topic, c, got.Allowed, got.Reason, want)
			}
			checkReason(t, row.topic, got)
			want := strings.IndexByte(row.receive, c) >= 0
			if got := p.Deliver(id, row.topic); got != want {
				t.Errorf("deliver %s to %q: got %v, want %v", row.topic, c, got, want)
			}
			got = p.Subscribe(id, row.topic)
			if got.Allowed != want {
				t.Errorf("subscribe %s by %q: got %v (%s), want %v", row.topic, c, got.Allowed, got.Reason, want)
			}
			checkReason(t, row.topic, got)
		}
	}
}

func checkReason(t *testing.T, topic string, d access.Decision) {
	t.Helper()
	if d.Allowed != (d.Reason == "") {
		t.Errorf("%s: allowed %v with reason %q", topic, d.Allowed, d.Reason)
	}
	if !d.Allowed && !strings.HasPrefix(d.Reason, topic+": ") {
		t.Errorf("%s: the reason %q does not name the topic", topic, d.Reason)
	}
}

func TestPolicy_Dev(t *testing.T) {
	p := access.NewPolicy(world{}, true)
	for _, row := range rights {
		open := row.topic == "a/b" || row.topic == "test" || row.topic == "dev/x" ||
			row.topic == "Session/s1/info" || row.topic == "/session/s1/info"
		for i := range len(everybody) {
			c := everybody[i]
			if got, want := p.Publish(people[c], row.topic).Allowed, open || strings.IndexByte(row.publish, c) >= 0; got != want {
				t.Errorf("publish %s by %q: got %v, want %v", row.topic, c, got, want)
			}
			if got, want := p.Deliver(people[c], row.topic), open || strings.IndexByte(row.receive, c) >= 0; got != want {
				t.Errorf("deliver %s to %q: got %v, want %v", row.topic, c, got, want)
			}
		}
	}
}

func TestPolicy_Reasons(t *testing.T) {
	p := access.NewPolicy(world{}, false)
	for _, tt := range []struct {
		got  access.Decision
		want string
	}{
		{p.Publish(people['a'], "session/s1/leaderboard"), "session/s1/leaderboard: computed by the broker"},
		{p.Publish(people['a'], "session/s1/progress/ben"), "session/s1/progress/ben: only that user may, as a member of the session (there is none of that id, or you are not in it, if the user is you)"},
		{p.Publish(people['-'], "session/s1/progress/ben"), "session/s1/progress/ben: sign in first"},
		{p.Publish(people['o'], "chat/ana.ben/message"), "chat/ana.ben/message: only members of the conversation may (of two: both ids in byte order with a dot between)"},
		{p.Publish(people['s'], "match/beacon"), "match/beacon: only members and trainers may: it is for people"},
		{p.Subscribe(people['a'], "match/#"), "match/#: nothing is ever delivered from this topic"},
		{p.Publish(people['a'], "a/b"), "a/b: no rule of this server allows it"},
		{p.Publish(people['a'], "session/s1/nothing"), "session/s1/nothing: no such topic"},
		{p.Publish(people['m'], "a/+"), "a/+: topic has a wildcard where none may be"},
		{p.Subscribe(people['o'], "challenge/c1/leaderboard"), "challenge/c1/leaderboard: only participants of the challenge may (there is none of that id, or you do not take part)"},
		{p.Subscribe(people['a'], "$share/g/session/s1/#"), "$share/g/session/s1/#: shared subscriptions on fitness topics are for services"},
		{p.Subscribe(people['a'], "#"), "#: the filter reaches topics of others: begin it with session/{id}/, challenge/{id}/ or user/{your id}/"},
		{p.Subscribe(people['a'], "session/s1/+"), "session/s1/+: take session/s1/#, session/s1/progress/+, or the topics one by one"},
		{p.Subscribe(people['a'], "a\x00\xff/b"), "a??/b: topic contains a null character"},
	} {
		if tt.got.Allowed || tt.got.Reason != tt.want {
			t.Errorf("got  %v %q\nwant %q", tt.got.Allowed, tt.got.Reason, tt.want)
		}
	}
	long := p.Publish(people['a'], strings.Repeat("ä", 30_000))
	if len(long.Reason) > 300 {
		t.Errorf("a reason of %d bytes for a long topic", len(long.Reason))
	}
}

func TestPolicy_Allocations(t *testing.T) {
	p := access.NewPolicy(world{}, true)
	ana := people['a']
	for name, fn := range map[string]func(){
		"publish progress": func() { p.Publish(ana, "session/s1/progress/ana") },
		"publish activity": func() { p.Publish(ana, "challenge/c1/activity") },
		"publish general":  func() { p.Publish(ana, "a/b/c") },
		"deliver progress": func() { p.Deliver(ana, "session/s1/progress/ben") },
		"deliver denied":   func() { p.Deliver(ana, "session/s9/progress/ben") },
		"subscribe":        func() { p.Subscribe(ana, "user/ana/receipt") },
	} {
		if got := testing.AllocsPerRun(100, fn); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

func BenchmarkPolicy_Publish(b *testing.B) {
	p := access.NewPolicy(world{}, false)
	for b.Loop() {
		p.Publish(people['a'], "session/s1/progress/ana")
	}
}

func BenchmarkPolicy_Deliver(b *testing.B) {
	p := access.NewPolicy(world{}, false)
	for b.Loop() {
		p.Deliver(people['a'], "session/s1/progress/ben")
	}
}
