package access

import "crypto/tls"

// CertificateSubject is the common name of the client certificate that the
// connection has shown; ok is false where there is none, or none that was
// verified against a configured authority.
func CertificateSubject(state *tls.ConnectionState) (ok bool, name string) {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return false, ""
	}
	return true, state.PeerCertificates[0].Subject.CommonName
}

// byCertificate signs in who has shown a certificate and nothing else. A user
// name, where there is one, must be the certificate's.
func (d *Door) byCertificate(p Proof) (Identity, error) {
	if p.User != "" && p.User != p.Subject {
		return Identity{}, ErrBadCredentials
	}
	id, ok := d.o.Users.Identity(p.Subject)
	if !ok {
		return Identity{}, ErrBadCredentials
	}
	id.By = ByCertificate
	return id, nil
}
