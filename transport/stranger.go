package transport

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// SetWebAddress tells where HTTP is served, for the answer to HTTP clients that
// come to an MQTT port. Without it they are told so much only.
func (t *Transport) SetWebAddress(addr string) { t.webHint.Store(&addr) }

// methods are how an HTTP/1 request, or HTTP/2's preface, may begin.
var methods = [][]byte{
	[]byte("GET "), []byte("POST "), []byte("HEAD "), []byte("PUT "), []byte("OPTIONS "),
	[]byte("DELETE "), []byte("PATCH "), []byte("CONNECT "), []byte("PRI "),
}

// stranger is the last word to a client that has not sent a CONNECT: to one
// that speaks HTTP an answer that people can read, to others nothing.
func (c *Conn) stranger() []byte {
	if c.ws != nil {
		return nil
	}
	for _, m := range methods {
		if bytes.HasPrefix(c.in.b, m) {
			c.t.stats.RefusedWeb.Add(1)
			return c.t.wrongPort()
		}
	}
	return nil
}

func (t *Transport) wrongPort() []byte {
	text := "This port speaks MQTT."
	if hint := t.webHint.Load(); hint != nil {
		text += " HTTP and MQTT over WebSocket (/mqtt) are at " + *hint + "."
	}
	text += "\n"
	return fmt.Appendf(nil, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
}

// Web wraps the HTTP server's listener, for its clients that speak MQTT: each
// gets a CONNACK that refuses it and says where MQTT is, and the end, instead
// of the silence of a server that waits for the rest of a request. mqtt is the
// right address.
func (t *Transport) Web(l net.Listener, mqtt string) net.Listener {
	return &webListener{Listener: l, t: t, mqtt: mqtt}
}

type webListener struct {
	net.Listener
	t    *Transport
	mqtt string
}

// Accept implements net.Listener.
func (l *webListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &webConn{Conn: nc, l: l}, nil
}

// webConn looks at the first byte.
type webConn struct {
	net.Conn
	l    *webListener
	seen bool // belongs to whoever reads, one at a time
}

// Read implements net.Conn.
func (c *webConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.seen || n == 0 {
		return n, err
	}
	c.seen = true
	if p[0] != wire.CONNECT<<4 {
		return n, err
	}
	c.l.t.stats.RefusedMQTT.Add(1)
	c.l.refuse(c.Conn, p[:n])
	return 0, io.EOF // what makes net/http close without an answer of its own
}

// refuse answers an MQTT client that has come to the HTTP port, where its
// CONNECT is here as a whole, as it usually is.
func (l *webListener) refuse(nc net.Conn, first []byte) {
	_, remaining, size, err := wire.Header(first)
	if err != nil || size == 0 || size+remaining > len(first) {
		return
	}
	cp, err := wire.ParseConnect(first[size : size+remaining])
	if err != nil {
		return
	}
	answer := wire.AppendConnack(nil, cp.Version, false, wire.ServerMoved, "this port speaks HTTP; MQTT is at "+l.mqtt)
	_ = nc.SetWriteDeadline(time.Now().Add(time.Second)) // an error shows in Write
	if _, err := nc.Write(answer); err != nil {
		l.t.log.Debug("answer an MQTT client at the HTTP port", "remote", nc.RemoteAddr(), "error", err)
	}
}

// unwrapWeb takes the wrapping off a socket that has left the HTTP server.
func unwrapWeb(nc net.Conn) net.Conn {
	if w, ok := nc.(*webConn); ok {
		return w.Conn
	}
	return nc
}
