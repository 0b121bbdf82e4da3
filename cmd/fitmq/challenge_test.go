package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChallengeRebuild(t *testing.T) {
	const identical = `{"challengeId":"june","identical":true,"digest":"abc","revision":7,"periods":1,"ranked":2}`
	const differs = `{"challengeId":"june","identical":false,"digest":"abc","revision":7,"periods":1,"ranked":2,
		"differences":[{"part":"period  rank 1","present":"{\"x\":1}","rebuilt":"{\"x\":2}"}]}`
	for _, tt := range []struct {
		name, answer string
		status, code int
		stdout       []string
		stderr       []string
	}{
		{"OK", identical, 200, exitOK, []string{"challenge june: revision 7, 2 ranked in 1 periods", "sha256    abc", "identical"}, nil},
		{"ErrDiffers", differs, 200, exitError, []string{`at work  {"x":1}`, `rebuilt  {"x":2}`}, []string{"differed", "Keep a copy"}},
		{"ErrNone", `{"detail":"challenge june does not exist"}`, 404, exitError, nil, []string{"404", "challenge june does not exist"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/api/v1/challenges/june/rebuild" || r.Header.Get("Authorization") != "Bearer secret" {
					t.Errorf("got %s %s with %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.answer)) // the client tells
			}))
			defer server.Close()
			dir := t.TempDir()
			where, err := json.Marshal(addresses{HTTP: strings.TrimPrefix(server.URL, "http://")})
			if err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{"admin.token": []byte("secret\n"), addressesFile: where} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stdout, stderr bytes.Buffer
			if got := run(context.Background(), []string{"challenge", "rebuild", "june", "--data", dir}, &stdout, &stderr); got != tt.code {
				t.Errorf("exit code %d, want %d: %s", got, tt.code, stderr.String())
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("stdout %q, want %q in it", stdout.String(), want)
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr %q, want %q in it", stderr.String(), want)
				}
			}
		})
	}
}
