//go:build linux

package load

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// Spec is one client.
type Spec struct {
	ClientID string
	// Persistent asks for a session that outlives the connection.
	Persistent bool
	// Filter is subscribed after CONNACK; empty subscribes nothing.
	Filter string
	QoS    byte
	// WebSocket speaks MQTT inside a WebSocket at the path /mqtt.
	WebSocket bool
}

// phase is how far a connection has come.
type phase byte

const (
	upgrading  phase = iota // WebSocket handshake sent
	connecting              // CONNECT sent
	subscribing
	open
)

// conn is one connection. Only the loop's goroutine touches it.
type conn struct {
	fd      int
	index   int32
	spec    *Spec
	phase   phase
	rest    []byte // the start of a packet whose end has not arrived
	out     []byte // what the socket did not take yet
	blocked bool   // epoll tells when the socket takes again
	resumed bool   // CONNACK said that the session was there
	pongs   int    // PINGRESPs so far
	member  *member
	sender  *publisher
}

// perSource is how many connections leave from one loopback address: well
// under the 28,000 ephemeral ports that one has towards one listener.
const perSource = 5000

// dial connects and sends the first bytes; answers are the loop's.
func (l *Loop) dial(spec *Spec) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make socket: %w", err)
	}
	c := &conn{fd: fd, index: int32(len(l.conns)), spec: spec, phase: connecting}
	l.conns = append(l.conns, c)
	source := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + len(l.conns)/perSource)}}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.Bind(fd, source),
		unix.Connect(fd, l.target),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true),
		unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.index}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", spec.ClientID, err)
	}
	if spec.WebSocket {
		c.phase = upgrading
		c.out = appendUpgrade(c.out, l.host)
	} else {
		c.out = appendConnect(c.out, spec)
	}
	l.flush(c)
	return c, l.err
}

// flush writes what waits; what the socket does not take is written when it does.
func (l *Loop) flush(c *conn) {
	for len(c.out) > 0 && c.fd >= 0 {
		n, err := unix.Write(c.fd, c.out)
		if errors.Is(err, unix.EAGAIN) {
			l.watch(c, true)
			return
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			l.fail(c, fmt.Errorf("write: %w", err))
			return
		}
		if n > 0 {
			c.out = c.out[:copy(c.out, c.out[n:])]
		}
	}
	l.watch(c, false)
}

// watch asks epoll to tell when a full socket takes again, or no longer.
func (l *Loop) watch(c *conn, blocked bool) {
	if c.blocked == blocked || c.fd < 0 {
		return
	}
	c.blocked = blocked
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.index}
	if blocked {
		ev.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, c.fd, &ev); err != nil {
		l.fail(c, fmt.Errorf("change epoll: %w", err))
	}
}

// read takes all that one read gives.
func (l *Loop) read(c *conn) {
	kept := copy(l.buf, c.rest)
	n, err := unix.Read(c.fd, l.buf[kept:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return
	case err != nil:
		l.fail(c, fmt.Errorf("read: %w", err))
		return
	case n == 0:
		l.fail(c, fmt.Errorf("read: %w", io.EOF))
		return
	}
	data := l.buf[:kept+n]
	var used int
	if c.spec.WebSocket {
		used, err = l.frames(c, data)
	} else {
		used, err = l.packets(c, data)
	}
	if err != nil {
		l.fail(c, err)
		return
	}
	c.rest = append(c.rest[:0], data[used:]...)
	if len(c.out) > 0 && !c.blocked {
		l.flush(c)
	}
}

// packets handles each whole packet and tells how many bytes they were.
func (l *Loop) packets(c *conn, data []byte) (int, error) {
	used := 0
	for {
		size, head, err := packetSize(data[used:])
		if err != nil || size == 0 || used+size > len(data) {
			return used, err
		}
		if err := l.packet(c, data[used], data[used+head:used+size]); err != nil {
			return used, err
		}
		used += size
	}
}

// packet handles one packet.
func (l *Loop) packet(c *conn, first byte, body []byte) error {
	switch first >> 4 {
	case typePublish:
		return l.published(c, first, body)
	case typePuback, typePubcomp:
		l.take.acknowledged(c)
	case typePubrec:
		c.out = appendAck(c.out, typePubrel<<4|2, body)
	case typePubrel:
		c.out = appendAck(c.out, typePubcomp<<4, body)
	case typeConnack:
		if len(body) != 2 || body[1] != 0 {
			return fmt.Errorf("refused with CONNACK % x", body)
		}
		c.resumed = body[0] == 1
		l.connected(c)
	case typeSuback:
		if len(body) != 3 || body[2] > 2 {
			return fmt.Errorf("refused with SUBACK % x", body)
		}
		c.phase = open
	case typePingresp:
		c.pongs++
	default:
		return fmt.Errorf("packet of type %d came unasked", first>>4)
	}
	return nil
}

func (l *Loop) connected(c *conn) {
	if c.spec.Filter == "" || c.resumed {
		c.phase = open
		return
	}
	c.phase = subscribing
	c.send(appendSubscribe(nil, c.spec))
}

// published hands a message on and acknowledges it.
func (l *Loop) published(c *conn, first byte, body []byte) error {
	if len(body) < 2 {
		return errShort
	}
	at, qos := 2+int(body[0])<<8+int(body[1]), first>>1&3
	id := at
	if qos > 0 {
		at += 2
	}
	if at > len(body) {
		return errShort
	}
	switch qos {
	case 1:
		c.out = appendAck(c.out, typePuback<<4, body[id:at])
	case 2:
		c.out = appendAck(c.out, typePubrec<<4, body[id:at])
	}
	l.take.publish(c, body[at:])
	return nil
}

// send queues a whole packet, in a frame where the connection is a WebSocket.
func (c *conn) send(packet []byte) {
	if c.spec.WebSocket {
		c.out = appendFrame(c.out, opBinary, packet)
		return
	}
	c.out = append(c.out, packet...)
}
