//go:build linux

// Package brokers starts fitmq and its peers as processes on loopback ports,
// each set up for its best, and reads what they cost from /proc.
package brokers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Kind is a broker that can be started.
type Kind string

// The brokers that are compared.
const (
	FitMQ     Kind = "fitmq"
	Mosquitto Kind = "mosquitto"
	NATS      Kind = "nats"
	Mochi     Kind = "mochi"
)

// Kinds lists all of them, ours first.
func Kinds() []Kind { return []Kind{FitMQ, Mosquitto, NATS, Mochi} }

// Binaries are the programs to start.
type Binaries map[Kind]string

// mosquittoPath is where Debian has it.
const mosquittoPath = "/usr/sbin/mosquitto"

// Build builds fitmq from the module at root and the peers from their own
// module below it, into dir.
func Build(ctx context.Context, root, dir string) (Binaries, error) {
	b := Binaries{Mosquitto: mosquittoPath}
	peers := filepath.Join(root, "tests", "bench", "peers")
	for _, p := range []struct {
		kind       Kind
		from, pack string
	}{
		{FitMQ, root, "./cmd/fitmq"},
		{NATS, peers, "github.com/nats-io/nats-server/v2"},
		{Mochi, peers, "./mochi"},
	} {
		b[p.kind] = filepath.Join(dir, string(p.kind))
		cmd := exec.CommandContext(ctx, "go", "build", "-o", b[p.kind], p.pack)
		cmd.Dir = p.from
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", p.kind, err, out)
		}
	}
	if _, err := os.Stat(mosquittoPath); err != nil {
		return nil, fmt.Errorf("find mosquitto (Debian package mosquitto): %w", err)
	}
	return b, nil
}

// Process is a running broker.
type Process struct {
	Kind Kind
	// MQTT and WebSocket are host:port.
	MQTT, WebSocket string
	// Dir is where it keeps its data, if it does.
	Dir string

	binary string
	cmd    *exec.Cmd
	log    *os.File
	ended  chan struct{}
}

// startLimit is how long a start may take: long, because a broker may have to
// read what it kept.
const startLimit = 2 * time.Minute

// Start starts a broker with its data in dir, and waits until it accepts.
func (b Binaries) Start(ctx context.Context, kind Kind, dir string) (*Process, error) {
	p := &Process{Kind: kind, Dir: dir, binary: b[kind]}
	return p, p.Restart(ctx)
}

// Restart starts the broker on its data again. The one before must have ended.
func (p *Process) Restart(ctx context.Context) error {
	args, err := p.prepare()
	if err != nil {
		return fmt.Errorf("prepare %s: %w", p.Kind, err)
	}
	if p.log, err = os.OpenFile(filepath.Join(p.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return fmt.Errorf("open log of %s: %w", p.Kind, err)
	}
	p.cmd = exec.Command(p.binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// It dies with us, however we die.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Kind, err)
	}
	ended := make(chan struct{})
	p.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // how it ends is no result: a kill is part of the work
		close(ended)
	}(p.cmd)
	if err := p.await(ctx); err != nil {
		p.Kill()
		return fmt.Errorf("start %s: %w; log: %s", p.Kind, err, p.LogTail())
	}
	return nil
}

// await waits until the broker accepts connections.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.listens() {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return errors.New("ended before it listened")
		case <-ctx.Done():
			return fmt.Errorf("wait for its listener: %w", ctx.Err())
		}
	}
}

func (p *Process) listens() bool {
	if p.Kind == FitMQ && !p.readAddresses() {
		return false
	}
	for _, addr := range []string{p.MQTT, p.WebSocket} {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false
		}
		conn.Close()
	}
	return true
}

// logTail is how much of a log goes into an error.
const logTail = 600

// LogTail is the end of what the broker wrote.
func (p *Process) LogTail() string {
	data, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-logTail):])
}

// Kill ends the broker without a chance to tidy up.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it has ended already, which is as good
	<-p.ended
	p.log.Close()
}

// freePort is a loopback address that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
