// Package chat holds the rules of messages between people: what a message is,
// how it is stamped, and what a change of one is.
package chat

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
)

const (
	// MaxContent is the length limit of a message's content, in characters.
	MaxContent = 4000
	// MaxBytes is the length limit of a message's payload. 4,000 characters of
	// four bytes each, escaped, and room for more fields fit in it.
	MaxBytes = 64 << 10
	// MaxSmall is the length limit of a typing or read payload.
	MaxSmall = 1024
	// MaxMembers is how many members a group may have.
	MaxMembers = 1000
	// MaxTitle is the length limit of a group's title, in characters.
	MaxTitle = 120
)

// Kind says what a payload on a message topic is.
type Kind string

// The kinds. Edit and Delete change an earlier message of the same sender.
const (
	Say    Kind = ""
	Edit   Kind = "edit"
	Delete Kind = "delete"
)

// Message is a message as it is stamped. Fields holds every member of the
// payload, those that the broker does not know included: they are passed on.
type Message struct {
	Kind      Kind
	ID        string // "" when the client gave none
	Target    string // the messageId that Edit and Delete are about
	Sender    string // as the payload says, "" for none
	Content   string
	Seq       uint64 // 0 before it has one
	Timestamp time.Time

	Fields map[string]json.RawMessage
}

// wire is the part of the payload that the broker reads.
type wire struct {
	Type      *string `json:"type"`
	Kind      *string `json:"kind"`
	Content   *string `json:"content"`
	SenderID  *string `json:"senderId"`
	MessageID *string `json:"messageId"`
	Target    *string `json:"target"`
}

// Parse reads and judges a message that a client sends: it needs content, but for
// a Delete. Errors: Malformed, Invalid.
func Parse(payload []byte) (Message, error) {
	var w wire
	fields, err := fitness.DecodeFields(payload, MaxBytes, &w)
	if err != nil {
		return Message{}, err
	}
	m := Message{Fields: fields}
	if w.Type != nil && *w.Type != "chat" {
		return Message{}, fitness.Errorf("", fitness.Invalid, "type %.40q is not chat", *w.Type)
	}
	if w.MessageID != nil {
		if err := fitness.CheckKey("messageId", w.MessageID); err != nil {
			return Message{}, err
		}
		m.ID = *w.MessageID
	}
	if w.SenderID != nil {
		m.Sender = *w.SenderID
	}
	if w.Kind != nil {
		m.Kind = Kind(*w.Kind)
	}
	switch m.Kind {
	case Say:
	case Edit, Delete:
		if err := fitness.CheckKey("target", w.Target); err != nil {
			return Message{}, err
		}
		m.Target = *w.Target
	default:
		return Message{}, fitness.Errorf("", fitness.Invalid, "kind %.40q is not edit or delete", m.Kind)
	}
	return m, m.content(w.Content)
}

// content judges the content.
func (m *Message) content(text *string) error {
	if m.Kind == Delete {
		delete(m.Fields, "content")
		return nil
	}
	if text == nil || strings.TrimSpace(*text) == "" {
		return fitness.Errorf("", fitness.Malformed, "content is missing")
	}
	if n := utf8.RuneCountInString(*text); n > MaxContent {
		return &fitness.Error{Kind: fitness.Invalid, Msg: fitness.Sentence("content of", float64(n), "over", MaxContent, "characters")}
	}
	m.Content = *text
	return nil
}

// Place is where a message is said.
type Place struct {
	Conversation string // "" in a session
	Session      string // "" in a conversation
	Recipient    string // the other one, in a conversation of two
}

// Stamp sets what the broker answers for, and removes a seq of the client's own.
// m.ID must be set.
func (m *Message) Stamp(sender string, place Place, at time.Time) {
	m.Sender, m.Timestamp = sender, at
	delete(m.Fields, "seq")
	m.set("type", "chat")
	m.set("senderId", sender)
	m.set("messageId", m.ID)
	m.set("timestamp", at)
	for name, value := range map[string]string{
		"conversation": place.Conversation, "sessionId": place.Session, "recipientId": place.Recipient,
	} {
		if value == "" {
			delete(m.Fields, name)
		} else {
			m.set(name, value)
		}
	}
}

