package bolt

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fitmq/fitmq/store"
)

// ErrBackup is the error of an archive that is not a whole, sound backup.
var ErrBackup = errors.New("not a sound backup")

// ErrNotEmpty is the error of a directory that Restore will not write into.
var ErrNotEmpty = errors.New("directory is not empty")

// VerifyBackup reads a backup to its end and compares it with its manifest.
// Errors: ErrBackup, store.ErrNewer, and the reader's.
func VerifyBackup(r io.Reader) (Manifest, error) {
	m, err := unpack(r, func(string) (io.WriteCloser, error) { return nothing{}, nil })
	if err != nil {
		return m, fmt.Errorf("verify backup: %w", err)
	}
	return m, nil
}

// Restore makes the data directory of a backup. dir must be missing or empty. The
// checksums are compared and the directory is verified as by Check before it is
// whole: VERSION, without which no program takes it for its own, is written last.
// After an error what was written is removed. Errors: ErrNotEmpty, ErrBackup,
// store.ErrNewer, and those of reader and disk.
func Restore(dir string, r io.Reader) (Manifest, Report, error) {
	made, err := emptyDir(dir)
	if err != nil {
		return Manifest{}, Report{}, fmt.Errorf("restore: %w", err)
	}
	m, report, err := restore(dir, r)
	if err != nil {
		err = errors.Join(err, undo(dir, made))
		return m, report, fmt.Errorf("restore: %w", err)
	}
	return m, report, nil
}

func restore(dir string, r io.Reader) (m Manifest, report Report, err error) {
	if err := os.Mkdir(filepath.Join(dir, logName), 0o700); err != nil {
		return m, report, fmt.Errorf("make the log directory: %w", err)
	}
	m, err = unpack(r, func(name string) (io.WriteCloser, error) {
		if name == versionName {
			return nothing{}, nil // written at the end
		}
		f, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		return synced{f}, err
	})
	if err != nil {
		return m, report, err
	}
	if err := syncDir(filepath.Join(dir, logName)); err != nil {
		return m, report, err
	}
	if report, err = checkFiles(dir); err != nil {
		return m, report, err
	}
	if len(report.Problems) > 0 {
		return m, report, fmt.Errorf("%w: %s", ErrBackup, strings.Join(report.Problems, "; "))
	}
	if report.First != m.First || report.Last != m.Last {
		return m, report, fmt.Errorf("%w: the log has positions %d to %d, the manifest says %d to %d", ErrBackup, report.First, report.Last, m.First, m.Last)
	}
	return m, report, writeVersion(dir, m.Schema)
}

// emptyDir makes the directory where it is missing, which made tells.
func emptyDir(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return false, fmt.Errorf("read directory: %w", err)
	}
	for _, e := range entries {
		if e.Name() != "lost+found" {
			return false, fmt.Errorf("%s holds %q: %w", dir, e.Name(), ErrNotEmpty)
		}
	}
	return false, nil
}

// undo removes what restore has written into a directory that was empty.
func undo(dir string, made bool) error {
	if made {
		return os.RemoveAll(dir)
	}
	var errs error
	for _, name := range []string{versionName, versionName + ".tmp", tablesName, logName} {
		errs = errors.Join(errs, os.RemoveAll(filepath.Join(dir, name)))
	}
	return errs
}

// nothing takes everything and keeps none of it.
type nothing struct{}

// Write implements io.Writer.
func (nothing) Write(b []byte) (int, error) { return len(b), nil }

// Close implements io.Closer.
func (nothing) Close() error { return nil }

// synced forces a file to disk when it is closed.
type synced struct{ *os.File }

// Close implements io.Closer.
func (s synced) Close() error { return errors.Join(s.Sync(), s.File.Close()) }

var logFileName = regexp.MustCompile(`^log/[0-9]{8,}\.db$`)

// unpack reads an archive to its end, gives each file to the writer that place
// makes for it, and compares what came with the manifest.
func unpack(r io.Reader, place func(name string) (io.WriteCloser, error)) (m Manifest, err error) {
	in := tar.NewReader(r)
	var files []FileSum
	for {
		h, err := in.Next()
		if err != nil {
			return m, unreadable(err)
		}
		switch {
		case h.Typeflag != tar.TypeReg:
			return m, fmt.Errorf("%w: %q is not a file", ErrBackup, h.Name)
		case h.Name == manifestName:
			m, err = readManifest(in, files)
			return m, err
		case len(files) == 0 && h.Name != versionName:
			return m, fmt.Errorf("%w: it begins with %q, not with %s", ErrBackup, h.Name, versionName)
		case h.Name != versionName && h.Name != tablesName && !logFileName.MatchString(h.Name):
			return m, fmt.Errorf("%w: %q does not belong into one", ErrBackup, h.Name)
		case slices.ContainsFunc(files, func(f FileSum) bool { return f.Name == h.Name }):
			return m, fmt.Errorf("%w: %q is in it twice", ErrBackup, h.Name)
		}
		sum, err := unpackFile(in, h, place)
		if err != nil {
			return m, err
		}
		files = append(files, sum)
	}
}

func unreadable(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it was cut off", ErrBackup)
	case errors.Is(err, tar.ErrHeader):
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return fmt.Errorf("read backup: %w", err)
}

func unpackFile(in *tar.Reader, h *tar.Header, place func(string) (io.WriteCloser, error)) (sum FileSum, err error) {
	var from io.Reader = in
	if h.Name == versionName {
		text, err := io.ReadAll(io.LimitReader(in, maxVersionLen))
		if err == nil {
			_, err = parseVersion(versionName+" of the backup", text)
		}
		if err != nil {
			return sum, err
		}
		from = strings.NewReader(string(text))
	}
	w, err := place(h.Name)
	if err != nil {
		return sum, fmt.Errorf("make %s: %w", h.Name, err)
	}
	h256 := sha256.New()
	n, err := io.Copy(struct{ io.Writer }{io.MultiWriter(w, h256)}, from)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = unreadable(err)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return sum, fmt.Errorf("unpack %s: %w", h.Name, err)
	}
	return FileSum{Name: h.Name, Size: n, SHA256: hex.EncodeToString(h256.Sum(nil))}, nil
}

func readManifest(in io.Reader, files []FileSum) (m Manifest, err error) {
	text, err := io.ReadAll(io.LimitReader(in, maxManifest))
	if err != nil {
		return m, unreadable(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: its manifest: %w", ErrBackup, err)
	}
	if m.Format > backupFormat {
		return m, fmt.Errorf("the backup has format %d, this program knows up to %d: use the newer program: %w", m.Format, backupFormat, store.ErrNewer)
	}
	for i, want := range m.Files {
		if i >= len(files) || files[i] != want {
			return m, fmt.Errorf("%w: %s is not what the manifest says", ErrBackup, want.Name)
		}
	}
	if len(m.Files) != len(files) {
		return m, fmt.Errorf("%w: %s is not in the manifest", ErrBackup, files[len(m.Files)].Name)
	}
	for _, name := range []string{versionName, tablesName} {
		if !slices.ContainsFunc(files, func(f FileSum) bool { return f.Name == name }) {
			return m, fmt.Errorf("%w: %s is missing", ErrBackup, name)
		}
	}
	return m, nil
}
