//go:build linux

package workload

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/load"
)

// nuisance is clients that misbehave beside others who do not.
type nuisance struct {
	name, title string
	how         load.Behaviour
	clients     func(Scale) int
	// filled clients are owed more than their sockets take, at QoS 0 and 1.
	filled bool
	only   []brokers.Kind
}

// besidePlan and besidePace are the traffic of those who behave well: one
// publisher, twenty subscribers, QoS 1, a thousand deliveries a second.
var besidePlan = load.Plan{Groups: 1, Publishers: 1, Subscribers: 20, QoS: 1, Window: 256, Payload: PayloadSize}

const besidePace = 50

func nuisances() []nuisance {
	some := func(s Scale) int { return s.Slow }
	few := func(s Scale) int { return max(s.Slow/5, 1) }
	return []nuisance{
		{"beside-stalled", "beside subscribers that do not read", load.Stalled, some, true, nil},
		{"beside-trickling", "beside subscribers that read a byte a second", load.Trickling, some, true, nil},
		{"beside-silent", "beside subscribers that acknowledge nothing", load.Silent, few, false, nil},
		{"beside-vanishing", "beside subscribers that vanish and return ten times a second", load.Vanishing, func(s Scale) int { return max(s.Slow/10, 1) }, false, nil},
		{"beside-flooding", "beside two publishers that flood", load.Flooding, func(Scale) int { return 2 }, false, nil},
		{"beside-many", "beside very many subscribers that do not read", load.Stalled, func(s Scale) int { return s.Idle }, true, []brokers.Kind{brokers.FitMQ}},
	}
}

func besideWorkloads() []Workload {
	var list []Workload
	for _, x := range nuisances() {
		list = append(list, Workload{Name: x.name, Title: x.title, Only: x.only, run: func(_ context.Context, env *Env, p *brokers.Process) (Values, error) {
			return beside(env, p, x)
		}})
	}
	return list
}

// fillMessages of 4 KiB are more than a socket and any buffer of a connection take.
const fillMessages = 1000

// beside measures the latency of the well-behaved alone and then beside the
// others, who are subscribed to the same messages.
func beside(env *Env, p *brokers.Process, x nuisance) (Values, error) {
	t, err := load.OpenTraffic(p.MQTT, besidePlan)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	pace := 2 * env.Scale.Pace
	if _, err := t.Pace(besidePace, pace/4); err != nil { // warm
		return nil, err
	}
	alone, err := t.Pace(besidePace, pace)
	if err != nil {
		return nil, err
	}
	others, err := load.OpenNuisance(p.MQTT, "bench/#", x.how, x.clients(env.Scale))
	if err != nil {
		return nil, err
	}
	defer others.Close()
	if x.filled {
		for qos := range byte(2) {
			if err := others.Fill("bench/fill", qos, fillMessages); err != nil {
				return nil, err
			}
		}
		if _, err := t.Pace(1, time.Second); err != nil { // what is under way settles
			return nil, err
		}
	}
	with, err := t.Pace(besidePace, pace)
	if err != nil {
		return nil, err
	}
	rss, err := p.Peak()
	f := t.Faults()
	return Values{
		Alone: milliseconds(alone.Quantile(0.99)), Beside: milliseconds(with.Quantile(0.99)), RSS: megabytes(rss),
		Lost: float64(f.Lost + f.Strange), Repeated: float64(f.Repeated),
	}, err
}
