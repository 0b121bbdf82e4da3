package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness/workout"
)

type sessionCmd struct {
	Put     sessionPutCmd     `cmd:"" aliases:"make" help:"Make a session, or change one."`
	Get     sessionGetCmd     `cmd:"" aliases:"show" help:"Show a session and who is in it."`
	List    sessionListCmd    `cmd:"" help:"List all sessions."`
	Control sessionControlCmd `cmd:"" help:"Start, pause, resume or end a session, or remove somebody."`
	Add     sessionAddCmd     `cmd:"" help:"Put a user in."`
	Delete  sessionDeleteCmd  `cmd:"" help:"Delete a session."`
}

// sessionArgs name a session.
type sessionArgs struct {
	remote
	ID string `arg:"" help:"Session id: 1 to 64 of A-Z a-z 0-9 _ -"`
}

func (a *sessionArgs) path(parts ...string) string {
	return path(append([]string{"sessions", a.ID}, parts...)...)
}

type sessionPutCmd struct {
	sessionArgs
	Title      string    `help:"What people call it."`
	Kind       string    `placeholder:"KIND" enum:",workout,training" default:"" help:"workout (the default) or training."`
	Host       string    `help:"The user who controls it; needed for a new one."`
	Trainer    string    `help:"A user who controls it too, and corrects form."`
	Visibility string    `placeholder:"WORD" enum:",open,invite" default:"" help:"open: for everybody; invite (the default): for whom you add."`
	RankBy     string    `help:"What the live leaderboard ranks by; distance unless given."`
	StartsAt   time.Time `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"When it goes live by itself, like 2026-06-01T08:00:00Z; at once unless given."`
	Capacity   int       `help:"How many may take part at once."`
}

// Help shows an example.
func (*sessionPutCmd) Help() string {
	return `What is not given stays as it is.

Example:
  fitmq session put legs --kind training --title 'Leg day' --host tess --trainer tess --visibility open --data DIR`
}

// Run makes the session, or changes what is given of one that is there.
func (c *sessionPutCmd) Run(e *env) error {
	var spec engine.SessionSpec
	if err := c.present(e, c.path(), &spec); err != nil {
		return err
	}
	for _, one := range []struct {
		to   *string
		with string
	}{{&spec.Title, c.Title}, {&spec.Kind, c.Kind}, {&spec.Host, c.Host}, {&spec.Trainer, c.Trainer}, {&spec.Visibility, c.Visibility}, {(*string)(&spec.RankBy), c.RankBy}} {
		if one.with != "" {
			*one.to = one.with
		}
	}
	if !c.StartsAt.IsZero() {
		spec.StartsAt = c.StartsAt
	}
	if c.Capacity != 0 {
		spec.Capacity = c.Capacity
	}
	var s engine.Session
	answer, err := c.call(e.ctx, http.MethodPut, c.path(), spec, &s)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintf(w, "session %s is %s\n", s.ID, s.State) })
}

type sessionGetCmd struct{ sessionArgs }

// Help shows an example.
func (*sessionGetCmd) Help() string { return "Example:\n  fitmq session get legs --data DIR" }

// Run shows the session, and its members.
func (c *sessionGetCmd) Run(e *env) error {
	var s engine.Session
	answer, err := c.call(e.ctx, http.MethodGet, c.path(), nil, &s)
	if err != nil {
		return err
	}
	if c.json() {
		return c.print(e, answer, nil)
	}
	fmt.Fprintf(e.stdout, "%s  %s  %s  %s  %s\nhost %s, trainer %s, ranked by %s\n", s.ID, s.State, s.Kind, s.Visibility, s.Title, s.Host, cmp.Or(s.Trainer, "none"), s.RankBy)
	return list(e, &c.remote, c.path("members"), func(m engine.Member) []any {
		there := "away"
		if m.Present {
			there = "present"
		}
		return []any{"  " + m.UserID, m.Role, there, m.Name}
	})
}

type sessionListCmd struct{ remote }

// Help shows an example.
func (*sessionListCmd) Help() string { return "Example:\n  fitmq session list --data DIR" }

// Run lists the sessions.
func (c *sessionListCmd) Run(e *env) error {
	return list(e, &c.remote, "/sessions", func(s engine.Session) []any {
		return []any{s.ID, s.State, s.Kind, s.Visibility, s.Host, s.Title}
	})
}

type sessionControlCmd struct {
	sessionArgs
	Action string `arg:"" enum:"start,pause,resume,end,remove" help:"start, pause, resume, end or remove."`
	User   string `arg:"" optional:"" help:"Whom to remove."`
}

// Help shows examples.
func (*sessionControlCmd) Help() string {
	return "Examples:\n  fitmq session control legs start --data DIR\n  fitmq session control legs remove ben --data DIR"
}

// Run does it.
func (c *sessionControlCmd) Run(e *env) error {
	if (c.Action == string(workout.Remove)) != (c.User != "") {
		return hintError{errors.New("remove names a user, and nothing else does"), "Write it like fitmq session control legs remove ben."}
	}
	return c.tell(e, http.MethodPost, c.path("control"), map[string]string{"action": c.Action, "userId": c.User}, strings.TrimSpace("session "+c.ID+": "+c.Action+" "+c.User))
}

type sessionAddCmd struct {
	sessionArgs
	User string `arg:"" help:"User id."`
}

// Help shows an example.
func (*sessionAddCmd) Help() string {
	return "fitmq session control ID remove USER takes them out.\n\nExample:\n  fitmq session add legs ana --data DIR"
}

// Run puts the user in.
func (c *sessionAddCmd) Run(e *env) error {
	return c.join(e, c.path("members", c.User), fmt.Sprintf("%s is a member of session %s", c.User, c.ID))
}

type sessionDeleteCmd struct{ sessionArgs }

// Help shows an example.
func (*sessionDeleteCmd) Help() string {
	return "Its participants' summaries stay.\n\nExample:\n  fitmq session delete legs --data DIR"
}

// Run deletes the session.
func (c *sessionDeleteCmd) Run(e *env) error {
	return c.remove(e, c.path(), "session "+c.ID+" is deleted")
}
