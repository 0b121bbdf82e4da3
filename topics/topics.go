// Package topics is the grammar of topic names: MQTT's own (what is valid, what
// matches, which filter contains or overlaps which) and the product's (which row
// of the wire contract a name belongs to, and how such a name is built). It
// imports nothing of ours and allocates nothing on the paths of every message.
package topics

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxLen is the length limit of a topic name or filter in bytes
// [MQTT-4.7.3-3].
const MaxLen = 65535

// What is wrong with a topic name or filter.
var (
	// ErrEmpty: names and filters have at least one character [MQTT-4.7.3-1].
	ErrEmpty = errors.New("topic is empty")
	// ErrTooLong: it is over MaxLen bytes [MQTT-4.7.3-3].
	ErrTooLong = errors.New("topic is longer than 65535 bytes")
	// ErrEncoding: it is not well-formed UTF-8 [MQTT-1.5.4-1].
	ErrEncoding = errors.New("topic is not well-formed UTF-8")
	// ErrNUL: it contains the null character [MQTT-4.7.3-2].
	ErrNUL = errors.New("topic contains a null character")
	// ErrWildcard: a topic name contains a wildcard [MQTT-3.3.2-2], or a filter
	// has one that does not fill its level, or a # that is not last
	// [MQTT-4.7.1-1] [MQTT-4.7.1-2].
	ErrWildcard = errors.New("topic has a wildcard where none may be")
	// ErrShare: a $share/ filter lacks its group or its filter, or the group
	// contains a wildcard [MQTT-4.8.2-1] [MQTT-4.8.2-2].
	ErrShare = errors.New("malformed shared subscription: want $share/GROUP/FILTER")
)

// ValidName returns nil if the topic is one that can be published to, else one
// of ErrEmpty, ErrTooLong, ErrEncoding, ErrNUL and ErrWildcard.
func ValidName(topic string) error {
	if err := validText(topic); err != nil {
		return err
	}
	if strings.ContainsAny(topic, "+#") {
		return ErrWildcard
	}
	return nil
}

// ValidFilter returns nil if the filter is one that can be subscribed to, else
// one of the errors of ValidName. It does not look at a $share/ prefix: that is
// SplitShared's.
func ValidFilter(filter string) error {
	if err := validText(filter); err != nil {
		return err
	}
	for i := 0; i < len(filter); i++ {
		c := filter[i]
		if c != '+' && c != '#' {
			continue
		}
		startsLevel := i == 0 || filter[i-1] == '/'
		last := i == len(filter)-1
		if !startsLevel || !last && (c == '#' || filter[i+1] != '/') {
			return ErrWildcard
		}
	}
	return nil
}

// validText checks what names and filters have in common.
func validText(s string) error {
	switch {
	case s == "":
		return ErrEmpty
	case len(s) > MaxLen:
		return ErrTooLong
	case strings.IndexByte(s, 0) >= 0:
		return ErrNUL
	case !utf8.ValidString(s):
		return ErrEncoding
	}
	return nil
}

// sharePrefix begins the filter of a shared subscription.
const sharePrefix = "$share/"

// SplitShared takes a subscription's filter apart and checks all of it. For
// $share/GROUP/FILTER it returns the two and true; any other valid filter comes
// back as inner, with false. Errors: ErrShare and those of ValidFilter.
func SplitShared(filter string) (group, inner string, shared bool, err error) {
	rest, shared := strings.CutPrefix(filter, sharePrefix)
	if !shared {
		return "", filter, false, ValidFilter(filter)
	}
	if err := validText(filter); err != nil {
		return "", "", true, err
	}
	group, inner, ok := strings.Cut(rest, "/")
	if !ok || group == "" || inner == "" || strings.ContainsAny(group, "+#") {
		return "", "", true, ErrShare
	}
	if err := ValidFilter(inner); err != nil {
		return "", "", true, err
	}
	return group, inner, true, nil
}

// Levels returns the number of levels of a topic or filter: one more than it
// has slashes.
func Levels(topic string) int { return strings.Count(topic, "/") + 1 }

// HasWildcard reports whether the valid filter can match more than one topic.
func HasWildcard(filter string) bool { return strings.ContainsAny(filter, "+#") }

// next cuts the first level off s. more tells whether another one follows,
// which may be empty.
func next(s string) (level, rest string, more bool) {
	if i := strings.IndexByte(s, '/'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// startsWild reports whether the filter's first level is a wildcard; such a
// filter matches no topic that begins with $ [MQTT-4.7.2-1].
func startsWild(filter string) bool {
	return filter != "" && (filter[0] == '+' || filter[0] == '#')
}

// widen writes out the two filters whose # cannot stand for no level at all,
// because the name would be empty: # is the same set as +/#, and /# as /+/#.
func widen(filter string) string {
	switch filter {
	case "#":
		return "+/#"
	case "/#":
		return "/+/#"
	}
	return filter
}

// Match reports whether the valid filter matches the valid topic name. a/#
// matches a itself; a wildcard in the first level does not match a name that
// begins with $ [MQTT-4.7.2-1]. It does not allocate.
func Match(filter, topic string) bool {
	if startsWild(filter) && topic != "" && topic[0] == '$' {
		return false
	}
	for {
		f, frest, fmore := next(filter)
		if f == "#" {
			return true
		}
		t, trest, tmore := next(topic)
		if f != "+" && f != t {
			return false
		}
		switch {
		case !fmore:
			return !tmore
		case !tmore:
			return frest == "#"
		}
		filter, topic = frest, trest
	}
}

// Contains reports whether every topic name that the valid filter inner matches
// is matched by the valid filter outer too. It does not allocate.
func Contains(outer, inner string) bool {
	if startsWild(outer) && inner != "" && inner[0] == '$' {
		return false
	}
	inner = widen(inner)
	for {
		o, orest, omore := next(outer)
		if o == "#" {
			return true
		}
		i, irest, imore := next(inner)
		if i == "#" || o != "+" && o != i {
			// # stands for no level as well, which only # covers; and a
			// literal covers only itself.
			return false
		}
		switch {
		case !omore:
			return !imore
		case !imore:
			return orest == "#"
		}
		outer, inner = orest, irest
	}
}

// Overlap reports whether some topic name is matched by both valid filters. It
// does not allocate.
func Overlap(a, b string) bool {
	if startsWild(a) && b != "" && b[0] == '$' || startsWild(b) && a != "" && a[0] == '$' {
		return false
	}
	a, b = widen(a), widen(b)
	for {
		x, xrest, xmore := next(a)
		y, yrest, ymore := next(b)
		if x == "#" || y == "#" {
			return true
		}
		if x != "+" && y != "+" && x != y {
			return false
		}
		switch {
		case !xmore:
			return !ymore || yrest == "#"
		case !ymore:
			return xrest == "#"
		}
		a, b = xrest, yrest
	}
}
