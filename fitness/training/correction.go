// Package training holds the rules of a trainer's word to a client: form
// corrections, and that they were seen.
package training

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
)

const (
	// MaxBytes is the length limit of a form correction.
	MaxBytes = 2048
	// MaxSeenBytes is the length limit of the word that one was seen.
	MaxSeenBytes = 512
	// MaxCue is the length limit of the cue, in characters.
	MaxCue = 280
	// Expiry is for how long a correction is worth showing, unless it says
	// otherwise.
	Expiry = 30 * time.Second
	// MaxExpiry is the longest that it may say.
	MaxExpiry = time.Hour
)

// The words of a correction's fields.
var (
	joints     = []string{"knee", "hip", "elbow", "shoulder", "spine", "ankle", "wrist", "neck"}
	measures   = []string{"angle", "rangeOfMotion", "tempo", "symmetry", "depth"}
	severities = []string{"info", "warning", "stop"}
)

// Correction is what the broker reads of a form correction.
type Correction struct {
	ID string
	// Expiry is after how long it must not be shown any more.
	Expiry time.Duration
}

// correction is the payload. Names are the FIT profile's where it has them.
type correction struct {
	CorrectionID *string  `json:"correctionId"`
	Exercise     *string  `json:"exercise"`
	Set          *float64 `json:"set"`
	Repetition   *float64 `json:"repetition"`
	Joint        *string  `json:"joint"`
	Measure      *string  `json:"measure"`
	Observed     *float64 `json:"observed"`
	TargetMin    *float64 `json:"targetMin"`
	TargetMax    *float64 `json:"targetMax"`
	Unit         *string  `json:"unit"`
	Severity     *string  `json:"severity"`
	Cue          *string  `json:"cue"`
	ExpiresIn    *float64 `json:"expiresIn"` // s
}

// ParseCorrection judges a form correction. correctionId, exercise and severity
// are required; it must say something, by a cue or by a measure with what was
// observed. expiresIn in seconds replaces Expiry. Errors: Malformed, Invalid.
func ParseCorrection(payload []byte) (Correction, error) {
	var c correction
	if err := fitness.Decode(payload, MaxBytes, &c); err != nil {
		return Correction{}, err
	}
	if err := fitness.CheckKey("correctionId", c.CorrectionID); err != nil {
		return Correction{}, err
	}
	if err := c.words(); err != nil {
		return Correction{}, err
	}
	if err := c.numbers(); err != nil {
		return Correction{}, err
	}
	switch {
	case c.Cue != nil && utf8.RuneCountInString(*c.Cue) > MaxCue:
		return Correction{}, tooLong("cue", utf8.RuneCountInString(*c.Cue), MaxCue)
	case (c.Cue == nil || strings.TrimSpace(*c.Cue) == "") && (c.Measure == nil || c.Observed == nil):
		return Correction{}, fitness.Errorf("", fitness.Malformed, "cue is missing: a correction needs it, or measure and observed")
	}
	out := Correction{ID: *c.CorrectionID, Expiry: Expiry}
	if c.ExpiresIn != nil {
		out.Expiry = time.Duration(*c.ExpiresIn * float64(time.Second))
	}
	return out, nil
}

// words judges the fields that take one of a few words.
func (c *correction) words() error {
	switch {
	case c.Exercise == nil:
		return fitness.Errorf("", fitness.Malformed, "exercise is missing")
	case !fitness.ValidWord(*c.Exercise):
		return fitness.Errorf("", fitness.Invalid, "exercise %.40q is not 1 to 32 letters, digits or underscores", *c.Exercise)
	case c.Severity == nil:
		return fitness.Errorf("", fitness.Malformed, "severity is missing")
	case c.Unit != nil && (*c.Unit == "" || len(*c.Unit) > fitness.MaxWord):
		return fitness.Errorf("", fitness.Invalid, "unit %.40q is not 1 to %d bytes long", *c.Unit, fitness.MaxWord)
	}
	for _, f := range []struct {
		name  string
		value *string
		known []string
	}{{"severity", c.Severity, severities}, {"joint", c.Joint, joints}, {"measure", c.Measure, measures}} {
		if f.value != nil && !slices.Contains(f.known, *f.value) {
			return fitness.Errorf("", fitness.Invalid, "%s %.40q is not one of %s", f.name, *f.value, strings.Join(f.known, ", "))
		}
	}
	return nil
}

// numbers judges the fields that count or measure.
func (c *correction) numbers() error {
	for _, f := range []struct {
		name     string
		value    *float64
		min, max float64
		unit     string
		whole    bool
	}{
		{"set", c.Set, 1, 1000, "", true},
		{"repetition", c.Repetition, 1, 100_000, "", true},
		{"observed", c.Observed, -1e6, 1e6, "", false},
		{"targetMin", c.TargetMin, -1e6, 1e6, "", false},
		{"targetMax", c.TargetMax, -1e6, 1e6, "", false},
		{"expiresIn", c.ExpiresIn, 1, MaxExpiry.Seconds(), "s", false},
	} {
		switch {
		case f.value == nil:
		case *f.value > f.max:
			return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence(f.name, *f.value, "over", f.max, f.unit)}
		case *f.value < f.min:
			return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence(f.name, *f.value, "under", f.min, f.unit)}
		case f.whole && *f.value != math.Trunc(*f.value):
			return fitness.Errorf("", fitness.Invalid, "%s %g is not a whole number", f.name, *f.value)
		}
	}
	if c.TargetMin != nil && c.TargetMax != nil && *c.TargetMin > *c.TargetMax {
		return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence("targetMin", *c.TargetMin, "over", *c.TargetMax, "targetMax")}
	}
	return nil
}

// ParseSeen reads the word that a correction was seen and returns its id.
// Errors: Malformed, Invalid.
func ParseSeen(payload []byte) (correctionID string, err error) {
	var seen struct {
		CorrectionID *string `json:"correctionId"`
	}
	if err := fitness.Decode(payload, MaxSeenBytes, &seen); err != nil {
		return "", err
	}
	if err := fitness.CheckKey("correctionId", seen.CorrectionID); err != nil {
		return "", err
	}
	return *seen.CorrectionID, nil
}

func tooLong(field string, n, limit int) error {
	return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence(field+" of", float64(n), "over", float64(limit), "characters")}
}
