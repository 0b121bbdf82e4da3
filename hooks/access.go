package hooks

import (
	"bytes"
	"context"
	"errors"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

// Access is the one authenticator of the engine: its sign-in hooks are OR-ed,
// so a second one could only let more in.
type Access struct {
	mqtt.HookBase
	shared  *shared
	auth    Authenticator
	renewed func(was, is access.Identity) // nil: nobody wants to know
}

// maxClientID bounds a client identifier, in bytes: it is a key of the store.
// Longer ones are refused with 0x85. The protocol asks for 23 at least [MQTT-3.1.3-5].
const maxClientID = 256

// ID names the hook.
func (*Access) ID() string { return "access" }

// Provides tells the engine which hook points are used.
func (*Access) Provides(b byte) bool {
	return bytes.Contains([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck}, []byte{b})
}

// OnConnectAuthenticate lets a client in, or answers its CONNECT with the
// reason why not.
func (h *Access) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	conn, st := h.shared.of(cl)
	if conn == nil {
		return false
	}
	if len(cl.ID) > maxClientID {
		h.shared.refuse(conn, cl.ID, wire.ClientIdentifierNotValid, "client identifier is longer than 256 bytes")
		return false
	}
	id, err := h.signIn(cl.ID, conn)
	if err != nil {
		code, reason := signInRefusal(err)
		h.shared.log.Info("sign-in refused", "client", cl.ID, "user", conn.Connect().UserName, "remote", conn.Remote(), "reason", reason)
		h.shared.refuse(conn, cl.ID, code, reason)
		return false
	}
	if err := h.shared.plane.Owned(cl.ID, id.UserID); err != nil {
		h.shared.refuse(conn, cl.ID, refusal(err), err.Error())
		return false
	}
	st.identity = access.NewHolder(id, func() { conn.Disconnect(wire.NotAuthorized, "the token has expired") })
	if conn.Connect().HasAuthMethod {
		st.renewal = h.newRenewal(conn, st.identity, cl.ID)
		conn.OnAuth(st.renewal.take)
	}
	return true
}

// signIn returns who has sent the CONNECT: by the authentication method where it
// names one, else by name and secret, by certificate, or by nothing at all.
func (h *Access) signIn(clientID string, conn *transport.Conn) (access.Identity, error) {
	ctx, cancel := context.WithTimeout(context.Background(), signInTimeout)
	defer cancel()
	c := conn.Connect()
	if c.HasAuthMethod {
		switch {
		case c.AuthMethod != TokenMethod:
			return access.Identity{}, &wire.Error{Code: wire.BadAuthenticationMethod, Reason: "the only authentication method is " + TokenMethod + " [MQTT-4.12.0-1]"}
		case conn.Hasty():
			return access.Identity{}, &wire.Error{Code: wire.ProtocolError, Reason: "a packet before CONNACK, with an authentication method [MQTT-3.1.2-30]"}
		}
		return h.byToken(ctx, clientID, conn, c.AuthData)
	}
	p := proof(clientID, conn)
	if !c.HasUserName && !c.HasPassword && !p.Certified {
		if h.auth.Anonymous() {
			return access.Identity{}, nil
		}
		return access.Identity{}, access.ErrBadCredentials
	}
	p.User, p.Secret = c.UserName, string(c.Password)
	return h.auth.SignIn(ctx, p)
}

// signInRefusal is what CONNACK says to somebody who is not let in.
func signInRefusal(err error) (wire.Code, string) {
	var wait *access.ThrottledError
	var broken *wire.Error
	switch {
	case errors.As(err, &broken):
		return broken.Code, broken.Reason
	case errors.Is(err, access.ErrBadCredentials):
		return wire.BadUserNameOrPassword, "user name, password or token is wrong"
	case errors.As(err, &wait):
		return wire.ConnectionRateExceeded, wait.Error()
	}
	return wire.ServerUnavailable, "signing in is not possible now: try again"
}

// OnACLCheck is not asked by anything that passes: rights are judged by the
// data plane. What reaches it is denied.
func (*Access) OnACLCheck(*mqtt.Client, string, bool) bool { return false }
