// Package brokertest starts a broker inside a test.
package brokertest

import (
	"context"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/config"
)

// Server is a running broker. It ends with the test.
type Server struct {
	*broker.Broker
	// MQTT and HTTP are host:port.
	MQTT, HTTP string
	// Token is the administrator's.
	Token string

	stop func()
}

// Start runs a broker on free loopback ports, with its data in a directory of
// the test unless an option names one, and waits until it accepts.
func Start(t testing.TB, opts ...func(*broker.Options)) *Server {
	t.Helper()
	o := broker.Options{
		DataDir: t.TempDir(), MQTTAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
		Config: config.Default(),
	}
	o.Config.Passwords.Memory, o.Config.Passwords.Iterations = 64*config.KiB, 1     // tests sign in often
	o.Config.SignIn.UserFailures, o.Config.SignIn.AddressFailures = 1000, 1_000_000 // and wrongly
	for _, fn := range opts {
		fn(&o)
	}
	b, err := broker.New(o)
	if err != nil {
		t.Fatalf("start a broker: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-done:
		cancel()
		t.Fatalf("run a broker: %v", err)
	}
	s := &Server{Broker: b, MQTT: b.MQTTAddr().String(), HTTP: b.HTTPAddr().String()}
	s.Token, _ = b.AdminToken()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("broker ended: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("broker did not stop in 30 s")
		}
	}
	t.Cleanup(s.stop)
	return s
}

// Stop ends the broker cleanly, before the test does.
func (s *Server) Stop() { s.stop() }
