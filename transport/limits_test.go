package transport_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

// refused dials and wants the CONNECT answered with the code, and the end.
func (s *server) refused(tb testing.TB, version byte, code wire.Code) {
	tb.Helper()
	c := dial(tb, s.addr)
	c.send(connect(version, "refused", 0))
	header, body := c.recv()
	want := byte(code)
	if version != 5 {
		want = 3 // MQTT 3.1.1 has one code for all of these
	}
	if header != wire.CONNACK<<4 || body[1] != want {
		tb.Fatalf("got %x %x, want a CONNACK with %v", header, body, code)
	}
	c.wantEOF()
}

// The limit on connections holds over all listeners together.
func TestTransport_MaxConnections(t *testing.T) {
	s := startServer(t, transport.Limits{MaxConnections: 2}, nil)
	s.open(t, 4, "a")
	b := s.open(t, 4, "b")
	s.refused(t, 5, wire.ServerBusy)
	s.refused(t, 4, wire.ServerBusy)
	if got := s.Stats().RefusedFull.Load(); got != 2 {
		t.Errorf("got %d refused, want 2", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "a place is free", func() bool { return s.Stats().Open.Load() == 1 })
	s.open(t, 4, "c")
}

func TestTransport_MaxPerAddress(t *testing.T) {
	s := startServer(t, transport.Limits{MaxPerAddress: 2}, nil)
	a := s.open(t, 5, "a")
	s.open(t, 5, "b")
	s.refused(t, 5, wire.QuotaExceeded)
	s.refused(t, 4, wire.QuotaExceeded)
	if got := s.Stats().RefusedAddress.Load(); got != 2 {
		t.Errorf("got %d refused, want 2", got)
	}
	if got := s.Stats().Refused[wire.QuotaExceeded].Load(); got != 0 {
		t.Errorf("got %d counted a second time, want 0", got)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	nc, err := d.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	other := &client{Conn: nc, tb: t}
	defer other.Close()
	other.send(connect(5, "c", 0))
	other.want(connack(5))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "a place is free", func() bool { return s.Stats().Open.Load() == 2 })
	s.open(t, 5, "d")
}

// More clients than can be told why they are refused are closed, and those who
// say nothing do not keep the places of those who do.
func TestTransport_RefusalsAreBounded(t *testing.T) {
	s := startServer(t, transport.Limits{MaxPerAddress: 1, ConnectTimeout: 200 * time.Millisecond}, nil)
	s.open(t, 5, "a")
	var silent []*client
	for range 300 {
		silent = append(silent, dial(t, s.addr))
	}
	for _, c := range silent {
		c.wantEOF()
		c.Close()
	}
	await.Until(t, "they are gone", func() bool { return s.Stats().Open.Load() == 1 })
	s.refused(t, 5, wire.QuotaExceeded)
}

func TestTransport_ConnectRate(t *testing.T) {
	t.Run("a burst is let in, more waits", func(t *testing.T) {
		s := startServer(t, transport.Limits{ConnectRate: 20, ConnectBurst: 10}, nil)
		start := time.Now()
		for i := range 20 {
			s.open(t, 5, fmt.Sprint(i))
		}
		if took := time.Since(start); took < 300*time.Millisecond {
			t.Errorf("20 connections took %v, want at least 300 ms at 20 a second after a burst of 10", took)
		}
		if s.Stats().ConnectsDelayed.Load() == 0 {
			t.Error("none was counted as delayed")
		}
	})
	t.Run("ErrTooFast", func(t *testing.T) {
		s := startServer(t, transport.Limits{ConnectRate: 1, ConnectBurst: 2}, nil)
		s.open(t, 5, "a")
		s.open(t, 5, "b")
		var wg sync.WaitGroup
		for range 2 { // these two wait a second and two
			wg.Go(func() { s.open(t, 5, "") })
		}
		await.Until(t, "two wait", func() bool { return s.Stats().ConnectsDelayed.Load() == 2 })
		s.refused(t, 5, wire.ConnectionRateExceeded)
		if got := s.Stats().RefusedRate.Load(); got != 1 {
			t.Errorf("got %d refused, want 1", got)
		}
		wg.Wait()
	})
}

// Five thousand clients at once, from one address, all get in, with the rate
// that a broker has by default.
func TestTransport_Storm(t *testing.T) {
	storm := 5000
	if testing.Short() {
		storm = 500
	}
	s := startServer(t, transport.Limits{ConnectRate: 1000}, nil)
	start := time.Now()
	gate := make(chan struct{}, 500) // dials under way
	var wg sync.WaitGroup
	errs := make(chan error, storm)
	conns := make(chan net.Conn, storm)
	for i := range storm {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			nc, err := net.DialTimeout("tcp", s.addr, patience)
			if err != nil {
				errs <- err
				return
			}
			conns <- nc
			got, want := make([]byte, 4), connack(4)
			if err = nc.SetDeadline(time.Now().Add(3 * patience)); err == nil {
				if _, err = nc.Write(connect(4, fmt.Sprint(i), 0)); err == nil {
					_, err = io.ReadFull(nc, got)
				}
			}
			if err != nil || !bytes.Equal(got, want) {
				errs <- fmt.Errorf("client %d: got %x, %w", i, got, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d clients were let in within %v", storm, time.Since(start))
	select {
	case err := <-errs:
		t.Errorf("%d of %d failed, the first: %v", len(errs)+1, storm, err)
	default:
	}
	if got := s.Stats().Open.Load(); got != int64(storm) {
		t.Errorf("got %d open, want %d", got, storm)
	}
	close(conns)
	for nc := range conns {
		nc.Close()
	}
}

func TestConn_PublishRate(t *testing.T) {
	t.Run("messages", func(t *testing.T) {
		s := startServer(t, transport.Limits{PublishRate: 50}, nil)
		c := s.open(t, 5, "c")
		start := time.Now()
		c.send(bytes.Repeat(publish(5, "a", []byte("x")), 75), []byte{0xc0, 0})
		c.want([]byte{0xd0, 0}) // in order, behind all of them
		if took := time.Since(start); took < 450*time.Millisecond || took > patience {
			t.Errorf("75 messages took %v, want half a second at 50 a second after the first 50", took)
		}
		if got := len(s.plane(t, 0).got()); got != 75 {
			t.Errorf("got %d messages, want 75: none is dropped", got)
		}
		if s.Stats().PublishPauses.Load() == 0 {
			t.Error("no pause was counted")
		}
	})
	t.Run("bytes", func(t *testing.T) {
		s := startServer(t, transport.Limits{PublishBytes: 20_000, MaxPacket: 4096}, nil)
		c := s.open(t, 5, "c")
		start := time.Now()
		c.send(bytes.Repeat(publish(5, "a", make([]byte, 990)), 30), []byte{0xc0, 0})
		c.want([]byte{0xd0, 0})
		if took := time.Since(start); took < 450*time.Millisecond || took > patience {
			t.Errorf("30 kB took %v, want half a second at 20 kB a second after the first 20", took)
		}
	})
	t.Run("a pause ends with the connection", func(t *testing.T) {
		s := startServer(t, transport.Limits{PublishRate: 1}, nil)
		c := s.open(t, 5, "c")
		c.send(bytes.Repeat(publish(5, "a", []byte("x")), 1000))
		p := s.plane(t, 0)
		await.Until(t, "it pauses", func() bool { return s.Stats().PublishPauses.Load() > 0 })
		p.conn.Disconnect(wire.ServerShuttingDown, "")
		c.want([]byte{0xe0, 1, byte(wire.ServerShuttingDown)})
		if err := s.end(t, 0); err == nil {
			t.Error("got a good end")
		}
	})
}

// Who comes with HTTP to the MQTT port is told so.
func TestTCP_HTTPClient(t *testing.T) {
	s := startServer(t, transport.Limits{}, nil)
	s.SetWebAddress("localhost:8080")
	resp, err := http.Get("http://" + s.addr + "/mqtt")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "localhost:8080") {
		t.Errorf("got %d %q, want 400 and where HTTP is", resp.StatusCode, body)
	}
	if got := s.Stats().RefusedWeb.Load(); got != 1 {
		t.Errorf("got %d counted, want 1", got)
	}
	if got := s.Stats().Refused[wire.ProtocolError].Load(); got != 0 {
		t.Errorf("got %d counted a second time, want 0", got)
	}
}

// Who comes with MQTT to the HTTP port is told so, and HTTP and WebSocket work there.
func TestTransport_Web(t *testing.T) {
	s := &server{Transport: transport.New(transport.Limits{}, nil)}
	l := s.NewWebSocket("ws")
	l.Serve(s.establish)
	front := httptest.NewUnstartedServer(l)
	front.Listener = s.Web(front.Listener, "localhost:1883")
	front.Start()
	defer front.Close()
	defer s.stop(t)
	s.addr = front.Listener.Addr().String()
	t.Run("MQTT 5", func(t *testing.T) {
		c := dial(t, s.addr)
		c.send(connect(5, "c", 0))
		header, body := c.recv()
		if header != wire.CONNACK<<4 || body[1] != byte(wire.ServerMoved) || !bytes.Contains(body, []byte("localhost:1883")) {
			t.Errorf("got %x %q, want a CONNACK 0x9D that says where MQTT is", header, body)
		}
		c.wantEOF()
	})
	t.Run("MQTT 3.1.1", func(t *testing.T) { s.refused(t, 4, wire.ServerMoved) })
	t.Run("half a CONNECT", func(t *testing.T) {
		c := dial(t, s.addr)
		c.send([]byte{0x10, 20, 0, 4, 'M'})
		c.wantEOF()
	})
	if got := s.Stats().RefusedMQTT.Load(); got != 3 {
		t.Errorf("got %d counted, want 3", got)
	}
	w := s.openWeb(t, front.URL, 5)
	w.send(frame(ws.OpBinary, true, []byte{0xc0, 0}))
	w.wantFrame(ws.OpBinary, []byte{0xd0, 0})
}
