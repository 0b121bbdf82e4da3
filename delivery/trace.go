package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// Bounds of tracing.
const (
	// maxTraces clients are traced at once; one more is ErrManyTraces.
	maxTraces = 16
	// traceLength is how many events a trace keeps: the oldest go, and who reads it
	// is told how many.
	traceLength = 500
	// traceIdle is how long a trace goes on that nobody reads.
	traceIdle = 2 * time.Minute
	// traceText bounds a topic or filter in an event, in bytes.
	traceText = 256
)

// Errors of tracing.
var (
	ErrManyTraces = errors.New("16 clients are traced already")
	ErrNoTrace    = errors.New("the client is not traced")
)

// TraceEvent is a packet that a traced client has sent or was sent, its coming,
// or its going. What messages contain is not in it.
type TraceEvent struct {
	// N numbers the trace's events from 1.
	N  uint64
	At time.Time
	// In: the client sent it.
	In bool
	// What is a packet's name, EVENT for a message on an event stream, CONFIRM for
	// its confirmation, REFUSED for a message at QoS 0 or one of MQTT 3, QUEUED for one
	// that has to wait, DROPPED for one that is given up, or CLOSED.
	What string
	// Topic is the topic, or the filter.
	Topic       string
	QoS         byte
	Retain, Dup bool
	ID          uint16 // packet identifier
	Size        int    // the payload's, in bytes
	Code        wire.Code
	Reason      string
}

// Traced is what is known of a trace.
type Traced struct {
	Since time.Time
	// Events after the one asked for, and how many of these were too many to keep.
	Events  []TraceEvent
	Skipped uint64
}

// traces are the clients that are traced, by client id.
type traces struct {
	mu   sync.Mutex // guards byID; a leaf, but for a trace's own
	byID map[string]*trace
	// refused counts traces beyond maxTraces, pushedOut events beyond traceLength,
	// idled traces that ended because nobody read them.
	refused, pushedOut, idled atomic.Uint64
}

// TraceStats tell what tracing holds now, and what its bounds have cost since the
// start.
type TraceStats struct {
	Traces                    int
	Refused, PushedOut, Idled uint64
}

// TraceStats returns the counts.
func (h *Hub) TraceStats() TraceStats {
	ts := &h.traces
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return TraceStats{Traces: len(ts.byID), Refused: ts.refused.Load(), PushedOut: ts.pushedOut.Load(), Idled: ts.idled.Load()}
}

// trace is what happens to one client.
type trace struct {
	since time.Time

	mu   sync.Mutex // guards below; a leaf
	ring [traceLength]TraceEvent
	n    uint64
	read time.Time // by somebody
}

// Trace begins to note what a client sends and is sent, connected or not, and
// reports whether it was not traced before. It ends when nobody has read it for
// two minutes. ErrManyTraces.
func (h *Hub) Trace(clientID string) (began bool, err error) {
	t := &trace{since: h.now().UTC(), read: h.now()}
	if began, err = h.traces.begin(clientID, t); !began {
		return false, err
	}
	if s := h.session(clientID); s != nil { // one that begins from now on finds it by itself
		s.traced.Store(t)
	}
	return true, nil
}

func (ts *traces) begin(clientID string, t *trace) (began bool, err error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.byID[clientID] != nil {
		return false, nil
	}
	if len(ts.byID) >= maxTraces {
		ts.refused.Add(1)
		return false, ErrManyTraces
	}
	if ts.byID == nil {
		ts.byID = map[string]*trace{}
	}
	ts.byID[clientID] = t
	return true, nil
}

