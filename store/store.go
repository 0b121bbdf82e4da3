// Package store declares what is kept and how: an ordered log and tables with
// compare-and-set. The engines live below it (store/bolt, later
// store/jetstream) and storetest proves that each of them keeps these promises.
//
// Two ideas hold the design. The log record is the commit: what a client was
// told is safe stands in the log. Tables are projections of it, or slow-moving
// records of their own; a projection carries the position it has applied, so
// that replaying the log over it changes nothing. There is no transaction
// across keys, on purpose: an engine on many machines could not keep one.
package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// Pos is a position in the log: a total order, rising, without meaning for
// gaps. The first record has position 1; 0 stands for "before everything".
type Pos uint64

// Rev is the revision of a table's key. It rises with every change of that
// key; 0 means the key is absent.
type Rev uint64

// Kind says what a record is. The store does not interpret it, except that
// only records with a Topic are found by Read.
type Kind uint8

// Record is one entry of the log.
type Record struct {
	// ID, when not empty, makes the record take effect at most once: appending
	// a record whose ID is in the log already adds nothing. At most 256 bytes.
	ID string
	// Kind is the caller's.
	Kind Kind
	// Topic is what Read matches filters against. Empty: Read never returns
	// the record (Tail does).
	Topic string
	// Data is the record's content, encoded by the caller. The store keeps no
	// reference to it after Append has returned.
	Data []byte
	// Value travels beside Data from a local Append to Tail, so that whoever
	// reads the tail need not decode what this process has just encoded. It is
	// not stored: nil when the record was read from disk or came from another
	// node.
	Value any
}

// Entry is a record with its place in the log.
type Entry struct {
	Pos Pos
	Record
}

// Span asks for the records of one topic filter after a position.
type Span struct {
	// Filter is an MQTT topic filter (no $share prefix).
	Filter string
	// After is exclusive.
	After Pos
}

// Log is the ordered log.
type Log interface {
	// Append adds the records together and in order, and returns the position
	// of the last one. nil means durable. On any error the caller must not
	// acknowledge: the outcome of ErrUnavailable and of a cancelled context is
	// unknown (the records may be in the log, each at most once), ErrFull and
	// ErrTooLarge added nothing. Safe for concurrent use, but one caller that
	// gathers gets the best of group commit.
	Append(ctx context.Context, recs []Record) (last Pos, err error)

	// Tail calls fn with every record after the position, in order, once each,
	// in batches, and goes on with new ones as they are committed, until ctx
	// ends (it returns nil) or fn fails (it returns fn's error). fn owns the
	// slice for the time of the call.
	Tail(ctx context.Context, after Pos, fn func([]Entry) error) error

	// Read returns at most limit records with After < Pos <= upTo that match
	// any of the spans, in order, each once even where spans overlap.
	Read(ctx context.Context, spans []Span, upTo Pos, limit int) ([]Entry, error)

	// ReadAt returns the record at a position, or ErrNotFound (never written,
	// or trimmed).
	ReadAt(ctx context.Context, pos Pos) (Entry, error)

	// Count returns how many records Read would find without a limit, and the
	// sum of their Data sizes in bytes, from the topic index alone.
	Count(ctx context.Context, spans []Span, upTo Pos) (n int, bytes int64, err error)

	// Skip returns the position after which at most keep records, of together
	// at most bytes of Data, match any of the spans: what a reader that must
	// forget its oldest jumps to. skipped tells how many it passes over.
	Skip(ctx context.Context, spans []Span, upTo Pos, keep int, bytes int64) (to Pos, skipped int, err error)

	// Applied returns the last position that this process can read, and
	// whether the store is ready to append.
	Applied() (Pos, bool)

	// Floor returns the position before which records have been trimmed.
	Floor() Pos

	// Trim forgets records before the position, as far as the engine can do it
	// cheaply; it may keep more, never less.
	Trim(ctx context.Context, before Pos) error

	// Size returns how many bytes of storage the log takes.
	Size() int64

	// Excess returns the position to Trim before so that the log takes at most
	// limit bytes, as near to it as Trim can come without going over the
	// newest part that it cannot forget; 0 when nothing has to go.
	Excess(limit int64) Pos
}

