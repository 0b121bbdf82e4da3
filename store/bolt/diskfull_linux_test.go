package bolt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/tests/await"
)

// TestStore_DiskFull fills a real file system's place: the log file's
// descriptor is exchanged for /dev/full, so that the kernel itself refuses.
func TestStore_DiskFull(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, bolt.Options{ProbeEvery: 5 * time.Millisecond})
	mustAppend(t, s, store.Record{Topic: "a"})
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	fd := descriptor(t, filepath.Join(dir, "log", "00000001.db"))
	old, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup3(int(full.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(background, []store.Record{{Topic: "b"}}); !errors.Is(err, store.ErrFull) {
		t.Errorf("append: got %v, want ErrFull", err)
	}
	await.Until(t, "the store recovers", func() bool { return ready(s) })
	if err := syscall.Dup3(old, fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Close(old); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, store.Record{Topic: "c"})
	if got := fmt.Sprint(topicsOf(t, s)); got != "[a c]" {
		t.Errorf("got %s, want [a c]", got)
	}
	mustClose(t, s)
	s = mustOpen(t, dir, bolt.Options{})
	if got := fmt.Sprint(topicsOf(t, s)); got != "[a c]" {
		t.Errorf("after reopening: got %s, want [a c]", got)
	}
	mustClose(t, s)
}

// descriptor finds this process's descriptor of a file.
func descriptor(t testing.TB, path string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		// The file was made under another name, which the link shows or not.
		if to, err := os.Readlink(l); err == nil && (to == path || to == path+".tmp") {
			var fd int
			if _, err := fmt.Sscan(filepath.Base(l), &fd); err == nil {
				return fd
			}
		}
	}
	t.Fatalf("no descriptor of %s", path)
	return -1
}
