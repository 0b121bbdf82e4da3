// Package access answers two questions: who are you (a password, a token, a
// certificate, a device) and may you (by topic, role and relation). There is
// one decision point for MQTT and HTTP, and it denies what nothing allows.
package access

import "time"

// Role is a user's role.
type Role string

// The roles, as the wire contract names them.
const (
	Member    Role = "member"
	Trainer   Role = "trainer"
	Service   Role = "service" // a backend
	Admin     Role = "admin"
	Anonymous Role = "" // only where the configuration allows it
)

// By is how somebody proved who they are.
type By string

// The ways to prove it.
const (
	ByPassword    By = "password"
	ByToken       By = "token"       // a JSON Web Token
	ByDevice      By = "device"      // a device's own secret
	ByHTTP        By = "http"        // the configured HTTP service said so
	ByCertificate By = "certificate" // a client certificate's common name
	ByAdminToken  By = "admin token" // the token in the data directory
)

// Identity is who somebody proved to be.
type Identity struct {
	UserID string
	Name   string
	Role   Role
	// By is how it was proved; "" where nobody asked.
	By By
	// Expires is when the proof is worth nothing any more; zero means never.
	Expires time.Time
	// Foreign: another authority vouches for the user, who need not be in the
	// store. A record in the store, where there is one, decides all the same.
	Foreign bool
	// Grants narrow what the user's token is good for; nil for everything that the
	// user may. They are shared: nobody changes them.
	Grants *Grants
	// Device is the name of the device that signed in for its user; "" for the
	// user. What a device may is less: see [Policy].
	Device string
	// ClientID is the MQTT client id that it came with; "" over HTTP. It proves
	// nothing: rules may name it.
	ClientID string
	// secretID tells the secret that the device used from a later one of the
	// same name.
	secretID string
}

// Relations is what the rights need to know of the domain. Every method is
// called on hot paths: it must not block.
type Relations interface {
	// SessionMember: the user is host, trainer or member of the session, or the
	// session is open.
	SessionMember(sessionID, userID string) bool
	// SessionRoom: the user takes part in the session, or there is a place for
	// them. It is asked of members.
	SessionRoom(sessionID, userID string) bool
	// SessionControl: the user is the session's host or trainer.
	SessionControl(sessionID, userID string) bool
	// SessionTrainer: the user is the session's trainer.
	SessionTrainer(sessionID, userID string) bool
	// ChallengeParticipant: the user takes part, or organizes it.
	ChallengeParticipant(challengeID, userID string) bool
	// ConversationMember: the user is one of the two, or in the group.
	ConversationMember(conversationID, userID string) bool
	// PresenceVisible: the viewer, another user, may know whether the user is there.
	PresenceVisible(viewerID, userID string) bool
	// Linked: the trainer has the client.
	Linked(trainerID, clientID string) bool
}

// Decision is an answer with its reason.
type Decision struct {
	Allowed bool
	Reason  string // why not, for the client; empty when allowed
}

// Valid reports whether the role is one that a user may have; Anonymous is not.
func (r Role) Valid() bool {
	switch r {
	case Member, Trainer, Service, Admin:
		return true
	}
	return false
}
