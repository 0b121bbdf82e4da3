package hooks

import (
	"context"
	"errors"
	"sync"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

// TokenMethod is the one authentication method of MQTT 5 that is offered: the
// Authentication Data of CONNECT, and of each AUTH that renews it, is a JSON Web
// Token. One packet says all, so the server never asks on with 0x18.
const TokenMethod = "JWT"

// UseRenewals has fn told whenever a client has renewed its sign-in by AUTH, with
// who it was and is. It is called before the engine serves.
func (s *Set) UseRenewals(fn func(was, is access.Identity)) { s.Access.renewed = fn }

// renewal is a connection's re-authentication. At most one is under way: it runs
// on a goroutine of its own, since it may have to ask the network for a key, and
// traffic flows on meanwhile [4.12.1].
type renewal struct {
	h        *Access
	conn     *transport.Conn
	holder   *access.Holder
	clientID string

	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc
	running sync.WaitGroup
	slot    chan struct{} // holds one element while a token is verified
}

func (h *Access) newRenewal(conn *transport.Conn, holder *access.Holder, clientID string) *renewal {
	r := &renewal{h: h, conn: conn, holder: holder, clientID: clientID, slot: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// close ends what is under way and waits for it.
func (r *renewal) close() {
	r.cancel()
	r.running.Wait()
}

// take begins a re-authentication. It runs on the reading goroutine.
func (r *renewal) take(a *wire.Auth) error {
	if a.Code != wire.ReAuthenticate {
		return &wire.Error{Code: wire.ProtocolError, Reason: "AUTH goes on with what nobody has asked for [4.12]"}
	}
	select {
	case r.slot <- struct{}{}:
	default:
		return &wire.Error{Code: wire.ProtocolError, Reason: "AUTH while the one before is not answered [4.12.1]"}
	}
	r.running.Go(func() {
		defer func() { <-r.slot }()
		r.renew(a)
	})
	return nil
}

// renew answers AUTH with AUTH, or ends the connection [MQTT-4.12.1-2].
func (r *renewal) renew(a *wire.Auth) {
	ctx, cancel := context.WithTimeout(r.ctx, signInTimeout)
	defer cancel()
	id, err := r.h.byToken(ctx, r.clientID, r.conn, a.Data)
	switch {
	case r.ctx.Err() != nil:
		return
	case errors.Is(err, access.ErrBadCredentials):
		r.conn.Disconnect(wire.NotAuthorized, "the token is not valid")
		return
	case err != nil: // DISCONNECT has no code for a server that cannot tell
		r.conn.Disconnect(wire.ServerBusy, "signing in is not possible now: try again")
		return
	}
	was := r.holder.Identity()
	if !r.holder.Renew(id) {
		r.conn.Disconnect(wire.NotAuthorized, "the token is another user's")
		return
	}
	if r.h.renewed != nil {
		r.h.renewed(was, id)
	}
	// It is shorter than any CONNACK with the method, so it fits [MQTT-3.1.2-24].
	r.conn.Send(wire.AppendAuth(nil, wire.Auth{Code: wire.Success, Method: TokenMethod}))
	r.conn.Flush()
}

// byToken signs in with the data of the token method.
func (h *Access) byToken(ctx context.Context, clientID string, conn *transport.Conn, token []byte) (access.Identity, error) {
	p := proof(clientID, conn)
	p.User, p.Secret, p.Bearer = "", string(token), true
	return h.auth.SignIn(ctx, p)
}
