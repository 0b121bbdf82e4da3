package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

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
