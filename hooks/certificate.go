package hooks

import (
	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

// UseCertificates has clients signed in by their certificates, whose common
// name (CN) is a user's id. users says who that is now; false for somebody who
// is unknown or disabled. It is called before the engine serves.
func (s *Set) UseCertificates(users func(id string) (access.Identity, bool)) {
	s.Access.certified = users
}

// certificateUser is the common name of the connection's verified client
// certificate, ok false where there is none.
func certificateUser(conn *transport.Conn) (name string, ok bool) {
	state, ok := conn.TLS()
	if !ok || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return "", false
	}
	return state.PeerCertificates[0].Subject.CommonName, true
}

// byCertificate signs a client in that has shown a certificate and no password.
// A user name, where it gives one, must be the certificate's.
func (h *Access) byCertificate(name string, c *wire.Connect) (access.Identity, bool) {
	if h.certified == nil || name == "" || c.HasUserName && c.UserName != name {
		return access.Identity{}, false
	}
	id, ok := h.certified(name)
	id.By = access.ByCertificate
	return id, ok
}
