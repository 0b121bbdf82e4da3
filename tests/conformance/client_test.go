package conformance_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"time"
)

// client is one connection, which its row drives packet by packet.
type client struct {
	e       *env
	version byte
	conn    net.Conn
	r       *bufio.Reader
	connack answer
	lastID  int
	early   []packet // read, and put back
}

func (c *client) is5() bool { return c.version == v5 }

// open connects and wants to be accepted.
func (e *env) open(o connect) *client {
	c := e.dial()
	c.connect(o)
	return c
}

// connect sends a CONNECT and wants to be accepted.
func (c *client) connect(o connect) {
	c.send(o.encode(c.version))
	c.connack = c.answer(tCONNACK)
	if c.connack.code != ok {
		c.e.Fatalf("CONNECT is refused with 0x%02x %v", c.connack.code, c.connack.props)
	}
}

// client opens a clean connection whose session ends with it.
func (e *env) client(name string) *client {
	return e.open(connect{id: e.id(name), clean: true})
}

// lasting opens, or resumes, a session that outlives the connection.
func (e *env) lasting(name string) *client {
	return e.open(e.lastingConnect(name))
}

func (e *env) lastingConnect(name string) connect {
	o := connect{id: e.id(name)}
	if e.is5() {
		o.props = num32(pSessionExpiry, 3600)
	}
	return o
}

// send writes bytes as they are, in one piece.
func (c *client) send(parts ...[]byte) {
	// A broker that has closed is what the next read tells.
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := c.conn.Write(cat(parts...))
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		c.e.Fatalf("the broker takes nothing: %v", err)
	}
}

// read returns the next packet; the end of the connection is an error.
func (c *client) read() (packet, error) {
	if len(c.early) > 0 {
		p := c.early[0]
		c.early = c.early[1:]
		return p, nil
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return packet{}, err
	}
	return readPacket(c.r)
}

// want reads the next packet, which must be of the type.
func (c *client) want(typ byte) packet {
	p, err := c.read()
	if err != nil {
		c.e.Fatalf("want a packet of type %d, got %v", typ, err)
	}
	if p.typ() != typ {
		c.e.Fatalf("want a packet of type %d, got %s", typ, p)
	}
	flags := byte(0)
	if typ == tPUBREL {
		flags = 2
	}
	if typ != tPUBLISH && p.header&0x0f != flags {
		c.e.Fatalf("reserved flags are wrong in %s [MQTT-2.1.3-1]", p)
	}
	return p
}

// answer reads an acknowledgement of the type.
func (c *client) answer(typ byte) answer { return c.e.answer(c.version, c.want(typ)) }

// acked reads an acknowledgement of the type for the id and returns its code.
func (c *client) acked(typ byte, id int) byte {
	a := c.answer(typ)
	if a.id != id {
		c.e.Fatalf("packet of type %d: got the packet identifier %d, want %d", typ, a.id, id)
	}
	return a.code
}

// message reads a PUBLISH and does not acknowledge it.
func (c *client) message() message { return c.e.message(c.version, c.want(tPUBLISH)) }

// take reads a PUBLISH and acknowledges it fully.
func (c *client) take() message {
	m := c.message()
	c.complete(m)
	return m
}

func (c *client) complete(m message) {
	switch m.qos {
	case 1:
		c.send(ack(tPUBACK, m.id))
	case 2:
		c.send(ack(tPUBREC, m.id))
		c.pubrel(m.id)
		c.send(ack(tPUBCOMP, m.id))
	}
}

// pubrel waits for the PUBREL of an exchange. What comes before it is read later.
func (c *client) pubrel(id int) {
	var before []packet
	for {
		p, err := c.read()
		if err != nil {
			c.e.Fatalf("want PUBREL %d, got %v", id, err)
		}
		if p.typ() == tPUBREL && c.e.answer(c.version, p).id == id {
			break
		}
		before = append(before, p)
	}
	c.early = append(before, c.early...)
}

// eof wants the end of the connection and no packet before it.
func (c *client) eof() {
	p, err := c.read()
	var ne net.Error
	switch {
	case err == nil:
		c.e.Fatalf("want the connection closed, got %s", p)
	case errors.As(err, &ne) && ne.Timeout():
		c.e.Fatalf("the connection is still open")
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.e.Fatalf("the connection is closed inside a packet: %v", err)
	}
}

