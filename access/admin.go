package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// AdminUserID is the user id behind the admin token. No other role may have it.
const AdminUserID = "admin"

// AdminTokenFile is the token's file in the data directory.
const AdminTokenFile = "admin.token"

const adminTokenBytes = 32 // 256 bits

// LoadOrCreateAdminToken returns the token in dir/admin.token; where there is
// none it makes one of 256 random bits, readable by its owner only, and created
// is true. A file that others may read or that holds no token is an error: the
// text says what to do.
func LoadOrCreateAdminToken(dir string) (token string, created bool, err error) {
	path := filepath.Join(dir, AdminTokenFile)
	token, err = readAdminToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, false, err
	}
	secret := make([]byte, adminTokenBytes)
	rand.Read(secret) // never fails: crypto/rand crashes the program rather than return an error
	token = base64.RawURLEncoding.EncodeToString(secret)
	if err := writeNew(path, token+"\n"); err != nil {
		return "", false, fmt.Errorf("create admin token: %w", err)
	}
	return token, true, nil
}

func readAdminToken(path string) (string, error) {
	if err := checkPrivateFile(path); err != nil {
		return "", fmt.Errorf("read admin token: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read admin token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < adminTokenBytes {
		return "", fmt.Errorf("read admin token: %s holds no token of at least %d bytes in base64url: delete it and start again to get a new one", path, adminTokenBytes)
	}
	return token, nil
}

// checkPrivateFile returns an error for a file that others than its owner may read.
func checkPrivateFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s may be read by others (mode %#o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}

// writeNew makes the file whole or not at all: written beside its name, synced,
// then renamed.
func writeNew(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// AdminToken checks a presented token against the server's.
type AdminToken struct{ sum [sha256.Size]byte }

// NewAdminToken returns the checker of a token. An empty token admits nobody.
func NewAdminToken(token string) AdminToken {
	if token == "" {
		return AdminToken{}
	}
	return AdminToken{sum: sha256.Sum256([]byte(token))}
}

// Check returns the administrator's identity if it is the token. The time it
// takes tells nothing about the right one.
func (a AdminToken) Check(token string) (Identity, bool) {
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], a.sum[:]) != 1 {
		return Identity{}, false
	}
	return Identity{UserID: AdminUserID, Name: "Administrator", Role: Admin, By: ByAdminToken}, true
}
