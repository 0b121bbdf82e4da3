package torture_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long the broker may take for what it should do at once. The
// machine may be busy with other tests.
const patience = 30 * time.Second

// process is the broker under test on its own data directory.
type process struct {
	program string
	dir     string // data, and fitmq.log beside it
	log     *os.File
	cmd     *exec.Cmd
	exited  chan struct{}

	tcp, http atomic.Value // string: host:port, the same after a restart
	downs     atomic.Int64 // kills and stops begun
}

func startBroker(t testing.TB, program, dir string) *process {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(dir, "fitmq.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{program: program, dir: dir, log: log}
	p.tcp.Store("127.0.0.1:0")
	p.http.Store("127.0.0.1:0")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.running() {
			_ = p.stop() // the test has said what it thinks of the broker
		}
		_ = log.Close() // nothing is written any more
	})
	return p
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// start runs the broker and waits until it listens.
func (p *process) start() error {
	data := filepath.Join(p.dir, "data")
	p.cmd = exec.Command(p.program, "serve", "--dev", "--data", data,
		"--mqtt-addr", p.tcp.Load().(string), "--http-addr", p.http.Load().(string))
	if file := filepath.Join(p.dir, configFile); exists(file) {
		p.cmd.Args = append(p.cmd.Args, "--config", file)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "GOTRACEBACK=all") // for autopsy
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		close(exited)
	}(p.cmd, p.exited)
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if !p.running() {
			return fmt.Errorf("the broker ended by itself: %v", p.cmd.ProcessState)
		}
		var a struct {
			MQTT, HTTP string
			PID        int
		}
		text, err := os.ReadFile(filepath.Join(data, "addresses.json"))
		if err == nil && json.Unmarshal(text, &a) == nil && a.PID == p.cmd.Process.Pid {
			p.tcp.Store(a.MQTT)
			p.http.Store(a.HTTP)
			return nil
		}
		time.Sleep(2 * time.Millisecond) // the file is the only sign
	}
	return fmt.Errorf("the broker did not listen within %v", patience)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// kill ends the broker as a power failure would.
func (p *process) kill() error {
	p.downs.Add(1)
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the broker: %w", err)
	}
	<-p.exited
	return nil
}

// stop ends the broker with SIGTERM.
func (p *process) stop() error {
	p.downs.Add(1)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the broker: %w", err)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.kill() // it is a fault already
		return fmt.Errorf("the broker did not end within %v of SIGTERM", patience)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the broker ended with code %d after SIGTERM", code)
	}
	return nil
}

// autopsy writes down what everybody is doing, and ends the broker: its
// goroutines go to its log, those of the test and the broker's metrics to files
// beside it.
func (p *process) autopsy() error {
	var metrics error
	if text, get := p.metrics(); get != nil {
		metrics = get
	} else {
		metrics = os.WriteFile(filepath.Join(p.dir, "metrics.txt"), text, 0o644)
	}
	test, err := os.Create(filepath.Join(p.dir, "test-goroutines.txt"))
	if err == nil {
		err = errors.Join(pprof.Lookup("goroutine").WriteTo(test, 2), test.Close())
	}
	return errors.Join(metrics, err, p.cmd.Process.Signal(syscall.SIGQUIT))
}

func (p *process) metrics() ([]byte, error) {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get("http://" + p.http.Load().(string) + "/metrics")
	if err != nil {
		return nil, fmt.Errorf("read the broker's metrics: %w", err)
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// complaints are lines of the broker's log that no run may have.
func (p *process) complaints() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	for _, word := range []string{"DATA RACE", "panic", "level=ERROR", `"level":"ERROR"`} {
		if i := strings.Index(string(text), word); i >= 0 {
			return string(text[max(i-200, 0):min(i+2000, len(text))])
		}
	}
	return ""
}
