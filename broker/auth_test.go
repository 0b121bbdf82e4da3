package broker_test

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/delivery/wire"
)

// byMethod are the properties of CONNECT and AUTH that carry a token.
func byMethod(token string) []byte {
	b := append([]byte{0x15, 0, 3}, "JWT"...)
	b = append(binary.BigEndian.AppendUint16(append(b, 0x16), uint16(len(token))), token...)
	return append(binary.AppendUvarint(nil, uint64(len(b))), b...)
}

// dialMethod signs in with the token in the authentication data.
func dialMethod(t *testing.T, s *brokertest.Server, id, token string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", s.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test is over
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, c: c, version: 5}
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60}, byMethod(token)...)
	p.send(0x10, append(binary.BigEndian.AppendUint16(body, uint16(len(id))), id...))
	if header, ack := p.read(); header != 0x20 || ack[1] != 0 {
		t.Fatalf("got packet %#x % x, want to be let in", header, ack)
	}
	return p
}

func (p *peer) renew(token string) {
	p.t.Helper()
	p.send(0xF0, append([]byte{0x19}, byMethod(token)...))
}

// wantRenewed wants AUTH 0x00 as the next packet.
func (p *peer) wantRenewed() {
	p.t.Helper()
	if header, body := p.read(); header != 0xF0 || body[0] != 0 {
		p.t.Fatalf("got packet %#x % x, want AUTH with success", header, body)
	}
}

// TestAuth is what re-authentication means for the one who does it.
func TestAuth(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(o *broker.Options) { o.DataDir = dir })
	t.Run("the new expiry holds", func(t *testing.T) {
		p := dialMethod(t, s, "a", token(t, "ana", 4*time.Second))
		p.renew(token(t, "ana", 7*time.Second))
		p.wantRenewed()
		begin := time.Now()
		p.wantEnd(wire.NotAuthorized)
		if took := time.Since(begin); took < 4*time.Second {
			t.Errorf("ended %v after a token of 7 s: by the old one's time", took)
		}
	})
	t.Run("the store's record counts", func(t *testing.T) {
		p := dialMethod(t, s, "a", token(t, "ana", time.Hour))
		rest(t, s, "admin", s.Token, "PUT", "/users/ana", `{"role":"member","disabled":true}`, 200)
		p.wantEnd(wire.NotAuthorized)
		rest(t, s, "admin", s.Token, "PUT", "/users/ana", `{"role":"member"}`, 200)
	})
	t.Run("the role of a new token counts", func(t *testing.T) {
		service := func(role string) string {
			claims := jwt.MapClaims{"sub": "zoe", "role": role, "exp": time.Now().Add(time.Hour).Unix()}
			tok, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
			if err != nil {
				t.Fatal(err)
			}
			return tok
		}
		p := dialMethod(t, s, "z", service("service"))
		if code := p.subscribe("challenge/#"); code >= 0x80 {
			t.Fatalf("SUBACK %#x", code)
		}
		p.renew(service("member"))
		p.wantRenewed()
		if code := p.subscribe("challenge/#"); code < 0x80 {
			t.Errorf("a member has a service's right: SUBACK %#x", code)
		}
	})
	t.Run("refused for another user", func(t *testing.T) {
		p := dialMethod(t, s, "a", token(t, "ana", time.Hour))
		p.renew(token(t, "ben", time.Hour))
		p.wantEnd(wire.NotAuthorized)
	})
	s.Stop()
	log, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), `"event":"sign-in","user":"ana","role":"member","by":"token","client":"a"`) || strings.Contains(string(log), "eyJ") {
		t.Errorf("the audit log does not have the sign-ins, or has tokens:\n%s", log)
	}
}
