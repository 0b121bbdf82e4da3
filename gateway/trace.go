package gateway

import (
	"net/http"
	"strconv"
	"time"
)

// Tracer notes for operators what single clients send and are sent.
type Tracer interface {
	// Trace begins, and reports whether the client was not traced before. An error
	// says that too many are.
	Trace(clientID string) (began bool, err error)
	// Traced returns what came after the event of that number. ErrNoTrace.
	Traced(clientID string, after uint64) (Trace, error)
	// EndTrace ends and forgets. ErrNoTrace.
	EndTrace(clientID string) error
}

// Trace is what is known of a traced client.
type Trace struct {
	ClientID string    `json:"clientId"`
	Since    time.Time `json:"since"`
	// Next is what to ask for the next time with ?after=.
	Next uint64 `json:"next"`
	// Skipped is how many events there were between ?after= and the first one here.
	Skipped uint64       `json:"skipped"`
	Events  []TraceEvent `json:"events"`
}

// TraceEvent is a packet, or the connection's beginning or end.
type TraceEvent struct {
	N    uint64    `json:"n"`
	Time time.Time `json:"time"`
	// Direction is in (from the client) or out.
	Direction string `json:"direction"`
	Packet    string `json:"packet"`
	Topic     string `json:"topic,omitempty"`
	QoS       byte   `json:"qos"`
	Retain    bool   `json:"retain,omitempty"`
	Dup       bool   `json:"dup,omitempty"`
	PacketID  uint16 `json:"packetId,omitempty"`
	// Size is the payload's, in bytes. The payload itself is not told.
	Size   int    `json:"size,omitempty"`
	Code   byte   `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (g *Gateway) traceRoutes() []route {
	if g.o.Tracer == nil {
		return nil
	}
	return []route{
		{"GET /clients/{clientId}/trace", admins(g.getTrace)}, {"PUT /clients/{clientId}/trace", admins(g.putTrace)},
		{"DELETE /clients/{clientId}/trace", admins(g.deleteTrace)},
	}
}

func (g *Gateway) getTrace(r request) (reply, error) {
	var after uint64
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return reply{}, faulty(http.StatusBadRequest, []Fault{{Detail: "after=" + clip(text) + " is not the next of an earlier answer", Parameter: "after"}})
		}
	}
	return g.traced(r, after, false)
}

// putTrace begins a trace; a client that is traced already stays so.
func (g *Gateway) putTrace(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	began, err := g.o.Tracer.Trace(r.PathValue("clientId"))
	if err != nil {
		return reply{}, err
	}
	return g.traced(r, 0, began)
}

func (g *Gateway) traced(r request, after uint64, began bool) (reply, error) {
	t, err := g.o.Tracer.Traced(r.PathValue("clientId"), after)
	if t.Events == nil {
		t.Events = []TraceEvent{} // [] and not null
	}
	return saved(t, began), err
}

func (g *Gateway) deleteTrace(r request) (reply, error) {
	return done, g.o.Tracer.EndTrace(r.PathValue("clientId"))
}
