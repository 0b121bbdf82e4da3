package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/store"
)

// awards lists what a log with the ids of records has kept of the awards: what
// was handed to it again is dropped. topic is the feed's or a user's.
func (w *world) awards(topic string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]string{}
	var list []string
	for _, m := range w.sent {
		if m.Topic != topic {
			continue
		}
		var a engine.Achievement
		_ = json.Unmarshal(m.Payload, &a) // ours
		line := strings.TrimSuffix(fmt.Sprintf("%s %s %s", a.UserID, a.Kind, a.Threshold), " ")
		if m.RecordID == "" || len(m.RecordID) > 256 {
			w.t.Errorf("%s: the record's id is %q", line, m.RecordID)
		}
		old, again := seen[m.RecordID]
		if again && old != string(m.Payload) {
			w.t.Errorf("one record id for %s and %s", old, m.Payload)
		}
		if seen[m.RecordID] = string(m.Payload); !again {
			list = append(list, line)
		}
	}
	return list
}

// crash ends the process: what was not saved is gone, and the log is applied again.
func (w *world) crash() { w.start() }

func (w *world) at(text string) {
	w.t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	must(w.t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = at.UTC()
}

// TestEngine_TenAthletes is two days of a challenge in Auckland, thirteen hours
// ahead of UTC, that starts anew every day: with late, repeated, withdrawn and
// implausible activities, and crashes in between.
func TestEngine_TenAthletes(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.at("2026-03-02T06:00:00Z") // 19:00 in Auckland
	_, _, err := w.PutChallenge(ctx, actor("oli"), "c1", engine.ChallengeSpec{
		Title: "Ten", Organizer: "oli", Metric: "distance", Period: "daily", TimeZone: "Pacific/Auckland",
		StartsAt: w.clock().Add(-12 * time.Hour), EndsAt: w.clock().Add(7 * 24 * time.Hour),
		Awards: []challenge.AwardRule{{Threshold: 10_000, Title: "Ten kilometres"}, {Kind: challenge.Streak, Threshold: 2}},
		Teams:  []challenge.Team{{ID: "north", Members: []string{"a0", "a1", "a2"}}, {ID: "south", Name: "The South", Members: []string{"a3", "a4"}}},
	})
	must(t, err)
	for i := range 10 {
		must(t, w.PutParticipant(ctx, actor("oli"), "c1", fmt.Sprintf("a%d", i)))
	}
	w.pass(time.Second)
	hand := func(user, id string, metres float64, end string) engine.Outcome {
		t.Helper()
		at, err := time.Parse(time.RFC3339, end)
		must(t, err)
		return w.publish(sender(user, user), act("c1"), w.ended(id, metres, at))
	}
	for i := range 10 { // each a little less than the one before
		hand(fmt.Sprintf("a%d", i), "evening", 5000-float64(i), "2026-03-02T05:50:00Z")
	}
	hand("a9", "implausible", 30_000, "2026-03-02T05:55:00Z") // 16 m/s on foot
	if out := hand("a9", "implausible", 30_000, "2026-03-02T05:55:00Z"); out.Code != 0 || out.Log {
		t.Errorf("a repeat: got %+v", out)
	}
	w.crash()
	w.pass(time.Second)
	first := state[engine.Board](w, "challenge/c1/leaderboard")
	if got := lines(first.Entries)[0]; got != "1 a9 34991" || first.Period != "2026-03-02" || first.Total != 10 {
		t.Errorf("before the review: got %s in %s of %d", got, first.Period, first.Total)
	}
	flagged, next, err := w.Activities(ctx, actor("oli"), "c1", true, "", 0)
	must(t, err)
	if len(flagged) != 1 || next != "" || flagged[0].ActivityID != "implausible" || !flagged[0].Counted || !strings.Contains(flagged[0].Flags[0], "over the limit of 7 m/s") {
		t.Fatalf("flagged: got %+v", flagged)
	}
	reviewed, err := w.ReviewActivity(ctx, actor("oli"), "c1", "a9", "implausible", false)
	must(t, err)
	if reviewed.Counted || reviewed.Review == nil || reviewed.Review.By != "oli" {
		t.Errorf("reviewed: got %+v", reviewed)
	}

	w.at("2026-03-02T11:30:00Z") // half past midnight in Auckland: the next day
	w.crash()
	w.pass(time.Second)
	fresh := state[engine.Board](w, "challenge/c1/leaderboard")
	if fresh.Period != "2026-03-03" || len(fresh.Entries) != 0 || w.raw("challenge/c1/rank/a9") != "" {
		t.Errorf("the new day: got %+v and rank %s", fresh, w.raw("challenge/c1/rank/a9"))
	}
	hand("a1", "late", 6000, "2026-03-02T10:30:00Z")  // of the evening before
	hand("a2", "today", 7000, "2026-03-02T11:29:00Z") // in UTC the same day
	must(t, w.WithdrawActivity(ctx, actor("a0"), "c1", "a0", "evening"))
	wantRefused(t, hand("a0", "evening", 5000, "2026-03-02T05:50:00Z"), 0x83, "was withdrawn")
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 a2 7000")
	old, err := w.Leaderboard("c1", engine.BoardQuery{Period: "2026-03-02", Limit: 3})
	must(t, err)
	wantLines(t, lines(old.Entries), "1 a1 10999", "2 a2 4998", "3 a3 4997")
	if len(old.Teams) != 2 || old.Teams[0].TeamID != "north" || old.Teams[0].Score.String() != "15997" || old.Teams[1].Name != "The South" || old.Teams[1].Score.String() != "9993" {
		t.Errorf("teams: got %+v", old.Teams)
	}
	st := state[engine.ChallengeStatus](w, "challenge/c1/status")
	if st.Current == nil || st.Current.Period != "2026-03-03" || st.Previous == nil || lines(st.Previous.Winners)[0] != "1 a1 10999" || st.TimeLeft > 24*3600 {
		t.Errorf("status: got %+v", st)
	}
	feed := w.awards("challenge/c1/achievements")
	for _, want := range []string{"a9 distance 10000", "a9 leadTaken 1", "a1 distance 10000", "a2 streak 2", "a3 challengeJoined 0"} {
		if n := len(slices.DeleteFunc(slices.Clone(feed), func(s string) bool { return s != want })); n != 1 {
			t.Errorf("award %q: got it %d times in %q", want, n, feed)
		}
	}
	if mine := w.awards("user/a0/achievement"); !slices.Contains(mine, "a0 overtaken 1") || slices.Contains(feed, "a0 overtaken 1") {
		t.Errorf("a0 was overtaken: got %q, and the feed %q", mine, feed)
	}

	w.at("2026-03-04T10:59:00Z") // a day and a night later nothing counts for the first day
	wantRefused(t, hand("a5", "forgotten", 9000, "2026-03-02T10:30:00Z"), 0x83, "belongs to the period 2026-03-02, which takes no activities since 2026-03-03T10:59:59Z")
	report, err := w.RebuildChallenge(ctx, admin, "c1")
	must(t, err)
	if !report.Identical || report.Periods != 2 || report.Ranked != 10 {
		t.Errorf("rebuilt: got %+v", report)
	}
	again, err := w.Leaderboard("c1", engine.BoardQuery{Period: "2026-03-02", Limit: 3})
	must(t, err)
	wantLines(t, lines(again.Entries), lines(old.Entries)...)
}

// TestEngine_AnyInterleaving hands the same activities in in many orders, with
// repetitions, saves and crashes at random moments: the boards must be the same
// bytes, and the awards that do not speak of ranks the same, each once.
func TestEngine_AnyInterleaving(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	type handed struct{ user, body string }
	var acts []handed
	base := newWorld(t)
	for i := range 60 {
		user := fmt.Sprintf("u%d", rnd.IntN(8))
		end := base.clock().Add(-time.Duration(rnd.IntN(23*60)) * time.Minute)
		acts = append(acts, handed{user, base.ended(fmt.Sprintf("a%d", i), float64(rnd.IntN(4)*1000), end)})
	}
	var want string
	for range 12 {
		w := newWorld(t)
		spec := w.spec()
		spec.Period, spec.TimeZone = "daily", "America/New_York"
		spec.Awards = []challenge.AwardRule{{Threshold: 2000}, {Threshold: 5000}, {Kind: challenge.Streak, Threshold: 2}}
		_, _, err := w.PutChallenge(context.Background(), admin, "c1", spec)
		must(t, err)
		for i := range 8 {
			must(t, w.PutParticipant(context.Background(), admin, "c1", fmt.Sprintf("u%d", i)))
		}
		for _, i := range rnd.Perm(len(acts)) {
			for range 1 + rnd.IntN(2) {
				w.publish(sender(acts[i].user, acts[i].user), act("c1"), acts[i].body)
			}
			switch rnd.IntN(12) {
			case 0:
				must(t, w.Checkpoint(context.Background()))
			case 1:
				w.crash()
			}
		}
		w.crash()
		w.pass(time.Second)
		got := w.bytes("c1")
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("seed %d:\n got %s\nwant %s", seed, got, want)
		}
		report, err := w.RebuildChallenge(context.Background(), admin, "c1")
		must(t, err)
		if !report.Identical {
			t.Fatalf("seed %d: rebuilt: %+v", seed, report)
		}
	}
}