// Traced returns what has happened after the event of that number. ErrNoTrace.
func (h *Hub) Traced(clientID string, after uint64) (Traced, error) {
	t := h.traces.of(clientID)
	if t == nil {
		return Traced{}, ErrNoTrace
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = h.now()
	first := uint64(0)
	if t.n > traceLength {
		first = t.n - traceLength
	}
	list := Traced{Since: t.since}
	after = min(after, t.n)
	if after < first {
		list.Skipped, after = first-after, first
	}
	for n := after; n < t.n; n++ {
		list.Events = append(list.Events, t.ring[n%traceLength])
	}
	return list, nil
}

// EndTrace ends a trace and forgets it. ErrNoTrace.
func (h *Hub) EndTrace(clientID string) error {
	h.traces.mu.Lock()
	t := h.traces.byID[clientID]
	delete(h.traces.byID, clientID)
	h.traces.mu.Unlock()
	if t == nil {
		return ErrNoTrace
	}
	if s := h.session(clientID); s != nil {
		s.traced.CompareAndSwap(t, nil)
	}
	return nil
}

// endIdleTraces ends those that nobody reads.
func (h *Hub) endIdleTraces() {
	for _, id := range h.traces.idle(h.now().Add(-traceIdle)) {
		if h.EndTrace(id) == nil { // or somebody else was faster
			h.traces.idled.Add(1)
		}
	}
}

// idle are those that nobody has read since.
func (ts *traces) idle(since time.Time) (list []string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for id, t := range ts.byID {
		t.mu.Lock()
		if t.read.Before(since) {
			list = append(list, id)
		}
		t.mu.Unlock()
	}
	return list
}

func (ts *traces) of(clientID string) *trace {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.byID[clientID]
}

// tracePoint is where a session finds its trace; nil mostly, which costs one load.
type tracePoint struct{ atomic.Pointer[trace] }

// note adds an event, if the client is traced.
func (p *tracePoint) note(h *Hub, e TraceEvent) {
	t := p.Load()
	if t == nil {
		return
	}
	if len(e.Topic) > traceText {
		e.Topic = strings.ToValidUTF8(e.Topic[:traceText], "") + "..."
	}
	e.At = h.now().UTC()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n >= traceLength {
		h.traces.pushedOut.Add(1)
	}
	e.N = t.n + 1
	t.ring[t.n%traceLength] = e
	t.n = e.N
}

var packetNames = map[byte]string{
	wire.PUBACK: "PUBACK", wire.PUBREC: "PUBREC", wire.PUBREL: "PUBREL", wire.PUBCOMP: "PUBCOMP",
}

// notePublish notes a PUBLISH that the client has sent.
func (l *link) notePublish(header byte, p *wire.Publish, topic string) {
	if l.s.traced.Load() == nil {
		return
	}
	l.s.traced.note(l.s.hub, TraceEvent{
		In: true, What: "PUBLISH", Topic: topic, QoS: p.QoS, Retain: p.Retain, Dup: header&0x08 != 0, ID: p.PacketID, Size: len(p.Payload),
	})
}

// noteRefused notes that a message was refused whose packet is not answered.
func (l *link) noteRefused(topic string, v Verdict) {
	l.s.traced.note(l.s.hub, TraceEvent{What: "REFUSED", Topic: topic, Code: v.Code, Reason: v.Reason})
}

// noteAck notes an acknowledgement that the client has sent, as it came.
func (l *link) noteAck(header byte, body []byte) {
	if l.s.traced.Load() == nil || len(body) < 2 {
		return
	}
	e := TraceEvent{In: true, What: packetNames[header>>4], ID: binary.BigEndian.Uint16(body)}
	if l.client.Version == wire.V5 && len(body) > 2 {
		e.Code = wire.Code(body[2])
	}
	l.s.traced.note(l.s.hub, e)
}

// noteFilter notes what became of a filter that the client subscribes to or
// leaves.
func (l *link) noteFilter(what, filter string, qos byte, code wire.Code) {
	e := TraceEvent{In: true, What: what, Topic: filter, QoS: qos}
	if code.Failed() {
		e.Code, e.Reason = code, code.String()
	}
	l.s.traced.note(l.s.hub, e)
}

// noteSent notes a message that the client is sent.
func (l *link) noteSent(m *Message, id uint16, qos byte, retain, dup bool) {
	if l.s.traced.Load() == nil {
		return
	}
	what := "PUBLISH"
	if l.stream != nil {
		what = "EVENT"
	}
	l.s.traced.note(l.s.hub, TraceEvent{What: what, Topic: m.Topic, QoS: qos, Retain: retain, Dup: dup, ID: id, Size: len(m.Payload)})
}

// noteWaits notes that a message has to wait, and for what. mu is held.
func (s *Session) noteWaits(l *link, m *Message, qos byte) {
	if s.traced.Load() == nil {
		return
	}
	o := &s.out
	why := "others are in front of it"
	switch {
	case o.room() <= 0:
		why = fmt.Sprintf("%d are sent and not acknowledged, and the client takes no more at once", len(o.flights)-o.waiting)
	case !o.fits(m, s.hub.memory.windowBytes()):
		why = fmt.Sprintf("%d bytes are sent and not acknowledged", o.flying)
	case l.congested():
		why = "the connection's buffer is full: the client reads too slowly"
	}
	s.traced.note(s.hub, TraceEvent{What: "QUEUED", Topic: m.Topic, QoS: qos, Size: len(m.Payload), Reason: why})
}

// noteCome notes the connection's beginning.
func (l *link) noteCome() {
	if l.s.traced.Load() == nil {
		return
	}
	said := "new session"
	if l.present {
		said = "session present"
	}
	l.s.traced.note(l.s.hub, TraceEvent{In: true, What: "CONNECT", Reason: said + ", from " + l.client.Remote})
}

// noteBroken notes that the client has broken the protocol, which ends the
// connection.
func (l *link) noteBroken(err error) {
	var broken *wire.Error
	if errors.As(err, &broken) {
		l.s.traced.note(l.s.hub, TraceEvent{What: "DISCONNECT", Code: broken.Code, Reason: broken.Reason})
	}
}

// noteGone notes the connection's end.
func (l *link) noteGone(clean bool) {
	said := "the connection was lost, or ended by the broker"
	if clean {
		said = "the client said goodbye"
	}
	l.s.traced.note(l.s.hub, TraceEvent{In: true, What: "CLOSED", Reason: said})
}

// hangUp ends the connection, as the broker wants it.
func (l *link) hangUp(code wire.Code, reason string) {
	l.s.traced.note(l.s.hub, TraceEvent{What: "DISCONNECT", Code: code, Reason: reason})
	l.conn.Disconnect(code, reason)
}
