package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fitmq/fitmq/engine"
)

type conversationCmd struct {
	Put      conversationPutCmd      `cmd:"" aliases:"make" help:"Make a group, or change one."`
	Get      conversationGetCmd      `cmd:"" aliases:"show" help:"Show a conversation and who is in it."`
	List     conversationListCmd     `cmd:"" help:"List the conversations of the user whose token is used."`
	Messages conversationMessagesCmd `cmd:"" help:"Print what was said."`
	Remove   conversationRemoveCmd   `cmd:"" help:"Take a user out of a group."`
	Delete   conversationDeleteCmd   `cmd:"" help:"Delete a group."`
}

// conversationArgs name a conversation.
type conversationArgs struct {
	remote
	ID string `arg:"" help:"Conversation id: a group's, or of two users like ana.ben."`
}

func (a *conversationArgs) path(parts ...string) string {
	return path(append([]string{"conversations", a.ID}, parts...)...)
}

type conversationPutCmd struct {
	conversationArgs
	Title  string   `help:"What people call it."`
	Member []string `sep:"," placeholder:"USER" help:"Its members, all of them; again, or with commas, for more."`
}

// Help shows an example.
func (*conversationPutCmd) Help() string {
	return `Whose token is used owns the group, and is in it but for the administrator's. What
is not given stays as it is.

Example:
  fitmq conversation put crew --title Crew --member ana,ben --data DIR`
}

// Run makes the group, or changes what is given of one that is there.
func (c *conversationPutCmd) Run(e *env) error {
	var spec engine.ConversationSpec
	if err := c.present(e, c.path(), &spec); err != nil {
		return err
	}
	if c.Title != "" {
		spec.Title = c.Title
	}
	if len(c.Member) > 0 {
		spec.Members = c.Member
	}
	return c.show(e, http.MethodPut, spec)
}

// show makes a request that is answered with the conversation.
func (a *conversationArgs) show(e *env, method string, body any) error {
	var v engine.Conversation
	answer, err := a.call(e.ctx, method, a.path(), body, &v)
	if err != nil {
		return err
	}
	return a.print(e, answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s  %d messages  %s\nmembers %s\n", v.ID, v.Head, v.Title, strings.Join(v.Members, ", "))
	})
}

type conversationGetCmd struct{ conversationArgs }

// Help shows an example.
func (*conversationGetCmd) Help() string { return "Example:\n  fitmq conversation get crew --data DIR" }

// Run shows the conversation.
func (c *conversationGetCmd) Run(e *env) error { return c.show(e, http.MethodGet, nil) }

type conversationListCmd struct{ remote }

// Help shows an example.
func (*conversationListCmd) Help() string {
	return "Example:\n  fitmq conversation list --url http://localhost:8080 --token \"$(fitmq token issue ana --data DIR)\""
}

// Run lists the conversations.
func (c *conversationListCmd) Run(e *env) error {
	return list(e, &c.remote, "/conversations", func(v engine.Conversation) []any {
		return []any{v.ID, fmt.Sprintf("%d unread", v.Unread), strings.Join(v.Members, ","), v.Title}
	})
}

type conversationMessagesCmd struct {
	conversationArgs
	Limit int `default:"50" help:"How many of the newest, up to 1000 (default ${default})."`
}

// Help shows an example.
func (*conversationMessagesCmd) Help() string {
	return "A member's token reads it.\n\nExample:\n  fitmq conversation messages ana.ben --limit 10 --url http://localhost:8080 --token TOKEN"
}

// Run prints the newest messages, the oldest of them first.
func (c *conversationMessagesCmd) Run(e *env) error {
	var h engine.History
	answer, err := c.call(e.ctx, http.MethodGet, fmt.Sprintf("%s?limit=%d", c.path("messages"), c.Limit), nil, &h)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) {
		for _, item := range h.Items {
			var said struct {
				Seq                  uint64
				SenderID, Content    string
				Timestamp, DeletedAt time.Time
			}
			if json.Unmarshal(item, &said) != nil {
				continue // it is in the JSON, for who needs it
			}
			if !said.DeletedAt.IsZero() {
				said.Content = "(deleted)"
			}
			fmt.Fprintf(w, "%d  %s  %s: %s\n", said.Seq, said.Timestamp.Format(time.RFC3339), said.SenderID, said.Content)
		}
	})
}

type conversationRemoveCmd struct {
	conversationArgs
	User string `arg:"" help:"User id."`
}

// Help shows an example.
func (*conversationRemoveCmd) Help() string {
	return "Example:\n  fitmq conversation remove crew ben --data DIR"
}

// Run takes the user out.
func (c *conversationRemoveCmd) Run(e *env) error {
	return c.remove(e, c.path("members", c.User), c.User+" is a member of "+c.ID+" no longer")
}

type conversationDeleteCmd struct{ conversationArgs }

// Help shows an example.
func (*conversationDeleteCmd) Help() string {
	return "What was said goes with it.\n\nExample:\n  fitmq conversation delete crew --data DIR"
}

// Run deletes the group.
func (c *conversationDeleteCmd) Run(e *env) error {
	return c.remove(e, c.path(), "conversation "+c.ID+" is deleted")
}
