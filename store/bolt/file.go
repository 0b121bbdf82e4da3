package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/fitmq/fitmq/store"
)

// mapSize is the address space set aside for a file that grows, so that a
// writer seldom has to wait for readers to remap it. It costs no memory.
func mapSize(want int) int {
	if bits.UintSize == 32 {
		return min(want, 64<<20)
	}
	return want
}

// openDB opens one bbolt file. A damaged file is ErrForeign, whether bbolt
// returns an error, panics, or walks off the end of a file that was cut off.
func openDB(path string, readOnly bool, initialMap int) (db *bbolt.DB, err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, damaged(path, fmt.Errorf("%v", r))
		}
		if err != nil && file != nil {
			_ = file.Close() // closed already unless bbolt panicked
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         100 * time.Millisecond,
		ReadOnly:        readOnly,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: initialMap,
		NoStatistics:    true,
		OpenFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, perm)
			file = f
			return f, err
		},
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: %w", path, store.ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, damaged(path, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := checkLength(db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// checkLength finds a file that lost its end.
func checkLength(db *bbolt.DB, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return view(db, func(tx *bbolt.Tx) error {
		if want := tx.Size(); info.Size() < want {
			return damaged(path, fmt.Errorf("it has %d bytes and should have at least %d", info.Size(), want))
		}
		return nil
	})
}

// damaged says which file is broken, how, and what to do.
func damaged(path string, why error) error {
	return fmt.Errorf("%s is damaged or not ours (%w): restore the directory from a backup, or move it away to start empty: %w",
		path, why, store.ErrForeign)
}

// errPanic marks a failure after which bbolt may hold its own locks, so that
// closing the file could hang.
var errPanic = errors.New("bbolt panicked")

// update is db.Update with a panic made an error.
func update(db *bbolt.DB, fn func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return db.Update(fn)
}

// view is db.View with a panic made an error.
func view(db *bbolt.DB, fn func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return db.View(fn)
}

// writeError translates what a failed commit means. A write refused for want of
// space comes from before bbolt's meta page, so that nothing was written; of
// any other failure, of a sync above all, the outcome is unknown.
func writeError(what string, err error) error {
	var path *fs.PathError
	full := errors.Is(err, bolterrors.ErrMaxSizeReached)
	if errors.As(err, &path) {
		full = full || errors.Is(path, syscall.ENOSPC) || errors.Is(path, errQuota) || errors.Is(path, syscall.EFBIG)
	}
	if full {
		return fmt.Errorf("%s: %w: %w", what, store.ErrFull, err)
	}
	return fmt.Errorf("%s: %w: %w", what, store.ErrUnavailable, err)
}

// syncDir makes a directory's entries durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// writeFile writes a small file whole: after a crash it is there or not.
func writeFile(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}
