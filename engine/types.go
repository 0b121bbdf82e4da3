package engine

import (
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/fitness/workout"
)

// Roles of an actor or sender, as the wire contract names them.
const (
	roleMember  = "member"
	roleTrainer = "trainer"
	roleService = "service"
	roleAdmin   = "admin"
)

// Actor is who asks for an administrative change. Role is member, trainer,
// service or admin; the last two may do everything.
type Actor struct {
	UserID string
	Role   string
}

// all reports whether the actor may do everything.
func (a Actor) all() bool { return a.Role == roleAdmin || a.Role == roleService }

// SessionSpec is what the maker of a session says about it.
type SessionSpec = workout.Spec

// ChallengeSpec is the definition of a challenge.
type ChallengeSpec = challenge.Spec

// Session is a session as REST and session/{sid}/info show it. HostName and
// TrainerName are what host and trainer are called.
type Session struct {
	ID string `json:"sessionId"`
	SessionSpec
	HostName    string `json:"hostName,omitempty"`
	TrainerName string `json:"trainerName,omitempty"`

	State     workout.State `json:"state"`
	CreatedAt time.Time     `json:"createdAt"`
	StartedAt time.Time     `json:"startedAt,omitzero"`
	EndedAt   time.Time     `json:"endedAt,omitzero"`
}

// Member is a member of a session. Present tells whether the user takes part
// now; Flags counts what was accepted of the user's samples but looked odd, by
// field, for the host to review.
type Member struct {
	UserID  string         `json:"userId"`
	Name    string         `json:"name"`
	Role    string         `json:"role"` // host, trainer or participant
	Present bool           `json:"present"`
	Flags   map[string]int `json:"flags,omitempty"`
}

// Participant is an entry of a session's roster. ZonesMaxHeartRate is where the
// participant's heart-rate zones end, in bpm: who sees their heart rate can say
// its zone.
type Participant struct {
	UserID            string    `json:"userId"`
	Name              string    `json:"name"`
	Role              string    `json:"role"` // host, trainer or participant
	JoinedAt          time.Time `json:"joinedAt"`
	ZonesMaxHeartRate float64   `json:"zonesMaxHeartRate,omitempty"`
}

// Roster is the payload of session/{sid}/participants. Total is how many take
// part; host and trainer come first, and the list is cut at Options.RosterMax.
type Roster struct {
	SessionID    string        `json:"sessionId"`
	Revision     uint64        `json:"revision"`
	Total        int           `json:"total"`
	Participants []Participant `json:"participants"`
}

// Event types of session/{sid}/events.
const (
	EventJoined  = "participant-joined"
	EventLeft    = "participant-left"
	EventStarted = "session-started"
	EventPaused  = "session-paused"
	EventEnded   = "session-ended"

	EventMilestone = "milestone"
)

// Reasons of EventLeft.
const (
	LeftUnsubscribed = "unsubscribed" // the last subscription was given up
	LeftDisconnected = "disconnected" // signed off, and did not come back within the grace
	LeftLost         = "lost"         // the connection broke, and did not come back within the grace
	LeftRemoved      = "removed"      // taken out by host, trainer or administration
	LeftDeleted      = "deleted"      // the session was deleted
)

// ReasonResumed is the reason of EventStarted when a pause ended.
const ReasonResumed = "resumed"

// ReasonAbandoned is the reason of EventEnded when everybody had been gone for
// Options.IdleEnd.
const ReasonAbandoned = "abandoned"

