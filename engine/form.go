package engine

import (
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/training"
	"github.com/fitmq/fitmq/fitness/workout"
)

// handleForm judges a trainer's form correction. It is delivered as it came, to
// the named user and the trainer, and worthless after its expiry. One that is sent
// again because its acknowledgement was lost is in the log already, if anybody was
// owed it, and comes no further.
func (e *Engine) handleForm(in Inbound, sessionID, userID string) (Outcome, error) {
	c, err := training.ParseCorrection(in.Payload)
	if err != nil {
		return Outcome{}, err
	}
	if err := e.coaching(in, sessionID, userID, in.Sender.UserID); err != nil {
		return Outcome{}, err
	}
	id := "form/" + messageHash(sessionID+"/"+userID, in.Sender.UserID, c.ID)
	return Outcome{Deliver: true, RecordID: id, Expiry: c.Expiry.Truncate(time.Second)}, nil
}

// handleFormSeen judges a client's word that a correction was seen.
func (e *Engine) handleFormSeen(in Inbound, sessionID, userID string) (Outcome, error) {
	if _, err := training.ParseSeen(in.Payload); err != nil {
		return Outcome{}, err
	}
	if in.Sender.UserID != userID {
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "only user %s says what they have seen", userID)
	}
	if err := e.coaching(in, sessionID, userID, ""); err != nil {
		return Outcome{}, err
	}
	return Outcome{Deliver: true}, nil
}

// coaching returns nil when the user is of the session and it goes on, and, where
// a trainer is named, that one is its trainer.
func (e *Engine) coaching(in Inbound, sessionID, userID, trainer string) error {
	s, err := e.findSession("", sessionID)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case trainer != "" && (in.Sender.UserID == "" || s.gone || s.rec.Trainer != trainer):
		return fitness.Errorf("", fitness.Forbidden, "only the trainer of session %s corrects form", sessionID)
	case !s.allowed(userID):
		return fitness.Errorf("", fitness.Forbidden, "user %s is not a member of session %s", userID, sessionID)
	case s.rec.State == workout.Ended || s.rec.State == workout.Scheduled:
		return fitness.Errorf("", fitness.Conflict, "session %s is %s: form is corrected while it goes on", sessionID, s.rec.State)
	}
	return nil
}
