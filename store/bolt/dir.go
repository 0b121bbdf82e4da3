package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/fitmq/fitmq/store"
)

// What is in a data directory.
const (
	lockName    = "LOCK"
	versionName = "VERSION"
	tablesName  = "tables.db"
	logName     = "log"

	versionPrefix = "fitmq store "
)

// welcome are the names that may stand in a directory before it is ours.
var welcome = map[string]bool{
	lockName: true, versionName + ".tmp": true, "admin.token": true, "lost+found": true,
}

// checkDir looks at a directory without touching it and returns its schema
// version; 0 means that it has to be set up.
func checkDir(dir string) (version int, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read data directory: %w", err)
	}
	stranger := ""
	for _, e := range entries {
		if e.Name() == versionName {
			return readVersion(filepath.Join(dir, versionName))
		}
		if !welcome[e.Name()] && stranger == "" {
			stranger = e.Name()
		}
	}
	if stranger != "" {
		return 0, fmt.Errorf("%s holds %q and no %s file: give an empty directory or one that fitmq made: %w",
			dir, stranger, versionName, store.ErrForeign)
	}
	return 0, nil
}

func readVersion(path string) (version int, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return parseVersion(path, b)
}

// parseVersion reads the content of a VERSION file; path is for the error.
func parseVersion(path string, content []byte) (version int, err error) {
	text := strings.TrimSpace(string(content))
	number, ok := strings.CutPrefix(text, versionPrefix)
	v, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil || v < 1:
		return 0, fmt.Errorf("%s says %.40q, not %q: restore the file from a backup, or give another directory: %w",
			path, text, versionPrefix+"1", store.ErrForeign)
	case v > schemaVersion:
		return 0, fmt.Errorf("%s says version %d, this program knows up to %d: use the newer program, or restore a backup made before it: %w",
			path, v, schemaVersion, store.ErrNewer)
	}
	return v, nil
}

func writeVersion(dir string, version int) error {
	return writeFile(filepath.Join(dir, versionName), fmt.Appendf(nil, "%s%d\n", versionPrefix, version))
}

// prepareDir checks the directory, locks it, and sets a fresh one up; it returns
// the schema version. The caller closes the lock file to give the directory back.
func prepareDir(dir string) (lock *os.File, version int, err error) {
	if _, err := checkDir(dir); err != nil {
		return nil, 0, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("create data directory: %w", err)
	}
	if lock, err = lockDir(filepath.Join(dir, lockName)); err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			_ = lock.Close() // nothing was written to it that matters
		}
	}()
	version, err = checkDir(dir) // again: another process may have been faster
	if err != nil {
		return nil, 0, err
	}
	if version == 0 {
		version = schemaVersion
		if err := writeVersion(dir, version); err != nil {
			return nil, 0, err
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, logName), 0o700); err != nil {
		return nil, 0, fmt.Errorf("create log directory: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return nil, 0, err
	}
	return lock, version, nil
}

func genPath(dir string, number int) string {
	return filepath.Join(dir, logName, fmt.Sprintf("%08d.db", number))
}

// listGenerations returns the numbers of the log's files, ascending, and the
// paths of those that a crash left unfinished.
func listGenerations(dir string) (numbers []int, unfinished []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, logName))
	if err != nil {
		return nil, nil, fmt.Errorf("read log directory: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, logName, e.Name())
		if strings.HasSuffix(e.Name(), ".db.tmp") {
			unfinished = append(unfinished, path)
			continue
		}
		name, ok := strings.CutSuffix(e.Name(), ".db")
		n, err := strconv.Atoi(name)
		if !ok || err != nil || genPath(dir, n) != path {
			return nil, nil, fmt.Errorf("%s does not belong into a log directory: move it away: %w", path, store.ErrForeign)
		}
		numbers = append(numbers, n)
	}
	sort.Ints(numbers)
	return numbers, unfinished, nil
}