// ended wants the broker to end the connection: in MQTT 5 with a DISCONNECT of
// one of the codes, before without a packet.
func (c *client) ended(codes ...byte) {
	if c.is5() {
		if a := c.answer(tDISCONNECT); !bytes.Contains(codes, []byte{a.code}) {
			c.e.Errorf("DISCONNECT has 0x%02x %+v, want 0x%02x", a.code, a.props, codes)
		}
	}
	c.eof()
}

// refused wants a CONNACK with the code of MQTT 5, or before with the return
// code code3, and the end. A code3 of closed means no CONNACK at all.
func (c *client) refused(code5, code3 byte) {
	code := code5
	if !c.is5() {
		if code3 == closed {
			c.eof()
			return
		}
		code = code3
	}
	a := c.answer(tCONNACK)
	if a.code != code {
		c.e.Errorf("CONNACK has 0x%02x %v, want 0x%02x", a.code, a.props, code)
	}
	if a.present {
		c.e.Errorf("CONNACK refuses and says that there is a session [MQTT-3.2.2-6]")
	}
	c.eof()
}

// closed stands for a connection closed without an answer.
const closed byte = 0xff

// sync wants the answer to a PINGREQ as the next packet: nothing else came.
func (c *client) sync() {
	c.send(pingreq)
	if p := c.want(tPINGRESP); len(p.body) > 0 {
		c.e.Fatalf("PINGRESP has a body: %s", p)
	}
}

// nextID is an unused packet identifier.
func (c *client) nextID() int {
	c.lastID++
	return c.lastID
}

// publish sends a message, completes its exchange, and returns the reason code
// of the broker's first answer (0 for QoS 0).
func (c *client) publish(p publish) (code byte) {
	if p.qos > 0 && p.id == 0 {
		p.id = c.nextID()
	}
	c.send(p.encode(c.version))
	switch p.qos {
	case 1:
		code = c.acked(tPUBACK, p.id)
	case 2:
		if code = c.acked(tPUBREC, p.id); code < 0x80 {
			c.send(ack(tPUBREL, p.id))
			c.acked(tPUBCOMP, p.id)
		}
	}
	return code
}

// say publishes a payload.
func (c *client) say(topic, payload string, qos byte) {
	if code := c.publish(publish{topic: topic, payload: payload, qos: qos}); code >= 0x80 {
		c.e.Fatalf("PUBLISH to %s is refused with 0x%02x", topic, code)
	}
}

// subscribe wants the filter granted with the QoS of the options.
func (c *client) subscribe(filter string, options byte, props ...[]byte) {
	codes := c.subscribeAll(cat(props...), option{filter, options})
	if codes[0] != options&3 {
		c.e.Fatalf("SUBSCRIBE to %s is answered 0x%02x, want 0x%02x", filter, codes[0], options&3)
	}
}

// subscribeAll returns the codes of SUBACK, one for each filter.
func (c *client) subscribeAll(props []byte, filters ...option) []byte {
	id := c.nextID()
	c.send(subscribe(c.version, id, props, filters...))
	a := c.answer(tSUBACK)
	if a.id != id || len(a.codes) != len(filters) {
		c.e.Fatalf("SUBACK has id %d and codes % x, want id %d and %d codes", a.id, a.codes, id, len(filters))
	}
	return a.codes
}

func (c *client) unsubscribe(filters ...string) []byte {
	id := c.nextID()
	c.send(unsubscribe(c.version, id, filters...))
	a := c.answer(tUNSUBACK)
	if a.id != id {
		c.e.Fatalf("UNSUBACK has id %d, want %d", a.id, id)
	}
	return a.codes
}

// bye says DISCONNECT and waits until the broker has closed.
func (c *client) bye() {
	c.send(goodbye)
	c.eof()
}

// drop loses the connection.
func (c *client) drop() { c.conn.Close() }

// expect wants a message with the topic and payload next, and completes it.
func (c *client) expect(topic, payload string) message {
	m := c.message()
	if m.topic != topic || m.payload != payload {
		c.e.Fatalf("got %q on %s, want %q on %s", m.payload, m.topic, payload, topic)
	}
	c.complete(m)
	return m
}

// nothingFrom wants no message of the publisher's so far, beyond those read: a
// marker that it publishes now is the next one.
func (c *client) nothingFrom(publisher *client) {
	topic := c.e.topic("marker")
	c.subscribe(topic, 1)
	publisher.say(topic, "marker", 1)
	m := c.message()
	if m.topic != topic {
		c.e.Fatalf("got %q on %s, want nothing", m.payload, m.topic)
	}
	c.complete(m)
	c.unsubscribe(topic)
}
