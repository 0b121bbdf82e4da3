package topics

import "strings"

// Parsed is a topic name understood. Its strings are parts of the name.
type Parsed struct {
	Kind Kind
	// ID is the session's, challenge's or conversation's id; below user/ the
	// user's. Empty for Other, Unknown, Sys and match/.
	ID string
	// User is the user whom the name names: the last level of progress, form
	// and rank, and the owner below user/. Empty where there is none.
	User string
	// Conversation is set for chat/ and for user/{uid}/chat/{conversation}.
	Conversation string
}

// Parse tells which row of the wire contract a topic name belongs to. It does
// not allocate.
func Parse(topic string) Parsed {
	space, rest, _ := next(topic) // a name of one level has no valid id in rest
	switch space {
	case "session":
		return parseSession(rest)
	case "challenge":
		return parseChallenge(rest)
	case "chat":
		return parseChat(rest)
	case "user":
		return parseUser(rest)
	case "match":
		return parseMatch(rest)
	case "$SYS":
		return Parsed{Kind: Sys}
	}
	return Parsed{Kind: Other}
}

var unknown = Parsed{Kind: Unknown}

func parseSession(rest string) Parsed {
	id, name, more := next(rest)
	if !more || !ValidID(id) {
		return unknown
	}
	p := Parsed{ID: id}
	switch name {
	case "info":
		p.Kind = SessionInfo
	case "participants":
		p.Kind = SessionParticipants
	case "events":
		p.Kind = SessionEvents
	case "leaderboard":
		p.Kind = SessionLeaderboard
	case "chat":
		p.Kind = SessionChat
	case "control":
		p.Kind = SessionControl
	default:
		return parseSessionUser(id, name)
	}
	return p
}

// parseSessionUser parses the session's rows that name a user.
func parseSessionUser(id, name string) Parsed {
	name, user, _ := next(name)
	kind := Unknown
	switch name {
	case "progress":
		kind = SessionProgress
	case "form":
		kind = SessionForm
		if u, ok := strings.CutSuffix(user, "/seen"); ok {
			kind, user = SessionFormSeen, u
		}
	}
	if kind == Unknown || !ValidID(user) {
		return unknown
	}
	return Parsed{Kind: kind, ID: id, User: user}
}

func parseChallenge(rest string) Parsed {
	id, name, more := next(rest)
	if !more || !ValidID(id) {
		return unknown
	}
	p := Parsed{ID: id}
	switch name {
	case "info":
		p.Kind = ChallengeInfo
	case "status":
		p.Kind = ChallengeStatus
	case "activity":
		p.Kind = ChallengeActivity
	case "leaderboard":
		p.Kind = ChallengeLeaderboard
	case "achievements":
		p.Kind = ChallengeAchievements
	default:
		user, ok := strings.CutPrefix(name, "rank/")
		if !ok || !ValidID(user) {
			return unknown
		}
		p.Kind, p.User = ChallengeRank, user
	}
	return p
}

func parseChat(rest string) Parsed {
	id, name, more := next(rest)
	if !more || !ValidConversation(id) {
		return unknown
	}
	p := Parsed{ID: id, Conversation: id}
	switch name {
	case "message":
		p.Kind = ChatMessage
	case "typing":
		p.Kind = ChatTyping
	case "read":
		p.Kind = ChatRead
	default:
		return unknown
	}
	return p
}

func parseUser(rest string) Parsed {
	id, name, more := next(rest)
	if !more || !ValidID(id) {
		return unknown
	}
	p := Parsed{ID: id, User: id}
	switch name {
	case "receipt":
		p.Kind = UserReceipt
	case "notification":
		p.Kind = UserNotification
	case "achievement":
		p.Kind = UserAchievement
	case "match":
		p.Kind = UserMatch
	case "unread":
		p.Kind = UserUnread
	case "token":
		p.Kind = UserToken
	case "error":
		p.Kind = UserError
	case "presence":
		p.Kind = UserPresence
	case "away":
		p.Kind = UserAway
	case "notification/read":
		p.Kind = UserNotificationRead
	default:
		conversation, ok := strings.CutPrefix(name, "chat/")
		if !ok || !ValidConversation(conversation) {
			return unknown
		}
		p.Kind, p.Conversation = UserChat, conversation
	}
	return p
}

func parseMatch(name string) Parsed {
	switch name {
	case "beacon":
		return Parsed{Kind: MatchBeacon}
	case "reply":
		return Parsed{Kind: MatchReply}
	case "block":
		return Parsed{Kind: MatchBlock}
	}
	return unknown
}
