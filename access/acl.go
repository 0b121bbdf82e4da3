package access

import (
	"strings"

	"github.com/fitmq/fitmq/topics"
)

// Rule is one line of `acl.rules`: who may, or may not, do what on the topics
// of a filter outside the fitness names and $SYS. The first rule that is about
// somebody, what they do and the topic decides; the others are not asked.
type Rule struct {
	// Allow lets; otherwise the rule denies.
	Allow bool
	// Publish and Subscribe say what the rule is about; receiving is judged as
	// subscribing is.
	Publish, Subscribe bool
	// Topic is a valid filter. %u in it stands for the user's id, %c for the
	// client id.
	//
	// Whoever has no id to put in its place (a user id: who is not signed in; a
	// client id: who comes over HTTP, or has one with a slash, + or # in it) meets
	// no such rule that allows; and one that denies as if there were a # from that
	// level on.
	Topic string
	// User, Role and Client say whom the rule is about: all that are set must fit.
	// Role may be "anonymous" for who is not signed in.
	User, Role, Client string
}

// RoleAnonymous is the word for clients that are not signed in, in a [Rule].
const RoleAnonymous = "anonymous"

// What a rule can be about.
const (
	doPublish = 1 << iota
	doSubscribe
)

// aclRule is a Rule, taken apart once.
type aclRule struct {
	Rule
	about  uint8
	number int // counted from 1
	levels []aclLevel
	// user and client: an id is to be put in.
	user, client bool
}

// aclLevel is one level of a rule's filter.
type aclLevel struct {
	text     string // "+", "#", or the level's text
	template bool   // an id is to be put in
}

type acl []aclRule

func newACL(rules []Rule) acl {
	list := make(acl, len(rules))
	for i, r := range rules {
		a := aclRule{Rule: r, number: i + 1}
		if r.Publish {
			a.about |= doPublish
		}
		if r.Subscribe {
			a.about |= doSubscribe
		}
		for text := range strings.SplitSeq(r.Topic, "/") {
			user, client := strings.Contains(text, "%u"), strings.Contains(text, "%c")
			a.user, a.client = a.user || user, a.client || client
			a.levels = append(a.levels, aclLevel{text, user || client})
		}
		list[i] = a
	}
	return list
}

// decide returns the first rule that is about the identity, the action and the
// topic; nil when there is none. It does not allocate.
func (a acl) decide(id *Identity, action uint8, topic string) *aclRule {
	for i := range a {
		if r := &a[i]; r.about&action != 0 && r.isAbout(id) && r.matches(id, topic) {
			return r
		}
	}
	return nil
}

// isAbout reports whether the rule is about the identity.
func (r *aclRule) isAbout(id *Identity) bool {
	signedIn := id.signedIn()
	switch {
	case r.User != "" && (!signedIn || r.User != id.UserID):
	case r.Client != "" && r.Client != id.ClientID:
	case r.Role == "":
		return true
	case r.Role == RoleAnonymous:
		return !signedIn
	default:
		return signedIn && r.Role == string(id.Role)
	}
	return false
}

// fills reports whether there is an id for each place in the filter.
func (r *aclRule) fills(id *Identity) bool {
	return (!r.user || id.signedIn()) &&
		(!r.client || id.ClientID != "" && !strings.ContainsAny(id.ClientID, "/+#\x00"))
}

// matches reports whether the rule's filter matches the valid topic name.
func (r *aclRule) matches(id *Identity, topic string) bool {
	filled := r.fills(id)
	if r.Allow && !filled || r.startsWild() && strings.HasPrefix(topic, "$") {
		return false
	}
	more := true
	for i := range r.levels {
		l := &r.levels[i]
		if l.takesAll(filled) {
			return true // the parent level, too [MQTT-4.7.1-2]
		}
		if !more {
			return false
		}
		var word string
		word, topic, more = strings.Cut(topic, "/")
		if !l.is(id, word) {
			return false
		}
	}
	return !more
}

func (r *aclRule) startsWild() bool { return r.levels[0].text == "+" || r.levels[0].text == "#" }

// takesAll reports whether the level matches all that follows.
func (l *aclLevel) takesAll(filled bool) bool { return l.text == "#" || l.template && !filled }

// is reports whether the level, which is no #, matches the word.
func (l *aclLevel) is(id *Identity, word string) bool {
	if !l.template {
		return l.text == "+" || l.text == word
	}
	text := l.text
	for {
		at, of := nextID(id, text)
		if at < 0 {
			return word == text
		}
		if !strings.HasPrefix(word, text[:at]) || !strings.HasPrefix(word[at:], of) {
			return false
		}
		word, text = word[at+len(of):], text[at+2:]
	}
}

// fill returns the level's word for the identity.
func (l *aclLevel) fill(id *Identity) string {
	var b strings.Builder
	text := l.text
	for {
		at, of := nextID(id, text)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		b.WriteString(of)
		text = text[at+2:]
	}
}

