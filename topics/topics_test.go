package topics_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/topics"
)

func TestValidName(t *testing.T) {
	tests := []struct {
		name, topic string
		want        error
	}{
		{"OK", "a/b", nil},
		{"OKSlash", "/", nil},
		{"OKEmptyLevels", "a//b/", nil},
		{"OKDollar", "$SYS/x", nil},
		{"OKUnicode", "übung/跑步", nil},
		{"OKLongest", strings.Repeat("a", 65535), nil},
		{"ErrEmpty", "", topics.ErrEmpty},
		{"ErrTooLong", strings.Repeat("a", 65536), topics.ErrTooLong},
		{"ErrNUL", "a\x00b", topics.ErrNUL},
		{"ErrEncoding", "a\xffb", topics.ErrEncoding},
		{"ErrSurrogate", "a\xed\xa0\x80", topics.ErrEncoding},
		{"ErrPlus", "a/+/b", topics.ErrWildcard},
		{"ErrPlusInside", "a+b", topics.ErrWildcard},
		{"ErrHash", "a/#", topics.ErrWildcard},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := topics.ValidName(tt.topic); !errors.Is(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestValidFilter(t *testing.T) {
	tests := []struct {
		filter string
		want   error
	}{
		{"a/b", nil},
		{"#", nil},
		{"+", nil},
		{"/#", nil},
		{"/+", nil},
		{"+/+/#", nil},
		{"a/+/b/#", nil},
		{"a//#", nil},
		{"$SYS/#", nil},
		{"", topics.ErrEmpty},
		{strings.Repeat("+/", 32768), topics.ErrTooLong},
		{"a\x00", topics.ErrNUL},
		{"\xc3(", topics.ErrEncoding},
		{"a#", topics.ErrWildcard},
		{"a/#/b", topics.ErrWildcard},
		{"#/a", topics.ErrWildcard},
		{"##", topics.ErrWildcard},
		{"a+", topics.ErrWildcard},
		{"+a", topics.ErrWildcard},
		{"a/+b/c", topics.ErrWildcard},
		{"++", topics.ErrWildcard},
		{"+#", topics.ErrWildcard},
		{"#+", topics.ErrWildcard},
	}
	for _, tt := range tests {
		if got := topics.ValidFilter(tt.filter); !errors.Is(got, tt.want) {
			t.Errorf("ValidFilter(%.20q): got %v, want %v", tt.filter, got, tt.want)
		}
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		filter, topic string
		want          bool
	}{
		// The examples of MQTT 5, 4.7.1 to 4.7.3.
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"#", "sport/tennis", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/monitor", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/monitor", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"ACCOUNTS", "Accounts", false},
		// The edges.
		{"a/+/#", "a", false},
		{"a/+/#", "a/b", true},
		{"a/b", "a/b/", false},
		{"a/b/", "a/b", false},
		{"a/$x", "a/$x", true},
		{"a/+", "a/$x", true},
		{"/#", "/", true},
		{"/", "/", true},
		{"a", "ab", false},
		{"ab", "a", false},
	}
	for _, tt := range tests {
		if got := topics.Match(tt.filter, tt.topic); got != tt.want {
			t.Errorf("Match(%q, %q): got %v, want %v", tt.filter, tt.topic, got, tt.want)
		}
	}
}

func TestContains(t *testing.T) {
	tests := []struct {
		outer, inner string
		want         bool
	}{
		{"#", "#", true},
		{"#", "a/b", true},
		{"#", "$SYS/#", false},
		{"+/#", "#", true},
		{"+/+/#", "#", false},
		{"a/#", "a", true},
		{"a/#", "a/+", true},
		{"a/+", "a/#", false},
		{"a/+/#", "a/#", false},
		{"a/#", "a/+/#", true},
		{"user/ana/#", "user/ana/chat/+", true},
		{"user/ana/#", "user/+/chat", false},
		{"user/ana/#", "user/anabel/#", false},
		{"+", "a", true},
		{"a", "+", false},
		{"$SYS/#", "#", false},
		{"session/+/info", "session/s1/info", true},
		{"session/+/info", "session/s1/#", false},
	}
	for _, tt := range tests {
		if got := topics.Contains(tt.outer, tt.inner); got != tt.want {
			t.Errorf("Contains(%q, %q): got %v, want %v", tt.outer, tt.inner, got, tt.want)
		}
	}
}

func TestOverlap(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"a/+", "+/b", true},
		{"a/+/c", "a/b/+", true},
		{"a/+", "b/+", false},
		{"a/#", "a", true},
		{"a/b/#", "a/+", true},
		{"a/b/#", "a", false},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"$SYS/#", "$SYS/+/y", true},
		{"#", "a/+", true},
	}
	for _, tt := range tests {
		if got := topics.Overlap(tt.a, tt.b); got != tt.want {
			t.Errorf("Overlap(%q, %q): got %v, want %v", tt.a, tt.b, got, tt.want)
		}
		if got := topics.Overlap(tt.b, tt.a); got != tt.want {
			t.Errorf("Overlap(%q, %q): got %v, want %v", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestSplitShared(t *testing.T) {
	tests := []struct {
		filter, group, inner string
		shared               bool
		want                 error
	}{
		{"a/#", "", "a/#", false, nil},
		{"$share", "", "$share", false, nil},
		{"$shared/g/a", "", "$shared/g/a", false, nil},
		{"$share/g/a/#", "g", "a/#", true, nil},
		{"$share/g//", "g", "/", true, nil},
		{"$share/g/#", "g", "#", true, nil},
		{"$share/g", "", "", true, topics.ErrShare},
		{"$share/g/", "", "", true, topics.ErrShare},
		{"$share//a", "", "", true, topics.ErrShare},
		{"$share/", "", "", true, topics.ErrShare},
		{"$share/+/a", "", "", true, topics.ErrShare},
		{"$share/g#/a", "", "", true, topics.ErrShare},
		{"$share/g/a#", "", "", true, topics.ErrWildcard},
		{"$share/\x00/a", "", "", true, topics.ErrNUL},
		{"a#", "", "a#", false, topics.ErrWildcard},
	}
	for _, tt := range tests {
		group, inner, shared, err := topics.SplitShared(tt.filter)
		if group != tt.group || inner != tt.inner || shared != tt.shared || !errors.Is(err, tt.want) {
			t.Errorf("SplitShared(%q): got %q, %q, %v, %v, want %q, %q, %v, %v",
				tt.filter, group, inner, shared, err, tt.group, tt.inner, tt.shared, tt.want)
		}
	}
}
