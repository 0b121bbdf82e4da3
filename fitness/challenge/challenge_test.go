package challenge_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// body is an activity of half an hour that ended at noon, with more fields.
func body(id, fields string) string {
	return fmt.Sprintf(`{"activityId":%q,"sport":"running","startTime":"2026-05-01T11:30:00Z","totalElapsedTime":1800%s}`, id, fields)
}

func parse(t *testing.T, payload string) challenge.Activity {
	t.Helper()
	a, err := challenge.ParseActivity([]byte(payload), noon)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func spec() challenge.Spec {
	return challenge.Spec{
		Organizer: "oli", Visibility: challenge.Invite, Metric: challenge.Distance, Aggregate: challenge.Sum,
		Order: leaderboard.Desc, StartsAt: noon.Add(-24 * time.Hour), EndsAt: noon.Add(24 * time.Hour),
	}
}

func TestParseActivity_Hard(t *testing.T) {
	tests := []struct {
		payload string
		kind    fitness.Kind
		reason  string // "" = accepted
	}{
		{body("a", ``), 0, ""},
		{body("a", `,"device":"watch","manual":true,"avgHeartRate":0,"more":[1]`), 0, ""},
		{body("a", `,"device":{"name":"watch"}`), 0, ""},
		{body("a", `,"totalTimerTime":1801`), 0, ""},
		{body("a", `,"totalTimerTime":1801.5`), fitness.Invalid, "totalTimerTime 1801.5 is over the limit of 1801 s (totalElapsedTime plus 1)"},
		{body("a", `,"totalTimerTime":0.5`), fitness.Invalid, "totalTimerTime 0.5 is under the limit of 1 s"},
		{body("a", `,"totalDistance":1000001`), fitness.Invalid, "totalDistance 1000001 is over the limit of 1000000 m"},
		{body("a", `,"totalDistance":-1`), fitness.Invalid, "totalDistance -1 is under the limit of 0 m"},
		{body("a", `,"totalCalories":30001`), fitness.Invalid, "totalCalories 30001 is over the limit of 30000 kcal"},
		{body("a", `,"totalAscent":50001`), fitness.Invalid, "totalAscent 50001 is over the limit of 50000 m"},
		{body("a", `,"steps":1000001`), fitness.Invalid, "steps 1000001 is over the limit of 1000000"},
		{body("a", `,"repetitions":100001`), fitness.Invalid, "repetitions 100001 is over the limit of 100000"},
		{body("a", `,"avgHeartRate":900`), fitness.Invalid, "avgHeartRate 900 is over the limit of 250 bpm"},
		{body("a", `,"maxHeartRate":10`), fitness.Invalid, "maxHeartRate 10 is under the limit of 20 bpm"},
		{body("a", `,"avgPower":3001`), fitness.Invalid, "avgPower 3001 is over the limit of 3000 W"},
		{body("a", `,"avgSpeed":41`), fitness.Invalid, "avgSpeed 41 is over the limit of 40 m/s"},
		{body("a", `,"maxSpeed":41`), fitness.Invalid, "maxSpeed 41 is over the limit of 40 m/s"},
		{body("", ``), fitness.Invalid, "activityId of 0 characters is outside the limit of 1 to 64"},
		{body(strings.Repeat("x", 65), ``), fitness.Invalid, "activityId of 65 characters"},
		{body(strings.Repeat("é", 64), ``), 0, ""},
		{body("a\x01", ``), fitness.Malformed, "not valid JSON"},
		{body("a", `,"steps":true`), fitness.Malformed, "steps cannot be a bool"},
		{strings.Replace(body("a", ``), "1800", "172801", 1), fitness.Invalid, "totalElapsedTime 172801 is over the limit of 172800 s"},
		{strings.Replace(body("a", ``), "1800", "0", 1), fitness.Invalid, "totalElapsedTime 0 is under the limit of 1 s"},
		{strings.Replace(body("a", ``), "running", "", 1), fitness.Invalid, `sport "" is not a sport`},
		{strings.Replace(body("a", ``), "2026-05-01T11:30:00Z", "yesterday", 1), fitness.Malformed, `startTime "yesterday" is not an RFC 3339 time`},
		{strings.Replace(body("a", ``), "2026-05-01T11:30", "2026-05-01T12:06", 1), fitness.Invalid, "startTime 2026-05-01T12:06:00Z is 6m0s ahead of the broker's clock, over the limit of 5 min"},
		{strings.Replace(body("a", ``), "2026-05-01T11:30", "2026-05-01T11:36", 1), fitness.Invalid, "startTime plus totalElapsedTime"},
		{strings.Replace(body("a", ``), "2026-05-01", "2026-04-01", 1), 0, ""},
		{strings.Replace(body("a", ``), "2026-05-01", "2026-03-31", 1), fitness.Invalid, "ended 31 days ago, over the limit of 30 days"},
		{`{"sport":"running"}`, fitness.Malformed, "activityId is missing; startTime is missing; totalElapsedTime is missing"},
		{`{"avgHeartRate":900}`, fitness.Invalid, "avgHeartRate 900 is over the limit of 250 bpm; activityId is missing"},
		{``, fitness.Malformed, "payload is empty"},
		{`[]`, fitness.Malformed, "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			_, err := challenge.ParseActivity([]byte(tt.payload), noon)
			if tt.reason == "" {
				if err != nil {
					t.Fatalf("%s: got %v, want accepted", tt.payload, err)
				}
				return
			}
			if fitness.KindOf(err) != tt.kind || !strings.Contains(fitness.Message(err), tt.reason) {
				t.Errorf("got %v: %v, want %v with %q", fitness.KindOf(err), err, tt.kind, tt.reason)
			}
		})
	}
}

