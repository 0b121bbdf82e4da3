package engine

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
)

func FuzzDecodeRow(f *testing.F) {
	row := activityRow{
		Pos: 7, At: time.UnixMilli(1777000000123).UTC(), Counted: true, Withdrawn: true, Barred: true, Reviews: 3,
		Reviewer: "oli", Facts: []byte{1, 2, 3}, Reason: "too late", Body: []byte(`{"activityId":"a"}`),
	}
	f.Add(row.encode())
	f.Add((&activityRow{At: row.At}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRow(b)
		if err != nil {
			return
		}
		again, err := decodeRow(r.encode())
		if err != nil || !reflect.DeepEqual(r, again) || !bytes.Equal(again.encode(), r.encode()) {
			t.Fatalf("got %+v, %v; want %+v", again, err, r)
		}
		if a, err := challenge.DecodeFacts(r.Facts); err == nil && !bytes.Equal(a.AppendFacts(nil), r.Facts) {
			if _, err := challenge.DecodeFacts(a.AppendFacts(nil)); err != nil {
				t.Fatalf("facts that were read cannot be written: %v", err)
			}
		}
	})
}

func TestActivityRow(t *testing.T) {
	row := activityRow{
		Pos: 7, At: time.UnixMilli(1777000000123).UTC(), Counted: true, Withdrawn: true, Barred: true, Reviews: 3,
		Reviewer: "oli", Facts: []byte{1, 2, 3}, Reason: "too late", Body: []byte(`{}`),
	}
	got, err := decodeRow(row.encode())
	if err != nil || !reflect.DeepEqual(got, row) {
		t.Errorf("got %+v, %v; want %+v", got, err, row)
	}
	for n := range len(row.encode()) - len(row.Body) {
		if _, err := decodeRow(row.encode()[:n]); err == nil {
			t.Errorf("%d bytes were taken for whole", n)
		}
	}
}
