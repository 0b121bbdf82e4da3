package transport

import "github.com/fitmq/fitmq/delivery/wire"

// OnAuth has AUTH packets given to fn, on the reading goroutine; a *wire.Error
// from it ends the connection with its code. They name the CONNECT's method:
// others do not get as far. It is called once, before Attach; without it AUTH is
// a protocol error.
func (c *Conn) OnAuth(fn func(a *wire.Auth) error) { c.auth = fn }

// onAuth takes an AUTH packet.
func (c *Conn) onAuth(cp *wire.Connect, body []byte) error {
	switch {
	case cp.Version < wire.V5:
		return &wire.Error{Code: wire.ProtocolError, Reason: "AUTH is a packet of MQTT 5 [2.1.2]"}
	case !cp.HasAuthMethod || c.auth == nil:
		return &wire.Error{Code: wire.ProtocolError, Reason: "AUTH without an authentication method in CONNECT [MQTT-4.12.0-7]"}
	}
	a, err := wire.ParseAuth(body)
	if err != nil {
		return err
	}
	if a.Method != cp.AuthMethod {
		return &wire.Error{Code: wire.ProtocolError, Reason: "AUTH names another method than CONNECT [MQTT-4.12.1-1]"}
	}
	return c.auth(a)
}

// Hasty reports whether the client has sent something else than DISCONNECT right
// behind its CONNECT, without waiting for the answer. It is for the hooks that
// run before CONNACK, on the reading goroutine; what is still on its way does not
// count.
func (c *Conn) Hasty() bool {
	return len(c.in.b) > 0 && c.in.b[0]>>4 != wire.DISCONNECT
}