func TestParseActivity_Soft(t *testing.T) {
	short := func(seconds, fields string) string {
		return strings.Replace(body("a", fields), "1800", seconds, 1)
	}
	sport := func(name, payload string) string { return strings.Replace(payload, "running", name, 1) }
	tests := []struct {
		payload string
		fields  string // of the flags, in order
	}{
		{body("a", `,"totalDistance":7242.48,"avgSpeed":4.02,"avgHeartRate":170,"maxHeartRate":195,"totalCalories":450,"steps":5200`), ""},
		{body("a", `,"maxHeartRate":221`), "maxHeartRate"},
		{body("a", `,"avgHeartRate":211`), "avgHeartRate"},
		{short("59", `,"avgHeartRate":211`), ""},
		{body("a", `,"avgPower":501`), "avgPower"},
		{short("900", `,"avgPower":501`), ""},
		{short("900", `,"avgPower":801`), "avgPower"},
		{body("a", `,"totalCalories":751`), "totalCalories"},
		{body("a", `,"steps":9001`), "steps"},
		{body("a", `,"avgSpeed":7.1`), "avgSpeed"},
		{short("599", `,"avgSpeed":7.1`), ""},
		{short("599", `,"avgSpeed":12.6`), "avgSpeed"},
		{sport("cycling", body("a", `,"avgSpeed":16.1`)), "avgSpeed"},
		{sport("cycling", short("599", `,"avgSpeed":16.1`)), ""},
		{sport("walking", body("a", `,"avgSpeed":4.1`)), "avgSpeed"},
		{sport("swimming", body("a", `,"avgSpeed":2.6`)), "avgSpeed"},
		{sport("rowing", body("a", `,"avgSpeed":7.1`)), "avgSpeed"},
		{sport("dance", body("a", `,"avgSpeed":39`)), ""},
		{body("a", `,"totalDistance":12601`), "totalDistance"},
		{body("a", `,"totalDistance":7000,"avgSpeed":3`), "totalDistance"},
		{body("a", `,"totalDistance":5500,"avgSpeed":3`), ""},
	}
	for _, tt := range tests {
		var fields []string
		for _, f := range parse(t, tt.payload).Flags {
			fields = append(fields, f.Field)
			if !strings.Contains(f.Reason, "over the limit of") {
				t.Errorf("%s: the reason %q names no limit", tt.payload, f.Reason)
			}
		}
		if got := strings.Join(fields, " "); got != tt.fields {
			t.Errorf("%s: got flags %q, want %q", tt.payload, got, tt.fields)
		}
	}
}

