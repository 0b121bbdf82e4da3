//go:build linux

package report

import (
	"fmt"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/workload"
)

// aim is a bound that fitmq shall keep.
type aim struct {
	what     string
	workload string
	metric   workload.Metric
	// peer is the broker to compare with; empty compares with nobody, and
	// bestPeer with whoever is best.
	peer  brokers.Kind
	limit float64
	// atLeast turns the bound round.
	atLeast bool
}

const bestPeer brokers.Kind = "best peer"

var aims = []aim{
	{what: "fan-out, QoS 0, to the best peer", workload: "fanout-q0", metric: workload.CPU, peer: bestPeer, limit: 0.25},
	{what: "fan-out, QoS 1, to mosquitto", workload: "fanout-q1", metric: workload.CPU, peer: brokers.Mosquitto, limit: 0.2},
	{what: "pairs, QoS 0, to NATS", workload: "pairs-q0", metric: workload.CPU, peer: brokers.NATS, limit: 0.4},
	{what: "pairs, QoS 1, committed to disk, to mosquitto without", workload: "pairs-q1-durable", metric: workload.CPU, peer: brokers.Mosquitto, limit: 0.4},
	{what: "sessions, to NATS", workload: "rooms-q0", metric: workload.CPU, peer: brokers.NATS, limit: 0.4},
	{what: "an idle connection by TCP, kB", workload: "idle-tcp", metric: workload.Memory, limit: 12},
	{what: "an idle connection by WebSocket, kB", workload: "idle-ws", metric: workload.Memory, limit: 16},
	{what: "queue: taken in a second", workload: "offline", metric: workload.In, limit: 60000, atLeast: true},
	{what: "queue: delivered a second after a kill", workload: "offline", metric: workload.Out, limit: 200000, atLeast: true},
	{what: "start with a million messages waiting, s", workload: "startup", metric: workload.Startup, limit: 5},
	{what: "its most memory, MB", workload: "startup", metric: workload.Peak, limit: 500},
}

// judge gives what was reached; ok is false where it was not measured.
func (a aim) judge(r Results) (got float64, reached, ok bool) {
	got, ok = r.Median(a.workload, brokers.FitMQ, a.metric)
	if !ok {
		return 0, false, false
	}
	switch a.peer {
	case "":
	case bestPeer:
		_, best, found := r.BestPeer(a.workload, a.metric)
		got, ok = got/best, found
	default:
		other, found := r.Median(a.workload, a.peer, a.metric)
		got, ok = got/other, found
	}
	if !ok {
		return 0, false, false
	}
	reached = got <= a.limit
	if a.atLeast {
		reached = got >= a.limit
	}
	return got, reached, true
}

func (r Report) aims() table {
	t := table{title: "Aims", head: []string{"", "aim", "measured", "reached"}}
	for _, a := range aims {
		got, reached, ok := a.judge(r.Results)
		if !ok {
			continue
		}
		bound, answer := "at most ", "no"
		if a.atLeast {
			bound = "at least "
		}
		if reached {
			answer = "yes"
		}
		t.rows = append(t.rows, []string{a.what, bound + fmt.Sprint(a.limit), digits(got), answer})
	}
	return t
}
