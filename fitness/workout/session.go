package workout

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
)

// What a session is for.
const (
	KindWorkout  = "workout"  // a live workout among equals
	KindTraining = "training" // a trainer with clients
)

// Who is a member of a session.
const (
	Open   = "open"   // everybody
	Invite = "invite" // who has been made one
)

// MaxTitle is the length limit of a title in characters.
const MaxTitle = 200

// Spec is what the maker of a session says about it.
type Spec struct {
	// Kind is workout (also when empty) or training.
	Kind string `json:"kind"`
	// Title is for people; at most 200 characters.
	Title string `json:"title"`
	// Host is the user who controls the session.
	Host string `json:"host"`
	// Trainer is a user who controls it too and corrects form, or "".
	Trainer string `json:"trainer,omitempty"`
	// Visibility is open or invite (also when empty).
	Visibility string `json:"visibility"`
	// RankBy is what the live leaderboard ranks by; empty means distance.
	RankBy Metric `json:"rankBy,omitempty"`
	// StartsAt is when the session goes live by itself. Zero: at creation.
	StartsAt time.Time `json:"startsAt,omitzero"`
	// Capacity is how many may take part at once, host and trainer aside. Zero: no
	// limit of its own.
	Capacity int `json:"capacity,omitempty"`
}

// MaxCapacity is the largest capacity.
const MaxCapacity = 1_000_000

// Normalize returns the spec with its defaults written out, or an Error of kind
// Invalid that names every problem.
func (s Spec) Normalize() (Spec, error) {
	var bad []string
	if s.Kind == "" {
		s.Kind = KindWorkout
	}
	if s.Visibility == "" {
		s.Visibility = Invite
	}
	if s.RankBy == "" {
		s.RankBy = Distance
	}
	if s.Kind != KindWorkout && s.Kind != KindTraining {
		bad = append(bad, fmt.Sprintf("kind %q is neither workout nor training", s.Kind))
	}
	if s.Visibility != Open && s.Visibility != Invite {
		bad = append(bad, fmt.Sprintf("visibility %q is neither open nor invite", s.Visibility))
	}
	if n := utf8.RuneCountInString(s.Title); n > MaxTitle {
		bad = append(bad, fmt.Sprintf("title of %d characters is over the limit of %d", n, MaxTitle))
	}
	if s.Host == "" {
		bad = append(bad, "host is missing")
	}
	if !s.RankBy.Valid() {
		bad = append(bad, fmt.Sprintf("rankBy %q is none of %s", s.RankBy, metricList()))
	}
	if s.Capacity < 0 || s.Capacity > MaxCapacity {
		bad = append(bad, fmt.Sprintf("capacity %d is outside the limit of 0 to %d", s.Capacity, MaxCapacity))
	}
	s.StartsAt = s.StartsAt.UTC()
	if !s.StartsAt.IsZero() && !fitness.PlausibleTime(s.StartsAt) {
		bad = append(bad, "startsAt is not in the years 1970 to 9998")
	}
	if len(bad) > 0 {
		return s, &fitness.Error{Kind: fitness.Invalid, Msg: strings.Join(bad, "; ")}
	}
	return s, nil
}

// State is where a session stands.
type State string

// The states of a session, in the order in which it can pass through them;
// paused and live alternate.
const (
	Scheduled State = "scheduled"
	Live      State = "live"
	Paused    State = "paused"
	Ended     State = "ended"
)

// Action is a command to a session.
type Action string

// The actions. Remove takes a participant out and changes no state.
const (
	Start  Action = "start"
	Pause  Action = "pause"
	Resume Action = "resume"
	End    Action = "end"
	Remove Action = "remove"
)

// Next returns the state after the action. Asking for the state that there
// already is changes nothing, so that a repeated command does no harm; what is
// not possible is an Error of kind Conflict, an unknown action one of kind
// Invalid.
func Next(s State, a Action) (State, error) {
	var to State
	switch a {
	case Start, Resume:
		to = Live
	case Pause:
		to = Paused
	case End:
		to = Ended
	case Remove:
		to = s
	default:
		return s, fitness.Errorf("", fitness.Invalid, "action %q is none of start, pause, resume, end, remove", string(a))
	}
	possible := s == to ||
		a == Start && s == Scheduled ||
		a == Resume && s == Paused ||
		a == Pause && s == Live ||
		a == End && s != Ended
	if !possible {
		return s, fitness.Errorf("", fitness.Conflict, "cannot %s a session that is %s", string(a), string(s))
	}
	return to, nil
}
