package bolt_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

// million fills a store with 1,000,000 records of 200 bytes over 10,000 topics,
// and 10,000 more of which one topic has half.
func million(b *testing.B, dir string) {
	b.Helper()
	s := mustOpen(b, dir, bolt.Options{Durability: bolt.Interval})
	names := make([]string, 10000)
	for i := range names {
		names[i] = fmt.Sprintf("user/u%d/inbox", i)
	}
	recs := make([]store.Record, 10000)
	for i := range 1_000_000 {
		k := i % len(recs)
		recs[k] = store.Record{Topic: names[i*7919%len(names)], Data: make([]byte, 200)}
		if k == len(recs)-1 {
			mustAppend(b, s, recs...)
		}
	}
	for i := range recs { // one topic with many records, among others
		if i%2 == 0 {
			recs[i].Topic = "hot/x"
		}
	}
	mustAppend(b, s, recs...)
	mustClose(b, s)
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint("batch=", n), func(b *testing.B) {
			s := mustOpen(b, b.TempDir(), bolt.Options{})
			defer mustClose(b, s)
			recs := make([]store.Record, n)
			for i := range recs {
				recs[i] = store.Record{Topic: fmt.Sprintf("user/u%d/inbox", i%1000), Data: make([]byte, 200)}
			}
			b.ReportAllocs()
			for b.Loop() {
				mustAppend(b, s, recs...)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkAppend_Callers: 64 callers with one record each share commits.
func BenchmarkAppend_Callers(b *testing.B) {
	s := mustOpen(b, b.TempDir(), bolt.Options{})
	defer mustClose(b, s)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		rec := []store.Record{{Topic: "a/b", Data: make([]byte, 200)}}
		for pb.Next() {
			mustAppend(b, s, rec...)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkPut_Callers(b *testing.B) {
	s := mustOpen(b, b.TempDir(), bolt.Options{})
	defer mustClose(b, s)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Put(background, "t", fmt.Sprint(i%1000), make([]byte, 200), store.Any, 0); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkMillion(b *testing.B) {
	dir := b.TempDir()
	million(b, dir)
	b.Run("Open", func(b *testing.B) {
		var before, after runtime.MemStats
		for b.Loop() {
			runtime.GC()
			runtime.ReadMemStats(&before)
			s := mustOpen(b, dir, bolt.Options{})
			b.StopTimer()
			runtime.GC()
			runtime.ReadMemStats(&after)
			mustClose(b, s)
			b.StartTimer()
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	})
	s := mustOpen(b, dir, bolt.Options{})
	defer mustClose(b, s)
	last, _ := s.Applied()
	for _, filter := range []string{"hot/x", "user/u7/inbox", "user/u7/#", "user/+/inbox", "#"} {
		for _, limit := range []int{100, 1000} {
			b.Run(fmt.Sprintf("Read/%s/%d", filter, limit), func(b *testing.B) {
				n := 0
				for b.Loop() {
					entries, err := s.Read(background, []store.Span{{Filter: filter, After: last / 10}}, last, limit)
					if err != nil {
						b.Fatal(err)
					}
					n = len(entries)
				}
				b.ReportMetric(float64(n), "records")
			})
		}
		b.Run("Count/"+filter, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.Count(background, []store.Span{{Filter: filter, After: last / 10}}, last); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("Tail", func(b *testing.B) {
		for b.Loop() {
			n := 0
			err := s.Tail(background, 0, func(batch []store.Entry) error {
				if n += len(batch); n == int(last) {
					return errEnough
				}
				return nil
			})
			if err != errEnough {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(last)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

var errEnough = errors.New("enough")
