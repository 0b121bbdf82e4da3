//go:build linux

package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/report"
	"github.com/fitmq/fitmq/tests/bench/workload"
)

func results(ours float64) report.Results {
	r := report.Results{}
	for _, v := range []float64{ours, ours * 10, ours / 10} {
		r.Add("pairs-q0", brokers.FitMQ, workload.Values{workload.CPU: v, workload.Rate: 1e6}, nil)
	}
	r.Add("pairs-q0", brokers.NATS, workload.Values{workload.CPU: 2, workload.Rate: 5e5}, nil)
	r.Add("pairs-q0", brokers.Mosquitto, workload.Values{workload.CPU: 12, workload.Rate: 8e4, workload.Lost: 7}, nil)
	r.Add("pairs-q0", brokers.Mochi, nil, errors.New("it fell over; log: long"))
	return r
}

func TestResults_Median(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		if got, ok := results(0.5).Median("pairs-q0", brokers.FitMQ, workload.CPU); !ok || got != 0.5 {
			t.Errorf("got %v, %v, want 0.5", got, ok)
		}
	})
	t.Run("OKWorstFault", func(t *testing.T) {
		r := report.Results{}
		for _, lost := range []float64{0, 3, 0} {
			r.Add("offline", brokers.Mochi, workload.Values{workload.Lost: lost}, nil)
		}
		if got, _ := r.Median("offline", brokers.Mochi, workload.Lost); got != 3 {
			t.Errorf("got %v, want the worst, 3", got)
		}
	})
	t.Run("ErrNone", func(t *testing.T) {
		if got, ok := results(1).Median("pairs-q0", brokers.Mochi, workload.CPU); ok {
			t.Errorf("got %v of a broker that failed", got)
		}
	})
}

func TestResults_Err(t *testing.T) {
	r := results(1)
	if err := r.Err(); err != nil {
		t.Errorf("got %v: a peer's failure is part of the comparison", err)
	}
	r.Add("pairs-q0", brokers.FitMQ, nil, errors.New("no"))
	if r.Err() == nil {
		t.Error("our own failure is not told")
	}
}

func TestReport_Markdown(t *testing.T) {
	var pairs workload.Workload
	for _, w := range workload.All() {
		if w.Name == "pairs-q0" {
			pairs = w
		}
	}
	for _, tt := range []struct {
		name string
		ours float64
		want []string
	}{
		{"OKReached", 0.5, []string{"| 0.50 (1.0 M) |", "0.25 of nats", "| at most 0.4 | 0.25 | yes |", "| mosquitto | 7 |", "it fell over"}},
		{"OKNotReached", 1, []string{"0.50 of nats", "| at most 0.4 | 0.50 | no |"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := report.Report{
				Kinds: brokers.Kinds(), Workloads: []workload.Workload{pairs}, Results: results(tt.ours),
				Scale: workload.Full, Repeat: 3, Date: time.Unix(0, 0),
			}.Markdown()
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("page lacks %q:\n%s", want, got)
				}
			}
			if strings.Contains(got, "log: long") {
				t.Error("page holds a broker's log")
			}
		})
	}
}
