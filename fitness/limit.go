package fitness

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limit is the hard range of a field: a value outside is refused. Both ends are
// inside.
type Limit struct {
	Unit     string // "" where the field is a plain number
	Min, Max float64
}

// Limits are the hard ranges of the measures, by the names of the FIT profile
// in camelCase, and of the totals and means of whole activities.
var Limits = map[string]Limit{
	"heartRate":          {"bpm", 20, 250},
	"cadence":            {"rpm", 0, 255},
	"power":              {"W", 0, 3000},
	"speed":              {"m/s", 0, 40},
	"distance":           {"m", 0, 1_000_000},
	"altitude":           {"m", -500, 9000},
	"grade":              {"%", -60, 60},
	"temperature":        {"C", -40, 60},
	"latitude":           {"degrees", -90, 90},
	"longitude":          {"degrees", -180, 180},
	"horizontalAccuracy": {"m", 0, 10_000},
	"calories":           {"kcal", 0, 30_000},
	"steps":              {"", 0, 1_000_000},
	"repetitions":        {"", 0, 100_000},
	"elapsedTime":        {"s", 0, 172_800},

	"totalElapsedTime": {"s", 1, 172_800},
	"totalTimerTime":   {"s", 1, 172_800},
	"totalDistance":    {"m", 0, 1_000_000},
	"totalCalories":    {"kcal", 0, 30_000},
	"totalAscent":      {"m", 0, 50_000},
	"avgHeartRate":     {"bpm", 20, 250},
	"maxHeartRate":     {"bpm", 20, 250},
	"avgPower":         {"W", 0, 3000},
	"avgSpeed":         {"m/s", 0, 40},
	"maxSpeed":         {"m/s", 0, 40},
}

// MaxAhead is how far a timestamp may be ahead of the broker's clock.
const MaxAhead = 5 * time.Minute

// Broken returns the sentence that names the field, the value and the limit
// when value is outside the field's hard range, else "". A field without one
// has no limit.
func Broken(field string, value float64) string {
	l, ok := Limits[field]
	var side string
	var limit float64
	switch {
	case !ok:
		return ""
	case value > l.Max:
		side, limit = "over", l.Max
	case value < l.Min:
		side, limit = "under", l.Min
	default:
		return ""
	}
	return Sentence(field, value, side, limit, l.Unit)
}

// Sentence writes how a field's value stands to a limit: "heartRate 900 is over
// the limit of 250 bpm".
func Sentence(field string, value float64, side string, limit float64, unit string) string {
	s := field + " " + number(value) + " is " + side + " the limit of " + number(limit)
	if unit != "" {
		s += " " + unit
	}
	return s
}

// number writes a value with at most three decimals and no exponent.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Decode reads a JSON object of at most limit bytes into dst. Errors are of kind
// Invalid when it is too long and of kind Malformed when it is not UTF-8, not an
// object, or has a field of another type than dst, which is named.
func Decode(payload []byte, limit int, dst any) error {
	if len(payload) > limit {
		return Errorf("", Invalid, "payload of %d bytes is over the limit of %d bytes", len(payload), limit)
	}
	if !utf8.Valid(payload) {
		return Errorf("", Malformed, "payload is not UTF-8")
	}
	if first := strings.TrimLeft(string(payload[:min(len(payload), 16)]), " \t\r\n"); first == "" || first[0] != '{' {
		return Errorf("", Malformed, "payload is not a JSON object")
	}
	err := json.Unmarshal(payload, dst)
	if err == nil {
		return nil
	}
	var own *Error
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &wrongType):
		return &Error{Kind: Malformed, Msg: fmt.Sprintf("%s cannot be a %s", lastName(wrongType.Field), wrongType.Value), Err: err}
	}
	return &Error{Kind: Malformed, Msg: "payload is not valid JSON: " + err.Error(), Err: err}
}

// DecodeFields is Decode that also returns the object's members as they came, so
// that those unknown to us are kept and passed on.
func DecodeFields(payload []byte, limit int, dst any) (fields map[string]json.RawMessage, err error) {
	if err := Decode(payload, limit, dst); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(payload, &fields); err != nil { // cannot be: it was an object just now
		return nil, &Error{Kind: Malformed, Msg: "payload is not a JSON object", Err: err}
	}
	return fields, nil
}

// lastName is the last name of a path of fields: what a reader of the payload
// sees, without the structs of ours that lead there.
func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// ParseTime reads an RFC 3339 time of the named field. The error is of kind
// Malformed.
func ParseTime(field, value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, &Error{Kind: Malformed, Msg: fmt.Sprintf("%s %.40q is not an RFC 3339 time", field, value), Err: err}
	}
	return t.UTC(), nil
}

// PlausibleTime reports whether a time that somebody sets is in the years 1970
// to 9998: others cannot be written in RFC 3339 in every zone, or not be counted
// in nanoseconds.
func PlausibleTime(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9998 }

// TooFarAhead returns the sentence about a time further than MaxAhead after now,
// else "".
func TooFarAhead(field string, t, now time.Time) string {
	if ahead := t.Sub(now); ahead > MaxAhead {
		return fmt.Sprintf("%s %s is %s ahead of the broker's clock, over the limit of 5 min", field, t.Format(time.RFC3339), ahead.Round(time.Second))
	}
	return ""
}

// Sport classes, for the limits that depend on how somebody moves.
const (
	Walk  = "walk"
	Run   = "run"
	Swim  = "swim"
	Row   = "row"
	Ride  = "ride"
	Other = ""
)

// classes maps the FIT profile's sports.
var classes = map[string]string{
	"walking": Walk, "hiking": Walk,
	"running":  Run,
	"swimming": Swim,
	"rowing":   Row, "kayaking": Row, "paddling": Row,
	"cycling": Ride, "e_biking": Ride,
}

// SportClass returns the class of a sport, Other for one without limits of its own.
func SportClass(sport string) string { return classes[sport] }

// MeanSpeedLimit returns the soft limit in m/s of a sport's 30 s mean speed, or
// 0 where there is none.
func MeanSpeedLimit(sport string) float64 {
	switch SportClass(sport) {
	case Walk:
		return 4
	case Run:
		return 12.5
	case Swim:
		return 2.5
	case Row:
		return 7
	case Ride:
		return 28
	}
	return 0
}

// Flag is a soft finding: accepted, for a person to look at.
type Flag struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// Check appends a flag when value is over limit, a limit of 0 being none. what
// says what the value is, when it is not the field itself.
func Check(flags []Flag, field, what string, value, limit float64, unit string) []Flag {
	if limit == 0 || value <= limit {
		return flags
	}
	if what == "" {
		what = field
	}
	return append(flags, Flag{Field: field, Reason: Sentence(what, value, "over", limit, unit)})
}