// bytes is every board of a challenge with the awards of its feed that do not
// depend on the order of arrival.
func (w *world) bytes(id string) string {
	w.t.Helper()
	var out []string
	for _, p := range []string{"2026-04-30", "2026-05-01"} {
		b, err := w.Leaderboard(id, engine.BoardQuery{Period: p, Limit: 1000})
		must(w.t, err)
		text, err := json.Marshal(b)
		must(w.t, err)
		out = append(out, string(text))
	}
	feed := slices.DeleteFunc(w.awards("challenge/"+id+"/achievements"), func(s string) bool {
		return strings.Contains(s, "leadTaken") || strings.Contains(s, "personalBest") || strings.Contains(s, "rankUp")
	})
	slices.Sort(feed)
	return strings.Join(append(out, feed...), "\n")
}

// TestEngine_AwardsOnce crashes before the log has an award, which is handed to
// it again, and after, when it is not.
func TestEngine_AwardsOnce(t *testing.T) {
	w := newWorld(t)
	w.lose = true
	spec := w.spec()
	spec.Awards = []challenge.AwardRule{{Threshold: 1000, Title: "One"}}
	_, _, err := w.PutChallenge(context.Background(), admin, "c1", spec)
	must(t, err)
	must(t, w.PutParticipant(context.Background(), admin, "c1", "ana"))
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 1500))
	for range 3 {
		w.crash()
		must(t, w.Checkpoint(context.Background()))
		w.pass(time.Second)
		wantLines(t, w.awards("user/ana/achievement")) // lost before the log had them
	}
	w.lose = false
	w.crash()
	w.pass(time.Second)
	must(t, w.Checkpoint(context.Background()))
	wantLines(t, w.awards("user/ana/achievement"), "ana distance 1000", "ana challengeJoined 0")
	var a engine.Achievement
	for _, m := range w.sent {
		if m.Topic == "user/ana/achievement" && strings.Contains(string(m.Payload), `"distance"`) {
			must(t, json.Unmarshal(m.Payload, &a))
		}
	}
	if a.Title != "One" || a.Value.String() != "1500" || a.Unit != "m" || a.ChallengeID != "c1" || len(a.AchievementID) != 32 || a.ActivityID != "a1" || a.Name != "Ana" {
		t.Errorf("got %+v", a)
	}
	before := w.count("user/ana/achievement")
	w.crash()
	w.pass(time.Second)
	if got := w.count("user/ana/achievement"); got != before {
		t.Errorf("the log has them: handed in again %d times", got-before)
	}
	for key, row := range w.tables.m["awards"] {
		if len(row.Data) != 8 {
			t.Errorf("%s still has the text: %q", key, row.Data)
		}
	}
	must(t, w.WithdrawActivity(context.Background(), actor("ana"), "c1", "ana", "a1"))
	w.publish(sender("ana", "a"), act("c1"), w.activity("a2", 1500)) // reached again
	must(t, w.DeleteParticipant(context.Background(), actor("ana"), "c1", "ana"))
	must(t, w.PutParticipant(context.Background(), admin, "c1", "ana"))
	wantLines(t, w.awards("user/ana/achievement"), "ana distance 1000", "ana challengeJoined 0")

	must(t, w.DeleteChallenge(context.Background(), admin, "c1"))
	for _, table := range []string{"awards", "flagged", "activities"} {
		if keys := w.tables.keys(table); len(keys) != 0 {
			t.Errorf("%s: got %q", table, keys)
		}
	}
	_, _, err = w.PutChallenge(context.Background(), admin, "c1", spec)
	must(t, err)
	must(t, w.PutParticipant(context.Background(), admin, "c1", "ana"))
	if got := w.awards("user/ana/achievement"); len(got) != 3 {
		t.Errorf("a successor's awards are its own: got %q", got)
	}
}

