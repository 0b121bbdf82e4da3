package challenge

import (
	"bytes"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
)

// ParseWithdrawal returns the id of the activity that a payload withdraws,
// {"activityId","withdrawn":true}, or "" for a payload that is none. Errors: kind
// Malformed, Invalid.
func ParseWithdrawal(payload []byte) (activityID string, err error) {
	if !bytes.Contains(payload, []byte(`"withdrawn"`)) {
		return "", nil // nearly all: not worth parsing twice
	}
	var in struct {
		ActivityID *string `json:"activityId"`
		Withdrawn  *bool   `json:"withdrawn"`
	}
	if err := fitness.Decode(payload, MaxActivityBytes, &in); err != nil {
		return "", err
	}
	switch {
	case in.Withdrawn == nil || !*in.Withdrawn:
		return "", nil // in some other place of an activity
	case in.ActivityID == nil:
		return "", fitness.Errorf("", fitness.Malformed, "activityId is missing")
	}
	if n := utf8.RuneCountInString(*in.ActivityID); n == 0 || n > MaxActivityID {
		return "", fitness.Errorf("", fitness.Invalid, "activityId of %d characters is outside the limit of 1 to %d", n, MaxActivityID)
	}
	return *in.ActivityID, nil
}
