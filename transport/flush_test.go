package transport_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

func TestConn_SendID(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	c := s.open(t, 4, "c")
	conn := s.plane(t, 0).conn
	frame, at := wire.AppendPublish(nil, 4, &wire.PublishOut{Topic: "a", QoS: 1, Payload: []byte("x")})
	await.Until(t, "the CONNACK counts as written", func() bool { return conn.Buffered() == 0 })
	if !conn.SendID(frame, at, 0x102) {
		t.Error("the first Send must owe a flush")
	}
	if conn.SendID(frame, at, 0x304) || conn.Send(frame) {
		t.Error("further ones before the flush must not")
	}
	if got, want := conn.Buffered(), 3*len(frame); got != want {
		t.Errorf("got %d buffered, want %d", got, want)
	}
	conn.Flush()
	c.want([]byte("\x32\x06\x00\x01a\x01\x02x"))
	c.want([]byte("\x32\x06\x00\x01a\x03\x04x"))
	c.want([]byte("\x32\x06\x00\x01a\x00\x00x"))
	await.Until(t, "nothing is buffered", func() bool { return conn.Buffered() == 0 })
	if !conn.Send(frame) {
		t.Error("after the flush the next Send owes one again")
	}
	conn.Flush()
	c.want([]byte("\x32\x06\x00\x01a\x00\x00x"))
	if got := s.Stats().PacketsOut[wire.PUBLISH].Load(); got != 4 {
		t.Errorf("got %d PUBLISH counted, want 4", got)
	}
}

// Senders that flush what they owe never leave anything behind.
func TestConn_Flush_NoLostWakeup(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	const senders, each = 8, 3000
	c := s.open(t, 4, "c")
	conn := s.plane(t, 0).conn
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := range each {
				frame := publish(4, string(rune('a'+i)), binary.BigEndian.AppendUint32(nil, uint32(n)))
				for conn.Buffered() > 1<<20 {
					time.Sleep(time.Millisecond) // the client reads on
				}
				if conn.Send(frame) {
					conn.Flush()
				}
			}
		})
	}
	var next [senders]uint32
	for range senders * each {
		_, body := c.recv()
		i, n := body[2]-'a', binary.BigEndian.Uint32(body[3:])
		if n != next[i] {
			t.Fatalf("sender %d: got message %d, want %d", i, n, next[i])
		}
		next[i]++
	}
	wg.Wait()
	if conn.Buffered() != 0 {
		await.Until(t, "nothing is left", func() bool { return conn.Buffered() == 0 })
	}
}

// A client that does not read delays no sender, is told of by Buffered, and is
// drained when it reads again.
func TestConn_Stalled(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	c := s.open(t, 4, "stalled")
	stalled := s.plane(t, 0)
	other := s.open(t, 4, "other")
	healthy := s.plane(t, 1)
	frame := publish(4, "a", bytes.Repeat([]byte{'x'}, 10_000))
	sent := 0
	start := time.Now()
	for stalled.conn.Buffered() < 4<<20 {
		if stalled.conn.Send(frame) {
			stalled.conn.Flush()
		}
		sent++
		if sent%100 == 0 {
			healthy.conn.Send([]byte{0xd0, 0})
			healthy.conn.Flush()
			other.want([]byte{0xd0, 0})
		}
	}
	if took := time.Since(start); took > patience {
		t.Errorf("sending took %v", took)
	}
	calls := func() int {
		stalled.mu.Lock()
		defer stalled.mu.Unlock()
		return stalled.drained
	}
	before := calls() // as long as the socket took everything
	if n, err := io.CopyN(io.Discard, c, int64(sent*len(frame))); err != nil {
		t.Fatalf("got %d bytes and %v, want all %d", n, err, sent*len(frame))
	}
	await.Until(t, "Drained is called", func() bool { return calls() == before+1 })
	stalled.conn.Send([]byte{0xd0, 0})
	stalled.conn.Flush()
	c.want([]byte{0xd0, 0}) // and it works as before
}

