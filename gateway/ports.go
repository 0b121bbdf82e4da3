package gateway

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/webhook"
)

// Engine is what the gateway calls of the use cases. Their errors are
// fitness.Error; each call judges its actor itself.
type Engine interface {
	Sessions
	Members
	Workouts
	Challenges
	Participants
	Reviews
	Links
	Conversations
	Blocks
	Matches
	Preferences
	Notifications
}

// Sessions are live workouts and trainings.
type Sessions interface {
	// PutSession creates or replaces; created tells which.
	PutSession(ctx context.Context, a engine.Actor, id string, spec engine.SessionSpec) (s engine.Session, created bool, err error)
	Session(id string) (engine.Session, error)
	// Sessions lists in order of the ids; next is "" at the end.
	Sessions(after string, limit int) (list []engine.Session, next string)
	DeleteSession(ctx context.Context, a engine.Actor, id string) error
	// Control does what session/{id}/control does: start, pause, resume, end, remove.
	Control(ctx context.Context, a engine.Actor, id, action, userID string) error
}

// Members are the members of a session.
type Members interface {
	PutMember(ctx context.Context, a engine.Actor, sessionID, userID string) error
	DeleteMember(ctx context.Context, a engine.Actor, sessionID, userID string) error
	Members(sessionID string) ([]engine.Member, error)
}

// Workouts are what users did in sessions.
type Workouts interface {
	// Summaries lists a session's in order of the user ids; next is "" at the end.
	Summaries(ctx context.Context, sessionID, after string, limit int) (list []engine.WorkoutSummary, next string, err error)
	Summary(ctx context.Context, sessionID, userID string) (engine.WorkoutSummary, error)
	// Workouts lists a user's, the newest first; next is "" at the end.
	Workouts(ctx context.Context, a engine.Actor, userID, after string, limit int) (list []engine.WorkoutSummary, next string, err error)
}

// Challenges are the challenges and their boards.
type Challenges interface {
	// PutChallenge creates or replaces; created tells which.
	PutChallenge(ctx context.Context, a engine.Actor, id string, spec engine.ChallengeSpec) (c engine.Challenge, created bool, err error)
	Challenge(id string) (engine.Challenge, error)
	// Challenges lists in order of the ids; next is "" at the end.
	Challenges(after string, limit int) (list []engine.Challenge, next string)
	DeleteChallenge(ctx context.Context, a engine.Actor, id string) error
	Leaderboard(id string, q engine.BoardQuery) (engine.Board, error)
	// Periods lists in their order; next is "" at the end.
	Periods(id, after string, limit int) (list []engine.PeriodStatus, next string, err error)
}

// Participants are the participants of a challenge and what they handed in.
type Participants interface {
	PutParticipant(ctx context.Context, a engine.Actor, challengeID, userID string) error
	DeleteParticipant(ctx context.Context, a engine.Actor, challengeID, userID string) error
	// Participants lists in order of the user ids; next is "" at the end.
	Participants(challengeID, after string, limit int) (list []engine.Entrant, next string, err error)
	WithdrawActivity(ctx context.Context, a engine.Actor, challengeID, userID, activityID string) error
}

// Reviews are what organizers and administrators do about activities.
type Reviews interface {
	// Activities lists in order of user and activity; next is "" at the end.
	Activities(ctx context.Context, a engine.Actor, challengeID string, flagged bool, after string, limit int) (list []engine.HandedIn, next string, err error)
	// ActivitiesOf is the same of one participant.
	ActivitiesOf(ctx context.Context, a engine.Actor, challengeID, userID, after string, limit int) (list []engine.HandedIn, next string, err error)
	ReviewActivity(ctx context.Context, a engine.Actor, challengeID, userID, activityID string, counted bool) (engine.HandedIn, error)
	RebuildChallenge(ctx context.Context, a engine.Actor, challengeID string) (engine.Rebuilt, error)
	// Boards are those with the most participants, or the latest changed; search is
	// a part of the id or title.
	Boards(search string, latest bool, limit int) []engine.BoardInfo
}

// Links join trainers and clients.
type Links interface {
	PutLink(ctx context.Context, a engine.Actor, trainerID, clientID string) error
	DeleteLink(ctx context.Context, a engine.Actor, trainerID, clientID string) error
	Linked(trainerID, clientID string) bool
	// Clients lists a trainer's clients in order of the ids; next is "" at the end.
	Clients(a engine.Actor, trainerID, after string, limit int) (list []engine.Client, next string, err error)
	// PresenceOf is offline where nothing is known.
	PresenceOf(userID string) engine.Presence
}

// Conversations are groups, conversations of two, and what was said.
type Conversations interface {
	// PutConversation creates or replaces a group; created tells which.
	PutConversation(ctx context.Context, a engine.Actor, id string, spec engine.ConversationSpec) (c engine.Conversation, created bool, err error)
	DeleteConversation(ctx context.Context, a engine.Actor, id string) error
	LeaveConversation(ctx context.Context, a engine.Actor, id, userID string) error
	// Conversation is as the user sees it.
	Conversation(id, userID string) (engine.Conversation, error)
	// Conversations lists the user's in order of the ids; next is "" at the end.
	Conversations(userID, after string, limit int) (list []engine.Conversation, next string)
	History(ctx context.Context, a engine.Actor, id string, q engine.HistoryQuery) (engine.History, error)
	SessionHistory(ctx context.Context, a engine.Actor, sessionID string, q engine.HistoryQuery) (engine.History, error)
}

