package transport_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

// Whatever the cuts between segments, the plane sees the same packets.
func TestConn_Read_EverySplit(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	long := publish(4, "a/long/topic", bytes.Repeat([]byte{'x'}, 150))
	stream := bytes.Join([][]byte{connect(4, "c", 0), publish(4, "a", []byte("1")), {0x40, 2, 0, 7}, long, {0xc0, 0}, publish(4, "b", nil)}, nil)
	want := [][]byte{publish(4, "a", []byte("1")), {0x40, 2, 0, 7}, long, publish(4, "b", nil)}
	for cut := 1; cut < len(stream); cut++ {
		c := dial(t, s.addr)
		before := s.Stats().BytesIn.Load()
		c.send(stream[:cut])
		// Let it be read alone.
		await.Until(t, "first part read", func() bool { return s.Stats().BytesIn.Load() == before+int64(cut) })
		c.send(stream[cut:])
		c.want(append(connack(4), 0xd0, 0))
		p := s.plane(t, cut-1)
		await.Until(t, "packets arrive", func() bool { return len(p.got()) >= len(want) })
		for i, got := range p.got() {
			_, remaining, size, _ := wire.Header(want[i])
			if w := append([]byte{want[i][0]}, want[i][size:size+remaining]...); !bytes.Equal(got, w) {
				t.Fatalf("cut at %d: packet %d: got %x, want %x", cut, i, got, w)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.end(t, cut-1); !errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d: got end %v, want EOF", cut, err)
		}
	}
}

// The engine sees its form of the CONNECT, a plain DISCONNECT and nothing else,
// and the plane has been told and been idle before.
func TestConn_Read_WhatGoesUp(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	c := dial(t, s.addr)
	c.send(connect(5, "c", 0), publish(5, "a", nil), []byte{0xe0, 1, 4})
	c.want(connack(5))
	if err := s.end(t, 0); err != nil {
		t.Fatalf("got end %v, want none", err)
	}
	p := s.plane(t, 0)
	want := append(p.conn.Connect().EngineFrame(), 0xe0, 0)
	if !bytes.Equal(s.up, want) {
		t.Errorf("the engine read %x, want %x", s.up, want)
	}
	if p.bye == nil || p.bye.Code != wire.DisconnectWithWill || p.idles != 1 {
		t.Errorf("got %+v and %d times idle, want code 4 and 1", p.bye, p.idles)
	}
	c.wantEOF()
}

func TestConn_Read_Idle(t *testing.T) {
	order := make(chan string, 10)
	s := startServer(t, transport.Limits{}, func(p *plane) {
		p.onPacket = func(byte, []byte) error { order <- "packet"; return nil }
		p.onIdle = func() { order <- "idle" }
	})
	c := s.open(t, 4, "c")
	one := publish(4, "a", nil)
	c.send(one, one, one[:2])
	for i, want := range []string{"packet", "packet", "idle"} {
		if got := <-order; got != want {
			t.Fatalf("%d: got %s, want %s", i, got, want)
		}
	}
	c.send(one[2:])
	if a, b := <-order, <-order; a != "packet" || b != "idle" {
		t.Errorf("got %s, %s, want packet, idle", a, b)
	}
}

// Each of these ends the connection, with its code where there is a packet to
// carry it.
func TestConn_Read_Err(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		in      []byte
		code    wire.Code
	}{
		{"second CONNECT [MQTT-3.1.0-2]", 5, connect(5, "c", 0), wire.ProtocolError},
		{"AUTH", 5, []byte{0xf0, 0}, wire.ProtocolError},
		{"AUTH in 3.1.1", 4, []byte{0xf0, 0}, wire.ProtocolError},
		{"server's packet", 5, []byte{0x20, 2, 0, 0}, wire.ProtocolError},
		{"PINGREQ with a body", 5, []byte{0xc0, 1, 0}, wire.MalformedPacket},
		{"flags [MQTT-2.1.3-1]", 5, []byte{0xc1, 0}, wire.MalformedPacket},
		{"length of five bytes", 5, []byte{0x30, 0x80, 0x80, 0x80, 0x80, 1}, wire.MalformedPacket},
		{"length not shortest [MQTT-1.5.5-1]", 5, []byte{0xc0, 0x80, 0}, wire.MalformedPacket},
		{"too large", 5, []byte{0x30, 0xff, 0xff, 0xff, 0x7f}, wire.PacketTooLarge},
		{"too large in 3.1.1", 4, []byte{0x30, 0xff, 0xff, 0xff, 0x7f}, wire.PacketTooLarge},
		{"DISCONNECT reason", 5, []byte{0xe0, 1, 0x8e}, wire.ProtocolError},
		{"what the plane says", 5, publish(5, "forbidden", nil), wire.QuotaExceeded},
		{"what the plane fails at", 5, publish(5, "broken", nil), wire.UnspecifiedError},
		{"what the plane panics at", 5, publish(5, "panic", nil), wire.UnspecifiedError},
	}
	s := startServer(t, transport.Limits{}, func(p *plane) {
		p.onPacket = func(_ byte, body []byte) error {
			switch string(body[2 : 2+binary.BigEndian.Uint16(body)]) {
			case "forbidden":
				return &wire.Error{Code: wire.QuotaExceeded, Reason: "no"}
			case "broken":
				return errors.New("secret detail")
			case "panic":
				panic("at a packet")
			}
			return nil
		}
	})
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.open(t, tt.version, "c")
			// Unread input behind the offence must not cost the client the reason.
			c.send(tt.in, bytes.Repeat([]byte{0xc0, 0}, 1000))
			if tt.version == 5 {
				header, body := c.recv()
				if header != 0xe0 || len(body) == 0 || wire.Code(body[0]) != tt.code {
					t.Fatalf("got %x %x, want DISCONNECT %v", header, body, tt.code)
				}
				if strings.Contains(string(body), "secret") {
					t.Errorf("internal error reaches the client: %q", body)
				}
			}
			c.wantEOF()
			if err := s.end(t, i); err == nil {
				t.Error("got a good end, want an error for the engine")
			}
		})
	}
	if got := s.Stats().Oversize.Load(); got != 2 {
		t.Errorf("got %d oversize, want 2", got)
	}
	if got := s.Stats().Panics.Load(); got != 1 {
		t.Errorf("got %d panics, want 1", got)
	}
}

