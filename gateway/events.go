package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"github.com/fitmq/fitmq/topics"
)

const (
	// streamPart is how much is written to a stream under one deadline, in bytes: a
	// slow client gets fresh time for each part, one that takes nothing does not.
	streamPart = 16 << 10
	// retryHint is after how many milliseconds a client should come again; as much
	// again is added by chance when the server goes down, so that not all come at
	// once.
	retryHint = 1000
	// defaultExpiry keeps a new session for a day after its stream has ended.
	defaultExpiry = 24 * 3600
	// maxClientID is MQTT's bound here, in bytes.
	maxClientID = 256
	// maxStreamFilters bounds what one request names.
	maxStreamFilters = 100
)

// streamLimits counts the open streams: all of them, and each user's.
type streamLimits struct {
	mu     sync.Mutex // guards the fields below
	open   int
	byUser map[string]int
}

// enter counts one more; it is refused over the bounds.
func (l *streamLimits) enter(user string, all, each int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var p *Problem
	switch {
	case l.open >= all:
		p = problem(http.StatusServiceUnavailable, "%d event streams are open, more are not served here", all)
	case l.byUser[user] >= each && user != "":
		p = problem(http.StatusTooManyRequests, "%d event streams of this user are open, which is the limit", each)
	default:
		l.open++
		if l.byUser == nil {
			l.byUser = map[string]int{}
		}
		l.byUser[user]++
		return nil
	}
	p.retryAfter = "10"
	return p
}

func (l *streamLimits) leave(user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.byUser[user]--; l.byUser[user] == 0 {
		delete(l.byUser, user)
	}
}

// events serves GET /events: the session of ?clientId= as Server-Sent Events.
func (g *Gateway) events(w http.ResponseWriter, r *http.Request) {
	const route = apiPrefix + "/events"
	start := time.Now()
	req := request{Request: r}
	st, out, err := g.openEvents(w, &req)
	if err != nil {
		p := problemOf(err)
		g.metrics.observe(route, r.Method, p.Status, time.Since(start))
		g.logFailure(req, p, err)
		if p.Status == http.StatusForbidden {
			g.audit(req, "refused", p.Status, p.Detail)
		}
		p.write(w)
		return
	}
	defer g.streams.leave(req.id.UserID)
	defer st.Close()
	g.metrics.observe(route, r.Method, http.StatusOK, time.Since(start))
	if out.serve(g.draining, st) {
		g.metrics.cut()
	}
}

// openEvents takes the session over and writes what comes before its events.
func (g *Gateway) openEvents(w http.ResponseWriter, r *request) (st Stream, out *eventWriter, err error) {
	if r.Method != http.MethodGet {
		p := problem(http.StatusMethodNotAllowed, "a stream cannot be asked for its header alone")
		p.allow = "GET"
		return nil, nil, p
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.o.Limits.RequestTime)
	defer cancel()
	if r.id, err = g.signIn(r.WithContext(ctx), true); err != nil {
		return nil, nil, err
	}
	if err := queryFault(r.Request); err != nil {
		return nil, nil, err
	}
	ask, qos, err := g.streamRequest(r)
	if err != nil {
		return nil, nil, err
	}
	if err := g.streams.enter(r.id.UserID, g.o.Limits.Streams, g.o.Limits.StreamsPerUser); err != nil {
		return nil, nil, err
	}
	if st, err = g.o.Streams.OpenStream(ctx, ask); err != nil {
		g.streams.leave(r.id.UserID)
		return nil, nil, fmt.Errorf("open a stream: %w", err)
	}
	grants, err := subscribeNew(st, ask, qos)
	if err == nil {
		out, err = newEventWriter(w, r.Request, g.o.Limits)
	}
	if err == nil {
		err = out.opened(ask.ClientID, st, grants)
	}
	if err != nil {
		st.Close()
		g.streams.leave(r.id.UserID)
		return nil, nil, err
	}
	return st, out, nil
}

