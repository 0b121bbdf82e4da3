package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

// BenchmarkNew_1M starts an engine on a store with a million activities.
func BenchmarkNew_1M(b *testing.B) {
	for _, users := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			tables, err := bolt.Open(b.TempDir(), bolt.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = tables.Close() }() // the directory goes with it
			now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
			fill(b, tables, now, users, 1_000_000)
			runtime.GC() // a start has no such past
			b.ResetTimer()
			for range b.N {
				used := processor(b)
				e, err := engine.New(engine.Options{Store: tables, Clock: func() time.Time { return now }})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				b.ReportMetric((processor(b) - used).Seconds(), "s-cpu")
				board, err := e.Leaderboard("c1", engine.BoardQuery{})
				if err != nil || board.Total != users {
					b.Fatalf("got %d ranked, %v; want %d", board.Total, err, users)
				}
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/1e6, "heap-MB")
				runtime.KeepAlive(e)
				b.StartTimer()
			}
		})
	}
}

// processor is the processor time that this process has used: on a busy machine it
// says more than the time that has passed.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// fill makes a challenge with participants, who hand in activities by way of an
// engine.
func fill(b *testing.B, tables store.Store, now time.Time, users, activities int) {
	b.Helper()
	ctx := context.Background()
	e, err := engine.New(engine.Options{
		Store: tables, Clock: func() time.Time { return now }, Allowance: engine.Allowance{ActivityBurst: -1, ActivityDaily: -1},
	})
	if err != nil {
		b.Fatal(err)
	}
	spec := engine.ChallengeSpec{Organizer: "oli", StartsAt: now.Add(-24 * time.Hour), EndsAt: now.Add(24 * time.Hour)}
	if _, _, err := e.PutChallenge(ctx, admin, "c1", spec); err != nil {
		b.Fatal(err)
	}
	var puts []store.Put
	for i := range users {
		rec := fmt.Appendf(nil, `{"joinedAt":%q,"changes":1}`, now.Add(-2*time.Hour).Format(time.RFC3339Nano))
		if puts = append(puts, store.Put{Key: fmt.Sprintf("c1/user-%07d", i), Data: rec}); len(puts) == 5000 || i == users-1 {
			if err := tables.PutMany(ctx, "participants", puts); err != nil {
				b.Fatal(err)
			}
			puts = puts[:0]
		}
	}
	for i := range activities {
		user := fmt.Sprintf("user-%07d", i%users)
		body := fmt.Sprintf(`{"activityId":"a%d","sport":"running","startTime":"2026-05-01T08:00:00Z","totalElapsedTime":1800,"totalTimerTime":1790,"totalDistance":%d.5,"totalCalories":400,"steps":5000,"avgHeartRate":150,"avgSpeed":2.9,"device":"watch"}`, i, 4500+i*7919%1000)
		e.Applied(store.Pos(i+1), engine.Inbound{Sender: engine.Sender{UserID: user}, Topic: act("c1"), Payload: []byte(body), At: now})
	}
	if err := e.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
}