func TestEngine_Reviews(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana", "ben")
	for i := range 5 {
		w.publish(sender("ana", "a"), act("c1"), w.activity(fmt.Sprintf("odd/%d", i), 30_000))
		w.publish(sender("ben", "b"), act("c1"), w.activity(fmt.Sprintf("b%d", i), 100))
	}
	var got []string
	after := ""
	for {
		list, next, err := w.Activities(ctx, actor("oli"), "c1", true, after, 2)
		must(t, err)
		for _, a := range list {
			got = append(got, a.UserID+" "+a.ActivityID)
		}
		if after = next; next == "" {
			break
		}
	}
	slices.Sort(got) // within a user the order is that of the keys, not of the ids
	wantLines(t, got, "ana odd/0", "ana odd/1", "ana odd/2", "ana odd/3", "ana odd/4")
	all, _, err := w.Activities(ctx, admin, "c1", false, "", 0)
	must(t, err)
	if len(all) != 10 || !strings.Contains(string(all[9].Activity), `"activityId":"b4"`) {
		t.Errorf("all: got %d, the last %+v", len(all), all[len(all)-1])
	}
	for _, counted := range []bool{false, false, true, false} {
		_, err := w.ReviewActivity(ctx, actor("oli"), "c1", "ana", "odd/0", counted)
		must(t, err)
	}
	w.pass(time.Second)
	before := w.raw("challenge/c1/leaderboard")
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ana 120000", "2 ben 500")
	if st := state[engine.ChallengeStatus](w, "challenge/c1/status"); st.Flagged != 4 || st.Activities != 9 {
		t.Errorf("status: got %+v", st)
	}
	w.crash()
	w.pass(time.Second)
	if after := w.raw("challenge/c1/leaderboard"); after != before {
		t.Errorf("after a crash:\n got %s\nwant %s", after, before)
	}
	_, _, err = w.Activities(ctx, actor("ana"), "c1", true, "", 0)
	wantKind(t, err, fitness.Forbidden, "only the organizer")
	_, err = w.ReviewActivity(ctx, actor("ana"), "c1", "ana", "odd/0", true)
	wantKind(t, err, fitness.Forbidden, "only the organizer")
	_, err = w.ReviewActivity(ctx, admin, "c1", "ana", "none", true)
	wantKind(t, err, fitness.NotFound, "there is no activity none of ana")
}

