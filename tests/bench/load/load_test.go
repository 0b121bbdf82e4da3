//go:build linux

package load_test

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/tests/bench/load"
)

// forwarder is a broker that knows one subscriber and treats message number n
// as fault says: the packets to forward in its place.
type forwarder struct {
	fault func(n int, packet []byte) [][]byte

	mu         sync.Mutex // guards the rest
	subscriber net.Conn
	n          int
}

// start serves until the test ends and gives the address.
func (f *forwarder) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return l.Addr().String()
}

// serve answers one client. Packets are under 128 bytes, so that the second
// byte is the length.
func (f *forwarder) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		head, err := r.Peek(2)
		if err != nil {
			return
		}
		packet := make([]byte, 2+int(head[1]))
		if _, err := io.ReadFull(r, packet); err != nil {
			return
		}
		f.mu.Lock()
		switch packet[0] >> 4 {
		case 1: // CONNECT
			_, err = conn.Write([]byte{2 << 4, 2, 0, 0})
		case 8: // SUBSCRIBE
			f.subscriber = conn
			_, err = conn.Write([]byte{9 << 4, 3, packet[2], packet[3], 0})
		case 3: // PUBLISH
			for _, p := range f.fault(f.n, packet) {
				if _, err = f.subscriber.Write(p); err != nil {
					break
				}
			}
			f.n++
		}
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// A generator that overlooks a fault makes every broker look faultless.
func TestTraffic_Faults(t *testing.T) {
	var kept []byte
	for _, tt := range []struct {
		name  string
		fault func(n int, p []byte) [][]byte
		want  load.Faults
	}{
		{"OK", func(_ int, p []byte) [][]byte { return [][]byte{p} }, load.Faults{}},
		{"ErrLost", func(n int, p []byte) [][]byte {
			if n == 5 || n == 6 {
				return nil
			}
			return [][]byte{p}
		}, load.Faults{Lost: 2}},
		{"ErrRepeated", func(n int, p []byte) [][]byte {
			if n == 5 {
				return [][]byte{p, p}
			}
			return [][]byte{p}
		}, load.Faults{Repeated: 1}},
		{"ErrSwapped", func(n int, p []byte) [][]byte {
			switch n {
			case 5:
				kept = p
				return nil
			case 6:
				return [][]byte{p, kept}
			}
			return [][]byte{p}
		}, load.Faults{Lost: 1, Repeated: 1}},
		{"ErrCutOff", func(n int, p []byte) [][]byte {
			if n == 5 {
				short := append([]byte(nil), p[:len(p)-1]...)
				short[1]--
				return [][]byte{p, short}
			}
			return [][]byte{p}
		}, load.Faults{Strange: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := (&forwarder{fault: tt.fault}).start(t)
			traffic, err := load.OpenTraffic(addr, load.Plan{Groups: 1, Publishers: 1, Subscribers: 1, Window: 4, Payload: 32})
			if err != nil {
				t.Fatal(err)
			}
			defer traffic.Close()
			if err := traffic.Deliver(20); err != nil {
				t.Fatal(err)
			}
			if err := traffic.Drain(); err != nil {
				t.Fatal(err)
			}
			if got := traffic.Faults(); got != tt.want {
				t.Errorf("faults: got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// What never comes is lost too, though no later message shows the gap.
func TestTraffic_Drain_ErrNothingComes(t *testing.T) {
	addr := (&forwarder{fault: func(n int, p []byte) [][]byte {
		if n >= 10 {
			return nil
		}
		return [][]byte{p}
	}}).start(t)
	traffic, err := load.OpenTraffic(addr, load.Plan{Groups: 1, Publishers: 1, Subscribers: 1, Window: 4, Payload: 32})
	if err != nil {
		t.Fatal(err)
	}
	defer traffic.Close()
	if err := traffic.Deliver(10); err != nil {
		t.Fatal(err)
	}
	if err := traffic.Drain(); err != nil {
		t.Fatal(err)
	}
	if got := traffic.Faults(); got.Lost == 0 || got.Lost > 4 {
		t.Errorf("lost: got %d, want what was under way: 1 to 4", got.Lost)
	}
}

func start(t *testing.T) *brokertest.Server {
	t.Helper()
	return brokertest.Start(t, func(o *broker.Options) { o.Config.Dev = true })
}

func TestTraffic_OK(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		name string
		plan load.Plan
	}{
		{"FanOut", load.Plan{Groups: 1, Publishers: 1, Subscribers: 20, Window: 8, Payload: 200}},
		{"FanOutQoS1", load.Plan{Groups: 1, Publishers: 1, Subscribers: 20, QoS: 1, Window: 8, Payload: 200}},
		{"PairsQoS2", load.Plan{Groups: 5, Publishers: 1, Subscribers: 1, QoS: 2, Window: 8, Payload: 200}},
		{"Rooms", load.Plan{Groups: 3, Publishers: 4, Joint: true, Window: 4, Payload: 200}},
		{"OneAtATime", load.Plan{Groups: 1, Publishers: 1, Subscribers: 20, Window: 1, Payload: 200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			traffic, err := load.OpenTraffic(s.MQTT, tt.plan)
			if err != nil {
				t.Fatal(err)
			}
			defer traffic.Close()
			if err := traffic.Deliver(2000); err != nil {
				t.Fatal(err)
			}
			if err := traffic.Drain(); err != nil {
				t.Fatal(err)
			}
			latency, err := traffic.Pace(100, 100*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if got := traffic.Delivered(); got < 2000 {
				t.Errorf("delivered: got %d, want at least 2000", got)
			}
			// 10 messages of each publisher, fewer where the machine is busy.
			if got, want := latency.Count(), 3*tt.plan.Groups*tt.plan.Publishers*tt.plan.Receivers(); got < want {
				t.Errorf("latencies: got %d, want at least %d", got, want)
			}
			if got := latency.Quantile(0.5); got <= 0 || got > 10*time.Second {
				t.Errorf("median latency: got %v", got)
			}
			if got := traffic.Faults(); got != (load.Faults{}) {
				t.Errorf("faults: got %+v, want none", got)
			}
		})
	}
}

func TestQueue_Collect(t *testing.T) {
	s := start(t)
	q := load.Queue{Topics: []string{"queue/0", "queue/1", "queue/2"}, Each: 100, Payload: 64, Publishers: 2, Window: 16}
	client := load.Spec{ClientID: "absent", Persistent: true, Filter: "queue/+", QoS: 1}
	fleet, err := load.OpenFleet(s.MQTT, []load.Spec{client})
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Leave(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Feed(s.MQTT); err != nil {
		t.Fatal(err)
	}
	t.Run("OK", func(t *testing.T) {
		_, got, err := q.Collect(s.MQTT, client, 0, 1, 2)
		if err != nil || got != (load.Faults{}) {
			t.Errorf("got %+v, %v, want all of it in order", got, err)
		}
	})
	t.Run("ErrLost", func(t *testing.T) { // it has been taken: nothing is left
		_, got, err := q.Collect(s.MQTT, client, 0, 1, 2)
		if err != nil || got.Lost != q.Messages() {
			t.Errorf("got %+v, %v, want %d lost", got, err, q.Messages())
		}
	})
}

func TestFleet_Ping(t *testing.T) {
	s := start(t)
	for name, addr := range map[string]string{"TCP": s.MQTT, "WebSocket": s.HTTP} {
		t.Run(name, func(t *testing.T) {
			specs := []load.Spec{
				{ClientID: "a" + name, WebSocket: name == "WebSocket", Filter: "a/#"},
				{ClientID: "b" + name, WebSocket: name == "WebSocket"},
			}
			fleet, err := load.OpenFleet(addr, specs)
			if err != nil {
				t.Fatal(err)
			}
			defer fleet.Close()
			if err := fleet.Ping(); err != nil {
				t.Errorf("alive: %v", err)
			}
		})
	}
	t.Run("ErrClosed", func(t *testing.T) {
		fleet, err := load.OpenFleet(s.MQTT, []load.Spec{{ClientID: "same"}})
		if err != nil {
			t.Fatal(err)
		}
		defer fleet.Close()
		other, err := load.OpenFleet(s.MQTT, []load.Spec{{ClientID: "same"}}) // takes the session over
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if fleet.Ping() == nil {
			t.Error("a closed connection counts as alive")
		}
	})
}

func TestHistogram_Quantile(t *testing.T) {
	h := load.NewHistogram()
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("empty: got %v, want 0", got)
	}
	for i := range 1000 {
		h.Add(time.Duration(i+1) * time.Millisecond)
	}
	for share, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.Quantile(share); got < want-want/50 || got > want+want/50 {
			t.Errorf("quantile %v: got %v, want %v to 2 %%", share, got, want)
		}
	}
}
