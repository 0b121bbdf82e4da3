package access_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
)

// plant is the rules of the tests, numbered from 1.
var plant = []access.Rule{
	{Allow: false, Publish: true, Subscribe: true, Topic: "plant/secret/#", Role: "member"},
	{Allow: true, Publish: true, Topic: "plant/%c/up"},
	{Allow: true, Subscribe: true, Topic: "plant/#", Role: "member"},
	{Allow: true, Publish: true, Subscribe: true, Topic: "home/%u/#"},
	{Allow: true, Subscribe: true, Topic: "news/+", Role: access.RoleAnonymous},
	{Allow: true, Publish: true, Subscribe: true, Topic: "ben/only", User: "ben"},
	{Allow: false, Publish: true, Subscribe: true, Topic: "vault/#", Role: "service"},
	{Allow: true, Publish: true, Topic: "gate/open", Client: "gate-1"},
}

func TestPolicy_Rules(t *testing.T) {
	with := func(c byte, client string) access.Identity {
		id := people[c]
		id.ClientID = client
		return id
	}
	ana, ben, svc, nobody := with('a', "m1"), with('b', "m2"), with('s', "s"), with('-', "m9")
	tests := []struct {
		name      string
		id        access.Identity
		topic     string
		pub, recv bool
	}{
		{"first match denies", ana, "plant/secret/key", false, false},
		{"a later one allows the rest", ana, "plant/m1/up", true, true},
		{"another's client id", ana, "plant/m2/up", false, true},
		{"the denial's parent level", ana, "plant/secret", false, false},
		{"role", nobody, "plant/x", false, false},
		{"own user id", ana, "home/ana/door", true, true},
		{"another's user id", ana, "home/ben/door", false, false},
		{"nobody's user id", nobody, "home//door", false, false},
		{"anonymous by role", nobody, "news/today", false, true},
		{"signed in is not anonymous", ana, "news/today", false, false},
		{"user", ben, "ben/only", true, true},
		{"another user", ana, "ben/only", false, false},
		{"an operator reads what no rule is about", svc, "else/where", false, true},
		{"a rule that is about an operator", svc, "vault/1", false, false},
		{"client", with('-', "gate-1"), "gate/open", true, false},
		{"another client", ana, "gate/open", false, false},
		{"no client id over HTTP", with('a', ""), "plant//up", false, true},
		{"a client id that is a wildcard", with('b', "+"), "plant/m1/up", false, true},
		{"a client id of two levels", with('b', "m1/up"), "plant/m1/up", false, true},
		{"fitness topics are no business of rules", ben, "session/s9/info", false, false},
	}
	p := access.NewPolicy(world{}, false, plant...)
	for _, tt := range tests {
		if got := p.Publish(tt.id, tt.topic); got.Allowed != tt.pub {
			t.Errorf("%s: publish %s: got %v (%s), want %v", tt.name, tt.topic, got.Allowed, got.Reason, tt.pub)
		}
		if got := p.Deliver(tt.id, tt.topic); got != tt.recv {
			t.Errorf("%s: deliver %s: got %v, want %v", tt.name, tt.topic, got, tt.recv)
		}
		if got := p.Subscribe(tt.id, tt.topic); got.Allowed != tt.recv {
			t.Errorf("%s: subscribe %s: got %v (%s), want %v", tt.name, tt.topic, got.Allowed, got.Reason, tt.recv)
		}
	}
}

