package transport_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

// startTLS is startServer with a certificate's files.
func startTLS(tb testing.TB, limits transport.Limits, files func(pki, *transport.CertificateFiles), more ...func(*authority, pki)) (*server, *authority, pki, *transport.Certificates) {
	tb.Helper()
	ca, p := newAuthority(tb, "authority"), pki{tb, tb.TempDir()}
	p.certificate(ca.issue("broker", time.Hour))
	f := transport.CertificateFiles{Cert: p.path("cert"), Key: p.path("key")}
	if files != nil {
		p.write("ca", ca.pem())
		files(p, &f)
	}
	for _, fn := range more {
		fn(ca, p)
	}
	certs, err := transport.OpenCertificates(f, nil)
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{Transport: transport.New(limits, nil)}
	l := s.NewTCP("tls", "127.0.0.1:0", certs.Config())
	if err := l.Init(nil); err != nil {
		tb.Fatal(err)
	}
	s.addr = l.Address()
	go l.Serve(s.establish)
	tb.Cleanup(func() {
		l.Close(func(string) {})
		s.stop(tb)
	})
	return s, ca, p, certs
}

// dialTLS shakes hands; certs are the client's.
func dialTLS(tb testing.TB, addr string, ca *authority, certs ...tls.Certificate) (*client, error) {
	tb.Helper()
	nc, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, &tls.Config{RootCAs: ca.pool(), Certificates: certs})
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { nc.Close() })
	return &client{Conn: nc, tb: tb}, nc.SetDeadline(time.Now().Add(3 * patience))
}

// openTLS dials and connects, or says what the server refused it for.
func openTLS(tb testing.TB, addr string, ca *authority, certs ...tls.Certificate) (*client, error) {
	tb.Helper()
	c, err := dialTLS(tb, addr, ca, certs...)
	if err != nil {
		return nil, err
	}
	// With TLS 1.3 a refused certificate shows at the first read.
	if _, err := c.Write(connect(5, "c", 0)); err != nil {
		return nil, err
	}
	got := make([]byte, len(connack(5)))
	if _, err := io.ReadFull(c, got); err != nil {
		return nil, err
	}
	if !bytes.Equal(got, connack(5)) {
		tb.Fatalf("got %x, want a good CONNACK", got)
	}
	return c, nil
}

func serial(c *client) *big.Int {
	return c.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber
}

// A new certificate is taken without dropping anyone; a broken one is not.
func TestCertificates_Check(t *testing.T) {
	s, ca, p, certs := startTLS(t, transport.Limits{}, nil)
	first, err := openTLS(t, s.addr, ca)
	if err != nil {
		t.Fatal(err)
	}
	look := func() bool { // a change counts once it has settled
		one := certs.Check()
		return certs.Check() || one
	}
	if look() || certs.Loads() != 1 {
		t.Error("what has not changed was read again")
	}
	p.write("cert", []byte("broken"))
	if certs.Check(); certs.Failures() != 0 {
		t.Error("a file that may still be written was judged at the first look")
	}
	if look() || certs.Failures() != 1 {
		t.Errorf("got %d failures, want 1", certs.Failures())
	}
	if look(); certs.Failures() != 1 {
		t.Error("the same broken files count once")
	}
	second, err := openTLS(t, s.addr, ca)
	if err != nil {
		t.Fatalf("with a broken new file: %v", err)
	}
	if serial(second).Cmp(serial(first)) != 0 {
		t.Error("got another certificate than before")
	}
	p.certificate(ca.issue("broker", -time.Minute))
	if look() || certs.Failures() != 2 {
		t.Error("an expired certificate was taken")
	}
	renewed := ca.issue("broker", 2*time.Hour)
	p.certificate(renewed)
	if !look() {
		t.Fatal("the new certificate was not taken")
	}
	if got, want := certs.Expires(), renewed.Leaf.NotAfter; !got.Equal(want) {
		t.Errorf("got expiry %v, want %v", got, want)
	}
	third, err := openTLS(t, s.addr, ca)
	if err != nil {
		t.Fatal(err)
	}
	if serial(third).Cmp(renewed.Leaf.SerialNumber) != 0 {
		t.Error("a new connection got the old certificate")
	}
	first.send([]byte{0xc0, 0})
	first.want([]byte{0xd0, 0}) // and the old one lives
}

