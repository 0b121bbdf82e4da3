package hooks

import (
	"bytes"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/topics"
	"github.com/fitmq/fitmq/transport"
)

// Session gives every accepted connection its session in the data plane.
type Session struct {
	mqtt.HookBase
	shared *shared
}

// ID names the hook.
func (*Session) ID() string { return "session" }

// Provides tells the engine which hook points are used.
func (*Session) Provides(b byte) bool {
	return bytes.Contains([]byte{mqtt.OnSessionEstablish, mqtt.OnSessionEstablished}, []byte{b})
}

// OnSessionEstablish, before CONNACK, takes the session over or makes it.
func (h *Session) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	conn, st := h.shared.of(cl)
	if conn == nil {
		return
	}
	c, id := conn.Connect(), st.identity.Identity()
	if w := c.Will; w != nil && len(w.Payload) > 0 && secret(w.Topic) {
		// A will is kept with its session, on disk: what must not be kept cannot be one.
		h.refuse(cl, conn, wire.NotAuthorized, "a will to "+w.Topic+" must be empty: what is published there is not kept")
		return
	}
	session, err := h.shared.plane.Connect(delivery.Connect{
		Conn: conn,
		Client: &delivery.Client{
			ID: cl.ID, UserID: id.UserID, Role: string(id.Role),
			Version: c.Version, Remote: conn.Remote(), Identity: st.identity,
		},
		CleanStart: c.CleanStart, Expiry: expiry(conn), Will: c.Will,
		ReceiveMaximum: c.ReceiveMaximum, MaximumPacketSize: c.MaximumPacketSize, TopicAliasMaximum: c.TopicAliasMaximum,
		ProblemInformation: c.RequestProblem,
	})
	if err != nil {
		h.shared.log.Info("session refused", "client", cl.ID, "error", err)
		h.refuse(cl, conn, refusal(err), err.Error())
		return
	}
	st.session = session
}

// refuse answers CONNECT.
func (h *Session) refuse(cl *mqtt.Client, conn *transport.Conn, code wire.Code, reason string) {
	h.shared.refuse(conn, cl.ID, code, reason)
	// The engine goes on to take over the client that has this id: give it
	// nobody to take over.
	cl.ID += "\x00refused"
}

// secret reports whether what is published to the topic must not be kept: a token,
// or a position.
func secret(topic string) bool {
	k := topics.Parse(topic).Kind
	return k == topics.UserToken || k == topics.MatchBeacon
}

// expiry is the session expiry interval that CONNECT asks for. MQTT 3 has
// none: its session ends with the connection, or never.
func expiry(conn *transport.Conn) uint32 {
	c := conn.Connect()
	if c.Version == 5 {
		return c.SessionExpiry
	}
	if c.CleanStart {
		return 0
	}
	return ^uint32(0)
}

// OnSessionEstablished, after CONNACK, opens the way for the data plane, and
// ends the engine's part: nothing of what follows is its business.
func (h *Session) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	conn, st := h.shared.of(cl)
	if conn == nil || st.session == nil {
		return
	}
	conn.SetKeepAlive(conn.Connect().KeepAlive)
	conn.Attach(st.session)
	conn.TakeOver(func() { h.shared.ended(conn) })
	st.session.Start()
}
