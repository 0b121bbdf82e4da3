package workout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/workout"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// sample is a payload sent at a moment after noon.
func sample(seq int, after time.Duration, fields string) string {
	return fmt.Sprintf(`{"seq":%d,"timestamp":%q,%s}`, seq, noon.Add(after).Format(time.RFC3339Nano), fields)
}

func TestParse_Hard(t *testing.T) {
	tests := []struct {
		fields string // of an otherwise good sample
		kind   fitness.Kind
		reason string // "" = accepted
	}{
		{`"heartRate":20`, 0, ""}, {`"heartRate":250`, 0, ""},
		{`"heartRate":900`, fitness.Invalid, "heartRate 900 is over the limit of 250 bpm"},
		{`"heartRate":19.5`, fitness.Invalid, "heartRate 19.5 is under the limit of 20 bpm"},
		{`"cadence":256`, fitness.Invalid, "cadence 256 is over the limit of 255 rpm"},
		{`"cadence":0`, 0, ""},
		{`"power":3001`, fitness.Invalid, "power 3001 is over the limit of 3000 W"},
		{`"power":-1`, fitness.Invalid, "power -1 is under the limit of 0 W"},
		{`"speed":40.1`, fitness.Invalid, "speed 40.1 is over the limit of 40 m/s"},
		{`"distance":1000001`, fitness.Invalid, "distance 1000001 is over the limit of 1000000 m"},
		{`"altitude":9001`, fitness.Invalid, "altitude 9001 is over the limit of 9000 m"},
		{`"altitude":-501`, fitness.Invalid, "altitude -501 is under the limit of -500 m"},
		{`"grade":61`, fitness.Invalid, "grade 61 is over the limit of 60 %"},
		{`"temperature":-41`, fitness.Invalid, "temperature -41 is under the limit of -40 C"},
		{`"latitude":90.5`, fitness.Invalid, "latitude 90.5 is over the limit of 90 degrees"},
		{`"longitude":-180.001`, fitness.Invalid, "longitude -180.001 is under the limit of -180 degrees"},
		{`"horizontalAccuracy":10001`, fitness.Invalid, "horizontalAccuracy 10001 is over the limit of 10000 m"},
		{`"calories":30001`, fitness.Invalid, "calories 30001 is over the limit of 30000 kcal"},
		{`"steps":1000001`, fitness.Invalid, "steps 1000001 is over the limit of 1000000"},
		{`"repetitions":100001`, fitness.Invalid, "repetitions 100001 is over the limit of 100000"},
		{`"elapsedTime":172801,"power":1`, fitness.Invalid, "elapsedTime 172801 is over the limit of 172800 s"},
		{`"heartRate":900,"power":-1`, fitness.Invalid, "heartRate 900 is over the limit of 250 bpm; power -1 is under the limit of 0 W"},
		{`"heartRate":0`, fitness.Invalid, "at least one measure is needed"},
		{`"heartRate":null`, fitness.Invalid, "at least one measure is needed"},
		{`"heartRate":0,"power":1`, 0, ""},
		{`"power":1,"status":"lying"`, fitness.Invalid, `status "lying" is none of active, paused, ended`},
		{`"power":1,"status":"paused","elapsedTime":0,"sport":"stand_up_paddleboarding"`, 0, ""},
		{`"power":1,"sport":"a b"`, fitness.Invalid, `sport "a b" is not a sport`},
		{`"power":"1"`, fitness.Malformed, "power cannot be a string"},
		{`"power":1e999`, fitness.Malformed, "power cannot be a number 1e999"},
		{`"power":1,"extra":{"kept":true}`, 0, ""},
		{`"power":1,"extra":"` + strings.Repeat("x", 1024) + `"`, fitness.Invalid, "over the limit of 1024 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.fields[:min(len(tt.fields), 40)], func(t *testing.T) {
			s, batch, err := workout.Parse([]byte(sample(1, 0, tt.fields)), noon)
			if tt.reason == "" {
				if err != nil || batch || len(s) != 1 {
					t.Fatalf("got %v %v, want accepted", s, err)
				}
				return
			}
			if fitness.KindOf(err) != tt.kind || !strings.Contains(fitness.Message(err), tt.reason) {
				t.Errorf("got %v: %v, want %v with %q", fitness.KindOf(err), err, tt.kind, tt.reason)
			}
		})
	}
}

