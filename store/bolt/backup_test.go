package bolt_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

// archived is a file of an archive, to be changed.
type archived struct {
	name string
	data []byte
}

// backup makes a backup of a store with several log files, taken apart.
func backup(t *testing.T) (files []archived) {
	t.Helper()
	s := mustOpen(t, t.TempDir(), bolt.Options{GenerationRecords: 3})
	defer mustClose(t, s)
	for i := range 8 {
		if _, err := s.Append(background, []store.Record{{Topic: "a", Data: []byte(fmt.Sprint(i))}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(background, "t", "k", []byte("v"), store.Any, 0); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := s.Backup(background, &b); err != nil {
		t.Fatal(err)
	}
	in := tar.NewReader(&b)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, archived{h.Name, data})
	}
}

func pack(t *testing.T, files []archived) []byte {
	t.Helper()
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for _, f := range files {
		if err := out.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// changed returns the files with what fn makes of the named one.
func changed(files []archived, name string, fn func([]byte) []byte) (list []archived) {
	for _, f := range files {
		if f.name == name {
			f.data = fn(bytes.Clone(f.data))
		}
		list = append(list, f)
	}
	return list
}

func without(files []archived, name string) (list []archived) {
	for _, f := range files {
		if f.name != name {
			list = append(list, f)
		}
	}
	return list
}

func TestRestore(t *testing.T) {
	files := backup(t)
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	say := func(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }
	last := len(files) - 1
	for name, c := range map[string]struct {
		files []archived
		err   error
		want  string
	}{
		"OK":             {files, nil, ""},
		"ErrTables":      {changed(files, "tables.db", flip), bolt.ErrBackup, "tables.db"},
		"ErrLog":         {changed(files, "log/00000001.db", flip), bolt.ErrBackup, "log/00000001.db"},
		"ErrMissing":     {without(files, "log/00000002.db"), bolt.ErrBackup, "manifest"},
		"ErrNoManifest":  {files[:last], bolt.ErrBackup, "cut off"},
		"ErrManifest":    {changed(files, "MANIFEST.json", say("{")), bolt.ErrBackup, "manifest"},
		"ErrNoTables":    {changed(without(files, "tables.db"), "MANIFEST.json", say("{}")), bolt.ErrBackup, "manifest"},
		"ErrFormat":      {changed(files, "MANIFEST.json", say(`{"format":99}`)), store.ErrNewer, "format 99"},
		"ErrNewer":       {changed(files, "VERSION", say("fitmq store 99\n")), store.ErrNewer, "version 99"},
		"ErrForeign":     {changed(files, "VERSION", say("hello\n")), store.ErrForeign, "hello"},
		"ErrNoVersion":   {files[1:], bolt.ErrBackup, "VERSION"},
		"ErrTwice":       {append([]archived{files[0], files[1]}, files...), bolt.ErrBackup, "twice"},
		"ErrOutside":     {[]archived{files[0], {"../outside", nil}}, bolt.ErrBackup, "outside"},
		"ErrOtherFile":   {[]archived{files[0], {"admin.token", nil}}, bolt.ErrBackup, "admin.token"},
		"ErrNothing":     {nil, bolt.ErrBackup, "cut off"},
		"ErrPositions":   {changed(files, "MANIFEST.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"last": 8`), []byte(`"last": 9`), 1) }), bolt.ErrBackup, "1 to 8"},
		"ErrNotAnything": {[]archived{{"README", []byte("hello")}}, bolt.ErrBackup, "README"},
	} {
		t.Run(name, func(t *testing.T) {
			archive := pack(t, c.files)
			dir := t.TempDir() // empty, and there
			m, r, err := bolt.Restore(dir, bytes.NewReader(archive))
			if c.err == nil {
				if err != nil || m.First != 1 || m.Last != 8 || r.Records != 8 || r.Tables["t"] != 1 {
					t.Fatalf("got %+v, %+v, %v", m, r, err)
				}
				if _, err := bolt.VerifyBackup(bytes.NewReader(archive)); err != nil {
					t.Error(err)
				}
				mustClose(t, mustOpen(t, dir, bolt.Options{}))
				return
			}
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %v with %q", err, c.err, c.want)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("%v was left behind (%v)", left, err)
			}
		})
	}
}

func TestRestore_ErrNotEmpty(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := bolt.Restore(dir, bytes.NewReader(pack(t, backup(t))))
	if !errors.Is(err, bolt.ErrNotEmpty) || !strings.Contains(err.Error(), "mine") {
		t.Errorf("got %v, want ErrNotEmpty", err)
	}
	if got, err := os.ReadFile(mine); err != nil || string(got) != "mine" {
		t.Errorf("the file there is %q (%v)", got, err)
	}
}
