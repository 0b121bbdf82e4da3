package hooks_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/access"
)

// tokens lets in whose "token" is a user's name; one that begins with "slow" waits
// for the test, one that is "down" cannot be judged.
type tokens struct {
	everybody
	asked chan struct{} // gets one for each slow token
	slow  chan struct{} // ends one's wait
}

func (s *tokens) SignIn(ctx context.Context, p access.Proof) (access.Identity, error) {
	if !p.Bearer || p.User != "" {
		return s.everybody.SignIn(ctx, p)
	}
	switch name := p.Secret; {
	case name == "down":
		return access.Identity{}, fmt.Errorf("ask: %w", access.ErrUnavailable)
	case len(name) > 4 && name[:4] == "slow":
		s.asked <- struct{}{}
		select {
		case <-s.slow:
			return access.Identity{UserID: name[4:], Role: access.Member}, nil
		case <-ctx.Done():
			return access.Identity{}, ctx.Err()
		}
	case name == "":
		return access.Identity{}, access.ErrBadCredentials
	default:
		return access.Identity{UserID: name, Role: access.Member}, nil
	}
}

func method(token string) []byte {
	list := bytes.Join([][]byte{{0x15}, text("JWT"), {0x16}, text(token)}, nil)
	return append([]byte{byte(len(list))}, list...)
}

func again(token string) []byte { return packet(0xF0, []byte{0x19}, method(token)) }

// TestHooks_Renew: while a token is being verified, packets are answered.
func TestHooks_Renew(t *testing.T) {
	auth := &tokens{asked: make(chan struct{}, 1), slow: make(chan struct{})}
	addr := startEngineWith(t, auth)
	open := func() *peer {
		t.Helper()
		p := dial(t, addr)
		p.send(packet(0x10, text("MQTT"), []byte{5, 2, 0, 0}, method("ana"), text("c")))
		p.connected(0)
		return p
	}
	ended := func(p *peer, code byte) {
		t.Helper()
		if header, body := p.read(); header != 0xE0 || body[0] != code {
			t.Errorf("got %02x % x, want DISCONNECT %#x", header, body, code)
		}
		p.ended()
	}
	t.Run("OK traffic flows on", func(t *testing.T) {
		p := open()
		p.send(again("slowana"))
		<-auth.asked
		for range 3 {
			p.send([]byte{0xC0, 0})
			if header, _ := p.read(); header != 0xD0 {
				t.Fatalf("got %02x, want PINGRESP", header)
			}
		}
		auth.slow <- struct{}{}
		if header, body := p.read(); header != 0xF0 || body[0] != 0 {
			t.Errorf("got %02x % x, want AUTH with success", header, body)
		}
	})
	t.Run("ErrTwoAtOnce", func(t *testing.T) {
		p := open()
		p.send(again("slowana"))
		<-auth.asked
		p.send(again("ana"))
		ended(p, 0x82)
	})
	t.Run("ErrEndsMeanwhile", func(t *testing.T) {
		p := open()
		p.send(again("slowana"))
		<-auth.asked
		p.send([]byte{0xE0, 0})
		p.ended() // the verification is given up, or this would take its time-out
	})
	t.Run("ErrAnotherUser", func(t *testing.T) {
		p := open()
		p.send(again("ben"))
		ended(p, 0x87)
	})
	t.Run("ErrNobodyCanTell", func(t *testing.T) {
		p := open()
		p.send(again("down"))
		ended(p, 0x89)
	})
}