func TestConn_Overflow(t *testing.T) {
	s := startServer(t, transport.Limits{MaxBuffered: 1 << 20}, nil)
	s.open(t, 4, "c")
	p := s.plane(t, 0)
	frame := publish(4, "a", make([]byte, 60_000))
	for range 1000 {
		p.conn.Send(frame)
		p.conn.Flush()
	}
	if err := s.end(t, 0); err == nil {
		t.Error("got a good end, want an error")
	}
	if got := s.Stats().Overflows.Load(); got != 1 {
		t.Errorf("got %d overflows, want 1", got)
	}
}

func TestConn_WriteTimeout(t *testing.T) {
	s := startServer(t, transport.Limits{WriteTimeout: 100 * time.Millisecond}, nil)
	s.open(t, 4, "c")
	p := s.plane(t, 0)
	frame := publish(4, "a", make([]byte, 500_000))
	for range 14 {
		p.conn.Send(frame)
	}
	p.conn.Flush()
	if err := s.end(t, 0); err == nil {
		t.Error("got a good end, want an error")
	}
	if got := s.Stats().WriteTimeouts.Load(); got != 1 {
		t.Errorf("got %d write timeouts, want 1", got)
	}
}

// A stalled client that is disconnected is gone after CloseTimeout, and the
// engine's reader at once.
func TestConn_Disconnect_Stalled(t *testing.T) {
	s := startServer(t, transport.Limits{CloseTimeout: 100 * time.Millisecond}, nil)
	s.open(t, 5, "c")
	p := s.plane(t, 0)
	frame := publish(5, "a", make([]byte, 500_000))
	for range 14 {
		p.conn.Send(frame)
	}
	p.conn.Flush()
	await.Until(t, "the socket is full", func() bool { return s.Stats().Stalls.Load() == 1 })
	p.conn.Disconnect(wire.SessionTakenOver, "")
	if err := s.end(t, 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got end %v, want closed", err)
	}
	if p.conn.Send(frame) {
		t.Error("Send after Disconnect must do nothing")
	}
	await.Until(t, "the socket closes", func() bool { return s.Stats().Open.Load() == 0 })
}

// A client that never closes its side is not waited for longer than Linger.
func TestConn_Close_SlowClient(t *testing.T) {
	s := startServer(t, transport.Limits{Linger: 50 * time.Millisecond}, nil)
	c := s.open(t, 5, "c")
	s.plane(t, 0).conn.Disconnect(wire.AdministrativeAction, "away")
	if header, body := c.recv(); header != 0xe0 || wire.Code(body[0]) != wire.AdministrativeAction {
		t.Errorf("got %x %x", header, body)
	}
	await.Until(t, "the socket closes", func() bool { return s.Stats().Open.Load() == 0 })
	if got := s.Stats().SlowCloses.Load(); got != 1 {
		t.Errorf("got %d slow closes, want 1", got)
	}
}

func TestTransport_Close(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	var clients []*client
	for i := range 20 {
		clients = append(clients, s.open(t, 5, fmt.Sprint("c", i)))
	}
	for i := range clients {
		s.plane(t, i).conn.Send(publish(5, "last", nil)) // nobody flushes it: Close does
	}
	done := make(chan struct{})
	go func() { defer close(done); s.stop(t) }()
	for _, c := range clients {
		c.want(publish(5, "last", nil))
		c.want([]byte{0xe0, 1, byte(wire.ServerShuttingDown)})
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	<-done
}

func TestConn_Send_Allocs(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	c := s.open(t, 4, "c")
	go func() { _, _ = io.Copy(io.Discard, c) }() // ends with the connection
	conn := s.plane(t, 0).conn
	frame := publish(4, "session/s1/progress/ana", make([]byte, 200))
	got := testing.AllocsPerRun(2000, func() {
		if conn.Send(frame) {
			conn.Flush()
		}
		for conn.Buffered() > 32<<10 {
			time.Sleep(100 * time.Microsecond)
		}
	})
	if got > 0.05 {
		t.Errorf("got %v allocations a packet, want none", got)
	}
}
