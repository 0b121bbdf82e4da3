//go:build linux

package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/load"
)

// idle measures the memory of connections that do nothing: resident memory
// after a time of rest, less what it was before the first connected.
func idle(webSocket bool) func(context.Context, *Env, *brokers.Process) (Values, error) {
	return func(_ context.Context, env *Env, p *brokers.Process) (Values, error) {
		addr := p.MQTT
		if webSocket {
			addr = p.WebSocket
		}
		specs := make([]load.Spec, env.Scale.Idle)
		for i := range specs {
			specs[i] = load.Spec{ClientID: fmt.Sprintf("idle-%d", i), WebSocket: webSocket}
		}
		before, err := p.RSS()
		if err != nil {
			return nil, err
		}
		began := time.Now()
		fleet, err := load.OpenFleet(addr, specs)
		if err != nil {
			return nil, err
		}
		defer fleet.Close()
		connected := time.Since(began)
		if err := fleet.Rest(env.Scale.Settle); err != nil {
			return nil, err
		}
		after, err := p.RSS()
		if err != nil {
			return nil, err
		}
		v := Values{
			Memory: float64(after-before) / 1e3 / float64(len(specs)),
			RSS:    megabytes(after),
			Rate:   float64(len(specs)) / connected.Seconds(),
		}
		return v, fleet.Ping() // all of them must still be there
	}
}

// publishers and window of the queues: enough to fill a commit, little enough
// for every broker's limits.
const (
	queuePublishers = 4
	queueWindow     = 512
)

// offline queues messages for one client that is away, kills and restarts the
// broker where it keeps them on disk, and lets the client return.
func offline(ctx context.Context, env *Env, p *brokers.Process) (Values, error) {
	q := load.Queue{Each: env.Scale.Queued / queuePublishers, Payload: PayloadSize, Publishers: queuePublishers, Window: queueWindow}
	all := make([]int, queuePublishers)
	for i := range all {
		all[i] = i
		q.Topics = append(q.Topics, fmt.Sprintf("bench/queue/%d", i))
	}
	client := load.Spec{ClientID: "absent", Persistent: true, Filter: "bench/queue/+", QoS: 1}
	if err := visit(p.MQTT, []load.Spec{client}); err != nil {
		return nil, err
	}
	v := Values{}
	took, err := measured(env, p, "offline-in", v, CPUIn, q, func() (time.Duration, error) { return q.Feed(p.MQTT) })
	if err != nil {
		return nil, err
	}
	v[In] = float64(q.Messages()) / took.Seconds()
	if p.Kind == brokers.FitMQ {
		if err := killAndRestart(ctx, p, v); err != nil {
			return nil, err
		}
	}
	var faults load.Faults
	took, err = measured(env, p, "offline-out", v, CPUOut, q, func() (d time.Duration, err error) {
		d, faults, err = q.Collect(p.MQTT, client, all...)
		return d, err
	})
	if err != nil {
		return nil, err
	}
	v[Out] = float64(q.Messages()-faults.Lost) / took.Seconds()
	v[Lost], v[Repeated] = float64(faults.Lost+faults.Strange), float64(faults.Repeated)
	return v, nil
}

// visit lets clients connect, subscribe and leave, so that they have sessions.
func visit(addr string, specs []load.Spec) error {
	fleet, err := load.OpenFleet(addr, specs)
	if err != nil {
		return err
	}
	return fleet.Leave()
}

// measured runs a part and notes the processor time of a message.
func measured(env *Env, p *brokers.Process, name string, v Values, as Metric, q load.Queue, part func() (time.Duration, error)) (time.Duration, error) {
	profiled, err := env.perf(p, name, 2*time.Second)
	if err != nil {
		return 0, err
	}
	m, err := startMeter(p)
	if err != nil {
		return 0, err
	}
	took, err := part()
	if err != nil {
		return 0, err
	}
	cpu, _, err := m.read()
	if err != nil {
		return 0, err
	}
	v[as] = microseconds(cpu) / float64(q.Messages())
	return took, profiled()
}

// killAndRestart notes how long it takes until a client is connected again,
// and what memory it takes.
func killAndRestart(ctx context.Context, p *brokers.Process, v Values) error {
	p.Kill()
	began := time.Now()
	if err := p.Restart(ctx); err != nil {
		return err
	}
	fleet, err := load.OpenFleet(p.MQTT, []load.Spec{{ClientID: "first"}})
	if err != nil {
		return err
	}
	v[Startup] = time.Since(began).Seconds()
	fleet.Close()
	rss, err := p.RSS()
	if err != nil {
		return err
	}
	peak, err := p.Peak()
	v[RSS], v[Peak] = megabytes(rss), megabytes(peak)
	return err
}

// startup measures a start, after a kill, with messages waiting for many
// clients, and takes the queues of some of them.
func startup(ctx context.Context, env *Env, p *brokers.Process) (Values, error) {
	q := load.Queue{Each: env.Scale.SessionMessages, Payload: PayloadSize, Publishers: queuePublishers, Window: queueWindow}
	clients := make([]load.Spec, env.Scale.Sessions)
	for i := range clients {
		q.Topics = append(q.Topics, fmt.Sprintf("bench/queue/%d", i))
		clients[i] = load.Spec{ClientID: fmt.Sprintf("absent-%d", i), Persistent: true, Filter: q.Topics[i], QoS: 1}
	}
	if err := visit(p.MQTT, clients); err != nil {
		return nil, err
	}
	v := Values{}
	took, err := q.Feed(p.MQTT)
	if err != nil {
		return nil, err
	}
	v[In] = float64(q.Messages()) / took.Seconds()
	if err := killAndRestart(ctx, p, v); err != nil {
		return nil, err
	}
	const samples = 50
	var lost, repeated int
	for i := 0; i < len(clients); i += max(len(clients)/samples, 1) {
		_, f, err := q.Collect(p.MQTT, clients[i], i)
		if err != nil {
			return nil, err
		}
		lost, repeated = lost+f.Lost+f.Strange, repeated+f.Repeated
	}
	v[Lost], v[Repeated] = float64(lost), float64(repeated)
	return v, nil
}
