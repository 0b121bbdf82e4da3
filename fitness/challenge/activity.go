package challenge

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Limits of an activity.
const (
	// MaxActivityBytes is the length limit of its payload.
	MaxActivityBytes = 4096
	// MaxActivityID is the length limit of its id in characters.
	MaxActivityID = 64
	// MaxAge is how long ago an activity may have ended when it is handed in.
	MaxAge = 30 * 24 * time.Hour
	// LateGrace is how long after a challenge's end an activity that ended in
	// time may still be handed in.
	LateGrace = 24 * time.Hour
)

// Digest stands for an id or a body in little memory: the first half of its
// SHA-256.
type Digest [16]byte

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest(sum[:16])
}

// Activity is a finished activity that has passed the hard limits. Absent
// measures are nil.
type Activity struct {
	ID    string
	Sport string
	Start time.Time
	// Elapsed is totalElapsedTime.
	Elapsed time.Duration
	// Flags are what is accepted but odd.
	Flags []fitness.Flag
	// Body is the digest of the payload without insignificant white space.
	Body Digest

	m totals
}

// End returns the moment at which the activity ended.
func (a *Activity) End() time.Time { return a.Start.Add(a.Elapsed) }

// totals are the measured fields of an activity.
type totals struct {
	ElapsedTime  *float64 `json:"totalElapsedTime"`
	TimerTime    *float64 `json:"totalTimerTime"`
	Distance     *float64 `json:"totalDistance"`
	Calories     *float64 `json:"totalCalories"`
	Ascent       *float64 `json:"totalAscent"`
	Steps        *float64 `json:"steps"`
	Repetitions  *float64 `json:"repetitions"`
	AvgHeartRate *float64 `json:"avgHeartRate"`
	MaxHeartRate *float64 `json:"maxHeartRate"`
	AvgPower     *float64 `json:"avgPower"`
	AvgSpeed     *float64 `json:"avgSpeed"`
	MaxSpeed     *float64 `json:"maxSpeed"`
}

// all are the fields.
func (m *totals) all() [12]**float64 {
	return [...]**float64{
		&m.ElapsedTime, &m.TimerTime, &m.Distance, &m.Calories, &m.Ascent, &m.Steps, &m.Repetitions,
		&m.AvgHeartRate, &m.MaxHeartRate, &m.AvgPower, &m.AvgSpeed, &m.MaxSpeed,
	}
}

// makeRoom gives all fields memory, in one piece, with what JSON cannot say in it.
func (m *totals) makeRoom() {
	room := new([12]float64)
	for i, p := range m.all() {
		room[i] = math.NaN()
		*p = &room[i]
	}
}

// dropAbsent leaves those that were read.
func (m *totals) dropAbsent() {
	for _, p := range m.all() {
		if *p != nil && math.IsNaN(**p) {
			*p = nil
		}
	}
}

// broken returns a sentence for each hard limit that is broken.
func (m *totals) broken() []string {
	m.AvgHeartRate, m.MaxHeartRate = nonZero(m.AvgHeartRate), nonZero(m.MaxHeartRate)
	var bad []string
	for _, f := range []struct {
		name  string
		value *float64
	}{
		{"totalElapsedTime", m.ElapsedTime}, {"totalTimerTime", m.TimerTime}, {"totalDistance", m.Distance},
		{"totalCalories", m.Calories}, {"totalAscent", m.Ascent}, {"steps", m.Steps}, {"repetitions", m.Repetitions},
		{"avgHeartRate", m.AvgHeartRate}, {"maxHeartRate", m.MaxHeartRate}, {"avgPower", m.AvgPower},
		{"avgSpeed", m.AvgSpeed}, {"maxSpeed", m.MaxSpeed},
	} {
		if f.value == nil {
			continue
		}
		if why := fitness.Broken(f.name, *f.value); why != "" {
			bad = append(bad, why)
		}
	}
	if m.TimerTime != nil && m.ElapsedTime != nil && *m.TimerTime > *m.ElapsedTime+1 {
		bad = append(bad, fitness.Sentence("totalTimerTime", *m.TimerTime, "over", *m.ElapsedTime+1, "s")+" (totalElapsedTime plus 1)")
	}
	return bad
}