// subscribeNew subscribes to the filters that the session does not have, at ?qos=
// or 1, and to all of them where ?qos= says so or the client begins anew: without
// an event that it has, it wants what is retained.
func subscribeNew(st Stream, ask StreamRequest, qos int) ([]Grant, error) {
	had := st.Subscriptions()
	grants := make([]Grant, 0, len(ask.Filters))
	for _, filter := range ask.Filters {
		old, present := had[filter]
		want := byte(1)
		if present {
			want = old
		}
		if qos >= 0 {
			want = byte(qos)
		}
		if present && want == old && ask.Confirmed != "" {
			grants = append(grants, Grant{Filter: filter, Code: old})
			continue
		}
		got, err := st.Subscribe([]string{filter}, want)
		if err != nil {
			return nil, fmt.Errorf("subscribe: %w", err)
		}
		grants = append(grants, got...)
	}
	return grants, nil
}

// streamRequest reads the query; qos is -1 unless it is given.
func (g *Gateway) streamRequest(r *request) (StreamRequest, int, error) {
	q := r.URL.Query()
	ask := StreamRequest{
		Sender: r.id, Remote: r.RemoteAddr, ClientID: q.Get("clientId"), Lasting: true,
		Confirmed: r.Header.Get("Last-Event-ID"),
	}
	var faults []Fault
	add := func(f *Fault) {
		if f != nil {
			faults = append(faults, *f)
		}
	}
	for name := range q {
		switch name {
		case "clientId", "filter", "qos", "expiry", "lastEventId":
		default:
			add(&Fault{Detail: "unknown parameter " + quote(name), Parameter: clip(name)})
		}
	}
	if ask.Confirmed == "" {
		ask.Confirmed = q.Get("lastEventId")
	}
	if ask.ClientID == "" && !q.Has("clientId") {
		ask.ClientID, ask.Lasting = "http-"+ulid.Make().String(), false
	} else if why := badClientID(ask.ClientID); why != "" {
		add(&Fault{Detail: why, Parameter: "clientId"})
	}
	qos, fault := queryInt(q, "qos", 0, 2, -1)
	add(fault)
	expiry, fault := queryInt(q, "expiry", 0, math.MaxInt32, defaultExpiry)
	add(fault)
	ask.Expiry = uint32(expiry)
	for _, f := range streamFilters(q, &ask) {
		add(&f)
	}
	if len(faults) > 0 {
		return ask, 0, faulty(http.StatusBadRequest, faults)
	}
	return ask, qos, g.anyAllowed(r, ask.Filters)
}

func streamFilters(q url.Values, ask *StreamRequest) (faults []Fault) {
	seen := map[string]bool{}
	for _, filter := range q["filter"] {
		if _, _, _, err := topics.SplitShared(filter); err != nil {
			faults = append(faults, Fault{Detail: "filter: " + err.Error(), Parameter: "filter"})
		}
		if !seen[filter] {
			seen[filter] = true
			ask.Filters = append(ask.Filters, filter)
		}
	}
	if len(ask.Filters) > maxStreamFilters {
		faults = append(faults, Fault{Detail: fmt.Sprintf("%d filters, the limit is %d: subscribe to more with POST %s/subscribe", len(ask.Filters), maxStreamFilters, apiPrefix), Parameter: "filter"})
	}
	return faults
}

// anyAllowed refuses a stream none of whose filters is allowed; of several, the
// first event says which are not.
func (g *Gateway) anyAllowed(r *request, filters []string) error {
	reason := ""
	for _, filter := range filters {
		d := g.o.Policy.Subscribe(r.id, filter)
		if d.Allowed {
			return nil
		}
		reason = d.Reason
	}
	if reason == "" {
		return nil
	}
	return forbidden("%s", reason)
}

func badClientID(id string) string {
	switch {
	case id == "":
		return "clientId is empty"
	case len(id) > maxClientID:
		return fmt.Sprintf("clientId has %d bytes, the limit is %d", len(id), maxClientID)
	case !utf8.ValidString(id) || bytes.ContainsFunc([]byte(id), func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "clientId is not printable UTF-8"
	}
	return ""
}

// eventWriter writes a stream of events to a client. One goroutine uses it.
type eventWriter struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	ctx     context.Context
	limits  Limits
	stalled bool // the last write ended at its deadline
	b       bytes.Buffer
}

