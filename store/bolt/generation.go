package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
)

// The buckets of a generation.
var (
	logBucket  = []byte("log")  // position -> record
	metaBucket = []byte("meta") // "base" -> the first position that the file may hold
	baseKey    = []byte("base")
)

// generation is one file of the log: consecutive positions from base on. Only
// the newest one is written to; trimming removes the oldest.
type generation struct {
	number int
	path   string
	base   store.Pos // positions before it are not looked for in this file
	db     *bbolt.DB

	// The writer's own:
	count  int   // records in it
	size   int64 // their encoded bytes
	stuck  bool  // bbolt panicked in it: closing it could hang
	synced bool  // false while Interval durability owes it an fsync
}

// openGeneration opens an existing file.
func openGeneration(dir string, number int, readOnly bool, initialMap int) (*generation, error) {
	g := &generation{number: number, path: genPath(dir, number), synced: true}
	db, err := openDB(g.path, readOnly, initialMap)
	if err != nil {
		return nil, err
	}
	err = view(db, func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if meta == nil || tx.Bucket(logBucket) == nil {
			return errors.New("it lacks the buckets of a log file")
		}
		base := meta.Get(baseKey)
		if len(base) != 8 {
			return errors.New("its first position is missing")
		}
		g.base = store.Pos(binary.BigEndian.Uint64(base))
		return nil
	})
	if err != nil {
		return nil, errors.Join(damaged(g.path, err), db.Close())
	}
	g.db = db
	return g, nil
}

// createGeneration makes a new, empty file, durable before it has its name.
func createGeneration(dir string, number int, base store.Pos, initialMap int) (_ *generation, err error) {
	path := genPath(dir, number)
	tmp := path + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return nil, fmt.Errorf("create log file: %w", err)
	}
	db, err := openDB(tmp, false, initialMap)
	if err != nil {
		_ = os.Remove(tmp) // what is left of it is removed at the next Open
		return nil, fmt.Errorf("create log file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = db.Close() // it is empty
			_ = os.Remove(tmp)
		}
	}()
	err = update(db, func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket(logBucket); err != nil {
			return err
		}
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return meta.Put(baseKey, posKey(base))
	})
	if err != nil {
		return nil, fmt.Errorf("create log file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return nil, fmt.Errorf("create log file: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		_ = os.Remove(path) // the next attempt takes the same name
		return nil, err
	}
	return &generation{number: number, path: path, base: base, db: db, synced: true}, nil
}

// close releases the file, unless bbolt broke in it: then its end is the
// process's.
func (g *generation) close() error {
	if g.stuck {
		return nil
	}
	if err := g.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", g.path, err)
	}
	return nil
}

// scan calls fn with every record in from..upTo, in order, until it returns
// false. The record's bytes are only valid during the call.
func (g *generation) scan(from, upTo store.Pos, fn func(store.Pos, rawRecord) bool) error {
	return view(g.db, func(tx *bbolt.Tx) error {
		c := tx.Bucket(logBucket).Cursor()
		for k, v := c.Seek(posKey(max(from, g.base))); k != nil; k, v = c.Next() {
			pos, err := keyPos(k)
			if err != nil {
				return damaged(g.path, err)
			}
			if pos > upTo {
				return nil
			}
			rec, err := decodeRecord(v)
			if err != nil {
				return damaged(g.path, fmt.Errorf("position %d: %w", pos, err))
			}
			if !fn(pos, rec) {
				return nil
			}
		}
		return nil
	})
}

// append writes encoded records at consecutive positions in one transaction.
func (g *generation) append(first store.Pos, records [][]byte) error {
	return update(g.db, func(tx *bbolt.Tx) error {
		b := tx.Bucket(logBucket)
		b.FillPercent = 1 // keys only ever rise: no page is split in the middle
		var key [8]byte   // Put copies the key
		for i, rec := range records {
			binary.BigEndian.PutUint64(key[:], uint64(first)+uint64(i))
			if err := b.Put(key[:], rec); err != nil {
				return err
			}
		}
		return nil
	})
}
