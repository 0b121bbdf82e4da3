package broker_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery/wire"
)

// revoke puts certificates on the list "crl".
func (p *papers) revoke(certs ...tls.Certificate) {
	p.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, p.cert, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("crl", "X509 CRL", der)
}

// wss signs in over MQTT in a WebSocket with the certificate and nothing else,
// and returns the connection and CONNACK's code.
func (p *papers) wss(addr string, cert tls.Certificate) (net.Conn, byte) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	nc, _, _, err := ws.Dialer{Protocols: []string{"mqtt"}, TLSConfig: p.config(cert)}.Dial(ctx, "wss://"+addr+"/mqtt")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = nc.Close() }) // the test is over
	if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	if err := wsutil.WriteClientBinary(nc, []byte("\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01w")); err != nil {
		p.t.Fatal(err)
	}
	packet, err := wsutil.ReadServerBinary(nc)
	if err != nil || packet[0] != 0x20 {
		p.t.Fatalf("got %x and %v, want CONNACK", packet, err)
	}
	return nc, packet[3]
}

// TestBroker_WebCertificates: at the HTTPS port a certificate signs in who shows
// nothing else, over REST and over WebSocket, until it is revoked.
func TestBroker_WebCertificates(t *testing.T) {
	p := newPapers(t)
	ana, nobody := p.issue("ana"), p.issue("nobody")
	p.revoke()
	dir := t.TempDir()
	s := brokertest.Start(t, func(o *broker.Options) {
		o.DataDir = dir
		o.Config.HTTP.TLS = config.HTTPTLS{
			Cert: p.path("cert"), Key: p.path("key"), ClientCA: p.path("ca"), ClientCertificates: config.Optional, CRL: p.path("crl"),
		}
	})
	client := func(certs ...tls.Certificate) *http.Client {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: p.config(certs...)}}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	plain, hers, strangers := client(), client(ana), client(nobody)
	ask := func(c *http.Client, method, path, body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, "https://"+s.HTTP+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	admin := []string{"Authorization", "Bearer " + s.Token}
	for _, user := range []string{"ana", "ben"} {
		if status, answer := ask(plain, "PUT", "/api/v1/users/"+user, `{"role":"member","password":"secret-of-`+user+`"}`, admin...); status != 201 {
			t.Fatalf("make %s: %d %s", user, status, answer)
		}
	}
	basic := func(user string) []string {
		req, _ := http.NewRequest("GET", "/", nil) // it cannot fail
		req.SetBasicAuth(user, "secret-of-"+user)
		return []string{"Authorization", req.Header.Get("Authorization")}
	}
	for _, tt := range []struct {
		name         string
		client       *http.Client
		method, path string
		header       []string
		want         int
	}{
		{"certificate alone", hers, "GET", "/api/v1/me", nil, 200},
		{"certificate and its user's password", hers, "GET", "/api/v1/me", basic("ana"), 200},
		{"certificate and another's password", hers, "GET", "/api/v1/me", basic("ben"), 401},
		{"password alone", plain, "GET", "/api/v1/me", basic("ben"), 200},
		{"nothing", plain, "GET", "/api/v1/me", nil, 401},
		{"a certificate of nobody", strangers, "GET", "/api/v1/me", nil, 401},
		{"a change of her own", hers, "PUT", "/api/v1/users/ana/devices/watch", nil, 201},
		{"a change by another's page", hers, "DELETE", "/api/v1/users/ana/devices/watch", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a change by another's page, old browser", hers, "DELETE", "/api/v1/users/ana/devices/watch", []string{"Origin", "https://evil.example"}, 403},
		{"a change by our own page", hers, "DELETE", "/api/v1/users/ana/devices/watch", []string{"Sec-Fetch-Site", "same-origin"}, 204},
	} {
		body := ""
		if tt.method == "PUT" {
			body = "{}"
		}
		if status, answer := ask(tt.client, tt.method, tt.path, body, tt.header...); status != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.name, status, answer, tt.want)
		}
	}
	if _, answer := ask(hers, "GET", "/api/v1/me", ""); !strings.Contains(answer, `"userId":"ana"`) {
		t.Errorf("signed in as %s", answer)
	}
	if _, code := p.wss(s.HTTP, nobody); code != byte(wire.BadUserNameOrPassword) {
		t.Errorf("over WebSocket, a certificate of nobody: CONNACK %#x", code)
	}
	live, code := p.wss(s.HTTP, ana)
	if code != 0 {
		t.Fatalf("over WebSocket: CONNACK %#x", code)
	}
	p.revoke(ana)
	packet, err := wsutil.ReadServerBinary(live)
	if err != nil || !bytes.HasPrefix(packet, []byte{0xE0}) || packet[2] != byte(wire.NotAuthorized) {
		t.Errorf("a revoked certificate's connection gets %x, %v, want DISCONNECT 0x87", packet, err)
	}
	if status, answer := ask(hers, "GET", "/api/v1/me", ""); status != 401 { // on a connection that is open since before
		t.Errorf("a revoked certificate: %d %s", status, answer)
	}
	if _, metrics := ask(plain, "GET", "/metrics", ""); !strings.Contains(metrics, `fitmq_sign_ins_total{result="refused"} 3`) {
		t.Errorf("the refusals of certificates are not counted:\n%s", grep(metrics, "sign_in"))
	}
	s.Stop()
	log, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"event":"sign-in","user":"ana","role":"member","by":"certificate"`, `"event":"refused","user":"nobody"`} {
		if !strings.Contains(string(log), want) {
			t.Errorf("no %s in\n%s", want, log)
		}
	}
}

// grep returns the lines that contain the word.
func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}
