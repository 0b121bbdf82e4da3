package tests_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// batch is a minute of running at 4 m/s, some of a run that began at a moment.
func batch(t testing.TB, began time.Time, minute int) json.RawMessage {
	t.Helper()
	var samples []map[string]any
	for i := range 60 {
		sec := 60*minute + i
		samples = append(samples, map[string]any{
			"seq": sec, "timestamp": began.Add(time.Duration(sec) * time.Second).Format(time.RFC3339), "elapsedTime": sec,
			"sport": "running", "status": "active", "distance": 4 * sec, "heartRate": 150,
		})
	}
	return json.RawMessage(mustJSON(t, map[string]any{"samples": samples}))
}

// A live workout with the server killed in the middle and right after its end: ana
// and the session hear of each milestone once, and her summary is there.
func TestBroker_WorkoutSurvivesKill(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for _, u := range []string{"tess", "ana", "ben", "cleo", "dan"} {
		s.user(t, u, map[bool]string{true: "trainer", false: "member"}[u == "tess"])
	}
	s.put(t, "/sessions/s1", map[string]any{"title": "Track", "host": "tess", "visibility": "open", "capacity": 2})
	ana, ben := dial(t, s, "ana", "ana-watch"), dial(t, s, "ben", "ben-phone")
	ana.subscribe(t, 1, "session/s1/info", "user/ana/#")
	ben.subscribe(t, 1, "session/s1/events")
	eventually(t, "both are in", func() bool {
		_, body := s.rest(t, http.MethodGet, "/sessions/s1/members", nil)
		return strings.Count(string(body), `"present":true`) == 2
	})
	if status, answer := s.as(t, "cleo", http.MethodGet, "/sessions/s1", ""); status != http.StatusOK || !strings.Contains(answer, `"capacity":2`) {
		t.Errorf("who is not in reads of the session: %d %s", status, answer)
	}
	began := time.Now().UTC().Add(-20 * time.Minute).Truncate(time.Second)
	run := func(from, to int) {
		t.Helper()
		for minute := from; minute < to; minute++ {
			if code, reason := ana.publish(t, "session/s1/progress/ana", 1, batch(t, began, minute)); code >= 0x80 {
				t.Fatalf("minute %d: 0x%02X %s", minute, code, reason)
			}
			time.Sleep(220 * time.Millisecond) // a device may send five messages a second
		}
	}
	reached := func(c *client, topic string) (list []string) {
		for _, payload := range c.on(topic) {
			v := decode[struct {
				Type, Kind string
				Data       struct {
					Milestone, Unit string
					Value           float64
				}
			}](t, payload)
			if v.Data.Milestone != "" {
				list = append(list, fmt.Sprintf("%s %g %s", v.Data.Milestone, v.Data.Value, v.Data.Unit))
			}
		}
		return list
	}
	run(0, 5)
	eventually(t, "the first kilometre is told", func() bool {
		return strings.Contains(fmt.Sprint(reached(ben, "session/s1/events")), "distance 1 km")
	})
	s.kill(t)
	s.start(t)
	eventually(t, "both are back", func() bool {
		_, body := s.rest(t, http.MethodGet, "/sessions/s1/members", nil)
		return strings.Count(string(body), `"present":true`) == 2
	})
	ana, ben = dial(t, s, "ana", "ana-watch"), dial(t, s, "ben", "ben-phone")
	run(5, 11)
	eventually(t, "ten minutes are told", func() bool {
		return strings.Contains(fmt.Sprint(reached(ben, "session/s1/events")), "duration 10 min")
	})
	if status, body := s.rest(t, http.MethodPost, "/sessions/s1/control", map[string]string{"action": "end"}); status != http.StatusNoContent {
		t.Fatalf("end: %d %s", status, body)
	}
	s.kill(t)
	s.start(t)
	status, body := s.as(t, "ana", http.MethodGet, "/sessions/s1/summaries/ana", "")
	sum := decode[struct {
		Final                         bool
		TotalDistance, TotalTimerTime float64
		AvgHeartRate                  float64
		Rank                          int
	}](t, body)
	if status != http.StatusOK || sum.TotalDistance != 2636 || sum.TotalTimerTime != 659 || sum.AvgHeartRate != 150 {
		t.Errorf("summary: %d %s", status, body)
	}
	eventually(t, "the history has it, for good", func() bool {
		_, body := s.as(t, "ana", http.MethodGet, "/users/ana/workouts", "")
		return strings.Count(body, `"sessionId":"s1"`) == 1 && strings.Contains(body, `"final":true`) && strings.Contains(body, `"rank":1`)
	})
	if status, _ := s.as(t, "ben", http.MethodGet, "/users/ana/workouts", ""); status != http.StatusForbidden {
		t.Errorf("another's history: %d, want 403", status)
	}
	_, inbox := s.as(t, "ana", http.MethodGet, "/me/notifications", "")
	for _, once := range []string{`"1 km`, `"2 km`, `"10 minutes, `, `"Heart-rate zone 3"`} {
		if n := strings.Count(inbox, once); n != 1 {
			t.Errorf("%s is %d times in ana's inbox: %s", once, n, inbox)
		}
	}
}
