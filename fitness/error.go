// Package fitness holds the domain's own error. The rules themselves live in
// the folders below it (leaderboard, challenge, workout), each of them pure: no
// context, no input or output, no locks, no goroutines and no clock.
package fitness

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of failure an Error is. Each edge (MQTT, HTTP) translates
// it once.
type Kind uint8

const (
	// Internal is everything unforeseen; the user is told no more than that.
	// HTTP 500, MQTT 0x80. It is the zero value on purpose: an error nobody
	// classified must not look like the client's fault.
	Internal Kind = iota
	// Malformed: not UTF-8, not a JSON object, a field of the wrong type or a
	// required one missing. HTTP 422, MQTT 0x99.
	Malformed
	// Invalid: well formed, but a limit is broken. Msg names field, value and
	// limit. HTTP 422, MQTT 0x83.
	Invalid
	// Forbidden: the actor may not do this. HTTP 403, MQTT 0x87.
	Forbidden
	// NotFound: the thing named does not exist. HTTP 404, MQTT 0x87.
	NotFound
	// Conflict: not possible in the present state. HTTP 409, MQTT 0x83.
	Conflict
	// Quota: an allowance for a longer time, or a size of something kept, is
	// used up. HTTP 429, MQTT 0x97.
	Quota
	// Rate: too many in a short time. HTTP 429, MQTT 0x96.
	Rate
	// Unavailable: the store cannot write now; the same call may succeed later.
	// HTTP 503, MQTT: no acknowledgement.
	Unavailable
)

var kindNames = [...]string{
	Internal: "internal", Malformed: "malformed", Invalid: "invalid", Forbidden: "forbidden",
	NotFound: "not found", Conflict: "conflict", Quota: "quota", Rate: "rate", Unavailable: "unavailable",
}

// String is the kind in lower-case words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is an error of the domain. Msg is written for the person whose request
// it was; Err is the cause, for operators, and may be nil.
type Error struct {
	Op   string // what was tried, in lower-case words: "put session"
	Kind Kind
	Msg  string
	Err  error
}

// Errorf makes an Error without a cause.
func Errorf(op string, kind Kind, format string, args ...any) *Error {
	return &Error{Op: op, Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// Error is the operation, the message and the cause, as far as there are any.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{e.Op, e.Msg} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if len(parts) == 0 {
		return e.Kind.String()
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain, and Internal for
// any other error, nil included.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Message returns what a user may read of err: the message of the first Error
// in its chain, or "internal error".
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal && e.Msg != "" {
		return e.Msg
	}
	return "internal error"
}
