//go:build !unix

package bolt

import (
	"fmt"
	"os"
	"syscall"
)

// errQuota has no counterpart here; ENOSPC stands in.
const errQuota = syscall.ENOSPC

// lockDir only marks the directory on systems without flock: there the lock
// that bbolt takes on tables.db keeps a second process out.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	return f, nil
}
