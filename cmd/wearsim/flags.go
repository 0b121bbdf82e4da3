package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
	"github.com/fitmq/fitmq/cmd/wearsim/internal/replay"
)

const description = "Replays a workout recording (FIT, TCX, GPX, CSV) to a broker as a wearable would."

const examples = `
Examples:
  wearsim --addr mqtt://localhost:1883 --user ana --password secret \
      --session track --challenge june --speed 60 run.fit
  wearsim --dry-run triathlon.fit                    legs and totals, no broker
  wearsim --dry-run --output json run.tcx

Two on one clock (the second command is printed by the first):
  wearsim ... --user ana --start-at 2026-01-01T10:00:00Z --clock 2021-06-04T10:48:38Z a.fit
  wearsim ... --user ben --start-at 2026-01-01T10:00:00Z --clock 2021-06-04T10:48:38Z b.fit

Exit codes: 0 all sent and accepted; 1 not all sent; 2 wrong usage; 3 damaged file;
4 the broker refused something; 130 interrupted.
`

// help prints kong's help and the examples.
func help(opts kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(opts, ctx); err != nil {
		return fmt.Errorf("print help: %w", err)
	}
	say(ctx.Stdout, "%s", examples)
	return nil
}

// cli is the command line.
type cli struct {
	Addr     string `help:"The broker: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS." placeholder:"URL"`
	CA       string `name:"ca" help:"PEM file of the authority that signed the broker's certificate (with mqtts)." type:"path" placeholder:"FILE"`
	User     string `help:"User id of the athlete."`
	Password string `help:"Their password, or a token." env:"WEARSIM_PASSWORD"`
	ClientID string `help:"MQTT client id; the default follows from user, session and file." placeholder:"ID"`

	Session   string `help:"Live session to join and publish samples to." placeholder:"ID"`
	Challenge string `help:"Challenge to submit the activities to, one per leg." placeholder:"ID"`

	Speed   float64       `help:"Times the recording's own pace." default:"1"`
	StartAt time.Time     `help:"Begin at this moment (RFC 3339), so that several begin together." placeholder:"TIME"`
	Clock   time.Time     `help:"The recording's moment that --start-at stands for (RFC 3339); default its first sample." placeholder:"TIME"`
	Lag     time.Duration `help:"Recording time between --start-at and the first sample, for files without a date." placeholder:"2s"`

	Sport            string        `help:"Sport of a file that does not name one (CSV), or another one than it names (files of one leg)."`
	ActivityIDSuffix string        `name:"activity-id-suffix" help:"Appended to the activity ids, which follow from the file: submits it as another activity." placeholder:"TEXT"`
	Again            bool          `help:"Submit the file once more, under new activity ids."`
	FirstSeq         uint64        `help:"seq of the first sample; a second replay in one session goes on after the first one's." default:"1"`
	Keep             int           `help:"Samples kept while there is no connection; beyond that the oldest are dropped." default:"36000"`
	GiveUp           time.Duration `help:"How long the connection may be away." default:"10m"`

	Salvage bool   `help:"Send what can be read of a damaged file."`
	DryRun  bool   `help:"Print legs and totals; needs no broker."`
	Output  string `help:"Form of the plan and of the summary: text or json." enum:"text,json" default:"text"`
	Quiet   bool   `short:"q" help:"No progress."`

	File string `arg:"" help:"The recording." type:"path"`
}

var (
	idPattern     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	suffixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{0,24}$`)
)

// check finds what kong cannot know; it returns all problems at once.
func (c *cli) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !(c.Speed > 0 && c.Speed <= 100_000) || math.IsInf(c.Speed, 0) {
		bad("--speed must be more than 0 and at most 100000, not %v", c.Speed)
	}
	if !suffixPattern.MatchString(c.ActivityIDSuffix) {
		bad("--activity-id-suffix takes at most 24 of A-Z a-z 0-9 _ -")
	}
	if c.FirstSeq == 0 {
		bad("--first-seq must be at least 1")
	}
	if c.Keep < 1 {
		bad("--keep must be at least 1")
	}
	if c.GiveUp <= 0 {
		bad("--give-up must be more than 0")
	}
	if c.Sport != "" && !idPattern.MatchString(c.Sport) {
		bad("--sport takes a word such as running")
	}
	if !c.Clock.IsZero() && c.Lag != 0 {
		bad("--clock and --lag exclude each other")
	}
	if !c.DryRun {
		errs = append(errs, c.checkBroker()...)
	}
	return errors.Join(errs...)
}

func (c *cli) checkBroker() []error {
	var errs []error
	if _, err := c.address(); err != nil {
		errs = append(errs, err)
	}
	if !idPattern.MatchString(c.User) {
		errs = append(errs, errors.New("--user is needed: 1 to 64 of A-Z a-z 0-9 _ -"))
	}
	if c.Session == "" && c.Challenge == "" {
		errs = append(errs, errors.New("--session or --challenge is needed (or --dry-run)"))
	}
	for name, id := range map[string]string{"session": c.Session, "challenge": c.Challenge} {
		if id != "" && !idPattern.MatchString(id) {
			errs = append(errs, fmt.Errorf("--%s takes 1 to 64 of A-Z a-z 0-9 _ -", name))
		}
	}
	return errs
}

// address reads --addr; the port may be left out.
func (c *cli) address() (*url.URL, error) {
	if c.Addr == "" {
		return nil, errors.New("--addr is needed, e.g. mqtt://localhost:1883")
	}
	u, err := url.Parse(c.Addr)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("--addr %q is not of the form mqtt://HOST:PORT", c.Addr)
	}
	port, ok := map[string]string{"mqtt": "1883", "tcp": "1883", "mqtts": "8883", "tls": "8883", "ssl": "8883"}[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("--addr: scheme %q is not known; use mqtt:// or mqtts://", u.Scheme)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u, nil
}

// tls returns the TLS configuration of an mqtts address, nil for plain TCP.
func (c *cli) tls(u *url.URL) (*tls.Config, error) {
	if u.Scheme == "mqtt" || u.Scheme == "tcp" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	if c.CA == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: no certificate in %s", c.CA)
	}
	return cfg, nil
}

// options turns the command line into what the replay needs.
func (c *cli) options(rec *recording.Recording) (replay.Options, error) {
	u, err := c.address()
	if err != nil {
		return replay.Options{}, err
	}
	tlsCfg, err := c.tls(u)
	if err != nil {
		return replay.Options{}, err
	}
	lag := c.Lag
	if !c.Clock.IsZero() {
		if rec.Start.IsZero() {
			return replay.Options{}, errors.New("--clock: this file has no date; say --lag, the recording time from the clock's zero to its first sample")
		}
		lag = rec.Start.Sub(c.Clock)
	}
	suffix := c.ActivityIDSuffix
	if c.Again {
		suffix = strings.Trim(suffix+"-"+strconv.FormatInt(time.Now().UnixMilli(), 36), "-")
	}
	id := c.ClientID
	if id == "" {
		// The same run has the same id, so that one which was killed finds its
		// session; another session or file is another watch.
		id = strings.Trim(fmt.Sprintf("wearsim-%s-%s-%.8s", c.User, c.Session, rec.Hash), "-")
	}
	return replay.Options{
		Addr: u, TLS: tlsCfg, User: c.User, Password: c.Password, ClientID: id,
		Session: c.Session, Challenge: c.Challenge,
		Speed: c.Speed, StartAt: c.StartAt, Lag: lag, IDTail: suffix,
		SeqBase: c.FirstSeq - 1, Keep: c.Keep, GiveUp: c.GiveUp,
	}, nil
}
