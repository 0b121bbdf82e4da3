package preference_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/preference"
)

func TestPreferences_Check(t *testing.T) {
	t.Run("OK empty is the default", func(t *testing.T) {
		var p preference.Preferences
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		if p.Presence != "shared" || p.Units != "km" || p.Notifications.Off == nil || !p.Wants("milestone") {
			t.Errorf("got %+v, want the default", p)
		}
	})
	t.Run("OK kinds in order and once", func(t *testing.T) {
		p := preference.Preferences{Notifications: preference.Notifications{Off: []string{"social", "milestone", "social"}}}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"milestone", "social"}; !slices.Equal(p.Notifications.Off, want) {
			t.Errorf("got %q, want %q", p.Notifications.Off, want)
		}
		if p.Wants("milestone") || p.Wants("social") || !p.Wants("session") {
			t.Error("a kind is wanted that is off, or the other way round")
		}
	})
	quiet := func(start, end, zone string) preference.Preferences {
		return preference.Preferences{Notifications: preference.Notifications{Quiet: &preference.Quiet{Start: start, End: end, TimeZone: zone}}}
	}
	for name, tt := range map[string]struct {
		p    preference.Preferences
		want string
	}{
		"presence":   {preference.Preferences{Presence: "hidden"}, `presence "hidden" is not shared or private`},
		"heart":      {preference.Preferences{MaxHeartRate: 20}, "maxHeartRate 20 is outside the limit of 100 to 250 bpm"},
		"units":      {preference.Preferences{Units: "furlong"}, `units "furlong" is not km or mile`},
		"kind":       {preference.Preferences{Notifications: preference.Notifications{Off: []string{"a b"}}}, `kind "a b" is not`},
		"many kinds": {preference.Preferences{Notifications: preference.Notifications{Off: make([]string, 65)}}, "65 kinds, over the limit of 64"},
		"start":      {quiet("24:00", "07:00", ""), `notifications.quiet.start "24:00"`},
		"start sign": {quiet("+1:00", "07:00", ""), `notifications.quiet.start "+1:00"`},
		"end":        {quiet("22:00", "7:00", ""), `notifications.quiet.end "7:00"`},
		"no hours":   {quiet("22:00", "22:00", ""), "both 22:00"},
		"zone":       {quiet("22:00", "07:00", "Berlin"), `timeZone "Berlin"`},
		"local zone": {quiet("22:00", "07:00", "Local"), `timeZone "Local"`},
	} {
		t.Run("Err "+name, func(t *testing.T) {
			err := tt.p.Check()
			if fitness.KindOf(err) != fitness.Invalid || !strings.Contains(fitness.Message(err), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPreferences_QuietUntil(t *testing.T) {
	for _, tt := range []struct{ start, end, zone, at, want string }{
		{"22:00", "07:00", "", "2026-05-01T21:59:59Z", ""},
		{"22:00", "07:00", "", "2026-05-01T22:00:00Z", "2026-05-02T07:00:00Z"},
		{"22:00", "07:00", "", "2026-05-02T06:59:59Z", "2026-05-02T07:00:00Z"},
		{"22:00", "07:00", "", "2026-05-02T07:00:00Z", ""},
		{"13:00", "15:30", "", "2026-05-01T13:00:00Z", "2026-05-01T15:30:00Z"},
		{"13:00", "15:30", "", "2026-05-01T12:59:00Z", ""},
		{"13:00", "15:30", "", "2026-05-01T15:30:00Z", ""},
		{"22:00", "07:00", "Europe/Berlin", "2026-05-01T20:00:00Z", "2026-05-02T05:00:00Z"},
		{"22:00", "07:00", "Europe/Berlin", "2026-01-01T20:00:00Z", ""},
		// The night in which the clock is put forward.
		{"22:00", "07:00", "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		{"22:00", "07:00", "America/New_York", "2026-12-31T23:00:00Z", ""},
		{"22:00", "07:00", "America/New_York", "2027-01-01T03:00:00Z", "2027-01-01T12:00:00Z"},
	} {
		p := preference.Default()
		p.Notifications.Quiet = &preference.Quiet{Start: tt.start, End: tt.end, TimeZone: tt.zone}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if u := p.QuietUntil(at); !u.IsZero() {
			got = u.Format(time.RFC3339)
		}
		if got != tt.want {
			t.Errorf("%s to %s %s at %s: got %q, want %q", tt.start, tt.end, tt.zone, tt.at, got, tt.want)
		}
	}
	p := preference.Default()
	if got := p.QuietUntil(time.Now()); !got.IsZero() {
		t.Errorf("without quiet hours: got %v, want none", got)
	}
}

func TestUnits_Metres(t *testing.T) {
	if got := preference.Miles.Metres(); got != 1609.344 {
		t.Errorf("mile: got %v", got)
	}
	if got := preference.Kilometres.Metres(); got != 1000 {
		t.Errorf("km: got %v", got)
	}
}