func TestEngine_RebuildChallenge(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.challenge("c1", "ana", "ben")
	w.publish(sender("ana", "a"), act("c1"), w.activity("a1", 3000))
	w.publish(sender("ben", "b"), act("c1"), w.activity("b1", 2000))
	same, err := w.RebuildChallenge(ctx, admin, "c1")
	must(t, err)
	if !same.Identical || same.Ranked != 2 || len(same.Digest) != 64 {
		t.Errorf("got %+v", same)
	}
	_, err = w.RebuildChallenge(ctx, actor("oli"), "c1")
	wantKind(t, err, fitness.Forbidden, "rebuilt by administrators")
	// Somebody has tampered with the table: the report says what differs.
	must(t, w.tables.Delete(ctx, "activities", "c1/ana/a1", store.Any))
	other, err := w.RebuildChallenge(ctx, admin, "c1")
	must(t, err)
	if other.Identical || other.Digest == same.Digest || len(other.Differences) != 4 || !strings.Contains(other.Differences[2].Present, "ana") || !strings.Contains(other.Differences[2].Rebuilt, "ben") {
		t.Errorf("got %+v", other)
	}
	w.pass(time.Second)
	wantLines(t, lines(state[engine.Board](w, "challenge/c1/leaderboard").Entries), "1 ben 2000")
	if w.raw("challenge/c1/rank/ana") != "" {
		t.Error("ana still has a rank")
	}
}

