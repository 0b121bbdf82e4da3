package tests_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	idleConnections = 1000
	// idleLimit is what idleConnections may cost the server's process, in MiB.
	idleLimit = 40
)

// A thousand clients that are connected and silent cost little.
func TestBroker_IdleConnections(t *testing.T) {
	perConnection, total := measureIdle(t)
	t.Logf("%d idle TCP connections: %.1f MiB, %.1f KiB each", idleConnections, total, perConnection)
	if total >= idleLimit {
		t.Errorf("%d idle connections cost %.1f MiB, want less than %d", idleConnections, total, idleLimit)
	}
}

// BenchmarkBroker_IdleConnections prints the same as figures.
func BenchmarkBroker_IdleConnections(b *testing.B) {
	for b.Loop() {
		perConnection, total := measureIdle(b)
		b.ReportMetric(perConnection, "KiB/connection")
		b.ReportMetric(total, "MiB/1000-connections")
		b.ReportMetric(0, "ns/op") // time means nothing here
	}
}

// measureIdle returns how much resident memory a server takes more with
// idleConnections than with none: KiB for each and MiB for all.
func measureIdle(t testing.TB) (perConnection, total float64) {
	t.Helper()
	s := startProgram(t, fitmqPlainPath, "--dev")
	before := settledMemory(t, s.cmd.Process.Pid)
	conns := make([]net.Conn, 0, idleConnections)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for i := range idleConnections {
		c, err := net.DialTimeout("tcp", s.mqtt, patience)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		conns = append(conns, c)
		if err := connectIdle(c, fmt.Sprintf("idle-%d", i)); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	after := settledMemory(t, s.cmd.Process.Pid)
	// They are connected indeed: each answers a PINGREQ.
	for i, c := range conns {
		if err := ping(c); err != nil {
			t.Fatalf("connection %d after the measurement: %v", i, err)
		}
	}
	return (after - before) / idleConnections, (after - before) / 1024
}

// connectIdle signs in over a raw connection as an anonymous 3.1.1 client
// without keep alive.
func connectIdle(c net.Conn, clientID string) error {
	packet := []byte{0x10, byte(12 + len(clientID)), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0}
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(clientID)))
	packet = append(packet, clientID...)
	return exchange(c, packet, []byte{0x20, 2, 0, 0})
}

func ping(c net.Conn) error { return exchange(c, []byte{0xC0, 0}, []byte{0xD0, 0}) }

// exchange writes a packet and checks the answer.
func exchange(c net.Conn, packet, want []byte) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write(packet); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if string(got) != string(want) {
		return fmt.Errorf("answer = % x, want % x", got, want)
	}
	return nil
}

// settledMemory is the process's resident memory in KiB, once it has stopped
// growing: half a second without a new maximum.
func settledMemory(t testing.TB, pid int) float64 {
	t.Helper()
	most, last, since := 0.0, 0.0, time.Now()
	eventually(t, "the memory settles", func() bool {
		last = residentKiB(t, pid)
		if last > most {
			most, since = last, time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
	return last
}

func residentKiB(t testing.TB, pid int) float64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatalf("read the server's memory: %v", err)
	}
	defer f.Close()
	for scan := bufio.NewScanner(f); scan.Scan(); {
		if rest, ok := strings.CutPrefix(scan.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64)
			if err != nil {
				t.Fatalf("VmRSS of the server: %v", err)
			}
			return kib
		}
	}
	t.Fatal("no VmRSS in /proc/PID/status")
	return 0
}
