package leaderboard

import (
	"fmt"
	"math"
	"strconv"
)

// Score is a score in millionths of its unit (m, kcal, s, count, bpm, W). Sums
// of it are exact, whatever the order they are built in, which a sum of floats
// is not. The range is about +-9.2e12 units.
type Score int64

// perUnit is how many of a Score make one unit.
const perUnit = 1_000_000

// maxUnits bounds ScoreOf, far over what limits on the inputs allow.
const maxUnits = 9e12

// ScoreOf returns the value, in units, as a Score, rounded to the nearest
// millionth. Values outside +-9e12 are cut to that; not-a-number is 0.
func ScoreOf(units float64) Score {
	switch {
	case math.IsNaN(units):
		return 0
	case units > maxUnits:
		units = maxUnits
	case units < -maxUnits:
		units = -maxUnits
	}
	return Score(math.Round(units * perUnit))
}

// Units returns the score in its unit, as the nearest float.
func (s Score) Units() float64 { return float64(s) / perUnit }

// Add returns s+o, held at the ends of the range instead of wrapping round.
func (s Score) Add(o Score) Score {
	sum := s + o
	switch {
	case o > 0 && sum < s:
		return math.MaxInt64
	case o < 0 && sum > s:
		return math.MinInt64
	}
	return sum
}

// AppendText appends the score in its unit as a decimal number without
// trailing zeros: 7242.48, never 7242.479999.
func (s Score) AppendText(b []byte) ([]byte, error) {
	u := uint64(s)
	if s < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/perUnit, 10)
	frac := u % perUnit
	if frac == 0 {
		return b, nil
	}
	b = append(b, '.')
	for scale := uint64(perUnit / 10); frac > 0; scale /= 10 {
		b = append(b, byte('0'+frac/scale))
		frac %= scale
	}
	return b, nil
}

// String is the score in its unit.
func (s Score) String() string {
	b, _ := s.AppendText(nil) // AppendText has no failure
	return string(b)
}

// MarshalJSON writes the score as a JSON number in its unit.
func (s Score) MarshalJSON() ([]byte, error) { return s.AppendText(nil) }

// UnmarshalJSON reads a JSON number in the score's unit.
func (s *Score) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("score %q is not a number", b)
	}
	*s = ScoreOf(f)
	return nil
}
