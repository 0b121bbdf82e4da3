package topics_test

import (
	"strings"
	"testing"
	"testing/quick"

	"github.com/fitmq/fitmq/topics"
)

// The universe that filters are expanded into: every topic of at most
// maxLevels levels over these words. "z" occurs in no generated filter, so a
// wildcard always has a witness that no literal covers; filters have at most
// maxLevels-1 levels, so # always has one beyond every filter's end.
var (
	words     = []string{"", "a", "b", "$x", "z"}
	maxLevels = 4
	universe  = expand()
)

func expand() []string {
	var all []string
	level := []string{}
	level = append(level, words...)
	for range maxLevels {
		all = append(all, level...)
		var deeper []string
		for _, prefix := range level {
			for _, w := range words {
				deeper = append(deeper, prefix+"/"+w)
			}
		}
		level = deeper
	}
	return all[1:] // without the empty name
}

// filterOf turns fuzz bytes into a valid filter of at most maxLevels-1 levels.
func filterOf(b []byte) string {
	if len(b) == 0 {
		return "a"
	}
	b = b[:min(len(b), maxLevels-1)]
	var levels []string
	for _, c := range b {
		switch c % 6 {
		case 4:
			levels = append(levels, "+")
		case 5:
			return strings.Join(append(levels, "#"), "/")
		default:
			levels = append(levels, words[c%6])
		}
	}
	if f := strings.Join(levels, "/"); f != "" {
		return f
	}
	return "+"
}

// slowMatch is MQTT's definition written as plainly as it can be.
func slowMatch(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && (f[0] == "+" || f[0] == "#") {
		return false
	}
	if n := len(f) - 1; f[n] == "#" {
		if len(t) < n {
			return false
		}
		f, t = f[:n], t[:n]
	}
	if len(f) != len(t) {
		return false
	}
	for i := range f {
		if f[i] != "+" && f[i] != t[i] {
			return false
		}
	}
	return true
}

// checkPair compares the three relations with their definitions over the universe.
func checkPair(t *testing.T, a, b string) {
	t.Helper()
	contains, overlap := true, false
	for _, topic := range universe {
		inA, inB := slowMatch(a, topic), slowMatch(b, topic)
		if got := topics.Match(a, topic); got != inA {
			t.Fatalf("Match(%q, %q): got %v, want %v", a, topic, got, inA)
		}
		contains = contains && (inA || !inB)
		overlap = overlap || inA && inB
	}
	if got := topics.Contains(a, b); got != contains {
		t.Fatalf("Contains(%q, %q): got %v, want %v", a, b, got, contains)
	}
	if got := topics.Overlap(a, b); got != overlap {
		t.Fatalf("Overlap(%q, %q): got %v, want %v", a, b, got, overlap)
	}
}

func TestRelations_BruteForce(t *testing.T) {
	check := func(a, b [3]byte, la, lb uint8) bool {
		checkPair(t, filterOf(a[:1+la%3]), filterOf(b[:1+lb%3]))
		return !t.Failed()
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 3000}); err != nil {
		t.Fatal(err)
	}
}

func FuzzRelations(f *testing.F) {
	f.Add([]byte{5}, []byte{4, 5})
	f.Add([]byte{1, 5}, []byte{1})
	f.Add([]byte{3, 4}, []byte{4, 4})
	f.Add([]byte{0, 0, 4}, []byte{4, 0, 5})
	f.Fuzz(func(t *testing.T, a, b []byte) { checkPair(t, filterOf(a), filterOf(b)) })
}

// FuzzParse: Parse never panics, agrees with IsFitness, and a name that it
// places in a row is valid and has valid ids.
func FuzzParse(f *testing.F) {
	for _, topic := range builders {
		f.Add(topic)
	}
	for _, s := range []string{"", "/", "session", "$SYS/a", "user/a/chat/a.b", "chat/b.a/read", "session/\x00/info"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		p := topics.Parse(topic)
		if row := p.Kind > topics.Sys; row {
			if err := topics.ValidName(topic); err != nil {
				t.Errorf("Parse(%q) gives %v, but the name is not valid: %v", topic, p.Kind, err)
			}
			if p.ID != "" && !topics.ValidConversation(p.ID) || p.User != "" && !topics.ValidID(p.User) {
				t.Errorf("Parse(%q): got invalid ids %+v", topic, p)
			}
		}
		if got, want := p.Kind == topics.Other || p.Kind == topics.Sys, !topics.IsFitness(topic); got != want {
			t.Errorf("Parse(%q) gives %v, but IsFitness says %v", topic, p.Kind, !want)
		}
	})
}

// FuzzValid: what is valid as a name is valid as a filter and matches itself,
// and SplitShared takes a shared filter apart without loss.
func FuzzValid(f *testing.F) {
	for _, s := range []string{"a/b", "+/#", "$share/g/a/#", "$share//a", "a\x00", "\xed\xa0\x80", "#/", "a+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, filter := topics.ValidName(s), topics.ValidFilter(s)
		if name == nil && (filter != nil || !topics.Match(s, s)) {
			t.Errorf("%q is a valid name, but as a filter: %v, matches itself: %v", s, filter, topics.Match(s, s))
		}
		group, inner, shared, err := topics.SplitShared(s)
		if err != nil {
			return
		}
		if shared && "$share/"+group+"/"+inner != s || !shared && inner != s {
			t.Errorf("SplitShared(%q): got %q, %q, %v", s, group, inner, shared)
		}
		if !topics.Contains(inner, inner) || !topics.Overlap(inner, inner) {
			t.Errorf("%q does not contain or overlap itself", inner)
		}
	})
}
