package attacks_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker/brokertest"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// hello is a CONNECT.
type hello struct {
	version        byte
	id, user, pass string
	// from is the address to come from; "" for any.
	from string
	// clean forgets the session; else it lasts an hour.
	clean bool
	// method carries the token in MQTT 5's authentication data.
	method string
	// will is a topic for one; "" for none.
	will string
}

// peer is an MQTT client in bytes.
type peer struct {
	t       testing.TB
	c       net.Conn
	r       *bufio.Reader
	version byte
	connack []byte // the body of the answer to CONNECT, nil when there was none
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func (h hello) encode() []byte {
	flags, b := byte(0), text(nil, "MQTT")
	if h.clean {
		flags |= 2
	}
	if h.will != "" {
		flags |= 0x0C // QoS 1
	}
	if h.method == "" {
		flags |= 0xC0
	}
	b = append(b, h.version, flags, 0, 60)
	if h.version == 5 {
		var props []byte
		if !h.clean {
			props = append(props, 0x11, 0, 0, 0x0E, 0x10)
		}
		if h.method != "" {
			props = text(append(text(append(props, 0x15), "JWT"), 0x16), h.method)
		}
		b = append(binary.AppendUvarint(b, uint64(len(props))), props...)
	}
	b = text(b, h.id)
	if h.will != "" {
		if h.version == 5 {
			b = append(b, 0)
		}
		b = text(text(b, h.will), "gone")
	}
	if h.method == "" {
		b = text(text(b, h.user), h.pass)
	}
	return b
}

// dial sends the CONNECT and reads the answer.
func dial(t testing.TB, s *brokertest.Server, h hello) *peer {
	t.Helper()
	var d net.Dialer
	if h.from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(h.from)}
	}
	c, err := d.DialContext(t.Context(), "tcp", s.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test is over
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, c: c, r: bufio.NewReader(c), version: h.version}
	p.send(0x10, h.encode())
	if header, body := p.read(); header == 0x20 {
		p.connack = body
	}
	return p
}

// code is the answer to CONNECT: 0 for let in, 0xFF for none.
func (p *peer) code() byte {
	if len(p.connack) < 2 {
		return 0xFF
	}
	return p.connack[1]
}

func (p *peer) send(header byte, body []byte) {
	p.t.Helper()
	if _, err := p.c.Write(append(binary.AppendUvarint([]byte{header}, uint64(len(body))), body...)); err != nil {
		p.t.Fatal(err)
	}
}

// read returns the next packet, header 0 at the end of the connection.
func (p *peer) read() (header byte, body []byte) {
	p.t.Helper()
	header, err := p.r.ReadByte()
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.t.Fatal("nothing comes")
	}
	if err != nil {
		return 0, nil
	}
	n, err := binary.ReadUvarint(p.r)
	if err != nil {
		p.t.Fatal(err)
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(p.r, body); err != nil {
		p.t.Fatal(err)
	}
	return header, body
}

// want reads the next packet, which must be of the type.
func (p *peer) want(header byte) []byte {
	p.t.Helper()
	got, body := p.read()
	if got&0xF0 != header&0xF0 {
		p.t.Fatalf("got packet %#x % x, want %#x", got, body, header)
	}
	return body
}

// until reads what comes before a packet of the kind, and the packet.
func (p *peer) until(header byte) {
	p.t.Helper()
	for {
		if got, _ := p.read(); got&0xF0 == header&0xF0 {
			return
		}
	}
}

func (p *peer) props(b []byte) []byte {
	if p.version == 5 {
		return append(b, 0)
	}
	return b
}

func (p *peer) subscribe(filter string, qos byte) (code byte) {
	p.t.Helper()
	p.send(0x82, append(text(p.props([]byte{0, 9}), filter), qos))
	body := p.want(0x90)
	return body[len(body)-1]
}

// publish sends with packet id 7 and does not wait.
func (p *peer) publish(topic, payload string, qos byte) {
	p.t.Helper()
	b := text(nil, topic)
	if qos > 0 {
		b = append(b, 0, 7)
	}
	p.send(0x30|qos<<1, append(p.props(b), payload...))
}

// message reads a PUBLISH of QoS 1 and acknowledges it.
func (p *peer) message() (topic, payload string) {
	p.t.Helper()
	body := p.want(0x30)
	n := 2 + int(binary.BigEndian.Uint16(body))
	topic = string(body[2:n])
	p.send(0x40, body[n:n+2])
	if n += 2; p.version == 5 {
		props, size := binary.Uvarint(body[n:])
		n += size + int(props)
	}
	return topic, string(body[n:])
}

// ask makes a request; header is a pair of name and value, repeated.
func ask(t testing.TB, s *brokertest.Server, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.HTTP+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// basic is the Authorization header for a name and a secret.
func basic(user, pass string) []string {
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(user, pass)
	return []string{"Authorization", req.Header.Get("Authorization")}
}

// admin does what must succeed.
func admin(t testing.TB, s *brokertest.Server, method, path, body string) string {
	t.Helper()
	res, answer := ask(t, s, method, path, body, "Authorization", "Bearer "+s.Token)
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, answer)
	}
	return answer
}

// ways are all the ways to show a name and a secret. Each returns "" for who was
// let in, and else the answer.
var ways = map[string]func(t testing.TB, s *brokertest.Server, user, secret string) string{
	"MQTT 3.1.1": func(t testing.TB, s *brokertest.Server, user, secret string) string {
		return refusal(dial(t, s, hello{version: 4, id: "w4", user: user, pass: secret, clean: true}), 4)
	},
	"MQTT 5": func(t testing.TB, s *brokertest.Server, user, secret string) string {
		return refusal(dial(t, s, hello{version: 5, id: "w5", user: user, pass: secret, clean: true}), 0x86)
	},
	"HTTP Basic": func(t testing.TB, s *brokertest.Server, user, secret string) string {
		return status(ask(t, s, "GET", "/me", "", basic(user, secret)...))
	},
}

// tokenWays are further ways to show a token.
var tokenWays = map[string]func(t testing.TB, s *brokertest.Server, user, secret string) string{
	"MQTT 5 by method": func(t testing.TB, s *brokertest.Server, _, secret string) string {
		return refusal(dial(t, s, hello{version: 5, id: "wm", method: secret, clean: true}), 0x86)
	},
	"HTTP Bearer": func(t testing.TB, s *brokertest.Server, _, secret string) string {
		return status(ask(t, s, "GET", "/me", "", "Authorization", "Bearer "+secret))
	},
}

// refused is the one right answer to what proves nothing.
const refused = "refused"

func refusal(p *peer, want byte) string {
	p.t.Helper()
	switch code := p.code(); code {
	case 0:
		return ""
	case want:
		return refused
	default:
		return "CONNACK " + http.StatusText(int(code)) + string("0123456789abcdef"[code>>4]) + string("0123456789abcdef"[code&15])
	}
}

func status(res *http.Response, _ string) string {
	switch res.StatusCode {
	case http.StatusOK:
		return ""
	case http.StatusUnauthorized:
		return refused
	}
	return res.Status
}

// throughProxy sends a CONNECT behind a PROXY header, and reports whether it is
// let in.
func throughProxy(t testing.TB, s *brokertest.Server, from, header string) bool {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp", s.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	body := hello{version: 5, id: "p", user: "ana", pass: "ana-secret", clean: true}.encode()
	packet := append(binary.AppendUvarint([]byte{0x10}, uint64(len(body))), body...)
	if _, err := c.Write(append([]byte(header), packet...)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	_, err = io.ReadFull(c, answer)
	return err == nil && answer[0] == 0x20 && answer[3] == 0
}
