package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
)

// Bounds of one transaction on tables.db: what has gathered is cut there, and
// so is a large PutMany and a sweep.
const (
	tablesBatchBytes = 8 << 20
	tablesBatchPuts  = 4096
)

// tableOp is a caller's request to the writer.
type tableOp struct {
	table  string
	puts   []tablePut
	weight int
	swept  [][]byte // keys of the expiry bucket to settle, instead of puts

	outcome error // the condition did not hold, or the key is absent
	rev     store.Rev
	result  chan error // buffered: the writer never waits for a caller
}

// tablePut is one change. stored is nil for a deletion.
type tablePut struct {
	key    string
	stored []byte
	cond   store.Cond
	must   bool // an absent key is ErrNotFound, not done already
}

// tableChange is what Watch is told.
type tableChange struct {
	table string
	store.Change
}

// errNothing ends a transaction that has nothing to commit.
var errNothing = errors.New("nothing to commit")

// putCost is what a change weighs beside its data.
const putCost = tablesBatchBytes / tablesBatchPuts

func (t *tables) submit(ctx context.Context, what, table string, puts []tablePut) (store.Rev, error) {
	op := &tableOp{table: table, puts: puts, result: make(chan error, 1)}
	for _, p := range puts {
		op.weight += putCost + len(p.stored)
	}
	if err := t.ops.do(ctx, op, op.result); err != nil {
		return 0, fmt.Errorf("%s %s: %w", what, table, err)
	}
	return op.rev, nil
}

// Put implements store.Tables.
func (t *tables) Put(ctx context.Context, table, key string, data []byte, cond store.Cond, ttl time.Duration) (store.Rev, error) {
	if err := checkPut(table, key, data); err != nil {
		return 0, err
	}
	var expiry int64
	if ttl > 0 {
		expiry = t.opts.Now().Add(ttl).UnixNano()
	}
	return t.submit(ctx, "put", table, []tablePut{{key: key, stored: encodeValue(data, expiry), cond: cond}})
}

func checkPut(table, key string, data []byte) error {
	if len(data) > maxValue {
		return fmt.Errorf("value of %d bytes, at most %d: %w", len(data), maxValue, store.ErrTooLarge)
	}
	return checkKey(table, key)
}

// PutMany implements store.Tables. It deletes nothing that is absent and takes
// a former time to live away.
func (t *tables) PutMany(ctx context.Context, table string, puts []store.Put) error {
	for _, p := range puts {
		if err := checkPut(table, p.Key, p.Data); err != nil {
			return err
		}
	}
	var part []tablePut
	size := 0
	for i, p := range puts {
		tp := tablePut{key: p.Key}
		if p.Data != nil {
			tp.stored = encodeValue(p.Data, 0)
		}
		part = append(part, tp)
		size += putCost + len(p.Data)
		if size < tablesBatchBytes && i+1 < len(puts) {
			continue
		}
		if _, err := t.submit(ctx, "put", table, part); err != nil {
			return err
		}
		part, size = nil, 0
	}
	return nil
}

// Delete implements store.Tables.
func (t *tables) Delete(ctx context.Context, table, key string, cond store.Cond) error {
	if err := checkKey(table, key); err != nil {
		return err
	}
	_, err := t.submit(ctx, "delete", table, []tablePut{{key: key, cond: cond, must: true}})
	return err
}

// run is the writer's goroutine.
func (t *tables) run() {
	defer close(t.ops.done)
	period := t.opts.SweepEvery
	if t.opts.ProbeEvery < period {
		period = t.opts.ProbeEvery
	}
	t.ops.run(tablesBatchBytes, func(op *tableOp) int { return op.weight }, t.commit, period, t.tick)
}

// commit applies the operations in one transaction, tells the watchers, and
// answers.
func (t *tables) commit(batch []*tableOp) {
	err := t.write(batch)
	if err == nil {
		for _, c := range t.changes {
			t.watchers.publish(c)
		}
	}
	for _, op := range batch {
		if err != nil {
			op.result <- err
			continue
		}
		op.result <- op.outcome
	}
}

func (t *tables) write(batch []*tableOp) error {
	clear(t.changes)
	t.changes = t.changes[:0]
	if f := t.failure.Load(); f != nil {
		return *f
	}
	err := t.opts.fault("tables.before")
	if err == nil {
		err = update(t.db, func(tx *bbolt.Tx) error {
			for _, op := range batch {
				if err := t.apply(tx, op); err != nil {
					return err
				}
			}
			if len(t.changes) == 0 {
				return errNothing
			}
			return nil
		})
	}
	if errors.Is(err, errNothing) {
		return nil
	}
	if err == nil {
		err = t.opts.fault("tables.after")
	}
	if err != nil {
		t.stuck = t.stuck || errors.Is(err, errPanic)
		err = writeError("write tables", err)
		t.failure.Store(&err)
		return err
	}
	return nil
}

