package tests_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// client is an MQTT 5 client (paho.golang) that keeps all it receives.
type client struct {
	*paho.Client
	sessionPresent bool

	mu       sync.Mutex // guards received
	received []*paho.Publish
}

// dial connects user (anonymously when ""). A client id makes the session
// persistent; without one the session ends with the connection.
func dial(t testing.TB, s *server, user, clientID string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	c := &client{}
	c.Client = paho.NewClient(paho.ClientConfig{
		Conn: conn, PacketTimeout: patience,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.received = append(c.received, p.Packet)
			return true, nil
		}},
	})
	connect := &paho.Connect{
		KeepAlive: 30, ClientID: clientID, CleanStart: clientID == "",
		Properties: &paho.ConnectProperties{RequestProblemInfo: true}, // or the broker must not say why
	}
	if clientID != "" {
		expiry := uint32(3600)
		connect.Properties.SessionExpiryInterval = &expiry
	}
	if user != "" {
		connect.UsernameFlag, connect.Username = true, user
		connect.PasswordFlag, connect.Password = true, []byte(secret(user))
	}
	ack, err := c.Connect(t.Context(), connect)
	if err != nil {
		t.Fatalf("connect as %q: %v", user, err)
	}
	c.sessionPresent = ack.SessionPresent
	t.Cleanup(func() {
		conn.Close() // a client that has gone already is no error
		<-c.Done()
	})
	return c
}

// subscribe fails the test when a filter is refused.
func (c *client) subscribe(t testing.TB, qos byte, filters ...string) {
	t.Helper()
	sub := &paho.Subscribe{}
	for _, f := range filters {
		sub.Subscriptions = append(sub.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: qos})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.Subscribe(ctx, sub); err != nil {
		t.Fatalf("subscribe to %q: %v", filters, err)
	}
}

// publish returns the reason code and string of the acknowledgement.
func (c *client) publish(t testing.TB, topic string, qos byte, body any) (code byte, reason string) {
	t.Helper()
	payload, ok := body.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			t.Fatalf("encode a message for %s: %v", topic, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	res, err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: qos, Payload: payload})
	if res == nil {
		t.Fatalf("publish to %s: %v", topic, err)
	}
	if res.Properties != nil {
		reason = res.Properties.ReasonString
	}
	return res.ReasonCode, reason
}

// on returns the payloads received on the topic so far.
func (c *client) on(topic string) (payloads []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.received {
		if p.Topic == topic {
			payloads = append(payloads, string(p.Payload))
		}
	}
	return payloads
}

// leave closes the connection without a DISCONNECT: the phone is gone.
func (c *client) leave() {
	c.TerminateConnectionForTest()
	<-c.Done()
}

// mosquittoPub publishes with the plain command line client and returns its
// combined output.
func mosquittoPub(t testing.TB, s *server, user string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "mosquitto_pub", mosquittoArgs(t, s, user, args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("mosquitto_pub %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func mosquittoArgs(t testing.TB, s *server, user string, args []string) []string {
	t.Helper()
	host, port := hostPort(t, s.mqtt)
	list := []string{"-h", host, "-p", port}
	if user != "" {
		list = append(list, "-u", user, "-P", secret(user))
	}
	return append(list, args...)
}

// retained reads the retained message of a topic as a user would, with plain
// mosquitto_sub, and "" when there is none within the time.
func retained(t testing.TB, s *server, user, topic string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args := mosquittoArgs(t, s, user, []string{"-V", "mqttv311", "-t", topic, "-C", "1", "-W", "5", "--retained-only"})
	out, err := exec.CommandContext(ctx, "mosquitto_sub", args...).Output()
	if err != nil && len(out) > 0 {
		t.Fatalf("mosquitto_sub -t %s: %v\n%s", topic, err, out)
	}
	return strings.TrimSpace(string(out))
}

// subscriber is a mosquitto_sub that runs beside the test.
type subscriber struct {
	mu    sync.Mutex // guards lines
	lines []string
}

// mosquittoSub starts mosquitto_sub -d and returns once it has subscribed. Its
// lines are those of -d ("Client ... received PUBLISH (d0, q1, ...)") and the
// payloads.
func mosquittoSub(t testing.TB, s *server, user string, args ...string) *subscriber {
	t.Helper()
	// Line buffering: mosquitto_sub would keep its lines while they go to a pipe.
	cmd := exec.Command("stdbuf", append([]string{"-oL", "mosquitto_sub", "-d"}, mosquittoArgs(t, s, user, args)...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("mosquitto_sub %q: %v", args, err)
	}
	sub := &subscriber{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			sub.mu.Lock()
			sub.lines = append(sub.lines, scan.Text())
			sub.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-done
		_ = cmd.Wait() // it was killed: there is nothing to learn
	})
	sub.await(t, "Subscribed (mid")
	return sub
}

// find returns the first line that contains the text, or "".
func (s *subscriber) find(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if strings.Contains(l, text) {
			return l
		}
	}
	return ""
}

// await returns the first line that contains the text.
func (s *subscriber) await(t testing.TB, text string) (line string) {
	t.Helper()
	defer func() {
		if line == "" {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("mosquitto_sub said:\n%s", strings.Join(s.lines, "\n"))
		}
	}()
	eventually(t, "mosquitto_sub says "+text, func() bool {
		line = s.find(text)
		return line != ""
	})
	return line
}

// board is a leaderboard, of a challenge or of a session.
type board struct {
	Revision uint64  `json:"revision"`
	Total    int     `json:"total"`
	Entries  []entry `json:"entries"`
}

type entry struct {
	Rank   int     `json:"rank"`
	UserID string  `json:"userId"`
	Name   string  `json:"name"`
	Score  float64 `json:"score"`
}

// rankMessage is a user's own rank.
type rankMessage struct {
	UserID string  `json:"userId"`
	Rank   int     `json:"rank"`
	Score  float64 `json:"score"`
	Total  int     `json:"total"`
	Above  []entry `json:"above"`
	Below  []entry `json:"below"`
}

// decode reads a JSON payload.
func decode[T any](t testing.TB, payload string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(payload), &v); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	return v
}

// sampleBody is a live sample with the fields that every one must have.
func sampleBody(seq int, more map[string]any) map[string]any {
	body := map[string]any{
		"seq": seq, "timestamp": time.Now().UTC().Format(time.RFC3339Nano), "elapsedTime": seq,
		"sport": "running", "status": "active", "distance": float64(seq) * 3,
	}
	for k, v := range more {
		body[k] = v
	}
	return body
}

// activityBody is a run of that many metres that ended just now.
func activityBody(id string, meters float64) map[string]any {
	return map[string]any{
		"activityId": id, "sport": "running", "totalElapsedTime": 1800, "totalTimerTime": 1790, "totalDistance": meters,
		"startTime": time.Now().UTC().Add(-1801 * time.Second).Format(time.RFC3339),
	}
}

// mustJSON encodes a body for a command line.
func mustJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