// nonZero returns p, or nil where it points to 0: a device says so for a heart
// rate that it did not measure.
func nonZero(p *float64) *float64 {
	if p != nil && *p == 0 {
		return nil
	}
	return p
}

// ParseActivity reads an activity that arrived at now. Errors: kind Malformed
// for what is not such an object or lacks a field, Invalid for broken limits;
// the message names every field, value and limit.
func ParseActivity(payload []byte, now time.Time) (Activity, error) {
	if len(payload) == 0 {
		return Activity{}, fitness.Errorf("", fitness.Malformed, "payload is empty")
	}
	var in struct {
		ActivityID *string `json:"activityId"`
		Sport      *string `json:"sport"`
		StartTime  *string `json:"startTime"`
		Manual     *bool   `json:"manual"`
		totals
	}
	in.totals.makeRoom()
	if err := fitness.Decode(payload, MaxActivityBytes, &in); err != nil {
		return Activity{}, err
	}
	in.totals.dropAbsent()
	bad := in.totals.broken()
	var missing []string
	for _, f := range []struct {
		name   string
		absent bool
	}{
		{"activityId", in.ActivityID == nil}, {"sport", in.Sport == nil},
		{"startTime", in.StartTime == nil}, {"totalElapsedTime", in.ElapsedTime == nil},
	} {
		if f.absent {
			missing = append(missing, f.name+" is missing")
		}
	}
	if len(bad) > 0 {
		return Activity{}, &fitness.Error{Kind: fitness.Invalid, Msg: strings.Join(append(bad, missing...), "; ")}
	}
	if len(missing) > 0 {
		return Activity{}, &fitness.Error{Kind: fitness.Malformed, Msg: strings.Join(missing, "; ")}
	}
	start, err := fitness.ParseTime("startTime", *in.StartTime)
	if err != nil {
		return Activity{}, err
	}
	a := Activity{
		ID: *in.ActivityID, Sport: *in.Sport, Start: start, m: in.totals, Body: bodyDigest(payload),
		Elapsed: time.Duration(*in.ElapsedTime * float64(time.Second)).Round(time.Microsecond),
	}
	if bad := a.problems(now); len(bad) > 0 {
		return Activity{}, &fitness.Error{Kind: fitness.Invalid, Msg: strings.Join(bad, "; ")}
	}
	a.Flags = a.look()
	return a, nil
}

// bodyDigest is the digest of a JSON text without insignificant white space, so
// that a client that prints it differently the second time has not changed it.
func bodyDigest(payload []byte) Digest {
	if isCompact(payload) {
		return DigestOf(payload) // as nearly all devices print it
	}
	var b bytes.Buffer
	if json.Compact(&b, payload) != nil {
		return DigestOf(payload) // cannot be: it has been decoded
	}
	return DigestOf(b.Bytes())
}

// isCompact reports whether a JSON text has no insignificant white space.
func isCompact(text []byte) bool {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			quoted = !quoted
		case '\\': // only in a string: what is behind it does not end that
			i++
		case ' ', '\t', '\r', '\n':
			if !quoted {
				return false
			}
		}
	}
	return true
}

// problems lists broken limits of the id, the sport and the times.
func (a *Activity) problems(now time.Time) []string {
	var bad []string
	n := utf8.RuneCountInString(a.ID)
	if n == 0 || n > MaxActivityID {
		bad = append(bad, fmt.Sprintf("activityId of %d characters is outside the limit of 1 to %d", n, MaxActivityID))
	}
	if strings.ContainsFunc(a.ID, func(r rune) bool { return !unicode.IsPrint(r) }) {
		bad = append(bad, "activityId has a character that cannot be printed")
	}
	if why := fitness.NoSport("sport", a.Sport); why != "" {
		bad = append(bad, why)
	}
	if why := fitness.TooFarAhead("startTime", a.Start, now); why != "" {
		return append(bad, why)
	}
	if why := fitness.TooFarAhead("startTime plus totalElapsedTime", a.End(), now); why != "" {
		bad = append(bad, why)
	}
	if age := now.Sub(a.End()); age > MaxAge {
		bad = append(bad, fmt.Sprintf("startTime %s: the activity ended %d days ago, over the limit of 30 days", a.Start.Format(time.RFC3339), int(age.Hours()/24)))
	}
	return bad
}

