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

// deviceArgs name one device of a user.
type deviceArgs struct {
	remote
	User string `arg:"" help:"User id."`
	Name string `arg:"" help:"Device name: 1 to 64 of A-Z a-z 0-9 _ -"`
}

func (a *deviceArgs) path() string { return path("users", a.User, "devices", a.Name) }

type deviceAddCmd struct{ deviceArgs }

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
	answer, err := c.call(e.ctx, http.MethodPut, c.path(), nil, &d)
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

type deviceDeleteCmd struct{ deviceArgs }

// Help shows an example.
func (*deviceDeleteCmd) Help() string {
	return "Its connections end at once.\n\nExample:\n  fitmq device delete ana watch --data DIR"
}

// Run revokes the secret.
func (c *deviceDeleteCmd) Run(e *env) error {
	return c.remove(e, c.path(), "device "+c.Name+" of "+c.User+" is revoked")
}
