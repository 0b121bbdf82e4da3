package match

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// Compatible reports whether two whose distance is of a band suit each other: each
// the other's sport, pace, level, distance and time. It says the same either way
// round.
func Compatible(a, b *Beacon, band int) bool {
	return band <= a.reach && band <= b.reach && a.Sport == b.Sport &&
		a.takes(b) && b.takes(a) && overlap(a, b) > 0
}

// takes reports whether a partner's pace and level suit.
func (b *Beacon) takes(partner *Beacon) bool {
	if len(b.levels) > 0 && !slices.Contains(b.levels, partner.Level) {
		return false
	}
	speed := partner.mps()
	if speed == 0 {
		return !b.strict
	}
	return speed >= b.speeds[0] && (b.speeds[1] == 0 || speed <= b.speeds[1])
}

// overlap is for how long the times of both suit.
func overlap(a, b *Beacon) time.Duration {
	from, until := a.From, a.Until
	if b.From.After(from) {
		from = b.From
	}
	if b.Until.Before(until) {
		until = b.Until
	}
	return until.Sub(from)
}

// Score says how good a match of two compatible beacons is, the higher the
// better, the same either way round: a nearer band always wins; within one their
// paces count most, then levels and the time that they have together.
func Score(a, b *Beacon, band int) float64 {
	pace, level := 0.5, 0.5 // where one of them did not say
	if x, y := a.mps(), b.mps(); x > 0 && y > 0 {
		pace = min(x, y) / max(x, y)
	}
	if a.Level > 0 && b.Level > 0 {
		apart := a.Level - b.Level
		level = 1 - float64(max(apart, -apart))/float64(len(levels)-1)
	}
	together := min(overlap(a, b).Hours(), 1)
	return float64(len(Bands)-1-band) + 0.6*pace + 0.2*level + 0.19*together
}

// maxFirstName bounds a first name, in characters.
const maxFirstName = 32

// FirstName is what a partner may know of a display name: its first word, without
// what is no name in it, such as the rest of a mail address. It is empty where
// the name is the user's id, since that is not for partners.
func FirstName(name, userID string) string {
	name = strings.TrimSpace(name)
	if name == userID {
		return ""
	}
	end := strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '-' && r != '\'' && r != '’'
	})
	if end >= 0 {
		name = name[:end]
	}
	if runes := []rune(name); len(runes) > maxFirstName {
		name = string(runes[:maxFirstName])
	}
	if name == userID {
		return ""
	}
	return name
}