func TestEngine_LeaderboardPages(t *testing.T) {
	w := newWorld(t)
	w.challenge("c1")
	var want []string
	for i := range 30 { // many with the same score
		user := fmt.Sprintf("u%02d", i)
		must(t, w.PutParticipant(context.Background(), admin, "c1", user))
		w.publish(sender(user, user), act("c1"), w.activity("a", float64(1000-i/10)))
		want = append(want, fmt.Sprintf("%d %s %d", i+1, user, 1000-i/10))
	}
	var got []string
	q := engine.BoardQuery{Limit: 7}
	for {
		b, err := w.Leaderboard("c1", q)
		must(t, err)
		got = append(got, lines(b.Entries)...)
		if q.After = b.Next; q.After == "" {
			break
		}
	}
	wantLines(t, got, want...)
	around, err := w.Leaderboard("c1", engine.BoardQuery{Around: "u15", Limit: 5})
	must(t, err)
	wantLines(t, lines(around.Entries), want[13:18]...)
	_, err = w.Leaderboard("c1", engine.BoardQuery{After: "7"})
	wantKind(t, err, fitness.Invalid, `after "7" is not a cursor`)
	_, err = w.Leaderboard("c1", engine.BoardQuery{Period: "2026-05-01"})
	wantKind(t, err, fitness.NotFound, "no period")
}

func TestEngine_Goals(t *testing.T) {
	w := newWorld(t)
	spec := w.spec()
	spec.Goal, spec.Unranked = 4000, true
	_, _, err := w.PutChallenge(context.Background(), admin, "all", spec)
	must(t, err)
	spec.GoalOf, spec.Unranked, spec.Goal = challenge.GoalEach, false, 2000
	_, _, err = w.PutChallenge(context.Background(), admin, "each", spec)
	must(t, err)
	for _, id := range []string{"all", "each"} {
		for i, user := range []string{"ana", "ben"} {
			must(t, w.PutParticipant(context.Background(), admin, id, user))
			w.publish(sender(user, user), act(id), w.activity("a", float64(1000+1000*i)))
		}
	}
	w.pass(time.Second)
	all, each := state[engine.ChallengeStatus](w, "challenge/all/status"), state[engine.ChallengeStatus](w, "challenge/each/status")
	if all.GoalProgress != 0.75 || all.Sum.String() != "3000" || each.GoalProgress != 0.5 || each.GoalReached != 1 {
		t.Errorf("got %+v and %+v", all, each)
	}
	if b := state[engine.Board](w, "challenge/all/leaderboard"); b.Total != 0 || w.raw("challenge/all/rank/ana") != "" {
		t.Errorf("a goal without a ranking has a board: %+v", b)
	}
	wantLines(t, w.awards("user/ben/achievement"), "ben challengeJoined 0", "ben challengeJoined 0", "ben challengeCompleted 2000", "ben leadTaken 1")

	// The common goal is everybody's who has brought something, now or later.
	for _, user := range []string{"cleo", "dan"} {
		must(t, w.PutParticipant(context.Background(), admin, "all", user))
	}
	w.publish(sender("ana", "ana"), act("all"), w.activity("b", 1500))
	w.start() // before the tick that tells it
	w.pass(time.Second)
	w.publish(sender("cleo", "cleo"), act("all"), w.activity("a", 10))
	w.pass(time.Second)
	must(t, w.Checkpoint(context.Background()))
	w.start()
	w.pass(time.Second)
	got := w.awards("challenge/all/achievements")
	slices.Sort(got)
	var completed []string
	for _, a := range got {
		if strings.Contains(a, "challengeCompleted") {
			completed = append(completed, a)
		}
	}
	wantLines(t, completed, "ana challengeCompleted 4000", "ben challengeCompleted 4000", "cleo challengeCompleted 4000")
}