// Number gives the message its place in the conversation: its own for a message,
// that of the target for a change of one.
func (m *Message) Number(seq uint64) {
	m.Seq = seq
	m.set("seq", seq)
}

// Encode returns the payload.
func (m *Message) Encode() []byte {
	b, err := json.Marshal(m.Fields)
	if err != nil {
		// The fields were read as JSON or written by set: only a mistake of ours gets here.
		panic("chat: encode: " + err.Error())
	}
	return b
}

// Change returns the message as it reads after an Edit or Delete of it: with the
// new content, or without any, and the moment in editedAt or deletedAt.
func (m *Message) Change(by *Message) {
	switch by.Kind {
	case Edit:
		m.Content = by.Content
		m.set("content", by.Content)
		m.set("editedAt", by.Timestamp)
	case Delete:
		m.Content = ""
		for name := range m.Fields {
			switch name {
			case "type", "senderId", "messageId", "timestamp", "seq", "conversation", "sessionId", "recipientId":
			default:
				delete(m.Fields, name) // attachments and all else go with the content
			}
		}
		m.set("deletedAt", by.Timestamp)
	}
}

func (m *Message) set(name string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic("chat: encode " + name + ": " + err.Error()) // a string, a number or a time of our own
	}
	m.Fields[name] = b
}

// stamped is what Decode reads of a payload that was stamped.
type stamped struct {
	Kind      Kind      `json:"kind"`
	Content   string    `json:"content"`
	SenderID  string    `json:"senderId"`
	MessageID string    `json:"messageId"`
	Target    string    `json:"target"`
	Seq       uint64    `json:"seq"`
	Timestamp time.Time `json:"timestamp"`
}

// Decode reads a payload that Encode has written.
func Decode(payload []byte) (Message, error) {
	var s stamped
	var m Message
	err := json.Unmarshal(payload, &s)
	if err == nil {
		err = json.Unmarshal(payload, &m.Fields)
	}
	if err != nil {
		return m, &fitness.Error{Op: "read a stored message", Kind: fitness.Internal, Err: err}
	}
	m.Kind, m.ID, m.Target, m.Sender, m.Content, m.Seq, m.Timestamp = s.Kind, s.MessageID, s.Target, s.SenderID, s.Content, s.Seq, s.Timestamp
	return m, nil
}

// Deleted reports whether the message's content was taken back.
func (m *Message) Deleted() bool { return m.Fields["deletedAt"] != nil }

// ParseRead reads how far a member has read. Errors: Malformed, Invalid.
func ParseRead(payload []byte) (messageID string, err error) {
	var r struct {
		MessageID *string `json:"messageId"`
	}
	if err := fitness.Decode(payload, MaxSmall, &r); err != nil {
		return "", err
	}
	if err := fitness.CheckKey("messageId", r.MessageID); err != nil {
		return "", err
	}
	return *r.MessageID, nil
}

// ParseTyping judges a sign of writing and returns it with its sender.
// {"typing":false} says that the member has stopped. Errors: Malformed, Invalid.
func ParseTyping(payload []byte, sender string, at time.Time) ([]byte, error) {
	var t struct {
		Typing   *bool   `json:"typing"`
		SenderID *string `json:"senderId"`
	}
	if err := fitness.Decode(payload, MaxSmall, &t); err != nil {
		return nil, err
	}
	if t.SenderID != nil && *t.SenderID != sender {
		return nil, WrongSender(*t.SenderID, sender)
	}
	m := Message{}
	if err := json.Unmarshal(payload, &m.Fields); err != nil {
		return nil, &fitness.Error{Kind: fitness.Malformed, Msg: "payload is not a JSON object", Err: err}
	}
	m.set("senderId", sender)
	m.set("timestamp", at)
	m.set("typing", t.Typing == nil || *t.Typing)
	return m.Encode(), nil
}

// WrongSender is the refusal of a message that claims another sender.
func WrongSender(claimed, sender string) error {
	return fitness.Errorf("", fitness.Invalid, "senderId %.80q is not yours, %s", claimed, sender)
}
