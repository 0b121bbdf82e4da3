package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fitmq/fitmq/access"
)

type userCmd struct {
	Put     userPutCmd     `cmd:"" aliases:"make" help:"Make a user, or change one."`
	Get     userGetCmd     `cmd:"" aliases:"show" help:"Show a user."`
	List    userListCmd    `cmd:"" help:"List users."`
	Disable userDisableCmd `cmd:"" help:"Lock a user out, at once."`
	Enable  userEnableCmd  `cmd:"" help:"Let a disabled user in again."`
	Delete  userDeleteCmd  `cmd:"" help:"Delete a user with their devices."`
}

// userArgs name a user.
type userArgs struct {
	remote
	ID string `arg:"" help:"User id: 1 to 64 of A-Z a-z 0-9 _ -"`
}

func (a *userArgs) path() string { return path("users", a.ID) }

// put makes the user what the body says, and tells what they are now.
func (a *userArgs) put(e *env, b userBody) error {
	var u userBody
	answer, err := a.call(e.ctx, http.MethodPut, a.path(), b, &u)
	if err != nil {
		return err
	}
	return a.print(e, answer, func(w io.Writer) { fmt.Fprintf(w, "user %s is a %s%s\n", u.ID, u.Role, disabledWord(u)) })
}

func (a *userArgs) setDisabled(e *env, disabled bool) error {
	var u userBody
	if _, err := a.call(e.ctx, http.MethodGet, a.path(), nil, &u); err != nil {
		return err
	}
	return a.put(e, userBody{Name: u.Name, Role: u.Role, Disabled: disabled})
}

type userPutCmd struct {
	userArgs
	Name          string `help:"Name to show. Without it the old one stays; the id for a new user."`
	Role          string `enum:",member,trainer,service,admin" default:"" help:"member, trainer, service or admin. Without it the old one stays; member for a new user."`
	Password      string `xor:"password" help:"New password; better with --password-stdin. Without either, the old one stays."`
	PasswordStdin bool   `xor:"password" help:"Read the new password from the first line of standard input."`
	Disabled      bool   `help:"The user may not sign in. Who is disabled stays so until fitmq user enable."`
}

// Help shows examples.
func (*userPutCmd) Help() string {
	return `Examples:
  fitmq user put ana --data DIR --name Ana --password-stdin < password.txt
  fitmq user put tess --role trainer --url https://fit.example.com --output json`
}

// userBody is what the server takes and gives as a user.
type userBody struct {
	ID       string  `json:"id,omitempty"`
	Name     string  `json:"name,omitempty"`
	Role     string  `json:"role"`
	Password *string `json:"password,omitempty"`
	Disabled bool    `json:"disabled,omitempty"`
}

// Run makes the user, or changes what is given of one who is there.
func (c *userPutCmd) Run(e *env) error {
	old := userBody{Role: string(access.Member)}
	var no refusal
	if _, err := c.call(e.ctx, http.MethodGet, c.path(), nil, &old); err != nil && (!errors.As(err, &no) || no.status != http.StatusNotFound) {
		return err
	}
	b := userBody{Name: cmp.Or(c.Name, old.Name), Role: cmp.Or(c.Role, old.Role), Disabled: c.Disabled || old.Disabled}
	if c.Password != "" {
		b.Password = &c.Password
	}
	if c.PasswordStdin {
		line, err := bufio.NewReader(io.LimitReader(e.stdin, access.MaxPassword+2)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the password: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		b.Password = &line
	}
	return c.put(e, b)
}

func disabledWord(u userBody) string {
	if u.Disabled {
		return ", disabled"
	}
	return ""
}

type userGetCmd struct{ userArgs }

// Help shows an example.
func (*userGetCmd) Help() string { return "Example:\n  fitmq user get ana --data DIR --output json" }

// Run shows the user.
func (c *userGetCmd) Run(e *env) error {
	var u userBody
	answer, err := c.call(e.ctx, http.MethodGet, c.path(), nil, &u)
	if err != nil {
		return err
	}
	return c.print(e, answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s\t%s\t%s%s\n", u.ID, u.Role, u.Name, disabledWord(u))
	})
}

type userListCmd struct {
	remote
	Search string `help:"Only users whose id begins with this, or whose name has it in it, whatever the case."`
}

// Help shows an example.
func (*userListCmd) Help() string { return "Example:\n  fitmq user list --data DIR --search ana" }

// Run lists the users, a page of the server's at a time; as JSON one a line.
func (c *userListCmd) Run(e *env) error {
	return list(e, &c.remote, "/users?search="+url.QueryEscape(c.Search), func(u userBody) []any { return []any{u.ID, u.Role, u.Name + disabledWord(u)} })
}

type userDisableCmd struct{ userArgs }

// Help shows an example.
func (*userDisableCmd) Help() string {
	return "Their connections end at once.\n\nExample:\n  fitmq user disable ana --data DIR"
}

// Run locks the user out.
func (c *userDisableCmd) Run(e *env) error { return c.setDisabled(e, true) }

type userEnableCmd struct{ userArgs }

// Help shows an example.
func (*userEnableCmd) Help() string { return "Example:\n  fitmq user enable ana --data DIR" }

// Run lets the user in again.
func (c *userEnableCmd) Run(e *env) error { return c.setDisabled(e, false) }

type userDeleteCmd struct{ userArgs }

// Help shows an example.
func (*userDeleteCmd) Help() string {
	return "Their connections and sessions end at once.\n\nExample:\n  fitmq user delete ana --data DIR"
}

// Run deletes the user.
func (c *userDeleteCmd) Run(e *env) error {
	return c.remove(e, c.path(), "user "+c.ID+" is deleted")
}
