package access

import "errors"

// What callers branch on.
var (
	// ErrBadCredentials: the user name and password prove nothing. One and the
	// same for an unknown user, a wrong password, a user without a password and
	// a disabled user, so that nobody learns which names exist.
	ErrBadCredentials = errors.New("unknown user or wrong password")
	// ErrNoUser: there is no user with that id.
	ErrNoUser = errors.New("no such user")
	// ErrBusy: too many changes of one user at once; the same call may succeed later.
	ErrBusy = errors.New("the user is being changed by others")
)

// InputError is a value that a user's record cannot have. Its text names the
// field and the limit and is meant for whoever asked.
type InputError struct{ Msg string }

// Error returns the message.
func (e *InputError) Error() string { return e.Msg }
