package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

// run has the user go on for so many seconds at a speed from a distance.
func (w *world) run(sid, user string, seconds int, metres, speed float64) {
	w.t.Helper()
	for i := range seconds {
		out := w.publish(sender(user, "watch-"+user), "session/"+sid+"/progress/"+user,
			w.sample(int(w.clock().Unix()), fmt.Sprintf(`"distance":%v,"heartRate":150`, metres+float64(i)*speed)))
		if out.Code != 0 {
			w.t.Fatalf("second %d: %+v", i, out)
		}
		w.pass(time.Second)
	}
}

// join connects the user's watch and subscribes to the session and to the user's own.
func (w *world) join(sid, user string) engine.Sender {
	s := sender(user, "watch-"+user)
	w.Connected(s)
	w.Subscribed(s, "user/"+user+"/#")
	w.Subscribed(s, "session/"+sid+"/#")
	return s
}

// milestones lists what a topic was told: the content of notifications, the figures
// of events.
func (w *world) milestones(topic string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := []string{}
	for _, m := range w.sent {
		var v struct {
			Type, Kind, Content, UserID string
			Data                        struct {
				SessionID, Milestone, Unit string
				Value                      float64
			}
		}
		if m.Topic != topic || json.Unmarshal(m.Payload, &v) != nil {
			continue
		}
		switch v.Type {
		case "notification":
			if v.Kind != "milestone" || v.Data.SessionID == "" || v.Data.Milestone == "" {
				w.t.Errorf("not the notification of a milestone: %s", m.Payload)
			}
			list = append(list, v.Content)
		case engine.EventMilestone:
			list = append(list, fmt.Sprintf("%s %s %g %s", v.UserID, v.Data.Milestone, v.Data.Value, v.Data.Unit))
		}
	}
	return list
}

func TestEngine_Milestones(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.session("s1")
	w.join("s1", "ben")
	w.run("s1", "ben", 600, 0, 4)
	want := []string{"Heart-rate zone 3", "1 km in 4:10", "2 km in 8:20"}
	wantLines(t, w.milestones("user/ben/notification"), want...)

	// Killed after it was told and before that was saved: what comes again is the same.
	must(t, w.Checkpoint(ctx))
	w.publish(sender("ben", "watch-ben"), "session/s1/progress/ben", w.sample(int(w.clock().Unix()), `"distance":2400,"heartRate":150`))
	w.pass(time.Second)
	want = append(want, "10 minutes, 2.40 km")
	wantLines(t, w.milestones("user/ben/notification"), want...)
	w.start()
	w.join("s1", "ben")
	w.run("s1", "ben", 160, 2404, 4)
	wantLines(t, w.milestones("user/ben/notification"), append(want, "3 km in 12:30")...)
	wantLines(t, w.milestones("session/s1/events"), "ben heartRateZone 3 zone", "ben distance 1 km", "ben distance 2 km", "ben duration 10 min", "ben distance 3 km")
}

// Who thinks in miles is told miles, and who wants none is told nothing; the session
// is told all the same.
func TestEngine_MilestonesByPreference(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.session("s1")
	_, err := w.PutPreferences(ctx, actor("ben"), "ben", engine.Preferences{Units: "mile", MaxHeartRate: 240})
	must(t, err)
	quiet := engine.Preferences{}
	quiet.Notifications.Off = []string{"milestone"}
	_, err = w.PutPreferences(ctx, actor("cleo"), "cleo", quiet)
	must(t, err)
	w.join("s1", "ben")
	w.join("s1", "cleo")
	w.run("s1", "ben", 420, 0, 4)
	w.run("s1", "cleo", 260, 0, 4)
	wantLines(t, w.milestones("user/ben/notification"), "Heart-rate zone 2", "1 mi in 6:43")
	wantLines(t, w.milestones("user/cleo/notification"))
	wantLines(t, w.milestones("session/s1/events"), "ben heartRateZone 2 zone", "ben distance 1 mi", "cleo heartRateZone 3 zone", "cleo distance 1 km")
}

