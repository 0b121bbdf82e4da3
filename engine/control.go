package engine

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/workout"
)

// Control gives the session a command: start, pause, resume, end, or remove with
// the user to be removed. Host and trainer may. A command whose state is there
// already changes nothing. Errors: NotFound, Forbidden, Invalid, Conflict,
// Unavailable.
func (e *Engine) Control(ctx context.Context, actor Actor, sessionID, action, userID string) error {
	const op = "control session"
	e.admin.Lock()
	defer e.admin.Unlock()
	s, err := e.ownSession(op, actor, sessionID)
	if err != nil {
		return err
	}
	if workout.Action(action) == workout.Remove {
		return e.removeMember(ctx, op, actor, sessionID, userID)
	}
	now := e.now()
	var event, reason string
	return e.changeSession(ctx, op, s, func(rec *sessionRecord) error {
		to, err := workout.Next(rec.State, workout.Action(action))
		if err != nil {
			return &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
		}
		if event, reason = rec.transition(to, now); event != "" {
			rec.announce(s.id, event, reason, now)
		}
		return nil
	}, func() {
		if event != "" {
			s.entered(now)
			s.rec.announce(s.id, event, reason, now)
			e.tellChanges(s, 1)
		}
	})
}

// command is the payload of session/{sid}/control.
type command struct {
	Action *string `json:"action"`
	UserID string  `json:"userId"`
}

// maxCommandBytes is the length limit of a command.
const maxCommandBytes = 1024

// parseCommand reads a command.
func parseCommand(payload []byte) (command, error) {
	var c command
	if err := fitness.Decode(payload, maxCommandBytes, &c); err != nil {
		return c, err
	}
	switch {
	case c.Action == nil:
		return c, fitness.Errorf("", fitness.Malformed, "action is missing")
	case workout.Action(*c.Action) == workout.Remove && c.UserID == "":
		return c, fitness.Errorf("", fitness.Malformed, "userId is missing: action remove needs it")
	}
	if _, err := workout.Next(workout.Live, workout.Action(*c.Action)); fitness.KindOf(err) == fitness.Invalid {
		return c, err
	}
	return c, nil
}

// forgetForecast is after how long commands that never came back from the log
// are no longer expected.
const forgetForecast = time.Minute

// handleControl judges a command. It takes effect in applyControl, when it is in
// the log; until then the next command is judged by what it will lead to.
func (e *Engine) handleControl(in Inbound, sessionID string, at time.Time) (Outcome, error) {
	c, err := parseCommand(in.Payload)
	if err != nil {
		return Outcome{}, err
	}
	s, err := e.findSession("", sessionID)
	if err != nil {
		return Outcome{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	actor := Actor{UserID: in.Sender.UserID, Role: in.Sender.Role}
	if !actor.all() && !s.controls(actor.UserID) {
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "only host and trainer command session %s", sessionID)
	}
	if workout.Action(*c.Action) == workout.Remove {
		if err := validID("", "userId", c.UserID); err != nil {
			return Outcome{}, err
		}
		if s.controls(c.UserID) {
			return Outcome{}, fitness.Errorf("", fitness.Conflict, "user %s is host or trainer of session %s and cannot be removed", c.UserID, sessionID)
		}
	}
	state := s.rec.State
	if s.control.waiting > 0 && at.Sub(s.control.since) < forgetForecast {
		state = s.control.state
	} else {
		s.control.waiting = 0
	}
	to, err := workout.Next(state, workout.Action(*c.Action))
	if err != nil {
		return Outcome{}, err
	}
	s.control.waiting++
	s.control.state, s.control.since = to, at
	e.stats.ControlsAccepted.Add(1)
	return Outcome{Log: true}, nil
}

// applyControl makes a command from the log take effect. One from before the
// session's last change is history that is read again after a restart.
func (e *Engine) applyControl(in Inbound, sessionID string, at time.Time) {
	c, err := parseCommand(in.Payload)
	s := e.sessions.get(sessionID)
	if err != nil || s == nil {
		return // judged before; the session may have been deleted since
	}
	if workout.Action(*c.Action) == workout.Remove {
		e.applyRemove(s, c.UserID, at)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control.waiting = max(s.control.waiting-1, 0)
	if at.Before(s.rec.ChangedAt) || s.gone {
		return
	}
	if to, err := workout.Next(s.rec.State, workout.Action(*c.Action)); err == nil {
		e.transit(s, to, "", at)
	}
}

// applyRemove takes a user out by a command from the log. The next checkpoint
// writes it before the position, so a crash cannot lose it.
func (e *Engine) applyRemove(s *session, userID string, at time.Time) {
	s.mu.Lock()
	s.control.waiting = max(s.control.waiting-1, 0)
	stale := at.Before(s.rec.CreatedAt) || at.Before(s.members[userID].At) || s.gone || s.controls(userID)
	if !stale {
		s.members[userID] = memberRecord{Removed: true, At: at}
		s.dirty.members[userID] = struct{}{}
		e.touched(s)
	}
	s.mu.Unlock()
	if !stale {
		e.expel(s, userID, LeftRemoved)
		e.revoke(userID)
	}
}
