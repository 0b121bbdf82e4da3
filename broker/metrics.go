package broker

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/hooks"
	"github.com/fitmq/fitmq/transport"
	"github.com/fitmq/fitmq/webhook"
)

// metrics reads the rooms' own counters when Prometheus asks.
type metrics struct {
	b     *Broker
	descs map[string]*prometheus.Desc
}

// metricNames are the metrics with their help and labels. docs/operations.md
// lists them.
var metricNames = []struct{ name, help, label string }{
	{"fitmq_messages_received_total", "PUBLISH packets received, by QoS.", "qos"},
	{"fitmq_messages_delivered_total", "PUBLISH packets sent to subscribers, by QoS.", "qos"},
	{"fitmq_publishes_refused_total", "Publishes refused, by reason.", "reason"},
	{"fitmq_subscriptions_refused_total", "Subscriptions refused.", ""},
	{"fitmq_deliveries_dropped_total", "Deliveries given up, by reason.", "reason"},
	{"fitmq_commits_total", "Batches committed to the log.", ""},
	{"fitmq_commit_failures_total", "Batches that could not be committed.", ""},
	{"fitmq_records_committed_total", "Records committed to the log.", ""},
	{"fitmq_wills_total", "Wills published.", ""},
	{"fitmq_sessions_expired_total", "Sessions that outlived their expiry interval.", ""},
	{"fitmq_sessions", "Sessions, connected or not.", ""},
	{"fitmq_clients_connected", "Connected clients, by MQTT or event stream.", ""},
	{"fitmq_streams", "Event streams open now.", ""},
	{"fitmq_streams_opened_total", "Event streams opened.", ""},
	{"fitmq_streams_overflowed_total", "Event streams ended because too much waited for their clients.", ""},
	{"fitmq_subscriptions", "Subscriptions in force.", ""},
	{"fitmq_retained_messages", "Retained messages.", ""},
	{"fitmq_retained_bytes", "Memory that retained messages count for, in bytes.", ""},
	{"fitmq_waiting_bytes", "What waits in memory for connected clients, as of the last second, in bytes.", ""},
	{"fitmq_memory_short_total", "Times that more waited in memory than sessions.memory allows.", ""},
	{"fitmq_log_bytes", "What the log takes on the disk, in bytes.", ""},
	{"fitmq_log_files", "Files of the log.", ""},
	{"fitmq_tables_bytes", "What the tables take on the disk, in bytes.", ""},
	{"fitmq_disk_free_bytes", "What is left on the data directory's disk, in bytes; absent where the system does not tell.", ""},
	{"fitmq_commit_last_timestamp_seconds", "When messages were last committed, in seconds since 1970; 0 for never since the start.", ""},
	{"fitmq_traces", "Clients that are traced now.", ""},
	{"fitmq_traces_refused_total", "Traces refused, because 16 clients were traced.", ""},
	{"fitmq_traces_idle_ended_total", "Traces that ended because nobody read them for two minutes.", ""},
	{"fitmq_trace_events_pushed_out_total", "Events of traces that had to go: a trace keeps 500.", ""},
	{"fitmq_refusals_forgotten_total", "Refusals that the console's list has no room for any more, by kind.", "kind"},
	{"fitmq_connections_total", "Connections accepted.", ""},
	{"fitmq_connections", "Connections open now.", ""},
	{"fitmq_connections_refused_total", "Connections closed or refused before a session, by reason.", "reason"},
	{"fitmq_connections_ended_total", "Connections that the broker ended, by reason.", "reason"},
	{"fitmq_connections_delayed_total", "Connections held back by the limit on their address's rate, and then let in.", ""},
	{"fitmq_publish_pauses_total", "Times that a connection was not read for a moment, because it publishes over its rate.", ""},
	{"fitmq_connection_panics_total", "Panics recovered, each ending one connection.", ""},
	{"fitmq_certificate_expiry_timestamp_seconds", "When the certificate in force ends, by listener.", "listener"},
	{"fitmq_certificate_reads_total", "Times that certificate files were read, by listener.", "listener"},
	{"fitmq_certificate_failures_total", "Changed certificate files that could not be used, by listener; the old ones stay in force.", "listener"},
	{"fitmq_accept_errors_total", "Failed accepts.", ""},
	{"fitmq_received_bytes_total", "Bytes read from MQTT sockets.", ""},
	{"fitmq_sent_bytes_total", "Bytes written to MQTT sockets.", ""},
	{"fitmq_websocket_compressed_total", "WebSocket connections that agreed to compression.", ""},
	{"fitmq_socket_writes_total", "Writes to MQTT sockets.", ""},
	{"fitmq_sign_ins_total", "Attempts to sign in, by result.", "result"},
	{"fitmq_notifications_total", "Notifications, by what became of them.", "result"},
	{"fitmq_session_joins_refused_total", "Joins of live sessions refused, by reason.", "reason"},
	{"fitmq_milestones_total", "Milestones of live workouts told.", ""},
	{"fitmq_events_dropped_total", "Events of sessions and awards not published, for their number.", ""},
	{"fitmq_password_checks_total", "Passwords checked: hashed, or found among recent successes.", "result"},
	{"fitmq_match_total", "Partner matching, by what happened.", "event"},
	{"fitmq_match_beacons", "Live beacons.", ""},
	{"fitmq_webhook_attempts_total", "Posts to webhooks that were answered, or not, by webhook.", "webhook"},
	{"fitmq_webhook_failures_total", "Of those, what was not taken, by webhook.", "webhook"},
	{"fitmq_webhook_given_up_total", "Events that a webhook did not take in the end, by webhook.", "webhook"},
	{"fitmq_webhook_waiting", "Events that wait for a webhook, by webhook.", "webhook"},
	{"fitmq_webhook_events_dropped_total", "Events that found no room, by where: before a save, or in the queue.", "where"},
	{"fitmq_log_position", "Last position of the log.", ""},
	{"fitmq_store_ready", "1 while the store can write.", ""},
}

