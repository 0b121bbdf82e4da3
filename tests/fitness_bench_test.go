package tests_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The benchmarks of this file run a server as a process of its own and load it from
// here, over TCP on the loopback. `make bench-fitness` prints them.

const benchSecret = "a-secret-that-only-a-benchmark-has-and-nobody-else"

// startFitness runs a server that takes this file's tokens.
func startFitness(b *testing.B) *server {
	b.Helper()
	path := filepath.Join(b.TempDir(), "fitmq.yml")
	if err := os.WriteFile(path, []byte("tokens:\n  secret: "+benchSecret+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return startProgram(b, fitmqPlainPath, "--config", path)
}

// device is a bare 3.1.1 client.
type device struct {
	net.Conn
	in *bufio.Reader
}

// signIn connects the user over TCP.
func signIn(s *server, user string) (*device, error) {
	c, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		return nil, err
	}
	d := &device{Conn: c, in: bufio.NewReaderSize(c, 4096)}
	return d, d.signIn(user)
}

// signIn is CONNECT and CONNACK.
func (d *device) signIn(user string) error {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "role": "member", "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(benchSecret))
	if err != nil {
		return err
	}
	body := []byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 0}
	for _, part := range []string{"bench-" + user, user, token} {
		body = binary.BigEndian.AppendUint16(body, uint16(len(part)))
		body = append(body, part...)
	}
	if _, err := d.Write(packet(0x10, body)); err != nil {
		return err
	}
	first, answer, err := d.read()
	if err != nil || first != 0x20 || answer[1] != 0 {
		return fmt.Errorf("sign in %s: %x %x %w", user, first, answer, err)
	}
	return nil
}

// packet frames a body.
func packet(first byte, body []byte) []byte {
	p := []byte{first}
	for n := len(body); ; {
		x := byte(n & 0x7F)
		if n >>= 7; n > 0 {
			x |= 0x80
		}
		if p = append(p, x); n == 0 {
			return append(p, body...)
		}
	}
}

// publish is a PUBLISH at QoS 1, or at QoS 0 where the id is 0.
func publishPacket(topic, payload string, id uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, uint16(len(topic)))
	body = append(body, topic...)
	first := byte(0x30)
	if id != 0 {
		first |= 2
		body = binary.BigEndian.AppendUint16(body, id)
	}
	return packet(first, append(body, payload...))
}

// subscribe takes a filter at QoS 0.
func (d *device) subscribe(filter string) error {
	body := binary.BigEndian.AppendUint16([]byte{0, 1}, uint16(len(filter)))
	_, err := d.Write(packet(0x82, append(append(body, filter...), 0)))
	return err
}

// read returns the next packet.
func (d *device) read() (first byte, body []byte, err error) {
	if first, err = d.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(d.in) // MQTT's remaining length is one
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(d.in, body)
	return first, body, err
}

