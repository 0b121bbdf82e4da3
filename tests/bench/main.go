//go:build linux

// Command bench runs fitmq, mosquitto, NATS and stock mochi one after the
// other on loopback ports, drives all of them with one load generator that
// checks order and loss, reads from /proc what each one costs, and prints and
// writes the comparison. Linux only: it needs /proc and epoll.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/report"
	"github.com/fitmq/fitmq/tests/bench/workload"
)

// options are the flags.
type options struct {
	workloads, brokers string
	repeat             int
	duration           time.Duration
	short, list        bool
	out, profile       string
}

func parseFlags() options {
	var o options
	flag.StringVar(&o.workloads, "workloads", "", "comma-separated names of workloads, or beginnings of names (default all)")
	flag.StringVar(&o.brokers, "brokers", "", "comma-separated names of brokers (default all)")
	flag.IntVar(&o.repeat, "repeat", 3, "how often each is run; the median counts")
	flag.DurationVar(&o.duration, "duration", 0, "how long traffic is measured (default 2s, with -short 200ms)")
	flag.BoolVar(&o.short, "short", false, "little of everything, in under a minute; the figures are rough")
	flag.BoolVar(&o.list, "list", false, "list the workloads and end")
	flag.StringVar(&o.out, "out", "", "write the comparison as Markdown to this file")
	flag.StringVar(&o.profile, "profile", "", "record fitmq with perf into this directory")
	flag.Parse()
	if o.short {
		o.repeat = 1
	}
	return o
}

func main() {
	// A broker dies with the thread that started it: this one lives to the end.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.list {
		for _, w := range workload.All() {
			fmt.Printf("%-18s %s\n", w.Name, w.Title)
		}
		return nil
	}
	workloads, kinds, err := choose(o)
	if err != nil {
		return err
	}
	// Two ends of 10,000 connections, and what else is open.
	if err := brokers.RaiseFileLimit(65536); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fitmq-bench-bin-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	// What cannot be removed stays in the system's temporary directory.
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "building fitmq and its peers")
	binaries, err := brokers.Build(ctx, root, dir)
	if err != nil {
		return err
	}
	versions := binaries.Versions(ctx) // the repository may move on meanwhile
	env := &workload.Env{Binaries: binaries, Scale: scale(o), Profile: o.profile}
	results := measure(ctx, env, workloads, kinds, o.repeat)
	text := report.Report{
		Machine: report.Inspect(), Date: time.Now(), Versions: versions, Scale: env.Scale, Repeat: o.repeat,
		Command: "go run ./tests/bench " + strings.Join(os.Args[1:], " "), Workloads: workloads, Kinds: kinds, Results: results,
	}
	fmt.Print(text.Text())
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(text.Markdown()), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", o.out, err)
		}
	}
	return errors.Join(ctx.Err(), results.Err())
}

func scale(o options) workload.Scale {
	s := workload.Full
	if o.short {
		s = workload.Short
	}
	if o.duration > 0 {
		s.Measure = o.duration
	}
	return s
}

// measure runs every workload with every broker, brokers interleaved, so that
// what else the machine does meets all of them alike.
func measure(ctx context.Context, env *workload.Env, workloads []workload.Workload, kinds []brokers.Kind, repeat int) report.Results {
	results := report.Results{}
	for _, w := range workloads {
		rounds := repeat
		if w.Once {
			rounds = 1
		}
		for round := range rounds {
			for i := range kinds {
				kind := kinds[(i+round)%len(kinds)]
				if !w.For(kind) || ctx.Err() != nil {
					continue
				}
				v, err := w.Run(ctx, env, kind)
				results.Add(w.Name, kind, v, err)
				fmt.Fprintf(os.Stderr, "%s %d/%d %s: %s\n", w.Name, round+1, rounds, kind, report.Line(v, err))
			}
		}
	}
	return results
}

// choose picks the workloads and brokers that the flags name.
func choose(o options) ([]workload.Workload, []brokers.Kind, error) {
	kinds := brokers.Kinds()
	if o.brokers != "" {
		kinds = nil
		for name := range strings.SplitSeq(o.brokers, ",") {
			if !slices.Contains(brokers.Kinds(), brokers.Kind(name)) {
				return nil, nil, fmt.Errorf("no broker is called %q: there are %v", name, brokers.Kinds())
			}
			kinds = append(kinds, brokers.Kind(name))
		}
	}
	all := workload.All()
	if o.workloads == "" {
		return all, kinds, nil
	}
	var list []workload.Workload
	for name := range strings.SplitSeq(o.workloads, ",") {
		before := len(list)
		for _, w := range all {
			if strings.HasPrefix(w.Name, name) {
				list = append(list, w)
			}
		}
		if len(list) == before {
			return nil, nil, fmt.Errorf("no workload begins with %q: see -list", name)
		}
	}
	return list, kinds, nil
}

// moduleRoot is the directory of the module that the command is run in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
