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

// wildcards says who may have a filter, without and with --dev.
var wildcards = []struct{ filter, granted, dev string }{
	{"session/s1/#", "abtsm", "abtsm"},
	{"session/open/#", "abtxousm", "abtxousm"},
	{"session/none/#", "sm", "sm"},
	{"session/s1/progress/+", "abtsm", "abtsm"},
	{"session/s1/progress/#", "sm", "sm"},
	{"session/s1/+", "sm", "sm"},
	{"session/s1/+/ana", "sm", "sm"},
	{"session/s1/form/+", "tsm", "tsm"},
	{"session/s1/form/+/seen", "tsm", "tsm"},
	{"session/s1/form/#", "sm", "sm"},
	{"session/+/info", "sm", "sm"},
	{"session/+/progress/ana", "sm", "sm"},
	{"session/#", "sm", "sm"},
	{"session/s1/#/x", "", ""},
	{"session/+/#", "sm", "sm"},
	{"challenge/c1/#", "sm", "sm"},
	{"challenge/c1/rank/+", "sm", "sm"},
	{"challenge/+/leaderboard", "sm", "sm"},
	{"user/ana/#", "asm", "asm"},
	{"user/ana/chat/+", "asm", "asm"},
	{"user/ana/+", "sm", "sm"},
	{"user/+/token", "", ""},
	{"user/+/presence", "sm", "sm"},
	{"user/#", "sm", "sm"},
	{"chat/#", "sm", "sm"},
	{"chat/ana.ben/#", "absm", "absm"},
	{"chat/ana.ben/+", "absm", "absm"},
	{"chat/ana.ben/+/x", "sm", "sm"},
	{"chat/+/message", "sm", "sm"},
	{"chat/crew/#", "tsm", "tsm"},
	{"match/+", "", ""},
	{"match/#", "sm", "sm"},
	{"#", "sm", everybody},
	{"+", "sm", everybody},
	{"+/s1/info", "sm", everybody},
	{"+/ana/#", "sm", everybody},
	{"a/#", "sm", everybody},
	{"$SYS/#", "sm", "sm"},
	{"$SYS/+/x", "sm", "sm"},
	{"$other/#", "sm", everybody},
	{"$share/g/a/b", "sm", everybody},
	{"$share/g/#", "sm", everybody},
	{"$share/g/session/s1/#", "sm", "sm"},
	{"$share/g/session/s1/info", "sm", "sm"},
	{"$share/g/user/ana/receipt", "sm", "sm"},
	{"$share/g/user/ana/#", "sm", "sm"},
	{"$share/g/$SYS/#", "sm", "sm"},
	{"$share/g/$share/h/session/s1/#", "sm", everybody}, // an inner $share is a plain level
	{"$share/g", "", ""},
	{"$share//a", "", ""},
	{"$share/+/a", "", ""},
	{"", "", ""},
	{"a/#/b", "", ""},
	{"a+", "", ""},
	{"a\x00", "", ""},
	{"a\xff", "", ""},
}

