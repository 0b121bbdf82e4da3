package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fitmq/fitmq/store"
)

func testAppend(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	if pos, ready := s.Applied(); pos != 0 || !ready {
		t.Errorf("applied of an empty store: got %d, %v, want 0, true", pos, ready)
	}
	data := []byte("one")
	first := mustAppend(t, s, store.Record{ID: "i", Kind: 7, Topic: "a/b", Data: data}, store.Record{Kind: 255})
	copy(data, "XXX") // the store must have its own copy
	last := mustAppend(t, s, store.Record{Topic: "a/b", Data: []byte{}}, store.Record{Topic: "ü//", Data: []byte{0, 255}})
	if first == 0 || last <= first {
		t.Errorf("positions: got %d then %d, want them to rise above 0", first, last)
	}
	if pos, _ := s.Applied(); pos != last {
		t.Errorf("applied: got %d, want %d", pos, last)
	}
	if got := mustAppend(t, s); got != last {
		t.Errorf("append nothing: got position %d, want %d", got, last)
	}
	want := []string{
		`"a/b" id="i" kind=7 data="one"`, `"" id="" kind=255 data=""`,
		`"a/b" id="" kind=0 data=""`, `"ü//" id="" kind=0 data="\x00\xff"`,
	}
	for _, when := range []string{"before", "after reopening"} {
		got := everything(t, s, 0)
		rising(t, got, 0)
		if !slices.Equal(text(got), want) {
			t.Errorf("%s: got %q, want %q", when, text(got), want)
		}
		s = restart(t, open, dir, s)
	}
	if next := mustAppend(t, s, store.Record{}); next <= last {
		t.Errorf("position after reopening: got %d, want more than %d", next, last)
	}
	mustClose(t, s)
}

func testAppendID(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	a := mustAppend(t, s, store.Record{ID: "a", Topic: "x", Data: []byte("1")})
	b := mustAppend(t, s,
		store.Record{ID: "a", Topic: "x", Data: []byte("2")},
		store.Record{ID: "b", Topic: "x", Data: []byte("3")},
		store.Record{ID: "b", Topic: "x", Data: []byte("4")},
		store.Record{Topic: "x", Data: []byte("5")},
		store.Record{Topic: "x", Data: []byte("5")})
	for range 2 {
		if got := mustAppend(t, s, store.Record{ID: "a"}); got != a {
			t.Errorf("append a repeat: got position %d, want that of the first, %d", got, a)
		}
		if got := mustAppend(t, s, store.Record{ID: "b"}, store.Record{ID: "a"}); got > b {
			t.Errorf("append repeats: got position %d, want at most %d", got, b)
		}
		want := []string{
			`"x" id="a" kind=0 data="1"`, `"x" id="b" kind=0 data="3"`,
			`"x" id="" kind=0 data="5"`, `"x" id="" kind=0 data="5"`,
		}
		if got := text(everything(t, s, 0)); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		s = restart(t, open, dir, s)
	}
	mustClose(t, s)
}

func testAppendLimits(t *testing.T, open Open) {
	s := start(t, open)
	ctx := context.Background()
	good := store.Record{ID: strings.Repeat("i", 256), Topic: strings.Repeat("t", 65535), Data: make([]byte, 1<<20)}
	mustAppend(t, s, good)
	bad := []store.Record{{ID: strings.Repeat("i", 257)}, {Topic: strings.Repeat("t", 65536)}}
	for _, r := range bad {
		if _, err := s.Append(ctx, []store.Record{{Topic: "ok"}, r}); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("id %d, topic %d bytes: got %v, want ErrTooLarge", len(r.ID), len(r.Topic), err)
		}
	}
	if got := everything(t, s, 0); len(got) != 1 || !bytes.Equal(got[0].Data, good.Data) || got[0].ID != good.ID || got[0].Topic != good.Topic {
		t.Errorf("got %d entries, want only the good one", len(got))
	}
}

