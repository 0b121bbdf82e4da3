package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/gateway"
)

// streams gives HTTP clients the sessions of the data plane.
type streams struct {
	hub    *delivery.Hub
	policy *rights
}

// OpenStream implements gateway.Streams.
func (s *streams) OpenStream(ctx context.Context, r gateway.StreamRequest) (gateway.Stream, error) {
	c := &delivery.Client{
		ID: r.ClientID, UserID: r.Sender.UserID, Role: string(r.Sender.Role), Version: 5, Remote: r.Remote, Via: viaHTTP,
	}
	holder := access.NewHolder(r.Sender, func() {
		mine := func(other *delivery.Client) bool { return other == c }
		s.hub.EndConnections(c.UserID, mine, wire.NotAuthorized, "the token has expired")
	})
	c.Identity = holder
	st, err := s.hub.Stream(ctx, delivery.OpenStream{
		Client: c, Lasting: r.Lasting, Expiry: r.Expiry, Confirmed: r.Confirmed, Filters: r.Filters,
	})
	if err != nil {
		holder.Close()
		return nil, streamError(err)
	}
	return &stream{Stream: st, client: c, policy: s.policy, holder: holder}, nil
}

// OpenedStream implements gateway.Streams.
func (s *streams) OpenedStream(clientID, userID string) gateway.Stream {
	st := s.hub.StreamOf(clientID, userID)
	if st == nil {
		return nil
	}
	return &stream{Stream: st, client: st.Client(), policy: s.policy}
}

// Confirm implements gateway.Streams.
func (s *streams) Confirm(ctx context.Context, c gateway.Confirmation) error {
	return streamError(s.hub.Confirm(ctx, delivery.Confirmation{
		ClientID: c.ClientID, UserID: c.Sender.UserID, Event: c.Event, Packets: c.Packets,
	}))
}

// streamError says in HTTP's words what the data plane says.
func streamError(err error) error {
	switch {
	case errors.Is(err, delivery.ErrOwned):
		return gateway.ErrClientOwned
	case errors.Is(err, delivery.ErrCrowded):
		return gateway.ErrCrowded
	case errors.Is(err, delivery.ErrNoSession):
		return gateway.ErrNoClient
	case errors.Is(err, delivery.ErrBadCursor), errors.Is(err, delivery.ErrFutureEvent):
		return gateway.ErrBadEvent
	case errors.Is(err, delivery.ErrOtherSession):
		return gateway.ErrOldEvent
	}
	return err
}

// stream is a session's connection as the gateway sees it.
type stream struct {
	*delivery.Stream
	client *delivery.Client
	policy *rights
	holder *access.Holder // nil for one that somebody else closes
}

// Next implements gateway.Stream.
func (s *stream) Next(ctx context.Context) ([]gateway.Event, error) {
	events, err := s.Stream.Next(ctx)
	var end *delivery.StreamEnd
	if errors.As(err, &end) {
		return nil, &gateway.StreamEnd{Code: byte(end.Code), Reason: end.Reason}
	}
	if err != nil {
		return nil, err
	}
	list := make([]gateway.Event, len(events))
	for i := range events {
		e := &events[i]
		list[i] = gateway.Event{ID: e.ID, Topic: e.Topic, Payload: e.Payload, QoS: e.QoS, Retain: e.Retain, Dup: e.Dup, Props: properties(e)}
	}
	return list, nil
}

// Subscribe implements gateway.Stream.
func (s *stream) Subscribe(filters []string, qos byte) ([]gateway.Grant, error) {
	wants := make([]wire.Subscription, len(filters))
	for i, filter := range filters {
		wants[i] = wire.Subscription{Filter: filter, QoS: qos}
	}
	codes, err := s.Stream.Subscribe(wants)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return s.grants(filters, codes), nil
}

// Unsubscribe implements gateway.Stream.
func (s *stream) Unsubscribe(filters []string) ([]gateway.Grant, error) {
	codes, err := s.Stream.Unsubscribe(filters)
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: %w", err)
	}
	return s.grants(filters, codes), nil
}

