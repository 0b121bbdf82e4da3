package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

type challengeCmd struct {
	Put     challengePutCmd     `cmd:"" aliases:"make" help:"Make a challenge, or change one."`
	Get     challengeGetCmd     `cmd:"" aliases:"show" help:"Show a challenge."`
	List    challengeListCmd    `cmd:"" help:"List all challenges."`
	Board   challengeBoardCmd   `cmd:"" help:"Show who leads."`
	Add     challengeAddCmd     `cmd:"" help:"Put a user in."`
	Remove  challengeRemoveCmd  `cmd:"" help:"Take a user out."`
	Rebuild challengeRebuildCmd `cmd:"" help:"Make a challenge's board again from the stored activities, and compare."`
	Delete  challengeDeleteCmd  `cmd:"" help:"Delete a challenge with its boards."`
}

// challengeArgs name a challenge.
type challengeArgs struct {
	remote
	ID string `arg:"" help:"Challenge id: 1 to 64 of A-Z a-z 0-9 _ -"`
}

func (a *challengeArgs) path(parts ...string) string {
	return path(append([]string{"challenges", a.ID}, parts...)...)
}

type challengePutCmd struct {
	challengeArgs
	File       string    `short:"f" placeholder:"FILE" help:"A definition as JSON, - for standard input; flags go over it. For what has no flag: awards, teams, limits, points."`
	Title      string    `help:"What people call it."`
	Organizer  string    `help:"The user who makes and changes it; needed for a new one."`
	Visibility string    `placeholder:"WORD" enum:",open,invite" default:"" help:"open: everybody may join; invite (the default): whom you add."`
	Metric     string    `help:"distance (the default), calories, duration, steps, ascent, repetitions, workouts, activeMinutes or points."`
	Aggregate  string    `placeholder:"WORD" enum:",sum,best,last,count" default:"" help:"sum (the default), best, last or count."`
	Order      string    `placeholder:"WORD" enum:",desc,asc" default:"" help:"desc (the default): the highest score leads; asc: the lowest."`
	Sports     []string  `placeholder:"SPORT" help:"The sports that count; all where there are none."`
	StartsAt   time.Time `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"When it begins, like 2026-06-01T00:00:00Z; needed for a new one."`
	EndsAt     time.Time `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"When it ends; needed for a new one."`
	Goal       float64   `help:"An aim in the score's unit: m, kcal, s, count."`
	Period     string    `placeholder:"WORD" enum:",daily,weekly,monthly" default:"" help:"Anew every day, week or month."`
	TimeZone   string    `help:"Whose days these are, like Europe/Berlin."`
}

// Help shows examples.
func (*challengePutCmd) Help() string {
	return `What is not given stays as it is.

Examples:
  fitmq challenge put june --title June --organizer tess --visibility open \
    --starts-at 2026-06-01T00:00:00Z --ends-at 2026-06-30T22:00:00Z --data DIR
  fitmq challenge put june --file june.json --data DIR`
}

// Run makes the challenge, or changes what is given of one that is there.
func (c *challengePutCmd) Run(e *env) error {
	var spec engine.ChallengeSpec
	if err := c.present(e, c.path(), &spec); err != nil {
		return err
	}
	if err := c.read(e, &spec); err != nil {
		return err
	}
	for _, one := range []struct {
		to   *string
		with string
	}{
		{&spec.Title, c.Title}, {&spec.Organizer, c.Organizer}, {&spec.Visibility, c.Visibility}, {(*string)(&spec.Metric), c.Metric},
		{(*string)(&spec.Aggregate), c.Aggregate}, {(*string)(&spec.Period), c.Period}, {&spec.TimeZone, c.TimeZone},
	} {
		if one.with != "" {
			*one.to = one.with
		}
	}
	spec.Order = cmp.Or(leaderboard.Order(c.Order), spec.Order)
	spec.Goal = cmp.Or(c.Goal, spec.Goal)
	if len(c.Sports) > 0 {
		spec.Sports = c.Sports
	}
	if !c.StartsAt.IsZero() {
		spec.StartsAt = c.StartsAt
	}
	if !c.EndsAt.IsZero() {
		spec.EndsAt = c.EndsAt
	}
	var ch engine.Challenge
	answer, err := c.call(e.ctx, http.MethodPut, c.path(), spec, &ch)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintf(w, "challenge %s is %s\n", ch.ID, ch.State) })
}

// read takes in the file of the definition, if there is one.
func (c *challengePutCmd) read(e *env, spec *engine.ChallengeSpec) error {
	if c.File == "" {
		return nil
	}
	in := e.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read the definition: %w", err)
		}
		defer f.Close()
		in = f
	}
	dec := json.NewDecoder(io.LimitReader(in, maxAnswer))
	dec.DisallowUnknownFields()
	if err := dec.Decode(spec); err != nil {
		return hintError{fmt.Errorf("read the definition %s: %w", c.File, err), "docs/protocol.md lists the fields of a challenge."}
	}
	return nil
}

type challengeGetCmd struct{ challengeArgs }

// Help shows an example.
func (*challengeGetCmd) Help() string { return "Example:\n  fitmq challenge get june --data DIR" }

