package transport

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// CertificateFiles names what a TLS listener is made of. All are PEM files; a
// revocation list may be DER.
type CertificateFiles struct {
	// Cert is the certificate with its intermediates, Key its private key. Required.
	Cert, Key string
	// ClientCA holds the authorities whose client certificates are accepted.
	// Empty: clients are not asked for any.
	ClientCA string
	// Required refuses clients without a certificate; else they may have one.
	Required bool
	// CRL is a list, or several, of what a ClientCA has revoked (RFC 5280).
	CRL string
	// Protocols are offered by ALPN.
	Protocols []string
}

// Certificates is a listener's TLS configuration, read from its files, and read
// again when they change. A new set that cannot be used leaves the old one in
// force. Safe for concurrent use.
type Certificates struct {
	files CertificateFiles
	log   *slog.Logger
	now   atomic.Pointer[material]

	loads, failures atomic.Int64

	tried [sha256.Size]byte // belongs to whoever calls Check
	saw   [sha256.Size]byte
}

// material is one good reading of the files.
type material struct {
	config  *tls.Config
	expires time.Time
	revoked map[string]struct{} // issuer and serial number
}

// OpenCertificates reads the files. The error says which of them is wrong.
func OpenCertificates(files CertificateFiles, log *slog.Logger) (*Certificates, error) {
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	c := &Certificates{files: files, log: log}
	content, err := c.read()
	if err != nil {
		return nil, err
	}
	m, err := c.parse(content)
	if err != nil {
		return nil, err
	}
	c.tried = sum(content)
	c.saw = c.tried
	c.now.Store(m)
	c.loads.Add(1)
	return c, nil
}

// Config is for listeners: it always means the newest good reading. TLS 1.2 is
// the oldest version spoken, with forward secrecy and authenticated ciphers only.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: c.files.Protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.now.Load().config, nil },
	}
}

// Expires is when the certificate in force ends.
func (c *Certificates) Expires() time.Time { return c.now.Load().expires }

// Loads counts good readings, the first one included.
func (c *Certificates) Loads() int64 { return c.loads.Load() }

// Failures counts changes of the files that could not be used.
func (c *Certificates) Failures() int64 { return c.failures.Load() }

// Revoked reports whether the client's certificate, or one it builds on, is on
// the revocation list in force.
func (c *Certificates) Revoked(state tls.ConnectionState) bool {
	m := c.now.Load()
	for _, cert := range state.PeerCertificates {
		if _, ok := m.revoked[revocation(cert.RawIssuer, cert.SerialNumber.Bytes())]; ok {
			return true
		}
	}
	return false
}

// certificateInterval is how often the files are looked at: a change counts
// after two looks, at most.
const certificateInterval = 2 * time.Second

// Watch looks at the files every two seconds until ctx ends. changed is called
// after each new reading; it may be nil.
func (c *Certificates) Watch(ctx context.Context, changed func()) {
	tick := time.NewTicker(certificateInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if c.Check() && changed != nil {
				changed()
			}
		}
	}
}

// Check looks at the files once and reports whether a new reading is in force.
// Changed files are taken when they have not changed since the last look: a
// certificate and its key are not replaced in one step. It is for one goroutine.
func (c *Certificates) Check() (changed bool) {
	content, err := c.read()
	now := sum(content)
	if err != nil {
		now = sha256.Sum256([]byte(err.Error()))
	}
	settled := now == c.saw
	c.saw = now
	if now == c.tried || !settled {
		return false
	}
	c.tried = now
	var m *material
	if err == nil {
		m, err = c.parse(content)
	}
	if err != nil {
		c.failures.Add(1)
		c.log.Error("the changed certificate files cannot be used; what was in force stays: mend them, they are read again", "error", err, "expires", c.Expires())
		return false
	}
	c.now.Store(m)
	c.loads.Add(1)
	c.log.Info("certificate files read again", "certificate", c.files.Cert, "expires", m.expires, "revoked", len(m.revoked))
	return true
}

// content is the files' bytes: certificate, key, authorities, revocations.
type content [4][]byte

