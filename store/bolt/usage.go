package bolt

import (
	"os"
	"path/filepath"

	"github.com/fitmq/fitmq/store"
)

// Usage is what the directory holds, and what is left for it.
type Usage struct {
	// LogBytes and LogFiles are the log's, TablesBytes the tables'.
	LogBytes, TablesBytes int64
	LogFiles              int
	// First and Last are the log's oldest and newest position; First is over Last
	// where the log is empty.
	First, Last store.Pos
	// DiskFree is what this process may still write on the directory's disk,
	// DiskSize what it holds together, in bytes; both 0 where the system does not tell.
	DiskFree, DiskSize int64
}

// Usage looks at the files. It is for operators: it asks the file system for each of
// them.
func (s *Store) Usage() Usage {
	u := Usage{LogBytes: s.Size(), LogFiles: len(*s.gens.Load()), First: max(s.Floor(), 1), Last: s.lastPos()}
	if info, err := os.Stat(s.tables.path); err == nil { // else it is being replaced
		u.TablesBytes = info.Size()
	}
	u.DiskFree, u.DiskSize = diskSpace(filepath.Dir(s.tables.path))
	return u
}
