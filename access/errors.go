package access

import (
	"errors"
	"fmt"
	"time"
)

// What callers branch on.
var (
	// ErrBadCredentials: the user name and password prove nothing. One and the
	// same for an unknown user, a wrong password, a user without a password and
	// a disabled user, so that nobody learns which names exist.
	ErrBadCredentials = errors.New("unknown user or wrong password")
	// ErrElsewhere is a method's answer to a proof that is none of its kind, or to
	// a user whom it does not know: the next method is asked.
	ErrElsewhere = errors.New("not for this method of signing in")
	// ErrUnavailable: who could tell cannot be asked now. Nobody is let in.
	ErrUnavailable = errors.New("signing in is not possible now")
	// ErrNoUser: there is no user with that id.
	ErrNoUser = errors.New("no such user")
	// ErrNoDevice: the user has no device of that name.
	ErrNoDevice = errors.New("no such device")
	// ErrBusy: too many changes of one user at once; the same call may succeed later.
	ErrBusy = errors.New("the user is being changed by others")
	// ErrLastAdmin: nobody would be left who may sign in as an administrator. Of
	// two nodes that take one each at the same moment neither sees it.
	ErrLastAdmin = errors.New("the last administrator who may sign in")
)

// InputError is a value that a user's record cannot have. Its text names the
// field and the limit and is meant for whoever asked.
type InputError struct{ Msg string }

// Error returns the message.
func (e *InputError) Error() string { return e.Msg }

// ThrottledError: too many failed attempts; the proof was not looked at.
type ThrottledError struct {
	// After is how long to wait before the next attempt counts.
	After time.Duration
}

// Error says how long to wait.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many failed attempts: try again in %s", e.After.Round(time.Second))
}
