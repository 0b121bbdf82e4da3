package tests_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
)

// What was acknowledged for a subscriber who is away is there after a crash,
// all of it, once and in order.
func TestBroker_OfflineQueueSurvivesKill(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	const messages = 500
	ben := dial(t, s, "ben", "ben-phone")
	ben.subscribe(t, 2, "test/queue/#")
	ben.leave()

	ana := dial(t, s, "ana", "")
	for i := range messages {
		if code, reason := ana.publish(t, fmt.Sprintf("test/queue/%d", 1+i%2), byte(1+i%2), []byte(fmt.Sprint(i))); code >= 0x80 {
			t.Fatalf("message %d: 0x%02X %s", i, code, reason)
		}
	}
	s.kill(t)
	s.start(t)

	ben = dial(t, s, "ben", "ben-phone")
	if !ben.sessionPresent {
		t.Error("session present = false after the crash, want the session back")
	}
	eventually(t, "all messages arrive", func() bool {
		return len(ben.on("test/queue/1"))+len(ben.on("test/queue/2")) >= messages
	})
	for qos := range 2 {
		for i, got := range ben.on(fmt.Sprintf("test/queue/%d", 1+qos)) {
			if want := fmt.Sprint(2*i + qos); got != want {
				t.Fatalf("QoS %d: message %d = %s, want %s", 1+qos, i, got, want)
			}
		}
	}
}

// A clean restart brings back what a crash brings back: retained messages,
// boards and what waits for absent subscribers.
func TestBroker_RestartBringsEverythingBack(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	s.race(t)
	ana, ben := dial(t, s, "ana", ""), dial(t, s, "ben", "ben-phone")
	ben.subscribe(t, 1, "test/later")
	ben.leave()
	ana.publish(t, "test/later", 1, []byte("while you were away"))
	ana.publish(t, "challenge/c1/activity", 1, activityBody("a1", 5000))
	mosquittoPub(t, s, "ben", "-q", "1", "-t", "challenge/c1/activity", "-m", mustJSON(t, activityBody("b1", 7000.25)))
	mosquittoPub(t, s, "ana", "-q", "1", "-r", "-t", "test/kept", "-m", "kept")
	var before board
	eventually(t, "both are on the board", func() bool {
		got := retained(t, s, "ana", "challenge/c1/leaderboard")
		if got == "" {
			return false
		}
		before = decode[board](t, got)
		return len(before.Entries) == 2
	})

	s.stop(t)
	s.start(t)

	if got := retained(t, s, "ana", "test/kept"); got != "kept" {
		t.Errorf("retained message = %q, want %q", got, "kept")
	}
	after := decode[board](t, retained(t, s, "ana", "challenge/c1/leaderboard"))
	if got, want := fmt.Sprint(after), fmt.Sprint(before); got != want {
		t.Errorf("board = %s, want %s as before the restart", got, want)
	}
	rank := decode[rankMessage](t, retained(t, s, "ana", "challenge/c1/rank/ana"))
	if rank.Rank != 2 || rank.Score != 5000 || len(rank.Above) != 1 || rank.Above[0].UserID != "ben" {
		t.Errorf("ana's rank = %+v, want 2nd with 5000 m, ben above", rank)
	}
	if got := retained(t, s, "ana", "session/s1/info"); !strings.Contains(got, `"Track"`) {
		t.Errorf("session info = %q, want the session back", got)
	}
	ben = dial(t, s, "ben", "ben-phone")
	eventually(t, "the queued message arrives", func() bool { return len(ben.on("test/later")) > 0 })
	if got := ben.on("test/later"); len(got) != 1 || got[0] != "while you were away" {
		t.Errorf("queued = %q, want the one message", got)
	}
}

func TestBroker_SecondProcessOnOneDirectory(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, fitmqPath, "serve", "--data", s.dir, "--mqtt-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0").CombinedOutput()
	if err == nil {
		t.Fatalf("a second process on the directory ran and ended well:\n%s", out)
	}
	for _, want := range []string{"in use", fmt.Sprint(s.cmd.Process.Pid), "--data"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the second process said %q, want it to contain %q", out, want)
		}
	}
	// The first one is untouched.
	s.user(t, "ana", "member")
	ana := dial(t, s, "ana", "")
	if err := ana.Disconnect(&paho.Disconnect{}); err != nil {
		t.Errorf("disconnect from the first process: %v", err)
	}
}

func TestBroker_PortTaken(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, fitmqPath, "serve", "--data", t.TempDir(), "--mqtt-addr", s.mqtt, "--http-addr", "127.0.0.1:0").CombinedOutput()
	if err == nil {
		t.Fatalf("a second process on the port ran and ended well:\n%s", out)
	}
	for _, want := range []string{s.mqtt, "--mqtt-addr"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the second process said %q, want it to contain %q", out, want)
		}
	}
}
