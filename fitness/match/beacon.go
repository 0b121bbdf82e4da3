package match

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
)

const (
	// MaxBytes is the length limit of a beacon.
	MaxBytes = 512
	// Lifetime is after how long a beacon ends that is not repeated.
	Lifetime = 15 * time.Minute
	// MaxAhead is the longest that from and until may look ahead.
	MaxAhead = 4 * time.Hour
	// defaultRadius is the radius in m of who says none.
	defaultRadius = 10_000
	// paceSpan is how much a partner's speed may differ from one's own, as a
	// share of the faster one's, where no range is given.
	paceSpan = 0.25
)

// Beacon is who looks for company: what is known of them after their position has
// become a cell.
type Beacon struct {
	Cell  Cell
	Sport string
	// Pace in s/km or Speed in m/s, as it was said; 0 where it was not.
	Pace, Speed float64
	// Level is an index of levels plus 1; 0 where it was not said.
	Level int
	// From and Until are the time that suits.
	From, Until time.Time
	// Expires is when the beacon ends.
	Expires time.Time
	// Hidden: proposed to nobody, for the time being.
	Hidden bool

	reach  int        // index in Bands of how far a partner may be
	speeds [2]float64 // of partners in m/s, lowest and highest; 0 is no bound
	strict bool       // the range was given: a partner must say a pace
	levels []int      // of partners; any where there are none
}

// levels are the words of level and levels, from the lowest.
var levels = []string{"beginner", "intermediate", "advanced", "expert"}

// Words of visibility.
const (
	visibleOpen   = "open"
	visibleHidden = "hidden"
)

// sports maps what people write to the FIT profile's word for it.
var sports = map[string]string{
	"run": "running", "walk": "walking", "hike": "hiking", "swim": "swimming", "row": "rowing", "ride": "cycling", "bike": "cycling",
}

// payload is a beacon as it comes.
type payload struct {
	Latitude   *float64 `json:"latitude"`
	Longitude  *float64 `json:"longitude"`
	Sport      *string  `json:"sport"`
	Pace       *float64 `json:"pace"`
	PaceMin    *float64 `json:"paceMin"`
	PaceMax    *float64 `json:"paceMax"`
	Speed      *float64 `json:"speed"`
	SpeedMin   *float64 `json:"speedMin"`
	SpeedMax   *float64 `json:"speedMax"`
	Level      *string  `json:"level"`
	Levels     []string `json:"levels"`
	Radius     *float64 `json:"radius"`
	From       *string  `json:"from"`
	Until      *string  `json:"until"`
	Visibility *string  `json:"visibility"`
}

// Parse judges a beacon that comes now from somebody who was in the cell before
// (0 where that is not known). The position does not leave this function. Errors:
// Malformed, Invalid; they name field and limit and repeat no value.
func Parse(data []byte, before Cell, now time.Time) (Beacon, error) {
	var p payload
	if err := fitness.Decode(data, MaxBytes, &p); err != nil {
		return Beacon{}, withoutValue(err)
	}
	switch {
	case p.Latitude == nil:
		return Beacon{}, missing("latitude")
	case p.Longitude == nil:
		return Beacon{}, missing("longitude")
	case p.Sport == nil:
		return Beacon{}, missing("sport")
	case !fitness.ValidWord(*p.Sport):
		return Beacon{}, fitness.Errorf("", fitness.Invalid, "sport is not a word of at most %d letters, digits or underscores", fitness.MaxWord)
	}
	if err := p.ranges(); err != nil {
		return Beacon{}, err
	}
	b := Beacon{Cell: snap(*p.Latitude, *p.Longitude, before), Sport: strings.ToLower(*p.Sport)}
	if s := sports[b.Sport]; s != "" {
		b.Sport = s
	}
	p.pace(&b)
	if err := p.words(&b); err != nil {
		return Beacon{}, err
	}
	radius := float64(defaultRadius)
	if p.Radius != nil {
		radius = *p.Radius
	}
	b.reach = bandWithin(radius)
	return b, p.times(&b, now)
}

func missing(field string) error {
	return fitness.Errorf("", fitness.Malformed, "%s is missing", field)
}

// withoutValue takes from Decode's errors what they may repeat of the payload.
func withoutValue(err error) error {
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		what, _, _ := strings.Cut(wrongType.Value, " ") // "number 1e999"
		return fitness.Errorf("", fitness.Malformed, "%s cannot be this %s", wrongType.Field, what)
	case errors.As(err, &syntax):
		return fitness.Errorf("", fitness.Malformed, "payload is not valid JSON")
	}
	return err
}

