package tests_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// The reason codes of MQTT 5 that these tests see.
const (
	notAuthorized          = 0x87
	implementationSpecific = 0x83
)

// refusalMessage is what user/{uid}/error carries.
type refusalMessage struct {
	Topic  string `json:"topic"`
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

// Each refusal is told by reason code to an MQTT 5 client, and to a 3.1.1
// client, which is acknowledged and no more, on its user/{uid}/error.
func TestBroker_Refusals(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.race(t)
	body := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	ana := dial(t, s, "ana", "")
	if code, reason := ana.publish(t, "challenge/c1/activity", 1, activityBody("a1", 5000)); code >= 0x80 {
		t.Fatalf("an honest activity is refused: 0x%02X %s", code, reason)
	}
	for _, c := range []struct {
		name, topic string
		payload     []byte
		code        byte
		words       []string
	}{
		{
			"OtherBodyUnderTheSameID", "challenge/c1/activity", body(activityBody("a1", 6000)),
			implementationSpecific, []string{"a1"},
		},
		{
			"HeartRateOverTheLimit", "session/s1/progress/ana", body(sampleBody(1, map[string]any{"heartRate": 900})),
			implementationSpecific, []string{"heartRate", "900", "250"},
		},
		{
			"SomebodyElsesProgress", "session/s1/progress/ben", body(sampleBody(1, nil)),
			notAuthorized, nil,
		},
		{
			"ComputedTopic", "challenge/c1/leaderboard", []byte(`{"entries":[]}`),
			notAuthorized, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Run("MQTT5", func(t *testing.T) {
				code, reason := ana.publish(t, c.topic, 1, c.payload)
				if code != c.code {
					t.Errorf("reason code = 0x%02X %q, want 0x%02X", code, reason, c.code)
				}
				if reason == "" {
					t.Error("no reason string: the client cannot know why")
				}
				for _, w := range c.words {
					if !strings.Contains(reason, w) {
						t.Errorf("reason = %q, want it to name %q", reason, w)
					}
				}
			})
			t.Run("MQTT311", func(t *testing.T) {
				errors := mosquittoSub(t, s, "ana", "-V", "mqttv311", "-t", "user/ana/error")
				out := mosquittoPub(t, s, "ana", "-V", "mqttv311", "-d", "-q", "1", "-t", c.topic, "-m", string(c.payload))
				if !strings.Contains(out, "received PUBACK") {
					t.Errorf("mosquitto_pub said %q, want it acknowledged", out)
				}
				got := decode[refusalMessage](t, errors.await(t, `"reason"`))
				if got.Topic != c.topic || got.Code != int(c.code) {
					t.Errorf("error = %+v, want topic %s and code %d", got, c.topic, c.code)
				}
				if got.Reason == "" {
					t.Error("no reason: the client cannot know why")
				}
				for _, w := range c.words {
					if !strings.Contains(got.Reason, w) {
						t.Errorf("reason = %q, want it to name %q", got.Reason, w)
					}
				}
			})
		})
	}

	t.Run("NothingOfItCounts", func(t *testing.T) {
		// Something that counts comes after all that does not: once it is on the
		// board, what was refused would be there too.
		if code, reason := ana.publish(t, "challenge/c1/activity", 1, activityBody("a2", 1)); code >= 0x80 {
			t.Fatalf("an honest activity is refused: 0x%02X %s", code, reason)
		}
		eventually(t, "ana is on the board with 5001 m", func() bool {
			got := decode[board](t, retained(t, s, "ben", "challenge/c1/leaderboard"))
			return len(got.Entries) == 1 && got.Entries[0].UserID == "ana" && got.Entries[0].Score == 5001
		})
		if got := retained(t, s, "ana", "session/s1/progress/ben"); got != "" {
			t.Errorf("ben's progress = %s, want none: only ana sent one", got)
		}
	})
}

func TestBroker_WrongPassword(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "ana", "member")
	host, port := hostPort(t, s.mqtt)
	// 3.1.1: return code 4; MQTT 5: 0x86, which mosquitto_pub prints by name.
	for version, want := range map[string]string{"mqttv311": "bad user name or password", "mqttv5": "bad user name or password"} {
		var answers []string
		for _, user := range []string{"ana", "nobody"} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out, err := exec.CommandContext(ctx, "mosquitto_pub", "-V", version, "-h", host, "-p", port, "-u", user, "-P", "wrong", "-t", "test", "-m", "x").CombinedOutput()
			if err == nil || !strings.Contains(strings.ToLower(string(out)), want) {
				t.Errorf("%s as %s with a wrong password: %v %q, want %q", version, user, err, out, want)
			}
			answers = append(answers, string(out))
		}
		if answers[0] != answers[1] {
			t.Errorf("%s: %q for a known and %q for an unknown user, want the same answer", version, answers[0], answers[1])
		}
	}
}

// An activity counts once, however often and however it is sent.
func TestBroker_ActivityCountsOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.race(t)
	payload, err := json.Marshal(activityBody("run-1", 4321.5))
	if err != nil {
		t.Fatal(err)
	}
	ana := dial(t, s, "ana", "")
	for i := range 10 {
		if code, reason := ana.publish(t, "challenge/c1/activity", byte(1+i%2), payload); code >= 0x80 {
			t.Fatalf("sending it for the %d. time: 0x%02X %s, want it acknowledged", i+1, code, reason)
		}
	}
	for _, qos := range []string{"1", "2"} {
		mosquittoPub(t, s, "ana", "-V", "mqttv311", "-q", qos, "-t", "challenge/c1/activity", "-m", string(payload))
	}
	check := func(when string) {
		t.Helper()
		eventually(t, "ana's score is on the board "+when, func() bool {
			got := retained(t, s, "ben", "challenge/c1/leaderboard")
			return got != "" && len(decode[board](t, got).Entries) > 0
		})
		got := decode[board](t, retained(t, s, "ben", "challenge/c1/leaderboard"))
		if got.Entries[0].UserID != "ana" || got.Entries[0].Score != 4321.5 {
			t.Errorf("%s: board = %+v, want ana at 4321.5 m", when, got.Entries)
		}
		status := decode[struct{ Activities int }](t, retained(t, s, "ben", "challenge/c1/status"))
		if status.Activities != 1 {
			t.Errorf("%s: status counts %d activities, want 1", when, status.Activities)
		}
	}
	check("at first")
	s.kill(t)
	s.start(t)
	check("after a crash")
	mosquittoPub(t, s, "ana", "-V", "mqttv5", "-q", "1", "-t", "challenge/c1/activity", "-m", string(payload))
	check("after a repeat after the crash")
}
