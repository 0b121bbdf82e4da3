package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

func startWeb(tb testing.TB, limits transport.Limits, origins ...string) (s *server, url string) {
	tb.Helper()
	s = &server{Transport: transport.New(limits, nil)}
	l := s.NewWebSocket("ws", origins...)
	front := httptest.NewServer(l)
	l.Serve(s.establish)
	tb.Cleanup(func() {
		l.Close(func(string) {})
		s.stop(tb)
		front.Close()
	})
	return s, front.URL
}

// webClient speaks frames.
type webClient struct {
	client
	r io.Reader
}

func dialWeb(tb testing.TB, url string) *webClient {
	tb.Helper()
	d := ws.Dialer{Protocols: []string{"mqtt"}}
	nc, br, hs, err := d.Dial(context.Background(), "ws"+strings.TrimPrefix(url, "http"))
	if err != nil {
		tb.Fatal(err)
	}
	if hs.Protocol != "mqtt" {
		tb.Errorf("got subprotocol %q, want mqtt", hs.Protocol)
	}
	tb.Cleanup(func() {
		// Most tests have closed it.
		_ = nc.Close()
	})
	if err := nc.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		tb.Fatal(err)
	}
	w := &webClient{client: client{Conn: nc, tb: tb}, r: nc}
	if br != nil {
		w.r = br
	}
	return w
}

// frame encodes a client's frame, masked.
func frame(op ws.OpCode, fin bool, payload []byte) []byte {
	f := ws.MaskFrameWith(ws.NewFrame(op, fin, bytes.Clone(payload)), [4]byte{1, 2, 3, 4})
	return ws.MustCompileFrame(f)
}

func message(packets ...[]byte) []byte {
	return frame(ws.OpBinary, true, bytes.Join(packets, nil))
}

// wantFrame reads one frame from the server.
func (w *webClient) wantFrame(op ws.OpCode, payload []byte) {
	w.tb.Helper()
	h, err := ws.ReadHeader(w.r)
	if err != nil {
		w.tb.Fatalf("read frame: %v, want %v", err, op)
	}
	got := make([]byte, h.Length)
	if _, err := io.ReadFull(w.r, got); err != nil {
		w.tb.Fatalf("read frame: %v", err)
	}
	if h.OpCode != op || !h.Fin || h.Masked || !bytes.Equal(got, payload) {
		w.tb.Fatalf("got frame %+v %x, want %v %x", h, got, op, payload)
	}
}

func (w *webClient) wantClose(code ws.StatusCode) {
	w.tb.Helper()
	w.wantFrame(ws.OpClose, ws.NewCloseFrameBody(code, ""))
	w.wantEOF()
}

func (s *server) openWeb(tb testing.TB, url string, version byte) *webClient {
	tb.Helper()
	w := dialWeb(tb, url)
	w.send(message(connect(version, "c", 0)))
	w.wantFrame(ws.OpBinary, connack(version))
	return w
}

func TestWebSocket_ServeHTTP(t *testing.T) {
	_, url := startWeb(t, transport.Limits{}, "https://App.example")
	tests := []struct {
		name   string
		header map[string]string
		status int
	}{
		{"OK", nil, http.StatusSwitchingProtocols},
		{"OK old subprotocol among others", map[string]string{"Sec-WebSocket-Protocol": "other, mqttv3.1"}, http.StatusSwitchingProtocols},
		{"OK same origin", map[string]string{"Origin": url}, http.StatusSwitchingProtocols},
		{"OK listed origin", map[string]string{"Origin": "https://app.example"}, http.StatusSwitchingProtocols},
		{"Err other origin", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		{"Err null origin", map[string]string{"Origin": "null"}, http.StatusForbidden},
		{"Err listed host, other scheme", map[string]string{"Origin": "http://app.example"}, http.StatusForbidden},
		{"Err no subprotocol", map[string]string{"Sec-WebSocket-Protocol": ""}, http.StatusBadRequest},
		{"Err wrong subprotocol", map[string]string{"Sec-WebSocket-Protocol": "graphql-ws"}, http.StatusBadRequest},
		{"Err not an upgrade", map[string]string{"Upgrade": ""}, http.StatusUpgradeRequired},
		{"Err no key", map[string]string{"Sec-WebSocket-Key": ""}, http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
				"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "mqtt"}
			for k, v := range tt.header {
				header[k] = v
			}
			r, err := http.NewRequest(http.MethodGet, url+"/mqtt", nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range header {
				if v != "" {
					r.Header.Set(k, v)
				}
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				// Nothing was written to it.
				_ = resp.Body.Close()
			}()
			if resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

func TestWebSocket_NotServing(t *testing.T) {
	tr := transport.New(transport.Limits{}, nil)
	rec := httptest.NewRecorder()
	tr.NewWebSocket("ws").ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/mqtt", nil))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", rec.Code)
	}
	(&server{Transport: tr}).stop(t)
}

func TestWebSocket_Engine(t *testing.T) {
	_, url, g, _ := startEngine(t)
	w := dialWeb(t, url)
	w.send(message(connect(5, "web", 30)))
	h, err := ws.ReadHeader(w.r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, w.r, h.Length); err != nil { // CONNACK
		t.Fatal(err)
	}
	w.send(message(publish(5, "a", []byte("1"))))
	w.wantFrame(ws.OpBinary, publish(5, "a", []byte("1")))
	// What a browser does at the end: DISCONNECT and the close in one go.
	w.send(message([]byte{0xe0, 0}), frame(ws.OpClose, true, ws.NewCloseFrameBody(1000, "")))
	w.wantClose(ws.StatusNormalClosure)
	if err := g.ended(t, "web"); err != nil {
		t.Errorf("got %v after a DISCONNECT, want none", err)
	}
}

// Frames, messages and segments may be cut anywhere.
func TestWebSocket_Frames(t *testing.T) {
	s, url := startWeb(t, transport.Limits{}, "")
	one, two := publish(4, "a", []byte("1")), publish(4, "b", bytes.Repeat([]byte{'x'}, 300))
	streams := map[string][]byte{
		"many packets in a message": message(one, two, one),
		"packet over messages":      bytes.Join([][]byte{message(one[:3]), message(one[3:], two[:1]), message(two[1:], one)}, nil),
		"fragments with a ping between": bytes.Join([][]byte{frame(ws.OpBinary, false, one[:2]), frame(ws.OpPing, true, nil),
			frame(ws.OpContinuation, false, append(one[2:len(one):len(one)], two...)), frame(ws.OpContinuation, false, nil), frame(ws.OpContinuation, true, one)}, nil),
		"empty messages": bytes.Join([][]byte{message(), message(one, two), message(), message(one)}, nil),
	}
	n := 0
	for name, stream := range streams {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 5, 7, 64, len(stream)} {
				w := s.openWeb(t, url, 4)
				for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
					w.send(rest[:min(size, len(rest))])
				}
				p := s.plane(t, n)
				await.Until(t, "packets arrive", func() bool { return len(p.got()) == 3 })
				if got := p.got()[1]; !bytes.Equal(got[1:], two[3:]) {
					t.Fatalf("size %d: got %x, want %x", size, got, two)
				}
				if strings.Contains(name, "ping") {
					w.wantFrame(ws.OpPong, nil)
				}
				w.send(frame(ws.OpClose, true, ws.NewCloseFrameBody(1000, "")))
				w.wantClose(ws.StatusNormalClosure)
				if err := s.end(t, n); !errors.Is(err, io.EOF) {
					t.Fatalf("got end %v, want EOF", err)
				}
				n++
			}
		})
	}
}

