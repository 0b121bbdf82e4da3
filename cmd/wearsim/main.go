// Command wearsim is a wearable made of a file: it replays a workout recording
// (FIT, TCX, GPX, CSV) to a broker over native MQTT 5, at the recording's own
// pace or a multiple of it, and submits the activity at the end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
	"github.com/fitmq/fitmq/cmd/wearsim/internal/replay"
)

// The exit codes.
const (
	exitOK          = 0   // all was sent and accepted
	exitFailed      = 1   // not all could be sent: no connection, taken over, samples dropped
	exitUsage       = 2   // the command line is wrong, or the file cannot be opened
	exitDamaged     = 3   // the file is damaged or none of the known formats
	exitRefused     = 4   // the broker refused something
	exitInterrupted = 130 // ended by a signal
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("wearsim"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }),
		kong.Help(help), kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
	)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	_, err = parser.Parse(args)
	if exit >= 0 { // --help has printed what it prints
		return exit
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return fail(stderr, exitUsage, fmt.Errorf("%w (see wearsim --help)", err))
	}
	rec, code := c.load(stderr)
	if rec == nil || code == exitDamaged && !c.Salvage {
		return code
	}
	if c.DryRun {
		if err := printPlan(stdout, rec, c.Output); err != nil {
			return fail(stderr, exitFailed, err)
		}
		return exitOK
	}
	return c.play(ctx, rec, stdout, stderr)
}

func fail(stderr io.Writer, code int, err error) int {
	say(stderr, "wearsim: %v\n", err)
	return code
}

// say prints for people. A terminal that is gone is no reason to end a workout.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format, args...)
}

// load decodes the file and says what is wrong with it.
func (c *cli) load(stderr io.Writer) (*recording.Recording, int) {
	f, err := os.Open(c.File)
	if err != nil {
		return nil, fail(stderr, exitUsage, err)
	}
	rec, err := recording.Decode(f)
	_ = f.Close() // only read
	if err != nil {
		code := fail(stderr, exitDamaged, fmt.Errorf("%s: %w", c.File, err))
		if rec == nil || len(rec.Samples) == 0 {
			return nil, code
		}
		if !c.Salvage {
			say(stderr, "wearsim: %s could be read before that; --salvage sends it\n", amount(rec))
			return nil, code
		}
		say(stderr, "wearsim: salvaged %s\n", amount(rec))
		c.apply(rec)
		return rec, code
	}
	c.apply(rec)
	return rec, exitOK
}

// apply sets the sport where the file does not know it better.
func (c *cli) apply(rec *recording.Recording) {
	if c.Sport == "" {
		return
	}
	for i := range rec.Legs {
		if len(rec.Legs) == 1 || rec.Legs[i].Sport == "generic" {
			rec.Legs[i].Sport, rec.Legs[i].SubSport = c.Sport, ""
		}
	}
}

// play replays the recording and says how it went.
func (c *cli) play(ctx context.Context, rec *recording.Recording, stdout, stderr io.Writer) int {
	opt, err := c.options(rec)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	s := newScreen(stderr, rec, opt, c.Quiet)
	res, err := replay.Run(ctx, rec, opt, s)
	s.end()
	if perr := printSummary(stdout, c, rec, res, err); perr != nil {
		return fail(stderr, exitFailed, perr)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return fail(stderr, exitInterrupted, errors.New("interrupted: no activity was submitted after that"))
	case errors.Is(err, replay.ErrRejected):
		return fail(stderr, exitRefused, err)
	case err != nil:
		return fail(stderr, exitFailed, err)
	case res.Refusal():
		return exitRefused
	case !res.OK():
		return exitFailed
	}
	return exitOK
}