func registerMetrics(r *prometheus.Registry, b *Broker) error {
	m := &metrics{b: b, descs: map[string]*prometheus.Desc{}}
	for _, n := range metricNames {
		var labels []string
		if n.label != "" {
			labels = []string{n.label}
		}
		m.descs[n.name] = prometheus.NewDesc(n.name, n.help, labels, nil)
	}
	for _, c := range []prometheus.Collector{m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	out := sink{m: m, ch: ch}
	out.delivery(m.b.hub.Stats(), m.b.hub.Gauges())
	out.transport(m.b.transport.Stats())
	out.certificates("mqtt", m.b.edge.mqttCerts)
	out.certificates("http", m.b.edge.webCerts)
	door := m.b.door.Stats()
	out.counter("fitmq_sign_ins_total", float64(door.Admitted), "admitted")
	out.counter("fitmq_sign_ins_total", float64(door.Refused), "refused")
	out.counter("fitmq_sign_ins_total", float64(door.Throttled), "throttled")
	out.counter("fitmq_sign_ins_total", float64(door.Unavailable), "unavailable")
	fit := m.b.engine.Stats()
	out.notifications(fit)
	out.matching(fit)
	out.webhooks(m.b.webhooks, fit.HappeningsDropped)
	out.counter("fitmq_session_joins_refused_total", float64(fit.JoinsRefused), "capacity")
	out.counter("fitmq_session_joins_refused_total", float64(fit.RosterDropped), "members")
	out.counter("fitmq_milestones_total", float64(fit.Milestones))
	out.counter("fitmq_events_dropped_total", float64(fit.EventsDropped))
	passwords := m.b.users.Stats()
	out.counter("fitmq_password_checks_total", float64(passwords.Hashed), "hashed")
	out.counter("fitmq_password_checks_total", float64(passwords.Cached), "cached")
	out.console(m.b)
	pos, ready := m.b.store.Applied()
	out.gauge("fitmq_log_position", float64(pos))
	out.gauge("fitmq_store_ready", map[bool]float64{true: 1}[ready])
}

type sink struct {
	m  *metrics
	ch chan<- prometheus.Metric
}

func (s sink) counter(name string, v float64, label ...string) {
	s.ch <- prometheus.MustNewConstMetric(s.m.descs[name], prometheus.CounterValue, v, label...)
}

func (s sink) gauge(name string, v float64) {
	s.ch <- prometheus.MustNewConstMetric(s.m.descs[name], prometheus.GaugeValue, v)
}

func (s sink) certificates(listener string, c *transport.Certificates) {
	if c == nil {
		return
	}
	s.ch <- prometheus.MustNewConstMetric(s.m.descs["fitmq_certificate_expiry_timestamp_seconds"], prometheus.GaugeValue, float64(c.Expires().Unix()), listener)
	s.counter("fitmq_certificate_reads_total", float64(c.Loads()), listener)
	s.counter("fitmq_certificate_failures_total", float64(c.Failures()), listener)
}

func (s sink) delivery(st *delivery.Stats, g delivery.Gauges) {
	for qos := range st.Received {
		s.counter("fitmq_messages_received_total", float64(st.Received[qos].Load()), strconv.Itoa(qos))
		s.counter("fitmq_messages_delivered_total", float64(st.Delivered[qos].Load()), strconv.Itoa(qos))
	}
	s.counter("fitmq_publishes_refused_total", float64(st.Refused.NoRight.Load()), "no_right")
	s.counter("fitmq_publishes_refused_total", float64(st.Refused.Meaning.Load()), "payload")
	s.counter("fitmq_publishes_refused_total", float64(st.Refused.Retained.Load()), "retained_full")
	s.counter("fitmq_publishes_refused_total", float64(st.Refused.Rate.Load()), "rate")
	s.counter("fitmq_subscriptions_refused_total", float64(st.Refused.Subscription.Load()))
	d := &st.Dropped
	s.counter("fitmq_deliveries_dropped_total", float64(d.Congested.Load()), "congested")
	s.counter("fitmq_deliveries_dropped_total", float64(d.QueueFull.Load()), "queue_full")
	s.counter("fitmq_deliveries_dropped_total", float64(d.Expired.Load()), "expired")
	s.counter("fitmq_deliveries_dropped_total", float64(d.TooLarge.Load()), "too_large")
	s.counter("fitmq_deliveries_dropped_total", float64(d.NoRight.Load()), "no_right")
	s.counter("fitmq_deliveries_dropped_total", float64(d.Damaged.Load()), "damaged")
	s.counter("fitmq_commits_total", float64(st.Commit.Batches.Load()))
	s.counter("fitmq_records_committed_total", float64(st.Commit.Records.Load()))
	s.counter("fitmq_commit_failures_total", float64(st.Commit.Failed.Load()))
	s.counter("fitmq_wills_total", float64(st.Wills.Load()))
	s.counter("fitmq_sessions_expired_total", float64(st.SessionsExpired.Load()))
	s.gauge("fitmq_sessions", float64(g.Sessions))
	s.gauge("fitmq_clients_connected", float64(g.Connected))
	s.gauge("fitmq_streams", float64(g.Streams))
	s.counter("fitmq_streams_opened_total", float64(st.Streams.Opened.Load()))
	s.counter("fitmq_streams_overflowed_total", float64(st.Streams.Overflows.Load()))
	s.gauge("fitmq_subscriptions", float64(g.Subscriptions))
	s.gauge("fitmq_retained_messages", float64(g.Retained))
	s.gauge("fitmq_retained_bytes", float64(g.RetainedBytes))
	s.gauge("fitmq_waiting_bytes", float64(g.Held))
	s.gauge("fitmq_log_bytes", float64(g.LogBytes))
	s.counter("fitmq_memory_short_total", float64(st.MemoryShort.Load()))
}

// console counts what operators look at, and the storage.
func (s sink) console(b *Broker) {
	traces := b.hub.TraceStats()
	s.gauge("fitmq_traces", float64(traces.Traces))
	s.counter("fitmq_traces_refused_total", float64(traces.Refused))
	s.counter("fitmq_traces_idle_ended_total", float64(traces.Idled))
	s.counter("fitmq_trace_events_pushed_out_total", float64(traces.PushedOut))
	acts, signIns := b.refusals.forgotten()
	s.counter("fitmq_refusals_forgotten_total", float64(acts), "right")
	s.counter("fitmq_refusals_forgotten_total", float64(signIns), "sign_in")
	u := b.store.Usage()
	s.gauge("fitmq_log_files", float64(u.LogFiles))
	s.gauge("fitmq_tables_bytes", float64(u.TablesBytes))
	if u.DiskSize > 0 {
		s.gauge("fitmq_disk_free_bytes", float64(u.DiskFree))
	}
	s.gauge("fitmq_commit_last_timestamp_seconds", float64(b.hub.Stats().Commit.LastAt.Load())/1e9)
}

func (s sink) notifications(st engine.Stats) {
	for result, n := range map[string]uint64{
		"taken": st.NotesTaken, "delivered": st.NotesDelivered, "replaced": st.NotesReplaced, "pushed_out": st.NotesPushedOut,
		"unwanted": st.NotesUnwanted, "dropped": st.NotesDropped, "failed": st.NotesFailed,
	} {
		s.counter("fitmq_notifications_total", float64(n), result)
	}
}

func (s sink) matching(st engine.Stats) {
	for event, n := range map[string]uint64{
		"beacon": st.MatchBeacons, "teleport": st.MatchTeleports, "proposal": st.MatchProposals, "held_back": st.MatchHeldBack, "match": st.MatchesMade,
	} {
		s.counter("fitmq_match_total", float64(n), event)
	}
	s.gauge("fitmq_match_beacons", float64(st.Beacons))
}

func (s sink) webhooks(w *webhook.Sender, unsaved uint64) {
	for _, st := range w.Status() {
		s.counter("fitmq_webhook_attempts_total", float64(st.Attempts), st.Name)
		s.counter("fitmq_webhook_failures_total", float64(st.Failed), st.Name)
		s.counter("fitmq_webhook_given_up_total", float64(st.GivenUp), st.Name)
		s.ch <- prometheus.MustNewConstMetric(s.m.descs["fitmq_webhook_waiting"], prometheus.GaugeValue, float64(st.Waiting), st.Name)
	}
	s.counter("fitmq_webhook_events_dropped_total", float64(unsaved), "unsaved")
	s.counter("fitmq_webhook_events_dropped_total", float64(w.Dropped()), "queue")
}

func (s sink) transport(st *transport.Stats) {
	s.counter("fitmq_connections_total", float64(st.Accepted.Load()))
	s.gauge("fitmq_connections", float64(st.Open.Load()))
	s.counter("fitmq_connections_refused_total", float64(st.RefusedFull.Load()), "full")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedAddress.Load()), "address_limit")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedRate.Load()), "connect_rate")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedTLS.Load()), "tls_handshake")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedProxy.Load()), "proxy_header")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedWeb.Load()), "http_on_mqtt_port")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedMQTT.Load()), "mqtt_on_http_port")
	s.counter("fitmq_connections_refused_total", float64(st.RefusedHTTP.Load()), "upgrade")
	s.counter("fitmq_connections_refused_total", float64(st.ConnectTimeout.Load()), "connect_timeout")
	for code := range st.Refused {
		if n := st.Refused[code].Load(); n > 0 {
			s.counter("fitmq_connections_refused_total", float64(n), wire.Code(code).String())
		}
	}
	s.counter("fitmq_connections_ended_total", float64(st.Oversize.Load()), "packet_too_large")
	s.counter("fitmq_connections_ended_total", float64(st.Overflows.Load()), "buffer_full")
	s.counter("fitmq_connections_ended_total", float64(st.WriteTimeouts.Load()), "write_timeout")
	s.counter("fitmq_connections_ended_total", float64(st.SlowCloses.Load()), "slow_close")
	s.counter("fitmq_connections_ended_total", float64(st.KeepAliveTimeouts.Load()), "keep_alive_timeout")
	s.counter("fitmq_connections_delayed_total", float64(st.ConnectsDelayed.Load()))
	s.counter("fitmq_publish_pauses_total", float64(st.PublishPauses.Load()))
	s.counter("fitmq_connection_panics_total", float64(st.Panics.Load()))
	s.counter("fitmq_accept_errors_total", float64(st.AcceptErrors.Load()))
	s.counter("fitmq_received_bytes_total", float64(st.BytesIn.Load()))
	s.counter("fitmq_sent_bytes_total", float64(st.BytesOut.Load()))
	s.counter("fitmq_websocket_compressed_total", float64(st.Compressed.Load()))
	s.counter("fitmq_socket_writes_total", float64(st.Writes.Load()))
}

// figures are what $SYS tells.
func (b *Broker) figures() hooks.Figures {
	st, g, edge := b.hub.Stats(), b.hub.Gauges(), b.transport.Stats()
	f := hooks.Figures{
		Connected: int64(g.Connected), Sessions: int64(g.Sessions), Subscriptions: int64(g.Subscriptions), Retained: int64(g.Retained),
		BytesReceived: edge.BytesIn.Load(), BytesSent: edge.BytesOut.Load(),
	}
	for qos := range st.Received {
		f.MessagesReceived += int64(st.Received[qos].Load())
		f.MessagesSent += int64(st.Delivered[qos].Load())
	}
	f.MessagesDropped = int64(st.DroppedTotal())
	return f
}

func (b *Broker) publishSys(topic, value string) {
	b.hub.Publish(&delivery.Message{Topic: topic, Payload: []byte(value), QoS: 1, Retain: true, State: true}, "")
}
