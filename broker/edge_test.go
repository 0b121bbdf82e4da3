package broker_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery/wire"
)

// papers are an authority and what it has signed, in a directory.
type papers struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPapers(t *testing.T) *papers {
	t.Helper()
	p := &papers{t: t, dir: t.TempDir()}
	ca := p.issue("authority")
	p.cert, p.key = ca.Leaf, ca.PrivateKey.(*ecdsa.PrivateKey)
	p.write("ca", "CERTIFICATE", ca.Leaf.Raw)
	server := p.issue("broker")
	p.write("cert", "CERTIFICATE", server.Leaf.Raw)
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.write("key", "PRIVATE KEY", key)
	return p
}

// issue signs a certificate; the first one signs itself.
func (p *papers) issue(name string) tls.Certificate {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		p.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: p.cert == nil, BasicConstraintsValid: p.cert == nil,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := p.cert, p.key
	if parent == nil {
		template.KeyUsage, template.SubjectKeyId = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, []byte(name)
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		p.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		p.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (p *papers) path(name string) string { return filepath.Join(p.dir, name) }

func (p *papers) write(name, kind string, der []byte) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *papers) config(certs ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(p.cert)
	return &tls.Config{RootCAs: pool, Certificates: certs}
}

// startEdge runs a broker with TLS on both ports and the user ana.
func startEdge(t *testing.T, p *papers) (*brokertest.Server, *http.Client) {
	t.Helper()
	s := brokertest.Start(t, func(o *broker.Options) {
		o.Config.MQTT.TLS = config.MQTTTLS{
			Addr: "127.0.0.1:0", Cert: p.path("cert"), Key: p.path("key"), ClientCA: p.path("ca"), ClientCertificates: config.Optional,
		}
		o.Config.HTTP.TLS.Cert, o.Config.HTTP.TLS.Key = p.path("cert"), p.path("key")
	})
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: p.config()}}
	t.Cleanup(web.CloseIdleConnections)
	for _, user := range []string{"ana", "ben"} {
		req, err := http.NewRequest(http.MethodPut, "https://"+s.HTTP+"/api/v1/users/"+user, strings.NewReader(`{"name":"N","role":"member","password":"secret-of-`+user+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("make user %s: %s", user, resp.Status)
		}
	}
	return s, web
}

// connack signs in over TLS and returns the answer's code.
func connack(t *testing.T, addr string, config *tls.Config, user, password string) wire.Code {
	t.Helper()
	nc, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	flags := byte(2)
	payload := []byte("\x00\x01c")
	for _, field := range []struct {
		flag  byte
		value string
	}{{0x80, user}, {0x40, password}} {
		if field.value != "" {
			flags |= field.flag
			payload = append(append(payload, 0, byte(len(field.value))), field.value...)
		}
	}
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 5, flags, 0, 0, 0}, payload...)
	if _, err := nc.Write(append([]byte{0x10, byte(len(body))}, body...)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(nc, got); err != nil {
		t.Fatal(err)
	}
	if got[0] != wire.CONNACK<<4 {
		t.Fatalf("got %x, want a CONNACK", got)
	}
	return wire.Code(got[3])
}

// A certificate's common name is its user; with a password both must agree.
func TestBroker_ClientCertificates(t *testing.T) {
	p := newPapers(t)
	s, _ := startEdge(t, p)
	addr := s.MQTTSAddr().String()
	ana, nobody, nameless := p.issue("ana"), p.issue("nobody"), p.issue("")
	const refused = wire.BadUserNameOrPassword
	for _, tt := range []struct {
		name           string
		certs          []tls.Certificate
		user, password string
		want           wire.Code
	}{
		{"certificate alone", []tls.Certificate{ana}, "", "", wire.Success},
		{"certificate and its user name", []tls.Certificate{ana}, "ana", "", wire.Success},
		{"certificate and its user's password", []tls.Certificate{ana}, "ana", "secret-of-ana", wire.Success},
		{"password alone", nil, "ben", "secret-of-ben", wire.Success},
		{"ErrAnotherUserName", []tls.Certificate{ana}, "ben", "", refused},
		{"ErrAnotherUsersPassword", []tls.Certificate{ana}, "ben", "secret-of-ben", refused},
		{"ErrWrongPassword", []tls.Certificate{ana}, "ana", "wrong", refused},
		{"ErrUnknownUser", []tls.Certificate{nobody}, "", "", refused},
		{"ErrNoName", []tls.Certificate{nameless}, "", "", refused},
		{"ErrNothing", nil, "", "", refused},
		{"ErrNameAlone", nil, "ana", "", refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := connack(t, addr, p.config(tt.certs...), tt.user, tt.password); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestBroker_HTTPS(t *testing.T) {
	s, web := startEdge(t, newPapers(t))
	resp, err := web.Get("https://" + s.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`fitmq_certificate_reads_total{listener="mqtt"} 1`, `fitmq_certificate_reads_total{listener="http"} 1`,
		`fitmq_certificate_expiry_timestamp_seconds{listener="http"}`, `fitmq_connections_refused_total{reason="connect_rate"} 0`,
	} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	plain, err := http.Get("http://" + s.HTTP + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	plain.Body.Close()
	if plain.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP at the HTTPS port: got %d, want 400", plain.StatusCode)
	}
}

// A trusted proxy says whose a connection is; without its header it is closed.
func TestBroker_Proxies(t *testing.T) {
	s := brokertest.Start(t, func(o *broker.Options) {
		o.Dev = true
		o.Config.Proxies = config.Proxies{Trusted: []string{"127.0.0.0/8"}, Protocol: true}
		o.Config.MQTT.MaxConnectionsPerAddress = 1
	})
	connect := func(header string) []byte {
		t.Helper()
		nc, err := net.Dial("tcp", s.MQTT)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Write([]byte(header + "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4)
		n, err := io.ReadFull(nc, got)
		if err != nil && n > 0 {
			t.Fatalf("got %x and %v", got[:n], err)
		}
		return got[:n]
	}
	for _, tt := range []struct {
		header string
		want   []byte
	}{
		{"PROXY TCP4 203.0.113.7 192.0.2.1 56324 1883\r\n", []byte{0x20, 2, 0, 0}},
		{"PROXY TCP4 203.0.113.8 192.0.2.1 56324 1883\r\n", []byte{0x20, 2, 0, 0}},
		{"PROXY TCP4 203.0.113.7 192.0.2.1 56325 1883\r\n", []byte{0x20, 2, 0, 3}}, // one is there
		{"", nil},
	} {
		if got := connect(tt.header); !bytes.Equal(got, tt.want) {
			t.Errorf("%q: got %x, want %x", tt.header, got, tt.want)
		}
	}
}
