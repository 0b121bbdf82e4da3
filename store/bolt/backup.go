package bolt

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/fitmq/fitmq/store"
)

// A backup is a tar archive: VERSION first, so that a program that is too old
// finds out at once, then tables.db, the log's files, and last the manifest,
// without which the archive was cut off.
const (
	manifestName  = "MANIFEST.json"
	backupFormat  = 1
	maxManifest   = 16 << 20 // bytes: some 100,000 log files
	maxVersionLen = 64       // bytes of the VERSION file
)

// Manifest says what a backup holds.
type Manifest struct {
	// Format is the archive's own version.
	Format int `json:"format"`
	// Schema is the data's version, as in VERSION.
	Schema int `json:"schema"`
	// CreatedAt is the moment whose state it is.
	CreatedAt time.Time `json:"createdAt"`
	// First and Last are the log's first and last position; Last is First-1 where
	// the log is empty.
	First store.Pos `json:"first"`
	Last  store.Pos `json:"last"`
	// Files in the order of the archive.
	Files []FileSum `json:"files"`
}

// FileSum is a file of a backup.
type FileSum struct {
	// Name is relative to the data directory, with slashes.
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	// SHA256 of the content, in hexadecimal.
	SHA256 string `json:"sha256"`
}

// Backup implements store.Archive. It reads files and not their mapped memory, 32
// KiB at a time. The log begins a new file, so that the others stand still and
// nothing waits for their copies. While tables.db is copied the pages that it had
// are not used again, so that it may grow by what is written meanwhile; where it
// outgrows its address space (1 GiB, then each further GiB), its readers and
// writers wait until it has been copied.
func (s *Store) Backup(ctx context.Context, w io.Writer) (store.Pos, error) {
	if !s.copying.TryLock() {
		return 0, fmt.Errorf("back up: %w", store.ErrBusy)
	}
	defer s.copying.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	snap := &snapshot{s: s}
	op := &journalOp{during: snap.take, result: make(chan error, 1)}
	// To its end whatever becomes of ctx: what it has taken must be given back.
	err := s.journal.ops.do(context.WithoutCancel(ctx), op, op.result)
	if err == nil {
		err = snap.write(&guard{ctx: ctx, w: w, s: s})
	}
	if err = errors.Join(err, snap.release()); err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	return snap.m.Last, nil
}

// snapshot is the store at one moment.
type snapshot struct {
	s      *Store
	m      Manifest
	log    []*os.File // which do not change any more
	tables *bbolt.Tx
}

// take fixes the moment. It runs in the log's writer, so that the log stands still
// while the tables' transaction begins: together they are what a crash of the
// process right then would have left.
func (p *snapshot) take() error {
	if err := p.s.broken(); err != nil {
		return err
	}
	gens, err := p.s.journal.settled()
	if err != nil {
		return err
	}
	for _, g := range gens {
		f, err := os.Open(g.path)
		if err != nil {
			return fmt.Errorf("open log file: %w", err)
		}
		p.log = append(p.log, f)
	}
	if p.tables, err = p.s.tables.begin(); err != nil {
		return err
	}
	p.m = Manifest{
		Format: backupFormat, Schema: schemaVersion, CreatedAt: time.Now().UTC(),
		First: p.s.journal.Floor(), Last: p.s.journal.lastPos(),
	}
	return nil
}

// settled returns the log's files that will not change any more, which together
// hold all of it: it begins a new one unless the newest is empty. For the writer.
func (j *journal) settled() ([]*generation, error) {
	gens := *j.gens.Load()
	newest := j.newest()
	if newest.count == 0 && len(gens) > 1 {
		return gens[:len(gens)-1], nil
	}
	if !j.syncGeneration(newest) {
		return nil, *j.failure.Load()
	}
	if err := j.begin(newest.number + 1); err != nil {
		return nil, writeError("begin a log file", err)
	}
	return gens, nil
}

func (p *snapshot) release() error {
	var errs error
	if p.tables != nil {
		errs = p.tables.Rollback()
		p.tables = nil
	}
	for _, f := range p.log {
		errs = errors.Join(errs, f.Close())
	}
	p.log = nil
	return errs
}

// write writes the archive, the tables first, which others could come to wait for.
func (p *snapshot) write(w io.Writer) error {
	out := tar.NewWriter(w)
	version := fmt.Appendf(nil, "%s%d\n", versionPrefix, schemaVersion)
	err := p.add(out, versionName, int64(len(version)), func(w io.Writer) error {
		_, err := w.Write(version)
		return err
	})
	if err == nil {
		err = p.add(out, tablesName, p.tables.Size(), func(w io.Writer) error {
			_, err := p.tables.WriteTo(w)
			return err
		})
		err = errors.Join(err, p.tables.Rollback())
		p.tables = nil
	}
	for _, f := range p.log {
		var info os.FileInfo
		if err == nil {
			info, err = f.Stat()
		}
		if err != nil {
			return err
		}
		err = p.add(out, logEntry(f.Name()), info.Size(), func(w io.Writer) error {
			_, err := io.CopyN(w, f, info.Size())
			return err
		})
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(p.m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the manifest: %w", err)
	}
	err = p.entry(out, manifestName, int64(len(text)))
	if err == nil {
		_, err = out.Write(text)
	}
	return errors.Join(err, out.Close())
}

func logEntry(file string) string { return path.Join(logName, filepath.Base(file)) }

func (p *snapshot) entry(out *tar.Writer, name string, size int64) error {
	return out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: p.m.CreatedAt, Format: tar.FormatPAX})
}

// add writes a file and notes its checksum.
func (p *snapshot) add(out *tar.Writer, name string, size int64, content func(io.Writer) error) error {
	sum := &summing{h: sha256.New(), w: out}
	err := p.entry(out, name, size)
	if err == nil {
		err = content(sum)
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	p.m.Files = append(p.m.Files, FileSum{Name: name, Size: size, SHA256: hex.EncodeToString(sum.h.Sum(nil))})
	return nil
}

// summing writes to w and sums what it writes. Its Write alone is used, which
// bounds the memory: a tar.Writer would be asked to read by itself.
type summing struct {
	h hash.Hash
	w io.Writer
}

// Write implements io.Writer.
func (s *summing) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	_, _ = s.h.Write(b[:n]) // never fails
	return n, err
}

// guard ends a copy when its context does, when the store is closed, and when the
// store wants to open a file anew, which would wait for the copy.
type guard struct {
	ctx context.Context
	w   io.Writer
	s   *Store
}

// Write implements io.Writer.
func (g *guard) Write(b []byte) (int, error) {
	err := g.ctx.Err()
	select {
	case <-g.s.journal.ops.quit:
		err = store.ErrClosed
	default:
	}
	if err == nil {
		err = g.s.broken()
	}
	if err != nil {
		return 0, err
	}
	return g.w.Write(b)
}

// broken is the failure of a write whose outcome is unknown; want of space spoils
// nothing that is copied.
func (s *Store) broken() error {
	for _, f := range []*error{s.journal.failure.Load(), s.tables.failure.Load()} {
		if f != nil && !errors.Is(*f, store.ErrFull) {
			return *f
		}
	}
	return nil
}

// begin starts a reading transaction, which the caller ends.
func (t *tables) begin() (*bbolt.Tx, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.db == nil {
		return nil, fmt.Errorf("read %s: %w", t.path, store.ErrUnavailable)
	}
	tx, err := t.db.Begin(false)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.path, err)
	}
	return tx, nil
}
