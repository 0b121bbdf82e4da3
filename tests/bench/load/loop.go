//go:build linux

// Package load is the load generator of the benchmarks: MQTT 3.1.1 spoken in
// raw packets from one goroutine over epoll, so that it takes little of the
// machine it shares with the broker. It stamps each message with its publisher,
// number and time, and counts at each subscriber what is lost, repeated or out
// of order. No client library's opinion is in between.
package load

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	readSize  = 256 << 10        // of one read, shared by all connections
	eventsMax = 512              // connections served between two looks at the publishers
	waitLimit = 30 * time.Second // for anything that must come
)

// handler takes what the peer of a connection sends. Calls come from the
// loop's goroutine; body is valid during the call only.
type handler interface {
	// publish is a message that arrived.
	publish(c *conn, payload []byte)
	// acknowledged is the end of a message that c sent with QoS 1 or 2.
	acknowledged(c *conn)
}

// Loop serves many connections from the one goroutine that calls it.
type Loop struct {
	epoll  int
	conns  []*conn // by the index that epoll knows
	events []unix.EpollEvent
	buf    []byte
	target *unix.SockaddrInet4
	host   string
	take   handler
	err    error // the first connection's failure; ends the run
	closed int   // connections that the broker closed
	ending bool  // the broker is asked to close, so that its doing so is no failure
}

func newLoop(addr string, take handler) (*Loop, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	ip := net.ParseIP(host).To4()
	number, err := strconv.Atoi(port)
	if err != nil || ip == nil {
		return nil, fmt.Errorf("read address %q: want an IPv4 address and a port", addr)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	return &Loop{
		epoll: epoll, events: make([]unix.EpollEvent, eventsMax), buf: make([]byte, readSize),
		target: &unix.SockaddrInet4{Port: number, Addr: [4]byte(ip)}, host: addr, take: take,
	}, nil
}

// poll serves what is ready, and waits for at most the given time when nothing is.
func (l *Loop) poll(wait time.Duration) error {
	n, err := l.ready(0)
	if n == 0 && err == nil && wait > 0 {
		n, err = l.ready(wait)
	}
	if err != nil {
		return err
	}
	for _, ev := range l.events[:n] {
		c := l.conns[ev.Fd]
		if ev.Events&unix.EPOLLOUT != 0 {
			l.flush(c)
		}
		if ev.Events&^unix.EPOLLOUT != 0 && c.fd >= 0 {
			l.read(c)
		}
	}
	return l.err
}

// ready fills events. Epoll's own time-out counts in milliseconds, which is
// too coarse to pace by, so the waiting is ppoll's.
func (l *Loop) ready(wait time.Duration) (int, error) {
	if wait > 0 {
		ts := unix.NsecToTimespec(wait.Nanoseconds())
		fds := []unix.PollFd{{Fd: int32(l.epoll), Events: unix.POLLIN}}
		if _, err := unix.Ppoll(fds, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("wait for connections: %w", err)
		}
	}
	n, err := unix.EpollWait(l.epoll, l.events, 0)
	if errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("wait for connections: %w", err)
	}
	return n, nil
}

// await polls until done says so.
func (l *Loop) await(what string, done func() bool) error {
	for end := time.Now().Add(waitLimit); !done(); {
		if err := l.poll(10 * time.Millisecond); err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if time.Now().After(end) {
			return fmt.Errorf("wait for %s: nothing in %v", what, waitLimit)
		}
	}
	return nil
}

// fail ends a connection that broke, and the run with it.
func (l *Loop) fail(c *conn, err error) {
	if l.err == nil && !l.ending {
		l.err = fmt.Errorf("client %s: %w", c.spec.ClientID, err)
	}
	l.closed++
	l.shut(c)
}

func (l *Loop) shut(c *conn) {
	if c.fd >= 0 {
		unix.Close(c.fd) // the socket is given up: its error changes nothing
		c.fd = -1
	}
}

// Close ends all connections without a DISCONNECT.
func (l *Loop) Close() {
	for _, c := range l.conns {
		l.shut(c)
	}
	unix.Close(l.epoll) // nothing is read from it any more
}
