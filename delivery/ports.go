// Package delivery is the data plane: sessions, subscriptions, windows,
// retained messages, wills and acknowledgements. It knows MQTT and the log, and
// neither fitness nor the embedded engine; what it needs of them is declared in
// this file.
package delivery

import (
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// Conn is a client's connection as the data plane sees it. No method blocks.
type Conn interface {
	// Send appends a whole packet to the connection's buffer. dirty is true
	// when nothing was waiting to be flushed before: the caller then owes a
	// Flush. After Close it does nothing.
	Send(frame []byte) (dirty bool)
	// SendID is Send with the two bytes at offset at replaced by id.
	SendID(frame []byte, at int, id uint16) (dirty bool)
	// Buffered is how many bytes wait to be written.
	Buffered() int
	// Flush hands the connection to the flushers.
	Flush()
	// Disconnect ends the connection: an MQTT 5 client gets a DISCONNECT with
	// the code and reason, what is buffered is written, then the connection
	// half-closes, drains and closes. Returns at once.
	Disconnect(code wire.Code, reason string)
}

// Packer is a Conn that may send a PUBLISH with its payload compressed, so that
// a large payload is compressed once for all who get it.
type Packer interface {
	// Packs reports whether a payload of n bytes is worth compressing for this
	// connection. The answer for a size never changes.
	Packs(n int) bool
	// Pack compresses a payload; nil when it would not get smaller.
	Pack(payload []byte) []byte
	// SendPacked is SendID with the packet's bytes before the payload, at most
	// 65,535, and the payload as Pack has made it; at 0 leaves the id out.
	SendPacked(head []byte, at int, id uint16, packed []byte) (dirty bool)
}

// Client is who is connected.
type Client struct {
	ID       string // client id
	UserID   string // "" = anonymous
	Role     string
	Version  byte // 3, 4 or 5
	Remote   string
	Via      string // how it came: "" = MQTT
	Identity any    // what the policy attached at sign-in
}

// Policy says who may do what. Every decision is cheap enough for the hot path.
type Policy interface {
	// MayPublish returns "" or the reason why not.
	MayPublish(c *Client, topic string) (reason string)
	// MaySubscribe judges a whole filter (with its $share/group/ prefix).
	MaySubscribe(c *Client, filter string) (reason string)
	// MayReceive judges a delivery.
	MayReceive(c *Client, topic string) bool
}

// Allowance bounds what clients take, by who they are.
type Allowance interface {
	// Publish takes one message from what the client's user has left of a second's
	// worth. A failing code refuses it, with the reason; quiet leaves out the
	// notice that a client gets whose packet has no answer.
	Publish(c *Client, topic string, payload int) (code wire.Code, reason string, quiet bool)
	// Subscriptions and Connections are how many of them the client, and the
	// client's user, may have; 0 sets no limit.
	Subscriptions(c *Client) int
	Connections(c *Client) int
}

// Verdict is the judgement on a publish, by its meaning.
type Verdict struct {
	Code     wire.Code // 0 accepts; 0x80 and over refuses
	Reason   string
	Log      bool   // append even when no session needs it
	RecordID string // log idempotency key, or ""
	Deliver  bool   // route to subscribers
	Retain   bool   // keep as retained (an empty payload removes)
	State    bool   // conflate
	Payload  []byte // replaces the payload when not nil
	// Quiet leaves out the notice of a refusal that the packet cannot be answered with.
	Quiet bool
	// Expiry is the message expiry interval of a message whose sender gave
	// none, in whole seconds; 0 = none.
	Expiry time.Duration
	// Made is handed to Applied with the message, see Message.Made.
	Made any
}

// Meaning tells what a publish means.
type Meaning interface {
	// Plain reports whether messages of the topic mean nothing: they are
	// delivered and retained as MQTT says, and Judge is not asked. It is so for
	// good: the answer may be kept.
	Plain(topic string) bool
	// Judge is called in arrival order for one client.
	Judge(c *Client, m *Message) Verdict
	// Applied is called in log order for each record whose verdict said Log,
	// and after a restart again for those behind Position.
	Applied(pos store.Pos, m *Message)
	// Position is the log position up to which what Applied did is kept.
	Position() store.Pos
}

// Connection is what the data plane gives for a client's connection: the
// transport calls it, on the connection's reading goroutine except for Drained.
type Connection interface {
	// Start lets deliveries begin, once CONNACK has been written.
	Start()
	// Present reports whether CONNACK says "session present".
	Present() bool
	// Packet handles one packet of the data plane; body is only valid during
	// the call. A *wire.Error ends the connection with its code.
	Packet(header byte, body []byte) error
	// Disconnect takes the client's DISCONNECT.
	Disconnect(d *wire.Disconnect) error
	// Idle is called when no more packets are there to be read.
	Idle()
	// Drained is called when the connection's buffer has emptied.
	Drained()
	// Closed is called once, when the connection has ended.
	Closed()
}

// Observer hears of clients coming, going and subscribing, in order for each client.
type Observer interface {
	Connected(c *Client)
	Disconnected(c *Client, clean bool)
	Subscribed(c *Client, filter string)
	Unsubscribed(c *Client, filter string)
	// Refused: a publish was refused and its packet could not say so (QoS 0,
	// or an MQTT 3 client).
	Refused(c *Client, m *Message, code wire.Code, reason string)
	// Skipped: n messages were given up because the session's queue was full;
	// told when the client is there to hear it.
	Skipped(c *Client, n int)
	// Revoked: the client's subscription has ended because it is no longer allowed.
	Revoked(c *Client, filter, reason string)
	// Acknowledged: the client has the message, below user/, that it was sent
	// at QoS 1 or 2: PUBACK or PUBREC came, whenever that is. After a crash it
	// may be told again.
	Acknowledged(c *Client, m *Message)
}
