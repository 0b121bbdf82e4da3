package tests_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// recordings are two runs on one clock and what they come to.
type recordings struct {
	ana, ben           string  // files
	anaLag, benLag     string  // from the common start to the file's first sample
	anaTotal, benTotal float64 // metres
	sport              string  // "" when the file says it
	leaders            []string
}

// theRecordings are the real ones where FITMQ_RECORDINGS names a directory of
// them, else two that are made here.
func theRecordings(t *testing.T) recordings {
	t.Helper()
	if dir := os.Getenv("FITMQ_RECORDINGS"); dir != "" {
		return recordings{
			ana: filepath.Join(dir, "ship", "20210604_track_run_coros_pace_2.fit"), anaTotal: 7242.48,
			ben: filepath.Join(dir, "ship", "20210604_track_run_garmin_fenix_6.fit"), benTotal: 7204.78, benLag: "2s",
			// One after five seconds, the other for good after 53.
			leaders: []string{"ben", "ana"},
		}
	}
	// Ana starts slowly, passes ben after 363 s and comes in before him.
	return recordings{
		ana: recordCSV(t, "ana", 600, func(s int) float64 { return map[bool]float64{true: 3, false: 5}[s <= 200] }), anaTotal: 2600,
		ben: recordCSV(t, "ben", 600, func(int) float64 { return 3.9 }), benTotal: 2340,
		sport: "running", leaders: []string{"ben", "ana"},
	}
}

// recordCSV writes a recording of one sample a second at the given speeds.
func recordCSV(t *testing.T, name string, seconds int, speed func(second int) float64) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("elapsed_time,heart_rate,cadence,power,speed,distance,altitude,latitude,longitude\n")
	distance := 0.0
	for s := range seconds + 1 {
		v := 0.0
		if s > 0 {
			v = speed(s)
			distance += v
		}
		fmt.Fprintf(&b, "%d,%d,85,,%.2f,%.2f,,,\n", s, 120+int(8*v), v, distance)
	}
	path := filepath.Join(t.TempDir(), name+".csv")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startWearsim replays a file as user's watch and returns what waits for its end.
func startWearsim(t *testing.T, s *server, user, file, sport, lag string, start time.Time) (wait func()) {
	t.Helper()
	args := []string{
		"--addr", "mqtt://" + s.mqtt, "--user", user, "--password", secret(user),
		"--session", "s1", "--challenge", "c1", "--speed", "60",
		"--start-at", start.UTC().Format(time.RFC3339Nano),
	}
	if lag != "" {
		args = append(args, "--lag", lag)
	}
	if sport != "" {
		args = append(args, "--sport", sport)
	}
	cmd := exec.Command(wearsimPath, append(args, file)...)
	var out logBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start wearsim: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended long since when all is well
	return func() {
		t.Helper()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("wearsim as %s: %v\n%s", user, err, out.String())
			}
		case <-time.After(3 * time.Minute):
			t.Fatalf("wearsim as %s did not end in 3 minutes\n%s", user, out.String())
		}
	}
}

// checkBoards compares the challenge's retained results with the recordings'
// totals, and the athlete's last sample.
func checkBoards(t *testing.T, s *server, r recordings) {
	t.Helper()
	eventually(t, "both activities are on the board", func() bool {
		got := retained(t, s, "ana", "challenge/c1/leaderboard")
		return got != "" && len(decode[board](t, got).Entries) == 2
	})
	got := decode[board](t, retained(t, s, "ana", "challenge/c1/leaderboard"))
	checkEntry(t, "board", got.Entries[0], entry{Rank: 1, UserID: "ana", Name: "Ana", Score: r.anaTotal})
	checkEntry(t, "board", got.Entries[1], entry{Rank: 2, UserID: "ben", Name: "Ben", Score: r.benTotal})
	rank := decode[rankMessage](t, retained(t, s, "ben", "challenge/c1/rank/ben"))
	if rank.Rank != 2 || math.Abs(rank.Score-r.benTotal) > 0.1 || len(rank.Above) != 1 || len(rank.Below) != 0 {
		t.Errorf("ben's rank = %+v, want 2nd below one with %.2f m", rank, r.benTotal)
	}
	status := decode[struct {
		Activities, Participants int
		Sum                      float64
	}](t, retained(t, s, "ben", "challenge/c1/status"))
	if status.Activities != 2 || status.Participants != 2 || math.Abs(status.Sum-r.anaTotal-r.benTotal) > 0.2 {
		t.Errorf("status = %+v, want 2 activities of 2 participants and %.2f m in all", status, r.anaTotal+r.benTotal)
	}
	progress := decode[struct{ Distance float64 }](t, retained(t, s, "tess", "session/s1/progress/ana"))
	if math.Abs(progress.Distance-r.anaTotal) > 0.1 {
		t.Errorf("ana's last sample = %.2f m, want %.2f m", progress.Distance, r.anaTotal)
	}
}