// nextID finds the first place for an id in the text, and what belongs there; -1
// when there is none.
func nextID(id *Identity, text string) (at int, of string) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		switch text[i+1] {
		case 'u':
			return i, id.UserID
		case 'c':
			return i, id.ClientID
		}
	}
	return -1, ""
}

// maxGapSteps bounds the search for a topic that a filter reaches and nobody
// granted. Rules that a filter with many wildcards can meet in more ways are not
// gone through: the filter is refused.
const maxGapSteps = 10_000

// gapSearch looks for a topic outside the fitness names that a filter matches
// and that its identity may not receive. It goes through the filter level by
// level, at each with every word that a rule tells from others and with one that
// none does: so each kind of topic is met once.
type gapSearch struct {
	id     *Identity
	filter []string // its levels
	open   bool     // what no rule is about is granted
	steps  int
	path   []string // the words so far
}

// gap is what the search has found.
type gap struct {
	topic string   // "" = nothing: the filter may be granted
	rule  *aclRule // that denies it; nil: none allows it
	tired bool     // the search was given up
}

// place is how far a topic has come in a rule's filter.
type place struct {
	rule *aclRule
	at   int
}

// gap looks for a topic that the valid filter matches and that the identity may
// not receive; open says whether it may receive what no rule is about.
func (a acl) gap(id *Identity, filter string, open bool) gap {
	if len(a) == 0 && open {
		return gap{}
	}
	s := gapSearch{id: id, filter: strings.Split(filter, "/"), open: open, steps: maxGapSteps}
	var alive []place
	for i := range a {
		if r := &a[i]; r.about&doSubscribe != 0 && r.isAbout(id) && (!r.Allow || r.fills(id)) {
			alive = append(alive, place{r, 0})
		}
	}
	g, _ := s.walk(0, alive)
	return g
}

// walk goes on behind the path: at is the next level of the filter, alive are
// the rules that the path has not left, in their order.
func (s *gapSearch) walk(at int, alive []place) (gap, bool) {
	if s.steps--; s.steps < 0 {
		return gap{tired: true}, true
	}
	ended := at == len(s.filter) || s.filter[at] == "#"
	named := len(s.path) > 1 || len(s.path) == 1 && s.path[0] != "" // a topic is not empty
	if ended && named {
		if r := s.first(alive); r == nil && !s.open || r != nil && !r.Allow {
			return gap{topic: strings.Join(s.path, "/"), rule: r}, true
		}
	}
	if at == len(s.filter) || ended && named && s.settled(alive) {
		return gap{}, false
	}
	next := at + 1
	if s.filter[at] == "#" {
		next = at
	}
	for _, word := range s.words(at, alive) {
		s.path = append(s.path, word)
		g, found := s.walk(next, s.step(alive, word))
		s.path = s.path[:len(s.path)-1]
		if found {
			return g, true
		}
	}
	return gap{}, false
}

// first returns the first rule that matches the path as it is.
func (s *gapSearch) first(alive []place) *aclRule {
	for _, p := range alive {
		if p.at == len(p.rule.levels) || s.takesAll(p) {
			return p.rule
		}
	}
	return nil
}

// takesAll reports whether the rule matches whatever follows.
func (s *gapSearch) takesAll(p place) bool {
	return p.at < len(p.rule.levels) && p.rule.levels[p.at].takesAll(p.rule.fills(s.id))
}

// settled reports whether nothing that follows is judged otherwise than this path.
func (s *gapSearch) settled(alive []place) bool {
	for _, p := range alive {
		if !s.takesAll(p) {
			return false
		}
	}
	return true
}

// words returns what the filter's level can be: each word that a rule tells
// from others, and one that none does.
func (s *gapSearch) words(at int, alive []place) []string {
	if level := s.filter[at]; level != "+" && level != "#" {
		return []string{level}
	}
	seen := map[string]bool{}
	var list []string
	for _, p := range alive {
		if p.at == len(p.rule.levels) || s.takesAll(p) || p.rule.levels[p.at].text == "+" {
			continue
		}
		word := p.rule.levels[p.at].text
		if p.rule.levels[p.at].template {
			word = p.rule.levels[p.at].fill(s.id)
		}
		// Fitness names are judged by their own table, and a wildcard in the first
		// level matches no name with a $ [MQTT-4.7.2-1].
		elsewhere := len(s.path) == 0 && (strings.HasPrefix(word, "$") || topics.IsFitness(word))
		if !seen[word] && !elsewhere {
			seen[word] = true
			list = append(list, word)
		}
	}
	other := "x"
	for seen[other] {
		other += "x"
	}
	return append(list, other)
}

// step returns the rules that go on with the word.
func (s *gapSearch) step(alive []place, word string) []place {
	var on []place
	for _, p := range alive {
		switch {
		case len(s.path) == 1 && p.rule.startsWild() && strings.HasPrefix(word, "$"):
		case s.takesAll(p):
			on = append(on, p)
		case p.at < len(p.rule.levels) && p.rule.levels[p.at].is(s.id, word):
			on = append(on, place{p.rule, p.at + 1})
		}
	}
	return on
}
