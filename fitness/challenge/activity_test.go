package challenge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
)

func BenchmarkParseActivity(b *testing.B) {
	now := time.Now().UTC()
	payload := fmt.Appendf(nil,
		`{"activityId":"a7","sport":"running","startTime":%q,"totalElapsedTime":1800,"totalTimerTime":1790,"totalDistance":4512.5,"totalCalories":400,"avgHeartRate":150,"device":"watch"}`,
		now.Add(-time.Hour).Format(time.RFC3339))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := challenge.ParseActivity(payload, now); err != nil {
			b.Fatal(err)
		}
	}
}

// What a client prints differently the second time is the same body; what it says
// differently is another one.
func TestParseActivity_SameBody(t *testing.T) {
	now := time.Now().UTC()
	start := now.Add(-time.Hour).Format(time.RFC3339)
	body := func(format string) challenge.Digest {
		t.Helper()
		a, err := challenge.ParseActivity(fmt.Appendf(nil, format, start), now)
		if err != nil {
			t.Fatal(err)
		}
		return a.Body
	}
	want := body(`{"activityId":"a 7\" ","sport":"running","startTime":%q,"totalElapsedTime":1800}`)
	for _, tc := range []struct {
		name, format string
		same         bool
	}{
		{"OK with spaces", `{ "activityId": "a 7\" ", "sport": "running", "startTime": %q, "totalElapsedTime": 1800 }`, true},
		{"OK on lines", "{\n\t\"activityId\":\"a 7\\\" \",\r\n\"sport\":\"running\",\"startTime\":%q,\"totalElapsedTime\":1800}\n", true},
		{"OK another space in the id", `{"activityId":"a  7\" ","sport":"running","startTime":%q,"totalElapsedTime":1800}`, false},
		{"OK another time", `{"activityId":"a 7\" ","sport":"running","startTime":%q,"totalElapsedTime":1801}`, false},
		{"OK a field more", `{"activityId":"a 7\" ","sport":"running","startTime":%q,"totalElapsedTime":1800,"steps":null}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := body(tc.format) == want; got != tc.same {
				t.Errorf("the same body: got %v, want %v", got, tc.same)
			}
		})
	}
}