// checkLive compares the session's live leaderboard with the recordings' ends.
func checkLive(t *testing.T, s *server, r recordings) {
	t.Helper()
	// It follows the last samples within half a second.
	var live board
	defer func() {
		if t.Failed() {
			t.Logf("the session's leaderboard: %+v", live)
		}
	}()
	eventually(t, "both are on the session's leaderboard with their last samples", func() bool {
		live = decode[board](t, retained(t, s, "tess", "session/s1/leaderboard"))
		return len(live.Entries) == 2 && live.Entries[0].Score > r.anaTotal-0.1 && live.Entries[1].Score > r.benTotal-0.1
	})
	checkEntry(t, "session", live.Entries[0], entry{Rank: 1, UserID: "ana", Name: "Ana", Score: r.anaTotal})
	checkEntry(t, "session", live.Entries[1], entry{Rank: 2, UserID: "ben", Name: "Ben", Score: r.benTotal})
}

// checkEntry compares scores to 0.1 m.
func checkEntry(t *testing.T, what string, got, want entry) {
	t.Helper()
	if math.Abs(got.Score-want.Score) <= 0.1 {
		want.Score = got.Score
	}
	if got != want {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

// Two recordings in, a live leaderboard out.
func TestBroker_Race(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.race(t)
	r := theRecordings(t)
	tess := dial(t, s, "tess", "")
	tess.subscribe(t, 1, "session/s1/#")
	start := time.Now().Add(2 * time.Second)
	waitAna := startWearsim(t, s, "ana", r.ana, r.sport, r.anaLag, start)
	waitBen := startWearsim(t, s, "ben", r.ben, r.sport, r.benLag, start)
	waitAna()
	waitBen()
	checkBoards(t, s, r)
	checkLive(t, s, r)

	var leaders []string
	for _, payload := range tess.on("session/s1/leaderboard") {
		b := decode[board](t, payload)
		if len(b.Entries) < 2 || b.Entries[0].Score == b.Entries[1].Score {
			continue
		}
		if leader := b.Entries[0].UserID; len(leaders) == 0 || leaders[len(leaders)-1] != leader {
			leaders = append(leaders, leader)
		}
	}
	if n := len(r.leaders); len(leaders) < n || !slices.Equal(leaders[len(leaders)-n:], r.leaders) {
		t.Errorf("leaders in order = %q, want it to end in %q", leaders, r.leaders)
	}
	events := strings.Join(tess.on("session/s1/events"), "\n")
	for _, user := range []string{"ana", "ben"} {
		if !strings.Contains(events, "participant-joined") || !strings.Contains(events, `"`+user+`"`) {
			t.Errorf("events = %s, want that %s joined", events, user)
		}
	}
	if len(tess.on("session/s1/participants")) == 0 {
		t.Error("no roster was received")
	}
}

// The same with the server killed in the middle: nothing is lost and nothing
// counts twice.
func TestBroker_RaceSurvivesKill(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.race(t)
	r := theRecordings(t)
	start := time.Now().Add(2 * time.Second)
	waitAna := startWearsim(t, s, "ana", r.ana, r.sport, r.anaLag, start)
	waitBen := startWearsim(t, s, "ben", r.ben, r.sport, r.benLag, start)
	eventually(t, "ana is at a third of her way", func() bool {
		got := retained(t, s, "tess", "session/s1/progress/ana")
		return got != "" && decode[struct{ Distance float64 }](t, got).Distance > r.anaTotal/3
	})
	s.kill(t)
	s.start(t)
	waitAna()
	waitBen()
	checkBoards(t, s, r)
	checkLive(t, s, r)
	s.kill(t)
	s.start(t)
	checkBoards(t, s, r)
	checkLive(t, s, r)
}
