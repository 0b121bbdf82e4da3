package access

import "github.com/fitmq/fitmq/topics"

// rule is who may: the P and S columns of the wire contract's topic tables.
type rule uint8

const (
	ruleUnknown            rule = iota // nobody: no row describes the name
	ruleComputed                       // nobody: the broker writes there
	ruleUnread                         // nobody: nothing is delivered from there
	ruleGeneral                        // the rules of the configuration; see Policy
	ruleOperator                       // admin and service
	ruleSessionMember                  // members of the session
	ruleSessionSelf                    // the named user, as a member of the session
	ruleSessionTrainer                 // the session's trainer
	ruleSessionSelfTrainer             // the named user, and the session's trainer
	ruleSessionControl                 // the session's host and trainer
	ruleParticipant                    // participants of the challenge
	ruleRank                           // the named participant, and that user's trainers
	ruleOwner                          // the named user
	ruleNotifier                       // services, and the named user's trainers
	ruleNoDevice                       // the user, but none of the user's devices
	ruleConversation                   // members of the conversation
	rulePerson                         // members and trainers: people
	rulePresence                       // the named user, and to whom that user shows it
)

// ruleWords completes "only ..." in a reason.
var ruleWords = [...]string{
	ruleUnknown:            "no such topic",
	ruleComputed:           "computed by the broker",
	ruleUnread:             "nothing is ever delivered from this topic",
	ruleGeneral:            "no rule of this server allows it",
	ruleOperator:           "only administrators and services may",
	ruleSessionMember:      "only members of the session may",
	ruleSessionSelf:        "only that user may, as a member of the session (there is none of that id, or you are not in it, if the user is you)",
	ruleSessionTrainer:     "only the session's trainer may",
	ruleSessionSelfTrainer: "only that user and the session's trainer may",
	ruleSessionControl:     "only the session's host and trainer may",
	ruleParticipant:        "only participants of the challenge may (there is none of that id, or you do not take part)",
	ruleRank:               "only that participant and their trainer may",
	ruleOwner:              "only that user may",
	ruleNotifier:           "only services and that user's trainers may",
	ruleNoDevice:           "a device may not publish there, its user may",
	ruleConversation:       "only members of the conversation may (of two: both ids in byte order with a dot between)",
	rulePerson:             "only members and trainers may: it is for people",
	rulePresence:           "only that user may, and who is linked with them or takes part with them in a session or challenge, unless they want it private",
}

// row is one line of the topic tables.
type row struct{ publish, receive rule }

// rows is the topic tables. What has no line here is denied.
var rows = [topics.NumKinds]row{
	topics.Other:   {ruleGeneral, ruleGeneral},
	topics.Unknown: {ruleUnknown, ruleUnknown},
	topics.Sys:     {ruleComputed, ruleOperator},

	topics.SessionInfo:         {ruleComputed, ruleSessionMember},
	topics.SessionParticipants: {ruleComputed, ruleSessionMember},
	topics.SessionEvents:       {ruleComputed, ruleSessionMember},
	topics.SessionProgress:     {ruleSessionSelf, ruleSessionMember},
	topics.SessionForm:         {ruleSessionTrainer, ruleSessionSelfTrainer},
	topics.SessionFormSeen:     {ruleSessionSelf, ruleSessionTrainer},
	topics.SessionLeaderboard:  {ruleComputed, ruleSessionMember},
	topics.SessionChat:         {ruleSessionMember, ruleSessionMember},
	topics.SessionControl:      {ruleSessionControl, ruleUnread},

	topics.ChallengeInfo:         {ruleComputed, ruleParticipant},
	topics.ChallengeStatus:       {ruleComputed, ruleParticipant},
	topics.ChallengeActivity:     {ruleParticipant, ruleUnread},
	topics.ChallengeLeaderboard:  {ruleComputed, ruleParticipant},
	topics.ChallengeRank:         {ruleComputed, ruleRank},
	topics.ChallengeAchievements: {ruleComputed, ruleParticipant},

	topics.ChatMessage: {ruleConversation, ruleConversation},
	topics.ChatTyping:  {ruleConversation, ruleConversation},
	topics.ChatRead:    {ruleConversation, ruleUnread},

	topics.UserChat:         {ruleComputed, ruleOwner},
	topics.UserReceipt:      {ruleComputed, ruleOwner},
	topics.UserNotification: {ruleNotifier, ruleOwner},
	topics.UserAchievement:  {ruleComputed, ruleOwner},
	topics.UserMatch:        {ruleComputed, ruleOwner},
	topics.UserUnread:       {ruleComputed, ruleOwner},
	topics.UserToken:        {ruleOwner, ruleUnread},
	topics.UserError:        {ruleComputed, ruleOwner},
	topics.UserPresence:     {ruleComputed, rulePresence},
	topics.UserAway:         {ruleOwner, ruleUnread},

	topics.UserNotificationRead: {ruleOwner, ruleUnread},

	topics.MatchBeacon: {rulePerson, ruleUnread},
	topics.MatchReply:  {rulePerson, ruleUnread},
	topics.MatchBlock:  {rulePerson, ruleUnread},
}

// holds reports whether the rule lets the identity at the topic. It does not
// allocate: it is asked for every message and every delivery.
func (p *Policy) holds(r rule, id Identity, t topics.Parsed) bool {
	if !id.signedIn() {
		return false
	}
	me, self := id.UserID, t.User == id.UserID
	switch r {
	case ruleOperator:
		return id.operator()
	case ruleSessionMember:
		return p.rel.SessionMember(t.ID, me)
	case ruleSessionSelf:
		return self && p.rel.SessionMember(t.ID, me)
	case ruleSessionTrainer:
		return p.rel.SessionTrainer(t.ID, me)
	case ruleSessionSelfTrainer:
		return self && p.rel.SessionMember(t.ID, me) || p.rel.SessionTrainer(t.ID, me)
	case ruleSessionControl:
		return p.rel.SessionControl(t.ID, me)
	case ruleParticipant:
		return p.rel.ChallengeParticipant(t.ID, me)
	case ruleRank:
		return (self || p.trains(id, t.User)) && p.rel.ChallengeParticipant(t.ID, t.User)
	case ruleOwner:
		return self
	case ruleNotifier:
		return id.Role == Service || p.trains(id, t.User)
	case rulePerson:
		return id.Role == Member || id.Role == Trainer
	case ruleConversation:
		return p.rel.ConversationMember(t.Conversation, me)
	case rulePresence:
		return self || p.rel.PresenceVisible(me, t.User)
	}
	return false
}

// trains reports whether the identity is a trainer of the user. The role counts
// beside the link, so that a demoted trainer loses the right at once.
func (p *Policy) trains(id Identity, client string) bool {
	return id.Role == Trainer && p.rel.Linked(id.UserID, client)
}

// signedIn reports whether the identity is somebody.
func (id Identity) signedIn() bool { return id.UserID != "" && id.Role.Valid() }

// operator reports whether the identity sees everything: admin and service.
func (id Identity) operator() bool {
	return id.UserID != "" && (id.Role == Admin || id.Role == Service)
}
