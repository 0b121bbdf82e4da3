package hooks

import (
	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/transport"
)

// proof is what a connection shows beside what its packets say: where it comes
// from and, over TLS, a client certificate that was verified.
func proof(clientID string, conn *transport.Conn) access.Proof {
	p := access.Proof{Remote: conn.Remote(), Client: clientID, Via: "mqtt"}
	if state, ok := conn.TLS(); ok {
		p.Certified, p.Subject = access.CertificateSubject(&state)
	}
	return p
}
