package tests_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// taker is an MQTT client that acknowledges what the test takes, and no more.
type taker struct {
	*paho.Client
	conn net.Conn
	come chan *paho.Publish
}

func takeOver(t *testing.T, s *server, user, clientID string) *taker {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		t.Fatal(err)
	}
	m := &taker{conn: conn, come: make(chan *paho.Publish, 2000)} // more than the server sends unacknowledged
	m.Client = paho.NewClient(paho.ClientConfig{
		Conn: conn, PacketTimeout: patience, EnableManualAcknowledgment: true,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			m.come <- p.Packet
			return true, nil
		}},
	})
	expiry := uint32(3600)
	if _, err := m.Connect(t.Context(), &paho.Connect{
		KeepAlive: 30, ClientID: clientID, UsernameFlag: true, Username: user, PasswordFlag: true, Password: []byte(secret(user)),
		Properties: &paho.ConnectProperties{SessionExpiryInterval: &expiry},
	}); err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		conn.Close()
		<-m.Done()
	})
	return m
}

// take takes the next message and acknowledges it.
func (m *taker) take(t *testing.T) string {
	t.Helper()
	select {
	case p := <-m.come:
		// paho's Ack is only sent a while later.
		if _, err := m.conn.Write([]byte{0x40, 2, byte(p.PacketID >> 8), byte(p.PacketID)}); err != nil {
			t.Fatalf("acknowledge: %v", err)
		}
		return string(p.Payload)
	case <-time.After(patience):
		t.Fatal("no message over MQTT")
		return ""
	}
}

// publishUntil publishes the numbers from 0 on, QoS 1, until stop is closed, and
// then tells how many, or the error.
func publishUntil(s *server, pub *client, stop <-chan struct{}) (<-chan int, <-chan error) {
	done, failed := make(chan int, 1), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- n
				return
			default:
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			_, err := pub.Publish(ctx, &paho.Publish{Topic: "t", QoS: 1, Payload: []byte(strconv.Itoa(n))})
			cancel()
			if err != nil {
				failed <- fmt.Errorf("publish %d to %s: %w", n, s.mqtt, err)
				return
			}
		}
	}()
	return done, failed
}

// While somebody publishes without a pause, a client goes to and fro between events
// and MQTT: nothing is lost, nothing comes that was confirmed, and all is in order.
func TestEvents_SwitchUnderLoad(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	sse := s.listen(t, "ana", "phone", "", "t")
	stop := make(chan struct{})
	done, failed := publishUntil(s, dial(t, s, "", ""), stop)
	next, last := 0, ""
	want := func(got string) {
		t.Helper()
		if got != strconv.Itoa(next) {
			t.Fatalf("got %s, want %d", got, next)
		}
		next++
	}
	read := func(n int) {
		t.Helper()
		for i := range n {
			ev := sse.next(t)
			want(string(ev.data.Payload))
			if last = ev.id; i%200 == 199 {
				s.ack(t, "ana", "phone", last)
			}
		}
	}
	const each = 40
	for round := range 4 {
		read(each)
		if round%2 == 0 { // or it is confirmed with the next stream
			s.ack(t, "ana", "phone", last)
		}
		old := sse
		if round%2 == 0 {
			m := takeOver(t, s, "ana", "phone")
			old.wantEnd(t, 0x8E)
			for range each {
				want(m.take(t))
			}
			// Answered behind the acknowledgements.
			if _, err := m.Publish(t.Context(), &paho.Publish{Topic: "other", QoS: 1}); err != nil {
				t.Fatal(err)
			}
			last = ""
		}
		sse = s.listen(t, "ana", "phone", last)
		old.cancel()
	}
	close(stop)
	select {
	case total := <-done:
		if total <= next {
			t.Errorf("%d were published, %d had come: nobody published meanwhile", total, next)
		}
		read(total - next)
	case err := <-failed:
		t.Fatal(err)
	}
	s.ack(t, "ana", "phone", last)
	if status, answer := s.as(t, "ana", "POST", "/publish", `{"topic":"t","payload":"end","qos":1}`); status != http.StatusOK {
		t.Fatalf("publish: %d %s", status, answer)
	}
	if ev := sse.next(t); string(ev.data.Payload) != `"end"` {
		t.Errorf("behind the last one came %s", ev)
	}
}

