package topics

// The builders of the wire contract's names. They do not check the ids: an id
// comes from a checked request, or was asked of ValidID. Each is named after its
// kind, with Topic behind, since the kinds have the plain names.

// The names below match/, which carry no id.
const (
	// BeaconTopic: a member looks for partners.
	BeaconTopic = "match/beacon"
	// ReplyTopic: a member answers a proposal.
	ReplyTopic = "match/reply"
	// BlockTopic: a member never wants to meet another.
	BlockTopic = "match/block"
)

// SessionInfoTopic returns session/{sid}/info: the session's definition and state.
func SessionInfoTopic(sid string) string { return "session/" + sid + "/info" }

// SessionParticipantsTopic returns session/{sid}/participants: the session's roster.
func SessionParticipantsTopic(sid string) string { return "session/" + sid + "/participants" }

// SessionEventsTopic returns session/{sid}/events: who came, who left, what the session did.
func SessionEventsTopic(sid string) string { return "session/" + sid + "/events" }

// SessionProgressTopic returns session/{sid}/progress/{uid}: a participant's live sample.
func SessionProgressTopic(sid, uid string) string { return "session/" + sid + "/progress/" + uid }

// SessionFormTopic returns session/{sid}/form/{uid}: form corrections for a participant.
func SessionFormTopic(sid, uid string) string { return "session/" + sid + "/form/" + uid }

// SessionFormSeenTopic returns session/{sid}/form/{uid}/seen: a participant's word that a correction was seen.
func SessionFormSeenTopic(sid, uid string) string { return "session/" + sid + "/form/" + uid + "/seen" }

// SessionLeaderboardTopic returns session/{sid}/leaderboard: who leads the session.
func SessionLeaderboardTopic(sid string) string { return "session/" + sid + "/leaderboard" }

// SessionChatTopic returns session/{sid}/chat: the session's chat.
func SessionChatTopic(sid string) string { return "session/" + sid + "/chat" }

// SessionControlTopic returns session/{sid}/control: commands of host and trainer.
func SessionControlTopic(sid string) string { return "session/" + sid + "/control" }

// ChallengeInfoTopic returns challenge/{cid}/info: the challenge's definition.
func ChallengeInfoTopic(cid string) string { return "challenge/" + cid + "/info" }

// ChallengeStatusTopic returns challenge/{cid}/status: the challenge's state and totals.
func ChallengeStatusTopic(cid string) string { return "challenge/" + cid + "/status" }

// ChallengeActivityTopic returns challenge/{cid}/activity: activities handed in.
func ChallengeActivityTopic(cid string) string { return "challenge/" + cid + "/activity" }

// ChallengeLeaderboardTopic returns challenge/{cid}/leaderboard: the challenge's board.
func ChallengeLeaderboardTopic(cid string) string { return "challenge/" + cid + "/leaderboard" }

// ChallengeRankTopic returns challenge/{cid}/rank/{uid}: a participant's own rank.
func ChallengeRankTopic(cid, uid string) string { return "challenge/" + cid + "/rank/" + uid }

// ChallengeAchievementsTopic returns challenge/{cid}/achievements: the feed of awards.
func ChallengeAchievementsTopic(cid string) string { return "challenge/" + cid + "/achievements" }

// ChatMessageTopic returns chat/{conversation}/message: a conversation's messages.
func ChatMessageTopic(conversation string) string { return "chat/" + conversation + "/message" }

// ChatTypingTopic returns chat/{conversation}/typing: who is writing.
func ChatTypingTopic(conversation string) string { return "chat/" + conversation + "/typing" }

// ChatReadTopic returns chat/{conversation}/read: how far a member has read.
func ChatReadTopic(conversation string) string { return "chat/" + conversation + "/read" }

// UserChatTopic returns user/{uid}/chat/{conversation}: a conversation's messages in a user's feed.
func UserChatTopic(uid, conversation string) string { return "user/" + uid + "/chat/" + conversation }

// UserReceiptTopic returns user/{uid}/receipt: what became of a user's messages.
func UserReceiptTopic(uid string) string { return "user/" + uid + "/receipt" }

// UserNotificationTopic returns user/{uid}/notification: a user's notifications.
func UserNotificationTopic(uid string) string { return "user/" + uid + "/notification" }

// UserAchievementTopic returns user/{uid}/achievement: a user's awards.
func UserAchievementTopic(uid string) string { return "user/" + uid + "/achievement" }

// UserMatchTopic returns user/{uid}/match: partner proposals for a user.
func UserMatchTopic(uid string) string { return "user/" + uid + "/match" }

// UserUnreadTopic returns user/{uid}/unread: a user's unread counts.
func UserUnreadTopic(uid string) string { return "user/" + uid + "/unread" }

// UserTokenTopic returns user/{uid}/token: where a user renews a token.
func UserTokenTopic(uid string) string { return "user/" + uid + "/token" }

// UserErrorTopic returns user/{uid}/error: why a user's publish was refused.
func UserErrorTopic(uid string) string { return "user/" + uid + "/error" }

// UserPresenceTopic returns user/{uid}/presence: whether a user is online.
func UserPresenceTopic(uid string) string { return "user/" + uid + "/presence" }

// UserAwayTopic returns user/{uid}/away: a client's word that its user is away, or back.
func UserAwayTopic(uid string) string { return "user/" + uid + "/away" }

// UserNotificationReadTopic returns user/{uid}/notification/read: which notifications a user has read.
func UserNotificationReadTopic(uid string) string { return "user/" + uid + "/notification/read" }
