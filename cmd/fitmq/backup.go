package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

type backupCmd struct {
	remote
	To string `arg:"" type:"path" help:"File to write, which must not exist, or a directory, where the file is named after the time."`
}

// Help shows examples.
func (*backupCmd) Help() string {
	return `The server goes on meanwhile. The copy is verified while it is written: what has
the file's name is whole. It holds what users wrote and their password hashes:
keep it as secret as the data directory.

Examples:
  fitmq backup /var/backups/fitmq --data DIR
  fitmq backup june.tar --url https://fit.example.com --output json`
}

// Run copies a running server's data.
func (c *backupCmd) Run(e *env) error {
	name := c.To
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, "fitmq-"+time.Now().UTC().Format("20060102T150405Z")+".tar")
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return hintError{fmt.Errorf("%s is there already", name), "Give a name that is free, or a directory."}
	}
	res, err := c.send(e.ctx, http.MethodGet, "/backup", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	m, size, err := saveBackup(name, res.Body)
	if errors.Is(err, bolt.ErrBackup) || errors.Is(err, io.ErrUnexpectedEOF) {
		return hintError{err, "The connection broke, or the server was stopped or cannot write: its log says. Nothing was kept; try again."}
	}
	if err != nil {
		return err
	}
	answer := fmt.Appendf(nil, `{"file":%q,"bytes":%d,"createdAt":%q,"last":%d}`, name, size, m.CreatedAt.Format(time.RFC3339Nano), m.Last)
	return c.print(e, answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d bytes, the state of %s, log up to position %d\n", name, size, m.CreatedAt.Format(time.RFC3339), m.Last)
	})
}

// saveBackup writes and verifies a backup; the file has its name when it is whole
// and on disk.
func saveBackup(name string, from io.Reader) (m bolt.Manifest, size int64, err error) {
	partial := name + ".partial"
	f, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return m, 0, fmt.Errorf("write the backup: %w", err)
	}
	body := io.TeeReader(from, f)
	if m, err = bolt.VerifyBackup(body); err == nil {
		_, err = io.Copy(io.Discard, body) // the archive's end
	}
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(partial, name)
	}
	if err != nil {
		_ = os.Remove(partial) // it is worth nothing
		return m, 0, fmt.Errorf("write %s: %w", name, err)
	}
	return m, size, nil
}

type restoreCmd struct {
	File string `arg:"" help:"Backup to restore; - for standard input."`
	Data string `required:"" placeholder:"DIR" type:"path" help:"Data directory to make; it must be empty or missing."`
}

// Help shows an example.
func (*restoreCmd) Help() string {
	return `Checksums are compared and the directory is verified as by fitmq check --data.
Clients go on where they were at the time of the backup.

Examples:
  fitmq restore june.tar --data DIR
  fitmq serve --data DIR`
}

// Run makes a data directory of a backup.
func (c *restoreCmd) Run(e *env) error {
	in := e.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		defer f.Close()
		in = f
	}
	m, r, err := bolt.Restore(c.Data, in)
	switch {
	case errors.Is(err, bolt.ErrNotEmpty):
		return hintError{err, "Give an empty or a new directory with --data. Nothing was changed."}
	case errors.Is(err, bolt.ErrBackup):
		return hintError{err, "Take another backup; nothing of this one was kept."}
	case errors.Is(err, store.ErrNewer):
		return hintError{err, "Use the version of fitmq that made the backup, or a newer one."}
	case err != nil:
		return err
	}
	fmt.Fprintf(e.stdout, "%s: the state of %s, %d records, positions %d to %d, %d tables\nsound; start it with fitmq serve --data %s\n",
		c.Data, m.CreatedAt.Format(time.RFC3339), r.Records, r.First, r.Last, len(r.Tables), c.Data)
	return nil
}
