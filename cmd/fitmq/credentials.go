package main

import (
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"
)

type deviceCmd struct {
	Add    deviceAddCmd    `cmd:"" help:"Give a user's device a secret, and show it this once."`
	List   deviceListCmd   `cmd:"" help:"List a user's devices."`
	Delete deviceDeleteCmd `cmd:"" help:"Revoke a device's secret, at once."`
}

type deviceAddCmd struct {
	remote
	User string `arg:"" help:"User id."`
	Name string `arg:"" help:"Device name: 1 to 64 of A-Z a-z 0-9 _ -"`
}

// Help shows an example.
func (*deviceAddCmd) Help() string {
	return `The device signs in with the user's id and the secret as password. A device
that has one gets a new one, and the old one is revoked.

Examples:
  fitmq device add ana watch --data DIR
  mosquitto_pub -u ana -P fmd_... -t session/track/progress/ana -m '{...}'`
}

// Run makes the secret.
func (c *deviceAddCmd) Run(e *env) error {
	var d struct{ Secret string }
	answer, err := c.call(e.ctx, http.MethodPut, path("users", c.User, "devices", c.Name), nil, &d)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintln(w, d.Secret) })
}

type deviceListCmd struct {
	remote
	User string `arg:"" help:"User id."`
}

// Help shows an example.
func (*deviceListCmd) Help() string { return "Example:\n  fitmq device list ana --data DIR" }

// Run lists the devices.
func (c *deviceListCmd) Run(e *env) error {
	var list struct {
		Items []struct {
			Name      string
			CreatedAt time.Time
		}
	}
	answer, err := c.call(e.ctx, http.MethodGet, path("users", c.User, "devices"), nil, &list)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(out io.Writer) {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, d := range list.Items {
			fmt.Fprintf(w, "%s\t%s\n", d.Name, d.CreatedAt.Format(time.RFC3339))
		}
		_ = w.Flush() // as of everything printed for people
	})
}

type deviceDeleteCmd struct {
	remote
	User string `arg:"" help:"User id."`
	Name string `arg:"" help:"Device name."`
}

// Help shows an example.
func (*deviceDeleteCmd) Help() string {
	return "Its connections end at once.\n\nExample:\n  fitmq device delete ana watch --data DIR"
}

// Run revokes the secret.
func (c *deviceDeleteCmd) Run(e *env) error {
	return c.remove(e, path("users", c.User, "devices", c.Name), "device "+c.Name+" of "+c.User+" is revoked")
}

type linkCmd struct {
	Add    linkAddCmd    `cmd:"" help:"Join a trainer and a client."`
	Get    linkGetCmd    `cmd:"" help:"Tell whether the two are linked."`
	Delete linkDeleteCmd `cmd:"" help:"Part a trainer and a client."`
}

type linkAddCmd struct {
	remote
	Trainer string `arg:"" help:"The trainer's user id."`
	Client  string `arg:"" help:"The client's user id."`
}

// Help shows an example.
func (*linkAddCmd) Help() string { return "Example:\n  fitmq link add tess ana --data DIR" }

// Run links the two.
func (c *linkAddCmd) Run(e *env) error {
	answer, err := c.call(e.ctx, http.MethodPut, path("links", c.Trainer, c.Client), struct{}{}, nil)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintf(w, "%s trains %s\n", c.Trainer, c.Client) })
}

type linkGetCmd struct {
	remote
	Trainer string `arg:"" help:"The trainer's user id."`
	Client  string `arg:"" help:"The client's user id."`
}

// Help shows an example.
func (*linkGetCmd) Help() string { return "Example:\n  fitmq link get tess ana --data DIR" }

// Run asks for the link.
func (c *linkGetCmd) Run(e *env) error {
	answer, err := c.call(e.ctx, http.MethodGet, path("links", c.Trainer, c.Client), nil, nil)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintf(w, "%s trains %s\n", c.Trainer, c.Client) })
}

type linkDeleteCmd struct {
	remote
	Trainer string `arg:"" help:"The trainer's user id."`
	Client  string `arg:"" help:"The client's user id."`
}

// Help shows an example.
func (*linkDeleteCmd) Help() string { return "Example:\n  fitmq link delete tess ana --data DIR" }

// Run parts the two.
func (c *linkDeleteCmd) Run(e *env) error {
	return c.remove(e, path("links", c.Trainer, c.Client), c.Trainer+" trains "+c.Client+" no longer")
}

type tokenCmd struct {
	Issue tokenIssueCmd `cmd:"" help:"Sign a token for a user."`
}

// fit is what a token is narrowed to.
type fit struct {
	Publish   []string `json:"publish,omitempty"`
	Subscribe []string `json:"subscribe,omitempty"`
}

type tokenIssueCmd struct {
	remote
	User string        `arg:"" help:"User id; the user must exist."`
	TTL  time.Duration `name:"ttl" default:"15m" help:"How long it is valid: 1s to 720h."`

	Publish   []string `sep:"none" placeholder:"FILTER" help:"Topics that the token may publish to, and no others; again for more."`
	Subscribe []string `sep:"none" placeholder:"FILTER" help:"Filters that the token may subscribe, and no others; again for more."`
}

// Help shows an example.
func (*tokenIssueCmd) Help() string {
	return `Examples:
  fitmq token issue ana --ttl 2h --data DIR
  mosquitto_sub -u ana -P "$(fitmq token issue ana --data DIR)" -t 'user/ana/#'

With --publish or --subscribe the token is good for what they name and for nothing
else, of what the user may:
  fitmq token issue ana --publish 'session/+/progress/ana' --data DIR`
}

// Run signs the token.
func (c *tokenIssueCmd) Run(e *env) error {
	var t struct{ Token string }
	body := struct {
		UserID string `json:"userId"`
		TTL    string `json:"ttl"`
		Fit    *fit   `json:"fit,omitempty"`
	}{UserID: c.User, TTL: c.TTL.String()}
	if len(c.Publish)+len(c.Subscribe) > 0 {
		body.Fit = &fit{c.Publish, c.Subscribe}
	}
	answer, err := c.call(e.ctx, http.MethodPost, "/tokens", body, &t)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintln(w, t.Token) })
}
