package delivery_test

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// conn is a connection whose client is the test.
type conn struct {
	mu       sync.Mutex
	arrived  *sync.Cond
	frames   [][]byte
	buffered int
	ended    wire.Code
	closed   bool
}

func newConn() *conn {
	c := &conn{}
	c.arrived = sync.NewCond(&c.mu)
	return c
}

func (c *conn) Send(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.frames = append(c.frames, append([]byte(nil), b...))
		c.arrived.Broadcast()
	}
	return true
}

func (c *conn) SendID(b []byte, at int, id uint16) bool {
	b = append([]byte(nil), b...)
	binary.BigEndian.PutUint16(b[at:], id)
	return c.Send(b)
}

func (c *conn) Buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buffered
}

func (c *conn) stall(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buffered = n
}

func (*conn) Flush() {}

func (c *conn) Disconnect(code wire.Code, _ string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.ended, c.closed = code, true
	}
	c.arrived.Broadcast()
}

// client is an MQTT client that speaks in packets.
type client struct {
	t       testing.TB
	c       *conn
	session delivery.Connection
	version byte
}

type connectOption func(*delivery.Connect)

func lasting(c *delivery.Connect) { c.Expiry = 3600 }

func cleanStart(c *delivery.Connect) { c.CleanStart = true }

func (p *plane) connect(id string, version byte, opts ...connectOption) *client {
	p.t.Helper()
	cl := &client{t: p.t, c: newConn(), version: version}
	req := delivery.Connect{
		Conn: cl.c, ProblemInformation: true,
		Client: &delivery.Client{ID: id, UserID: id, Version: version},
	}
	for _, o := range opts {
		o(&req)
	}
	var err error
	if cl.session, err = p.hub.Connect(req); err != nil {
		p.t.Fatal(err)
	}
	cl.session.Start()
	return cl
}

// send hands one packet to the data plane.
func (cl *client) send(frame []byte) error {
	cl.t.Helper()
	header, _, size, err := wire.Header(frame)
	if err != nil {
		cl.t.Fatal(err)
	}
	err = cl.session.Packet(header, frame[size:])
	cl.session.Idle()
	return err
}

func (cl *client) mustSend(frame []byte) {
	cl.t.Helper()
	if err := cl.send(frame); err != nil {
		cl.t.Fatal(err)
	}
}

func (cl *client) publish(topic, payload string, qos byte, id uint16, retain, dup bool) {
	cl.t.Helper()
	b, _ := wire.AppendPublish(nil, cl.version, &wire.PublishOut{Topic: topic, Payload: []byte(payload), QoS: qos, PacketID: id, Retain: retain, Dup: dup})
	cl.mustSend(b)
}

func (cl *client) ack(typ byte, id uint16) {
	cl.t.Helper()
	cl.mustSend(wire.AppendAck(nil, cl.version, typ, wire.Ack{PacketID: id}))
}

// subscribe sends a SUBSCRIBE with the options byte as it is on the wire and
// waits for SUBACK.
func (cl *client) subscribe(filter string, options byte, subID ...byte) []byte {
	cl.t.Helper()
	var body []byte
	body = binary.BigEndian.AppendUint16(body, 77)
	if cl.version == 5 {
		if len(subID) > 0 {
			body = append(body, 2, 0x0b, subID[0])
		} else {
			body = append(body, 0)
		}
	}
	body = binary.BigEndian.AppendUint16(body, uint16(len(filter)))
	body = append(append(body, filter...), options)
	cl.mustSend(append([]byte{wire.SUBSCRIBE<<4 | 2, byte(len(body))}, body...))
	return cl.want(wire.SUBACK).raw
}

// drop ends the connection without a DISCONNECT.
func (cl *client) drop() {
	cl.c.Disconnect(wire.Success, "")
	cl.session.Closed()
}

func (cl *client) leave() {
	cl.t.Helper()
	if err := cl.session.Disconnect(&wire.Disconnect{}); err != nil {
		cl.t.Fatal(err)
	}
	cl.drop()
}