func TestPolicy_Subscribe_Wildcards(t *testing.T) {
	for _, dev := range []bool{false, true} {
		p := access.NewPolicy(world{}, dev)
		for _, tt := range wildcards {
			granted := tt.granted
			if dev {
				granted = tt.dev
			}
			for i := range len(everybody) {
				c := everybody[i]
				got := p.Subscribe(people[c], tt.filter)
				if want := strings.IndexByte(granted, c) >= 0; got.Allowed != want {
					t.Errorf("dev=%v subscribe %q by %q: got %v (%s), want %v", dev, tt.filter, c, got.Allowed, got.Reason, want)
				}
				if got.Allowed != (got.Reason == "") {
					t.Errorf("%q: allowed %v with reason %q", tt.filter, got.Allowed, got.Reason)
				}
			}
		}
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

// A granted filter matches nothing that delivery denies, but for the exceptions
// that the documentation of Policy lists.
func FuzzPolicy_Subscribe(f *testing.F) {
	for _, w := range wildcards {
		for _, r := range rights {
			if strings.HasPrefix(r.topic, "session/s1") || strings.HasPrefix(r.topic, "user") {
				f.Add(w.filter, r.topic, byte(len(w.filter)), true)
			}
		}
	}
	f.Fuzz(func(t *testing.T, filter, topic string, who byte, dev bool) {
		checkGrant(t, filter, topic, everybody[int(who)%len(everybody)], dev)
	})
}

// The same over all combinations of a small vocabulary, so that the property is
// checked where it matters and not only where the fuzzer gets to.
func TestPolicy_Subscribe_Exhaustive(t *testing.T) {
	names := [][]string{
		{"session", "challenge", "user", "chat", "match", "x", "$SYS"},
		{"", "s1", "c1", "ana", "beacon", "open"},
		{"", "info", "control", "progress", "form", "rank", "activity", "chat", "token", "presence", "zzz"},
		{"", "ana", "ben", "zzz"},
		{"", "seen"},
	}
	var topicsAll, filters []string
	var expand func(prefix string, depth int)
	expand = func(prefix string, depth int) {
		if depth == len(names) {
			return
		}
		for _, level := range names[depth] {
			if level == "" {
				continue
			}
			topicsAll = append(topicsAll, prefix+level)
			expand(prefix+level+"/", depth+1)
		}
	}
	expand("", 0)
	var widen func(prefix string, depth int)
	widen = func(prefix string, depth int) {
		if depth == len(names) {
			return
		}
		filters = append(filters, prefix+"#")
		for _, level := range append(names[depth], "+") {
			if level == "" {
				continue
			}
			if level == "+" || strings.Contains(prefix, "+") {
				filters = append(filters, prefix+level)
			}
			if depth < 3 {
				widen(prefix+level+"/", depth+1)
			}
		}
	}
	widen("", 0)
	p := access.NewPolicy(world{}, false)
	for _, c := range []byte("atous-") {
		var denied []string
		for _, topic := range topicsAll {
			if !p.Deliver(people[c], topic) {
				denied = append(denied, topic)
			}
		}
		for _, filter := range filters {
			if !p.Subscribe(people[c], filter).Allowed {
				continue
			}
			for _, topic := range denied {
				checkGrant(t, filter, topic, c, false)
			}
		}
	}
}

func checkGrant(t *testing.T, filter, topic string, who byte, dev bool) {
	t.Helper()
	p := access.NewPolicy(world{}, dev)
	id := people[who]
	inner := filter
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
		_, inner, _ = strings.Cut(rest, "/")
	}
	if !p.Subscribe(id, filter).Allowed || !bruteMatch(inner, topic) || p.Deliver(id, topic) || strings.ContainsAny(topic, "+#\x00") {
		return
	}
	operator := id.Role == access.Admin || id.Role == access.Service
	levels := strings.Split(topic, "/")
	switch {
	case operator && (levels[0] == "user" && levels[len(levels)-1] == "token" || levels[0] == "match"):
	case strings.HasPrefix(inner, "session/") && strings.HasSuffix(inner, "/#") && strings.Count(inner, "/") == 2 && !strings.Contains(inner, "+"):
	case inner == "user/"+id.UserID+"/#":
	case dev && (inner[0] == '+' || inner[0] == '#'):
	default:
		t.Errorf("%q (dev=%v) was granted %q, which matches %q, which delivery denies", who, dev, filter, topic)
	}
}

// bruteMatch is MQTT's matching by the book, level by level.
func bruteMatch(filter, topic string) bool {
	f, n := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && (f[0] == "+" || f[0] == "#") || topic == "" {
		return false
	}
	for i, level := range f {
		if level == "#" {
			return len(n) >= i
		}
		if i >= len(n) || level != "+" && level != n[i] {
			return false
		}
	}
	return len(f) == len(n)
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

// A full session takes nobody in, whatever the filter; who only reads by HTTP is
// judged by Deliver and takes no place.
func TestPolicy_SubscribeFull(t *testing.T) {
	p := access.NewPolicy(world{}, false)
	late := access.Identity{UserID: "late", Role: access.Member}
	for _, filter := range []string{"session/open/#", "session/open/info", "session/open/progress/+"} {
		if d := p.Subscribe(late, filter); d.Allowed || !strings.Contains(d.Reason, "the session is full") {
			t.Errorf("%s: got %+v, want refused as full", filter, d)
		}
	}
	if !p.Deliver(late, "session/open/info") {
		t.Error("a full session cannot be read about")
	}
}