// Event is the payload of session/{sid}/events.
type Event struct {
	Type      string    `json:"type"`
	SessionID string    `json:"sessionId"`
	UserID    string    `json:"userId,omitempty"`
	Name      string    `json:"name,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Timestamp time.Time `json:"timestamp"`
	// Milestone is what the user has reached, of EventMilestone.
	Milestone *workout.Milestone `json:"data,omitempty"`
}

// Challenge is a challenge as REST and challenge/{cid}/info show it.
type Challenge struct {
	ID string `json:"challengeId"`
	ChallengeSpec
	Unit      string          `json:"unit"`
	State     challenge.State `json:"state"`
	CreatedAt time.Time       `json:"createdAt"`
}

// Entrant is a participant of a challenge.
type Entrant struct {
	UserID   string    `json:"userId"`
	Name     string    `json:"name"`
	JoinedAt time.Time `json:"joinedAt"`
}

// BoardQuery asks for a part of a leaderboard: Limit entries (0 means
// Options.LeaderboardTop, at most 1000) from Offset on, or behind the cursor
// After, or around the user Around; those that are empty play no role. Period is
// the name of one, empty for the present one.
type BoardQuery struct {
	Offset, Limit         int
	After, Around, Period string
}

// TeamEntry is a line of a board of teams.
type TeamEntry struct {
	Rank      int               `json:"rank"`
	TeamID    string            `json:"teamId"`
	Name      string            `json:"name"`
	Score     leaderboard.Score `json:"score"`
	ReachedAt time.Time         `json:"reachedAt"`
}

// BoardEntry is a line of a leaderboard.
type BoardEntry struct {
	Rank      int               `json:"rank"`
	UserID    string            `json:"userId"`
	Name      string            `json:"name"`
	Score     leaderboard.Score `json:"score"`
	ReachedAt time.Time         `json:"reachedAt"`
}

// Board is the payload of challenge/{cid}/leaderboard and, with SessionID in
// place of ChallengeID, of session/{sid}/leaderboard. Total is how many are
// ranked; Next is the cursor of the next page in an answer by REST, "" at the
// end.
type Board struct {
	ChallengeID string       `json:"challengeId,omitempty"`
	Period      string       `json:"period,omitempty"`
	SessionID   string       `json:"sessionId,omitempty"`
	Revision    uint64       `json:"revision"`
	UpdatedAt   time.Time    `json:"updatedAt,omitzero"`
	Metric      string       `json:"metric"`
	Unit        string       `json:"unit"`
	Total       int          `json:"total"`
	Entries     []BoardEntry `json:"entries"`
	Teams       []TeamEntry  `json:"teams,omitempty"`
	Next        string       `json:"next,omitempty"`
}

// RankCard is the payload of challenge/{cid}/rank/{uid}: a participant's own
// rank and the neighbours.
type RankCard struct {
	ChallengeID string            `json:"challengeId"`
	Period      string            `json:"period,omitempty"`
	Revision    uint64            `json:"revision"`
	UserID      string            `json:"userId"`
	Rank        int               `json:"rank"`
	Score       leaderboard.Score `json:"score"`
	Total       int               `json:"total"`
	Team        *TeamEntry        `json:"team,omitempty"` // the user's team, where there is one
	Above       []BoardEntry      `json:"above"`
	Below       []BoardEntry      `json:"below"`
}

// ChallengeStatus is the payload of challenge/{cid}/status. TimeLeft is in
// seconds from UpdatedAt to the end of the period while the challenge is active;
// Winners are the first three once it has ended; Flagged counts activities that
// look odd and were not reviewed. GoalProgress is the share of the goal that is
// reached, or of the participants who reached it where it is each one's own.
type ChallengeStatus struct {
	ChallengeID  string            `json:"challengeId"`
	State        challenge.State   `json:"state"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	Participants int               `json:"participants"`
	Activities   int               `json:"activities"`
	Flagged      int               `json:"flagged,omitempty"`
	Sum          leaderboard.Score `json:"sum"`
	Goal         float64           `json:"goal,omitempty"`
	GoalOf       string            `json:"goalOf,omitempty"`
	GoalProgress float64           `json:"goalProgress,omitempty"`
	GoalReached  int               `json:"goalReached,omitempty"`
	Winners      []BoardEntry      `json:"winners,omitempty"`
	Current      *PeriodStatus     `json:"current,omitempty"`
	Previous     *PeriodStatus     `json:"previous,omitempty"`
	TimeLeft     int64             `json:"timeLeft,omitempty"`
	UpdatedAt    time.Time         `json:"updatedAt"`
	Revision     uint64            `json:"revision"`
}

// PeriodStatus is a period of a repeating challenge; Winners are the first three
// of one that is over.
type PeriodStatus struct {
	Period     string            `json:"period"`
	StartsAt   time.Time         `json:"startsAt"`
	EndsAt     time.Time         `json:"endsAt"`
	Activities int               `json:"activities"`
	Sum        leaderboard.Score `json:"sum"`
	Winners    []BoardEntry      `json:"winners,omitempty"`
}