// Value is a table's entry.
type Value struct {
	Key  string
	Data []byte
	Rev  Rev
}

// Cond is the condition of a Put or Delete.
type Cond struct {
	kind condKind
	rev  Rev
}

type condKind uint8

const (
	condAny condKind = iota
	condRev
)

// Any puts whatever is there.
var Any = Cond{}

// Absent puts only where the key does not exist.
var Absent = Cond{kind: condRev}

// IfRev puts only where the key is at that revision.
func IfRev(r Rev) Cond { return Cond{kind: condRev, rev: r} }

// Holds reports whether the condition is met by a key at revision r (0: absent).
func (c Cond) Holds(r Rev) bool { return c.kind == condAny || c.rev == r }

// Put is one change of PutMany: Data nil deletes the key.
type Put struct {
	Key  string
	Data []byte
}

// Change is what Watch reports: Data nil means the key was deleted or expired.
type Change = Value

// Tables holds named tables of keys. Table names are [a-z0-9_]{1,32}, keys are
// 1 to 512 bytes, values at most 8 MiB.
type Tables interface {
	// Get returns the value, or ErrNotFound.
	Get(ctx context.Context, table, key string) (Value, error)
	// Put stores the value durably and returns its new revision; ErrConflict
	// when the condition does not hold. A ttl of 0 means for ever; an expired
	// key is absent.
	Put(ctx context.Context, table, key string, data []byte, cond Cond, ttl time.Duration) (Rev, error)
	// PutMany stores many without conditions; after an error any part of them
	// may have been stored.
	PutMany(ctx context.Context, table string, puts []Put) error
	// Delete removes the key durably; ErrNotFound, ErrConflict.
	Delete(ctx context.Context, table, key string, cond Cond) error
	// Scan calls fn with every entry whose key starts with prefix and is
	// greater than after, in byte order, until fn returns false. Data is only
	// valid during the call. fn must not call the store.
	Scan(ctx context.Context, table, prefix, after string, fn func(Value) bool) error
	// Watch calls fn with every change of a key that starts with prefix, in
	// order for each key, from the moment of the call until ctx ends (it returns
	// nil). fn must be quick and must not call the store: one that is too slow
	// is cut off with ErrLagged. Data must not be changed.
	Watch(ctx context.Context, table, prefix string, fn func(Change)) error
}

// Archive copies a store that is in use.
type Archive interface {
	// Backup writes a copy of the store as it is at one moment after the call:
	// what a crash of the process at that moment would have left, so that all
	// that was acknowledged before the call is in it. It returns the log's last
	// position in it. Appends, writes and reads go on while w is written to, also
	// where it is slow; what the copy needs is kept until it has been written. One at a time: ErrBusy. After an
	// error what was written is not a backup, and restoring says so.
	Backup(ctx context.Context, w io.Writer) (last Pos, err error)
}

// Store is an engine.
type Store interface {
	Log
	Tables
	Archive
	// Close waits for what is under way and releases the directory.
	Close() error
}

// What callers branch on.
var (
	// ErrNotFound: the key does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the condition of a write did not hold.
	ErrConflict = errors.New("revision conflict")
	// ErrFull: there is no space; nothing was written. It may succeed later.
	ErrFull = errors.New("no space left for the store")
	// ErrTooLarge: a key, value or record is over its limit; nothing was written.
	ErrTooLarge = errors.New("too large")
	// ErrUnavailable: the write failed and its outcome is unknown.
	ErrUnavailable = errors.New("store unavailable")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store closed")
	// ErrBusy: another backup is under way.
	ErrBusy = errors.New("another backup is under way")
	// ErrLagged: a watcher took its changes too slowly and was cut off; it
	// starts again with a Scan.
	ErrLagged = errors.New("watcher lags too far behind")
	// ErrLocked: another process uses the directory.
	ErrLocked = errors.New("data directory is in use by another process")
	// ErrNewer: the directory was written by a newer version.
	ErrNewer = errors.New("data directory was written by a newer version")
	// ErrForeign: the directory or a file in it is not one of ours, or is damaged.
	ErrForeign = errors.New("not a fitmq data directory")
)
