package transport_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

// flaky fails its first accepts as a process without free descriptors does.
type flaky struct {
	net.Listener
	fails atomic.Int32
}

func (l *flaky) Accept() (net.Conn, error) {
	if l.fails.Add(-1) >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestTCP_Serve_AcceptError(t *testing.T) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{Listener: listen}
	f.fails.Store(3)
	s := &server{Transport: transport.New(transport.Limits{}, nil)}
	l := s.NewTCPOn("tcp", f, nil)
	if err := l.Init(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	s.addr = l.Address()
	ended := make(chan struct{})
	go func() { defer close(ended); l.Serve(s.establish) }()
	c := s.open(t, 5, "c")
	if got := s.Stats().AcceptErrors.Load(); got != 3 {
		t.Errorf("got %d accept errors, want 3", got)
	}
	for range 2 {
		l.Close(func(string) { t.Error("the engine was asked to disconnect clients: it may deadlock") })
	}
	<-ended
	c.want([]byte{0xe0, 1, byte(wire.ServerShuttingDown)})
	c.wantEOF()
	s.stop(t)
}

// A panic in the engine costs one connection, not the process.
func TestTCP_Serve_Panic(t *testing.T) {
	tr := transport.New(transport.Limits{}, nil)
	l := tr.NewTCP("tcp", "127.0.0.1:0", nil)
	if err := l.Init(nil); err != nil {
		t.Fatal(err)
	}
	go l.Serve(func(string, net.Conn) error { panic("in the engine") })
	for range 3 {
		dial(t, l.Address()).wantEOF()
	}
	if got := tr.Stats().Panics.Load(); got != 3 {
		t.Errorf("got %d panics, want 3", got)
	}
	l.Close(func(string) {})
	(&server{Transport: tr}).stop(t)
}

func TestTCP_Init_Err(t *testing.T) {
	tr := transport.New(transport.Limits{}, nil)
	defer (&server{Transport: tr}).stop(t)
	if err := tr.NewTCP("tcp", "127.0.0.1:99999", nil).Init(nil); err == nil {
		t.Error("got no error for an impossible port")
	}
}

func certificate(tb testing.TB) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TLS takes the blocking paths: big and many packets both ways, the reason at
// the end.
func TestTCP_TLS(t *testing.T) {
	s := &server{Transport: transport.New(transport.Limits{ConnectTimeout: 2 * time.Second}, nil)}
	s.prepare = func(p *plane) {
		p.onPacket = func(header byte, body []byte) error {
			var in wire.Publish
			if err := in.Parse(5, header, body); err != nil {
				return err
			}
			p.conn.Send(publish(5, string(in.Topic), in.Payload))
			return nil
		}
		p.onIdle = p.conn.Flush
	}
	l := s.NewTCP("tls", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	if err := l.Init(nil); err != nil {
		t.Fatal(err)
	}
	if got := l.Protocol(); got != "tls" {
		t.Errorf("got protocol %q, want tls", got)
	}
	go l.Serve(s.establish)
	nc, err := tls.Dial("tcp", l.Address(), &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		t.Fatal(err)
	}
	c := &client{Conn: nc, tb: t}
	c.send(connect(5, "c", 0))
	c.want(connack(5))
	if state, ok := s.plane(t, 0).conn.TLS(); !ok || !state.HandshakeComplete {
		t.Error("got no TLS state")
	}
	small, big := publish(5, "s", []byte("x")), publish(5, "b", bytes.Repeat([]byte{'y'}, 300_000))
	go func() {
		for range 20 {
			c.send(bytes.Repeat(small, 1000), big)
		}
	}()
	for range 20 {
		c.want(bytes.Repeat(small, 1000))
		c.want(big)
	}
	s.plane(t, 0).conn.Disconnect(wire.ServerShuttingDown, "")
	c.want([]byte{0xe0, 1, byte(wire.ServerShuttingDown)})
	c.wantEOF()
	silent, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	// A client that never shakes hands is not waited for.
	if _, err := io.Copy(io.Discard, silent); err != nil {
		t.Errorf("got %v, want the end of the stream", err)
	}
	l.Close(func(string) {})
	s.stop(t)
}
