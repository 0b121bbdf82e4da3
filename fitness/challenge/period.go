package challenge

import (
	"time"
	// The zones' rules come with the program, for machines that have none.
	_ "time/tzdata"

	"github.com/fitmq/fitmq/fitness"
)

// Period is how often a challenge starts anew. Its periods follow the calendar
// of the challenge's time zone.
type Period string

// The periods.
const (
	Once    Period = ""        // from start to end
	Daily   Period = "daily"   // from midnight to midnight
	Weekly  Period = "weekly"  // from Monday
	Monthly Period = "monthly" // from the first
)

// Day is a calendar day: days since 1970-01-01. The first day of a period stands
// for the period; 0 is the only one of a challenge that does not repeat.
type Day int32

const daySeconds = 86_400

// dayAt is the day of a moment in a zone.
func dayAt(t time.Time, loc *time.Location) Day {
	if loc == time.UTC {
		s := t.Unix()
		if s < 0 {
			s -= daySeconds - 1
		}
		return Day(s / daySeconds)
	}
	y, m, d := t.In(loc).Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
}

func (d Day) utc() time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }

// String is the day as 2026-06-01.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

// begins is the first moment of the day in a zone. Where clocks go forward at
// midnight the day begins with what they show then.
func (d Day) begins(loc *time.Location) time.Time {
	y, m, day := d.utc().Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, loc)
	if dayAt(t, loc) < d { // midnight is in the gap
		if _, end := t.ZoneBounds(); !end.IsZero() {
			t = end
		}
	}
	return t.UTC()
}

// first is the first day of the period that d is in.
func (p Period) first(d Day) Day {
	switch p {
	case Daily:
		return d
	case Weekly: // 1970-01-01 was a Thursday
		return d - ((d+3)%7+7)%7
	case Monthly:
		return d - Day(d.utc().Day()-1)
	}
	return 0
}

// next is the first day of the period after the one that begins with d.
func (p Period) next(d Day) Day {
	switch p {
	case Daily:
		return d + 1
	case Weekly:
		return d + 7
	}
	return p.first(d + 31)
}

// valid reports whether p is one of the periods.
func (p Period) valid() bool { return p == Once || p == Daily || p == Weekly || p == Monthly }

// zone is the challenge's time zone; UTC where none is named.
func (s *Spec) zone() *time.Location {
	if s.loc == nil {
		return time.UTC
	}
	return s.loc
}

// prepare looks the time zone up, once: that is slow. The error is of kind
// Invalid.
func (s *Spec) prepare() error {
	if s.TimeZone == "" {
		s.loc = time.UTC
		return nil
	}
	if s.loc != nil && s.loc.String() == s.TimeZone {
		return nil
	}
	loc, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "Local" {
		return fitness.Errorf("", fitness.Invalid, "timeZone %.60q is not a name of the time zone database, like Europe/Berlin", s.TimeZone)
	}
	s.loc = loc
	return nil
}

// PeriodAt is the period that a moment belongs to; before the start that is the
// first one, after the end the last.
func (s *Spec) PeriodAt(t time.Time) Day {
	switch {
	case s.Period == Once:
		return 0
	case t.Before(s.StartsAt):
		t = s.StartsAt
	case t.After(s.EndsAt):
		t = s.EndsAt
	}
	return s.Period.first(dayAt(t, s.zone()))
}

// Bounds are the first moment of a period and the last that still belongs to it,
// within those of the challenge.
func (s *Spec) Bounds(p Day) (from, to time.Time) {
	from, to = s.StartsAt, s.EndsAt
	if s.Period == Once {
		return from, to
	}
	if t := p.begins(s.zone()); t.After(from) {
		from = t
	}
	if t := s.Period.next(p).begins(s.zone()).Add(-1); t.Before(to) {
		to = t
	}
	return from, to
}

// Previous is the period before p, or false for the first one.
func (s *Spec) Previous(p Day) (Day, bool) {
	if s.Period == Once || p <= s.PeriodAt(s.StartsAt) {
		return 0, false
	}
	return s.Period.first(p - 1), true
}

// PeriodName is how a period is called: its first day, or "" where the challenge
// does not repeat.
func (s *Spec) PeriodName(p Day) string {
	if s.Period == Once {
		return ""
	}
	return p.String()
}

// FindPeriod returns the period of that name. The error is of kind NotFound.
func (s *Spec) FindPeriod(name string) (Day, error) {
	t, err := time.Parse(time.DateOnly, name)
	if err == nil && s.Period != Once {
		d := dayAt(t, time.UTC)
		if s.Period.first(d) == d && d >= s.PeriodAt(s.StartsAt) && d <= s.PeriodAt(s.EndsAt) {
			return d, nil
		}
	}
	return 0, fitness.Errorf("", fitness.NotFound, "the challenge has no period %.40q", name)
}
