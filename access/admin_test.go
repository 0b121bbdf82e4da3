package access_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/access"
)

func TestLoadOrCreateAdminToken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin.token")
	token, created, err := access.LoadOrCreateAdminToken(dir)
	if err != nil || !created {
		t.Fatalf("got %v, %v", created, err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 {
		t.Fatalf("token of %d bytes, %v, want 32", len(raw), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v, want 0600", info.Mode(), err)
	}
	t.Run("OK/kept", func(t *testing.T) {
		again, created, err := access.LoadOrCreateAdminToken(dir)
		if err != nil || created || again != token {
			t.Fatalf("got %q, %v, %v, want the first one", again, created, err)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Fatalf("%d files left in the directory, %v", len(files), err)
		}
	})
	t.Run("ErrMode", func(t *testing.T) {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := access.LoadOrCreateAdminToken(dir)
		if err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Fatalf("got %v, want an error that says what to do", err)
		}
	})
	t.Run("ErrContent", func(t *testing.T) {
		for _, content := range []string{"", "short", "not base64!!" + strings.Repeat("a", 40)} {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := access.LoadOrCreateAdminToken(dir); err == nil || !strings.Contains(err.Error(), "holds no token") {
				t.Fatalf("%q: got %v", content, err)
			}
		}
	})
	t.Run("ErrNoDirectory", func(t *testing.T) {
		if _, _, err := access.LoadOrCreateAdminToken(filepath.Join(dir, "none")); err == nil {
			t.Fatal("no error")
		}
	})
}

func TestAdminToken_Check(t *testing.T) {
	a := access.NewAdminToken("secret-token")
	if id, ok := a.Check("secret-token"); !ok || id.UserID != "admin" || id.Role != access.Admin {
		t.Fatalf("got %+v, %v", id, ok)
	}
	for _, wrong := range []string{"", "secret-toke", "secret-token ", "SECRET-TOKEN"} {
		if id, ok := a.Check(wrong); ok || id != (access.Identity{}) {
			t.Errorf("%q was taken for the token", wrong)
		}
	}
	for _, none := range []access.AdminToken{{}, access.NewAdminToken("")} {
		if _, ok := none.Check(""); ok {
			t.Error("an empty token admits somebody")
		}
	}
}