// The roster says where everybody's heart-rate zones end, and says it anew when
// that changes.
func TestEngine_RosterZones(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.session("s1")
	_, err := w.PutPreferences(ctx, actor("ben"), "ben", engine.Preferences{MaxHeartRate: 178})
	must(t, err)
	w.join("s1", "ben")
	w.join("s1", "cleo")
	zones := func() map[string]float64 {
		w.pass(time.Second)
		got := map[string]float64{}
		for _, p := range state[engine.Roster](w, "session/s1/participants").Participants {
			got[p.UserID] = p.ZonesMaxHeartRate
		}
		return got
	}
	if got, want := zones(), map[string]float64{"ben": 178, "cleo": 190}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	_, err = w.PutPreferences(ctx, actor("cleo"), "cleo", engine.Preferences{MaxHeartRate: 201})
	must(t, err)
	must(t, w.DeletePreferences(ctx, actor("ben"), "ben"))
	if got, want := zones(), map[string]float64{"ben": 190, "cleo": 201}; !maps.Equal(got, want) {
		t.Errorf("after a change: got %v, want %v", got, want)
	}
	revision := state[engine.Roster](w, "session/s1/participants").Revision
	_, err = w.PutPreferences(ctx, actor("cleo"), "cleo", engine.Preferences{MaxHeartRate: 201, Units: "mile"})
	must(t, err)
	zones()
	if got := state[engine.Roster](w, "session/s1/participants").Revision; got != revision {
		t.Errorf("the roster came again, revision %d after %d, though no zones have changed", got, revision)
	}
}

// A second workout is held against what the first one has left.
func TestEngine_PersonalBests(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.session("s1")
	w.join("s1", "ben")
	w.run("s1", "ben", 300, 0, 4)
	must(t, w.Control(ctx, admin, "s1", "end", ""))
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	w.start()
	w.session("s2")
	w.join("s2", "ben")
	w.run("s2", "ben", 2, 0, 5)
	must(t, w.Checkpoint(ctx)) // reads the records, as Run does every second
	w.run("s2", "ben", 300, 10, 5)
	told := strings.Join(w.milestones("session/s2/events"), ", ")
	if want := "ben distance 1 km, ben personalBest 200 s, ben personalBest 1200 m"; !strings.Contains(told, want) {
		t.Errorf("got %s, want %s in it", told, want)
	}
}

func TestEngine_Summaries(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.session("s1")
	for _, user := range []string{"ana", "ben", "cleo"} {
		w.join("s1", user)
	}
	w.run("s1", "ben", 300, 0, 4)
	w.run("s1", "cleo", 10, 0, 3)
	live, err := w.Summary(ctx, "s1", "ben")
	must(t, err)
	if live.Final || live.Distance.Units() != 1196 || live.Timer != 299 || live.BestKm != 250 || live.AvgHeartRate.Units() != 150 {
		t.Errorf("while it goes on: got %+v", live)
	}
	// Who leaves for good has theirs at once.
	w.Unsubscribed(sender("cleo", "watch-cleo"), "session/s1/#")
	mine, _, err := w.Workouts(ctx, actor("cleo"), "cleo", "", 0)
	must(t, err)
	if len(mine) != 1 || mine[0].Final || mine[0].Distance.Units() != 27 {
		t.Errorf("cleo left: got %+v", mine)
	}
	must(t, w.Control(ctx, actor("ana"), "s1", "end", ""))

	// Killed before anything of it was saved.
	w.start()
	w.Recall(engine.Inbound{Sender: sender("ben", "watch-ben"), Topic: "session/s1/progress/ben", At: w.clock(),
		Payload: []byte(w.sample(int(w.clock().Unix())-20, `"distance":1196`))})
	w.pass(time.Second)
	must(t, w.Checkpoint(ctx))
	w.start()
	list, next, err := w.Summaries(ctx, "s1", "", 1)
	must(t, err)
	if len(list) != 1 || next != "ben" || !list[0].Final || list[0].UserID != "ben" || list[0].Rank != 1 || list[0].Name != "Ben" || list[0].Title != "Track" {
		t.Errorf("got %+v next %q, want ben's, the first of the session", list, next)
	}
	list, next, err = w.Summaries(ctx, "s1", next, 1)
	must(t, err)
	if len(list) != 1 || next != "" || list[0].UserID != "cleo" || list[0].Ranked != 2 {
		t.Errorf("got %+v next %q, want cleo's and no more", list, next)
	}
	_, err = w.Summary(ctx, "s1", "ana")
	wantKind(t, err, fitness.NotFound, "ana has sent no samples")
	_, _, err = w.Summaries(ctx, "none", "", 0)
	wantKind(t, err, fitness.NotFound, "none")

	must(t, w.DeleteSession(ctx, admin, "s1"))
	if left := w.tables.keys("summaries"); len(left) != 0 {
		t.Errorf("a deleted session leaves %v", left)
	}
	mine, _, err = w.Workouts(ctx, actor("ben"), "ben", "", 0)
	must(t, err)
	if len(mine) != 1 {
		t.Errorf("the user's own history: got %+v, want it kept", mine)
	}
}

