package broker_test

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// What comes over HTTP without a client id is no client's own, whatever a client
// calls itself: No Local keeps it from nobody, and it keeps its order.
func TestHTTPPublisher_NoClientIsMistakenForIt(t *testing.T) {
	s := start(t, open)
	for _, id := range []string{"http", "HTTP", "page"} {
		t.Run(id, func(t *testing.T) {
			p := mustDial(t, s, 5, id, "ana", "ana-secret")
			const noLocal, qos1 = 4, 1
			body := append(binary.BigEndian.AppendUint16([]byte{0, 9, 0}, 5), "lab/x"...)
			p.send(0x82, append(body, noLocal|qos1))
			if header, ack := p.read(); header != 0x90 || ack[len(ack)-1] != 1 {
				t.Fatalf("got %#x %v, want a SUBACK", header, ack)
			}
			const n = 10
			for i := range n {
				rest(t, s, "ana", "ana-secret", "POST", "/publish", fmt.Sprintf(`{"topic":"lab/x","payload":"%d"}`, i), 200)
			}
			for i := range n {
				if got := p.await("lab/x"); got != fmt.Sprint(i) {
					t.Fatalf("message %d: got %q", i, got)
				}
			}
			// Its own it names itself.
			rest(t, s, "ana", "ana-secret", "POST", "/publish", fmt.Sprintf(`{"topic":"lab/x","payload":"own","clientId":%q}`, id), 200)
			rest(t, s, "ana", "ana-secret", "POST", "/publish", `{"topic":"lab/x","payload":"last"}`, 200)
			if got := p.await("lab/x"); got != "last" {
				t.Errorf("got %q, which No Local keeps back", got)
			}
			// Somebody else's client is not to be had by its name.
			rest(t, s, "ben", "ben-secret", "POST", "/publish", fmt.Sprintf(`{"topic":"lab/x","payload":"x","clientId":%q}`, id), 403)
		})
	}
}