func TestParseActivity_Body(t *testing.T) {
	a := parse(t, body("a", `,"steps":5`))
	if b := parse(t, strings.ReplaceAll(body("a", `,"steps":5`), ",", " ,\n ")); b.Body != a.Body {
		t.Error("white space makes another body")
	}
	if b := parse(t, body("a", `,"steps":6`)); b.Body == a.Body {
		t.Error("another value makes the same body")
	}
}

func FuzzParseActivity(f *testing.F) {
	f.Add([]byte(body("a", `,"totalDistance":7242.48,"avgSpeed":4.02`)))
	f.Add([]byte(`{"activityId":"x","startTime":"","totalElapsedTime":1e308}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := challenge.ParseActivity(payload, noon)
		if err != nil {
			if k := fitness.KindOf(err); k != fitness.Malformed && k != fitness.Invalid || fitness.Message(err) == "" {
				t.Fatalf("an error that names nothing: %#v", err)
			}
			return
		}
		if a.ID == "" || a.End().After(noon.Add(fitness.MaxAhead)) || noon.Sub(a.End()) > challenge.MaxAge {
			t.Fatalf("accepted %+v", a)
		}
	})
}

func TestSpec_Judge(t *testing.T) {
	all := body("a", `,"totalDistance":5000.5,"totalCalories":300,"totalTimerTime":1750,"totalAscent":80,"steps":4000,"repetitions":12`)
	tests := []struct {
		name    string
		change  func(*challenge.Spec)
		payload string
		arrived time.Time
		value   string // "" = ignored
		reason  string
	}{
		{"OK/distance", func(*challenge.Spec) {}, all, noon, "5000.5", ""},
		{"OK/calories", func(s *challenge.Spec) { s.Metric = challenge.Calories }, all, noon, "300", ""},
		{"OK/duration", func(s *challenge.Spec) { s.Metric = challenge.Duration }, all, noon, "1750", ""},
		{"OK/duration without timer", func(s *challenge.Spec) { s.Metric = challenge.Duration }, body("a", ""), noon, "1800", ""},
		{"OK/steps", func(s *challenge.Spec) { s.Metric = challenge.Steps }, all, noon, "4000", ""},
		{"OK/ascent", func(s *challenge.Spec) { s.Metric = challenge.Ascent }, all, noon, "80", ""},
		{"OK/repetitions", func(s *challenge.Spec) { s.Metric = challenge.Repetitions }, all, noon, "12", ""},
		{"OK/workouts", func(s *challenge.Spec) { s.Metric = challenge.Workouts }, body("a", ""), noon, "1", ""},
		{"OK/count", func(s *challenge.Spec) { s.Aggregate = challenge.Count }, body("a", ""), noon, "1", ""},
		{"OK/ends with the start", func(s *challenge.Spec) { s.StartsAt = noon }, all, noon, "5000.5", ""},
		{"OK/ends with the end", func(s *challenge.Spec) { s.EndsAt = noon }, all, noon.Add(24 * time.Hour), "5000.5", ""},
		{"OK/sport", func(s *challenge.Spec) { s.Sports = []string{"cycling", "running"} }, all, noon, "5000.5", ""},
		{"ErrEarly", func(s *challenge.Spec) { s.StartsAt = noon.Add(1) }, all, noon, "", "before the challenge starts"},
		{"ErrLate", func(s *challenge.Spec) { s.EndsAt = noon.Add(-1) }, all, noon, "", "after the challenge's end"},
		{"ErrTooLate", func(s *challenge.Spec) { s.EndsAt = noon }, all, noon.Add(24*time.Hour + 1), "", "takes no activities since"},
		{"ErrSport", func(s *challenge.Spec) { s.Sports = []string{"cycling"} }, all, noon, "", "sport running does not count"},
		{"ErrMetric", func(s *challenge.Spec) { s.Metric = challenge.Steps }, body("a", ""), noon, "", "steps is missing"},
		{"OK/activeMinutes", func(s *challenge.Spec) { s.Metric = challenge.ActiveMinutes }, all, noon, "29.166667", ""},
		{"OK/points", func(s *challenge.Spec) {
			s.Metric, s.Points = challenge.Points, map[challenge.Metric]float64{challenge.Distance: 0.01, challenge.Workouts: 5, challenge.Ascent: 1}
		}, all, noon, "135.005", ""},
		{"ErrPoints", func(s *challenge.Spec) {
			s.Metric, s.Points = challenge.Points, map[challenge.Metric]float64{challenge.Steps: 1}
		}, body("a", ""), noon, "", "nothing that gives points"},
		{"OK/limit", func(s *challenge.Spec) { s.Limits = &challenge.Limits{PerActivity: 3000} }, all, noon, "3000", ""},
		{"OK/period", func(s *challenge.Spec) { s.Period = challenge.Daily; s.StartsAt = noon.Add(-72 * time.Hour) }, all, noon.Add(36*time.Hour - 1), "5000.5", ""},
		{"ErrPeriod", func(s *challenge.Spec) {
			s.Period, s.EndsAt = challenge.Daily, noon.Add(72*time.Hour)
		}, all, noon.Add(36 * time.Hour), "", "belongs to the period 2026-05-01, which takes no activities since 2026-05-02T23:59:59Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := spec()
			tt.change(&s)
			a := parse(t, tt.payload)
			v := s.Judge(&a, tt.arrived)
			if v.Counted != (tt.value != "") || !strings.Contains(v.Reason, tt.reason) || v.Counted && v.Value.String() != tt.value {
				t.Errorf("got %+v, want %q %q", v, tt.value, tt.reason)
			}
		})
	}
}

func TestBoard_Aggregates(t *testing.T) {
	// Ends at noon -3h, -2h, -1h; metres.
	metres := []float64{100.1, 300.3, 200.2}
	tests := []struct {
		aggregate challenge.Aggregate
		order     leaderboard.Order
		score     string
		reached   int // which activity's end
	}{
		{challenge.Sum, leaderboard.Desc, "600.6", 2},
		{challenge.Best, leaderboard.Desc, "300.3", 1},
		{challenge.Best, leaderboard.Asc, "100.1", 0},
		{challenge.Last, leaderboard.Desc, "200.2", 2},
		{challenge.Count, leaderboard.Desc, "3", 2},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("OK/%s/%s", tt.aggregate, tt.order), func(t *testing.T) {
			s := spec()
			s.Aggregate, s.Order = tt.aggregate, tt.order
			b := challenge.NewBoard(s, 0)
			b.SetJoined("ana", true, 1)
			for _, i := range []int{1, 2, 0} {
				a := hoursAgo(t, fmt.Sprint(i), metres[i], 3-i)
				if v, _, ok := b.Apply("ana", &a, noon); !v.Counted || !ok {
					t.Fatalf("got %+v %v", v, ok)
				}
			}
			e, _ := b.Standing(0).Order().Get("ana")
			want := noon.Add(time.Duration(tt.reached-3) * time.Hour).UnixNano()
			if e.Score.String() != tt.score || e.At != want {
				t.Errorf("got %s at %s, want %s at %s", e.Score, time.Unix(0, e.At).UTC(), tt.score, time.Unix(0, want).UTC())
			}
		})
	}
}

// hoursAgo is an activity of half an hour that ended so many hours before noon.
func hoursAgo(t *testing.T, id string, metres float64, hours int) challenge.Activity {
	t.Helper()
	start := noon.Add(-time.Duration(hours)*time.Hour - 30*time.Minute).Format(time.RFC3339)
	return parse(t, strings.Replace(body(id, fmt.Sprintf(`,"totalDistance":%v`, metres)), "2026-05-01T11:30:00Z", start, 1))
}

// TestBoard_AnyOrder applies the same steps in many orders, with repetitions and
// in the middle of a rebuild: the board must not differ.
func TestBoard_AnyOrder(t *testing.T) {
	type handed struct {
		user    string
		a       challenge.Activity
		arrived time.Time
	}
	for _, aggregate := range []challenge.Aggregate{challenge.Sum, challenge.Best, challenge.Last, challenge.Count} {
		t.Run("OK/"+string(aggregate), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(5, 5))
			s := spec()
			s.Aggregate = aggregate
			var acts []handed
			for i := range 200 {
				acts = append(acts, handed{
					user: fmt.Sprintf("u%d", rnd.IntN(12)), arrived: noon.Add(time.Duration(i) * time.Second),
					a: hoursAgo(t, fmt.Sprintf("a%d", i), float64(rnd.IntN(5))*100.1, rnd.IntN(40)), // some are too early
				})
			}
			var want string
			for round := range 20 {
				b := challenge.NewBoard(s, 0)
				joins := func() {
					for i := range 11 { // u11 never joins
						b.SetJoined(fmt.Sprintf("u%d", i), true, 1)
					}
					b.SetJoined("u3", false, 2)
				}
				if round%2 == 0 {
					joins()
				}
				for _, h := range acts {
					b.Apply(h.user, &h.a, h.arrived)
					if rnd.IntN(3) == 0 {
						if _, _, applied := b.Apply(h.user, &h.a, h.arrived); applied {
							t.Fatal("an activity was applied twice")
						}
					}
				}
				for _, i := range []int{3, 50, 51} {
					for range 2 {
						if _, err := b.Withdraw(acts[indexOf(acts, func(h handed) bool { return h.a.ID == fmt.Sprintf("a%d", i) })].user, fmt.Sprintf("a%d", i)); err != nil {
							t.Fatal(err)
						}
					}
				}
				if round%2 == 1 {
					joins()
				}
				n, flagged, sum := b.Standing(0).Totals()
				got := fmt.Sprint(b.Standing(0).Order().Page(0, 100), b.Revision(), b.Updated(), n, flagged, sum, b.Participants())
				if want == "" {
					want = got
				}
				if got != want {
					t.Fatalf("round %d:\n got %s\nwant %s", round, got, want)
				}
				rnd.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
			}
		})
	}
}

func indexOf[T any](list []T, is func(T) bool) int { return slices.IndexFunc(list, is) }

func TestBoard_Find(t *testing.T) {
	b := challenge.NewBoard(spec(), 0)
	a := parse(t, body("a", `,"totalDistance":1`))
	b.Apply("ana", &a, noon)
	if k, ok := b.Find("ana", "a"); !ok || k.Body != a.Body || k.Withdrawn {
		t.Errorf("got %+v %v", k, ok)
	}
	if _, ok := b.Find("ben", "a"); ok {
		t.Error("ben has ana's activity")
	}
	if _, err := b.Withdraw("ben", "a"); fitness.KindOf(err) != fitness.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := b.Withdraw("ana", "b"); fitness.KindOf(err) != fitness.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestSpec_Normalize(t *testing.T) {
	var s challenge.Spec
	if err := json.Unmarshal([]byte(`{"title":"Far","organizer":"oli","startsAt":"2026-05-01T02:00:00+02:00","endsAt":"2026-06-01T00:00:00Z","teams":null}`), &s); err != nil {
		t.Fatal(err)
	}
	s, err := s.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	if s.Visibility != "invite" || s.Metric != "distance" || s.Aggregate != "sum" || s.Order != "desc" || !s.StartsAt.Equal(noon.Add(-12*time.Hour)) {
		t.Errorf("defaults: got %+v", s)
	}
	for st, at := range map[challenge.State]time.Time{
		challenge.Scheduled: s.StartsAt.Add(-1), challenge.Active: s.EndsAt, challenge.Ended: s.EndsAt.Add(1),
	} {
		if got := s.StateAt(at); got != st {
			t.Errorf("at %s: got %s, want %s", at, got, st)
		}
	}
	bad := challenge.Spec{
		Title: strings.Repeat("x", 201), Visibility: "secret", Metric: "smiles", Aggregate: "mean", Order: "up",
		Sports: append(slices.Repeat([]string{"running"}, 32), "a b"), Goal: -1,
	}
	_, err = bad.Normalize()
	for _, want := range []string{
		"title of 201 characters is over the limit of 200", "organizer is missing", `visibility "secret"`, `metric "smiles"`,
		`aggregate "mean"`, `order "up"`, "33 sports are over the limit of 32", `sports[32] "a b"`, "startsAt is missing", "endsAt is missing", "goal -1 is outside",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	far := spec()
	far.StartsAt, far.EndsAt = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err = far.Normalize(); err == nil || !strings.Contains(err.Error(), "startsAt is not in the years") || !strings.Contains(err.Error(), "endsAt is not in the years") {
		t.Errorf("times that cannot be written: got %v", err)
	}
	if err := json.Unmarshal([]byte(`{"metric":7}`), &s); err == nil {
		t.Error("a number was taken for a metric")
	}
}