func TestParse_Head(t *testing.T) {
	tests := []struct {
		payload string
		kind    fitness.Kind
		reason  string
	}{
		{``, fitness.Malformed, "payload is empty"},
		{`null`, fitness.Malformed, "not a JSON object"},
		{`{"seq":1`, fitness.Malformed, "not valid JSON"},
		{`{"timestamp":"2026-05-01T12:00:00Z","power":1}`, fitness.Malformed, "seq is missing"},
		{`{"seq":1,"power":1}`, fitness.Malformed, "timestamp is missing"},
		{`{"seq":1.5,"timestamp":"2026-05-01T12:00:00Z","power":1}`, fitness.Malformed, "seq cannot be a number 1.5"},
		{`{"seq":-1,"timestamp":"2026-05-01T12:00:00Z","power":1}`, fitness.Invalid, "seq -1 is outside the limit of 0 to 9007199254740991"},
		{`{"seq":1,"timestamp":"noon","power":1}`, fitness.Malformed, `timestamp "noon" is not an RFC 3339 time`},
		{`{"seq":1,"timestamp":"2026-05-01T12:05:01Z","power":1}`, fitness.Invalid, "over the limit of 5 min"},
		{`{"samples":[]}`, fitness.Invalid, "a batch of 0 is outside the limit of 1 to 60"},
		{`{"samples":[` + strings.Repeat(`{},`, 60) + `{}]}`, fitness.Invalid, "a batch of 61 is outside the limit of 1 to 60"},
		{`{"samples":[7]}`, fitness.Malformed, "samples[0]: payload is not a JSON object"},
		{`{"samples":[` + sample(1, 0, `"power":1`) + `,` + sample(2, 0, `"power":4000`) + `]}`, fitness.Invalid, "samples[1].power 4000 is over the limit of 3000 W"},
		{`{"samples":["` + strings.Repeat("x", 16*1024) + `"]}`, fitness.Invalid, "over the limit of 16384 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			_, _, err := workout.Parse([]byte(tt.payload), noon)
			if fitness.KindOf(err) != tt.kind || !strings.Contains(fitness.Message(err), tt.reason) {
				t.Errorf("got %v: %v, want %v with %q", fitness.KindOf(err), err, tt.kind, tt.reason)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample(1, 0, `"heartRate":140,"sport":"running"`)))
	f.Add([]byte(`{"samples":[` + sample(2, 0, `"power":1`) + `,` + sample(1, 0, `"power":1`) + `]}`))
	f.Add([]byte(`{"seq":1e3,"timestamp":null}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		samples, _, err := workout.Parse(payload, noon)
		if err != nil {
			if k := fitness.KindOf(err); k != fitness.Malformed && k != fitness.Invalid || fitness.Message(err) == "" {
				t.Fatalf("an error that names nothing: %#v", err)
			}
			return
		}
		var track workout.Track
		for i := range samples {
			if i > 0 && samples[i].Seq < samples[i-1].Seq {
				t.Fatal("a batch is not in the order of seq")
			}
			track.Take("c", time.Time{}, &samples[i], noon, true)
		}
	})
}

// feed parses and takes one sample that was sent and arrives at noon plus after.
func feed(t *testing.T, track *workout.Track, client string, seq int, after time.Duration, fields string) (newest bool, flags []fitness.Flag) {
	t.Helper()
	s, _, err := workout.Parse([]byte(sample(seq, after, fields)), noon.Add(after))
	if err != nil {
		t.Fatal(err)
	}
	return track.Take(client, noon.Add(-time.Hour), &s[0], noon.Add(after), false)
}

func TestTrack_Soft(t *testing.T) {
	// A sample each second; %d in fields is the second, %t ten times that.
	tests := []struct {
		name, fields string
		seconds      int
		reason       string // "" = no flag at all
	}{
		{"heart over", `"heartRate":221`, 1, "heartRate 221 is over the limit of 220 bpm"},
		{"heart mean", `"heartRate":212`, 70, "heartRate mean of 60 s 212 is over the limit of 210 bpm"},
		{"heart short", `"heartRate":212`, 30, ""},
		{"cadence run", `"cadence":151,"sport":"running"`, 1, "cadence 151 is over the limit of 150 rpm"},
		{"cadence ride", `"cadence":151,"sport":"cycling"`, 1, ""},
		{"cadence ride over", `"cadence":201,"sport":"cycling"`, 1, "cadence 201 is over the limit of 200 rpm"},
		{"power minute", `"power":810`, 70, "power mean of 60 s 810 is over the limit of 800 W"},
		{"power 20 min", `"power":510`, 1220, "power mean of 1200 s 510 is over the limit of 500 W"},
		{"power 10 min", `"power":510`, 600, ""},
		{"speed walk", `"speed":4.1,"sport":"walking"`, 40, "speed mean of 30 s 4.1 is over the limit of 4 m/s"},
		{"speed run", `"speed":12.6,"sport":"running"`, 40, "over the limit of 12.5 m/s"},
		{"speed swim", `"speed":2.6,"sport":"swimming"`, 40, "over the limit of 2.5 m/s"},
		{"speed row", `"speed":7.1,"sport":"rowing"`, 40, "over the limit of 7 m/s"},
		{"speed ride", `"speed":28.1,"sport":"cycling"`, 40, "over the limit of 28 m/s"},
		{"speed unknown", `"speed":39,"sport":"alpine_skiing"`, 40, ""},
		{"distance integral", `"speed":10,"distance":%d`, 60, "distance grew by"},
		{"distance fits", `"speed":1,"distance":%d`, 700, ""},
		{"accuracy", `"horizontalAccuracy":101`, 1, "horizontalAccuracy 101 is over the limit of 100 m"},
		{"calories", `"calories":%d`, 70, "calories a minute 60 is over the limit of 25 kcal"},
		{"steps", `"steps":%t`, 70, "steps a minute 600 is over the limit of 300"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var track workout.Track
			var all []string
			for sec := range tt.seconds {
				fields := strings.NewReplacer("%d", fmt.Sprint(sec), "%t", fmt.Sprint(10*sec)).Replace(tt.fields)
				_, flags := feed(t, &track, "w", sec, time.Duration(sec)*time.Second, fields)
				for _, f := range flags {
					all = append(all, f.Reason)
				}
			}
			got := strings.Join(all, "; ")
			if tt.reason == "" && got != "" || !strings.Contains(got, tt.reason) {
				t.Errorf("got %.200q, want %q", got, tt.reason)
			}
			if tt.reason != "" && len(track.Flags()) == 0 {
				t.Error("the finding is not tallied")
			}
		})
	}
	t.Run("age", func(t *testing.T) {
		var track workout.Track
		s, _, err := workout.Parse([]byte(sample(1, 0, `"power":1`)), noon)
		if err != nil {
			t.Fatal(err)
		}
		_, flags := track.Take("w", time.Time{}, &s[0], noon.Add(61*time.Second), false)
		if len(flags) != 1 || flags[0].Reason != "timestamp is 1m1s old, over the limit of 60 s" {
			t.Errorf("got %v", flags)
		}
	})
	t.Run("back", func(t *testing.T) {
		var track workout.Track
		feed(t, &track, "w", 1, 0, `"distance":100`)
		_, flags := feed(t, &track, "w", 2, time.Second, `"distance":90`)
		if len(flags) != 1 || !strings.HasPrefix(flags[0].Reason, "distance 90 is back under the limit of 100 m") {
			t.Errorf("got %v", flags)
		}
	})
	t.Run("jump", func(t *testing.T) { // an honest GPS step is neither refused nor flagged
		var track workout.Track
		feed(t, &track, "w", 1, 0, `"distance":100,"speed":3,"heartRate":140`)
		if _, flags := feed(t, &track, "w", 2, time.Second, `"distance":140,"speed":3,"heartRate":151`); len(flags) != 0 {
			t.Errorf("got %v", flags)
		}
	})
}

func TestTrack_Order(t *testing.T) {
	type step struct {
		client string
		seq    int
		after  time.Duration
		fields string
		newest bool
		score  string // distance standing after it
	}
	tests := map[string][]step{
		"OK/rising": {{"w", 1, 0, `"distance":10`, true, "10"}, {"w", 2, 1, `"distance":20.5`, true, "20.5"}},
		"OK/older":  {{"w", 5, 5, `"distance":50`, true, "50"}, {"w", 4, 4, `"distance":40`, false, "50"}, {"w", 5, 5, `"distance":50`, false, "50"}},
		"OK/gap keeps the last distance": {
			{"w", 1, 0, `"distance":10`, true, "10"}, {"w", 2, 1, `"heartRate":150`, true, "10"}, {"w", 3, 2, `"heartRate":150,"status":"ended"`, true, "10"}},
		"OK/legs": {
			{"w", 1, 0, `"distance":500,"sport":"swimming"`, true, "500"}, {"w", 2, 1, `"distance":3,"sport":"cycling"`, true, "503"},
			{"w", 3, 2, `"distance":2000,"sport":"cycling"`, true, "2500"}, {"w", 4, 3, `"heartRate":150,"sport":"running"`, true, "2500"},
			{"w", 5, 4, `"distance":1990,"sport":"running"`, true, "4490"}},
		"OK/leg that counts on": {
			{"w", 1, 0, `"distance":500,"sport":"swimming"`, true, "500"}, {"w", 2, 1, `"distance":510,"sport":"cycling"`, true, "510"}},
		"OK/correction within a leg": {{"w", 1, 0, `"distance":500`, true, "500"}, {"w", 2, 1, `"distance":490`, true, "490"}},
		"OK/restart without a leg":   {{"w", 1, 0, `"distance":500`, true, "500"}, {"w", 2, 1, `"distance":2`, true, "502"}},
		"OK/new run after a pause": {
			{"w", 90, 0, `"distance":500`, true, "500"}, {"w", 1, 59, `"distance":300`, false, "500"}, {"w", 1, 130, `"distance":300`, true, "800"}},
		"OK/two devices, the newest counts": {
			{"w", 10, 10, `"distance":100`, true, "100"}, {"p", 1, 9, `"distance":90`, false, "100"}, {"p", 2, 11, `"distance":99`, true, "99"},
			{"w", 11, 12, `"distance":120`, true, "120"}},
		"OK/another device takes over": {{"w", 10, 10, `"distance":100`, true, "100"}, {"p", 1, 90, `"distance":5`, true, "105"}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			var track workout.Track
			for i, s := range steps {
				newest, _ := feed(t, &track, s.client, s.seq, s.after*time.Second, s.fields)
				score, _, ok := track.Standing(workout.Distance)
				if newest != s.newest || !ok || score.String() != s.score {
					t.Fatalf("step %d: got newest %v and %s, want %v and %s", i, newest, score, s.newest, s.score)
				}
				// A restart at any point changes nothing.
				back, _, _ := workout.Restore(track.Save(), noon).Standing(workout.Distance)
				if back != score {
					t.Fatalf("step %d: restored to %s, want %s", i, back, score)
				}
			}
		})
	}
	t.Run("OK/reconnected", func(t *testing.T) {
		var track workout.Track
		feed(t, &track, "w", 90, 0, `"distance":500`)
		s, _, err := workout.Parse([]byte(sample(1, 10*time.Second, `"distance":4`)), noon.Add(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if newest, _ := track.Take("w", noon.Add(5*time.Second), &s[0], noon.Add(10*time.Second), false); !newest {
			t.Error("a lower seq with a later time on a new connection is no new run")
		}
	})
	t.Run("OK/devices are bounded", func(t *testing.T) {
		var track workout.Track
		for i := range 50 {
			feed(t, &track, fmt.Sprintf("c%d", i), 1, time.Duration(i)*time.Second, `"distance":5`)
		}
		if score, _, _ := track.Standing(workout.Distance); score.String() != "5" {
			t.Errorf("got %s, want 5", score)
		}
	})
}

func TestTrack_Standing(t *testing.T) {
	var track workout.Track
	if _, _, ok := track.Standing(workout.Distance); ok {
		t.Error("a standing before the first sample")
	}
	feed(t, &track, "w", 1, 0, `"distance":10,"heartRate":150,"power":200,"speed":3.5,"cadence":80,"calories":5,"steps":20,"repetitions":2`)
	feed(t, &track, "w", 2, time.Second, `"distance":10,"heartRate":151`)
	for m, want := range map[workout.Metric]string{
		workout.Distance: "10", workout.HeartRate: "151", workout.Power: "200", workout.Speed: "3.5",
		workout.Cadence: "80", workout.Calories: "5", workout.Steps: "20", workout.Repetitions: "2",
	} {
		if got, _, ok := track.Standing(m); !ok || got.String() != want {
			t.Errorf("%s: got %s %v, want %s", m, got, ok, want)
		}
	}
	if _, at, _ := track.Standing(workout.Distance); at != noon.UnixNano() {
		t.Error("a distance that did not grow was reached later")
	}
	if _, _, ok := track.Standing("looks"); ok {
		t.Error("a standing by an unknown metric")
	}
}

func TestNext(t *testing.T) {
	const no = workout.State("")
	tests := []struct {
		from                      workout.State
		start, pause, resume, end workout.State
	}{
		{workout.Scheduled, workout.Live, no, no, workout.Ended},
		{workout.Live, workout.Live, workout.Paused, workout.Live, workout.Ended},
		{workout.Paused, no, workout.Paused, workout.Live, workout.Ended},
		{workout.Ended, no, no, no, workout.Ended},
	}
	for _, tt := range tests {
		for action, want := range map[workout.Action]workout.State{
			workout.Start: tt.start, workout.Pause: tt.pause, workout.Resume: tt.resume, workout.End: tt.end, workout.Remove: tt.from,
		} {
			got, err := workout.Next(tt.from, action)
			if want == no {
				if fitness.KindOf(err) != fitness.Conflict || !strings.Contains(err.Error(), string(tt.from)) {
					t.Errorf("%s a %s one: got %v, want a conflict", action, tt.from, err)
				}
			} else if err != nil || got != want {
				t.Errorf("%s a %s one: got %s %v, want %s", action, tt.from, got, err, want)
			}
		}
	}
	if _, err := workout.Next(workout.Live, "fly"); fitness.KindOf(err) != fitness.Invalid {
		t.Errorf("unknown action: got %v", err)
	}
}
