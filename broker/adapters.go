package broker

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// meaning asks the engine what a message on a fitness topic means. Elsewhere a
// message is what MQTT says it is.
type meaning struct {
	engine *engine.Engine
	rights *rights
}

// Plain implements delivery.Meaning: everything outside the fitness names.
func (*meaning) Plain(topic string) bool { return !topics.IsFitness(topic) }

// Judge implements delivery.Meaning.
func (m *meaning) Judge(c *delivery.Client, msg *delivery.Message) delivery.Verdict {
	in := inbound(msg)
	in.Sender.Role = string(m.rights.identity(c).Role) // now: it may have changed since the client came
	o := m.engine.Handle(in)
	switch topics.Parse(msg.Topic).Kind {
	case topics.MatchBeacon:
		// A position goes no further than here, refused or not.
		msg.Payload, msg.Props = nothing, nil
	case topics.MatchReply, topics.MatchBlock:
		msg.Props = nil // what the log keeps of these is the engine's own
	}
	return delivery.Verdict{
		Code: wire.Code(o.Code), Reason: o.Reason, Log: o.Log, RecordID: o.RecordID,
		Deliver: o.Deliver, Retain: o.Retain, State: o.State, Payload: o.Payload, Expiry: o.Expiry, Made: o.Made,
	}
}

// Applied implements delivery.Meaning.
func (m *meaning) Applied(pos store.Pos, msg *delivery.Message) {
	m.engine.Applied(pos, inbound(msg))
}

// Position implements delivery.Meaning.
func (m *meaning) Position() store.Pos { return m.engine.Position() }

func inbound(m *delivery.Message) engine.Inbound {
	in := engine.Inbound{
		Sender: engine.Sender{UserID: m.From.UserID, Role: m.From.Role, ClientID: m.From.ClientID},
		Topic:  m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain, At: time.Unix(0, m.At).UTC(), Made: m.Made,
	}
	if m.Expires != 0 {
		in.Expires = time.Unix(0, m.Expires).UTC()
	}
	return in
}

// publisher sends the engine's messages.
type publisher struct{ hub *delivery.Hub }

// Publish implements engine.Publisher.
func (p *publisher) Publish(o engine.Outgoing) {
	m := &delivery.Message{Topic: o.Topic, Payload: o.Payload, QoS: o.QoS, Retain: o.Retain, State: o.State}
	if o.Expiry > 0 {
		m.Props = &wire.PublishProperties{HasExpiry: true, Expiry: uint32(o.Expiry / time.Second)}
		m.Expires = time.Now().Add(o.Expiry).UnixNano()
	}
	p.hub.PublishThen(m, o.RecordID, o.Stored)
}

// observer passes comings and goings to the engine, and tells a user what its
// client could not be told otherwise.
type observer struct {
	engine *engine.Engine
	hub    *delivery.Hub
}

func sender(c *delivery.Client) engine.Sender {
	return engine.Sender{UserID: c.UserID, Role: c.Role, ClientID: c.ID}
}

// Connected implements delivery.Observer.
func (o *observer) Connected(c *delivery.Client) { o.engine.Connected(sender(c)) }

// Disconnected implements delivery.Observer.
func (o *observer) Disconnected(c *delivery.Client, clean bool) {
	o.engine.Disconnected(sender(c), clean)
}

// Subscribed implements delivery.Observer.
func (o *observer) Subscribed(c *delivery.Client, filter string) {
	o.engine.Subscribed(sender(c), filter)
}

// Unsubscribed implements delivery.Observer.
func (o *observer) Unsubscribed(c *delivery.Client, filter string) {
	o.engine.Unsubscribed(sender(c), filter)
}

// Acknowledged implements delivery.Observer.
func (o *observer) Acknowledged(c *delivery.Client, m *delivery.Message) {
	o.engine.Acknowledged(sender(c), m.Topic, m.Payload)
}

// refusal is the payload of user/{uid}/error.
type refusal struct {
	Topic      string    `json:"topic,omitempty"`
	Code       int       `json:"code"`
	Reason     string    `json:"reason"`
	MessageID  string    `json:"messageId,omitempty"`
	ActivityID string    `json:"activityId,omitempty"`
	Timestamp  time.Time `json:"timestamp"`
}

// Refused implements delivery.Observer.
func (o *observer) Refused(c *delivery.Client, m *delivery.Message, code wire.Code, reason string) {
	r := refusal{Topic: m.Topic, Code: int(code), Reason: reason}
	var ids struct {
		MessageID  string `json:"messageId"`
		ActivityID string `json:"activityId"`
	}
	// A beacon has no ids, and nothing of it is repeated.
	if topics.Parse(m.Topic).Kind != topics.MatchBeacon && json.Unmarshal(m.Payload, &ids) == nil { // else there is no id to repeat
		r.MessageID, r.ActivityID = shortID(ids.MessageID), shortID(ids.ActivityID)
	}
	o.tell(c, r)
}

// shortID keeps what a refused payload calls its id from growing the answer.
func shortID(id string) string {
	const longest = 64
	if len(id) > longest {
		return ""
	}
	return id
}

// Skipped implements delivery.Observer.
func (o *observer) Skipped(c *delivery.Client, n int) {
	o.tell(c, refusal{Code: int(wire.QuotaExceeded), Reason: strconv.Itoa(n) + " messages were dropped while this client was away: its queue was full"})
}

// Revoked implements delivery.Observer.
func (o *observer) Revoked(c *delivery.Client, filter, reason string) {
	o.tell(c, refusal{Topic: filter, Code: int(wire.NotAuthorized), Reason: reason})
}

func (o *observer) tell(c *delivery.Client, r refusal) {
	if c.UserID == "" || !topics.ValidID(c.UserID) {
		return // nobody to tell: an anonymous client has no feed
	}
	r.Timestamp = time.Now().UTC()
	payload, err := json.Marshal(r)
	if err != nil {
		slog.Error("encode a refusal", "error", err)
		return
	}
	o.hub.Publish(&delivery.Message{Topic: topics.UserErrorTopic(c.UserID), Payload: payload, QoS: 1}, "")
}

// messageID is the id that a chat message or notification was stamped with, "" for any other.
func messageID(m *delivery.Message) string {
	switch topics.Parse(m.Topic).Kind {
	case topics.SessionChat, topics.ChatMessage, topics.UserNotification:
	default:
		return ""
	}
	var stamped struct {
		MessageID string `json:"messageId"`
	}
	if json.Unmarshal(m.Payload, &stamped) != nil {
		return "" // it was refused: nothing is stamped
	}
	return shortID(stamped.MessageID)
}

// kept reads retained messages for HTTP.
type kept struct{ hub *delivery.Hub }

// EachRetained implements gateway.Retained.
func (k *kept) EachRetained(filter string, fn func(topic string, payload []byte, qos byte) bool) {
	for _, m := range k.hub.Kept(filter) {
		if !fn(m.Topic, m.Payload, m.QoS) {
			return
		}
	}
}

// atLeast is a log handler that drops what is below its level.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled implements slog.Handler.
func (h *atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h *atLeast) WithAttrs(a []slog.Attr) slog.Handler {
	return &atLeast{Handler: h.Handler.WithAttrs(a), level: h.level}
}

// WithGroup implements slog.Handler.
func (h *atLeast) WithGroup(name string) slog.Handler {
	return &atLeast{Handler: h.Handler.WithGroup(name), level: h.level}
}
