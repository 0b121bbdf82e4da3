// Package notify holds the rules of notifications: what one is, how it is
// stamped, and what an inbox keeps of them.
package notify

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
)

const (
	// MaxContent is the length limit of a notification's content, in characters.
	MaxContent = 1000
	// MaxBytes is the length limit of a notification's payload.
	MaxBytes = 16 << 10
	// MaxAge is how long an inbox keeps a notification that says nothing else, and
	// the longest time to live.
	MaxAge = 30 * 24 * time.Hour
	// Broker is the sender of the broker's own; no user has such an id.
	Broker = "$broker"
	// General is the kind of a notification that names none.
	General = "general"

	maxSmall   = 16 << 10 // of what marks notifications as read
	maxRead    = 200      // messageIds in it
	urgent     = "urgent"
	notUrgent  = "normal"
	typeOfNote = "notification"
)

// Note is a notification as it is stamped. Fields holds every member of the
// payload, those that the broker does not know included: they are passed on.
type Note struct {
	ID          string // "" when the client gave none
	Sender      string // as the payload says, "" for none
	Recipient   string // as the payload says, "" for none
	Kind        string
	CollapseKey string // a newer one of the sender's with the same key replaces an unread one; "" for none
	Urgent      bool   // delivered in quiet hours too
	At, Expires time.Time

	TTL    time.Duration // as the payload says, 0 for none
	Fields map[string]json.RawMessage
}

// wire is the part of a payload that the broker reads.
type wire struct {
	Type        *string  `json:"type"`
	Content     *string  `json:"content"`
	SenderID    *string  `json:"senderId"`
	RecipientID *string  `json:"recipientId"`
	MessageID   *string  `json:"messageId"`
	Kind        *string  `json:"kind"`
	CollapseKey *string  `json:"collapseKey"`
	Priority    *string  `json:"priority"`
	TTL         *float64 `json:"ttl"`
}

// Parse reads and judges a notification that somebody sends. Errors: Malformed,
// Invalid.
func Parse(payload []byte) (Note, error) {
	var w wire
	fields, err := fitness.DecodeFields(payload, MaxBytes, &w)
	n := Note{Kind: General, Fields: fields}
	if err != nil {
		return n, err
	}
	if w.Type != nil && *w.Type != typeOfNote {
		return n, fitness.Errorf("", fitness.Invalid, "type %.40q is not notification", *w.Type)
	}
	if w.Content == nil || strings.TrimSpace(*w.Content) == "" {
		return n, fitness.Errorf("", fitness.Malformed, "content is missing")
	}
	if c := utf8.RuneCountInString(*w.Content); c > MaxContent {
		return n, &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence("content of", float64(c), "over", MaxContent, "characters")}
	}
	if w.SenderID != nil {
		n.Sender = *w.SenderID
	}
	if w.RecipientID != nil {
		n.Recipient = *w.RecipientID
	}
	for _, key := range []struct {
		field string
		from  *string
		to    *string
	}{{"messageId", w.MessageID, &n.ID}, {"collapseKey", w.CollapseKey, &n.CollapseKey}} {
		if key.from == nil {
			continue
		}
		if err := fitness.CheckKey(key.field, key.from); err != nil {
			return n, err
		}
		*key.to = *key.from
	}
	return n, n.choices(&w)
}

// choices reads kind, priority and ttl.
func (n *Note) choices(w *wire) error {
	if w.Kind != nil {
		if !fitness.ValidWord(*w.Kind) {
			return fitness.Errorf("", fitness.Invalid, "kind %.40q is not 1 to %d letters, digits and underscores", *w.Kind, fitness.MaxWord)
		}
		n.Kind = *w.Kind
	}
	if w.Priority != nil {
		if *w.Priority != urgent && *w.Priority != notUrgent {
			return fitness.Errorf("", fitness.Invalid, "priority %.40q is not normal or urgent", *w.Priority)
		}
		n.Urgent = *w.Priority == urgent
	}
	if w.TTL == nil {
		return nil
	}
	switch longest := MaxAge.Seconds(); {
	case *w.TTL < 1:
		return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence("ttl", *w.TTL, "under", 1, "s")}
	case *w.TTL > longest:
		return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence("ttl", *w.TTL, "over", longest, "s")}
	}
	n.TTL = time.Duration(*w.TTL * float64(time.Second))
	return nil
}

