//go:build linux

package workload

import (
	"context"
	"errors"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/load"
)

// PayloadSize is that of every message, in bytes.
const PayloadSize = 200

// Shape is traffic of a kind: what goes where, and how fast when the latency
// is measured.
type Shape struct {
	Name, Title string
	Plan        load.Plan
	// Pace is messages a second of each publisher while the latency is
	// measured: 1,000 to 10,000 deliveries a second, which every broker can do.
	// At 0 it is measured under the load itself: one message at a time.
	Pace float64
}

// Shapes lists the traffic. The windows keep what is under way to one
// subscriber under 64 kB, so that a socket's buffer takes it.
func Shapes(subscribers int) []Shape {
	fan := load.Plan{Groups: 1, Publishers: 1, Subscribers: subscribers, Window: 256, Payload: PayloadSize}
	pairs := load.Plan{Groups: 50, Publishers: 1, Subscribers: 1, Window: 128, Payload: PayloadSize}
	rooms := load.Plan{Groups: 20, Publishers: 10, Joint: true, Window: 16, Payload: PayloadSize}
	qos := func(p load.Plan, qos byte) load.Plan { p.QoS = qos; return p }
	confirmed, durable, single := qos(fan, 1), qos(pairs, 1), fan
	confirmed.Window = 32 // more keeps a broker that is slow here busy for seconds
	durable.Persistent = true
	single.Window = 1
	return []Shape{
		{"fanout-q0", "fan-out 1 to 1000, QoS 0", fan, 10},
		{"fanout-q1", "fan-out 1 to 1000, QoS 1", confirmed, 10},
		{"pairs-q0", "50 pairs, QoS 0", pairs, 20},
		{"pairs-q1", "50 pairs, QoS 1", qos(pairs, 1), 20},
		{"pairs-q1-durable", "50 pairs, QoS 1, persistent sessions", durable, 20},
		{"pairs-q2", "50 pairs, QoS 2", qos(pairs, 2), 20},
		{"rooms-q0", "20 sessions of 10, everybody to everybody, QoS 0", rooms, 5},
		{"single-q0", "fan-out 1 to 1000, one message at a time", single, 0},
	}
}

func trafficWorkloads() []Workload {
	var list []Workload
	for i, s := range Shapes(0) {
		list = append(list, Workload{Name: s.Name, Title: s.Title, run: func(_ context.Context, env *Env, p *brokers.Process) (Values, error) {
			return runTraffic(env, p, Shapes(env.Scale.Subscribers)[i])
		}})
	}
	return list
}

// runTraffic measures a shape: processor time and rate with full windows, then
// the latency at a steady rate.
func runTraffic(env *Env, p *brokers.Process, s Shape) (Values, error) {
	t, err := load.OpenTraffic(p.MQTT, s.Plan)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := t.Saturate(env.Scale.Warm); err != nil {
		return nil, err
	}
	profiled, err := env.perf(p, s.Name, env.Scale.Measure)
	if err != nil {
		return nil, err
	}
	v, err := saturated(t, p, env.Scale.Measure)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(profiled(), t.Drain()); err != nil {
		return nil, err
	}
	var h *load.Histogram
	if s.Pace > 0 {
		h, err = t.Pace(s.Pace, env.Scale.Pace)
	} else {
		h, err = t.Timed(env.Scale.Pace)
	}
	if err != nil {
		return nil, err
	}
	v[P50], v[P99] = milliseconds(h.Quantile(0.5)), milliseconds(h.Quantile(0.99))
	rss, err := p.RSS()
	f := t.Faults()
	v[RSS], v[Lost], v[Repeated] = megabytes(rss), float64(f.Lost+f.Strange), float64(f.Repeated)
	return v, err
}

func saturated(t *load.Traffic, p *brokers.Process, d time.Duration) (Values, error) {
	m, err := startMeter(p)
	if err != nil {
		return nil, err
	}
	before := t.Delivered()
	if err := t.Saturate(d); err != nil {
		return nil, err
	}
	if t.Delivered() == before { // a burst was under way for all of that time
		if err := t.Deliver(1); err != nil {
			return nil, err
		}
	}
	n := float64(t.Delivered() - before)
	cpu, wall, err := m.read()
	return Values{CPU: microseconds(cpu) / n, Rate: n / wall.Seconds()}, err
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func megabytes(n int64) float64            { return float64(n) / 1e6 }
