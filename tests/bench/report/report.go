//go:build linux

package report

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/tests/bench/brokers"
	"github.com/fitmq/fitmq/tests/bench/workload"
)

// Report is all that a run has to tell.
type Report struct {
	Machine   string
	Versions  map[brokers.Kind]string
	Scale     workload.Scale
	Repeat    int
	Command   string
	Workloads []workload.Workload
	Kinds     []brokers.Kind
	Results   Results
	Date      time.Time
}

// method says how the figures come about, notes what they mean; both are part
// of the page.
var (
	//go:embed method.md
	method string
	//go:embed notes.md
	notes string
)

// Text is the tables for a terminal.
func (r Report) Text() string {
	var b strings.Builder
	for _, t := range r.tables() {
		b.WriteString(t.text())
	}
	return b.String()
}

// Markdown is the page.
func (r Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\n<!-- written by `make bench` -->\n\n%s\n", method)
	fmt.Fprintf(&b, "## This run\n\n%s, %s. Median of %d, memory and start-up once. `%s`\n\n", r.Date.UTC().Format(time.DateOnly), r.Machine, r.Repeat, r.Command)
	for _, k := range r.Kinds {
		fmt.Fprintf(&b, "- %s: %s\n", k, r.Versions[k])
	}
	b.WriteString("\n")
	for _, t := range r.tables() {
		b.WriteString(t.markdown())
	}
	b.WriteString(notes)
	return b.String()
}

func (r Report) tables() []table {
	var list []table
	for _, t := range []table{r.traffic(), r.latency(), r.beside(), r.idle(), r.queues(), r.startup(), r.aims(), r.faults()} {
		if len(t.rows) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// rows makes a row of each workload that has the metric: its title, a cell for
// each broker, and ours compared with the best peer's.
func (r Report) rows(m workload.Metric, cell func(name string, k brokers.Kind) string, names ...string) [][]string {
	var rows [][]string
	for _, w := range r.Workloads {
		if len(names) > 0 && !slices.Contains(names, w.Name) || !r.measured(w.Name, m) {
			continue
		}
		row := []string{w.Title}
		for _, k := range r.Kinds {
			row = append(row, cell(w.Name, k))
		}
		rows = append(rows, append(row, r.ratio(w.Name, m)))
	}
	return rows
}

func (r Report) measured(name string, m workload.Metric) bool {
	return slices.ContainsFunc(r.Kinds, func(k brokers.Kind) bool {
		_, ok := r.Results.Median(name, k, m)
		return ok
	})
}

// ratio is ours as a share of the best peer's.
func (r Report) ratio(name string, m workload.Metric) string {
	ours, ok := r.Results.Median(name, brokers.FitMQ, m)
	kind, best, found := r.Results.BestPeer(name, m)
	if !ok || !found || best == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f of %s", ours/best, kind)
}

// value formats a metric of a broker, "-" where there is none.
func (r Report) value(name string, k brokers.Kind, m workload.Metric, format func(float64) string) string {
	v, ok := r.Results.Median(name, k, m)
	if !ok {
		return "-"
	}
	return format(v)
}

func (r Report) head(first string) []string {
	head := []string{first}
	for _, k := range r.Kinds {
		head = append(head, string(k))
	}
	return append(head, "fitmq to best peer")
}

func (r Report) traffic() table {
	return table{
		title: "Processor time of the broker, microseconds a delivery (deliveries a second)",
		head:  r.head(""),
		rows: r.rows(workload.CPU, func(name string, k brokers.Kind) string {
			return pair(r.value(name, k, workload.CPU, digits), r.value(name, k, workload.Rate, count))
		}),
	}
}

func (r Report) latency() table {
	return table{
		title: "Latency at a steady rate, milliseconds, median and 99 % (the last row: as fast as each can)",
		head:  r.head(""),
		rows: r.rows(workload.P99, func(name string, k brokers.Kind) string {
			return r.value(name, k, workload.P50, digits) + " / " + r.value(name, k, workload.P99, digits)
		}),
	}
}

// beside shows what others notice of clients that misbehave.
func (r Report) beside() table {
	return table{
		title: "Latency of 20 subscribers, 99 %, milliseconds: alone, then while others misbehave (most memory, MB)",
		head:  r.head(""),
		rows: r.rows(workload.Beside, func(name string, k brokers.Kind) string {
			both := r.value(name, k, workload.Alone, digits) + ", " + r.value(name, k, workload.Beside, digits)
			return pair(both, r.value(name, k, workload.RSS, count))
		}),
	}
}

func (r Report) idle() table {
	return table{
		title: fmt.Sprintf("Memory of an idle connection, kB (%d connections; connected a second)", r.Scale.Idle),
		head:  r.head(""),
		rows: r.rows(workload.Memory, func(name string, k brokers.Kind) string {
			return pair(r.value(name, k, workload.Memory, digits), r.value(name, k, workload.Rate, count))
		}),
	}
}

// queues turns the table round: a row for each number of the one workload.
func (r Report) queues() table {
	const name = "offline"
	t := table{title: fmt.Sprintf("A queue of %d messages, QoS 1, for an absent client", r.Scale.Queued), head: r.head("")}
	t.head = t.head[:len(t.head)-1]
	for _, line := range []struct {
		title  string
		metric workload.Metric
		format func(float64) string
	}{
		{"acknowledged a second", workload.In, count},
		{"delivered a second on return", workload.Out, count},
		{"processor time in, us a message", workload.CPUIn, digits},
		{"processor time out, us a message", workload.CPUOut, digits},
		{"killed, and serving again after, s", workload.Startup, digits},
		{"lost, or after a later one", workload.Lost, count},
		{"repeated or out of order", workload.Repeated, count},
	} {
		if !r.measured(name, line.metric) {
			continue
		}
		row := []string{line.title}
		for _, k := range r.Kinds {
			row = append(row, r.value(name, k, line.metric, line.format))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (r Report) startup() table {
	t := table{
		title: fmt.Sprintf("fitmq killed and started with %d messages waiting for %d sessions", r.Scale.Sessions*r.Scale.SessionMessages, r.Scale.Sessions),
		head:  []string{"serving after, s", "memory, MB", "most memory, MB", "taken in a second", "lost", "repeated"},
	}
	if r.measured("startup", workload.Startup) {
		v := func(m workload.Metric, f func(float64) string) string {
			return r.value("startup", brokers.FitMQ, m, f)
		}
		t.rows = append(t.rows, []string{v(workload.Startup, digits), v(workload.RSS, count), v(workload.Peak, count), v(workload.In, count), v(workload.Lost, count), v(workload.Repeated, count)})
	}
	return t
}

// faults lists who lost, repeated, or failed: a good figure is none then.
func (r Report) faults() table {
	t := table{title: "What went wrong", head: []string{"workload", "broker", "lost", "repeated or out of order", "failed"}}
	for _, w := range r.Workloads {
		for _, k := range r.Kinds {
			lost, repeated := r.value(w.Name, k, workload.Lost, count), r.value(w.Name, k, workload.Repeated, count)
			failed := r.Results.failure(w.Name, k)
			if (lost == "-" || lost == "0") && (repeated == "-" || repeated == "0") && failed == "" {
				continue
			}
			t.rows = append(t.rows, []string{w.Title, string(k), lost, repeated, failed})
		}
	}
	return t
}
