package broker_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/delivery/wire"
)

// rest makes a request, as admin with the token, and wants the status.
func rest(t *testing.T, s *brokertest.Server, user, pass, method, path, body string, want int) []byte {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.HTTP+"/api/v1"+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if user == "admin" {
		req.Header.Set("Authorization", "Bearer "+pass)
	} else {
		req.SetBasicAuth(user, pass)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s %s as %s: %d %s, want %d", method, path, user, res.StatusCode, answer, want)
	}
	return answer
}

// peer is an MQTT client in bytes.
type peer struct {
	t       *testing.T
	c       net.Conn
	version byte
	present bool // CONNACK said session present
	code    byte // CONNACK's
}

// connectFlags is what a CONNECT asks for beyond who it is.
type connectFlags struct {
	clean   bool
	expiry  uint32 // MQTT 5 session expiry
	receive uint16 // MQTT 5 Receive Maximum; 0 = not said
	// will is the topic of a will at QoS 1, or "".
	will, willPayload string
}

// dial sends a CONNECT and returns the CONNACK's code.
func dial(t *testing.T, s *brokertest.Server, version byte, id, user, pass string) (*peer, byte) {
	t.Helper()
	p := connectPeer(t, s, version, connectFlags{clean: true}, id, user, pass)
	return p, p.code
}

// connectPeer sends a CONNECT with the client id, user name and password, as
// many of them as there are.
func connectPeer(t *testing.T, s *brokertest.Server, version byte, f connectFlags, who ...string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", s.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test is over
	if err := c.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, c: c, version: version}
	p.send(0x10, f.connect(version, who))
	header, ack := p.read()
	if header != 0x20 {
		t.Fatalf("got packet %#x, want CONNACK", header)
	}
	p.present, p.code = ack[0]&1 == 1, ack[1]
	return p
}

// connect is the body of a CONNECT.
func (f connectFlags) connect(version byte, who []string) []byte {
	var flags byte
	if f.clean {
		flags |= 0x02
	}
	if f.will != "" {
		flags |= 0x0C
	}
	if len(who) > 1 {
		flags |= 0x80
	}
	if len(who) > 2 {
		flags |= 0x40
	}
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', version, flags}, 0, 60)
	if version == 5 {
		props := binary.BigEndian.AppendUint32([]byte{0x11}, f.expiry)
		if f.receive > 0 {
			props = binary.BigEndian.AppendUint16(append(props, 0x21), f.receive)
		}
		body = append(append(body, byte(len(props))), props...)
	}
	parts := who[:1:1]
	if f.will != "" {
		parts = append(parts, f.will, f.willPayload)
	}
	for i, part := range append(parts, who[1:]...) {
		if i == 1 && f.will != "" && version == 5 {
			body = append(body, 0) // will properties
		}
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(part))), part...)
	}
	return body
}

// mustDial wants to be let in.
func mustDial(t *testing.T, s *brokertest.Server, version byte, id, user, pass string) *peer {
	t.Helper()
	p, code := dial(t, s, version, id, user, pass)
	if code != 0 {
		t.Fatalf("%s is refused with %#x", user, code)
	}
	return p
}

func (p *peer) props(b []byte) []byte {
	if p.version == 5 {
		return append(b, 0)
	}
	return b
}

func (p *peer) send(header byte, body []byte) {
	p.t.Helper()
	if _, err := p.c.Write(append(binary.AppendUvarint([]byte{header}, uint64(len(body))), body...)); err != nil {
		p.t.Fatal(err)
	}
}

// read returns the next packet; header 0 when the connection has ended.
func (p *peer) read() (header byte, body []byte) {
	p.t.Helper()
	one := make([]byte, 1)
	if _, err := io.ReadFull(p.c, one); err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			p.t.Fatal("nothing comes")
		}
		return 0, nil
	}
	n, err := binary.ReadUvarint(byteReader{p.c})
	if err != nil {
		p.t.Fatal(err)
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(p.c, body); err != nil {
		p.t.Fatal(err)
	}
	return one[0], body
}

type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}

// publish sends at QoS 1 and returns the PUBACK's code, 0 for MQTT 3.
func (p *peer) publish(topic, payload string) byte {
	p.t.Helper()
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(topic))), topic...)
	body = p.props(append(body, 0, 7))
	p.send(0x32, append(body, payload...))
	return p.puback()
}

// puback waits for a PUBACK and returns its code, 0 for MQTT 3.
func (p *peer) puback() byte {
	p.t.Helper()
	for {
		header, ack := p.read()
		switch {
		case header == 0:
			p.t.Fatal("the connection ended instead of a PUBACK")
		case header == 0x40 && len(ack) > 2:
			return ack[2]
		case header == 0x40:
			return 0
		}
	}
}

// subscribe returns the SUBACK's code.
func (p *peer) subscribe(filter string) byte {
	p.t.Helper()
	body := p.props([]byte{0, 9})
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(filter))), filter...)
	p.send(0x82, append(body, 1))
	for {
		header, ack := p.read()
		if header == 0x90 {
			return ack[len(ack)-1]
		}
		if header == 0 {
			p.t.Fatal("the connection ended instead of a SUBACK")
		}
	}
}

// wantEnd wants the connection to end, for MQTT 5 with the code. Each look is
// shown the packets that come before.
func (p *peer) wantEnd(code wire.Code, looks ...func(header byte, body []byte)) {
	p.t.Helper()
	for {
		header, body := p.read()
		switch {
		case header == 0 && p.version == 5:
			p.t.Fatalf("closed without a DISCONNECT, want %v", code)
		case header == 0:
			return
		case header == 0xE0:
			if got := wire.Code(body[0]); got != code {
				p.t.Fatalf("DISCONNECT %v, want %v", got, code)
			}
			return
		}
		for _, look := range looks {
			look(header, body)
		}
	}
}

// await returns the payload of the next message on the topic. What comes before
// is passed over.
func (p *peer) await(topic string) string {
	p.t.Helper()
	for {
		header, body := p.read()
		if header == 0 {
			p.t.Fatalf("the connection ended instead of a message on %s", topic)
		}
		if header>>4 != wire.PUBLISH {
			continue
		}
		var m wire.Publish
		if err := m.Parse(p.version, header, body); err != nil {
			p.t.Fatal(err)
		}
		if m.QoS == 1 {
			p.send(0x40, binary.BigEndian.AppendUint16(nil, m.PacketID))
		}
		if string(m.Topic) == topic {
			return string(m.Payload)
		}
	}
}

// metric reads one figure of /metrics; 0 when it is not there.
func metric(t *testing.T, s *brokertest.Server, name string) float64 {
	t.Helper()
	res, err := http.Get("http://" + s.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return 0
}
