package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
)

// Limits of table names, keys and values, as store.Tables states them.
const (
	maxTable = 32
	maxKey   = 512
	maxValue = 8 << 20
)

// The buckets of tables.db that are not tables. Their names are none that a
// table can have.
var (
	revBucket    = []byte("\x00rev")    // its sequence is the last revision given
	expiryBucket = []byte("\x00expiry") // expiry, table, 0, key -> nothing
)

// tablesMap is the address space of tables.db before a writer must remap it.
const tablesMap = 1 << 30

// tables is the store's tables: one bbolt file with a bucket a table. A stored
// value is the revision and the expiry (nanoseconds since 1970, 0 for never), 8
// bytes each, and the data. One goroutine, the writer, changes it.
type tables struct {
	path string
	opts *Options
	ops  *queue[*tableOp]

	mu sync.RWMutex // guards db against its replacement after a failure
	db *bbolt.DB    // nil while it cannot be opened again

	failure  atomic.Pointer[error] // not nil while nothing can be written
	watchers watchers

	// The writer's own:
	stuck   bool // bbolt panicked: closing the file could hang
	changes []tableChange
}

func newTables(path string, opts *Options) *tables {
	return &tables{path: path, opts: opts, ops: newQueue[*tableOp]()}
}

func (t *tables) open() error {
	db, err := openDB(t.path, false, mapSize(tablesMap))
	if err != nil {
		return err
	}
	err = update(db, func(tx *bbolt.Tx) error {
		if tx.Bucket(revBucket) != nil && tx.Bucket(expiryBucket) != nil {
			return errNothing
		}
		if _, err := tx.CreateBucketIfNotExists(revBucket); err != nil {
			return err
		}
		_, err := tx.CreateBucketIfNotExists(expiryBucket)
		return err
	})
	switch {
	case err == nil || errors.Is(err, errNothing):
		t.db = db
		return nil
	case errors.Is(err, errPanic):
		return damaged(t.path, err)
	}
	return errors.Join(fmt.Errorf("set up %s: %w", t.path, err), db.Close())
}

// used reports whether anything was ever put. It is for Open, before the writer.
func (t *tables) used() (used bool) {
	err := view(t.db, func(tx *bbolt.Tx) error {
		used = tx.Bucket(revBucket).Sequence() > 0
		return nil
	})
	return used || err != nil
}

// close ends the writer and releases the file.
func (t *tables) close() error {
	close(t.ops.quit)
	<-t.ops.done
	t.watchers.close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.db == nil || t.stuck {
		return nil
	}
	if err := t.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", t.path, err)
	}
	return nil
}

// view runs a reading transaction.
func (t *tables) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	select {
	case <-t.ops.quit:
		return store.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.db == nil {
		return fmt.Errorf("read %s: %w", t.path, store.ErrUnavailable)
	}
	return view(t.db, fn)
}

// value is a stored value taken apart; data is borrowed.
type value struct {
	rev    store.Rev
	expiry int64
	data   []byte
}

const valueHeader = 16

// decodeValue takes a stored value apart. One that does not exist, or has
// expired, has revision 0.
func decodeValue(v []byte, now time.Time) (value, error) {
	if v == nil {
		return value{}, nil
	}
	if len(v) < valueHeader {
		return value{}, fmt.Errorf("stored value of %d bytes: %w", len(v), store.ErrForeign)
	}
	d := value{
		rev:    store.Rev(binary.BigEndian.Uint64(v)),
		expiry: int64(binary.BigEndian.Uint64(v[8:])),
		data:   v[valueHeader:],
	}
	if d.expiry != 0 && d.expiry <= now.UnixNano() {
		return value{expiry: d.expiry}, nil
	}
	return d, nil
}

// encodeValue makes the stored form, whose revision the writer fills in.
func encodeValue(data []byte, expiry int64) []byte {
	b := make([]byte, valueHeader, valueHeader+len(data))
	binary.BigEndian.PutUint64(b[8:], uint64(expiry))
	return append(b, data...)
}

func checkTable(table string) error {
	ok := len(table) >= 1 && len(table) <= maxTable
	for i := 0; i < len(table) && ok; i++ {
		c := table[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
	}
	if !ok {
		return fmt.Errorf("table name %.40q is not [a-z0-9_]{1,%d}", table, maxTable)
	}
	return nil
}

func checkKey(table, key string) error {
	switch {
	case key == "":
		return errors.New("key is empty")
	case len(key) > maxKey:
		return fmt.Errorf("key of %d bytes, at most %d: %w", len(key), maxKey, store.ErrTooLarge)
	}
	return checkTable(table)
}

// Get implements store.Tables.
func (t *tables) Get(ctx context.Context, table, key string) (store.Value, error) {
	if err := checkKey(table, key); err != nil {
		return store.Value{}, err
	}
	var got store.Value
	err := t.view(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(table))
		if b == nil {
			return store.ErrNotFound
		}
		v, err := decodeValue(b.Get([]byte(key)), t.opts.Now())
		if err != nil {
			return err
		}
		if v.rev == 0 {
			return store.ErrNotFound
		}
		got = store.Value{Key: key, Data: append([]byte{}, v.data...), Rev: v.rev}
		return nil
	})
	if err != nil {
		return store.Value{}, fmt.Errorf("get %s/%s: %w", table, key, err)
	}
	return got, nil
}

// Scan implements store.Tables.
func (t *tables) Scan(ctx context.Context, table, prefix, after string, fn func(store.Value) bool) error {
	if err := checkTable(table); err != nil {
		return err
	}
	start := []byte(prefix)
	if after >= prefix {
		start = append([]byte(after), 0) // the first key that is greater
	}
	err := t.view(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(table))
		if b == nil {
			return nil
		}
		now := t.opts.Now()
		c := b.Cursor()
		n := 0
		for k, v := c.Seek(start); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			d, err := decodeValue(v, now)
			if err != nil {
				return err
			}
			if d.rev != 0 && !fn(store.Value{Key: string(k), Data: d.data, Rev: d.rev}) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("scan %s: %w", table, err)
	}
	return nil
}
