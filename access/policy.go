package access

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fitmq/fitmq/topics"
)

// Policy decides who may publish, subscribe and receive what. It follows the
// topic tables of the wire contract and denies what they do not allow. It keeps
// nothing: a change of a relation counts for the next question. Safe for
// concurrent use.
//
// # What a granted filter may match although delivery denies it
//
// A filter is granted only if everything it matches may be received, but for
// these, where [Policy.Deliver] leaves out what the identity may not have:
//
//   - session/{sid}/# of a member: control, form/{uid} of others and
//     form/{uid}/seen (both the trainer's), and names that no row describes;
//   - chat/{conversation}/#: read, and names that no row describes;
//   - user/{me}/#: token, away, notification/read, and names that no row describes;
//   - any filter of an administrator or service: user/{uid}/token, which is
//     delivered to nobody, and the three topics below match/;
//   - in development, a filter whose first level is a wildcard, of everybody:
//     all fitness topics.
//
// Whoever chooses a member of a shared group must therefore ask Deliver first.
//
// Outside the fitness names and $SYS the rules that it was made with decide, and
// there are no such exceptions: what a granted filter matches there may be
// received.
//
// The grants of a token are asked first, everywhere; what they let through is
// judged like everything else.
type Policy struct {
	rel   Relations
	dev   bool
	rules acl
}

// NewPolicy returns a policy over the relations. The rules, which must be valid,
// decide outside the fitness topics and $SYS; where none is about somebody, dev
// opens that to everybody, anonymous clients included.
func NewPolicy(rel Relations, dev bool, rules ...Rule) *Policy {
	return &Policy{rel: rel, dev: dev, rules: newACL(rules)}
}

// Relate replaces the relations; for wiring, before the policy is asked.
func (p *Policy) Relate(rel Relations) { p.rel = rel }

// Publish decides whether the identity may publish to the topic. The retain
// flag plays no part.
func (p *Policy) Publish(id Identity, topic string) Decision {
	t := topics.Parse(topic)
	if !id.Grants.publishes(t.Kind, topic) {
		return deny(topic, notGranted)
	}
	if t.Kind == topics.Other {
		return p.publishGeneral(id, topic)
	}
	r := rows[t.Kind].publish
	if id.Device != "" && !deviceWrites(t.Kind) {
		return deny(topic, ruleWords[ruleNoDevice])
	}
	if p.holds(r, id, t) {
		return Decision{Allowed: true}
	}
	if err := topics.ValidName(topic); err != nil {
		return deny(topic, err.Error())
	}
	return p.refuse(id, topic, r)
}

// Deliver decides whether the identity may receive a message of the topic, when
// it is delivered, retained messages and queued ones included.
func (p *Policy) Deliver(id Identity, topic string) bool {
	t := topics.Parse(topic)
	switch {
	case !id.Grants.receives(topic):
		return false
	case t.Kind == topics.Other:
		r := p.rules.decide(&id, doSubscribe, topic)
		return r != nil && r.Allow || r == nil && p.reads(&id)
	case id.operator():
		return !secret(t.Kind)
	}
	r := rows[t.Kind].receive
	return p.holds(r, id, t) && (id.Device == "" || deviceReads(t.Kind))
}

// publishGeneral judges a publish outside the fitness topics and $SYS.
func (p *Policy) publishGeneral(id Identity, topic string) Decision {
	if err := topics.ValidName(topic); err != nil {
		return deny(topic, err.Error())
	}
	switch r := p.rules.decide(&id, doPublish, topic); {
	case r == nil && !p.dev:
		return deny(topic, ruleWords[ruleGeneral])
	case r != nil && !r.Allow:
		return deny(topic, deniedBy(r))
	}
	return Decision{Allowed: true}
}

// reads reports whether the identity may receive what no rule is about.
func (p *Policy) reads(id *Identity) bool { return p.dev || id.operator() }

func deniedBy(r *aclRule) string { return "rule " + strconv.Itoa(r.number) + " of acl.rules denies it" }

