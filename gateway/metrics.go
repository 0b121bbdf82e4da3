package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests of the REST interface by route. A nil one counts nothing.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
	evicted  prometheus.Counter
	cuts     prometheus.Counter
	backups  *prometheus.CounterVec
	backup   struct{ bytes, time prometheus.Gauge } // of the last one
}

func newMetrics(r *prometheus.Registry) (*metrics, error) {
	if r == nil {
		return nil, nil
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fitmq_http_requests_total", Help: "Requests of the REST interface by route, method and status."},
			[]string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fitmq_http_request_seconds", Help: "Time to answer a request of the REST interface, by route.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2, 10}},
			[]string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fitmq_http_panics_total", Help: "Requests that ended in a panic."}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fitmq_http_idempotency_evicted_total", Help: "Answers to requests with an Idempotency-Key that were forgotten before their day was over, because there were too many."}),
		cuts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fitmq_streams_cut_total", Help: "Event streams that ended because the client took nothing of what was written for 30 s."}),
	}
	m.backups = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fitmq_backups_total", Help: "Backups by result: done, or failed."}, []string{"result"})
	m.backup.bytes = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fitmq_backup_last_bytes", Help: "Size of the last whole backup since the start."})
	m.backup.time = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fitmq_backup_last_timestamp_seconds", Help: "When the last whole backup ended, in seconds since 1970; 0 for none since the start."})
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.panics, m.evicted, m.cuts, m.backups, m.backup.bytes, m.backup.time} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// observe counts one request. Routes and their methods are a closed set, so
// that nobody can make label values.
func (m *metrics) observe(route, method string, status int, d time.Duration) {
	if m == nil {
		return
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(d.Seconds())
}

func (m *metrics) panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

// backedUp counts a backup that was begun.
func (m *metrics) backedUp(bytes int64, err error) {
	switch {
	case m == nil:
	case err != nil:
		m.backups.WithLabelValues("failed").Inc()
	default:
		m.backups.WithLabelValues("done").Inc()
		m.backup.bytes.Set(float64(bytes))
		m.backup.time.SetToCurrentTime()
	}
}

func (m *metrics) forgotten() {
	if m != nil {
		m.evicted.Inc()
	}
}

// cut counts a stream whose client took nothing any more.
func (m *metrics) cut() {
	if m != nil {
		m.cuts.Inc()
	}
}