func TestConn_Read_BadConnect(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want []byte // and then the end
		code wire.Code
	}{
		{"not a CONNECT [MQTT-3.1.0-1]", []byte("\x30\x05hello"), nil, wire.ProtocolError},
		{"3.1.1 level 6", []byte("\x10\x0d\x00\x04MQTT\x06\x02\x00\x00\x00\x01c"), []byte{0x20, 2, 0, 1}, wire.UnsupportedProtocolVersion},
		{"3.1.1 empty client id, clean 0", []byte("\x10\x0c\x00\x04MQTT\x04\x00\x00\x00\x00\x00"), []byte{0x20, 2, 0, 2}, wire.ClientIdentifierNotValid},
		{"3.1.1 malformed: no CONNACK", []byte("\x10\x0d\x00\x04MQTT\x04\x03\x00\x00\x00\x01c"), nil, wire.MalformedPacket},
		{"over MaxConnect", []byte{0x10, 0xff, 0xff, 0x7f}, nil, wire.PacketTooLarge},
	}
	s := startServer(t, transport.Limits{}, nil)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s.addr)
			c.send(tt.in)
			c.want(tt.want)
			c.wantEOF()
			if err := s.end(t, i); !isCode(err, tt.code) {
				t.Errorf("got end %v, want %v", err, tt.code)
			}
			if got := s.Stats().Refused[tt.code].Load(); got != 1 {
				t.Errorf("got %d refusals counted, want 1", got)
			}
		})
	}
}

func TestConn_ConnectTimeout(t *testing.T) {
	s := startServer(t, transport.Limits{ConnectTimeout: 50 * time.Millisecond}, nil)
	silent, half := dial(t, s.addr), dial(t, s.addr)
	half.send([]byte{0x10})
	silent.wantEOF()
	half.wantEOF()
	if got := s.Stats().ConnectTimeout.Load(); got != 2 {
		t.Errorf("got %d counted, want 2", got)
	}
	// One who has connected stays.
	c := s.open(t, 4, "c")
	time.Sleep(100 * time.Millisecond) // two timeouts long: nothing to wait for
	c.send([]byte{0xc0, 0})
	c.want([]byte{0xd0, 0})
}

func TestConn_KeepAlive(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	c := dial(t, s.addr)
	c.send(connect(5, "c", 1))
	c.want(connack(5))
	start := time.Now()
	c.send([]byte{0xc0, 0})
	c.want([]byte{0xd0, 0})
	c.want([]byte{0xe0, 1, byte(wire.KeepAliveTimeout)})
	if took := time.Since(start); took < 1400*time.Millisecond || took > 4*time.Second {
		t.Errorf("ended after %v of silence, want 1.5 s", took)
	}
	c.wantEOF()
	if got := s.Stats().KeepAliveTimeouts.Load(); got != 1 {
		t.Errorf("got %d counted, want 1", got)
	}
}

func TestConn_RefuseConnect(t *testing.T) {
	for _, version := range []byte{4, 5} {
		tr := transport.New(transport.Limits{}, nil)
		l := tr.NewTCP("tcp", "127.0.0.1:0", nil)
		if err := l.Init(nil); err != nil {
			t.Fatal(err)
		}
		go l.Serve(func(_ string, nc net.Conn) error {
			c := nc.(*transport.Conn)
			if _, err := c.Read(make([]byte, 2048)); err != nil {
				return err
			}
			c.RefuseConnect(wire.NotAuthorized, "no")
			return errors.New("refused")
		})
		c := dial(t, l.Address())
		c.send(connect(version, "c", 0), bytes.Repeat([]byte{0xc0, 0}, 5000))
		c.want(wire.AppendConnack(nil, version, false, wire.NotAuthorized, "no"))
		c.wantEOF()
		l.Close(func(string) {})
		(&server{Transport: tr}).stop(t)
	}
}
