package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

var background = context.Background()

// populate makes a store with several log files and a few keys, closed again.
func populate(t testing.TB, dir string) {
	t.Helper()
	s := mustOpen(t, dir, bolt.Options{GenerationRecords: 20})
	for i := range 5 {
		recs := make([]store.Record, 20)
		for k := range recs {
			recs[k] = store.Record{ID: fmt.Sprint(i, k), Topic: fmt.Sprint("t/", k), Data: make([]byte, 500)}
		}
		mustAppend(t, s, recs...)
	}
	for i := range 200 {
		if _, err := s.Put(background, "users", fmt.Sprint("u", i), make([]byte, 100), store.Any, 0); err != nil {
			t.Fatalf("put: %v", err)
		}
	}
	mustClose(t, s)
}

func mustAppend(t testing.TB, s *bolt.Store, recs ...store.Record) store.Pos {
	t.Helper()
	pos, err := s.Append(background, recs)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return pos
}

func mustClose(t testing.TB, s *bolt.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func mustWrite(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_Directory(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    error
		says    string
	}{
		{"OKEmpty", func(*testing.T, string) {}, nil, ""},
		{"OKMissing", func(t *testing.T, dir string) { mustRemove(t, dir) }, nil, ""},
		{"OKOwn", func(t *testing.T, dir string) { populate(t, dir) }, nil, ""},
		{"OKBesideOwn", func(t *testing.T, dir string) {
			populate(t, dir)
			mustWrite(t, filepath.Join(dir, "notes.txt"), nil)
		}, nil, ""},
		{"OKUnfinishedFile", func(t *testing.T, dir string) {
			populate(t, dir)
			mustWrite(t, filepath.Join(dir, "log", "00000099.db.tmp"), []byte("half"))
		}, nil, ""},
		{"OKOlder", func(t *testing.T, dir string) {
			populate(t, dir)
			mustWrite(t, filepath.Join(dir, "VERSION"), []byte("fitmq store 1\n"))
		}, nil, ""},
		{"ErrOlderDamaged", func(t *testing.T, dir string) {
			populate(t, dir)
			mustWrite(t, filepath.Join(dir, "VERSION"), []byte("fitmq store 1\n"))
			mustRemove(t, filepath.Join(dir, "tables.db"))
		}, store.ErrForeign, "tables.db"},
		{"ErrForeignFiles", func(t *testing.T, dir string) { mustWrite(t, filepath.Join(dir, "photo.jpg"), nil) }, store.ErrForeign, "photo.jpg"},
		{"ErrGarbageVersion", func(t *testing.T, dir string) { mustWrite(t, filepath.Join(dir, "VERSION"), []byte("\x00\x01")) }, store.ErrForeign, "VERSION"},
		{"ErrEmptyVersion", func(t *testing.T, dir string) { mustWrite(t, filepath.Join(dir, "VERSION"), nil) }, store.ErrForeign, "restore"},
		{"ErrOtherProduct", func(t *testing.T, dir string) { mustWrite(t, filepath.Join(dir, "VERSION"), []byte("14\n")) }, store.ErrForeign, `"14"`},
		{"ErrNewer", func(t *testing.T, dir string) {
			mustWrite(t, filepath.Join(dir, "VERSION"), []byte("fitmq store 3\n"))
		}, store.ErrNewer, "version 3"},
		{"ErrTablesMissing", func(t *testing.T, dir string) {
			populate(t, dir)
			mustRemove(t, filepath.Join(dir, "tables.db"))
		}, store.ErrForeign, "tables.db"},
		{"ErrLogMissing", func(t *testing.T, dir string) {
			populate(t, dir)
			mustRemove(t, filepath.Join(dir, "log"))
		}, store.ErrForeign, "log"},
		{"ErrLogFileMissing", func(t *testing.T, dir string) {
			populate(t, dir)
			mustRemove(t, filepath.Join(dir, "log", "00000003.db"))
		}, store.ErrForeign, "00000004.db"},
		{"ErrStrangerInLog", func(t *testing.T, dir string) {
			populate(t, dir)
			mustWrite(t, filepath.Join(dir, "log", "1.db"), nil)
		}, store.ErrForeign, "1.db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.prepare(t, dir)
			before := listing(t, dir)
			s, err := bolt.Open(dir, bolt.Options{})
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, want %v that says %q", err, tt.want, tt.says)
			}
			if err == nil {
				mustClose(t, s)
				if b, err := os.ReadFile(filepath.Join(dir, "VERSION")); err != nil || string(b) != "fitmq store 2\n" {
					t.Errorf("VERSION: got %q (%v), want the present one, 2", b, err)
				}
				return
			}
			if after := listing(t, dir); after != before {
				t.Errorf("the refused directory was changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func mustRemove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// listing returns the names and sizes of a directory's files.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			fmt.Fprintln(&b, path, info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestOpen_Damage: a broken file is refused by name; it neither crashes the
// process nor opens as if nothing were missing.
func TestOpen_Damage(t *testing.T) {
	damage := map[string]func(b []byte) []byte{
		"Empty":     func([]byte) []byte { return []byte("x") },
		"Garbage":   func(b []byte) []byte { return []byte(strings.Repeat("garbage!", len(b)/8)) },
		"CutShort":  func(b []byte) []byte { return b[:5*4096] },
		"CutToMeta": func(b []byte) []byte { return b[:8192] },
		"Zeroes":    func(b []byte) []byte { clear(b[8192:]); return b },
	}
	for name, spoil := range damage {
		for _, file := range []string{"tables.db", "log/00000001.db", "log/00000005.db"} {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				dir := t.TempDir()
				populate(t, dir)
				path := filepath.Join(dir, file)
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, path, spoil(b))
				_, err = bolt.Open(dir, bolt.Options{})
				if !errors.Is(err, store.ErrForeign) || !strings.Contains(err.Error(), path) {
					t.Errorf("open: got %v, want ErrForeign that names %s", err, path)
				}
				r, err := bolt.Check(dir)
				if err != nil || len(r.Problems) == 0 || !strings.Contains(strings.Join(r.Problems, "\n"), path) {
					t.Errorf("check: got %q, %v, want a problem with %s", r.Problems, err, path)
				}
			})
		}
	}
}

func TestOpen_Locked(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, bolt.Options{})
	_, err := bolt.Open(dir, bolt.Options{})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("open twice: got %v, want ErrLocked with pid %d", err, os.Getpid())
	}
	if _, err := bolt.Check(dir); !errors.Is(err, store.ErrLocked) {
		t.Errorf("check a store in use: got %v, want ErrLocked", err)
	}
	mustClose(t, s)
	mustClose(t, mustOpen(t, dir, bolt.Options{}))
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	populate(t, dir)
	before := listing(t, dir)
	r, err := bolt.Check(dir)
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	if len(r.Problems) > 0 || r.Records != 100 || r.First != 1 || r.Last != 100 || r.Files != 6 || r.Tables["users"] != 200 {
		t.Errorf("got %+v, want 100 records in 6 files and 200 users", r)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("check changed the directory:\n%s\nbefore:\n%s", after, before)
	}
	if _, err := bolt.Check(t.TempDir()); !errors.Is(err, store.ErrForeign) {
		t.Errorf("check an empty directory: got %v, want ErrForeign", err)
	}
}