func TestEngine_Workouts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	for i := range 5 {
		sid := fmt.Sprintf("s%d", i)
		w.session(sid)
		w.join(sid, "ben")
		w.run(sid, "ben", 3, float64(100*i), 3)
		must(t, w.Control(ctx, admin, sid, "end", ""))
		w.pass(time.Minute)
	}
	var got []string
	for after, page := "", 0; page == 0 || after != ""; page++ {
		list, next, err := w.Workouts(ctx, actor("ben"), "ben", after, 2)
		must(t, err)
		for _, x := range list {
			got = append(got, x.SessionID)
		}
		after = next
	}
	wantLines(t, got, "s4", "s3", "s2", "s1", "s0")
	_, _, err := w.Workouts(ctx, actor("tess"), "ben", "", 0)
	wantKind(t, err, fitness.Forbidden, "their trainers")
	must(t, w.PutLink(ctx, actor("ben"), "tess", "ben"))
	_, _, err = w.Workouts(ctx, actor("tess"), "ben", "", 0)
	must(t, err)
	_, _, err = w.Workouts(ctx, admin, "b/n", "", 0)
	wantKind(t, err, fitness.Invalid, "is not 1 to 64")
}

// A removed participant is off the leaderboard and stays out, and keeps what they did.
func TestEngine_RemovedKeepsHistory(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.session("s1")
	s := w.join("s1", "ben")
	w.run("s1", "ben", 5, 0, 3)
	must(t, w.DeleteMember(ctx, actor("ana"), "s1", "ben"))
	w.Subscribed(s, "session/s1/events")
	wantRefused(t, w.publish(s, "session/s1/progress/ben", w.sample(99, `"distance":50`)), 0x87, "not a member")
	must(t, w.Control(ctx, admin, "s1", "end", ""))
	w.pass(time.Second)
	list, _, err := w.Workouts(ctx, actor("ben"), "ben", "", 0)
	must(t, err)
	if len(list) != 1 || list[0].Distance.Units() != 12 {
		t.Errorf("got %+v, want what ben did", list)
	}
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben", "participant-left:ben:removed", "session-ended")
}

func TestEngine_IdleEnd(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	w.pass(time.Hour) // nobody came yet: it waits
	ben := w.join("s1", "ben")
	w.pass(time.Hour)
	w.Disconnected(ben, false)
	w.pass(20 * time.Minute)
	w.publish(sender("cleo", "c"), "session/s1/progress/cleo", w.sample(1, `"distance":5`)) // only publishes
	w.pass(20 * time.Minute)
	if s, _ := w.Session("s1"); s.State != "live" {
		t.Fatalf("ended %v after the last sample", 20*time.Minute)
	}
	must(t, w.Checkpoint(context.Background()))
	w.start() // the wait goes on where it was
	w.pass(11 * time.Minute)
	if s, _ := w.Session("s1"); s.State != "ended" {
		t.Fatalf("state %s, want ended", s.State)
	}
	wantLines(t, w.events("s1"), "session-started", "participant-joined:ben", "participant-left:ben:lost", "session-ended::abandoned")
}

func TestEngine_Capacity(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	spec := engine.SessionSpec{Visibility: "open", Capacity: 2}
	_, _, err := w.PutSession(ctx, actor("ana"), "s1", spec)
	must(t, err)
	for _, user := range []string{"ana", "ben", "cleo"} { // the host takes no place
		if !w.SessionRoom("s1", user) {
			t.Fatalf("%s finds no place", user)
		}
		w.join("s1", user)
	}
	if w.SessionRoom("s1", "dan") || !w.SessionRoom("s1", "ben") || !w.SessionRoom("s1", "ana") {
		t.Error("a full session: only who is in it may subscribe more")
	}
	dan := w.join("s1", "dan") // was let in by a question asked a moment before
	w.pass(time.Second)
	wantLines(t, w.revoked, "dan")
	wantRefused(t, w.publish(dan, "session/s1/progress/dan", w.sample(1, `"distance":5`)), 0x97, "session s1 is full: its capacity is 2")
	if r := state[engine.Roster](w, "session/s1/participants"); r.Total != 3 {
		t.Errorf("roster: got %d, want 3", r.Total)
	}
	if got := w.Stats().JoinsRefused; got != 3 {
		t.Errorf("joins refused: got %d, want 3", got)
	}
	w.Disconnected(sender("ben", "watch-ben"), true)
	w.pass(6 * time.Second)
	if !w.SessionRoom("s1", "dan") {
		t.Error("who left has not made room")
	}
	spec.Capacity = -1
	_, _, err = w.PutSession(ctx, actor("ana"), "s1", spec)
	wantKind(t, err, fitness.Invalid, "capacity -1 is outside the limit of 0 to 1000000")
}
