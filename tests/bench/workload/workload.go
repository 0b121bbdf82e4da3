//go:build linux

// Package workload is what every broker is put through, each time in a fresh
// process: traffic of several shapes, idle connections, and a queue for an
// absent client.
package workload

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
)

// Metric names a measured number.
type Metric string

// The metrics. Not every workload has every one.
const (
	CPU      Metric = "cpu"      // of the broker, microseconds a delivery
	Rate     Metric = "rate"     // deliveries a second
	P50      Metric = "p50"      // latency at a steady rate, milliseconds
	P99      Metric = "p99"      // the same
	Alone    Metric = "alone"    // P99 of the well-behaved before others misbehave
	Beside   Metric = "beside"   // the same while they do
	RSS      Metric = "rss"      // resident memory at the end, MB
	Lost     Metric = "lost"     // deliveries that never came, or too late
	Repeated Metric = "repeated" // deliveries that came twice or out of order
	Memory   Metric = "memory"   // kB a connection
	In       Metric = "in"       // acknowledged messages a second
	Out      Metric = "out"      // delivered messages a second
	CPUIn    Metric = "cpu-in"   // microseconds a message
	CPUOut   Metric = "cpu-out"  // the same
	Startup  Metric = "startup"  // seconds from the start of the process to the first CONNACK
	Peak     Metric = "peak"     // most resident memory of a start, MB
)

// Values are the results of one run.
type Values map[Metric]float64

// Scale is how much is done.
type Scale struct {
	Warm, Measure, Pace time.Duration
	Subscribers         int // of a fan-out
	Slow                int // clients that misbehave
	Idle                int // connections
	Settle              time.Duration
	Queued              int // messages for one absent client
	Sessions            int // absent clients of the start-up
	SessionMessages     int // waiting for each of them
}

// Full is the scale of the published figures, Short one for a quick look.
var (
	Full = Scale{
		Warm: 500 * time.Millisecond, Measure: 2 * time.Second, Pace: 1500 * time.Millisecond, Subscribers: 1000,
		Slow: 500, Idle: 10000, Settle: 5 * time.Second, Queued: 100000, Sessions: 10000, SessionMessages: 100,
	}
	Short = Scale{
		Warm: 50 * time.Millisecond, Measure: 200 * time.Millisecond, Pace: 100 * time.Millisecond, Subscribers: 1000,
		Slow: 50, Idle: 300, Settle: 300 * time.Millisecond, Queued: 5000, Sessions: 500, SessionMessages: 20,
	}
)

// Env is what a run needs besides its workload.
type Env struct {
	Binaries brokers.Binaries
	Scale    Scale
	// Profile is where perf's record of fitmq goes; empty: none is made.
	Profile string
}

// Workload is one row of the tables.
type Workload struct {
	// Name is for the command line.
	Name string
	// Title is for people.
	Title string
	// Only names the brokers that it is for; empty means all.
	Only []brokers.Kind
	// Once says that one run is enough: it hardly varies and takes its time.
	Once bool
	run  func(context.Context, *Env, *brokers.Process) (Values, error)
}

// For reports whether the workload is for a broker.
func (w Workload) For(kind brokers.Kind) bool {
	for _, k := range w.Only {
		if k == kind {
			return true
		}
	}
	return len(w.Only) == 0
}

// Run starts the broker, puts it through the workload and kills it.
func (w Workload) Run(ctx context.Context, env *Env, kind brokers.Kind) (Values, error) {
	dir, err := os.MkdirTemp("", "fitmq-bench-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	// What cannot be removed stays in the system's temporary directory.
	defer func() { _ = os.RemoveAll(dir) }()
	p, err := env.Binaries.Start(ctx, kind, dir)
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	v, err := w.run(ctx, env, p)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w; log: %s", kind, w.Name, err, p.LogTail())
	}
	return v, nil
}

// All lists the workloads in the order of the tables.
func All() []Workload {
	list := append(trafficWorkloads(), besideWorkloads()...)
	return append(list,
		Workload{Name: "idle-tcp", Title: "idle connections, TCP", Once: true, run: idle(false)},
		Workload{Name: "idle-ws", Title: "idle connections, WebSocket", Once: true, run: idle(true)},
		Workload{Name: "offline", Title: "a queue for an absent client", run: offline},
		Workload{Name: "startup", Title: "start with queues for many absent clients", Only: []brokers.Kind{brokers.FitMQ}, Once: true, run: startup},
	)
}

// meter reads what a broker uses from a moment on.
type meter struct {
	p     *brokers.Process
	cpu   time.Duration
	began time.Time
}

func startMeter(p *brokers.Process) (*meter, error) {
	cpu, err := p.CPU()
	return &meter{p, cpu, time.Now()}, err
}

// read gives processor time and time since the start.
func (m *meter) read() (cpu, wall time.Duration, err error) {
	now, err := m.p.CPU()
	return now - m.cpu, time.Since(m.began), err
}

// perf records where fitmq spends its time for as long as d, when wanted. The
// returned function waits for the record.
func (e *Env) perf(p *brokers.Process, name string, d time.Duration) (wait func() error, err error) {
	if e.Profile == "" || p.Kind != brokers.FitMQ {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(e.Profile, 0o755); err != nil {
		return nil, fmt.Errorf("make directory of profiles: %w", err)
	}
	path := filepath.Join(e.Profile, name+".perf")
	// cpu-clock works in virtual machines too, where the counters are hidden.
	cmd := exec.Command("perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-g", "-o", path, "-p", strconv.Itoa(p.PID()),
		"--", "sleep", strconv.FormatFloat(d.Seconds(), 'f', 2, 64))
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start perf (Debian package linux-perf): %w", err)
	}
	return func() error {
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("record with perf: %w", err)
		}
		return nil
	}, nil
}