// Stamp sets what the broker answers for. n.ID must be set; ttl bounds the life of
// the notification where it is positive and the payload has not said less.
func (n *Note) Stamp(sender, recipient string, at time.Time, ttl time.Duration) {
	life := MaxAge
	for _, d := range []time.Duration{n.TTL, ttl} {
		if d > 0 && d < life {
			life = d
		}
	}
	n.Sender, n.Recipient, n.At, n.Expires = sender, recipient, at, at.Add(life)
	if n.Kind == "" {
		n.Kind = General
	}
	if n.Fields == nil {
		n.Fields = make(map[string]json.RawMessage)
	}
	n.set("type", typeOfNote)
	n.set("senderId", sender)
	n.set("recipientId", recipient)
	n.set("messageId", n.ID)
	n.set("timestamp", at)
	n.set("kind", n.Kind)
	n.set("expiresAt", n.Expires)
	if n.CollapseKey != "" {
		n.set("collapseKey", n.CollapseKey)
	}
	if n.Urgent {
		n.set("priority", urgent)
	}
}

// Say sets content and, where there are any, data of a notification of the
// broker's own.
func (n *Note) Say(content string, data map[string]any) {
	n.Fields = make(map[string]json.RawMessage)
	n.set("content", content)
	if len(data) > 0 {
		n.set("data", data)
	}
}

// Encode returns the payload.
func (n *Note) Encode() []byte {
	b, err := json.Marshal(n.Fields)
	if err != nil {
		// The fields were read as JSON or written by set: only a mistake of ours gets here.
		panic("notify: encode: " + err.Error())
	}
	return b
}

func (n *Note) set(name string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic("notify: encode " + name + ": " + err.Error()) // texts, numbers and times of our own
	}
	n.Fields[name] = b
}

// Decode reads a payload that was stamped.
func Decode(payload []byte) (Note, error) {
	var s struct {
		SenderID    string    `json:"senderId"`
		RecipientID string    `json:"recipientId"`
		MessageID   string    `json:"messageId"`
		Kind        string    `json:"kind"`
		CollapseKey string    `json:"collapseKey"`
		Priority    string    `json:"priority"`
		Timestamp   time.Time `json:"timestamp"`
		ExpiresAt   time.Time `json:"expiresAt"`
	}
	var n Note
	err := json.Unmarshal(payload, &s)
	if err == nil {
		err = json.Unmarshal(payload, &n.Fields)
	}
	if err != nil {
		return n, &fitness.Error{Op: "read a stored notification", Kind: fitness.Internal, Err: err}
	}
	n.ID, n.Sender, n.Recipient, n.Kind = s.MessageID, s.SenderID, s.RecipientID, s.Kind
	n.CollapseKey, n.Urgent, n.At, n.Expires = s.CollapseKey, s.Priority == urgent, s.Timestamp, s.ExpiresAt
	return n, nil
}

// Reading says which notifications are read.
type Reading struct {
	IDs []string
	All bool // all that are there
}

// ParseReading reads {"messageId"}, {"messageIds":[...]} or {"all":true}. Errors:
// Malformed, Invalid.
func ParseReading(payload []byte) (Reading, error) {
	var w struct {
		MessageID  *string  `json:"messageId"`
		MessageIDs []string `json:"messageIds"`
		All        bool     `json:"all"`
	}
	if err := fitness.Decode(payload, maxSmall, &w); err != nil {
		return Reading{}, err
	}
	r := Reading{IDs: w.MessageIDs, All: w.All}
	if w.MessageID != nil {
		r.IDs = append(r.IDs, *w.MessageID)
	}
	switch {
	case len(r.IDs) == 0 && !r.All:
		return r, fitness.Errorf("", fitness.Malformed, `messageId is missing: say {"messageId"}, {"messageIds":[...]} or {"all":true}`)
	case len(r.IDs) > 0 && r.All:
		return r, fitness.Errorf("", fitness.Invalid, "messageId and all exclude each other")
	case len(r.IDs) > maxRead:
		return r, &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence("messageIds of", float64(len(r.IDs)), "over", maxRead, "ids")}
	}
	for i := range r.IDs {
		if err := fitness.CheckKey("messageId", &r.IDs[i]); err != nil {
			return r, err
		}
	}
	return r, nil
}