func (s *stream) grants(filters []string, codes []wire.Code) []gateway.Grant {
	list := make([]gateway.Grant, len(filters))
	for i, filter := range filters {
		list[i] = gateway.Grant{Filter: filter, Code: byte(codes[i])}
		switch codes[i] {
		case wire.GrantedQoS0, wire.GrantedQoS1, wire.GrantedQoS2:
		case wire.NotAuthorized:
			list[i].Reason = s.policy.policy.Subscribe(s.policy.identity(s.client), filter).Reason
		default:
			list[i].Reason = codes[i].String()
		}
	}
	return list
}

// Close implements gateway.Stream.
func (s *stream) Close() {
	if s.holder != nil {
		s.holder.Close()
	}
	s.Stream.Close()
}

// properties shows an event's in JSON's form.
func properties(e *delivery.Event) *gateway.Properties {
	if e.Props == nil && len(e.SubscriptionIDs) == 0 {
		return nil
	}
	p := &gateway.Properties{SubscriptionIdentifiers: e.SubscriptionIDs, MessageExpiryInterval: e.Expiry}
	if e.Props == nil {
		return p
	}
	p.PayloadFormatIndicator = e.Props.PayloadFormat == 1
	p.ContentType, p.ResponseTopic = string(e.Props.ContentType), string(e.Props.ResponseTopic)
	p.CorrelationData = e.Props.Correlation
	e.Props.EachUser(func(name, value string) {
		if p.UserProperties == nil {
			p.UserProperties = map[string]any{}
		}
		switch old := p.UserProperties[name].(type) {
		case nil:
			p.UserProperties[name] = value
		case string:
			p.UserProperties[name] = []string{old, value}
		case []string:
			p.UserProperties[name] = append(old, value)
		}
	})
	return p
}

// viaHTTP marks clients that did not come over MQTT.
const viaHTTP = "http"

// httpPublisher publishes what came over HTTP the way MQTT's goes.
type httpPublisher struct {
	hub  *delivery.Hub
	left *access.Allowances
}

// nobodysClient is the origin of what was published over HTTP without a client
// id: no client can have it, so that No Local keeps it from nobody.
const nobodysClient = "\x00http"

// Publish implements gateway.Publisher.
func (p *httpPublisher) Publish(ctx context.Context, m gateway.Message) (gateway.Receipt, error) {
	id := m.Sender
	if o := p.left.Take(id, m.Topic, len(m.Payload)); o != nil {
		p.hub.Stats().Refused.Rate.Add(1)
		return gateway.Receipt{Code: byte(wire.MessageRateTooHigh), Reason: tooFast + o.Reason, RetryAfter: o.Wait}, nil
	}
	c := &delivery.Client{ID: m.ClientID, UserID: id.UserID, Role: string(id.Role), Version: 5, Via: viaHTTP, Identity: access.NewHolder(id, nil)}
	from := delivery.Origin{ClientID: m.ClientID, UserID: c.UserID, Role: c.Role}
	if m.ClientID == "" {
		from.ClientID = nobodysClient
	} else if err := p.hub.Owned(m.ClientID, id.UserID); err != nil {
		return gateway.Receipt{}, streamError(err)
	} else if held := p.hub.IdentityOf(m.ClientID, id.UserID); held != nil {
		c.Identity = held // a fresh token renews the client's connection
	}
	msg := &delivery.Message{
		Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain, At: time.Now().UnixNano(), From: from,
	}
	answer := make(chan gateway.Receipt, 1)
	once := ""
	if m.Once != "" {
		sum := sha256.Sum256([]byte(id.UserID + "\x00" + m.Once))
		once = "http/" + hex.EncodeToString(sum[:])
	}
	p.hub.PublishOnce(c, msg, once, func(code wire.Code, reason string) {
		answer <- gateway.Receipt{Code: byte(code), Reason: reason}
	})
	select {
	case r := <-answer:
		r.MessageID = messageID(msg)
		return r, nil
	case <-ctx.Done():
		return gateway.Receipt{}, fmt.Errorf("publish: %w", ctx.Err())
	}
}
