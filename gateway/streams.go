package gateway

import (
	"context"

	"github.com/fitmq/fitmq/access"
)

// Streams gives clients their MQTT sessions over HTTP.
type Streams interface {
	// OpenStream takes the client's session over, or makes it. Errors:
	// ErrClientOwned, ErrCrowded, ErrBadEvent, and those of the store.
	OpenStream(ctx context.Context, r StreamRequest) (Stream, error)
	// Confirm takes the word of a client that it has events. It returns when they
	// will not be repeated. Errors: ErrNoClient, ErrClientOwned, ErrBadEvent,
	// ErrOldEvent, and those of the store.
	Confirm(ctx context.Context, c Confirmation) error
	// OpenedStream returns the stream that the user's client has open now, or nil.
	OpenedStream(clientID, userID string) Stream
}

// StreamRequest is what a stream is opened with.
type StreamRequest struct {
	Sender   access.Identity
	Remote   string
	ClientID string
	// Lasting keeps the session when the stream ends: an existing one for the
	// interval it has, a new one for Expiry seconds.
	Lasting bool
	Expiry  uint32
	// Confirmed is the id of the last event that the client has, or "".
	Confirmed string
	// Filters, when not nil, are all that the session is to be subscribed to.
	Filters []string
}

// Stream is a session's connection that takes events.
type Stream interface {
	// Next waits for events. Those of the call before count as written. The error
	// is ctx's, or a *StreamEnd.
	Next(ctx context.Context) ([]Event, error)
	// Present reports whether the session was there before.
	Present() bool
	// Subscribe makes subscriptions, or changes their QoS, and sends what is
	// retained for them.
	Subscribe(filters []string, qos byte) ([]Grant, error)
	Unsubscribe(filters []string) ([]Grant, error)
	// Subscriptions are the filters with their QoS.
	Subscriptions() map[string]byte
	Close()
}

// Grant is what became of a filter.
type Grant struct {
	Filter string `json:"filter"`
	// Code is MQTT's: the granted QoS, or 0x80 and over for a refusal.
	Code   byte   `json:"code"`
	Reason string `json:"reason,omitempty"`
}

// Event is a message for a stream's client.
type Event struct {
	// ID names it, and all that was sent before it.
	ID      string
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	Dup     bool        // sent before, and not confirmed
	Props   *Properties // nil: none
}

// Properties are an MQTT 5 message's, by the names that MQTT.js has for them.
type Properties struct {
	PayloadFormatIndicator  bool           `json:"payloadFormatIndicator,omitempty"`
	MessageExpiryInterval   uint32         `json:"messageExpiryInterval,omitempty"` // seconds
	ContentType             string         `json:"contentType,omitempty"`
	ResponseTopic           string         `json:"responseTopic,omitempty"`
	CorrelationData         []byte         `json:"correlationData,omitempty"` // base64
	UserProperties          map[string]any `json:"userProperties,omitempty"`  // a string, or a list of them
	SubscriptionIdentifiers []uint32       `json:"subscriptionIdentifiers,omitempty"`
}

// StreamEnd is why a stream has ended: an MQTT 5 reason code.
type StreamEnd struct {
	Code   byte
	Reason string
}

// Error implements error.
func (e *StreamEnd) Error() string { return e.Reason }

// Confirmation is a client's word about what it has.
type Confirmation struct {
	Sender   access.Identity
	ClientID string
	// Event is the last event that it has, or "".
	Event string
	// Packets are the packet ids of messages that it has got over MQTT and whose
	// acknowledgement may be lost.
	Packets []uint16
}

// The errors of Streams are Problems already.
var (
	ErrClientOwned = problem(403, "the client id belongs to another user")
	ErrCrowded     = crowded()
	ErrNoTrace     = problem(404, "the client is not traced: begin with PUT; a trace that nobody reads ends after two minutes")
	ErrManyTraces  = problem(409, "too many clients are traced: end the trace of another one")
	ErrNoClient    = problem(404, "the client has no session: open one with GET %s/events or over MQTT", apiPrefix)
	ErrBadEvent    = problem(422, "the event id is none that this server gives")
	ErrOldEvent    = problem(409, "the event belongs to a session of this client id that has ended: nothing of it is repeated")
)

// crowded asks to come again later: connections end when people go.
func crowded() *Problem {
	p := problem(429, "this user has as many connections as allowed")
	p.retryAfter = "10"
	return p
}
