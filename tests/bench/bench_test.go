//go:build linux

package main_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/tests/bench/load"
	"github.com/fitmq/fitmq/tests/bench/workload"
)

// BenchmarkTraffic runs the shapes of traffic against a broker in this process,
// so that the profiles of go test show the broker:
//
//	go test -run '^$' -bench Traffic/pairs-q1 -benchtime 500000x -cpuprofile cpu.out -memprofile mem.out ./tests/bench
//
// An operation is a delivery. The load generator shares the process and the
// profile; it allocates next to nothing.
func BenchmarkTraffic(b *testing.B) {
	for _, shape := range workload.Shapes(1000) {
		b.Run(shape.Name, func(b *testing.B) { benchmarkShape(b, shape.Plan) })
	}
}

func benchmarkShape(b *testing.B, plan load.Plan) {
	s := brokertest.Start(b, func(o *broker.Options) { o.Config.Dev = true })
	t, err := load.OpenTraffic(s.MQTT, plan)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	if err := t.Deliver(2 * plan.Receivers()); err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := t.Delivered()
	b.ResetTimer()
	if err := t.Deliver(b.N); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	// More than b.N may have come: what one delivery takes is what counts.
	n := float64(t.Delivered() - start)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/delivery")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/delivery")
	b.ReportMetric(float64(after.NumGC-before.NumGC)/n*1e6, "GCs/Mdelivery")
	if err := t.Drain(); err != nil {
		b.Fatal(err)
	}
	if f := t.Faults(); f != (load.Faults{}) {
		b.Errorf("faults: %+v, want none", f)
	}
}

// BenchmarkIdle reports the memory of an idle connection by what holds it. With
// -memprofile the profile's inuse_space names the heap's part.
func BenchmarkIdle(b *testing.B) {
	for _, ws := range []bool{false, true} {
		b.Run(map[bool]string{false: "tcp", true: "websocket"}[ws], func(b *testing.B) {
			for b.Loop() {
				benchmarkIdle(b, ws)
			}
		})
	}
}

func benchmarkIdle(b *testing.B, webSocket bool) {
	const connections = 2000
	s := brokertest.Start(b, func(o *broker.Options) { o.Config.Dev = true })
	addr := s.MQTT
	if webSocket {
		addr = s.HTTP
	}
	specs := make([]load.Spec, connections)
	for i := range specs {
		specs[i] = load.Spec{ClientID: fmt.Sprintf("idle-%d", i), WebSocket: webSocket}
	}
	before := settled()
	fleet, err := load.OpenFleet(addr, specs)
	if err != nil {
		b.Fatal(err)
	}
	defer fleet.Close()
	if err := fleet.Rest(time.Second); err != nil {
		b.Fatal(err)
	}
	after := settled()
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/connections, "heap-B/connection")
	b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/connections, "objects/connection")
	b.ReportMetric(float64(after.StackInuse-before.StackInuse)/connections, "stack-B/connection")
	s.Stop()
}

// settled is the memory in use after a collection.
func settled() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what the first one's finalizers and pools let go
	runtime.ReadMemStats(&m)
	return m
}
