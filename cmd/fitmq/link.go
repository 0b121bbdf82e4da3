package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/fitmq/fitmq/engine"
)

type linkCmd struct {
	Add    linkAddCmd    `cmd:"" help:"Join a trainer and a client."`
	Get    linkGetCmd    `cmd:"" aliases:"show" help:"Tell whether the two are linked."`
	List   linkListCmd   `cmd:"" help:"List a trainer's clients."`
	Delete linkDeleteCmd `cmd:"" help:"Part a trainer and a client."`
}

// linkArgs name the two of a link.
type linkArgs struct {
	remote
	Trainer string `arg:"" help:"The trainer's user id."`
	Client  string `arg:"" help:"The client's user id."`
}

func (a *linkArgs) path() string { return path("links", a.Trainer, a.Client) }

// linked makes a request whose success says that the two are linked.
func (a *linkArgs) linked(e *env, method string, body any) error {
	answer, err := a.call(e.ctx, method, a.path(), body, nil)
	if err != nil {
		return err
	}
	return a.print(e, answer, func(w io.Writer) { fmt.Fprintf(w, "%s trains %s\n", a.Trainer, a.Client) })
}

type linkAddCmd struct{ linkArgs }

// Help shows an example.
func (*linkAddCmd) Help() string { return "Example:\n  fitmq link add tess ana --data DIR" }

// Run links the two.
func (c *linkAddCmd) Run(e *env) error { return c.linked(e, http.MethodPut, struct{}{}) }

type linkGetCmd struct{ linkArgs }

// Help shows an example.
func (*linkGetCmd) Help() string { return "Example:\n  fitmq link get tess ana --data DIR" }

// Run asks for the link.
func (c *linkGetCmd) Run(e *env) error { return c.linked(e, http.MethodGet, nil) }

type linkListCmd struct {
	remote
	Trainer string `arg:"" help:"The trainer's user id."`
}

// Help shows an example.
func (*linkListCmd) Help() string {
	return "A client's presence is shown where they share it.\n\nExample:\n  fitmq link list tess --data DIR"
}

// Run lists the clients.
func (c *linkListCmd) Run(e *env) error {
	return list(e, &c.remote, "/links?trainer="+url.QueryEscape(c.Trainer), func(l engine.Client) []any {
		presence := ""
		if l.Presence != nil {
			presence = l.Presence.State
		}
		return []any{l.ClientID, l.Name, presence}
	})
}

type linkDeleteCmd struct{ linkArgs }

// Help shows an example.
func (*linkDeleteCmd) Help() string { return "Example:\n  fitmq link delete tess ana --data DIR" }

// Run parts the two.
func (c *linkDeleteCmd) Run(e *env) error {
	return c.remove(e, c.path(), c.Trainer+" trains "+c.Client+" no longer")
}