func sum(files content) [sha256.Size]byte {
	h := sha256.New()
	for _, b := range files {
		fmt.Fprintf(h, "%d\n", len(b))
		h.Write(b)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// maxCertificateFile bounds what is read of a file.
const maxCertificateFile = 64 << 20

func (c *Certificates) read() (content, error) {
	var out content
	for i, path := range []string{c.files.Cert, c.files.Key, c.files.ClientCA, c.files.CRL} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return content{}, fmt.Errorf("read certificate file: %w", err)
		}
		if info.Size() > maxCertificateFile {
			return content{}, fmt.Errorf("read certificate file %s: %d bytes are over the limit of %d", path, info.Size(), maxCertificateFile)
		}
		if out[i], err = os.ReadFile(path); err != nil {
			return content{}, fmt.Errorf("read certificate file: %w", err)
		}
	}
	return out, nil
}

// suites are for TLS 1.2; 1.3 has good ones only.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

func (c *Certificates) parse(files content) (*material, error) {
	pair, err := tls.X509KeyPair(files[0], files[1])
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", c.files.Cert, c.files.Key, err)
	}
	m := &material{expires: pair.Leaf.NotAfter}
	if time.Now().After(m.expires) {
		return nil, fmt.Errorf("certificate %s has expired on %s", c.files.Cert, m.expires.Format(time.RFC3339))
	}
	m.config = &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: suites, NextProtos: c.files.Protocols,
		Certificates: []tls.Certificate{pair},
	}
	if c.files.ClientCA == "" {
		return m, nil
	}
	authorities, err := parseAuthorities(files[2])
	if err != nil {
		return nil, fmt.Errorf("authorities %s: %w", c.files.ClientCA, err)
	}
	pool := x509.NewCertPool()
	for _, ca := range authorities {
		pool.AddCert(ca)
	}
	m.config.ClientCAs, m.config.ClientAuth = pool, tls.VerifyClientCertIfGiven
	if c.files.Required {
		m.config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	m.config.VerifyConnection = c.verify
	if c.files.CRL != "" {
		if m.revoked, err = c.parseRevocations(files[3], authorities); err != nil {
			return nil, fmt.Errorf("revocation list %s: %w", c.files.CRL, err)
		}
	}
	return m, nil
}

// errRevoked ends a handshake.
var errRevoked = errors.New("the client's certificate is revoked")

// verify is called for resumed connections, too.
func (c *Certificates) verify(state tls.ConnectionState) error {
	if c.Revoked(state) {
		return errRevoked
	}
	return nil
}

func parseAuthorities(data []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	if len(list) == 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return list, nil
}

// parseRevocations reads one DER list or any number of PEM ones. Each must be
// signed by one of the authorities. One whose next update is overdue counts on:
// what it revokes stays revoked, and the log asks for a new one.
func (c *Certificates) parseRevocations(data []byte, authorities []*x509.Certificate) (map[string]struct{}, error) {
	var lists [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "X509 CRL" {
			lists = append(lists, block.Bytes)
		}
	}
	if len(lists) == 0 {
		if bytes.Contains(data, []byte("-----BEGIN")) {
			return nil, errors.New("there is no X509 CRL in it")
		}
		lists = append(lists, data)
	}
	revoked := map[string]struct{}{}
	for _, der := range lists {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, err
		}
		if !signedByOne(list, authorities) {
			return nil, fmt.Errorf("the list of %s is not signed by any of the authorities", list.Issuer)
		}
		if !list.NextUpdate.IsZero() && time.Now().After(list.NextUpdate) {
			c.log.Warn("the revocation list is overdue; it counts on until there is a new one", "list", c.files.CRL, "nextUpdate", list.NextUpdate)
		}
		for _, e := range list.RevokedCertificateEntries {
			revoked[revocation(list.RawIssuer, e.SerialNumber.Bytes())] = struct{}{}
		}
	}
	return revoked, nil
}

func signedByOne(list *x509.RevocationList, authorities []*x509.Certificate) bool {
	for _, ca := range authorities {
		if list.CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}

// revocation is a certificate's key: serial numbers are an issuer's own.
func revocation(issuer, serial []byte) string { return string(issuer) + "\x00" + string(serial) }

// EndRevoked disconnects a listener's clients whose certificates are revoked
// (0x87).
func (t *Transport) EndRevoked(listener string, certs *Certificates) {
	t.each(func(c *Conn) {
		if c.listener != listener || !c.out.accepted.Load() {
			return // who is still signing in is judged by the handshake
		}
		if state, ok := c.TLS(); ok && certs.Revoked(state) {
			c.Disconnect(wire.NotAuthorized, errRevoked.Error())
		}
	})
}
