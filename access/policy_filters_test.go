package access_test

import (
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
)

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