// cpu is the processor time that the server has used.
func (s *server) cpu(b *testing.B) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+2:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, in hundredths
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// each calls fn with 0 to n-1, several at a time.
func each(b *testing.B, n, atOnce int, fn func(i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := fn(i); err != nil {
					b.Errorf("%d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// BenchmarkFitness_Activities is how many activities a second are judged, committed
// and acknowledged: 2,000 users hand in 20 each at once.
func BenchmarkFitness_Activities(b *testing.B) {
	const users, perUser = 2000, 20
	for b.Loop() {
		s := startFitness(b)
		now := time.Now().UTC()
		s.put(b, "/users/oli", map[string]string{"role": "member"})
		s.put(b, "/challenges/c1", map[string]any{
			"organizer": "oli", "metric": "distance", "startsAt": now.Add(-time.Hour * 48).Format(time.RFC3339), "endsAt": now.Add(time.Hour * 48).Format(time.RFC3339),
		})
		devices := make([]*device, users)
		each(b, users, 32, func(i int) (err error) {
			user := fmt.Sprintf("u%d", i)
			s.put(b, "/users/"+user, map[string]string{"role": "member"})
			s.put(b, "/challenges/c1/participants/"+user, struct{}{})
			devices[i], err = signIn(s, user)
			return err
		})
		packets := make([][]byte, users)
		start := now.Add(-time.Hour).Format(time.RFC3339)
		for i := range packets {
			for k := range perUser {
				packets[i] = append(packets[i], publishPacket("challenge/c1/activity", fmt.Sprintf(
					`{"activityId":"a%d","sport":"running","startTime":%q,"totalElapsedTime":1800,"totalTimerTime":1790,"totalDistance":%d.5,"totalCalories":400,"avgHeartRate":150,"device":"watch"}`,
					k, start, 4500+(i*7919+k*131)%1000), uint16(k+1))...)
			}
		}
		used, began := s.cpu(b), time.Now()
		each(b, users, users, func(i int) error {
			if _, err := devices[i].Write(packets[i]); err != nil {
				return err
			}
			for range perUser {
				if first, _, err := devices[i].read(); err != nil || first != 0x40 {
					return fmt.Errorf("got %x %w, want PUBACK", first, err)
				}
			}
			return nil
		})
		took := time.Since(began)
		b.ReportMetric(users*perUser/took.Seconds(), "activities/s")
		b.ReportMetric(float64((s.cpu(b)-used).Microseconds())/(users*perUser), "us-cpu/activity")
		b.ReportMetric(0, "ns/op")
		for _, d := range devices {
			d.Close()
		}
		s.stop(b)
	}
}

// BenchmarkFitness_Class is what 500 athletes at one sample a second cost whom 20
// watch: the server's share of one processor.
func BenchmarkFitness_Class(b *testing.B) {
	const athletes, watchers, seconds = 500, 20, 20
	for b.Loop() {
		s := startFitness(b)
		s.put(b, "/users/oli", map[string]string{"role": "member"})
		s.put(b, "/sessions/s1", map[string]any{"host": "oli", "visibility": "open"})
		devices := make([]*device, athletes+watchers)
		var received atomic.Int64
		each(b, len(devices), 32, func(i int) (err error) {
			if devices[i], err = signIn(s, fmt.Sprintf("u%d", i)); err != nil {
				return err
			}
			filter := "session/s1/info" // takes part, and looks at its own figures
			if i >= athletes {
				filter = "session/s1/#"
			}
			go drain(devices[i], &received)
			return devices[i].subscribe(filter)
		})
		time.Sleep(3 * time.Second) // until the last roster is out
		used, began := s.cpu(b), time.Now()
		received.Store(0)
		for sec := range seconds {
			for i := range athletes {
				at := began.Add(time.Duration(sec)*time.Second + time.Duration(i)*time.Second/athletes)
				time.Sleep(time.Until(at))
				sample := fmt.Sprintf(`{"seq":%d,"timestamp":%q,"elapsedTime":%d,"sport":"running","status":"active","heartRate":%d,"cadence":86,"speed":3.21,"distance":%.1f,"latitude":52.52,"longitude":13.4}`,
					sec+1, time.Now().UTC().Format(time.RFC3339Nano), sec+1, 120+i%60, 3.21*float64(sec+1)+float64(i))
				if _, err := devices[i].Write(publishPacket(fmt.Sprintf("session/s1/progress/u%d", i), sample, 0)); err != nil {
					b.Fatal(err)
				}
			}
		}
		took := time.Since(began)
		b.ReportMetric(100*float64(s.cpu(b)-used)/float64(took), "%cpu")
		b.ReportMetric(float64(received.Load())/took.Seconds(), "deliveries/s")
		b.ReportMetric(0, "ns/op")
		for _, d := range devices {
			d.Close()
		}
		s.stop(b)
	}
}

// drain reads until the connection ends, and counts messages.
func drain(d *device, messages *atomic.Int64) {
	for {
		first, _, err := d.read()
		if err != nil {
			return
		}
		if first>>4 == 3 {
			messages.Add(1)
		}
	}
}

// BenchmarkFitness_JoinStorm is what 5,000 who join one session at once cost: how
// long until all have joined, and what the server sends them for it.
func BenchmarkFitness_JoinStorm(b *testing.B) {
	const n = 5000
	for b.Loop() {
		s := startFitness(b)
		s.put(b, "/users/oli", map[string]string{"role": "member"})
		s.put(b, "/sessions/s1", map[string]any{"host": "oli", "visibility": "open"})
		devices := make([]*device, n)
		each(b, n, 64, func(i int) (err error) {
			devices[i], err = signIn(s, fmt.Sprintf("u%d", i))
			return err
		})
		sent := metric(b, s, "fitmq_sent_bytes_total")
		used, began := s.cpu(b), time.Now()
		var joined sync.WaitGroup
		joined.Add(n)
		var messages atomic.Int64
		each(b, n, 64, func(i int) error {
			if err := devices[i].subscribe("session/s1/#"); err != nil {
				return err
			}
			go func() {
				defer joined.Done()
				for {
					if first, _, err := devices[i].read(); err != nil || first == 0x90 {
						go drain(devices[i], &messages)
						return
					}
				}
			}()
			return nil
		})
		joined.Wait()
		b.ReportMetric(time.Since(began).Seconds(), "s-until-joined")
		time.Sleep(5 * time.Second) // what comes behind belongs to it
		b.ReportMetric((metric(b, s, "fitmq_sent_bytes_total")-sent)/1e6, "MB-sent")
		b.ReportMetric((s.cpu(b) - used).Seconds(), "s-cpu")
		b.ReportMetric(0, "ns/op")
		for _, d := range devices {
			d.Close()
		}
		s.stop(b)
	}
}
