package tests_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fitmq/fitmq/tests/await"
)

// patience is how long a test waits for what should happen at once. It is long
// because other tests run at the same time, with the race detector.
const patience = 30 * time.Second

// server is a fitmq process on its own data directory.
type server struct {
	program string
	args    []string
	dir     string
	mqtt    string // host:port
	http    string // host:port
	token   string
	cmd     *exec.Cmd
	stderr  *logBuffer
	exited  chan struct{} // closed once the process is reaped
}

// logBuffer takes a process's output while the test may read it.
type logBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startServer runs the race-checked program on an empty directory and free
// ports, with further arguments for serve.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	return startProgram(t, fitmqPath, args...)
}

func startProgram(t testing.TB, program string, args ...string) *server {
	t.Helper()
	s := &server{program: program, args: args, dir: t.TempDir(), mqtt: "127.0.0.1:0", http: "127.0.0.1:0", stderr: &logBuffer{}}
	t.Cleanup(func() {
		if s.running() {
			s.stop(t)
		}
		if log := s.stderr.String(); strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic:") {
			t.Errorf("the server's log has a race or a panic:\n%s", log)
		} else if t.Failed() {
			t.Logf("the server's log:\n%s", log)
		}
	})
	s.start(t)
	return s
}

func (s *server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// start runs the process, on the addresses of its first start if there was one,
// and returns once it listens.
func (s *server) start(t testing.TB) {
	t.Helper()
	args := append([]string{"serve", "--data", s.dir, "--mqtt-addr", s.mqtt, "--http-addr", s.http}, s.args...)
	s.cmd = exec.Command(s.program, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.stderr, s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", s.program, err)
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		close(exited)
	}(s.cmd, s.exited)
	eventually(t, "the server listens", func() bool {
		if !s.running() {
			t.Fatalf("fitmq serve ended by itself: %v\n%s", s.cmd.ProcessState, s.stderr)
		}
		var a struct {
			MQTT, HTTP string
			PID        int
		}
		data, err := os.ReadFile(filepath.Join(s.dir, "addresses.json"))
		if err != nil || json.Unmarshal(data, &a) != nil || a.PID != s.cmd.Process.Pid {
			return false // not yet, or left by a killed predecessor
		}
		s.mqtt, s.http = a.MQTT, a.HTTP
		return true
	})
	token, err := os.ReadFile(filepath.Join(s.dir, "admin.token"))
	if err != nil {
		t.Fatalf("read the admin token: %v", err)
	}
	s.token = strings.TrimSpace(string(token))
}

// kill ends the process as a power failure would.
func (s *server) kill(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatalf("kill the server: %v", err)
	}
	<-s.exited
}

// stop ends the process with SIGTERM and checks that it ended cleanly.
func (s *server) stop(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stop the server: %v", err)
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		t.Errorf("the server did not end within %v of SIGTERM", patience)
		s.kill(t)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != 0 {
		t.Errorf("exit code after SIGTERM = %d, want 0\n%s", got, s.stderr)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "addresses.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("addresses.json after a clean end: %v, want it gone", err)
	}
}

// rest makes a request as the administrator and returns status and body.
func (s *server) rest(t testing.TB, method, path string, body any) (int, []byte) {
	t.Helper()
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatalf("encode the body of %s: %v", path, err)
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.http+"/api/v1"+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, answer
}

func (s *server) put(t testing.TB, path string, body any) {
	t.Helper()
	if status, answer := s.rest(t, http.MethodPut, path, body); status >= 300 {
		t.Fatalf("PUT %s: status %d: %s", path, status, answer)
	}
}

// secret is everybody's password in the tests.
func secret(user string) string { return user + "-secret" }

// user makes an account. Its password is secret(id).
func (s *server) user(t testing.TB, id, role string) {
	t.Helper()
	name := strings.ToUpper(id[:1]) + id[1:]
	s.put(t, "/users/"+id, map[string]string{"name": name, "role": role, "password": secret(id)})
}

// race sets up the trainer tess, ana and ben, the open session s1 and the
// challenge c1 over distance in which ana and ben take part.
func (s *server) race(t testing.TB) {
	t.Helper()
	s.user(t, "tess", "trainer")
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	s.put(t, "/sessions/s1", map[string]any{"kind": "workout", "title": "Track", "host": "tess", "trainer": "tess", "visibility": "open", "rankBy": "distance"})
	now := time.Now().UTC()
	s.put(t, "/challenges/c1", map[string]any{
		"title": "Distance", "organizer": "tess", "visibility": "open", "metric": "distance", "aggregate": "sum", "order": "desc",
		"startsAt": now.Add(-48 * time.Hour).Format(time.RFC3339), "endsAt": now.Add(48 * time.Hour).Format(time.RFC3339),
	})
	s.put(t, "/challenges/c1/participants/ana", struct{}{})
	s.put(t, "/challenges/c1/participants/ben", struct{}{})
}

// eventually polls until ok, and fails the test after patience.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	await.Until(t, what, ok)
}

// hostPort splits an address for programs that want the two apart.
func hostPort(t testing.TB, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatalf("address %q: %v", addr, err)
	}
	return host, port
}
