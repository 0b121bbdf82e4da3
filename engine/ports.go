// Package engine holds the use cases: what happens when an activity, a live
// sample, a join or an administrative change arrives. It decides with the pure
// rules of fitness, keeps what must survive through the interfaces of store,
// and speaks to the outside only through the ports of this file.
package engine

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Sender is the authenticated origin of a message.
type Sender struct {
	UserID   string
	Role     string // member, trainer, service, admin; "" = anonymous
	ClientID string
}

// Inbound is a message that a sender may publish (rights are judged already)
// and whose meaning is asked for.
type Inbound struct {
	Sender  Sender
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool // the client's own flag
	At      time.Time
	Expires time.Time // end of the message expiry interval; zero = never
	// Made is the Outcome's, in Applied; nil for what Handle has not judged in this
	// process.
	Made any
}

// Outcome is the judgement on an Inbound. Nothing has happened yet: what must
// be kept happens in Applied, once the record is in the log.
type Outcome struct {
	// Code is the MQTT 5 reason code: 0 accepts, 0x80 and over refuses.
	Code byte
	// Reason names the field and the limit of a refusal, for people.
	Reason string
	// Log asks for the record even when no session needs it: Applied wants it.
	Log bool
	// RecordID is the log record's idempotency key, or "".
	RecordID string
	// Deliver passes the message to the topic's subscribers.
	Deliver bool
	// Retain keeps the message as the topic's retained one.
	Retain bool
	// State marks a state topic: only the newest value matters to a slow or
	// absent client.
	State bool
	// Payload replaces the payload when not nil (a stamped message).
	Payload []byte
	// Expiry after which the message is worthless, where its sender gave none;
	// whole seconds, 0 = never.
	Expiry time.Duration
	// Made is what Handle has made of the payload, for Applied of the same message:
	// it need not be read twice.
	Made any
}

// Outgoing is a message of the broker's own.
type Outgoing struct {
	Topic   string
	Payload []byte
	// QoS at which it is offered (a subscription may lower it).
	QoS byte
	// Retain keeps it as the topic's retained message; an empty payload removes it.
	Retain bool
	// State: see Outcome.
	State bool
	// RecordID makes an event that is replayed go out once, or "".
	RecordID string
	// Expiry after which an undelivered message is worthless; 0 = never.
	Expiry time.Duration
	// Stored, when not nil, is called once: with nil when the message is safe
	// or nobody is owed it, with the error when the store could not take it.
	// It must not block, and may be called before Publish returns.
	Stored func(error)
}

// Publisher is the way out. It never blocks on a client.
type Publisher interface {
	// Publish sends and keeps the message. It returns at once; a message that
	// must survive is appended to the log in call order.
	Publish(Outgoing)
}

// Membership lets rights that a change takes away end at once.
type Membership interface {
	// Revoke re-judges every subscription and queued message of the user and
	// ends those that are no longer allowed.
	Revoke(userID string)
}

// Keeper is what the engine needs of the store.
type Keeper interface {
	store.Tables
}

// Clock gives the time; the engine never asks the system itself.
type Clock func() time.Time

// Handler is what the engine is to the data plane, and to HTTP publishing.
type Handler interface {
	// Handle judges a message. It is called on the connections' goroutines,
	// several at once: it may take short locks and must not do I/O. For one
	// sender calls come in arrival order.
	Handle(Inbound) Outcome
	// Applied is called with each record that Handle asked to Log, in log
	// order, by one goroutine, and again after a crash for those after the
	// engine's own applied position: it must change nothing the second time.
	Applied(pos store.Pos, in Inbound)
	// Connected, Disconnected: a client of the user came or went. After an
	// unclean loss the grace runs from Disconnected.
	Connected(s Sender)
	Disconnected(s Sender, clean bool)
	// Subscribed, Unsubscribed: the client has that filter now, or no longer.
	// Restored subscriptions are reported after Connected.
	Subscribed(s Sender, filter string)
	Unsubscribed(s Sender, filter string)
	// Run does the timed work (coalesced boards, graces, starts and ends,
	// checkpoints) until ctx ends, then saves what is unsaved.
	Run(ctx context.Context) error
}