// apply makes one operation's changes, or sets its outcome.
func (t *tables) apply(tx *bbolt.Tx, op *tableOp) error {
	for _, k := range op.swept {
		if err := t.settle(tx, k); err != nil {
			return err
		}
	}
	for i := range op.puts {
		if err := t.put(tx, op, &op.puts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tables) put(tx *bbolt.Tx, op *tableOp, p *tablePut) error {
	b := tx.Bucket([]byte(op.table))
	var old value
	if b != nil {
		var err error
		if old, err = decodeValue(b.Get([]byte(p.key)), t.opts.Now()); err != nil {
			return err
		}
	}
	switch {
	case p.stored == nil && old.rev == 0:
		if p.must {
			op.outcome = store.ErrNotFound
		}
		return nil
	case !p.cond.Holds(old.rev):
		op.outcome = store.ErrConflict
		return nil
	}
	if b == nil {
		var err error
		if b, err = tx.CreateBucket([]byte(op.table)); err != nil {
			return err
		}
	}
	return t.replace(tx, b, op, p, old.expiry)
}

// replace writes a change whose condition holds, and keeps the expiry bucket
// in step with it.
func (t *tables) replace(tx *bbolt.Tx, b *bbolt.Bucket, op *tableOp, p *tablePut, oldExpiry int64) error {
	seq, err := tx.Bucket(revBucket).NextSequence()
	if err != nil {
		return err
	}
	op.rev = store.Rev(seq)
	expiries := tx.Bucket(expiryBucket)
	if oldExpiry != 0 {
		if err := expiries.Delete(expiryKey(oldExpiry, op.table, p.key)); err != nil {
			return err
		}
	}
	change := store.Change{Key: p.key, Rev: op.rev}
	if p.stored == nil {
		err = b.Delete([]byte(p.key))
	} else {
		binary.BigEndian.PutUint64(p.stored, seq)
		change.Data = p.stored[valueHeader:]
		err = b.Put([]byte(p.key), p.stored)
		if expiry := int64(binary.BigEndian.Uint64(p.stored[8:])); err == nil && expiry != 0 {
			err = expiries.Put(expiryKey(expiry, op.table, p.key), []byte{})
		}
	}
	t.changes = append(t.changes, tableChange{op.table, change})
	return err
}

func expiryKey(expiry int64, table, key string) []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(expiry))
	k = append(k, table...)
	k = append(k, 0)
	return append(k, key...)
}

// settle removes an expired key.
func (t *tables) settle(tx *bbolt.Tx, k []byte) error {
	if err := tx.Bucket(expiryBucket).Delete(k); err != nil {
		return err
	}
	table, key, ok := bytes.Cut(k[8:], []byte{0})
	b := tx.Bucket(table)
	if !ok || b == nil {
		return fmt.Errorf("expiry of %q: %w", k, store.ErrForeign)
	}
	seq, err := tx.Bucket(revBucket).NextSequence()
	if err != nil {
		return err
	}
	t.changes = append(t.changes, tableChange{string(table), store.Change{Key: string(key), Rev: store.Rev(seq)}})
	return b.Delete(key)
}

// tick is called regularly by the writer: it sweeps expired keys, and after a
// failure tries whether writing works again.
func (t *tables) tick() {
	if t.failure.Load() != nil {
		if err := t.recover(); err != nil {
			err = writeError("write tables", err)
			t.failure.Store(&err)
			return
		}
		t.failure.Store(nil)
	}
	for {
		due := t.due()
		if len(due) == 0 {
			return
		}
		op := &tableOp{swept: due, result: make(chan error, 1)}
		t.commit([]*tableOp{op})
		if err := <-op.result; err != nil || len(due) < tablesBatchPuts {
			return // a failure is kept and shown by Applied
		}
	}
}

// due returns the expiries that have passed, at most a transaction's worth.
func (t *tables) due() (due [][]byte) {
	now := t.opts.Now().UnixNano()
	err := view(t.db, func(tx *bbolt.Tx) error {
		c := tx.Bucket(expiryBucket).Cursor()
		for k, _ := c.First(); len(k) > 8 && len(due) < tablesBatchPuts; k, _ = c.Next() {
			if int64(binary.BigEndian.Uint64(k)) > now {
				break
			}
			due = append(due, bytes.Clone(k))
		}
		return nil
	})
	if err != nil {
		return nil // a file that cannot be read shows in every Get as well
	}
	return due
}

// recover makes tables.db writable after a failed write. Want of space needs no
// more than another try. After a failed sync the kernel's cache may show a meta
// page that the disk does not have, and building on that could spoil the state
// that the disk has; so both meta pages are written and synced once more, and
// the file is opened anew.
func (t *tables) recover() error {
	if err := t.opts.fault("tables.recover"); err != nil {
		return err
	}
	if t.stuck {
		return errPanic // only a restart helps
	}
	if f := t.failure.Load(); f != nil && !errors.Is(*f, store.ErrFull) || t.db == nil {
		if err := t.reopen(); err != nil {
			return err
		}
	}
	return update(t.db, func(tx *bbolt.Tx) error {
		_, err := tx.Bucket(revBucket).NextSequence()
		return err
	})
}

func (t *tables) reopen() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.db != nil {
		size := t.db.Info().PageSize
		err := t.db.Close()
		t.db = nil
		if err != nil {
			return err
		}
		if err := rewriteMeta(t.path, 2*size); err != nil {
			return err
		}
	}
	db, err := openDB(t.path, false, mapSize(tablesMap))
	if err != nil {
		return err
	}
	t.db = db
	return nil
}

// rewriteMeta writes the first bytes of a file again and syncs them.
func rewriteMeta(path string, size int) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, size)
	if _, err := f.ReadAt(buf, 0); err != nil {
		return err
	}
	if _, err := f.WriteAt(buf, 0); err != nil {
		return err
	}
	return f.Sync()
}
