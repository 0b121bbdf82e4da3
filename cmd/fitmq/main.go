// Command fitmq is an MQTT broker that knows what a workout, a challenge, a
// leaderboard and a trainer are. A command is a file here, and only its flags:
// what the server does is in package broker.
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
)

// cli is the command line.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the broker."`
	Demo    demoCmd    `cmd:"" help:"Run a broker with athletes who ride, to look at."`
	Check   checkCmd   `cmd:"" help:"Test a server from the outside, or verify a data directory."`
	Backup  backupCmd  `cmd:"" help:"Copy a running server's data into a file."`
	Restore restoreCmd `cmd:"" help:"Make a data directory of a backup."`
	Pub     pubCmd     `cmd:"" help:"Publish a message over MQTT."`
	Sub     subCmd     `cmd:"" help:"Subscribe over MQTT and print what comes."`
	User    userCmd    `cmd:"" help:"Users: make, show, disable, delete."`
	Device  deviceCmd  `cmd:"" help:"Devices of a user, with secrets of their own."`
	Link    linkCmd    `cmd:"" help:"Links between trainers and clients."`
	Token   tokenCmd   `cmd:"" help:"Tokens to sign in with."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Session      sessionCmd      `cmd:"" help:"Live workouts and trainings: make, show, control, delete."`
	Challenge    challengeCmd    `cmd:"" help:"Challenges: make, show, their boards, delete."`
	Conversation conversationCmd `cmd:"" help:"Groups that chat: make, show, read, delete."`
	Notify       notifyCmd       `cmd:"" help:"Send a user a notification."`
}

// env is what a command gets of the outside.
type env struct {
	ctx    context.Context // ends with the first SIGINT or SIGTERM
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once, as it does by default.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes.
const (
	exitOK    = 0
	exitError = 1 // the command failed
	exitUsage = 2 // the command line is wrong
)

// run is the program: it parses the arguments, runs the command and returns
// the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := -1 // set by --help
	parser, err := kong.New(&cli{},
		kong.Name("fitmq"),
		kong.Description("An MQTT broker that knows workouts, challenges and leaderboards."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "fitmq: %v\n", err)
		return exitError
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "fitmq: %v\nSee fitmq --help.\n", err)
		return exitUsage
	}
	if err := command.Run(&env{ctx: ctx, stdin: os.Stdin, stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "fitmq: %v\n", err)
		var hint hintError
		if errors.As(err, &hint) {
			fmt.Fprintln(stderr, hint.Hint)
		}
		return exitError
	}
	return exitOK
}
