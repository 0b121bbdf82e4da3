package tests_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What BenchmarkBroker_Logins does: traffic of trafficPairs, each with a message
// every trafficEvery, without and with loginsPerMinute, in turns.
const (
	loginsPerMinute = 1000
	loginRounds     = 4
	loginTurn       = 6 * time.Second
	trafficPairs    = 10
	trafficEvery    = 20 * time.Millisecond
)

// traffic is pairs of a publisher and a subscriber at QoS 1, which measure how
// long each message takes.
type traffic struct {
	t       testing.TB
	conns   []net.Conn
	stop    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	took    []time.Duration
	failure error
}

// startTraffic opens the pairs and lets them run until the test ends.
func startTraffic(t testing.TB, s *server) *traffic {
	t.Helper()
	tr := &traffic{t: t, stop: make(chan struct{})}
	t.Cleanup(func() {
		close(tr.stop)
		for _, c := range tr.conns {
			c.Close()
		}
		tr.running.Wait()
	})
	for i := range trafficPairs {
		topic := fmt.Sprintf("traffic/%02d", i)
		sub, pub := tr.dial(s, fmt.Sprintf("sub%d", i)), tr.dial(s, fmt.Sprintf("pub%d", i))
		if err := exchange(sub, append([]byte{0x82, byte(5 + len(topic)), 0, 1, 0, byte(len(topic))}, topic+"\x01"...), []byte{0x90, 3, 0, 1, 1}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []net.Conn{sub, pub} {
			if err := c.SetDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		tr.running.Go(func() { tr.note(tr.receive(sub, len(topic))) })
		tr.running.Go(func() {
			_, err := io.Copy(io.Discard, pub) // PUBACKs
			tr.note(err)
		})
		tr.running.Go(func() { tr.note(tr.send(pub, topic, time.Duration(i)*trafficEvery/trafficPairs)) })
	}
	return tr
}

func (tr *traffic) dial(s *server, id string) net.Conn {
	tr.t.Helper()
	c, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.conns = append(tr.conns, c)
	if err := connectIdle(c, id); err != nil {
		tr.t.Fatal(err)
	}
	return c
}

// send publishes the time at which each message was due, so that a publisher
// that is held up counts as well.
func (tr *traffic) send(c net.Conn, topic string, offset time.Duration) error {
	due := time.Now().Add(offset)
	for id := uint16(1); ; id++ {
		select {
		case <-tr.stop:
			return nil
		case <-time.After(time.Until(due)):
		}
		packet := append([]byte{0x32, byte(2 + len(topic) + 2 + 8), 0, byte(len(topic))}, topic...)
		packet = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(packet, max(id, 1)), uint64(due.UnixNano()))
		if _, err := c.Write(packet); err != nil {
			return err
		}
		due = due.Add(trafficEvery)
	}
}

func (tr *traffic) receive(c net.Conn, topic int) error {
	packet := make([]byte, 2+2+topic+2+8)
	for {
		if _, err := io.ReadFull(c, packet); err != nil {
			return err
		}
		took := time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(packet[len(packet)-8:]))))
		if _, err := c.Write([]byte{0x40, 2, packet[4+topic], packet[5+topic]}); err != nil {
			return err
		}
		tr.mu.Lock()
		tr.took = append(tr.took, took)
		tr.mu.Unlock()
	}
}

// note keeps the first error that is not the test's end.
func (tr *traffic) note(err error) {
	select {
	case <-tr.stop:
	default:
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if tr.failure == nil {
			tr.failure = err
		}
	}
}

// take returns the times since the last call.
func (tr *traffic) take() []time.Duration {
	tr.t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.failure != nil {
		tr.t.Fatalf("traffic: %v", tr.failure)
	}
	took := tr.took
	tr.took = nil
	return took
}

