package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Run("OK: what is committed is what the Go types say", func(t *testing.T) {
		output := filepath.Join(t.TempDir(), "generated.ts")
		if err := run("../..", output); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("../core/src/generated.ts")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatal("client/core/src/generated.ts is stale: run go generate ./client/...")
		}
		for _, line := range []string{
			"'session/{}/info! ' +", "'session/{}/form/{}/seen ' +", "| 'sessionFormSeen'",
			"readonly state: 'stored' | 'delivered' | 'read'",
			"readonly heartRate?: number",
			"readonly entries: readonly BoardEntry[]",
		} {
			if strings.Contains(string(got), "readonly -") {
				t.Error("it has a member that is not in JSON")
			}
			if !strings.Contains(string(got), line) {
				t.Errorf("there is no %q", line)
			}
		}
	})
	t.Run("ErrWrite", func(t *testing.T) {
		if err := run("../..", filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
			t.Fatal("no error")
		}
	})
}

func TestSource_Members(t *testing.T) {
	s := newSource()
	if err := s.read("../..", "engine"); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ key, want string }{
		"ErrNoType":        {"engine.Nothing", "there is no type engine.Nothing"},
		"ErrUnknownMember": {"engine.Challenge", "is no struct"}, // embeds a type of a package that was not read
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s.members(tt.key)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

func TestCamel(t *testing.T) {
	for pattern, want := range map[string]string{
		"session/{}/form/{}/seen": "sessionFormSeen", "match/beacon": "matchBeacon", "user/{}/chat/{}": "userChat",
	} {
		if got := camel(pattern); got != want {
			t.Errorf("camel(%q) = %q, want %q", pattern, got, want)
		}
	}
}