// A reader who takes nothing delays nobody, and finds all when it comes again.
func TestEvents_Stalled(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	s.listen(t, "ana", "stalled", "", "t")
	sse := s.listen(t, "ben", "page", "", "t")
	pub := dial(t, s, "", "")
	const n = 200 // of 64 KiB: more than connections take in, and streams hold
	payload := func(i int) string { return fmt.Sprint(i, strings.Repeat(" x", 32<<10)) }
	wantOne := func(e *events, user, clientID string, i int) {
		t.Helper()
		ev := e.next(t)
		var got string
		if err := json.Unmarshal(ev.data.Payload, &got); err != nil || got != payload(i) {
			t.Fatalf("message %d: %.20s %v", i, got, err)
		}
		if i%20 == 19 {
			s.ack(t, user, clientID, ev.id)
		}
	}
	for i := range n {
		pub.publish(t, "t", 1, []byte(payload(i)))
		wantOne(sse, "ben", "page", i)
	}
	again := s.listen(t, "ana", "stalled", "")
	for i := range n {
		wantOne(again, "ana", "stalled", i)
	}
}

// A Last-Event-ID that this session never gave confirms nothing: what waits comes.
func TestEvents_LastEventID(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	pub := dial(t, s, "", "")
	phone, tablet := s.listen(t, "ana", "phone", "", "t"), s.listen(t, "ana", "tablet", "", "t")
	pub.publish(t, "t", 1, 1)
	pub.publish(t, "t", 2, 2)
	ids, others := phone.want(t, "t 1", "t 2"), tablet.want(t, "t 1", "t 2")
	session, _, _ := strings.Cut(ids[0], "-")
	for name, test := range map[string]struct {
		id          string
		stream, ack int
	}{
		"garbage":         {"x", 422, 422},
		"one part":        {session, 422, 422},
		"three parts":     {ids[0] + "-1", 422, 422},
		"sign":            {"-" + ids[0], 422, 422},
		"no number":       {session + "-!", 422, 422},
		"over 64 bits":    {session + "-" + strings.Repeat("z", 14), 422, 422},
		"long":            {strings.Repeat("1", 8000), 422, 422},
		"no session":      {"0-1", 422, 422},
		"the future":      {session + "-zzzzzzzz", 200, 422},
		"another session": {others[1], 200, 409},
		"before":          {session + "-0", 200, 204},
	} {
		t.Run(name, func(t *testing.T) {
			body := fmt.Sprintf(`{"clientId":"phone","lastEventId":%q}`, test.id)
			if status, answer := s.as(t, "ana", "POST", "/ack", body); status != test.ack {
				t.Errorf("ack: %d %s, want %d", status, answer, test.ack)
			}
			sse, res := s.tryListen(t, "ana", secret("ana"), "phone", test.id)
			if res.StatusCode != test.stream {
				t.Fatalf("stream: %s, want %d", res.Status, test.stream)
			}
			if sse != nil {
				sse.want(t, "t 1", "t 2")
				sse.cancel()
			}
		})
	}
	last := s.listen(t, "ana", "phone", ids[1])
	pub.publish(t, "t", 1, 3)
	last.want(t, "t 3")
}

// When the server goes down, streams end with the reason, and a request under way
// is answered and kept.
func TestEvents_Drain(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	sse := s.listen(t, "ana", "phone", "", "t")
	conn, err := net.Dial("tcp", s.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	const body = `{"topic":"t","payload":"kept","qos":1}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.http+"/api/v1/publish", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("ana", secret("ana"))
	if _, err := fmt.Fprintf(conn, "POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		req.Header.Get("Authorization"), len(body)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %s %v", line, err)
	}
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	sse.wantEnd(t, 0x8B)
	if _, err := sse.lines.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("behind its end: %v", err)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the request under way: %s", res.Status)
	}
	<-s.exited
	s.start(t)
	s.listen(t, "ana", "phone", "").want(t, `t "kept"`)
}