func TestWebSocket_Frames_Err(t *testing.T) {
	unmasked := ws.MustCompileFrame(ws.NewBinaryFrame([]byte{0xc0, 0}))
	tests := []struct {
		name string
		in   []byte
		code ws.StatusCode
	}{
		{"text [MQTT-6.0.0-1]", frame(ws.OpText, true, []byte("hi")), ws.StatusUnsupportedData},
		{"unmasked", unmasked, ws.StatusProtocolError},
		{"continuation of nothing", frame(ws.OpContinuation, true, []byte{0xc0, 0}), ws.StatusProtocolError},
		{"message inside a message", append(frame(ws.OpBinary, false, []byte{0xc0}), message([]byte{0})...), ws.StatusProtocolError},
		{"reserved opcode", frame(5, true, nil), ws.StatusProtocolError},
		{"fragmented ping", frame(ws.OpPing, false, nil), ws.StatusProtocolError},
		{"long ping", frame(ws.OpPing, true, make([]byte, 126)), ws.StatusProtocolError},
		{"message over the limit", []byte{0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0}, ws.StatusMessageTooBig},
		{"length over 63 bits", []byte{0x82, 0xff, 0xff, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0}, ws.StatusProtocolError},
	}
	s, url := startWeb(t, transport.Limits{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := s.openWeb(t, url, 4)
			w.send(tt.in)
			w.wantClose(tt.code)
		})
	}
}

// All packets that have gathered are one message, whatever length form it needs.
func TestWebSocket_Flush(t *testing.T) {
	s, url := startWeb(t, transport.Limits{})
	w := s.openWeb(t, url, 4)
	conn := s.plane(t, 0).conn
	for _, size := range []int{0, 50, 200, 40_000, 70_000} {
		frame := publish(4, "a", bytes.Repeat([]byte{'x'}, size))
		var want []byte
		for range 3 {
			conn.Send(frame)
			want = append(want, frame...)
		}
		conn.Flush()
		w.wantFrame(ws.OpBinary, want)
	}
	await.Until(t, "nothing is buffered", func() bool { return conn.Buffered() == 0 })
	w.send(frame(ws.OpPing, true, []byte("there?")))
	w.wantFrame(ws.OpPong, []byte("there?"))
	conn.Disconnect(wire.ServerShuttingDown, "")
	w.wantClose(ws.StatusNormalClosure)
}

func TestWebSocket_Ping(t *testing.T) {
	s, url := startWeb(t, transport.Limits{PingInterval: 50 * time.Millisecond})
	w := s.openWeb(t, url, 5)
	for range 5 { // answered, it goes on
		w.wantFrame(ws.OpPing, nil)
		w.send(frame(ws.OpPong, true, nil))
	}
	// Unanswered, it ends, and says why.
	last := wire.AppendDisconnect(nil, wire.KeepAliveTimeout, "no answer to WebSocket pings")
	for {
		h, err := ws.ReadHeader(w.r)
		if err != nil {
			t.Fatalf("read frame: %v", err)
		}
		got := make([]byte, h.Length)
		if _, err := io.ReadFull(w.r, got); err != nil {
			t.Fatal(err)
		}
		if h.OpCode == ws.OpBinary {
			if !bytes.Equal(got, last) {
				t.Errorf("got %x, want %x", got, last)
			}
			break
		}
	}
	w.wantClose(ws.StatusNormalClosure)
	if err := s.end(t, 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got end %v", err)
	}
}