// Run shows the challenge, and who takes part.
func (c *challengeGetCmd) Run(e *env) error {
	var ch engine.Challenge
	answer, err := c.call(e.ctx, http.MethodGet, c.path(), nil, &ch)
	if err != nil {
		return err
	}
	if c.json() {
		return c.print(e, answer, nil)
	}
	fmt.Fprintf(e.stdout, "%s  %s  %s  %s\n%s of %s in %s, by %s, from %s to %s\n", ch.ID, ch.State, ch.Visibility, ch.Title, ch.Aggregate, ch.Metric, ch.Unit, ch.Organizer, ch.StartsAt.Format(time.RFC3339), ch.EndsAt.Format(time.RFC3339))
	return list(e, &c.remote, c.path("participants"), func(p engine.Entrant) []any {
		return []any{"  " + p.UserID, p.JoinedAt, p.Name}
	})
}

func challengeRow(c engine.Challenge) []any {
	again := string(c.Period)
	if c.Period == challenge.Once {
		again = "once"
	}
	return []any{c.ID, c.State, c.Metric, again, c.Visibility, c.Organizer, c.Title}
}

type challengeListCmd struct{ remote }

// Help shows an example.
func (*challengeListCmd) Help() string { return "Example:\n  fitmq challenge list --data DIR" }

// Run lists the challenges.
func (c *challengeListCmd) Run(e *env) error {
	return list(e, &c.remote, "/challenges", challengeRow)
}

type challengeBoardCmd struct {
	challengeArgs
	Limit  int    `default:"25" help:"How many places, up to 1000 (default ${default})."`
	Around string `placeholder:"USER" help:"The places around a user, in place of the first ones."`
	Period string `placeholder:"DAY" help:"An older board of a repeating challenge, by its first day."`
}

// Help shows examples.
func (*challengeBoardCmd) Help() string {
	return "Examples:\n  fitmq challenge board june --limit 10 --data DIR\n  fitmq challenge board june --around ana --data DIR"
}

// Run shows a page of the board.
func (c *challengeBoardCmd) Run(e *env) error {
	q := url.Values{"limit": {fmt.Sprint(c.Limit)}}
	for name, value := range map[string]string{"around": c.Around, "period": c.Period} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var b engine.Board
	answer, err := c.call(e.ctx, http.MethodGet, c.path("leaderboard")+"?"+q.Encode(), nil, &b)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(out io.Writer) {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, one := range b.Entries {
			fmt.Fprintf(w, "%d\t%s\t%v %s\t%s\n", one.Rank, one.UserID, one.Score, b.Unit, one.Name)
		}
		_ = w.Flush() // as of everything printed for people
		fmt.Fprintf(out, "%d of %d, revision %d\n", len(b.Entries), b.Total, b.Revision)
	})
}

// challengeUserArgs name a challenge and a user.
type challengeUserArgs struct {
	challengeArgs
	User string `arg:"" help:"User id."`
}

type challengeAddCmd struct{ challengeUserArgs }

// Help shows an example.
func (*challengeAddCmd) Help() string { return "Example:\n  fitmq challenge add june ana --data DIR" }

// Run puts the user in.
func (c *challengeAddCmd) Run(e *env) error {
	return c.join(e, c.path("participants", c.User), c.User+" takes part in challenge "+c.ID)
}

type challengeRemoveCmd struct{ challengeUserArgs }

// Help shows an example.
func (*challengeRemoveCmd) Help() string {
	return "Example:\n  fitmq challenge remove june ana --data DIR"
}

// Run takes the user out.
func (c *challengeRemoveCmd) Run(e *env) error {
	return c.remove(e, c.path("participants", c.User), c.User+" takes part in challenge "+c.ID+" no longer")
}

type challengeRebuildCmd struct{ challengeArgs }

// Help shows an example.
func (*challengeRebuildCmd) Help() string {
	return `The exit code is 1 where the board at work was not, byte for byte, the one
that its activities make. Example:
  fitmq challenge rebuild june --data DIR`
}

// errDiffers is the error of a board that was not what its activities make.
var errDiffers = errors.New("the board at work differed from the rebuilt one, which has taken its place")

// Run asks the running server to rebuild the board.
func (c *challengeRebuildCmd) Run(e *env) error {
	var r engine.Rebuilt
	answer, err := c.call(e.ctx, http.MethodPost, c.path("rebuild"), nil, &r)
	if err != nil {
		return err
	}
	err = c.print(e, answer, func(w io.Writer) {
		fmt.Fprintf(w, "challenge %s: revision %d, %d ranked in %d periods\nsha256    %s\n", r.ChallengeID, r.Revision, r.Ranked, r.Periods, r.Digest)
		for _, d := range r.Differences {
			fmt.Fprintf(w, "%s\n  at work  %s\n  rebuilt  %s\n", d.Part, d.Present, d.Rebuilt)
		}
		if r.Identical {
			fmt.Fprintln(w, "identical")
		}
	})
	if err == nil && !r.Identical {
		return hintError{errDiffers, "Keep a copy of the data directory and report this: it should not happen."}
	}
	return err
}

type challengeDeleteCmd struct{ challengeArgs }

// Help shows an example.
func (*challengeDeleteCmd) Help() string { return "Example:\n  fitmq challenge delete june --data DIR" }

// Run deletes the challenge.
func (c *challengeDeleteCmd) Run(e *env) error {
	return c.challengeArgs.remove(e, c.path(), "challenge "+c.ID+" is deleted")
}
