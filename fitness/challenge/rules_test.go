package challenge_test

import (
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

// endedAt is an activity of half an hour with a distance and an end.
func endedAt(t *testing.T, id string, metres float64, end time.Time) challenge.Activity {
	t.Helper()
	payload := fmt.Sprintf(`{"activityId":%q,"sport":"running","startTime":%q,"totalElapsedTime":1800,"totalDistance":%v}`,
		id, end.Add(-30*time.Minute).Format(time.RFC3339), metres)
	a, err := challenge.ParseActivity([]byte(payload), end)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func normal(t *testing.T, s challenge.Spec) challenge.Spec {
	t.Helper()
	s, err := s.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpec_NormalizeParts(t *testing.T) {
	tests := []struct {
		name   string
		change func(*challenge.Spec)
		want   string // "" = fine
	}{
		{"OK", func(s *challenge.Spec) {
			s.Period, s.TimeZone, s.Limits = challenge.Weekly, "Europe/Berlin", &challenge.Limits{PerDay: 1e4, PerActivity: 5e3}
			s.Awards = []challenge.AwardRule{{Threshold: 1e4}, {Kind: "distance", Threshold: 2e4}, {Kind: challenge.Streak, Threshold: 7}}
			s.Teams = []challenge.Team{{ID: "red", Members: []string{"ana"}}, {ID: "blue", Members: []string{"ben"}}}
		}, ""},
		{"ErrPeriod", func(s *challenge.Spec) { s.Period = "hourly" }, `period "hourly" is none of daily, weekly, monthly`},
		{"ErrZone", func(s *challenge.Spec) { s.TimeZone = "Mars/Olympus" }, `timeZone "Mars/Olympus" is not a name`},
		{"ErrLocal", func(s *challenge.Spec) { s.TimeZone = "Local" }, `timeZone "Local" is not a name`},
		{"ErrLimit", func(s *challenge.Spec) { s.Limits = &challenge.Limits{PerActivity: -1} }, "limits.perActivity -1 is outside"},
		{"ErrLimitAsc", func(s *challenge.Spec) {
			s.Order, s.Limits = leaderboard.Asc, &challenge.Limits{PerActivity: 1}
		}, "limits have no use where the lowest score leads"},
		{"ErrLimitDay", func(s *challenge.Spec) {
			s.Aggregate, s.Limits = challenge.Best, &challenge.Limits{PerDay: 1}
		}, "limits.perDay is for the aggregates sum and count, not best"},
		{"ErrAwardKind", func(s *challenge.Spec) { s.Awards = []challenge.AwardRule{{Kind: "steps", Threshold: 1}} }, `awards[0].kind "steps" is neither distance nor streak`},
		{"ErrAwardThreshold", func(s *challenge.Spec) { s.Awards = []challenge.AwardRule{{}} }, "awards[0].threshold 0 is outside"},
		{"ErrStreak", func(s *challenge.Spec) { s.Awards = []challenge.AwardRule{{Kind: challenge.Streak, Threshold: 1.5}} }, "awards[0].threshold 1.5 of a streak"},
		{"ErrAwards", func(s *challenge.Spec) { s.Awards = make([]challenge.AwardRule, 33) }, "33 awards are over the limit of 32"},
		{"ErrPoints", func(s *challenge.Spec) { s.Points = map[challenge.Metric]float64{"steps": 1} }, "points is for the metric points"},
		{"ErrPointsOf", func(s *challenge.Spec) {
			s.Metric, s.Points = challenge.Points, map[challenge.Metric]float64{"luck": 1}
		}, "points.luck is no metric"},
		{"ErrGoalOf", func(s *challenge.Spec) { s.GoalOf = "some" }, `goalOf "some" is neither all nor each`},
		{"ErrTeam", func(s *challenge.Spec) { s.Teams = []challenge.Team{{ID: "a b"}} }, `teams[0].id "a b" is not`},
		{"ErrTeamTwice", func(s *challenge.Spec) { s.Teams = []challenge.Team{{ID: "a"}, {ID: "a"}} }, "teams[1].id a stands there twice"},
		{"ErrTwoTeams", func(s *challenge.Spec) {
			s.Teams = []challenge.Team{{ID: "a", Members: []string{"ana"}}, {ID: "b", Members: []string{"ana"}}}
		}, `user "ana" of team b is in team a already`},
		{"ErrUnranked", func(s *challenge.Spec) { s.Unranked, s.GoalOf = true, challenge.GoalEach }, "unranked excludes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := spec()
			tt.change(&s)
			_, err := s.Normalize()
			if got := fitness.Message(err); (err != nil) != (tt.want != "") || err != nil && !strings.Contains(got, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSpec_Periods(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		period       challenge.Period
		zone, moment string
		name         string
		from, to     string
	}{
		{challenge.Daily, "", "2026-05-01T00:00:00Z", "2026-05-01", "2026-05-01T00:00:00Z", "2026-05-01T23:59:59.999999999Z"},
		{challenge.Daily, "America/New_York", "2026-05-02T03:59:59Z", "2026-05-01", "2026-05-01T04:00:00Z", "2026-05-02T03:59:59.999999999Z"},
		{challenge.Daily, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999999Z"}, // 23 hours
		{challenge.Daily, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59.999999999Z"}, // 25 hours
		{challenge.Daily, "Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T20:59:59.999999999Z"},  // no midnight that day
		{challenge.Weekly, "Europe/Berlin", "2026-06-07T21:59:59Z", "2026-06-01", "2026-05-31T22:00:00Z", "2026-06-07T21:59:59.999999999Z"},
		{challenge.Weekly, "", "2026-01-10T00:00:00Z", "2026-01-05", "2026-01-07T00:00:00Z", "2026-01-11T23:59:59.999999999Z"}, // cut by the start
		{challenge.Monthly, "Pacific/Auckland", "2026-02-28T11:00:00Z", "2026-03-01", "2026-02-28T11:00:00Z", "2026-03-31T10:59:59.999999999Z"},
		{challenge.Monthly, "", "2026-12-31T23:00:00Z", "2026-12-01", "2026-12-01T00:00:00Z", "2026-12-31T12:00:00Z"}, // cut by the end
	}
	for _, tt := range tests {
		t.Run("OK/"+string(tt.period)+"/"+tt.moment, func(t *testing.T) {
			s := spec()
			s.Period, s.TimeZone = tt.period, tt.zone
			s.StartsAt, s.EndsAt = at("2026-01-07T00:00:00Z"), at("2026-12-31T12:00:00Z")
			s = normal(t, s)
			p := s.PeriodAt(at(tt.moment))
			from, to := s.Bounds(p)
			if s.PeriodName(p) != tt.name || !from.Equal(at(tt.from)) || !to.Equal(at(tt.to)) {
				t.Errorf("got %s from %s to %s, want %s from %s to %s", s.PeriodName(p), from, to, tt.name, tt.from, tt.to)
			}
			if q, err := s.FindPeriod(tt.name); err != nil || q != p {
				t.Errorf("find: got %v %v", q, err)
			}
			if prev, ok := s.Previous(p); ok {
				if _, end := s.Bounds(prev); !end.Add(1).Equal(from) {
					t.Errorf("the period before ends at %s, this one begins at %s", end, from)
				}
			}
		})
	}
	s := spec()
	s.Period = challenge.Weekly
	for _, name := range []string{"", "2026-05-01", "2026-05-11", "1999-01-04", "x"} { // a Friday; after the end
		if _, err := s.FindPeriod(name); fitness.KindOf(err) != fitness.NotFound {
			t.Errorf("period %q: got %v, want not found", name, err)
		}
	}
}

func TestBoard_Limits(t *testing.T) {
	s := spec()
	s.StartsAt, s.Limits, s.TimeZone = noon.Add(-72*time.Hour), &challenge.Limits{PerActivity: 6000, PerDay: 10_000}, "Europe/Berlin"
	s = normal(t, s)
	day := time.Date(2026, 4, 29, 22, 30, 0, 0, time.UTC) // half past midnight in Berlin
	handed := []challenge.Activity{
		endedAt(t, "a", 7000, day), endedAt(t, "b", 3000, day.Add(time.Hour)),
		endedAt(t, "c", 2500, day.Add(2*time.Hour)), endedAt(t, "d", 50, day.Add(3*time.Hour)),
		endedAt(t, "e", 400, day.Add(-time.Hour)), // the day before
	}
	for round := range 10 {
		b := challenge.NewBoard(s, 0)
		b.SetJoined("ana", true, 1)
		for _, i := range rand.New(rand.NewPCG(uint64(round), 1)).Perm(len(handed)) {
			b.Apply("ana", &handed[i], noon)
		}
		e, _ := b.Standing(0).Order().Get("ana")
		_, _, sum := b.Standing(0).Totals()
		if e.Score.String() != "10400" || sum != e.Score || e.At != day.Add(2*time.Hour).UnixNano() {
			t.Fatalf("round %d: got %s at %s, sum %s; want 10400 when c ended", round, e.Score, time.Unix(0, e.At).UTC(), sum)
		}
	}
}

func TestBoard_Teams(t *testing.T) {
	tests := []struct {
		aggregate challenge.Aggregate
		want      string
	}{
		{challenge.Sum, "[1 red 900] [2 blue 800]"},
		{challenge.Best, "[1 blue 800] [2 red 500]"},
	}
	for _, tt := range tests {
		t.Run("OK/"+string(tt.aggregate), func(t *testing.T) {
			s := spec()
			s.Aggregate = tt.aggregate
			s.Teams = []challenge.Team{
				{ID: "red", Members: []string{"ana", "ben", "eve"}}, {ID: "blue", Members: []string{"cleo"}}, {ID: "grey", Members: []string{"dan"}},
			}
			b := challenge.NewBoard(normal(t, s), 0)
			for i, h := range []struct {
				user   string
				metres float64
			}{{"ana", 500}, {"ben", 400}, {"cleo", 800}, {"eve", 1000}, {"zoe", 1}} {
				if h.user != "eve" { // of the team, but does not take part
					b.SetJoined(h.user, true, 1)
				}
				a := endedAt(t, "a", h.metres, noon.Add(time.Duration(i)*time.Second))
				b.Apply(h.user, &a, noon.Add(time.Minute))
			}
			show := func(b *challenge.Board) string {
				var list []string
				for _, e := range b.Standing(0).Teams().Page(0, 10) {
					list = append(list, fmt.Sprintf("[%d %s %s]", e.Rank, e.UserID, e.Score))
				}
				return strings.Join(list, " ")
			}
			if got := show(b); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			b.Hold()
			b.Release()
			if got := show(b); got != tt.want {
				t.Errorf("made at once: got %s, want %s", got, tt.want)
			}
			b.SetJoined("cleo", false, 2)
			if got := show(b); strings.Contains(got, "blue") {
				t.Errorf("blue has nobody left: got %s", got)
			}
		})
	}
}

// TestBoard_AnyOrderPeriods hands in the same activities in many orders, with
// repetitions, reviews and withdrawals, and partly by a rebuild at once: boards,
// teams and the awards that do not speak of ranks must not differ.
func TestBoard_AnyOrderPeriods(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 10 {
		s := spec()
		s.Period = []challenge.Period{"", "daily", "weekly"}[rnd.IntN(3)]
		s.Aggregate = []challenge.Aggregate{"sum", "best", "last", "count"}[rnd.IntN(4)]
		s.TimeZone, s.Awards = "Pacific/Auckland", []challenge.AwardRule{{Threshold: 3}, {Threshold: 900}, {Kind: challenge.Streak, Threshold: 2}}
		s.Teams = []challenge.Team{{ID: "red", Members: []string{"u1", "u2"}}, {ID: "blue", Members: []string{"u3", "u4"}}}
		s.StartsAt, s.Goal = noon.Add(-30*time.Hour), 1200
		s.GoalOf = []string{challenge.GoalEach, challenge.GoalAll}[rnd.IntN(2)]
		if rnd.IntN(2) == 0 && (s.Aggregate == "sum" || s.Aggregate == "count") {
			s.Limits = &challenge.Limits{PerDay: 700}
		}
		s = normal(t, s)
		acts := make([]challenge.Activity, 120)
		users := make([]string, len(acts))
		for i := range acts {
			users[i] = fmt.Sprintf("u%d", rnd.IntN(7))
			acts[i] = endedAt(t, fmt.Sprintf("a%d", i), float64(rnd.IntN(5))*100.1, noon.Add(-time.Duration(rnd.IntN(36*60))*time.Minute))
		}
		want, wantAwards := "", ""
		for round := range 8 {
			got, awards := inOrder(t, rnd, s, users, acts, round)
			if want == "" {
				want, wantAwards = got, awards
			}
			if got != want || awards != wantAwards {
				t.Fatalf("seed %d, %s %s:\n got %s\n     %s\nwant %s\n     %s", seed, s.Period, s.Aggregate, got, awards, want, wantAwards)
			}
		}
	}
}

// inOrder hands the activities in in some order and shows what became of them.
func inOrder(t *testing.T, rnd *rand.Rand, s challenge.Spec, users []string, acts []challenge.Activity, round int) (board, awards string) {
	t.Helper()
	b := challenge.NewBoard(s, 0)
	for i := range 6 { // u6 never joins
		b.SetJoined(fmt.Sprintf("u%d", i), true, 1)
	}
	var given []string
	restart := rnd.IntN(len(acts))
	var done []int
	for n, i := range rnd.Perm(len(acts)) {
		if n == restart { // a new board of what there is, as after a start
			fresh := challenge.NewBoard(s, 0)
			fresh.CopyAwards(b)
			b.Each(func(u string, joined bool, changes uint32) { fresh.SetJoined(u, joined, changes) })
			fresh.Hold()
			for _, j := range done {
				fresh.Apply(users[j], &acts[j], noon)
			}
			fresh.Release()
			b = fresh
		}
		for range 1 + rnd.IntN(2) {
			b.Apply(users[i], &acts[i], noon)
		}
		done = append(done, i)
		for more := b.GiveOwed(rnd.IntN(3)); more && len(done) == len(acts); {
			more = b.GiveOwed(1)
		}
		for _, a := range b.TakeAwards() {
			switch a.Kind {
			case challenge.Overtaken, challenge.LeadTaken, challenge.RankUp, challenge.PersonalBest:
			default:
				given = append(given, a.User+" "+a.Key())
			}
		}
	}
	for i := range 10 {
		if _, err := b.Withdraw(users[i], acts[i].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Review(users[i+5], acts[i+5].ID, i%2 == 0, 1, noon); err != nil {
			t.Fatal(err)
		}
	}
	if round%2 == 1 {
		b.Hold()
		b.Release()
	}
	out := fmt.Sprint(b.Revision(), b.Participants(), b.Updated())
	for _, p := range b.Periods() {
		st := b.Standing(p)
		n, flagged, sum := st.Totals()
		out += fmt.Sprint("\n", p, st.Order().Page(0, 100), st.Teams().Page(0, 9), n, flagged, sum, b.Reached(p))
	}
	slices.Sort(given)
	if len(slices.Compact(slices.Clone(given))) != len(given) {
		t.Fatalf("an award was given twice: %q", given)
	}
	return out, strings.Join(given, ", ")
}

// BenchmarkBoard_Apply1M applies one more activity to a challenge of a million,
// with awards, a time zone and everybody's rank.
func BenchmarkBoard_Apply1M(b *testing.B) {
	s := spec()
	s.TimeZone, s.Period = "Europe/Berlin", challenge.Weekly
	s.Awards = []challenge.AwardRule{{Threshold: 10_000}, {Threshold: 50_000}}
	s, err := s.Normalize()
	if err != nil {
		b.Fatal(err)
	}
	a, err := challenge.ParseActivity([]byte(body("a", `,"totalDistance":5000`)), noon)
	if err != nil {
		b.Fatal(err)
	}
	board := challenge.NewBoard(s, 0)
	users := make([]string, 1_000_000)
	board.Hold()
	for i := range users {
		users[i] = fmt.Sprintf("user-%07d", i)
		board.SetJoined(users[i], true, 1)
		a.Start = noon.Add(-time.Hour + time.Duration(i))
		board.Apply(users[i], &a, noon)
	}
	board.Release()
	rnd := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		a.ID = fmt.Sprint(i)
		if _, _, applied := board.Apply(users[rnd.IntN(len(users))], &a, noon); !applied {
			b.Fatal("not applied")
		}
		if i%1000 == 0 {
			board.TakeAwards()
		}
	}
}
