package engine

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fitmq/fitmq/fitness/workout"
)

// Directory knows the users. Every method is called on hot paths: it must not
// block.
type Directory interface {
	// Name returns the display name, or "" for a user it does not know.
	Name(userID string) string
	// Exists reports whether there is such a user.
	Exists(userID string) bool
	// Trains reports whether the user has the role of a trainer.
	Trains(userID string) bool
}

// Options configure an Engine.
type Options struct {
	// Store keeps the tables. Required.
	Store Keeper
	// Publisher is the way out; it may come later with SetPublisher, until
	// which what is to be published waits as unsent state, and events are lost.
	Publisher Publisher
	// Users knows names and who exists. Nil: every id exists and is its name.
	Users Directory
	// Herald tells others what happens. Nil: nobody is told.
	Herald Herald
	// Clock gives the time. Nil: the system's.
	Clock Clock
	// Logger gets what operators should read. Nil: nothing is logged.
	Logger *slog.Logger

	// PresenceGrace is how long a participant may be gone without having left.
	// Zero means 5 s.
	PresenceGrace time.Duration
	// RestartGrace is the same after a start, for those who took part before.
	// Zero means three times PresenceGrace.
	RestartGrace time.Duration
	// PresenceAway is after how long without doing anything a connected user
	// counts as away. Zero means 10 min; a negative value never.
	PresenceAway time.Duration
	// LeaderboardRate is how many times a second each leaderboard, roster and
	// status is published at most. Zero means 2.
	LeaderboardRate float64
	// LeaderboardTop is how many entries a published leaderboard has. Zero
	// means 25.
	LeaderboardTop int
	// RankNeighbours is how many neighbours a rank has on each side. Zero means 2.
	RankNeighbours int
	// RankBudget is how many ranks, and other messages of bulk, are published
	// in a tick of 100 ms at most; the rest waits for the next one. Zero means
	// 1000.
	RankBudget int
	// RosterMax is how many participants a published roster lists at most; of a
	// session with more it lists a tenth of that. Zero means 1000.
	RosterMax int
	// ProgressRate is how many messages with live samples a device may send in
	// a second. Zero means 5.
	ProgressRate float64

	// IdleEnd is how long after its last participant left a session ends by
	// itself. Zero means 30 minutes; a negative value means never.
	IdleEnd time.Duration
	// MaxHeartRate is where the heart-rate zones end, in bpm. Zero means 190.
	MaxHeartRate float64

	// Allowance is what a user may send of what costs others something, and
	// Allowances replace it for users of a role: what is zero there is as in
	// Allowance.
	Allowance
	Allowances map[string]Allowance

	// ChatAnyone lets everybody write to everybody; else two must be linked, or in
	// one session or challenge.
	ChatAnyone bool
	// MaxConversations bounds the conversations of which there are groups;
	// creating more is refused (Quota). Zero means 1,000,000.
	MaxConversations int

	// ProposalBurst and ProposalInterval are how many partners are proposed to a
	// user: that many at once, one more in each interval. Zero means 10 and 5 min.
	ProposalBurst    int
	ProposalInterval time.Duration
	// MaxLookers bounds the users whose beacons, or last places of a day, are
	// known; others are refused (Quota). Zero means 500,000.
	MaxLookers int

	// MaxSessions and MaxChallenges bound how many there are at once; creating
	// more is refused (Quota). Zero means 100,000 and 10,000.
	MaxSessions, MaxChallenges int
	// MaxMembers and MaxParticipants bound those of one session and of one
	// challenge; more are refused (Quota). Zero means 50,000 and 2,000,000.
	MaxMembers, MaxParticipants int
}

// withDefaults returns the options with zero values replaced.
func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Users == nil {
		o.Users = anybody{}
	}
	o.PresenceGrace = cmp.Or(o.PresenceGrace, 5*time.Second)
	o.RestartGrace = cmp.Or(o.RestartGrace, 3*o.PresenceGrace)
	o.PresenceAway = cmp.Or(o.PresenceAway, 10*time.Minute)
	o.LeaderboardRate = cmp.Or(o.LeaderboardRate, 2)
	o.LeaderboardTop = cmp.Or(o.LeaderboardTop, 25)
	o.RankNeighbours = cmp.Or(o.RankNeighbours, 2)
	o.RankBudget = cmp.Or(o.RankBudget, 1000)
	o.RosterMax = cmp.Or(o.RosterMax, 1000)
	o.ProgressRate = cmp.Or(o.ProgressRate, 5)
	o.IdleEnd = cmp.Or(o.IdleEnd, 30*time.Minute)
	o.MaxHeartRate = cmp.Or(o.MaxHeartRate, workout.DefaultMaxHeartRate)
	o.Allowance = o.or(Allowance{
		ActivityBurst: 20, ActivityInterval: 10 * time.Second, ActivityDaily: 100, ChatBurst: 30, ChatRate: 5, BeaconInterval: 15 * time.Second,
	})
	o.MaxConversations = cmp.Or(o.MaxConversations, 1_000_000)
	o.ProposalBurst = cmp.Or(o.ProposalBurst, 10)
	o.ProposalInterval = cmp.Or(o.ProposalInterval, 5*time.Minute)
	o.MaxLookers = cmp.Or(o.MaxLookers, 500_000)
	o.MaxSessions = cmp.Or(o.MaxSessions, 100_000)
	o.MaxChallenges = cmp.Or(o.MaxChallenges, 10_000)
	o.MaxMembers = cmp.Or(o.MaxMembers, 50_000)
	o.MaxParticipants = cmp.Or(o.MaxParticipants, 2_000_000)
	return o
}

// Validate returns every problem of the options, joined, or nil.
func (o Options) Validate() error {
	var errs []error
	if o.Store == nil {
		errs = append(errs, errors.New("option Store is missing"))
	}
	for _, x := range []struct {
		name  string
		value float64
	}{
		{"PresenceGrace", float64(o.PresenceGrace)}, {"RestartGrace", float64(o.RestartGrace)},
		{"LeaderboardRate", o.LeaderboardRate}, {"LeaderboardTop", float64(o.LeaderboardTop)},
		{"RankNeighbours", float64(o.RankNeighbours)}, {"RankBudget", float64(o.RankBudget)},
		{"RosterMax", float64(o.RosterMax)}, {"ProgressRate", o.ProgressRate}, {"MaxHeartRate", o.MaxHeartRate},
		{"MaxConversations", float64(o.MaxConversations)}, {"MaxLookers", float64(o.MaxLookers)},
		{"BeaconInterval", float64(o.BeaconInterval)}, {"ProposalBurst", float64(o.ProposalBurst)}, {"ProposalInterval", float64(o.ProposalInterval)},
		{"MaxSessions", float64(o.MaxSessions)}, {"MaxChallenges", float64(o.MaxChallenges)},
		{"MaxMembers", float64(o.MaxMembers)}, {"MaxParticipants", float64(o.MaxParticipants)},
	} {
		if x.value < 0 {
			errs = append(errs, fmt.Errorf("option %s is negative", x.name))
		}
	}
	return errors.Join(errs...)
}

// anybody is the Directory where there is none.
type anybody struct{}

func (anybody) Name(userID string) string { return userID }
func (anybody) Exists(string) bool        { return true }
func (anybody) Trains(string) bool        { return true }