func TestOpenCertificates_Err(t *testing.T) {
	ca, other, p := newAuthority(t, "authority"), newAuthority(t, "other"), pki{t, t.TempDir()}
	p.certificate(ca.issue("broker", time.Hour))
	p.write("ca", ca.pem())
	p.write("empty", nil)
	p.write("foreign.crl", other.revoke())
	for name, f := range map[string]transport.CertificateFiles{
		"no such file": {Cert: p.path("none"), Key: p.path("key")},
		"with key":     {Cert: p.path("ca"), Key: p.path("key")},
		"authorities":  {Cert: p.path("cert"), Key: p.path("key"), ClientCA: p.path("empty")},
		"not signed":   {Cert: p.path("cert"), Key: p.path("key"), ClientCA: p.path("ca"), CRL: p.path("foreign.crl")},
		"revocation":   {Cert: p.path("cert"), Key: p.path("key"), ClientCA: p.path("ca"), CRL: p.path("empty")},
	} {
		if _, err := transport.OpenCertificates(f, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
}

func TestTCP_TLS_OldVersions(t *testing.T) {
	s, ca, _, _ := startTLS(t, transport.Limits{}, nil)
	for _, config := range []*tls.Config{
		{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		config.RootCAs = ca.pool()
		if nc, err := tls.Dial("tcp", s.addr, config); err == nil {
			nc.Close()
			t.Errorf("a handshake of version up to %x with suites %v succeeded", config.MaxVersion, config.CipherSuites)
		}
	}
	await.Until(t, "both are counted", func() bool { return s.Stats().RefusedTLS.Load() == 2 })
	plain := dial(t, s.addr) // MQTT without TLS gets an end
	plain.send(connect(5, "c", 0))
	if _, err := io.Copy(io.Discard, plain); err != nil {
		t.Errorf("got %v, want the end", err)
	}
}

func TestTCP_TLS_ClientCertificates(t *testing.T) {
	for _, required := range []bool{false, true} {
		s, ca, _, _ := startTLS(t, transport.Limits{}, func(p pki, f *transport.CertificateFiles) {
			f.ClientCA, f.Required = p.path("ca"), required
		})
		if _, err := openTLS(t, s.addr, ca, ca.issue("ana", time.Hour)); err != nil {
			t.Errorf("required %v: with a certificate: %v", required, err)
		}
		state, ok := s.plane(t, 0).conn.TLS()
		if !ok || len(state.VerifiedChains) == 0 || state.PeerCertificates[0].Subject.CommonName != "ana" {
			t.Error("got no verified certificate")
		}
		if _, err := openTLS(t, s.addr, ca); (err != nil) != required {
			t.Errorf("required %v: without a certificate: got %v", required, err)
		}
		if _, err := openTLS(t, s.addr, ca, newAuthority(t, "authority").issue("ana", time.Hour)); err == nil && required {
			t.Error("a certificate of a stranger was taken")
		}
		if _, err := openTLS(t, s.addr, ca, ca.issue("ana", -time.Minute)); err == nil {
			t.Error("an expired certificate was taken")
		}
	}
}

// A revoked certificate ends the connection that it has let in, and is not
// taken again, not even to resume.
func TestTransport_EndRevoked(t *testing.T) {
	s, ca, p, certs := startTLS(t, transport.Limits{}, func(p pki, f *transport.CertificateFiles) {
		f.ClientCA, f.CRL = p.path("ca"), p.path("crl")
	}, func(ca *authority, p pki) { p.write("crl", ca.revoke()) })
	ana, ben := ca.issue("ana", time.Hour), ca.issue("ben", time.Hour)
	a, err := openTLS(t, s.addr, ca, ana)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openTLS(t, s.addr, ca, ben)
	if err != nil {
		t.Fatal(err)
	}
	cache := tls.NewLRUClientSessionCache(1)
	resume := func() error {
		nc, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{ana}, ClientSessionCache: cache})
		if err != nil {
			return err
		}
		defer nc.Close()
		if _, err := nc.Write(connect(4, "resume", 0)); err != nil {
			return err // refused before it could be written
		}
		_, _, err = (&client{Conn: nc, tb: t}).next()
		return err
	}
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	p.write("crl", ca.revoke(ana))
	certs.Check()
	if !certs.Check() {
		t.Fatal("the changed list was not taken")
	}
	s.EndRevoked("tls", certs)
	a.want(wire.AppendDisconnect(nil, wire.NotAuthorized, "the client's certificate is revoked"))
	a.wantEOF()
	b.send([]byte{0xc0, 0})
	b.want([]byte{0xd0, 0})
	if _, err := openTLS(t, s.addr, ca, ana); err == nil {
		t.Error("a revoked certificate was taken")
	}
	if err := resume(); err == nil {
		t.Error("a revoked certificate was resumed")
	}
}

// Clients that do not read cost nobody else a delay, though writes to them block.
func TestTCP_TLS_Stalled(t *testing.T) {
	s, ca, _, _ := startTLS(t, transport.Limits{}, nil)
	var stalled []*plane
	for i := range 8 {
		if _, err := openTLS(t, s.addr, ca); err != nil {
			t.Fatal(err)
		}
		stalled = append(stalled, s.plane(t, i))
	}
	reader, err := openTLS(t, s.addr, ca)
	if err != nil {
		t.Fatal(err)
	}
	healthy := s.plane(t, len(stalled))
	frame := publish(5, "a", bytes.Repeat([]byte{'x'}, 10_000))
	for _, p := range stalled {
		for p.conn.Buffered() < 4<<20 {
			if p.conn.Send(frame) {
				p.conn.Flush()
			}
		}
	}
	start := time.Now()
	for range 200 {
		healthy.conn.Send(frame)
		healthy.conn.Flush()
		reader.want(frame)
	}
	if took := time.Since(start); took > patience/2 {
		t.Errorf("200 messages to a client that reads took %v", took)
	}
	for _, p := range stalled {
		if p.conn.Buffered() == 0 {
			t.Fatal("it was not stalled: the test shows nothing")
		}
	}
}

// MQTT over WebSocket over TLS on a server that also speaks HTTP/2.
func TestWebSocket_TLS(t *testing.T) {
	ca, p := newAuthority(t, "authority"), pki{t, t.TempDir()}
	p.certificate(ca.issue("broker", time.Hour))
	certs, err := transport.OpenCertificates(transport.CertificateFiles{
		Cert: p.path("cert"), Key: p.path("key"), Protocols: []string{"h2", "http/1.1"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Transport: transport.New(transport.Limits{}, nil)}
	l := s.NewWebSocket("ws")
	l.Serve(s.establish)
	front := &http.Server{Handler: l, TLSConfig: certs.Config(), ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	listen := httptest.NewUnstartedServer(nil).Listener
	s.addr = listen.Addr().String()
	go func() { _ = front.ServeTLS(s.Web(listen, "localhost:1883"), "", "") }() // ends with Close
	defer s.stop(t)
	defer front.Close()

	d := ws.Dialer{Protocols: []string{"mqtt"}, TLSConfig: &tls.Config{RootCAs: ca.pool(), NextProtos: []string{"http/1.1"}}}
	nc, br, _, err := d.Dial(t.Context(), "wss://"+s.addr+"/mqtt")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		t.Fatal(err)
	}
	w := &webClient{client: client{Conn: nc, tb: t}, r: nc}
	if br != nil {
		w.r = br
	}
	w.send(frame(ws.OpBinary, true, connect(5, "c", 0)))
	w.wantFrame(ws.OpBinary, connack(5))
	conn := s.plane(t, 0).conn
	if state, ok := conn.TLS(); !ok || !state.HandshakeComplete {
		t.Error("got no TLS state")
	}
	big := publish(5, "b", bytes.Repeat([]byte{'y'}, 300_000))
	conn.Send(big)
	conn.Flush()
	w.wantFrame(ws.OpBinary, big)
	conn.Disconnect(wire.ServerShuttingDown, "")
	w.wantFrame(ws.OpBinary, []byte{0xe0, 1, byte(wire.ServerShuttingDown)})
	w.wantClose(ws.StatusNormalClosure)

	h2 := http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: ca.pool()}}}
	defer h2.CloseIdleConnections()
	resp, err := h2.Get("https://" + s.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("got HTTP/%d %d, want HTTP/2 and 426", resp.ProtoMajor, resp.StatusCode)
	}
	plain := dial(t, s.addr)
	plain.send(connect(4, "lost", 0))
	plain.want([]byte{0x20, 2, 0, 3}) // MQTT without TLS at an HTTPS port is told, too
	plain.wantEOF()
}
