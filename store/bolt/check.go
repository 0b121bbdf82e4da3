package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
)

// Report is what Check found.
type Report struct {
	// Files is the number of log files.
	Files int
	// Records is the number of the log's records, from First to Last.
	Records     int
	First, Last store.Pos
	// Tables counts each table's keys, expired ones that are not swept included.
	Tables map[string]int
	// Problems says what is wrong, with the file's name, one sentence each and
	// at most maxProblems a file. Empty means that the directory is sound.
	Problems []string
}

// maxProblems bounds what one broken file can add to a Report.
const maxProblems = 20

// Check verifies a directory that no process uses: every page of every file,
// that records decode and positions follow each other, that values decode and
// agree with what is kept about their expiry. It changes nothing. The error is for what
// kept it from looking at all (ErrLocked, ErrForeign, ErrNewer); damage is in
// the Report.
func Check(dir string) (Report, error) {
	version, err := checkDir(dir)
	if err == nil && version == 0 {
		err = fmt.Errorf("%s holds no store: %w", dir, store.ErrForeign)
	}
	if err != nil {
		return Report{}, fmt.Errorf("check store: %w", err)
	}
	lock, err := lockDir(filepath.Join(dir, lockName))
	if err != nil {
		return Report{}, fmt.Errorf("check store: %w", err)
	}
	defer func() { _ = lock.Close() }() // nothing in it matters
	return checkFiles(dir)
}

// checkFiles is Check of a directory that nobody else can be using.
func checkFiles(dir string) (Report, error) {
	r := Report{Tables: make(map[string]int)}
	numbers, _, err := listGenerations(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // made and never used
	case err != nil:
		r.problem("%v", err)
	}
	tables := filepath.Join(dir, tablesName)
	if _, err := os.Stat(tables); err != nil {
		if len(numbers) > 0 {
			r.problem("%s is missing though there is a log", tables)
		}
	} else {
		r.checkFile(tables, r.checkTables)
	}
	r.checkLog(dir, numbers)
	if len(numbers) == 0 && len(r.Tables) > 0 {
		r.problem("%s holds no log though there are tables", filepath.Join(dir, logName))
	}
	return r, nil
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// checkFile opens a file, has bbolt verify its pages, and calls fn in a reading
// transaction.
func (r *Report) checkFile(path string, fn func(*bbolt.Tx) error) {
	db, err := openDB(path, true, 0)
	if err != nil {
		r.problem("%v", err)
		return
	}
	before := len(r.Problems)
	err = view(db, func(tx *bbolt.Tx) error {
		for err := range tx.Check() { // to its end, or its goroutine stays
			if len(r.Problems)-before < maxProblems {
				r.problem("%s: %v", path, err)
			}
		}
		if len(r.Problems) > before {
			return nil // what the pages hold is not to be trusted
		}
		return fn(tx)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		r.problem("%s: %v", path, err)
	}
}

// checkLog walks the generations from the newest to the oldest, since each
// one's first position ends the one before.
func (r *Report) checkLog(dir string, numbers []int) {
	r.Files = len(numbers)
	end := ^store.Pos(0) // the first position of the file after
	for i := len(numbers) - 1; i >= 0; i-- {
		path := genPath(dir, numbers[i])
		newest := i == len(numbers)-1
		r.checkFile(path, func(tx *bbolt.Tx) error {
			base, next, err := r.checkGeneration(tx, end)
			if err != nil {
				return err
			}
			switch {
			case newest:
				r.Last = next - 1
			case next != end:
				r.problem("%s ends at position %d, the next file starts at %d", path, next-1, end)
			}
			r.First, end = base, base
			return nil
		})
	}
}

func (r *Report) checkGeneration(tx *bbolt.Tx, end store.Pos) (base, next store.Pos, err error) {
	log, meta := tx.Bucket(logBucket), tx.Bucket(metaBucket)
	if log == nil || meta == nil || len(meta.Get(baseKey)) != 8 {
		return 0, 0, errors.New("it is not a log file")
	}
	base = store.Pos(binary.BigEndian.Uint64(meta.Get(baseKey)))
	next = base
	err = log.ForEach(func(k, v []byte) error {
		pos, err := keyPos(k)
		if err != nil {
			return err
		}
		if pos >= end {
			return nil // of a commit that failed: passed over
		}
		if pos != next {
			return fmt.Errorf("position %d follows %d", pos, next-1)
		}
		if _, err := decodeRecord(v); err != nil {
			return fmt.Errorf("position %d: %w", pos, err)
		}
		next++
		r.Records++
		return nil
	})
	return base, next, err
}

func (r *Report) checkTables(tx *bbolt.Tx) error {
	revs, expiries := tx.Bucket(revBucket), tx.Bucket(expiryBucket)
	if revs == nil || expiries == nil {
		return errors.New("it is not a file of tables")
	}
	expiring := 0
	err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if name[0] == 0 {
			return nil
		}
		table := string(name)
		r.Tables[table] = 0
		return b.ForEach(func(k, v []byte) error {
			r.Tables[table]++
			if len(v) < valueHeader {
				return fmt.Errorf("table %s, key %q: value of %d bytes", table, k, len(v))
			}
			if rev := binary.BigEndian.Uint64(v); rev == 0 || rev > revs.Sequence() {
				return fmt.Errorf("table %s, key %q: revision %d, the last one given is %d", table, k, rev, revs.Sequence())
			}
			expiry := int64(binary.BigEndian.Uint64(v[8:]))
			if expiry == 0 {
				return nil
			}
			expiring++
			if expiries.Get(expiryKey(expiry, table, string(k))) == nil {
				return fmt.Errorf("table %s, key %q: its expiry is not noted", table, k)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	noted := 0
	err = expiries.ForEach(func(k, _ []byte) error {
		noted++
		if len(k) < 8 || bytes.IndexByte(k[8:], 0) < 1 {
			return fmt.Errorf("expiry %q does not decode", k)
		}
		return nil
	})
	if err == nil && noted != expiring {
		err = fmt.Errorf("%d expiries are noted, %d keys expire", noted, expiring)
	}
	return err
}
