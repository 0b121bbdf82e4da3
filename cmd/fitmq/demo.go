package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/cmd/fitmq/internal/demo"
	"github.com/fitmq/fitmq/config"
)

const (
	// The demonstration is for this machine alone unless asked otherwise.
	demoMQTTAddr = "127.0.0.1:1883"
	demoHTTPAddr = "127.0.0.1:8080"
	// portsTried is how many ports are tried, upwards from a default that is taken.
	portsTried = 200
)

type demoCmd struct {
	Data     string        `placeholder:"DIR" type:"path" help:"Data directory to keep (default: a temporary one, removed at the end)."`
	MQTTAddr string        `name:"mqtt-addr" placeholder:"HOST:PORT" help:"Where MQTT listens (default 127.0.0.1:1883, or the next free port)."`
	HTTPAddr string        `name:"http-addr" placeholder:"HOST:PORT" help:"Where HTTP listens (default 127.0.0.1:8080, or the next free port)."`
	Athletes int           `default:"6" help:"How many athletes ride, 1 to 200 (default ${default})."`
	Speed    float64       `default:"1" help:"Seconds of riding in one second, 0.1 to 100 (default ${default})."`
	For      time.Duration `placeholder:"30s" help:"End after this time (default: on Ctrl-C)."`
}

// Validate checks the flags' values.
func (c *demoCmd) Validate() error {
	var problems []error
	if c.For < 0 {
		problems = append(problems, fmt.Errorf("--for %v: a time in the past", c.For))
	}
	if c.Athletes < 1 || c.Athletes > 200 {
		problems = append(problems, fmt.Errorf("--athletes %d: not in 1 to 200", c.Athletes))
	}
	if c.Speed < 0.1 || c.Speed > 100 {
		problems = append(problems, fmt.Errorf("--speed %g: not in 0.1 to 100", c.Speed))
	}
	return errors.Join(problems...)
}

// Run plays the demonstration until a signal or --for ends it.
func (c *demoCmd) Run(e *env) (err error) {
	data := c.Data
	if data == "" {
		if data, err = os.MkdirTemp("", "fitmq-demo-"); err != nil {
			return fmt.Errorf("make a temporary data directory: %w", err)
		}
		defer func() {
			if rm := os.RemoveAll(data); rm != nil {
				err = errors.Join(err, fmt.Errorf("remove the temporary data directory: %w", rm))
			}
		}()
	}
	o := broker.Options{
		DataDir: data, Config: config.Default(),
		Logger: slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	// Pages of one's own are opened from a file or another port. The demo is for this machine, and its passwords are new.
	o.Config.HTTP.AllowedOrigins = []string{"*"}
	if o.MQTTAddr, err = c.listenAt(e, c.MQTTAddr, demoMQTTAddr, "MQTT"); err != nil {
		return err
	}
	if o.HTTPAddr, err = c.listenAt(e, c.HTTPAddr, demoHTTPAddr, "HTTP"); err != nil {
		return err
	}
	return host(e.ctx, o, func(ctx context.Context, b *broker.Broker) error { return c.play(ctx, e, b, data) })
}

// play sets the stage, tells how to look at it and runs it.
func (c *demoCmd) play(ctx context.Context, e *env, b *broker.Broker, data string) error {
	token, _ := b.AdminToken()
	stage, err := demo.New(ctx, demo.Options{
		HTTPURL: "http://" + dialable(b.HTTPAddr()), MQTTAddr: dialable(b.MQTTAddr()), AdminToken: token,
		Athletes: c.Athletes, Speed: c.Speed, Seed: uint64(time.Now().UnixNano()),
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil // ended by the user before it began
		}
		return fmt.Errorf("set the stage: %w", err)
	}
	c.announce(e, b, stage, data)
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	err = stage.Run(ctx)
	fmt.Fprintf(e.stdout, "\nThe demo ran %s\n", stage.Summary())
	if err != nil {
		return fmt.Errorf("play: %w", err)
	}
	return nil
}

// announce prints what to open and what to paste into a shell.
func (c *demoCmd) announce(e *env, b *broker.Broker, s *demo.Stage, data string) {
	host, port, err := net.SplitHostPort(dialable(b.MQTTAddr()))
	if err != nil { // a TCP listener's address always splits
		host, port = "127.0.0.1", "1883"
	}
	keep := "kept"
	if c.Data == "" {
		keep = "removed at the end"
	}
	login := fmt.Sprintf("-h %s -p %s -u %s -P %s", host, port, demo.WatcherID, s.WatcherPassword)
	example := `{"activityId":"first-ride","sport":"cycling","startTime":"` +
		time.Now().UTC().Add(-2*time.Hour).Format(time.RFC3339) + `","totalElapsedTime":3600,"totalDistance":25000}`
	fmt.Fprintf(e.stdout, `%d athletes ride, a trainer corrects, and partners look for company; each is a real MQTT client.

  open     %s
  trainer  %s
  console  %s
  MQTT     %s:%s
  data     %s (%s)

See the ride, the board, and what is meant for you:
  mosquitto_sub %s -v -t 'session/%s/#'
  mosquitto_sub %s -v -t 'challenge/%s/leaderboard'
  mosquitto_sub %s -v -t 'user/%s/#'

Upload a ride of your own (send it twice: it counts once):
  mosquitto_pub %s -V mqttv5 -q 1 -t challenge/%s/activity -m '%s'

`, c.Athletes, s.PageURL(), s.TrainerURL(), s.ConsoleURL(), host, port, data, keep,
		login, demo.SessionID, login, s.ChallengeID, login, demo.WatcherID, login, s.ChallengeID, example)
	if c.For > 0 {
		fmt.Fprintf(e.stdout, "It ends in %v; Ctrl-C ends it before.\n", c.For)
	} else {
		fmt.Fprintln(e.stdout, "Ctrl-C ends it.")
	}
}

// listenAt is the address to listen at: the one asked for as it is, else the
// default one or the next free port after it, which is said.
func (c *demoCmd) listenAt(e *env, asked, fallback, name string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	host, first, err := net.SplitHostPort(fallback)
	if err != nil {
		return "", fmt.Errorf("split %s: %w", fallback, err)
	}
	port, err := strconv.Atoi(first)
	if err != nil {
		return "", fmt.Errorf("split %s: %w", fallback, err)
	}
	for p := port; p < port+portsTried; p++ {
		addr := net.JoinHostPort(host, strconv.Itoa(p))
		l, err := net.Listen("tcp", addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("listen at %s: %w", addr, err)
		}
		if err := l.Close(); err != nil {
			return "", fmt.Errorf("listen at %s: %w", addr, err)
		}
		if p != port {
			fmt.Fprintf(e.stdout, "%s is taken: %s uses %s.\n", fallback, name, addr)
		}
		return addr, nil
	}
	return "", fmt.Errorf("no free port for %s in %d..%d", name, port, port+portsTried-1)
}
