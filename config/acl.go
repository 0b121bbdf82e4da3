package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fitmq/fitmq/topics"
)

// ACL is who may use the topics outside the fitness names.
type ACL struct {
	// Rules are asked in their order, and the first that fits who it is, what they
	// do and the topic decides. What none fits is refused (with `dev` allowed).
	// Fitness topics and $SYS have rights of their own, which no rule changes.
	Rules []ACLRule `yaml:"rules"`
}

// ACLRule is one rule.
type ACLRule struct {
	// Allow says what the rule allows: `publish`, `subscribe` (and so to receive),
	// or `both`. A rule has this or `deny`.
	Allow Action `yaml:"allow"`
	// Deny says what the rule denies. A filter that reaches a denied topic is refused
	// as a whole.
	Deny Action `yaml:"deny"`
	// Topic is a filter, outside the fitness names. `%u` in it stands for the user's
	// id, `%c` for the MQTT client id.
	Topic string `yaml:"topic"`
	// User is whom the rule is about, by id; empty means everybody.
	User string `yaml:"user"`
	// Role is whom the rule is about, by role; empty means every role, anonymous
	// clients too.
	Role RuleRole `yaml:"role"`
	// Client is whom the rule is about, by MQTT client id; empty means every client,
	// and HTTP. Clients choose their ids themselves: without user or role it is no
	// protection.
	Client string `yaml:"client"`
}

// The bounds of the rules: a rule's filter has at most as many bytes and levels
// as a client's may have.
const (
	maxACLRules       = 1000
	maxACLTopic       = 1024
	maxACLTopicLevels = 32
)

// problems judges the rules beyond their single values.
func (a ACL) problems() (problems Problems) {
	add := func(field, format string, args ...any) {
		problems = append(problems, Problem{Field: field, Msg: fmt.Sprintf(format, args...)})
	}
	if len(a.Rules) > maxACLRules {
		add("acl.rules", "%d rules are over the limit of %d", len(a.Rules), maxACLRules)
	}
	for i, r := range a.Rules {
		field := itemField("acl.rules", i)
		if (r.Allow == "") == (r.Deny == "") {
			add(field, "a rule has either allow or deny: say publish, subscribe or both")
		}
		if msg := checkRuleTopic(r.Topic); msg != "" {
			if r.Topic != "" {
				field += ".topic"
			}
			add(field, "%s", msg)
		}
		if r.User != "" && !topics.ValidID(r.User) {
			add(itemField("acl.rules", i)+".user", "%q is not a user id: 1 to %d characters of A-Z a-z 0-9 _ -", r.User, topics.MaxID)
		}
		if r.Role == Anonymous && (r.User != "" || strings.Contains(r.Topic, "%u")) {
			add(itemField("acl.rules", i)+".role", "who is anonymous has no user id")
		}
	}
	return problems
}

// checkRuleTopic judges a rule's filter.
func checkRuleTopic(filter string) string {
	bare := strings.NewReplacer("%u", "u", "%c", "c").Replace(filter)
	first, _, _ := strings.Cut(bare, "/")
	switch {
	case filter == "":
		return "a rule needs a topic: write # for every one outside the fitness names"
	case topics.ValidFilter(bare) != nil:
		return fmt.Sprintf("%q is not a topic filter: %v", filter, topics.ValidFilter(bare))
	case len(filter) > maxACLTopic || topics.Levels(filter) > maxACLTopicLevels:
		return fmt.Sprintf("the filter is over the limit of %d bytes and %d levels", maxACLTopic, maxACLTopicLevels)
	case topics.IsFitness(bare):
		return fmt.Sprintf("%q names fitness topics: who may use those is decided by role and membership, and by no rule", filter)
	case first == "$SYS":
		return fmt.Sprintf("%q names topics of the server: they are for administrators and services", filter)
	case first == "$share":
		return "leave $share/GROUP/ away: a rule is about shared subscriptions of its topics too"
	}
	return ""
}

// Action is what a rule is about.
type Action string

// The actions.
const (
	Publish   Action = "publish"
	Subscribe Action = "subscribe"
	Both      Action = "both"
)

// UnmarshalText reads one of the words, or none.
func (a *Action) UnmarshalText(text []byte) error {
	if v := Action(text); v == "" || slices.Contains(v.Words(), string(v)) {
		*a = v
		return nil
	}
	return fmt.Errorf("%q is not known here: write publish, subscribe or both", text)
}

// Words lists what may be written.
func (Action) Words() []string { return []string{string(Publish), string(Subscribe), string(Both)} }

// May reports whether the action includes the other one.
func (a Action) May(other Action) bool { return a == other || a == Both }

// RuleRole is a role, or anonymous.
type RuleRole string

// Anonymous is who is not signed in.
const Anonymous RuleRole = "anonymous"

// UnmarshalText reads one of the words, or none.
func (r *RuleRole) UnmarshalText(text []byte) error {
	if v := RuleRole(text); v == "" || slices.Contains(v.Words(), string(v)) {
		*r = v
		return nil
	}
	return fmt.Errorf("%q is not a role: write member, trainer, service, admin or anonymous", text)
}

// Words lists what may be written.
func (RuleRole) Words() []string {
	return []string{"member", "trainer", "service", "admin", string(Anonymous)}
}
