package broker_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/config"
)

// TestSignIn_Storm: while passwords queue up to be hashed, with the memory and
// iterations of the defaults, messages go to and fro.
func TestSignIn_Storm(t *testing.T) {
	const logins, wanted = 12, 20
	s := start(t, func(o *broker.Options) {
		o.Dev = true
		def := config.Default().Passwords
		o.Config.Passwords.Memory, o.Config.Passwords.Iterations, o.Config.Passwords.Parallel = def.Memory, def.Iterations, 1
	})
	for i := range logins {
		rest(t, s, "admin", s.Token, "PUT", fmt.Sprintf("/users/u%d", i), `{"role":"member","password":"a-secret"}`, 201)
	}
	sub, pub := mustDial(t, s, 4, "sub", "ana", "ana-secret"), mustDial(t, s, 4, "pub", "ben", "ben-secret")
	if code := sub.subscribe("dev/ping"); code >= 0x80 {
		t.Fatalf("SUBACK %#x", code)
	}
	answers := make(chan byte, logins)
	for i := range logins {
		c, err := net.Dial("tcp", s.MQTT)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // the test is over
		body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 60}, 0, 0)
		for _, part := range []string{fmt.Sprintf("u%d", i), "a-secret"} {
			body = append(binary.BigEndian.AppendUint16(body, uint16(len(part))), part...)
		}
		if _, err := c.Write(append([]byte{0x10, byte(len(body))}, body...)); err != nil {
			t.Fatal(err)
		}
		go func() { // ends with its connection
			connack := make([]byte, 4)
			if _, err := io.ReadFull(c, connack); err != nil {
				connack[3] = 0xFF
			}
			answers <- connack[3]
		}()
	}
	trips, admitted := 0, 0
	for left := logins; left > 0; {
		select {
		case code := <-answers:
			left--
			switch code {
			case 0:
				admitted++
			case 3: // its turn did not come in time, on a machine as busy as that
			default:
				t.Errorf("CONNACK %#x", code)
			}
		default:
			pub.publish("dev/ping", "x")
			header, body := sub.read()
			if header>>4 != 3 || !strings.HasSuffix(string(body), "x") {
				t.Fatalf("got packet %#x % x", header, body)
			}
			sub.send(0x40, body[10:12])
			trips++
		}
	}
	t.Logf("%d round trips while %d of %d signed in", trips, admitted, logins)
	if trips < wanted || admitted == 0 {
		t.Errorf("%d round trips while %d of %d signed in, want %d at least", trips, admitted, logins, wanted)
	}
}
