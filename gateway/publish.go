package gateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/fitmq/fitmq/topics"
)

// publishBody is the body of POST /publish. A payload that is a JSON string
// stands for its characters; any other JSON value for its own text, as sent.
// PayloadBase64 is for what is no text. QoS is 1 unless given. ClientID is one of
// the sender's clients, whose message it then is.
type publishBody struct {
	ClientID      *string         `json:"clientId"`
	Topic         string          `json:"topic"`
	Payload       json.RawMessage `json:"payload"`
	PayloadBase64 *string         `json:"payloadBase64"`
	QoS           *int            `json:"qos"`
	Retain        bool            `json:"retain"`
}

// message checks the body.
func (b publishBody) message() (Message, []Fault) {
	m := Message{Topic: b.Topic, QoS: 1, Retain: b.Retain, Payload: b.Payload}
	var faults []Fault
	fault := func(member, format string, args ...any) {
		faults = append(faults, Fault{Detail: fmt.Sprintf(format, args...), Pointer: pointer(member)})
	}
	if b.ClientID != nil {
		m.ClientID = *b.ClientID
		if why := badClientID(m.ClientID); why != "" {
			fault("clientId", "%s", why)
		}
	}
	if err := topics.ValidName(b.Topic); err != nil {
		fault("topic", "%s", err)
	}
	if b.QoS != nil {
		if *b.QoS < 0 || *b.QoS > 2 {
			fault("qos", "qos %d is not 0, 1 or 2", *b.QoS)
		}
		m.QoS = byte(*b.QoS)
	}
	switch {
	case b.PayloadBase64 != nil && b.Payload != nil:
		fault("payloadBase64", "payload and payloadBase64 exclude each other")
	case b.PayloadBase64 != nil:
		data, err := base64.StdEncoding.DecodeString(*b.PayloadBase64)
		if err != nil {
			fault("payloadBase64", "payloadBase64 is not base64")
		}
		m.Payload = data
	case string(b.Payload) == "null":
		m.Payload = nil
	case len(b.Payload) > 0 && b.Payload[0] == '"':
		var text string
		if err := json.Unmarshal(b.Payload, &text); err != nil {
			fault("payload", "payload is not a JSON string")
		}
		m.Payload = []byte(text)
	}
	return m, faults
}

// codeStatus is HTTP's column of the refusals, by MQTT 5 reason code
// [MQTT-3.4.2-1].
var codeStatus = map[byte]struct {
	status     int
	retryAfter string
}{
	0x83: {http.StatusUnprocessableEntity, ""},   // implementation specific: implausible
	0x87: {http.StatusForbidden, ""},             // not authorized
	0x90: {http.StatusUnprocessableEntity, ""},   // topic name invalid
	0x95: {http.StatusRequestEntityTooLarge, ""}, // packet too large
	0x96: {http.StatusTooManyRequests, "1"},      // message rate too high
	0x97: {http.StatusTooManyRequests, "10"},     // quota exceeded
	0x99: {http.StatusUnprocessableEntity, ""},   // payload format invalid
}

// published is the answer to a message that was taken.
type published struct {
	MessageID string `json:"messageId,omitempty"`
}

func (g *Gateway) publish(r request) (reply, error) {
	var b publishBody
	if err := readBody(r.Request, &b); err != nil {
		return reply{}, err
	}
	m, faults := b.message()
	if len(faults) > 0 {
		return reply{}, faulty(http.StatusUnprocessableEntity, faults)
	}
	m.Sender, m.Once = r.id, r.Header.Get("Idempotency-Key")
	if d := g.o.Policy.Publish(r.id, m.Topic); !d.Allowed {
		return reply{}, forbidden("%s", d.Reason)
	}
	receipt, err := g.o.Publisher.Publish(r.Context(), m)
	if err != nil {
		return reply{}, fmt.Errorf("publish: %w", err)
	}
	if err := receipt.refusal(); err != nil {
		return reply{}, err
	}
	return reply{body: published{receipt.MessageID}}, nil
}

// refusal is the answer to a message that was refused, nil for one that was not.
func (r Receipt) refusal() error {
	if r.Code < 0x80 {
		return nil
	}
	row, known := codeStatus[r.Code]
	if !known {
		return fmt.Errorf("publish: refused with code %#x: %s", r.Code, r.Reason)
	}
	p := problem(row.status, "%s", r.Reason)
	p.retryAfter = row.retryAfter
	if wait := r.RetryAfter; wait > 0 {
		p.retryAfter = strconv.Itoa(int(math.Ceil(wait.Seconds())))
	}
	return p
}

// payloadMembers show a payload so that POST /publish makes the same of it: a
// JSON value other than a string as itself (without the space between its
// parts), other text as a string, the rest in base64.
type payloadMembers struct {
	Payload       json.RawMessage `json:"payload,omitempty"`
	PayloadBase64 string          `json:"payloadBase64,omitempty"`
}

func showPayload(data []byte) payloadMembers {
	switch {
	case !utf8.Valid(data):
		return payloadMembers{PayloadBase64: base64.StdEncoding.EncodeToString(data)}
	case len(data) > 0 && data[0] != '"' && string(data) != "null" && json.Valid(data):
		return payloadMembers{Payload: data}
	}
	text, err := json.Marshal(string(data))
	if err != nil { // cannot be: a string has a JSON form
		return payloadMembers{PayloadBase64: base64.StdEncoding.EncodeToString(data)}
	}
	return payloadMembers{Payload: text}
}
