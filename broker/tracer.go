package broker

import (
	"errors"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/gateway"
)

// tracer shows operators what single clients send and are sent.
type tracer struct{ hub *delivery.Hub }

var _ gateway.Tracer = (*tracer)(nil)

// Trace implements gateway.Tracer.
func (t *tracer) Trace(clientID string) (bool, error) {
	began, err := t.hub.Trace(clientID)
	return began, traceError(err)
}

// Traced implements gateway.Tracer.
func (t *tracer) Traced(clientID string, after uint64) (gateway.Trace, error) {
	found, err := t.hub.Traced(clientID, after)
	if err != nil {
		return gateway.Trace{}, traceError(err)
	}
	trace := gateway.Trace{ClientID: clientID, Since: found.Since, Next: after, Skipped: found.Skipped, Events: make([]gateway.TraceEvent, len(found.Events))}
	for i, e := range found.Events {
		one := gateway.TraceEvent{
			N: e.N, Time: e.At, Direction: "out", Packet: e.What, Topic: e.Topic, QoS: e.QoS, Retain: e.Retain, Dup: e.Dup,
			PacketID: e.ID, Size: e.Size, Code: byte(e.Code), Reason: e.Reason,
		}
		if e.In {
			one.Direction = "in"
		}
		trace.Events[i], trace.Next = one, e.N
	}
	return trace, nil
}

// EndTrace implements gateway.Tracer.
func (t *tracer) EndTrace(clientID string) error { return traceError(t.hub.EndTrace(clientID)) }

func traceError(err error) error {
	switch {
	case errors.Is(err, delivery.ErrNoTrace):
		return gateway.ErrNoTrace
	case errors.Is(err, delivery.ErrManyTraces):
		return gateway.ErrManyTraces
	}
	return err
}
