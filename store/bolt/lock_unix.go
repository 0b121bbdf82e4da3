//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/fitmq/fitmq/store"
)

// errQuota is a user's disk quota used up, to us the same as a full disk.
const errQuota = syscall.EDQUOT

// lockDir takes the directory's lock file for this process. Closing the file
// gives it back; so does the end of the process, however it ends.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		pid, _ := os.ReadFile(path) // only to be helpful; without it the message says less
		_ = f.Close()               // it holds no lock and has no unwritten data
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s (process %s): %w", path, strings.TrimSpace(string(pid)), store.ErrLocked)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		// The pid is for people; the lock holds without it, on a full disk too.
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}
