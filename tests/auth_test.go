package tests_test

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// authHandler is what paho asks in the course of an enhanced authentication.
type authHandler struct{ done chan struct{} }

// Authenticate answers a server that asks on, which this one never does.
func (*authHandler) Authenticate(a *paho.Auth) *paho.Auth { return a }

// Authenticated hears of each success.
func (a *authHandler) Authenticated() { a.done <- struct{}{} }

// issue gets a token for the user.
func (s *server) issue(t testing.TB, user, ttl string) string {
	t.Helper()
	status, body := s.rest(t, "POST", "/tokens", map[string]any{"userId": user, "ttl": ttl})
	var issued struct{ Token string }
	if err := json.Unmarshal(body, &issued); status != 201 || err != nil {
		t.Fatalf("issue a token: %d %s %v", status, body, err)
	}
	return issued.Token
}

// TestPaho_Authenticate: a ride that outlives its first token, with the client
// library's own enhanced authentication.
func TestPaho_Authenticate(t *testing.T) {
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	conn, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		t.Fatal(err)
	}
	a := &authHandler{done: make(chan struct{}, 8)}
	refused := make(chan byte, 1)
	c := paho.NewClient(paho.ClientConfig{
		Conn: conn, PacketTimeout: patience, AuthHandler: a,
		OnServerDisconnect: func(d *paho.Disconnect) { refused <- d.ReasonCode },
	})
	properties := func(token string) *paho.AuthProperties {
		return &paho.AuthProperties{AuthMethod: "JWT", AuthData: []byte(token)}
	}
	wait := func(what string) {
		t.Helper()
		select {
		case <-a.done:
		case <-time.After(patience):
			t.Fatalf("%s: the library heard of no success", what)
		}
	}
	begin := time.Now()
	ack, err := c.Connect(t.Context(), &paho.Connect{
		KeepAlive: 30, ClientID: "watch", CleanStart: true,
		Properties: &paho.ConnectProperties{AuthMethod: "JWT", AuthData: []byte(s.issue(t, "ana", "6s")), RequestProblemInfo: true},
	})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		conn.Close() // it may have ended already
		<-c.Done()
	})
	wait("connect")
	if ack.Properties.AuthMethod != "JWT" {
		t.Errorf("CONNACK names the method %q", ack.Properties.AuthMethod)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	response, err := c.Authenticate(ctx, &paho.Auth{ReasonCode: 0x19, Properties: properties(s.issue(t, "ana", "1h"))})
	if err != nil || !response.Success {
		t.Fatalf("re-authenticate: %+v, %v", response, err)
	}
	wait("re-authenticate")
	if left := 7*time.Second - time.Since(begin); left > 0 {
		select { // until the first token has run out
		case code := <-refused:
			t.Fatalf("ended by the old token with 0x%02x", code)
		case <-time.After(left):
		}
	}
	if _, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "user/ana/#", QoS: 1}}}); err != nil {
		t.Fatalf("subscribe after the first token's time: %v", err)
	}
	if response, err := c.Authenticate(ctx, &paho.Auth{ReasonCode: 0x19, Properties: properties(s.issue(t, "ben", "1h"))}); err == nil && response.Success {
		t.Error("another user's token is taken")
	}
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Error("the connection lives on after a refused re-authentication")
	}
}