// Matches are the partners who are proposed to a user, and those found.
type Matches interface {
	Matches(userID string) []engine.Match
}

// Blocks are whom a user wants no messages from, nor to be proposed to.
type Blocks interface {
	PutBlock(ctx context.Context, a engine.Actor, whom string) error
	DeleteBlock(ctx context.Context, a engine.Actor, whom string) error
	Blocks(userID string) []string
}

// Preferences are what users choose for themselves.
type Preferences interface {
	Preferences(a engine.Actor, userID string) (engine.Preferences, error)
	// PutPreferences returns them with the defaults filled in.
	PutPreferences(ctx context.Context, a engine.Actor, userID string, p engine.Preferences) (engine.Preferences, error)
	DeletePreferences(ctx context.Context, a engine.Actor, userID string) error
}

// Notifications are a user's own.
type Notifications interface {
	// Notifications lists newest first behind the cursor after.
	Notifications(a engine.Actor, after string, limit int, unread bool) (engine.Inbox, error)
	// ReadNotifications takes what user/{uid}/notification/read takes.
	ReadNotifications(ctx context.Context, a engine.Actor, body []byte) error
	DeleteNotification(ctx context.Context, a engine.Actor, messageID string) error
}

// Webhooks are the addresses that are told what happens; *webhook.Sender is one.
type Webhooks interface {
	Status() []webhook.Status
	// Retry posts what waits now, whatever pauses or has stopped the webhook. false:
	// there is none of that name.
	Retry(name string) bool
}

// Users are the users; *access.Users is one. Errors: access.ErrNoUser,
// access.ErrNoDevice, access.ErrLastAdmin, *access.InputError, the store's and the
// context's.
type Users interface {
	Get(id string) (access.User, error)
	List(after string, limit int) (list []access.User, next string)
	// Search finds by the beginning of the id and by a part of the name. A page may
	// be short, or empty, and yet not the last: next is "" at the end alone.
	Search(text, after string, limit int) (list []access.User, next string)
	Put(ctx context.Context, id string, spec access.UserSpec) (user access.User, created bool, err error)
	Delete(ctx context.Context, id string) error
}

// Policy is the rights; *access.Policy is one.
type Policy interface {
	Publish(id access.Identity, topic string) access.Decision
	Subscribe(id access.Identity, filter string) access.Decision
	Deliver(id access.Identity, topic string) bool
}

// Devices are the users' devices; *access.Users is one. Errors as of Users.
type Devices interface {
	PutDevice(ctx context.Context, user, name string) (secret string, created bool, err error)
	Devices(user string) ([]access.Device, error)
	DeleteDevice(ctx context.Context, user, name string) error
}

// Door lets people in; *access.Door is one. Errors: access.ErrBadCredentials,
// *access.ThrottledError, access.ErrUnavailable and the context's.
type Door interface {
	SignIn(ctx context.Context, p access.Proof) (access.Identity, error)
}

// TokenIssuer signs tokens; *access.Tokens is one. Errors: *access.InputError,
// access.ErrNoUser.
type TokenIssuer interface {
	Issue(user string, ttl time.Duration, grants *access.Grants) (token string, expires time.Time, err error)
}

var (
	_ Users       = (*access.Users)(nil)
	_ Devices     = (*access.Users)(nil)
	_ Policy      = (*access.Policy)(nil)
	_ Door        = (*access.Door)(nil)
	_ TokenIssuer = (*access.Tokens)(nil)
)

// Message is a message that somebody publishes over HTTP. The right to publish
// has been judged.
type Message struct {
	Sender access.Identity
	// ClientID is the sender's client that it is from, or "".
	ClientID string
	Topic    string
	Payload  []byte
	QoS      byte // 0, 1 or 2
	Retain   bool
	// Once, when not empty, names the message: another one of the sender's with the
	// same name is stored and delivered no more, also after a restart.
	Once string
}

// Receipt is what became of a Message.
type Receipt struct {
	// MessageID is the id under which it is known; "" where the topic has none.
	MessageID string
	// Code is the MQTT 5 reason code: 0x80 and over refuses, and then Reason
	// says why.
	Code   byte
	Reason string
	// RetryAfter is how long until it would be accepted; zero where that is not known.
	RetryAfter time.Duration
}

// Publisher takes messages the way that MQTT's go.
type Publisher interface {
	// Publish returns once the message is stored as its QoS promises. Errors:
	// ErrClientOwned; any other means that the outcome is unknown or the server's fault.
	Publish(ctx context.Context, m Message) (Receipt, error)
}

// Retained is the retained messages.
type Retained interface {
	// EachRetained calls fn with each retained message that the valid filter
	// matches, in any order, until fn returns false. fn may keep the payload but
	// not change it.
	EachRetained(filter string, fn func(topic string, payload []byte, qos byte) bool)
}