// subscribeGeneral judges what a filter reaches outside the fitness topics and
// $SYS.
func (p *Policy) subscribeGeneral(id Identity, filter, inner string) Decision {
	g := p.rules.gap(&id, inner, p.reads(&id))
	switch {
	case g.tired:
		return deny(filter, "the filter meets the rules of this server in too many ways: write out more of its levels")
	case g.rule != nil && g.topic == inner:
		return deny(filter, deniedBy(g.rule))
	case g.rule != nil:
		return deny(filter, "the filter reaches "+g.topic+": "+deniedBy(g.rule))
	case g.topic == "":
		return Decision{Allowed: true}
	}
	return deny(filter, ruleWords[ruleGeneral])
}

// deviceWrites lists what a device publishes for its user: what it measures, that a
// correction was seen, and where somebody looks for company. Answers are for the
// user's own clients. Outside the fitness topics it is like anybody.
func deviceWrites(k topics.Kind) bool {
	switch k {
	case topics.SessionProgress, topics.SessionFormSeen, topics.ChallengeActivity, topics.MatchBeacon, topics.Other:
		return true
	}
	return false
}

// deviceReads leaves conversations to the user's own clients; what is said to
// the user comes on the user's feed.
func deviceReads(k topics.Kind) bool {
	return k != topics.ChatMessage && k != topics.ChatTyping && k != topics.Sys
}

// secret marks what is never delivered to anybody: tokens, and positions.
func secret(k topics.Kind) bool {
	switch k {
	case topics.UserToken, topics.MatchBeacon, topics.MatchReply, topics.MatchBlock:
		return true
	}
	return false
}

// Subscribe decides whether the identity may have the filter, given whole with
// its $share/group/ prefix.
func (p *Policy) Subscribe(id Identity, filter string) Decision {
	_, inner, shared, err := topics.SplitShared(filter)
	switch {
	case err != nil:
		return deny(filter, err.Error())
	case !id.Grants.covers(inner):
		return deny(filter, notGranted)
	case topics.Parse(inner).Kind == topics.Other && (p.reads(&id) || !topics.MayMatchFitness(inner)):
		return p.subscribeGeneral(id, filter, inner)
	case !topics.HasWildcard(inner):
		return p.subscribeName(id, filter, inner, shared)
	case id.operator():
		if topics.Contains("user/+/token", inner) || topics.Contains("match/+", inner) {
			return deny(filter, ruleWords[ruleUnread])
		}
		return Decision{Allowed: true}
	case topics.IsFitness(inner):
		return p.subscribeFitness(id, filter, inner, shared)
	case topics.Parse(inner).Kind == topics.Sys:
		return p.refuse(id, filter, ruleOperator)
	default: // it begins with a wildcard
		return deny(filter, "the filter reaches topics of others: begin it with session/{id}/, challenge/{id}/ or user/{your id}/")
	}
}

// subscribeName judges a filter without wildcards: it is the right to receive
// that one topic.
func (p *Policy) subscribeName(id Identity, filter, topic string, shared bool) Decision {
	t := topics.Parse(topic)
	if !p.Deliver(id, topic) {
		r := rows[t.Kind].receive
		if id.operator() {
			r = ruleUnread
		}
		return p.refuse(id, filter, r)
	}
	if shared && topics.IsFitness(topic) && !id.operator() {
		return denyShared(filter)
	}
	if space, sid, ok := topics.FilterScope(topic); ok && space == "session" && !id.operator() {
		return p.room(id, filter, sid)
	}
	return Decision{Allowed: true}
}

// room judges whether a member finds a place in the session: to subscribe is to
// take part.
func (p *Policy) room(id Identity, filter, sid string) Decision {
	if p.rel.SessionRoom(sid, id.UserID) {
		return Decision{Allowed: true}
	}
	return deny(filter, "the session is full: its capacity is used up")
}