func TestPolicy_Rules_Filters(t *testing.T) {
	p := access.NewPolicy(world{}, false, plant...)
	dev := access.NewPolicy(world{}, true, plant...)
	ana := people['a']
	ana.ClientID = "m1"
	for _, tt := range []struct {
		p          *access.Policy
		id         access.Identity
		filter     string
		wantReason string
	}{
		{p, ana, "plant/+/up", "plant/+/up: the filter reaches plant/secret/up: rule 1 of acl.rules denies it"},
		{p, ana, "plant/#", "plant/#: the filter reaches plant/secret: rule 1 of acl.rules denies it"},
		{p, ana, "plant/m1/#", ""},
		{p, ana, "$share/g/plant/m1/#", ""},
		{p, ana, "$share/g/plant/#", "$share/g/plant/#: the filter reaches plant/secret: rule 1 of acl.rules denies it"},
		{p, ana, "plant/secret/key", "plant/secret/key: rule 1 of acl.rules denies it"},
		{p, ana, "home/ana/#", ""},
		{p, ana, "home/+/x", "home/+/x: no rule of this server allows it"},
		{p, ana, "#", "#: the filter reaches topics of others: begin it with session/{id}/, challenge/{id}/ or user/{your id}/"},
		{p, people['s'], "#", "#: the filter reaches vault: rule 7 of acl.rules denies it"},
		{p, people['m'], "#", ""},
		{dev, people['-'], "#", ""},
		{dev, ana, "#", "#: the filter reaches plant/secret: rule 1 of acl.rules denies it"},
		{dev, ana, "+/ana/x", ""},
		{dev, ana, "+/secret", "+/secret: the filter reaches plant/secret: rule 1 of acl.rules denies it"},
	} {
		got := tt.p.Subscribe(tt.id, tt.filter)
		if got.Allowed != (tt.wantReason == "") || got.Reason != tt.wantReason {
			t.Errorf("%s:\ngot  %v %q\nwant %q", tt.filter, got.Allowed, got.Reason, tt.wantReason)
		}
	}
}

// However rules and a filter meet, an answer comes soon, and it is no when it
// could not be found.
func TestPolicy_Rules_Bounded(t *testing.T) {
	var rules []access.Rule
	for i := range 20 {
		levels := strings.Split(strings.Repeat("+ ", 19)+"+", " ")
		levels[i] = "a"
		rules = append(rules, access.Rule{Allow: true, Subscribe: true, Topic: "t/" + strings.Join(levels, "/") + "/b"})
	}
	rules = append(rules, access.Rule{Allow: true, Subscribe: true, Topic: "t/#"})
	p := access.NewPolicy(world{}, false, rules...)
	got := p.Subscribe(people['a'], "t/#")
	if got.Allowed || !strings.Contains(got.Reason, "too many ways") {
		t.Errorf("got %v %q, want a refusal", got.Allowed, got.Reason)
	}
	if got := p.Subscribe(people['a'], "t/a/b/#"); !got.Allowed && !strings.Contains(got.Reason, "too many ways") {
		t.Errorf("got %q", got.Reason)
	}
}

