package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
)

// served is a broker for everybody, with ana.
func served(t *testing.T) *brokertest.Server {
	t.Helper()
	s := brokertest.Start(t, func(o *broker.Options) { o.Dev = true })
	fitmq(t, exitOK, "user", "put", "ana", "--password", "ana-secret", "--url", "http://"+s.HTTP, "--token", s.Token)
	return s
}

func TestPubSub(t *testing.T) {
	s := served(t)
	for _, address := range []string{"mqtt://" + s.MQTT, "ws://" + s.HTTP + "/mqtt"} {
		fitmq(t, exitOK, "pub", "--url", address, "-u", "ana", "-P", "ana-secret", "-t", "t/x", "-m", `{"a":1,"b":[2]}`, "-r")
		got, _ := fitmq(t, exitOK, "sub", "--url", address, "-u", "ana", "-P", "ana-secret", "-t", "t/#", "-n", "1", "-w", "20s")
		if want := "t/x (QoS 1, retained)\n  {\n    \"a\": 1,\n    \"b\": [\n      2\n    ]\n  }\n"; got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
		raw, _ := fitmq(t, exitOK, "sub", "--url", address, "-t", "t/#", "-n", "1", "-w", "20s", "--raw")
		if raw != `{"a":1,"b":[2]}`+"\n" {
			t.Errorf("raw: %q", raw)
		}
	}
	t.Run("lines", func(t *testing.T) {
		var out bytes.Buffer
		c := pubCmd{mqttRemote: mqttRemote{URL: "mqtt://" + s.MQTT, QoS: 1}, Topic: "lines", Lines: true, Retain: true}
		if err := c.Run(&env{ctx: t.Context(), stdin: strings.NewReader("one\ntwo\n"), stdout: &out}); err != nil {
			t.Fatal(err)
		}
		if got, _ := fitmq(t, exitOK, "sub", "--url", "mqtt://"+s.MQTT, "-t", "lines", "-n", "1", "-w", "20s", "--raw"); got != "two\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Err", func(t *testing.T) {
		for _, test := range []struct {
			want string
			args []string
		}{
			{"0x87", []string{"pub", "-t", "session/s1/info", "-m", "x", "--url", "mqtt://" + s.MQTT}},
			{"0x87", []string{"sub", "-t", "user/ana/#", "--url", "mqtt://" + s.MQTT}},
			{"fitmq check", []string{"pub", "-t", "t", "-m", "x", "-u", "ana", "-P", "wrong", "--url", "mqtt://" + s.MQTT}},
			{"0 of 1", []string{"sub", "-t", "silent", "-n", "1", "-w", "1s", "--url", "mqtt://" + s.MQTT}},
		} {
			if _, stderr := fitmq(t, exitError, test.args...); !strings.Contains(stderr, test.want) {
				t.Errorf("%v: %q does not have %q", test.args, stderr, test.want)
			}
		}
		fitmq(t, exitUsage, "pub", "-m", "x")
		fitmq(t, exitUsage, "sub", "-t", "x", "-q", "3")
	})
}

func TestSub_Interrupted(t *testing.T) {
	s := served(t)
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	var out bytes.Buffer
	if code := run(ctx, []string{"sub", "-t", "t", "--url", "mqtt://" + s.MQTT}, &out, &out); code != exitOK && !strings.Contains(out.String(), "canceled") {
		t.Errorf("code %d: %s", code, &out)
	}
}

func TestCheck_Server(t *testing.T) {
	s := served(t)
	url := "http://" + s.HTTP
	for _, who := range [][]string{{"-u", "ana", "-P", "ana-secret"}, {"--token", s.Token}} {
		out, _ := fitmq(t, exitOK, append([]string{"check", url, "--mqtt", "mqtt://" + s.MQTT}, who...)...)
		if got := strings.Count(out, "ok  "); got != 10 || strings.Contains(out, "FAIL") || strings.Count(out, "to and fro") != 3 {
			t.Errorf("%v: %s", who, out)
		}
	}
	t.Run("ErrSignIn", func(t *testing.T) {
		out, stderr := fitmq(t, exitError, "check", url, "-u", "ana", "-P", "wrong")
		if !strings.Contains(out, "FAIL") || !strings.Contains(out, "Check --user") || !strings.Contains(stderr, "1 failed") {
			t.Errorf("%s%s", out, stderr)
		}
	})
	t.Run("ErrMQTT", func(t *testing.T) {
		out, _ := fitmq(t, exitError, "check", url, "--mqtt", "mqtt://127.0.0.1:1", "-u", "ana", "-P", "ana-secret")
		if !strings.Contains(out, "Is --mqtt the MQTT port") || strings.Count(out, "FAIL") != 2 {
			t.Error(out)
		}
	})
	t.Run("ErrNoServer", func(t *testing.T) {
		out, _ := fitmq(t, exitError, "check", "http://127.0.0.1:1")
		if strings.Count(out, "FAIL") != 1 {
			t.Error(out)
		}
	})
	t.Run("ErrUsage", func(t *testing.T) {
		for _, args := range [][]string{{"check"}, {"check", "localhost"}, {"check", url, "--data", t.TempDir()}} {
			fitmq(t, exitError, args...)
		}
	})
	// Nothing is left behind.
	res, err := http.Get(url + "/api/v1/retained?filter=" + "fitmq/%23")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil || !strings.Contains(body.String(), `"items":[]`) {
		t.Errorf("left: %s %v", &body, err)
	}
}

// Who may not use the topic is told so, and what can be tested is.
func TestCheck_NoRight(t *testing.T) {
	s := brokertest.Start(t)
	fitmq(t, exitOK, "user", "put", "ana", "--password", "ana-secret", "--url", "http://"+s.HTTP, "--token", s.Token)
	out, _ := fitmq(t, exitOK, "check", "http://"+s.HTTP, "--mqtt", "mqtt://"+s.MQTT, "-u", "ana", "-P", "ana-secret")
	if strings.Count(out, "may not use fitmq/check/#") != 5 {
		t.Error(out)
	}
}
