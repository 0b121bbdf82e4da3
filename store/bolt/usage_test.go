package bolt_test

import (
	"runtime"
	"testing"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

func TestStore_Usage(t *testing.T) {
	s, err := bolt.Open(t.TempDir(), bolt.Options{GenerationRecords: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if u := s.Usage(); u.LogFiles != 1 || u.First <= u.Last || u.LogBytes <= 0 || u.TablesBytes <= 0 {
		t.Errorf("empty: %+v", u)
	}
	for range 5 {
		if _, err := s.Append(t.Context(), []store.Record{{Topic: "t", Data: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
	}
	u := s.Usage()
	if u.LogFiles < 2 || u.First != 1 || u.Last != 5 || u.LogBytes != s.Size() {
		t.Errorf("with five records, two to a file: %+v", u)
	}
	if known := runtime.GOOS == "linux" || runtime.GOOS == "darwin"; known && (u.DiskFree <= 0 || u.DiskSize < u.DiskFree) {
		t.Errorf("the disk: %d of %d bytes are free", u.DiskFree, u.DiskSize)
	}
	if err := s.Trim(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if after := s.Usage(); after.First <= 1 || after.LogFiles >= u.LogFiles {
		t.Errorf("trimmed: %+v", after)
	}
}
