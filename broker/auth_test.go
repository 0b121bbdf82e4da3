package broker_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
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
		p := dialMethod(t, s, "a", token(t, "ana", 2*time.Second))
		p.renew(token(t, "ana", 5*time.Second))
		p.wantRenewed()
		begin := time.Now()
		p.wantEnd(wire.NotAuthorized)
		if took := time.Since(begin); took < 3*time.Second {
			t.Errorf("ended %v after a token of 5 s: by the old one's time", took)
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

// TestAuth_TrafficFlowsOn: while the key of a token is being fetched, messages
// come and go; a second AUTH meanwhile is a protocol error.
func TestAuth_TrafficFlowsOn(t *testing.T) {
	_, first, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, later, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	slow, asked := make(chan struct{}), make(chan struct{}, 16)
	requests := 0
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := map[string]ed25519.PrivateKey{"first": first}
		if requests++; requests > 1 { // one request at a time: no lock
			asked <- struct{}{}
			select {
			case <-slow:
			case <-r.Context().Done():
				return
			}
			known["later"] = later
		}
		var list []map[string]string
		for kid, k := range known {
			list = append(list, map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": kid,
				"x": base64.RawURLEncoding.EncodeToString(k.Public().(ed25519.PublicKey))})
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"keys": list}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(keys.Close)
	s := start(t, func(o *broker.Options) { o.Config.Tokens.Secret, o.Config.Tokens.JWKS = "", keys.URL })
	by := func(kid string, key ed25519.PrivateKey) string {
		tok := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "ana", "exp": time.Now().Add(time.Hour).Unix()})
		tok.Header["kid"] = kid
		signed, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	p := dialMethod(t, s, "a", by("first", first))
	p.renew(by("later", later))
	<-asked
	if code := p.subscribe("user/ana/#"); code >= 0x80 {
		t.Errorf("SUBACK %#x", code)
	}
	close(slow)
	p.wantRenewed()
}
