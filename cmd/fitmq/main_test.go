package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yml")
	if err := os.WriteFile(bad, []byte("mqtt:\n  adr: :1883\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		code   int
		stdout []string
		stderr []string
	}{
		"Version":          {[]string{"version"}, exitOK, []string{"fitmq ", "go1."}, nil},
		"Help":             {[]string{"--help"}, exitOK, []string{"serve", "demo", "version"}, nil},
		"ErrUnknown":       {[]string{"server"}, exitUsage, nil, []string{"server", "--help"}},
		"ErrNoData":        {[]string{"serve"}, exitUsage, nil, []string{"--data"}},
		"ErrConfigKey":     {[]string{"serve", "--data", t.TempDir(), "--config", bad}, exitError, nil, []string{bad + ":2", "adr", "addr", "docs/config.md"}},
		"ErrConfigMissing": {[]string{"serve", "--data", t.TempDir(), "--config", bad + "x"}, exitError, nil, []string{bad + "x"}},
		"ErrCheckForeign":  {[]string{"check", "--data", filepath.Dir(bad)}, exitError, nil, []string{"bad.yml", "--data"}},
		"ErrFor":           {[]string{"demo", "--for=-1s"}, exitUsage, nil, []string{"--for -1s"}},
		"ErrAthletes":      {[]string{"demo", "--athletes", "0"}, exitUsage, nil, []string{"--athletes 0", "1 to 200"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := run(context.Background(), c.args, &stdout, &stderr); got != c.code {
				t.Errorf("exit code = %d, want %d; stderr: %s", got, c.code, stderr.String())
			}
			for _, want := range c.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("stdout = %q, want it to contain %q", stdout.String(), want)
				}
			}
			for _, want := range c.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr = %q, want it to contain %q", stderr.String(), want)
				}
			}
		})
	}
}
