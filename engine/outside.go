package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"
)

// Types of happenings that others may want to be told of.
const (
	TellSessionStarted     = "session.started"
	TellSessionEnded       = "session.ended"
	TellActivityAccepted   = "activity.accepted"
	TellActivityFlagged    = "activity.flagged"
	TellAward              = "award"
	TellMessageAbsent      = "message.absent"      // a chat message for a user with no client, for longer than the grace
	TellNotificationAbsent = "notification.absent" // a notification for a user with no client
)

// TellTypes lists them.
var TellTypes = []string{
	TellSessionStarted, TellSessionEnded, TellActivityAccepted, TellActivityFlagged, TellAward, TellMessageAbsent, TellNotificationAbsent,
}

// Happening is something that others want to be told of.
type Happening struct {
	ID   string // the same whenever it is computed
	Type string // one of TellTypes
	User string // whom it is about
	At   time.Time
	Data json.RawMessage
}

// Herald tells others what happens.
type Herald interface {
	// Wants reports whether anybody wants to be told of that type. It must not
	// block.
	Wants(typ string) bool
	// Add takes happenings to be told; when it returns nil they survive a crash.
	// After an error they are added again; one of an ID that it has is passed over.
	Add(ctx context.Context, list []Happening) error
}

// maxHappenings bounds the happenings that wait for a checkpoint; more are dropped
// and counted.
const maxHappenings = 100_000

// happenings wait for the next checkpoint, which hands them over before the
// position of the log: what follows from a record is not lost.
type happenings struct {
	mu   sync.Mutex // guards list
	list []Happening
}

// happened notes what others want to be told of; nothing where nobody does. cause is
// the same whenever it is computed. Any lock may be held but happenings.mu.
func (e *Engine) happened(typ, userID, cause string, at time.Time, data any) {
	if e.wants(typ) {
		e.outside.add(happening(typ, userID, cause, at, data), &e.stats)
	}
}

// wants reports whether anybody wants to be told of that type.
func (e *Engine) wants(typ string) bool { return e.opt.Herald != nil && e.opt.Herald.Wants(typ) }

// happening is what others are told.
func happening(typ, userID, cause string, at time.Time, data any) Happening {
	sum := sha256.Sum256([]byte(typ + "\x00" + cause))
	return Happening{ID: "evt_" + hex.EncodeToString(sum[:16]), Type: typ, User: userID, At: moment(at), Data: encode(data)}
}

// add has the happening wait for the next checkpoint, where there is room.
func (o *happenings) add(h Happening, stats *counters) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) >= maxHappenings {
		stats.HappeningsDropped.Add(1)
		return
	}
	o.list = append(o.list, h)
}

// unsaved reports whether something waits.
func (o *happenings) unsaved() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list) > 0
}

// saveHappenings hands over what waits. saver.saving is held.
func (e *Engine) saveHappenings(ctx context.Context) error {
	o := &e.outside
	o.mu.Lock()
	list := o.list
	o.list = nil
	o.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	err := e.opt.Herald.Add(ctx, list)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.list = append(list, o.list...)
	}
	return err
}

// tellSession tells others that a session has started or ended. s.mu is held.
func (e *Engine) tellSession(s *session, ev Event) {
	typ := TellSessionStarted
	if ev.Type == EventEnded {
		typ = TellSessionEnded
	}
	e.happened(typ, s.rec.Host, s.id+"/"+ev.Timestamp.Format(time.RFC3339Nano), ev.Timestamp, e.resource(s))
}

// activityTold is what others are told of an activity.
type activityTold struct {
	ChallengeID string          `json:"challengeId"`
	UserID      string          `json:"userId"`
	ActivityID  string          `json:"activityId"`
	Counted     bool            `json:"counted"`
	Reason      string          `json:"reason,omitempty"`
	Flags       any             `json:"flags,omitempty"`
	Activity    json.RawMessage `json:"activity"`
}

// tellActivity tells others of an activity that was applied. c.mu is held.
func (e *Engine) tellActivity(t activityTold, flagged bool, generation string, at time.Time) {
	if e.opt.Herald == nil {
		return
	}
	cause := t.ChallengeID + generation + "/" + t.UserID + "/" + activityKey(t.ActivityID)
	e.happened(TellActivityAccepted, t.UserID, cause, at, t)
	if flagged {
		e.happened(TellActivityFlagged, t.UserID, cause, at, t)
	}
}

// toldUser is what others are told of a message or notification for an absent user.
type toldUser struct {
	UserID     string          `json:"userId"`
	SenderName string          `json:"senderName,omitempty"`
	Message    json.RawMessage `json:"message"`
}