// subscribeFitness judges a filter with wildcards below session/, challenge/ or
// user/, of somebody who is no operator.
func (p *Policy) subscribeFitness(id Identity, filter, inner string, shared bool) Decision {
	if !id.signedIn() {
		return deny(filter, notSignedIn)
	}
	if shared {
		return denyShared(filter)
	}
	space, rest, _ := strings.Cut(inner, "/")
	owner, _, _ := strings.Cut(rest, "/")
	switch space {
	case "chat":
		return p.subscribeChat(id, filter, inner, owner)
	case "match":
		return deny(filter, ruleWords[ruleUnread])
	}
	if !topics.ValidID(owner) {
		return deny(filter, "the filter reaches topics of others: name one "+space+" in its second level")
	}
	base := space + "/" + owner
	switch space {
	case "session":
		return p.subscribeSession(id, inner, base, owner)
	case "challenge":
		if !p.rel.ChallengeParticipant(owner, id.UserID) {
			return deny(filter, ruleWords[ruleParticipant])
		}
		return deny(filter, "take info, status, leaderboard, achievements and rank/"+id.UserID+" one by one: the other topics of the challenge are not for participants")
	}
	if owner != id.UserID {
		return deny(filter, ruleWords[ruleOwner])
	}
	if inner == base+"/#" || topics.Contains(base+"/chat/+", inner) {
		return Decision{Allowed: true}
	}
	return deny(filter, "take "+base+"/#, or the topics one by one")
}

// subscribeChat judges a filter with wildcards below chat/{conversation}.
func (p *Policy) subscribeChat(id Identity, filter, inner, conversation string) Decision {
	switch {
	case !topics.ValidConversation(conversation) || !p.rel.ConversationMember(conversation, id.UserID):
		return deny(filter, ruleWords[ruleConversation])
	case inner != "chat/"+conversation+"/#" && inner != "chat/"+conversation+"/+":
		return deny(filter, "take chat/"+conversation+"/#, or the topics one by one")
	}
	return Decision{Allowed: true}
}

// subscribeSession judges a filter with wildcards below session/{sid}.
func (p *Policy) subscribeSession(id Identity, filter, base, sid string) Decision {
	member := p.rel.SessionMember(sid, id.UserID)
	if member && (filter == base+"/#" || topics.Contains(base+"/progress/+", filter)) {
		return p.room(id, filter, sid)
	}
	if topics.Contains(base+"/form/+", filter) || topics.Contains(base+"/form/+/seen", filter) {
		if p.rel.SessionTrainer(sid, id.UserID) {
			return Decision{Allowed: true}
		}
		return deny(filter, ruleWords[ruleSessionTrainer])
	}
	if !member {
		return deny(filter, ruleWords[ruleSessionMember])
	}
	return deny(filter, "take "+base+"/#, "+base+"/progress/+, or the topics one by one")
}

const notSignedIn = "sign in first"

// refuse words a denial by a rule.
func (p *Policy) refuse(id Identity, topic string, r rule) Decision {
	switch r {
	case ruleUnknown, ruleComputed, ruleUnread, ruleGeneral:
	default:
		if !id.signedIn() {
			return deny(topic, notSignedIn)
		}
	}
	return deny(topic, ruleWords[r])
}

func denyShared(filter string) Decision {
	return deny(filter, "shared subscriptions on fitness topics are for services")
}

// reasonTopicMax bounds how much of a topic goes into a reason, in bytes: a
// topic may be 65,535 bytes long, a reason string is for people.
const reasonTopicMax = 120

func deny(topic, why string) Decision {
	if len(topic) > reasonTopicMax {
		cut := reasonTopicMax
		for cut > 0 && !utf8.RuneStart(topic[cut]) {
			cut--
		}
		topic = topic[:cut] + "..."
	}
	return Decision{Reason: strings.Map(printable, strings.ToValidUTF8(topic, "?")) + ": " + why}
}

// printable replaces what may not stand in a reason string or would spoil a
// log line.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return '?'
	}
	return r
}