// ranges judges the numbers.
func (p *payload) ranges() error {
	for _, f := range []struct {
		name     string
		value    *float64
		min, max float64
		unit     string
	}{
		{"latitude", p.Latitude, -90, 90, "degrees"}, {"longitude", p.Longitude, -180, 180, "degrees"},
		{"radius", p.Radius, 100, 50_000, "m"},
		{"pace", p.Pace, 25, 3600, "s/km"}, {"paceMin", p.PaceMin, 25, 3600, "s/km"}, {"paceMax", p.PaceMax, 25, 3600, "s/km"},
		{"speed", p.Speed, 0.1, 40, "m/s"}, {"speedMin", p.SpeedMin, 0.1, 40, "m/s"}, {"speedMax", p.SpeedMax, 0.1, 40, "m/s"},
	} {
		switch {
		case f.value == nil:
		case *f.value > f.max:
			return fitness.Errorf("", fitness.Invalid, "%s is over the limit of %g %s", f.name, f.max, f.unit)
		case *f.value < f.min:
			return fitness.Errorf("", fitness.Invalid, "%s is under the limit of %g %s", f.name, f.min, f.unit)
		}
	}
	switch {
	case p.Pace != nil && p.Speed != nil:
		return fitness.Errorf("", fitness.Invalid, "pace and speed exclude each other")
	case (p.PaceMin != nil || p.PaceMax != nil) && (p.SpeedMin != nil || p.SpeedMax != nil):
		return fitness.Errorf("", fitness.Invalid, "ranges of pace and of speed exclude each other")
	case p.PaceMin != nil && p.PaceMax != nil && *p.PaceMin > *p.PaceMax:
		return fitness.Errorf("", fitness.Invalid, "paceMin is over the limit of paceMax")
	case p.SpeedMin != nil && p.SpeedMax != nil && *p.SpeedMin > *p.SpeedMax:
		return fitness.Errorf("", fitness.Invalid, "speedMin is over the limit of speedMax")
	}
	return nil
}

// pace takes over how fast they move, and how fast a partner may.
func (p *payload) pace(b *Beacon) {
	if p.Pace != nil {
		b.Pace = *p.Pace
	}
	if p.Speed != nil {
		b.Speed = *p.Speed
	}
	for i, bound := range [2]struct{ speed, pace *float64 }{{p.SpeedMin, p.PaceMax}, {p.SpeedMax, p.PaceMin}} {
		switch {
		case bound.speed != nil:
			b.speeds[i], b.strict = *bound.speed, true
		case bound.pace != nil:
			b.speeds[i], b.strict = 1000 / *bound.pace, true
		}
	}
	if own := b.mps(); own > 0 && !b.strict {
		b.speeds = [2]float64{own * (1 - paceSpan), own / (1 - paceSpan)}
	}
}

// mps is the own speed in m/s, 0 where it is not known.
func (b *Beacon) mps() float64 {
	if b.Pace > 0 {
		return 1000 / b.Pace
	}
	return b.Speed
}

// words judges the fields that take one of a few words.
func (p *payload) words(b *Beacon) error {
	if p.Visibility != nil {
		switch *p.Visibility {
		case visibleOpen:
		case visibleHidden:
			b.Hidden = true
		default:
			return fitness.Errorf("", fitness.Invalid, "visibility is not one of open, hidden")
		}
	}
	if p.Level != nil {
		if b.Level = slices.Index(levels, *p.Level) + 1; b.Level == 0 {
			return fitness.Errorf("", fitness.Invalid, "level is not one of %s", strings.Join(levels, ", "))
		}
	}
	for _, word := range p.Levels {
		l := slices.Index(levels, word) + 1
		if l == 0 {
			return fitness.Errorf("", fitness.Invalid, "levels has a word that is not one of %s", strings.Join(levels, ", "))
		}
		b.levels = append(b.levels, l)
	}
	return nil
}

// times takes over when it suits, and until when the beacon is there.
func (p *payload) times(b *Beacon, now time.Time) error {
	b.From, b.Expires = now, now.Add(Lifetime)
	b.Until = b.Expires
	for _, f := range []struct {
		name  string
		value *string
		into  *time.Time
	}{{"from", p.From, &b.From}, {"until", p.Until, &b.Until}} {
		if f.value == nil {
			continue
		}
		t, err := time.Parse(time.RFC3339, *f.value)
		switch {
		case err != nil:
			return fitness.Errorf("", fitness.Malformed, "%s is not an RFC 3339 time", f.name)
		case t.Sub(now) > MaxAhead:
			return fitness.Errorf("", fitness.Invalid, "%s is over the limit of 4 h from now", f.name)
		}
		*f.into = t.UTC()
	}
	if p.From != nil && p.Until == nil {
		b.Until = b.From.Add(Lifetime)
	}
	switch {
	case !b.Until.After(now):
		return fitness.Errorf("", fitness.Invalid, "until is over: it is not after now")
	case !b.Until.After(b.From):
		return fitness.Errorf("", fitness.Invalid, "until is not after from")
	case b.Until.Before(b.Expires):
		b.Expires = b.Until
	}
	if b.From.Before(now) {
		b.From = now
	}
	return nil
}
