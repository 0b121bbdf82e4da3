//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Behaviour is how a client misbehaves.
type Behaviour string

// What clients do that others must not notice.
const (
	Stalled   Behaviour = "stalled"   // subscribes and never reads again
	Trickling Behaviour = "trickling" // subscribes and reads one byte a second
	Silent    Behaviour = "silent"    // subscribes at QoS 1, reads, acknowledges nothing
	Vanishing Behaviour = "vanishing" // resets its connection again and again, each time subscribed
	Flooding  Behaviour = "flooding"  // publishes as fast as its socket takes it, to nobody
)

// Nuisance is clients that misbehave until Close.
type Nuisance struct {
	addr, filter string
	conns        []net.Conn
	ctx          context.Context
	stop         context.CancelFunc
	work         sync.WaitGroup
}

// OpenNuisance connects n clients that are subscribed to the filter.
func OpenNuisance(addr, filter string, how Behaviour, n int) (*Nuisance, error) {
	x := &Nuisance{addr: addr, filter: filter}
	x.ctx, x.stop = context.WithCancel(context.Background())
	for i := range n {
		c, err := x.open(fmt.Sprintf("%s-%d", how, i), how)
		if err != nil {
			x.Close()
			return nil, fmt.Errorf("client %d, %s: %w", i, how, err)
		}
		x.conns = append(x.conns, c)
	}
	switch how {
	case Trickling:
		x.work.Go(x.trickle)
	case Silent:
		for _, c := range x.conns {
			x.work.Go(func() { _, _ = io.Copy(io.Discard, c) }) // ends with the connection
		}
	case Vanishing:
		for i := range x.conns {
			x.work.Go(func() { x.vanish(i) })
		}
	case Flooding:
		for _, c := range x.conns {
			x.work.Go(func() { flood(c) })
		}
	}
	return x, nil
}

// Close ends them all.
func (x *Nuisance) Close() {
	x.stop()
	for _, c := range x.conns {
		_ = c.Close() // nothing is lost by it
	}
	x.work.Wait()
}

// Fill has the broker send messages of 4 KiB, QoS as given, to the topic, so
// that what is not read fills its buffers.
func (x *Nuisance) Fill(topic string, qos byte, messages int) error {
	c, err := net.Dial("tcp", x.addr)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	defer func() { _ = c.Close() }() // nothing is lost by it
	if err := greet(c, &Spec{ClientID: "filler"}); err != nil {
		return err
	}
	t := newTemplate(topic, qos, 4096)
	var out []byte
	const burst = 64 // under every broker's Receive Maximum
	for sent := 0; sent < messages; {
		if err := c.SetDeadline(time.Now().Add(10 * stallLimit)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		out = out[:0]
		n := min(burst, messages-sent)
		for range n {
			out = t.appendTo(out, 0, uint32(sent), 0)
			sent++
		}
		answers := 4 * n
		if qos == 0 {
			out, answers = append(out, packetPing...), 2
		}
		if _, err := c.Write(out); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		if _, err := io.CopyN(io.Discard, c, int64(answers)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

// open connects one client; its socket takes little before it is full.
func (x *Nuisance) open(id string, how Behaviour) (net.Conn, error) {
	d := net.Dialer{Timeout: stallLimit, Control: func(_, _ string, c syscall.RawConn) (err error) {
		outer := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10) })
		return errors.Join(outer, err)
	}}
	if how == Silent || how == Flooding {
		d.Control = nil
	}
	c, err := d.DialContext(x.ctx, "tcp", x.addr)
	if err != nil {
		return nil, err
	}
	s := &Spec{ClientID: id, Filter: x.filter, QoS: 1}
	if how == Flooding {
		s.Filter = ""
	}
	if err := greet(c, s); err != nil {
		_ = c.Close() // the error says more
		return nil, err
	}
	return c, nil
}

// greet connects and subscribes, waiting for the answers.
func greet(c net.Conn, s *Spec) error {
	if err := c.SetDeadline(time.Now().Add(10 * stallLimit)); err != nil {
		return err
	}
	out, answers := appendConnect(nil, s), 4
	if s.Filter != "" {
		out, answers = appendSubscribe(out, s), 4+5
	}
	if _, err := c.Write(out); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, c, int64(answers)); err != nil {
		return fmt.Errorf("no CONNACK or SUBACK: %w", err)
	}
	return c.SetDeadline(time.Time{})
}

func (x *Nuisance) trickle() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	one := make([]byte, 1)
	for {
		select {
		case <-x.ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range x.conns {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond)) // a closed one ends below
			_, _ = c.Read(one)                                      // nothing there is fine, too
		}
	}
}

// vanish resets connection i and opens it again, ten times a second.
func (x *Nuisance) vanish(i int) {
	c := x.conns[i]
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-x.ctx.Done():
			_ = c.Close() // nothing is lost by it
			return
		case <-tick.C:
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not a goodbye
		}
		_ = c.Close() // it is to be lost
		next, err := x.open(fmt.Sprintf("%s-%d", Vanishing, i), Vanishing)
		if err == nil {
			c = next
		}
	}
}

// flood publishes until its connection ends.
func flood(c net.Conn) {
	go func() { _, _ = io.Copy(io.Discard, c) }() // ends with the connection
	t := newTemplate("bench/nobody", 0, 200)
	var out []byte
	for range 256 {
		out = t.appendTo(out, 0, 0, 0)
	}
	for {
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}
