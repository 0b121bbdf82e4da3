package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/fitmq/fitmq/topics"
)

// maxAckPackets bounds the packet ids of one confirmation: there are no more in
// a client's window.
const maxAckPackets = 1024

// ackBody is the body of POST /ack.
type ackBody struct {
	ClientID    string   `json:"clientId"`
	LastEventID string   `json:"lastEventId"`
	PacketIDs   []uint16 `json:"packetIds"`
}

// ack confirms events of the client's session, whatever way it is connected now.
func (g *Gateway) ack(r request) (reply, error) {
	var b ackBody
	if err := readBody(r.Request, &b); err != nil {
		return reply{}, err
	}
	var faults []Fault
	if why := badClientID(b.ClientID); why != "" {
		faults = append(faults, Fault{Detail: why, Pointer: pointer("clientId")})
	}
	if b.LastEventID == "" && len(b.PacketIDs) == 0 {
		faults = append(faults, Fault{Detail: "lastEventId or packetIds must say what is confirmed", Pointer: pointer("lastEventId")})
	}
	if len(b.PacketIDs) > maxAckPackets {
		faults = append(faults, Fault{Detail: fmt.Sprintf("%d packetIds, the limit is %d", len(b.PacketIDs), maxAckPackets), Pointer: pointer("packetIds")})
	}
	if len(faults) > 0 {
		return reply{}, faulty(http.StatusUnprocessableEntity, faults)
	}
	err := g.o.Streams.Confirm(r.Context(), Confirmation{Sender: r.id, ClientID: b.ClientID, Event: b.LastEventID, Packets: b.PacketIDs})
	if err != nil {
		return reply{}, fmt.Errorf("confirm: %w", err)
	}
	return done, nil
}

// subscribeBody is the body of POST /subscribe and, without qos, /unsubscribe.
type subscribeBody struct {
	ClientID string   `json:"clientId"`
	Filters  []string `json:"filters"`
	QoS      *int     `json:"qos"`
}

// opened reads the body and finds the stream that it is about.
func (g *Gateway) opened(r request, b *subscribeBody) (Stream, error) {
	if err := readBody(r.Request, b); err != nil {
		return nil, err
	}
	var faults []Fault
	if why := badClientID(b.ClientID); why != "" {
		faults = append(faults, Fault{Detail: why, Pointer: pointer("clientId")})
	}
	if len(b.Filters) == 0 || len(b.Filters) > maxStreamFilters {
		faults = append(faults, Fault{Detail: fmt.Sprintf("filters must be 1 to %d", maxStreamFilters), Pointer: pointer("filters")})
	}
	for i, filter := range b.Filters {
		if _, _, _, err := topics.SplitShared(filter); err != nil {
			faults = append(faults, Fault{Detail: err.Error(), Pointer: pointer(fmt.Sprintf("filters/%d", i))})
			break // one is enough to see what is wrong
		}
	}
	if b.QoS != nil && (*b.QoS < 0 || *b.QoS > 2) {
		faults = append(faults, Fault{Detail: fmt.Sprintf("qos %d is not 0, 1 or 2", *b.QoS), Pointer: pointer("qos")})
	}
	if len(faults) > 0 {
		return nil, faulty(http.StatusUnprocessableEntity, faults)
	}
	st := g.o.Streams.OpenedStream(b.ClientID, r.id.UserID)
	if st == nil {
		return nil, problem(http.StatusConflict, "client %s has no event stream open: open it with GET %s/events", quote(b.ClientID), apiPrefix)
	}
	return st, nil
}

// grants is the answer to both.
type grants struct {
	Filters []Grant `json:"filters"`
}

func granted(list []Grant, err error) (reply, error) {
	var end *StreamEnd
	if errors.As(err, &end) {
		return reply{}, problem(http.StatusServiceUnavailable, "%s", end.Reason)
	}
	if err != nil {
		return reply{}, fmt.Errorf("change subscriptions: %w", err)
	}
	return reply{body: grants{list}}, nil
}

// subscribe adds filters to a client's open stream.
func (g *Gateway) subscribe(r request) (reply, error) {
	var b subscribeBody
	st, err := g.opened(r, &b)
	if err != nil {
		return reply{}, err
	}
	qos := byte(1)
	if b.QoS != nil {
		qos = byte(*b.QoS)
	}
	if err := g.anyAllowed(&r, b.Filters); err != nil {
		return reply{}, err
	}
	if r.id.Grants != nil { // the stream may have been opened by somebody who may more
		for _, filter := range b.Filters {
			if d := g.o.Policy.Subscribe(r.id, filter); !d.Allowed {
				return reply{}, forbidden("%s", d.Reason)
			}
		}
	}
	return granted(st.Subscribe(b.Filters, qos))
}

// unsubscribe takes filters from a client's open stream.
func (g *Gateway) unsubscribe(r request) (reply, error) {
	var b subscribeBody
	st, err := g.opened(r, &b)
	if err != nil {
		return reply{}, err
	}
	return granted(st.Unsubscribe(b.Filters))
}
