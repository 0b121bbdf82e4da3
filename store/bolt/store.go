// Package bolt keeps a store in one directory, on go.etcd.io/bbolt: no server,
// one process at a time.
//
// The directory holds LOCK (taken while a process uses it), VERSION (the schema
// version), tables.db (a bucket a table) and log/NNNNNNNN.db, the log's
// generations: files of consecutive positions, of which only the newest is
// written to, so that trimming is the removal of a file. What finds records by
// topic and by id lives in memory and is rebuilt by one scan at Open.
//
// Each of log and tables has one writer, which commits what has gathered from
// all callers in one transaction.
package bolt

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Durability says when an Append is durable. Tables are always written as with
// Commit.
type Durability uint8

const (
	// Commit: Append returns when its records are on the disk.
	Commit Durability = iota
	// Interval: Append returns when the kernel has its records, and they are
	// forced to disk every SyncEvery. A crash of the process loses nothing. A
	// power failure loses the last interval, and since the disk may have written
	// its pages in any order it can damage the log's newest file, which Open
	// then refuses.
	Interval
)

// Options sets a store up. The zero value is what production wants.
type Options struct {
	// Durability of Append.
	Durability Durability
	// SyncEvery is the interval of Interval durability. 0 means 100 ms.
	SyncEvery time.Duration
	// GenerationBytes and GenerationRecords bound a log file: whichever is
	// reached first begins the next one. 0 means 256 MiB (32 MiB where addresses
	// have 32 bits, since files are mapped), and 1,000,000.
	GenerationBytes   int64
	GenerationRecords int
	// ProbeEvery is how often a store that cannot write tries again. 0 means 1 s.
	ProbeEvery time.Duration
	// SweepEvery is how often expired keys are removed and reported to Watch.
	// 0 means 1 s.
	SweepEvery time.Duration
	// Now is the clock of expiry. nil means time.Now.
	Now func() time.Time

	// failpoint makes a named step fail; only tests of this package set it.
	failpoint func(step string) error
}

func (o Options) withDefaults() Options {
	o.SyncEvery = cmp.Or(o.SyncEvery, 100*time.Millisecond)
	o.GenerationBytes = cmp.Or(o.GenerationBytes, int64(mapSize(512<<20))/2)
	o.GenerationRecords = cmp.Or(o.GenerationRecords, 1_000_000)
	o.ProbeEvery = cmp.Or(o.ProbeEvery, time.Second)
	o.SweepEvery = cmp.Or(o.SweepEvery, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o *Options) fault(step string) error {
	if o.failpoint == nil {
		return nil
	}
	return o.failpoint(step)
}

// Store is a store in a directory. It implements store.Store.
type Store struct {
	*journal
	*tables

	opts    Options
	lock    *os.File
	copying sync.Mutex // held by a backup
	close   sync.Once
	err     error // of the first Close
}

var _ store.Store = (*Store)(nil)

// Open opens the store in dir and creates it when the directory is empty or
// missing; one of an older schema version is migrated. Errors: ErrLocked (with the other process's id), ErrNewer, and
// ErrForeign, which names the file and what to do, when the directory or a file
// in it is not ours or is damaged; nothing is changed then.
func Open(dir string, opts Options) (*Store, error) {
	s := &Store{opts: opts.withDefaults()}
	lock, version, err := prepareDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.lock = lock
	if err := s.open(dir); err != nil {
		return nil, fmt.Errorf("open store: %w", errors.Join(err, s.lock.Close()))
	}
	if err := s.migrate(dir, version); err != nil {
		return nil, fmt.Errorf("open store: %w", errors.Join(err, s.shut()))
	}
	go s.journal.run()
	go s.tables.run()
	return s, nil
}

func (s *Store) open(dir string) error {
	numbers, _, err := listGenerations(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, tablesName)
	if _, err := os.Stat(path); err != nil && len(numbers) > 0 {
		return fmt.Errorf("%s is missing though there is a log: restore it from a backup: %w", path, store.ErrForeign)
	}
	s.tables = newTables(path, &s.opts)
	if err := s.tables.open(); err != nil {
		return err
	}
	err = nil
	if len(numbers) == 0 && s.tables.used() {
		err = fmt.Errorf("%s holds no log though there are tables: restore it from a backup: %w", filepath.Join(dir, logName), store.ErrForeign)
	}
	if err == nil {
		s.journal = newJournal(dir, &s.opts)
		err = s.journal.open()
	}
	if err != nil {
		return errors.Join(err, s.tables.db.Close())
	}
	return nil
}

// Applied implements store.Log: ready is false from a failed write of log or
// tables until writing works again.
func (s *Store) Applied() (store.Pos, bool) {
	ready := s.journal.failure.Load() == nil && s.tables.failure.Load() == nil
	select {
	case <-s.journal.ops.quit:
		ready = false
	default:
	}
	return s.journal.lastPos(), ready
}

// Close implements store.Store. Calls that come later get ErrClosed; a second
// Close returns what the first did.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.err = errors.Join(s.journal.close(), s.tables.close(), s.lock.Close())
	})
	return s.err
}
