package transport_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

func startProxied(tb testing.TB, trusted string, config *tls.Config, limits transport.Limits) *server {
	tb.Helper()
	s := &server{Transport: transport.New(limits, nil)}
	l := s.NewTCP("tcp", "127.0.0.1:0", config)
	l.TrustProxies([]netip.Prefix{netip.MustParsePrefix(trusted)})
	if err := l.Init(nil); err != nil {
		tb.Fatal(err)
	}
	s.addr = l.Address()
	go l.Serve(s.establish)
	tb.Cleanup(func() {
		l.Close(func(string) {})
		s.stop(tb)
	})
	return s
}

// header2 encodes a PROXY header of version 2.
func header2(command, family byte, rest []byte) []byte {
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(rest))), rest...)
}

var (
	text4 = []byte("PROXY TCP4 203.0.113.7 192.0.2.1 56324 1883\r\n")
	text6 = []byte("PROXY TCP6 2001:db8::7 2001:db8::1 56324 1883\r\n")
	bin4  = header2(1, 0x11, []byte{203, 0, 113, 7, 192, 0, 2, 1, 0xdc, 4, 7, 0x5b})
)

func TestTCP_TrustProxies(t *testing.T) {
	s := startProxied(t, "127.0.0.0/8", nil, transport.Limits{})
	tlv := header2(1, 0x11, append([]byte{203, 0, 113, 7, 192, 0, 2, 1, 0xdc, 4, 7, 0x5b}, 4, 0, 2, 'x', 'y'))
	for i, tt := range []struct {
		name   string
		header []byte
		want   string // "": the socket's own
	}{
		{"version 1, IPv4", text4, "203.0.113.7:56324"},
		{"version 1, IPv6", text6, "[2001:db8::7]:56324"},
		{"version 1, unknown", []byte("PROXY UNKNOWN\r\n"), ""},
		{"version 2", bin4, "203.0.113.7:56324"},
		{"version 2 with more", tlv, "203.0.113.7:56324"},
		{"version 2, the proxy itself", header2(0, 0, nil), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s.addr)
			// In one segment: not a byte of MQTT may be lost to the header.
			c.send(tt.header, connect(5, "c", 0), []byte{0xc0, 0})
			c.want(connack(5))
			c.want([]byte{0xd0, 0})
			want := tt.want
			if want == "" {
				want = c.LocalAddr().String()
			}
			conn := s.plane(t, i).conn
			if got := conn.Remote(); got != want || conn.RemoteAddr().String() != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	for name, in := range map[string][]byte{
		"ErrNone":        connect(5, "without", 0),
		"ErrTooLong":     append([]byte("PROXY TCP4 "), bytes.Repeat([]byte{'1'}, 200)...),
		"ErrBadAddress":  []byte("PROXY TCP4 203.0.113.700 192.0.2.1 56324 1883\r\n"),
		"ErrHugeVersion": header2(1, 0x11, make([]byte, 5000)),
		"ErrShort":       header2(1, 0x11, []byte{1, 2}),
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Stats().RefusedProxy.Load()
			c := dial(t, s.addr)
			c.send(in)
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			c.wantEOF()
			if got := s.Stats().RefusedProxy.Load(); got != before+1 {
				t.Errorf("got %d counted, want 1", got-before)
			}
		})
	}
}

func TestTCP_TrustProxies_Elsewhere(t *testing.T) {
	s := startProxied(t, "192.0.2.0/24", nil, transport.Limits{})
	s.open(t, 5, "c") // who is no proxy needs no header
	s.plane(t, 0)
	for _, header := range [][]byte{text4, bin4} {
		c := dial(t, s.addr)
		c.send(header, connect(5, "spoofed", 0))
		c.wantEOF()
	}
	if got := len(s.planes()); got != 1 {
		t.Errorf("got %d connections, want the honest one only", got)
	}
}

// The limits count the clients' addresses, not the proxy's.
func TestTCP_TrustProxies_Limits(t *testing.T) {
	s := startProxied(t, "127.0.0.1/32", nil, transport.Limits{MaxPerAddress: 1})
	for i, header := range [][]byte{text4, text6} {
		c := dial(t, s.addr)
		c.send(header, connect(5, "c", 0))
		c.want(connack(5))
		s.plane(t, i)
	}
	c := dial(t, s.addr)
	c.send(bin4, connect(5, "c", 0))
	if header, body := c.recv(); header != wire.CONNACK<<4 || body[1] != byte(wire.QuotaExceeded) {
		t.Errorf("got %x %x, want a CONNACK 0x97", header, body)
	}
}

func TestTCP_TrustProxies_TLS(t *testing.T) {
	s := startProxied(t, "127.0.0.1/32", &tls.Config{Certificates: []tls.Certificate{certificate(t)}}, transport.Limits{ConnectTimeout: time.Second})
	raw := dial(t, s.addr)
	raw.send(bin4)
	nc := tls.Client(raw.Conn, &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	c := &client{Conn: nc, tb: t}
	c.send(connect(5, "c", 0))
	c.want(connack(5))
	if got := s.plane(t, 0).conn.Remote(); got != "203.0.113.7:56324" {
		t.Errorf("got %s", got)
	}
	silent := dial(t, s.addr) // half a header is not waited for
	silent.send(bin4[:8])
	if _, err := io.Copy(io.Discard, silent); err != nil {
		t.Errorf("got %v, want the end", err)
	}
}

// Whatever a trusted proxy sends, nothing panics and the next client gets in.
func FuzzProxyHeader(f *testing.F) {
	for _, seed := range [][]byte{text4, text6, bin4, header2(0, 0, nil), []byte("PROXY UNKNOWN\r\n"), []byte("PROXY \r\n\r\n\r\n\r\n\r\n")} {
		f.Add(seed)
	}
	s := startProxied(f, "127.0.0.0/8", nil, transport.Limits{ConnectTimeout: 5 * time.Second})
	f.Fuzz(func(t *testing.T, header []byte) {
		nc, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_, _ = nc.Write(header) // the server may have closed already
		_ = nc.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, nc) // it ends, one way or another
		if got := s.Stats().Panics.Load(); got != 0 {
			t.Fatalf("got %d panics", got)
		}
	})
}
