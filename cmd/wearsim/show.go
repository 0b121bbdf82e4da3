package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
	"github.com/fitmq/fitmq/cmd/wearsim/internal/replay"
)

// screen shows the replay under way: a bar on a terminal, a line every 10 %
// elsewhere, and each thing that went wrong as it happens (the same words once).
type screen struct {
	w     io.Writer
	rec   *recording.Recording
	opt   replay.Options
	quiet bool
	bar   bool

	mu     sync.Mutex // guards what follows, and w
	drawn  bool       // a bar stands on the current line
	tenths int
	said   map[string]bool // at most maxSaid; further words are counted only by the summary
}

var _ replay.Events = (*screen)(nil)

// maxSaid bounds the different messages that are shown.
const maxSaid = 100

func newScreen(w io.Writer, rec *recording.Recording, opt replay.Options, quiet bool) *screen {
	return &screen{w: w, rec: rec, opt: opt, quiet: quiet, bar: terminal(w), said: map[string]bool{}}
}

// terminal reports whether w can draw a bar over itself.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// line prints one line, over a bar that may stand there.
func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lineLocked(format, args...)
}

func (s *screen) lineLocked(format string, args ...any) {
	if s.drawn {
		say(s.w, "\r\x1b[K")
		s.drawn = false
	}
	say(s.w, format+"\n", args...)
}

func (s *screen) once(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said[text] || len(s.said) >= maxSaid {
		return
	}
	s.said[text] = true
	s.lineLocked("%s", text)
}

// Started prints the command for a second wearable on the same clock.
func (s *screen) Started(begin time.Time) {
	if s.quiet {
		return
	}
	s.line("%s as %s at %gx: %s", amount(s.rec), s.opt.User, s.opt.Speed, destination(s.opt))
	hint := "--start-at " + begin.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	if !s.rec.Start.IsZero() {
		hint += " --clock " + s.rec.Start.Add(-s.opt.Lag).UTC().Format(time.RFC3339Nano)
	}
	s.line("another one on the same clock: %s --speed %g", hint, s.opt.Speed)
}

func destination(o replay.Options) string {
	var to []string
	if o.Session != "" {
		to = append(to, "session "+o.Session)
	}
	if o.Challenge != "" {
		to = append(to, "challenge "+o.Challenge)
	}
	return strings.Join(to, ", ")
}

// Progress draws the bar or prints each tenth.
func (s *screen) Progress(sent, total int, at time.Duration) {
	if s.quiet || total == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar {
		const width = 30
		full := sent * width / total
		say(s.w, "\r\x1b[K[%s%s] %3d%%  %s of %s  %d samples", strings.Repeat("#", full), strings.Repeat(".", width-full),
			sent*100/total, clock(at), clock(s.rec.Elapsed()), sent)
		s.drawn = true
		return
	}
	if t := sent * 10 / total; t > s.tenths {
		s.tenths = t
		say(s.w, "%3d%%  %s of %s  %d of %d samples\n", t*10, clock(at), clock(s.rec.Elapsed()), sent, total)
	}
}

// ActivityDone says which leg counts now.
func (s *screen) ActivityDone(leg int, id string) {
	if s.quiet {
		return
	}
	l := s.rec.Legs[leg]
	s.line("activity %s accepted: %s, %s, %s", id, l.Sport, unit(l.Totals.Distance, "m"), clock(l.Totals.Elapsed))
}

// Refused says what the broker refused and why.
func (s *screen) Refused(what, why string) { s.once("refused: " + what + ": " + why) }

// Reported says what the broker wrote to the user's error topic.
func (s *screen) Reported(topic, why string) { s.once("error reported: " + topic + ": " + why) }

// ConnectFailed says why there is no connection.
func (s *screen) ConnectFailed(err error) { s.once("connection failed, trying again: " + err.Error()) }

// Disconnected says that the connection went.
func (s *screen) Disconnected() { s.line("connection lost: samples are kept") }

// Reconnected says that it is back.
func (s *screen) Reconnected() { s.line("connected again") }

// ServerDisconnect says why the broker ended the connection.
func (s *screen) ServerDisconnect(why string) { s.once("the broker ended the connection: " + why) }

// end leaves the bar's line.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drawn {
		say(s.w, "\n")
		s.drawn = false
	}
}

// clock writes a duration as h:mm:ss or m:ss.
func clock(d time.Duration) string {
	t := int(d.Round(time.Second).Seconds())
	if t >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", t/3600, t/60%60, t%60)
	}
	return fmt.Sprintf("%d:%02d", t/60, t%60)
}

// unit writes a figure with its unit, "-" when it was not measured.
func unit(v *float64, u string) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', -1, 64) + " " + u
}

// amount is how much a recording holds.
func amount(rec *recording.Recording) string {
	legs := "1 leg"
	if n := len(rec.Legs); n != 1 {
		legs = fmt.Sprintf("%d legs", n)
	}
	return fmt.Sprintf("%d samples over %s in %s", len(rec.Samples), clock(rec.Elapsed()), legs)
}

// summary is what a run came to, for --output json.
type summary struct {
	File string `json:"file"`
	User string `json:"user"`
	replay.Result
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
	OK      bool    `json:"ok"`
}

// printSummary says how the replay went.
func printSummary(w io.Writer, c *cli, rec *recording.Recording, r replay.Result, runErr error) error {
	if c.Output == "json" {
		s := summary{File: c.File, User: c.User, Result: r, Seconds: r.Duration.Seconds(), OK: runErr == nil && r.OK()}
		if runErr != nil {
			s.Error = runErr.Error()
		}
		return printJSON(w, s)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { say(tw, name+"\t"+format+"\n", args...) }
	row("recording", "%s", amount(rec))
	row("samples", "%d of %d sent in %d messages, %d refused, %d dropped, %d without a measure",
		r.Sent, r.Samples, r.Messages, r.Refused, r.Dropped, r.Empty)
	row("activities", "%d of %d accepted, %d refused", r.Accepted, r.Activities, r.ActRefused)
	row("connection", "%d reconnects, %d messages received, %d errors reported", r.Reconnects, r.Received, r.Reported)
	row("time", "%s", r.Duration.Round(time.Millisecond))
	if r.ActRefused > 0 && !c.Again {
		row("hint", "an activity that was submitted before counts once; --again submits the file under new ids")
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("print summary: %w", err)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}
