package engine_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// BenchmarkEngine_Beacon is one more beacon of somebody who has moved, among
// 100,000 live ones: in one city, over a country, and all in one stadium. It
// includes reading the payload, finding partners and writing proposals, without
// the data plane.
func BenchmarkEngine_Beacon(b *testing.B) {
	const people = 100_000
	for _, place := range []struct {
		name   string
		spread float64 // degrees
	}{{"City", 0.2}, {"Country", 4}, {"Stadium", 0.002}} {
		b.Run(place.name, func(b *testing.B) {
			now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
			e, err := engine.New(engine.Options{Store: newTables(), Publisher: sink{}, Clock: func() time.Time { return now }})
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			sports := []string{"running", "cycling", "walking", "swimming"}
			beacon := func(i int, lat, lon float64) {
				in := engine.Inbound{Sender: sender(fmt.Sprintf("user-%06d", i), "phone"), Topic: topics.BeaconTopic, At: now,
					Payload: fmt.Appendf(nil, `{"latitude":%.6f,"longitude":%.6f,"sport":%q,"pace":%d,"radius":50000}`, lat, lon, sports[i%len(sports)], 240+i%200)}
				if out := e.Handle(in); out.Code != 0 {
					b.Fatal(out.Reason)
				}
			}
			type position struct{ lat, lon float64 }
			at := make([]position, people)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			filling := time.Now()
			for i := range at {
				at[i] = position{48 + (r.Float64()*2-1)*place.spread, 11 + (r.Float64()*2-1)*place.spread}
				beacon(i, at[i].lat, at[i].lon)
			}
			perFirst := float64(time.Since(filling).Nanoseconds()) / people
			runtime.GC()
			runtime.ReadMemStats(&after)
			perBeacon := float64(after.HeapAlloc-before.HeapAlloc) / people
			proposals := float64(e.Stats().MatchProposals) / people
			i := 0
			for b.Loop() {
				if i%people == 0 {
					now = now.Add(time.Minute) // everybody again, a little further
				}
				p := &at[i%people]
				p.lat += (r.Float64() - 0.5) * 0.002
				p.lon += (r.Float64() - 0.5) * 0.002
				beacon(i%people, p.lat, p.lon)
				i++
			}
			b.ReportMetric(perFirst, "ns/first-beacon") // of those that fill it, with nearly all of the proposals
			b.ReportMetric(perBeacon, "B/beacon")
			b.ReportMetric(proposals, "proposals/beacon")
		})
	}
}