// login signs in with the user's password, and returns how long that took.
func login(s *server, user string) (time.Duration, error) {
	start := time.Now()
	c, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	packet := append([]byte{0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 0}, 0, byte(len("c-"+user)))
	packet = append(packet, "c-"+user...)
	for _, field := range []string{user, secret(user)} {
		packet = append(append(packet, 0, byte(len(field))), field...)
	}
	packet[1] = byte(len(packet) - 2)
	err = exchange(c, packet, []byte{0x20, 2, 0, 0})
	return time.Since(start), err
}

// manyUsers makes accounts, several at a time.
func manyUsers(t testing.TB, s *server, n int) []string {
	t.Helper()
	users := make([]string, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range users {
		users[i] = fmt.Sprintf("user%d", i)
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if status, body := s.rest(t, "PUT", "/users/"+users[i], map[string]string{"role": "member", "password": secret(users[i])}); status != 201 {
				t.Errorf("make %s: %d %s", users[i], status, body)
			}
		})
	}
	wg.Wait()
	return users
}

func quantile(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))]) / float64(time.Millisecond)
}

// BenchmarkBroker_Logins is what 1,000 password logins a minute, each by another
// user so that each is hashed, mean for running traffic.
func BenchmarkBroker_Logins(b *testing.B) {
	for b.Loop() {
		s := startProgram(b, fitmqPlainPath, "--dev")
		perTurn := int(loginTurn.Minutes() * loginsPerMinute)
		users := manyUsers(b, s, loginRounds*perTurn)
		s.stop(b) // what has just been made has left no success behind
		s.start(b)
		tr := startTraffic(b, s)
		time.Sleep(2 * time.Second) // until all of them run
		tr.take()
		var quiet, busy, logins []time.Duration
		for round := range loginRounds {
			time.Sleep(loginTurn)
			quiet = append(quiet, tr.take()...)
			logins = append(logins, logIn(b, s, users[round*perTurn:(round+1)*perTurn])...)
			busy = append(busy, tr.take()...)
		}
		if hashed := metric(b, s, `fitmq_password_checks_total{result="hashed"}`); hashed < float64(len(users)) {
			b.Fatalf("%v passwords were hashed for %d logins", hashed, len(users))
		}
		for _, list := range [][]time.Duration{quiet, busy, logins} {
			slices.Sort(list)
		}
		b.ReportMetric(0, "ns/op") // time means nothing here
		b.ReportMetric(quantile(quiet, 0.99), "ms-p99-without")
		b.ReportMetric(quantile(busy, 0.99), "ms-p99-with-logins")
		b.ReportMetric(quantile(busy, 0.99)/quantile(quiet, 0.99), "ratio")
		b.ReportMetric(quantile(logins, 0.5), "ms-p50-login")
		b.ReportMetric(quantile(logins, 0.99), "ms-p99-login")
		b.Logf("%d messages without and %d with logins; p50 %.2f and %.2f ms, p99 %.2f and %.2f ms, longest %.1f and %.1f ms; %d logins",
			len(quiet), len(busy), quantile(quiet, 0.5), quantile(busy, 0.5), quantile(quiet, 0.99), quantile(busy, 0.99),
			quantile(quiet, 1), quantile(busy, 1), len(logins))
	}
}

// logIn signs the users in, one after another over a turn, and returns how long
// each took.
func logIn(t testing.TB, s *server, users []string) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(users))
	var wg sync.WaitGroup
	start := time.Now()
	for i, user := range users {
		time.Sleep(time.Until(start.Add(loginTurn * time.Duration(i) / time.Duration(len(users)))))
		wg.Go(func() {
			var err error
			if took[i], err = login(s, user); err != nil {
				t.Errorf("%s: %v", user, err)
			}
		})
	}
	wg.Wait()
	return took
}

// metric reads a figure of /metrics.
func metric(t testing.TB, s *server, name string) (value float64) {
	t.Helper()
	res, err := http.Get("http://" + s.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if value, err = strconv.ParseFloat(strings.TrimSpace(rest), 64); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("/metrics has no %s", name)
	return 0
}
