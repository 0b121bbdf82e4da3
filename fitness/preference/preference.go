// Package preference holds what users choose for themselves: who sees whether
// they are there, in which units they think, and when and of what they want to
// be told.
package preference

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // the zones of quiet hours, where the system has none

	"github.com/fitmq/fitmq/fitness"
)

// Units is how a user thinks of distances. Payloads are in SI units whatever it
// is; it decides at which distances somebody is told of a milestone.
type Units string

// The units.
const (
	Kilometres Units = "km"
	Miles      Units = "mile"
)

// Metres is the length of one unit in m.
func (u Units) Metres() float64 {
	if u == Miles {
		return 1609.344
	}
	return 1000
}

// Presence says who sees whether a user is there.
type Presence string

// The choices.
const (
	Shared  Presence = "shared"  // whom the user is linked with, or trains or competes with
	Private Presence = "private" // the user alone
)

// MaxOff is how many kinds of notifications a user may opt out of.
const MaxOff = 64

// Bounds of a maximum heart rate in bpm.
const (
	minHeartRate = 100
	maxHeartRate = 250
)

// Preferences are a user's choices. The zero value is not complete: see Default
// and Check.
type Preferences struct {
	Presence      Presence      `json:"presence"`
	Units         Units         `json:"units"`
	Notifications Notifications `json:"notifications"`
	// MaxHeartRate is where the user's heart-rate zones end, in bpm; 0 where the
	// user has not said.
	MaxHeartRate float64 `json:"maxHeartRate,omitempty"`
}

// Notifications are a user's choices about them.
type Notifications struct {
	// Off are the kinds that the user does not want at all.
	Off []string `json:"off"`
	// Quiet are the hours in which nothing is delivered that is not urgent; nil
	// for none.
	Quiet *Quiet `json:"quiet,omitempty"`
}

// Quiet is a time of each day in which a user is not to be disturbed, by the
// clock of a zone. It may go over midnight.
type Quiet struct {
	Start    string `json:"start"` // 22:00
	End      string `json:"end"`   // 07:00
	TimeZone string `json:"timeZone,omitempty"`
}

// Default is what counts for a user who has chosen nothing.
func Default() Preferences {
	return Preferences{Presence: Shared, Units: Kilometres, Notifications: Notifications{Off: []string{}}}
}

// Check fills in what is missing and judges the rest. Errors: Invalid, with the
// field, its value and what it may be.
func (p *Preferences) Check() error {
	d := Default()
	if p.Presence == "" {
		p.Presence = d.Presence
	}
	if p.Units == "" {
		p.Units = d.Units
	}
	if p.Presence != Shared && p.Presence != Private {
		return fitness.Errorf("", fitness.Invalid, "presence %.40q is not shared or private", p.Presence)
	}
	if p.Units != Kilometres && p.Units != Miles {
		return fitness.Errorf("", fitness.Invalid, "units %.40q is not km or mile", p.Units)
	}
	if m := p.MaxHeartRate; m != 0 && (m < minHeartRate || m > maxHeartRate) {
		return fitness.Errorf("", fitness.Invalid, "maxHeartRate %v is outside the limit of %d to %d bpm", m, minHeartRate, maxHeartRate)
	}
	if n := len(p.Notifications.Off); n > MaxOff {
		return fitness.Errorf("", fitness.Invalid, "notifications.off has %d kinds, over the limit of %d", n, MaxOff)
	}
	for _, kind := range p.Notifications.Off {
		if !fitness.ValidWord(kind) {
			return fitness.Errorf("", fitness.Invalid, "notifications.off: kind %.40q is not 1 to %d letters, digits and underscores", kind, fitness.MaxWord)
		}
	}
	slices.Sort(p.Notifications.Off)
	if p.Notifications.Off = slices.Compact(p.Notifications.Off); p.Notifications.Off == nil {
		p.Notifications.Off = []string{}
	}
	if q := p.Notifications.Quiet; q != nil {
		return q.check()
	}
	return nil
}

// Wants reports whether the user wants notifications of the kind.
func (p *Preferences) Wants(kind string) bool {
	_, off := slices.BinarySearch(p.Notifications.Off, kind)
	return !off
}

// QuietUntil returns when the quiet hours end that the moment is in, or zero
// when it is in none.
func (p *Preferences) QuietUntil(at time.Time) time.Time {
	if p.Notifications.Quiet == nil {
		return time.Time{}
	}
	return p.Notifications.Quiet.until(at)
}

func (q *Quiet) check() error {
	_, err := clock("start", q.Start)
	if err == nil {
		_, err = clock("end", q.End)
	}
	if err != nil {
		return err
	}
	if q.Start == q.End {
		return fitness.Errorf("", fitness.Invalid, "notifications.quiet: start and end are both %s: leave quiet out for none", q.Start)
	}
	if _, err := q.zone(); err != nil {
		return fitness.Errorf("", fitness.Invalid, "notifications.quiet.timeZone %.60q is not a name of the time zone database, like Europe/Berlin", q.TimeZone)
	}
	return nil
}

// zone is UTC where none is named.
func (q *Quiet) zone() (*time.Location, error) {
	if q.TimeZone == "Local" { // that of the server's machine is nobody's
		return nil, fmt.Errorf("zone %s has no name", q.TimeZone)
	}
	return time.LoadLocation(q.TimeZone)
}

// clock reads a time of day as minutes after midnight.
func clock(field, text string) (int, error) {
	if len(text) == 5 && text[2] == ':' {
		h, errH := strconv.ParseUint(text[:2], 10, 8)
		m, errM := strconv.ParseUint(text[3:], 10, 8)
		if errH == nil && errM == nil && h < 24 && m < 60 {
			return int(h*60 + m), nil
		}
	}
	return 0, fitness.Errorf("", fitness.Invalid, "notifications.quiet.%s %.40q is not a time of day from 00:00 to 23:59", field, text)
}

// until returns the end of the quiet hours that the moment is in. The hours are
// the clock's: where it is put forward or back they are shorter or longer.
func (q *Quiet) until(at time.Time) time.Time {
	loc, err := q.zone()
	start, errStart := clock("start", q.Start)
	end, errEnd := clock("end", q.End)
	if err != nil || errStart != nil || errEnd != nil {
		return time.Time{} // stored by a version that knew the zone
	}
	local := at.In(loc)
	now, days := local.Hour()*60+local.Minute(), 0
	switch {
	case start < end && (now < start || now >= end), start > end && now >= end && now < start:
		return time.Time{}
	case start > end && now >= start:
		days = 1
	}
	return time.Date(local.Year(), local.Month(), local.Day()+days, 0, end, 0, 0, loc).UTC()
}
