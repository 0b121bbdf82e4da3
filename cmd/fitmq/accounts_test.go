package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// fitmq runs the program and returns what it printed.
func fitmq(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(context.Background(), args, &out, &errs); got != want {
		t.Fatalf("fitmq %s: exit code %d, want %d: %s%s", strings.Join(args, " "), got, want, &out, &errs)
	}
	return out.String(), errs.String()
}

func TestAccounts(t *testing.T) {
	dir, s := running(t)
	ok := func(args ...string) string {
		t.Helper()
		out, _ := fitmq(t, exitOK, append(args, "--data", dir)...)
		return out
	}
	contains := func(got string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("got %q, want %q in it", got, want)
			}
		}
	}
	contains(ok("user", "put", "ana", "--name", "Ana B", "--password", "ana-secret"), "user ana is a member")
	contains(ok("user", "put", "tess", "--role", "trainer"), "trainer")
	contains(ok("user", "list"), "ana", "Ana B", "tess", "trainer")
	if list := ok("user", "list", "--search", "AN"); !strings.Contains(list, "Ana B") || strings.Contains(list, "tess") {
		t.Errorf("search: %q", list)
	}
	contains(ok("user", "put", "root", "--role", "admin"), "user root is a")
	for _, args := range [][]string{{"user", "disable", "root"}, {"user", "delete", "root"}, {"user", "put", "root", "--role", "member"}} {
		_, said := fitmq(t, exitError, append(args, "--data", dir)...)
		contains(said, "409", "last administrator who may sign in", "make another one first")
	}
	contains(ok("user", "get", "ana", "--output", "json"), `"id":"ana"`, `"name":"Ana B"`)
	contains(ok("link", "add", "tess", "ana"), "tess trains ana")
	contains(ok("link", "get", "tess", "ana"), "tess trains ana")
	contains(ok("link", "delete", "tess", "ana"), "no longer")

	secret := strings.TrimSpace(ok("device", "add", "ana", "watch"))
	contains(secret, "fmd_")
	if list := ok("device", "list", "ana"); !strings.Contains(list, "watch") || strings.Contains(list, secret) {
		t.Errorf("got %q", list)
	}
	contains(ok("device", "delete", "ana", "watch"), "revoked")

	narrow := strings.TrimSpace(ok("token", "issue", "tess", "--subscribe", "user/tess/#"))
	token := strings.TrimSpace(ok("token", "issue", "ana", "--ttl", "1m"))
	out, _ := fitmq(t, exitOK, "user", "get", "ana", "--url", "http://"+s.HTTP, "--token", token)
	contains(out, "Ana B")
	contains(ok("user", "disable", "ana"), "disabled")
	if _, errs := fitmq(t, exitError, "user", "get", "ana", "--url", "http://"+s.HTTP, "--token", token); !strings.Contains(errs, "401") {
		t.Errorf("got %q", errs)
	}
	contains(ok("user", "put", "ana", "--password", "ana-secret-2"), "user ana is a member, disabled") // a new password lets nobody in again
	contains(ok("user", "get", "ana"), "Ana B")
	contains(ok("user", "put", "tess", "--name", "Tess T"), "user tess is a trainer")
	contains(ok("user", "enable", "ana"), "user ana is a member\n")
	contains(ok("user", "delete", "ana", "--output", "json"), "{}")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"ErrNoServer":  {[]string{"user", "list"}, []string{"which server", "--data DIR"}},
		"ErrNoToken":   {[]string{"user", "list", "--url", "http://" + s.HTTP}, []string{"--token"}},
		"ErrToken":     {[]string{"user", "list", "--url", "http://" + s.HTTP, "--token", "x"}, []string{"401", "admin.token"}},
		"ErrForbidden": {[]string{"user", "get", "nobody", "--data", dir}, []string{"404", "fitmq user list"}},
		"ErrNotThere":  {[]string{"user", "list", "--url", "http://127.0.0.1:1", "--token", "x"}, []string{"--url"}},
		"ErrStopped":   {[]string{"user", "list", "--data", t.TempDir()}, []string{"fitmq serve"}},
		"ErrInput":     {[]string{"user", "put", "a b", "--data", dir}, []string{"422", "id"}},
		"ErrDevice":    {[]string{"device", "delete", "tess", "x", "--data", dir}, []string{"device", "fitmq device list"}},
		"ErrGrant":     {[]string{"token", "issue", "tess", "--publish", "a,b", "--publish", "a/#/b", "--data", dir}, []string{"422", "fit.publish[1]"}},
		"ErrNarrowed":  {[]string{"user", "get", "tess", "--url", "http://" + s.HTTP, "--token", narrow}, []string{"403", "topics only"}},
		"ErrTTL":       {[]string{"token", "issue", "tess", "--ttl", "1000h", "--data", dir}, []string{"422", "ttl"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := fitmq(t, exitError, c.args...)
			contains(errs, c.want...)
		})
	}
	t.Run("Help", func(t *testing.T) {
		for _, args := range [][]string{{"user", "put"}, {"device", "add"}, {"link", "add"}, {"token", "issue"}} {
			out, _ := fitmq(t, exitOK, append(args, "--help")...)
			contains(out, "fitmq "+strings.Join(args, " "), "--data")
		}
	})
}