// testAppendConcurrent: each caller's records stay together and in order, and
// a record that several callers bring is there once.
func testAppendConcurrent(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	const callers, rounds, each = 8, 20, 3
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for r := range rounds {
				var recs []store.Record
				for i := range each {
					recs = append(recs, store.Record{Topic: fmt.Sprintf("c/%d", c), Data: fmt.Appendf(nil, "%d %d", r, i)})
				}
				recs = append(recs, store.Record{ID: fmt.Sprint("shared", r)})
				if _, err := s.Append(context.Background(), recs); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	s = restart(t, open, dir, s)
	defer mustClose(t, s)
	all := everything(t, s, 0)
	rising(t, all, 0)
	if got, want := len(all), callers*rounds*each+rounds; got != want {
		t.Errorf("got %d entries, want %d", got, want)
	}
	index := make(map[store.Pos]int)
	for i, e := range all {
		index[e.Pos] = i
	}
	for c := range callers {
		topic := fmt.Sprintf("c/%d", c)
		mine := slices.DeleteFunc(slices.Clone(all), func(e store.Entry) bool { return e.Topic != topic })
		for i, e := range mine {
			if want := fmt.Sprintf("%d %d", i/each, i%each); string(e.Data) != want {
				t.Fatalf("caller %d, entry %d: got %q, want %q", c, i, e.Data, want)
			}
			if i%each != 0 && index[e.Pos] != index[mine[i-1].Pos]+1 {
				t.Fatalf("caller %d: something is between the records of one append at %d and %d", c, mine[i-1].Pos, e.Pos)
			}
		}
	}
}

// fill appends a few topics' records and returns them with their positions.
func fill(t *testing.T, s store.Store, n int) []store.Entry {
	t.Helper()
	names := []string{"a/b", "a/c", "a", "$x/b", "a/b/c", "", "d/"}
	for i := range n {
		topic := names[i*i%len(names)]
		mustAppend(t, s, store.Record{Topic: topic, Data: bytes.Repeat([]byte{'.'}, i%5)}, store.Record{Topic: "z"})
	}
	return everything(t, s, 0)
}

// checkSpans compares Read, Count and Skip with the definition over all entries.
func checkSpans(t *testing.T, s store.Store, all []store.Entry, spans []store.Span, upTo store.Pos, limit int) {
	t.Helper()
	ctx := context.Background()
	var want []store.Entry
	var size int64
	for _, e := range all {
		if e.Topic != "" && e.Pos <= upTo && slices.ContainsFunc(spans, func(sp store.Span) bool {
			return e.Pos > sp.After && matches(sp.Filter, e.Topic)
		}) {
			want = append(want, e)
			size += int64(len(e.Data))
		}
	}
	n, bytes, err := s.Count(ctx, spans, upTo)
	if err != nil || n != len(want) || bytes != size {
		t.Fatalf("count %v up to %d: got %d, %d, %v, want %d, %d", spans, upTo, n, bytes, err, len(want), size)
	}
	got, err := s.Read(ctx, spans, upTo, limit)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	first := want[:min(limit, len(want))]
	if !slices.Equal(text(got), text(first)) {
		t.Fatalf("read %v up to %d, limit %d: got %q, want %q", spans, upTo, limit, text(got), text(first))
	}
	for i := range got {
		if got[i].Pos != first[i].Pos {
			t.Fatalf("read %v: entry %d is at %d, want %d", spans, i, got[i].Pos, first[i].Pos)
		}
	}
	checkSkip(t, s, want, spans, upTo, limit, size/2)
}

// checkSkip compares Skip with dropping the oldest of what the spans match.
func checkSkip(t *testing.T, s store.Store, want []store.Entry, spans []store.Span, upTo store.Pos, keep int, bytes int64) {
	t.Helper()
	skipped, size := 0, int64(0)
	for _, e := range want {
		size += int64(len(e.Data))
	}
	for len(want)-skipped > keep || size > bytes {
		size -= int64(len(want[skipped].Data))
		skipped++
	}
	to, n, err := s.Skip(context.Background(), spans, upTo, keep, bytes)
	if err != nil || n != skipped {
		t.Fatalf("skip %v up to %d, keep %d, %d bytes: got %d, %v, want %d", spans, upTo, keep, bytes, n, err, skipped)
	}
	left := 0
	for _, e := range want {
		if e.Pos > to {
			left++
		}
	}
	if left != len(want)-skipped {
		t.Fatalf("skip %v up to %d, keep %d, %d bytes: %d left after position %d, want %d",
			spans, upTo, keep, bytes, left, to, len(want)-skipped)
	}
}

// matches is MQTT's definition of a match, written apart from package topics.
func matches(filter, topic string) bool {
	f, n := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && (f[0] == "+" || f[0] == "#") {
		return false
	}
	if last := len(f) - 1; f[last] == "#" {
		if len(n) < last {
			return false
		}
		f, n = f[:last], n[:last]
	}
	return slices.EqualFunc(f, n, func(a, b string) bool { return a == "+" || a == b })
}

var spanTests = []struct {
	name  string
	spans []store.Span
}{
	{"Literal", []store.Span{{Filter: "a/b"}}},
	{"Absent", []store.Span{{Filter: "nothing"}}},
	{"Plus", []store.Span{{Filter: "a/+"}}},
	{"Hash", []store.Span{{Filter: "a/#"}}},
	{"All", []store.Span{{Filter: "#"}}},
	{"AllPlus", []store.Span{{Filter: "+/+"}}},
	{"Dollar", []store.Span{{Filter: "$x/#"}}},
	{"After", []store.Span{{Filter: "a/#", After: 40}}},
	{"Overlapping", []store.Span{{Filter: "a/#", After: 30}, {Filter: "a/b", After: 10}, {Filter: "+/b"}}},
	{"Same", []store.Span{{Filter: "z", After: 5}, {Filter: "z", After: 50}}},
	{"None", nil},
}

func testRead(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	all := fill(t, s, 60)
	last, _ := s.Applied()
	for range 2 {
		for _, tt := range spanTests {
			for _, upTo := range []store.Pos{0, 1, last / 2, last, last + 1000} {
				for _, limit := range []int{0, 1, 7, 1000} {
					checkSpans(t, s, all, tt.spans, upTo, limit)
				}
			}
		}
		s = restart(t, open, dir, s)
	}
	mustClose(t, s)
}

// testReadWide: filters that match hundreds of topics, whose records lie close
// together in one place and far apart in another.
func testReadWide(t *testing.T, open Open) {
	s := start(t, open)
	for _, part := range []string{"wide", "filler", "wide", "wide"} {
		recs := make([]store.Record, 500)
		for i := range recs {
			recs[i] = store.Record{Topic: fmt.Sprintf("%s/%d/x", part, i%200), Data: make([]byte, i%3)}
		}
		if part == "filler" {
			for i := range recs {
				recs[i].Topic = "other"
			}
			for range 5 {
				mustAppend(t, s, recs...)
			}
		}
		mustAppend(t, s, recs...)
	}
	all := everything(t, s, 0)
	last, _ := s.Applied()
	for _, i := range []int{0, 100, 490, 1000, len(all) - 10} {
		spans := []store.Span{{Filter: "wide/#", After: all[i].Pos}}
		overlapping := append(spans, store.Span{Filter: "wide/+/x", After: all[i/2].Pos}, store.Span{Filter: "other"})
		for _, limit := range []int{1, 50, 700, 10000} {
			checkSpans(t, s, all, spans, last, limit)
			checkSpans(t, s, all, overlapping, last-3, limit)
		}
	}
}

func testReadAt(t *testing.T, open Open) {
	s := start(t, open)
	all := fill(t, s, 20)
	for _, want := range all {
		got, err := s.ReadAt(context.Background(), want.Pos)
		if err != nil || got.Pos != want.Pos || text([]store.Entry{got})[0] != text([]store.Entry{want})[0] {
			t.Errorf("position %d: got %+v, %v, want %+v", want.Pos, got, err, want)
		}
	}
	last, _ := s.Applied()
	for _, pos := range []store.Pos{0, last + 1} {
		if _, err := s.ReadAt(context.Background(), pos); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("position %d: got %v, want ErrNotFound", pos, err)
		}
	}
}

