package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/fitmq/fitmq/cmd/fitmq/internal/probe"
	"github.com/fitmq/fitmq/store/bolt"
)

type checkCmd struct {
	URL string `arg:"" optional:"" help:"Server to test from the outside, by its HTTP address, like http://localhost:8080."`

	Data     string `placeholder:"DIR" type:"path" help:"Data directory to verify instead; no server may be using it."`
	MQTT     string `placeholder:"URL" help:"Where the server's MQTT is; port 1883 of the same host unless given."`
	User     string `short:"u" env:"FITMQ_USER" help:"User to sign in as."`
	Password string `short:"P" env:"FITMQ_PASSWORD" help:"The user's password. Better in the environment than on the command line."`
	Token    string `env:"FITMQ_TOKEN" help:"A token, in place of user and password."`
	Topic    string `default:"fitmq/check" help:"Below which topic to send messages to and fro; the user must be allowed to."`
}

// errUnsound is the error of a directory with problems, which are printed.
var errUnsound = errors.New("the data directory is damaged")

// Run tests a server, or a data directory.
func (c *checkCmd) Run(e *env) error {
	switch {
	case (c.URL == "") == (c.Data == ""):
		return hintError{errors.New("what is to be checked?"), "Give the HTTP address of a server, like http://localhost:8080, or a data directory with --data."}
	case c.URL != "":
		return c.server(e)
	}
	return c.directory(e)
}

// server tests each way into a server.
func (c *checkCmd) server(e *env) error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return hintError{fmt.Errorf("%q is not the address of a server", c.URL), "Write it like http://localhost:8080."}
	}
	t := probe.Target{HTTP: strings.TrimSuffix(c.URL, "/"), MQTT: c.MQTT, User: c.User, Password: c.Password, Topic: c.Topic}
	if t.MQTT == "" {
		t.MQTT = "mqtt://" + net.JoinHostPort(u.Hostname(), "1883")
	}
	if c.Token != "" {
		t.User, t.Password = "", c.Token
	}
	return probe.Run(e.ctx, t, e.stdout)
}

// directory reads every page of a data directory and says what is in it and what
// is wrong. It changes nothing.
func (c *checkCmd) directory(e *env) error {
	r, err := bolt.Check(c.Data)
	if err != nil {
		return explain(err, c.Data)
	}
	fmt.Fprintf(e.stdout, "log     %d records in %d files, positions %d to %d\n", r.Records, r.Files, r.First, r.Last)
	for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
		fmt.Fprintf(e.stdout, "table   %-16s %d keys\n", name, r.Tables[name])
	}
	for _, p := range r.Problems {
		fmt.Fprintf(e.stdout, "problem %s\n", p)
	}
	if len(r.Problems) > 0 {
		return hintError{errUnsound, "Keep a copy of the directory, and restore it from a backup."}
	}
	fmt.Fprintln(e.stdout, "sound")
	return nil
}
