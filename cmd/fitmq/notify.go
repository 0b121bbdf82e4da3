package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

type notifyCmd struct {
	remote
	User     string        `arg:"" help:"User id."`
	Text     string        `arg:"" help:"What to say, at most 1000 characters."`
	Kind     string        `help:"A word that users may opt out of; general unless given."`
	TTL      time.Duration `name:"ttl" help:"After how long it is worth nothing, like 24h; 30 days unless given."`
	Collapse string        `placeholder:"KEY" help:"It replaces an unread one with the same key."`
	Urgent   bool          `help:"Deliver it in quiet hours, too."`
	From     string        `placeholder:"USER" help:"In whose name: a service, or one of the user's trainers. A token for them is asked for; without it the token's own user sends."`
	ID       string        `placeholder:"MESSAGE" help:"The messageId: sent again under the same one it is delivered once."`
}

// Help shows an example.
func (*notifyCmd) Help() string {
	return `It waits in the user's inbox for 30 days, or as long as --ttl says. Services and the
user's trainers may send one; an administrator does it in the name of one of them.

Example:
  fitmq notify ana 'The gym closes at 8 today' --from shop --kind news --ttl 8h --data DIR`
}

// Run sends the notification.
func (c *notifyCmd) Run(e *env) error {
	note := map[string]any{"content": c.Text}
	for name, value := range map[string]string{"kind": c.Kind, "collapseKey": c.Collapse, "messageId": c.ID} {
		if value != "" {
			note[name] = value
		}
	}
	if c.TTL != 0 {
		note["ttl"] = c.TTL.Seconds()
	}
	if c.Urgent {
		note["priority"] = "urgent"
	}
	if err := c.become(e); err != nil {
		return err
	}
	body := map[string]any{"topic": "user/" + c.User + "/notification", "payload": note, "qos": 1}
	var sent struct{ MessageID string }
	answer, err := c.call(e.ctx, http.MethodPost, "/publish", body, &sent)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) { fmt.Fprintln(w, "sent as", sent.MessageID) })
}

// become exchanges the token for one of who is to send.
func (c *notifyCmd) become(e *env) error {
	if c.From == "" {
		return nil
	}
	var t struct{ Token string }
	if _, err := c.call(e.ctx, http.MethodPost, "/tokens", map[string]string{"userId": c.From, "ttl": "1m"}, &t); err != nil {
		return err
	}
	c.Token = t.Token
	return nil
}
