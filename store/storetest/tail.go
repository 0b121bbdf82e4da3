package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/tests/await"
)

func testTail(t *testing.T, open Open) {
	t.Run("ValueAndEnd", func(t *testing.T) { testTailValue(t, open) })
	t.Run("Error", func(t *testing.T) { testTailError(t, open) })
	t.Run("Middle", func(t *testing.T) {
		s := start(t, open)
		all := fill(t, s, 10)
		got := everything(t, s, all[4].Pos)
		if !slices.Equal(text(got), text(all[5:])) {
			t.Errorf("got %q, want %q", text(got), text(all[5:]))
		}
	})
}

// testTailValue: a reader that has caught up gets the Value of a local append,
// data of its own, and nil when its context ends.
func testTailValue(t *testing.T, open Open) {
	s := start(t, open)
	mustAppend(t, s, store.Record{Topic: "old", Value: "lost"})
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan store.Entry, 10)
	done := make(chan error, 1)
	go func() {
		done <- s.Tail(ctx, 0, func(batch []store.Entry) error {
			for i := range batch {
				got <- batch[i]
				batch[i] = store.Entry{} // the slice is ours during the call
			}
			return nil
		})
	}()
	if e := <-got; e.Topic != "old" {
		t.Errorf("got %q, want the record from before", e.Topic)
	}
	for i := range 3 {
		value, data := &struct{ n int }{i}, []byte("data")
		pos := mustAppend(t, s, store.Record{ID: fmt.Sprint("id", i), Topic: "new", Data: data, Value: value})
		clear(data)
		e := <-got
		if e.Pos != pos || e.Topic != "new" || string(e.Data) != "data" || e.ID != fmt.Sprint("id", i) {
			t.Errorf("got %+v, want position %d with its data", e, pos)
		}
		if e.Value != nil && e.Value != value {
			t.Errorf("got value %v, want %v or none", e.Value, value)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("tail whose context ended: got %v, want nil", err)
	}
}

func testTailError(t *testing.T, open Open) {
	s := start(t, open)
	mustAppend(t, s, store.Record{Topic: "a"})
	want := errors.New("enough")
	if err := s.Tail(context.Background(), 0, func([]store.Entry) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want fn's error", err)
	}
}

// testTailConcurrent: readers that begin at different moments, fast and slow,
// each see every record once and in order while writers go on.
func testTailConcurrent(t *testing.T, open Open) {
	s := start(t, open)
	const writers, rounds, each = 4, 100, 25
	const total = writers * rounds * each
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var readers, writing sync.WaitGroup
	var written atomic.Int64
	read := func(slow bool) {
		var after store.Pos
		n := 0
		err := s.Tail(ctx, 0, func(batch []store.Entry) error {
			rising(t, batch, after)
			n += len(batch)
			after = batch[len(batch)-1].Pos
			if slow { // let the writers get far ahead
				await.Until(t, "writers get on", func() bool { return written.Load() >= min(total, int64(n)+500) })
			}
			if n >= total {
				return errDone
			}
			return nil
		})
		if !errors.Is(err, errDone) || n != total {
			t.Errorf("slow %v: got %d entries, %v, want %d", slow, n, err, total)
		}
	}
	readers.Go(func() { read(false) })
	readers.Go(func() { read(true) })
	for w := range writers {
		writing.Go(func() {
			for range rounds {
				recs := make([]store.Record, each)
				for i := range recs {
					recs[i] = store.Record{Topic: fmt.Sprint("w/", w), Data: make([]byte, 100)}
				}
				if _, err := s.Append(ctx, recs); err != nil {
					t.Errorf("append: %v", err)
					return
				}
				written.Add(each)
			}
		})
	}
	await.Until(t, "half is written", func() bool { return written.Load() > total/2 })
	readers.Go(func() { read(false) })
	writing.Wait()
	readers.Wait()
}

var errDone = errors.New("done")

func testTrim(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	all := fill(t, s, 50)
	before := all[len(all)/2].Pos
	if err := s.Trim(context.Background(), before); err != nil {
		t.Fatalf("trim: %v", err)
	}
	for range 2 {
		floor := s.Floor()
		if floor > before {
			t.Fatalf("floor: got %d, want at most %d", floor, before)
		}
		kept := slices.DeleteFunc(slices.Clone(all), func(e store.Entry) bool { return e.Pos < floor })
		if got := everything(t, s, 0); !slices.Equal(text(got), text(kept)) {
			t.Errorf("tail: got %d entries from %d, want %d", len(got), got[0].Pos, len(kept))
		}
		last, _ := s.Applied()
		for _, tt := range spanTests {
			checkSpans(t, s, kept, tt.spans, last, 20)
		}
		s = restart(t, open, dir, s)
	}
	mustClose(t, s)
}

func testExcess(t *testing.T, open Open) {
	s := start(t, open)
	if got := s.Excess(0); got != 0 {
		t.Errorf("excess of an empty log: got %d, want 0, since the newest part always stays", got)
	}
	fill(t, s, 200)
	size := s.Size()
	if size <= 0 {
		t.Fatalf("size: got %d, want more than nothing", size)
	}
	if got := s.Excess(size); got != 0 {
		t.Errorf("excess within the limit: got %d, want 0", got)
	}
	last, _ := s.Applied()
	before := s.Excess(size / 2)
	if before > last {
		t.Fatalf("excess: got %d, after the last position %d", before, last)
	}
	if before == 0 {
		return // all of it is the newest part
	}
	if err := s.Trim(context.Background(), before); err != nil {
		t.Fatalf("trim: %v", err)
	}
	if got := s.Excess(size / 2); got != 0 && got >= before {
		t.Errorf("after trimming before %d: still %d goes", before, got)
	}
	if got := s.Size(); got >= size {
		t.Errorf("size after trimming: got %d, was %d", got, size)
	}
	if s.Floor() > before {
		t.Errorf("floor: got %d, want at most %d", s.Floor(), before)
	}
}
