package topics

import "strings"

// Kind is a row of the wire contract's topic tables.
type Kind uint8

// The rows. Other is every name outside the product's namespaces and $SYS;
// Unknown is a name inside one of them that no row describes, or whose ids are
// not valid.
const (
	Other Kind = iota
	Unknown
	Sys

	SessionInfo
	SessionParticipants
	SessionEvents
	SessionProgress
	SessionForm
	SessionFormSeen
	SessionLeaderboard
	SessionChat
	SessionControl

	ChallengeInfo
	ChallengeStatus
	ChallengeActivity
	ChallengeLeaderboard
	ChallengeRank
	ChallengeAchievements

	ChatMessage
	ChatTyping
	ChatRead

	UserChat
	UserReceipt
	UserNotification
	UserAchievement
	UserMatch
	UserUnread
	UserToken
	UserError
	UserPresence
	UserAway
	UserNotificationRead

	MatchBeacon
	MatchReply
	MatchBlock

	// NumKinds is the number of kinds: the size of an array indexed by Kind.
	NumKinds int = iota
)

// kindPatterns names each kind by the pattern of its topics, with {} for an id.
var kindPatterns = [NumKinds]string{
	Other:                 "other",
	Unknown:               "unknown",
	Sys:                   "$SYS/#",
	SessionInfo:           "session/{}/info",
	SessionParticipants:   "session/{}/participants",
	SessionEvents:         "session/{}/events",
	SessionProgress:       "session/{}/progress/{}",
	SessionForm:           "session/{}/form/{}",
	SessionFormSeen:       "session/{}/form/{}/seen",
	SessionLeaderboard:    "session/{}/leaderboard",
	SessionChat:           "session/{}/chat",
	SessionControl:        "session/{}/control",
	ChallengeInfo:         "challenge/{}/info",
	ChallengeStatus:       "challenge/{}/status",
	ChallengeActivity:     "challenge/{}/activity",
	ChallengeLeaderboard:  "challenge/{}/leaderboard",
	ChallengeRank:         "challenge/{}/rank/{}",
	ChallengeAchievements: "challenge/{}/achievements",
	ChatMessage:           "chat/{}/message",
	ChatTyping:            "chat/{}/typing",
	ChatRead:              "chat/{}/read",
	UserChat:              "user/{}/chat/{}",
	UserReceipt:           "user/{}/receipt",
	UserNotification:      "user/{}/notification",
	UserAchievement:       "user/{}/achievement",
	UserMatch:             "user/{}/match",
	UserUnread:            "user/{}/unread",
	UserToken:             "user/{}/token",
	UserError:             "user/{}/error",
	UserPresence:          "user/{}/presence",
	UserAway:              "user/{}/away",
	UserNotificationRead:  "user/{}/notification/read",
	MatchBeacon:           "match/beacon",
	MatchReply:            "match/reply",
	MatchBlock:            "match/block",
}

// String returns the pattern of the kind's topics, with {} for an id; "other"
// and "unknown" for those without one. Good as a metric's label.
func (k Kind) String() string {
	if int(k) >= NumKinds {
		return "unknown"
	}
	return kindPatterns[k]
}

// IsState reports whether only the newest value of such a topic matters: a slow
// or absent client gets that and never a backlog.
func IsState(k Kind) bool {
	switch k {
	case SessionInfo, SessionParticipants, SessionProgress, SessionLeaderboard,
		ChallengeInfo, ChallengeStatus, ChallengeLeaderboard, ChallengeRank, UserUnread, UserPresence:
		return true
	}
	return false
}

// IsFitness reports whether the topic, or the filter, is in one of the
// product's namespaces: its first level is session, challenge, chat, user or
// match. See MayMatchFitness for filters that begin with a wildcard.
func IsFitness(topic string) bool {
	first, _, _ := next(topic)
	switch first {
	case "session", "challenge", "chat", "user", "match":
		return true
	}
	return false
}

// MayMatchFitness reports whether the filter matches any name for which
// IsFitness is true.
func MayMatchFitness(filter string) bool { return startsWild(filter) || IsFitness(filter) }

// MaxID is the length limit of an id in bytes.
const MaxID = 64

// ValidID reports whether s is an id: [A-Za-z0-9_-]{1,64}.
func ValidID(s string) bool {
	if s == "" || len(s) > MaxID {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return true
}

// ValidConversation reports whether s names a conversation: an id, or two
// different user ids in byte order with a dot between.
func ValidConversation(s string) bool {
	if ValidID(s) {
		return true
	}
	_, _, ok := SplitDirect(s)
	return ok
}

// Direct returns the name of the conversation of two users, the same whoever
// asks. The ids must be valid and differ.
func Direct(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + "." + b
}

// SplitDirect returns the two users of a conversation of two, or false for any
// other conversation.
func SplitDirect(conversation string) (a, b string, ok bool) {
	a, b, ok = strings.Cut(conversation, ".")
	if !ok || !ValidID(a) || !ValidID(b) || a >= b {
		return "", "", false
	}
	return a, b, true
}

// FilterScope returns what a filter is about when its first two levels are
// written out: the namespace (session, challenge, chat or user) and the id in
// it, which is valid. It is false for any other filter, and for one of only two
// levels, since that matches nothing below the id.
func FilterScope(filter string) (namespace, id string, ok bool) {
	namespace, rest, more := next(filter)
	if !more {
		return "", "", false
	}
	id, _, more = next(rest)
	if !more {
		return "", "", false
	}
	switch namespace {
	case "session", "challenge", "user":
		ok = ValidID(id)
	case "chat":
		ok = ValidConversation(id)
	}
	if !ok {
		return "", "", false
	}
	return namespace, id, true
}
