//go:build linux

// Package report makes tables of what was measured, and says which aims are
// reached.
package report

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/workload"
)

// key is a cell of a table.
type key struct {
	workload string
	kind     brokers.Kind
}

// cell is all runs of a workload with a broker.
type cell struct {
	runs []workload.Values
	errs []error
}

// Results are all runs.
type Results map[key]*cell

// Add adds a run.
func (r Results) Add(name string, kind brokers.Kind, v workload.Values, err error) {
	c := r[key{name, kind}]
	if c == nil {
		c = &cell{}
		r[key{name, kind}] = c
	}
	if err != nil {
		c.errs = append(c.errs, err)
		return
	}
	c.runs = append(c.runs, v)
}

// Median is the middle value of the runs that succeeded; ok is false when none
// did or none has the metric. Faults are not averaged away: of Lost and
// Repeated it is the worst.
func (r Results) Median(name string, kind brokers.Kind, m workload.Metric) (v float64, ok bool) {
	c := r[key{name, kind}]
	if c == nil {
		return 0, false
	}
	var all []float64
	for _, run := range c.runs {
		if v, ok := run[m]; ok {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	if m == workload.Lost || m == workload.Repeated {
		return all[len(all)-1], true
	}
	return all[len(all)/2], true
}

// BestPeer is the peer with the least of a metric.
func (r Results) BestPeer(name string, m workload.Metric) (kind brokers.Kind, v float64, ok bool) {
	for _, k := range brokers.Kinds()[1:] {
		if x, has := r.Median(name, k, m); has && (!ok || x < v) {
			kind, v, ok = k, x, true
		}
	}
	return kind, v, ok
}

// Err is what failed of fitmq. A peer that fails is part of the comparison.
func (r Results) Err() error {
	var errs []error
	for k, c := range r {
		if k.kind == brokers.FitMQ {
			errs = append(errs, c.errs...)
		}
	}
	return errors.Join(errs...)
}

// Line is a run in one line.
func Line(v workload.Values, err error) string {
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, m := range slices.Sorted(maps.Keys(v)) {
		parts = append(parts, fmt.Sprintf("%s %.3g", m, v[m]))
	}
	return strings.Join(parts, ", ")
}

// failure is the first error of a cell, without the broker's log, or "".
func (r Results) failure(name string, kind brokers.Kind) string {
	c := r[key{name, kind}]
	if c == nil || len(c.errs) == 0 {
		return ""
	}
	text, _, _ := strings.Cut(c.errs[0].Error(), "; log:")
	if len(c.runs) > 0 {
		return fmt.Sprintf("%d of %d runs: %s", len(c.errs), len(c.errs)+len(c.runs), text)
	}
	return text
}