func newEventWriter(w http.ResponseWriter, r *http.Request, limits Limits) (*eventWriter, error) {
	out := &eventWriter{w: w, rc: http.NewResponseController(w), ctx: r.Context(), limits: limits}
	// The server's own limits are those of a request; a stream has no end.
	if err := out.rc.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("prepare a stream: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would gather events otherwise
	w.WriteHeader(http.StatusOK)
	return out, nil
}

// opened writes the retry hint and the event that says what the client got.
func (o *eventWriter) opened(clientID string, st Stream, grants []Grant) error {
	fmt.Fprintf(&o.b, "retry: %d\n\n", retryHint)
	o.event("open", struct {
		ClientID       string  `json:"clientId"`
		SessionPresent bool    `json:"sessionPresent"`
		Filters        []Grant `json:"filters"`
	}{clientID, st.Present(), grants})
	return o.flush()
}

// event adds an event without an id. v is a value that has a JSON form.
func (o *eventWriter) event(name string, v any) {
	o.b.WriteString("event: " + name + "\ndata: ")
	enc := json.NewEncoder(&o.b) // ends with a line feed
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		o.b.WriteString("null\n") // cannot be
	}
	o.b.WriteByte('\n')
}

// message adds a message.
func (o *eventWriter) message(e *Event) {
	o.b.WriteString("id: " + e.ID + "\n")
	o.event("message", struct {
		Topic string `json:"topic"`
		payloadMembers
		QoS    byte        `json:"qos"`
		Retain bool        `json:"retain"`
		Dup    bool        `json:"dup,omitempty"`
		Props  *Properties `json:"properties,omitempty"`
	}{e.Topic, showPayload(e.Payload), e.QoS, e.Retain, e.Dup, e.Props})
}

// flush writes what was added.
func (o *eventWriter) flush() error {
	for rest := o.b.Bytes(); len(rest) > 0; {
		part := rest[:min(len(rest), streamPart)]
		rest = rest[len(part):]
		start := time.Now()
		err := o.rc.SetWriteDeadline(start.Add(o.limits.StreamWrite))
		if err == nil {
			_, err = o.w.Write(part)
		}
		if err == nil {
			err = o.rc.Flush()
		}
		if err != nil {
			o.stalled = time.Since(start) >= o.limits.StreamWrite
			return fmt.Errorf("write events: %w", err)
		}
	}
	if o.b.Cap() > 256<<10 { // many quiet streams must not keep much
		o.b = bytes.Buffer{}
	}
	o.b.Reset()
	// HTTP/2 would end the stream at the deadline also while nothing is written.
	if err := o.rc.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// serve writes the stream's events until it ends, the client goes, or the server
// goes down. cut: it has ended because the client took nothing any more.
func (o *eventWriter) serve(draining context.Context, st Stream) (cut bool) {
	ctx, stop := context.WithCancel(o.ctx)
	defer stop()
	defer context.AfterFunc(draining, stop)()
	for {
		wait, cancel := context.WithTimeout(ctx, o.limits.Heartbeat)
		events, err := st.Next(wait)
		cancel()
		var end *StreamEnd
		switch {
		case err == nil:
			for i := range events {
				o.message(&events[i])
			}
		case errors.As(err, &end):
			o.ended(end)
			return o.stalled
		case draining.Err() != nil:
			o.ended(&StreamEnd{Code: 0x8B, Reason: "the server is going down"})
			return o.stalled
		case ctx.Err() != nil:
			return false // the client has gone
		default:
			o.b.WriteString(":\n\n")
		}
		if o.flush() != nil {
			return o.stalled
		}
	}
}

// ended tells the client why, and when to come again.
func (o *eventWriter) ended(end *StreamEnd) {
	fmt.Fprintf(&o.b, "retry: %s\n", strconv.Itoa(retryHint+rand.IntN(retryHint)))
	o.event("end", struct {
		Code   byte   `json:"code"`
		Reason string `json:"reason"`
	}{end.Code, end.Reason})
	_ = o.flush() // if it is not there to hear it, it comes again anyway
}
