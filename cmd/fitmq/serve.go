package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/config"
)

type serveCmd struct {
	Data     string `required:"" placeholder:"DIR" type:"path" help:"Data directory; made when it does not exist."`
	Config   string `placeholder:"FILE" type:"path" help:"Configuration (YAML); every setting has a default."`
	MQTTAddr string `name:"mqtt-addr" placeholder:"HOST:PORT" help:"Where MQTT listens, over the configuration (default :1883)."`
	HTTPAddr string `name:"http-addr" placeholder:"HOST:PORT" help:"Where HTTP listens, over the configuration (default :8080)."`
	Dev      bool   `help:"Let everybody, anonymous clients too, use all topics but the fitness ones. Never on the internet."`
	LogLevel string `enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: debug, info, warn or error."`
}

// Run serves until a signal ends it.
func (c *serveCmd) Run(e *env) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("read --log-level: %w", err)
	}
	o := broker.Options{
		DataDir: c.Data, MQTTAddr: c.MQTTAddr, HTTPAddr: c.HTTPAddr, Dev: c.Dev, Config: cfg,
		Logger: slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level})),
	}
	err = host(e.ctx, o, func(ctx context.Context, b *broker.Broker) error {
		c.announce(e, b, cfg)
		<-ctx.Done()
		return nil
	})
	if err == nil {
		fmt.Fprintln(e.stdout, "stopped")
	}
	return err
}

// announce says what runs, where, and how to go on.
func (c *serveCmd) announce(e *env, b *broker.Broker, cfg config.Config) {
	where := filepath.Join(c.Data, "admin.token")
	if _, created := b.AdminToken(); created {
		where += " (new: keep it secret)"
	}
	scheme := "http"
	if b.HTTPS() {
		scheme = "https"
	}
	fmt.Fprintf(e.stdout, "fitmq serves\n  MQTT         %s\n", b.MQTTAddr())
	if tls := b.MQTTSAddr(); tls != nil {
		fmt.Fprintf(e.stdout, "  MQTT, TLS    %s\n", tls)
	}
	fmt.Fprintf(e.stdout, "  HTTP         %s://%s/\n  data         %s\n  admin token  %s\n", scheme, b.HTTPAddr(), c.Data, where)
	if c.Dev || cfg.Dev {
		fmt.Fprintln(e.stdout, "  dev          anybody may use every topic outside the fitness names")
	}
	fmt.Fprintln(e.stdout, "Ctrl-C or SIGTERM stops it.")
}

// loadConfig reads the file, or gives the defaults where there is none. Each
// problem of the file is a line of the error, with its line in the file.
func loadConfig(path string) (config.Config, error) {
	if path == "" {
		return config.Default(), nil
	}
	cfg, err := config.Load(path)
	var problems config.Problems
	if errors.As(err, &problems) {
		return cfg, hintError{err, "All settings are described in docs/config.md."}
	}
	if err != nil {
		return cfg, err
	}
	return cfg, nil
}
