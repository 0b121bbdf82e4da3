// Package hooks adapts the embedded engine's hook points to the data plane and
// to sign-in. The engine keeps the control plane (the CONNECT handshake,
// take-over and life cycle of connections); the hooks hold no rules of their own.
package hooks

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

// Authenticator proves who somebody is.
type Authenticator interface {
	// SignIn returns the identity. access.ErrBadCredentials says nothing about
	// which part was wrong, and *access.ThrottledError that nobody looked; any
	// other error means that nobody could tell. It may take as long as ctx allows.
	SignIn(ctx context.Context, p access.Proof) (access.Identity, error)
	// Anonymous reports whether a client without credentials is let in.
	Anonymous() bool
}

// Plane is the data plane as the hooks use it.
type Plane interface {
	Owned(clientID, userID string) error
	Connect(delivery.Connect) (delivery.Connection, error)
}

// signInTimeout bounds a sign-in, the wait for its turn included.
const signInTimeout = 10 * time.Second

// Announce is what CONNACK tells every MQTT 5 client beyond what the engine does.
type Announce struct {
	MaximumPacketSize uint32 // bytes
	TopicAliasMaximum uint16
	SessionExpiry     uint32 // the cap, in seconds
}

// shared is what the hooks know of a connection between its hook points.
type shared struct {
	plane Plane
	log   *slog.Logger
	conns sync.Map // *transport.Conn -> *state
	// refused hears of each CONNECT that was refused; nil for nobody.
	refused func(Refused)
}

// Refused is a CONNECT that was refused.
type Refused struct {
	ClientID string
	// User is the user name as it was given, or the certificate's common name.
	User, Remote string
	Code         wire.Code
	Reason       string
}

// UseRefusals has fn called with each CONNECT that is refused, on the
// connection's goroutine: it must not block. Call it before the first connection.
func (s *Set) UseRefusals(fn func(Refused)) { s.shared.refused = fn }

// refuse answers CONNECT with a code over 0x80.
func (s *shared) refuse(conn *transport.Conn, clientID string, code wire.Code, reason string) {
	conn.RefuseConnect(code, reason)
	if s.refused == nil {
		return
	}
	p := proof(clientID, conn)
	p.User = conn.Connect().UserName
	if p.User == "" {
		p.User = p.Subject
	}
	s.refused(Refused{ClientID: clientID, User: p.User, Remote: conn.Remote(), Code: code, Reason: reason})
}

// state is one connection's. It is used on its reading goroutine.
type state struct {
	identity *access.Holder
	renewal  *renewal            // nil without an authentication method
	session  delivery.Connection // nil until OnSessionEstablish, or refused
}

func (s *shared) of(cl *mqtt.Client) (*transport.Conn, *state) {
	c, ok := cl.Net.Conn.(*transport.Conn)
	if !ok {
		return nil, nil
	}
	v, _ := s.conns.LoadOrStore(c, &state{})
	return c, v.(*state)
}

// Set is the hooks of one broker.
type Set struct {
	Access  *Access
	Session *Session
	Connack *Connack

	shared *shared
}

// New makes the hooks.
func New(plane Plane, auth Authenticator, announce Announce, log *slog.Logger) *Set {
	sh := &shared{plane: plane, log: log}
	return &Set{
		Access:  &Access{shared: sh, auth: auth},
		Session: &Session{shared: sh},
		Connack: &Connack{shared: sh, announce: announce},
		shared:  sh,
	}
}

// Add attaches the hooks to an engine.
func (s *Set) Add(server *mqtt.Server) error {
	for _, h := range []mqtt.Hook{s.Access, s.Session, s.Connack} {
		if err := server.AddHook(h, nil); err != nil {
			return err
		}
	}
	return nil
}

// Ended releases what the hooks hold of a connection that did not get beyond its
// handshake: the engine has no hook for that. It is called when the engine's
// handler has returned.
func (s *Set) Ended(c net.Conn) {
	if tc, ok := c.(*transport.Conn); ok && !tc.TakenOver() {
		s.shared.ended(tc)
	}
}

// ended forgets a connection and tells the data plane.
func (s *shared) ended(c *transport.Conn) {
	if v, ok := s.conns.LoadAndDelete(c); ok {
		st := v.(*state)
		if st.renewal != nil {
			st.renewal.close()
		}
		if st.identity != nil {
			st.identity.Close()
		}
		if st.session != nil {
			st.session.Closed()
		}
	}
}

// refusal is the CONNACK code for a session that could not be had.
func refusal(err error) wire.Code {
	var will *delivery.WillError
	switch {
	case errors.As(err, &will):
		return wire.NotAuthorized
	case errors.Is(err, delivery.ErrOwned):
		return wire.ClientIdentifierNotValid
	case errors.Is(err, delivery.ErrCrowded):
		return wire.QuotaExceeded
	case errors.Is(err, delivery.ErrReplaced):
		return wire.ServerBusy
	default:
		return wire.ServerUnavailable
	}
}