func TestPolicy_Rules_Allocations(t *testing.T) {
	p := access.NewPolicy(world{}, false, plant...)
	ana := people['a']
	ana.ClientID = "m1"
	for name, fn := range map[string]func(){
		"publish by client": func() { p.Publish(ana, "plant/m1/up") },
		"publish by user":   func() { p.Publish(ana, "home/ana/x/y") },
		"deliver":           func() { p.Deliver(ana, "plant/x/y") },
		"deliver denied":    func() { p.Deliver(ana, "plant/secret/y") },
	} {
		if got := testing.AllocsPerRun(100, fn); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

// The levels that rules and filters of the fuzz test are made of, and the words
// that topics are. "z" is in no rule, so that a wildcard always reaches a topic
// that nothing else names; topics are a level deeper than rules and filters.
var (
	ruleLevels  = []string{"", "a", "b", "$x", "+", "%u", "%c", "b%u"}
	topicWords  = []string{"", "a", "b", "$x", "ana", "bana", "c1", "z"}
	ruleClients = []string{"c1", "", "a/b", "+", "$x"}
	fuzzDepth   = 3
	fuzzTopics  = expandWords(topicWords, fuzzDepth+1)
)

func expandWords(words []string, depth int) (all []string) {
	level := []string{""}
	for i := range depth {
		var deeper []string
		for _, prefix := range level {
			for _, w := range words {
				if i > 0 {
					w = prefix + "/" + w
				}
				deeper = append(deeper, w)
			}
		}
		level = deeper
		all = append(all, level...)
	}
	return all
}

// filterFrom makes a filter of levels, from few random bytes.
func filterFrom(r *rand.Rand, levels []string) string {
	n := 1 + r.IntN(fuzzDepth)
	var parts []string
	for range n {
		if r.IntN(6) == 0 {
			parts = append(parts, "#")
			break
		}
		parts = append(parts, levels[r.IntN(len(levels))])
	}
	f := strings.Join(parts, "/")
	if f == "" {
		return "+"
	}
	return f
}

// filled is what a rule's filter is for an identity, by the documentation of Rule.
func filled(r access.Rule, id access.Identity) string {
	levels := strings.Split(r.Topic, "/")
	for i, l := range levels {
		noUser := strings.Contains(l, "%u") && (id.UserID == "" || !id.Role.Valid())
		noClient := strings.Contains(r.Topic, "%c") && (id.ClientID == "" || strings.ContainsAny(id.ClientID, "/+#"))
		if noUser || strings.Contains(r.Topic, "%u") && strings.Contains(l, "%") && id.UserID == "" || noClient && strings.Contains(l, "%") {
			if r.Allow {
				return ""
			}
			return strings.Join(append(levels[:i:i], "#"), "/")
		}
		levels[i] = strings.ReplaceAll(strings.ReplaceAll(l, "%u", id.UserID), "%c", id.ClientID)
	}
	return strings.Join(levels, "/")
}

// bruteDecide is the rules by the book: the first that matches.
func bruteDecide(rules []access.Rule, id access.Identity, topic string, open bool) bool {
	for _, r := range rules {
		f := filled(r, id)
		// A level that was cut short stands for any word, also one with a $.
		wild := strings.HasPrefix(r.Topic, "+") || strings.HasPrefix(r.Topic, "#")
		match := f != "" && (bruteMatch(f, topic) || f == "#" && !wild)
		if r.Subscribe && match {
			return r.Allow
		}
	}
	return open
}

// A filter is granted exactly when every topic that it matches is, asked alone.
func checkRules(t *testing.T, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	rules := make([]access.Rule, r.IntN(6))
	for i := range rules {
		rules[i] = access.Rule{Allow: r.IntN(3) > 0, Subscribe: r.IntN(8) > 0, Topic: filterFrom(r, ruleLevels)}
	}
	dev := r.IntN(2) == 0
	id := people["a-"[r.IntN(2)]]
	id.ClientID = ruleClients[r.IntN(len(ruleClients))]
	filter := filterFrom(r, []string{"", "a", "b", "$x", "+", "ana", "c1"})
	if !dev && (filter[0] == '+' || filter[0] == '#') {
		filter = "a/" + filter // it would reach fitness topics
	}
	p := access.NewPolicy(world{}, dev, rules...)
	want, because := true, ""
	for _, topic := range fuzzTopics {
		if topic == "" {
			continue
		}
		may := bruteDecide(rules, id, topic, dev)
		if got := p.Deliver(id, topic); got != may {
			t.Fatalf("seed %d: rules %+v, %+v: deliver %q: got %v, want %v", seed, rules, id, topic, got, may)
		}
		if want && !may && bruteMatch(filter, topic) {
			want, because = false, topic
		}
	}
	if got := p.Subscribe(id, filter); got.Allowed != want {
		t.Fatalf("seed %d: rules %+v, %+v, dev=%v: filter %q: got %v (%s), want %v, because of %q", seed, rules, id, dev, filter, got.Allowed, got.Reason, want, because)
	}
}

func TestPolicy_Rules_BruteForce(t *testing.T) {
	seed := rand.Uint64()
	for i := range uint64(120) {
		checkRules(t, seed+i)
	}
}

func FuzzPolicy_Rules(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(checkRules)
}