func testCount(t *testing.T, open Open) {
	s := start(t, open)
	for i := range 1000 { // enough for any index to have more than one part
		mustAppendQuick(t, s, i, "many", 3)
	}
	all := everything(t, s, 0)
	last, _ := s.Applied()
	for _, i := range []int{0, 1, 333, 998, 999} {
		n, bytes, err := s.Count(context.Background(), []store.Span{{Filter: "many", After: all[i].Pos}}, last)
		if want := len(all) - 1 - i; err != nil || n != want || bytes != int64(3*want) {
			t.Errorf("after %d: got %d, %d, %v, want %d, %d", all[i].Pos, n, bytes, err, want, 3*want)
		}
	}
}

// mustAppendQuick gathers so that a thousand records are few commits.
func mustAppendQuick(t *testing.T, s store.Store, i int, topic string, size int) {
	t.Helper()
	if i%100 != 0 {
		return
	}
	recs := make([]store.Record, 100)
	for k := range recs {
		recs[k] = store.Record{Topic: topic, Data: make([]byte, size)}
	}
	mustAppend(t, s, recs...)
}

func testSkip(t *testing.T, open Open) {
	s := start(t, open)
	all := fill(t, s, 40)
	last, _ := s.Applied()
	for _, tt := range spanTests {
		var want []store.Entry
		for _, e := range all {
			if e.Topic != "" && slices.ContainsFunc(tt.spans, func(sp store.Span) bool { return e.Pos > sp.After && matches(sp.Filter, e.Topic) }) {
				want = append(want, e)
			}
		}
		for _, keep := range []int{0, 1, 5, 1000} {
			for _, bytes := range []int64{0, 1, 10, 1 << 40} {
				checkSkip(t, s, want, tt.spans, last, keep, bytes)
			}
		}
	}
}