// packet is something that the client has received.
type packet struct {
	typ   byte
	raw   []byte
	pub   wire.Publish
	subID byte
	ack   wire.Ack
}

func (cl *client) decode(raw []byte) packet {
	cl.t.Helper()
	header, _, size, err := wire.Header(raw)
	if err != nil {
		cl.t.Fatal(err)
	}
	p := packet{typ: header >> 4, raw: raw}
	switch p.typ {
	case wire.PUBLISH:
		body := raw[size:]
		if at := 2 + int(binary.BigEndian.Uint16(body)) + 2; cl.version == 5 && header&6 != 0 && body[at] == 2 && body[at+1] == 0x0b {
			p.subID = body[at+2]
			body = append(append(append([]byte(nil), body[:at]...), 0), body[at+3:]...)
		}
		if err := p.pub.Parse(cl.version, header, body); err != nil {
			cl.t.Fatalf("PUBLISH % x: %v", raw, err)
		}
	case wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP:
		if p.ack, err = wire.ParseAck(cl.version, header, raw[size:]); err != nil {
			cl.t.Fatal(err)
		}
	}
	return p
}

// next waits for a packet.
func (cl *client) next() packet {
	cl.t.Helper()
	p, ok := cl.poll(5 * time.Second)
	if !ok {
		cl.t.Fatal("no packet came")
	}
	return p
}

func (cl *client) poll(wait time.Duration) (packet, bool) {
	cl.t.Helper()
	timer := time.AfterFunc(wait, func() { cl.c.arrived.Broadcast() })
	defer timer.Stop()
	deadline := time.Now().Add(wait)
	cl.c.mu.Lock()
	for len(cl.c.frames) == 0 {
		if !time.Now().Before(deadline) {
			cl.c.mu.Unlock()
			return packet{}, false
		}
		cl.c.arrived.Wait()
	}
	raw := cl.c.frames[0]
	cl.c.frames = cl.c.frames[1:]
	cl.c.mu.Unlock()
	return cl.decode(raw), true
}

func (cl *client) want(typ byte) packet {
	cl.t.Helper()
	p := cl.next()
	if p.typ != typ {
		cl.t.Fatalf("got packet type %d (% x), want %d", p.typ, p.raw, typ)
	}
	return p
}

// wantMessage waits for a PUBLISH with that payload and returns it.
func (cl *client) wantMessage(topic, payload string) packet {
	cl.t.Helper()
	p := cl.want(wire.PUBLISH)
	if got, want := fmt.Sprintf("%s %s", p.pub.Topic, p.pub.Payload), topic+" "+payload; got != want {
		cl.t.Fatalf("got message %q, want %q", got, want)
	}
	return p
}

// nothing asserts that nothing more comes, by sending something that comes last.
func (cl *client) nothing(p *plane) {
	cl.t.Helper()
	marker := p.connect("marker", 5, cleanStart)
	marker.publish("marker/x", "end", 0, 0, false, false)
	marker.leave()
	cl.wantMessage("marker/x", "end")
}

func receiveMaximum(n uint16) connectOption {
	return func(c *delivery.Connect) { c.ReceiveMaximum = n }
}

func withWill(w wire.Will) connectOption {
	return func(c *delivery.Connect) { c.Will = &w }
}

// publishMany publishes payloads 0..n-1 at QoS 1 and waits for every PUBACK.
func publishMany(t *testing.T, pub *client, topic string, from, to int) {
	t.Helper()
	sent, acked := from, from
	for acked < to {
		for sent < to && sent-acked < 500 {
			pub.publish(topic, strconv.Itoa(sent), 1, uint16(sent%60000+1), false, false)
			sent++
		}
		if got := pub.want(wire.PUBACK).ack; got.Code.Failed() || int(got.PacketID) != acked%60000+1 {
			t.Fatalf("got %+v, want an acknowledgement of %d", got, acked%60000+1)
		}
		acked++
	}
}

func drain(t *testing.T, sub *client, topic string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		m := sub.wantMessage(topic, strconv.Itoa(i))
		sub.ack(wire.PUBACK, m.pub.PacketID)
	}
}