// look returns the soft findings that can be told from a whole activity.
func (a *Activity) look() []fitness.Flag {
	var flags []fitness.Flag
	timer := *a.m.ElapsedTime
	if a.m.TimerTime != nil {
		timer = *a.m.TimerTime
	}
	if v := a.m.MaxHeartRate; v != nil {
		flags = fitness.Check(flags, "maxHeartRate", "", *v, 220, "bpm")
	}
	if v := a.m.AvgHeartRate; v != nil && timer >= 60 {
		flags = fitness.Check(flags, "avgHeartRate", "", *v, 210, "bpm")
	}
	if v := a.m.AvgPower; v != nil && timer >= 20*60 {
		flags = fitness.Check(flags, "avgPower", "", *v, 500, "W")
	} else if v != nil && timer >= 60 {
		flags = fitness.Check(flags, "avgPower", "", *v, 800, "W")
	}
	if v := a.m.Calories; v != nil {
		flags = fitness.Check(flags, "totalCalories", "totalCalories a minute", *v/timer*60, 25, "kcal")
	}
	if v := a.m.Steps; v != nil {
		flags = fitness.Check(flags, "steps", "steps a minute", *v/timer*60, 300, "")
	}
	return append(flags, a.lookSpeed(timer)...)
}

// lookSpeed returns the findings on speed and distance.
func (a *Activity) lookSpeed(timer float64) []fitness.Flag {
	var flags []fitness.Flag
	limit := 0.0
	if timer >= 30 {
		limit = fitness.MeanSpeedLimit(a.Sport)
	}
	if timer >= 600 {
		switch fitness.SportClass(a.Sport) {
		case fitness.Run:
			limit = 7
		case fitness.Ride:
			limit = 16
		}
	}
	if v := a.m.AvgSpeed; v != nil {
		flags = fitness.Check(flags, "avgSpeed", "", *v, limit, "m/s")
	}
	if v := a.m.Distance; v != nil {
		flags = fitness.Check(flags, "totalDistance", "totalDistance by time", *v/timer, limit, "m/s")
	}
	if d, v := a.m.Distance, a.m.AvgSpeed; d != nil && v != nil {
		if by := *v * timer; *d > 1.2*by || *d < 0.8*by {
			flags = append(flags, fitness.Flag{Field: "totalDistance", Reason: fmt.Sprintf("totalDistance %.0f m where avgSpeed says %.0f m is over the limit of 20%%", *d, by)})
		}
	}
	return flags
}

// Verdict is the judgement on an activity: it counts with Value, or it does not,
// for the Reason given.
type Verdict struct {
	Counted bool
	Value   leaderboard.Score
	Reason  string
}

// Judge holds an activity that arrived at a moment against the challenge's rule.
// The activity's own end decides to which period of the challenge it belongs;
// one that arrives later than LateGrace after that period's end does not count.
func (s *Spec) Judge(a *Activity, arrived time.Time) Verdict {
	end := a.End()
	switch {
	case end.Before(s.StartsAt):
		return ignore("the activity ended at %s, before the challenge starts at %s", stamp(end), stamp(s.StartsAt))
	case end.After(s.EndsAt):
		return ignore("the activity ended at %s, after the challenge's end at %s", stamp(end), stamp(s.EndsAt))
	case arrived.After(s.EndsAt.Add(LateGrace)):
		return ignore("the challenge ended at %s and takes no activities since %s", stamp(s.EndsAt), stamp(s.EndsAt.Add(LateGrace)))
	case len(s.Sports) > 0 && !slices.Contains(s.Sports, a.Sport):
		return ignore("sport %s does not count: the challenge's sports are %s", a.Sport, strings.Join(s.Sports, ", "))
	}
	if s.Period != Once && arrived.Sub(end) > LateGrace { // else it cannot be too late
		p := s.PeriodAt(end)
		if _, to := s.Bounds(p); arrived.After(to.Add(LateGrace)) {
			return ignore("the activity belongs to the period %s, which takes no activities since %s", s.PeriodName(p), stamp(to.Add(LateGrace)))
		}
	}
	v, reason := s.value(a)
	if reason != "" {
		return Verdict{Reason: reason}
	}
	return Verdict{Counted: true, Value: v}
}

func ignore(format string, args ...any) Verdict { return Verdict{Reason: fmt.Sprintf(format, args...)} }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
