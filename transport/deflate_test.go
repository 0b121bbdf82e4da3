package transport_test

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/tests/await"
	"github.com/fitmq/fitmq/transport"
)

// dialDeflate connects a client that offers permessage-deflate as the
// parameters say.
func dialDeflate(tb testing.TB, url string, offer wsflate.Parameters) (w *webClient, agreed string) {
	tb.Helper()
	d := ws.Dialer{Protocols: []string{"mqtt"}, Extensions: []httphead.Option{offer.Option()}}
	nc, br, hs, err := d.Dial(context.Background(), "ws"+strings.TrimPrefix(url, "http"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = nc.Close() }) // most tests have closed it
	if err := nc.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		tb.Fatal(err)
	}
	w = &webClient{client: client{Conn: nc, tb: tb}, r: nc}
	if br != nil {
		w.r = br
	}
	for _, o := range hs.Extensions {
		agreed += o.String()
	}
	return w, agreed
}

// packedFrame is a client's compressed message, in as many frames as parts say.
func packedFrame(tb testing.TB, payload []byte, parts int) []byte {
	tb.Helper()
	f, err := wsflate.CompressFrame(ws.NewBinaryFrame(bytes.Clone(payload)))
	if err != nil {
		tb.Fatal(err)
	}
	var out []byte
	for i := range parts {
		n := len(f.Payload) / (parts - i)
		op := ws.OpContinuation
		if i == 0 {
			op = ws.OpBinary
		}
		part := ws.NewFrame(op, i == parts-1, bytes.Clone(f.Payload[:n]))
		if i == 0 {
			part.Header.Rsv = ws.Rsv(true, false, false)
		}
		f.Payload = f.Payload[n:]
		out = append(out, ws.MustCompileFrame(ws.MaskFrameWith(part, [4]byte{9, 8, 7, 6}))...)
	}
	return out
}

// readMessages reads frames until n bytes of MQTT came; it returns them, and
// how many of the frames were compressed. A connection that ends gives less.
func (w *webClient) readMessages(n int) (got []byte, packed int) {
	w.tb.Helper()
	for len(got) < n {
		h, err := ws.ReadHeader(w.r)
		if err != nil {
			w.tb.Fatalf("after %d of %d bytes: %v", len(got), n, err)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(w.r, payload); err != nil {
			w.tb.Fatalf("after %d of %d bytes: %v", len(got), n, err)
		}
		if h.OpCode.IsControl() {
			continue
		}
		if h.Rsv1() {
			packed++
			r := flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
			if payload, err = io.ReadAll(r); err != nil {
				w.tb.Fatalf("inflate: %v", err)
			}
		}
		got = append(got, payload...)
	}
	return got, packed
}

func (s *server) openDeflate(tb testing.TB, url string, n int) (*webClient, *transport.Conn) {
	tb.Helper()
	w, agreed := dialDeflate(tb, url, wsflate.Parameters{})
	if !strings.Contains(agreed, "permessage-deflate") {
		tb.Fatalf("agreed to %q, want permessage-deflate", agreed)
	}
	w.send(message(connect(5, fmt.Sprint("c", n), 0)))
	w.wantFrame(ws.OpBinary, connack(5))
	return w, s.plane(tb, n).conn
}

// json is a payload like those that boards have.
func json(n int) []byte {
	return []byte(`{"entries":[` + strings.Repeat(`{"rank":1,"userId":"ana","score":7242.48},`, n/42+1)[:n] + `]}`)
}

func TestWebSocket_DeflateOffers(t *testing.T) {
	offers := map[string]wsflate.Parameters{
		"none":    {},
		"browser": {ClientMaxWindowBits: 15},
		"strict":  {ServerNoContextTakeover: true, ClientNoContextTakeover: true},
	}
	for name, offer := range offers {
		t.Run(name, func(t *testing.T) {
			_, url := startWeb(t, transport.Limits{Compression: true})
			_, agreed := dialDeflate(t, url, offer)
			for _, want := range []string{"permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"} {
				if !strings.Contains(agreed, want) {
					t.Errorf("agreed to %q, want %s", agreed, want)
				}
			}
		})
	}
	t.Run("Declined", func(t *testing.T) { // our window is always 32 KiB
		_, url := startWeb(t, transport.Limits{Compression: true})
		if _, agreed := dialDeflate(t, url, wsflate.Parameters{ServerMaxWindowBits: 10}); agreed != "" {
			t.Errorf("agreed to %q, want nothing", agreed)
		}
	})
	t.Run("Off", func(t *testing.T) {
		_, url := startWeb(t, transport.Limits{})
		if _, agreed := dialDeflate(t, url, wsflate.Parameters{}); agreed != "" {
			t.Errorf("agreed to %q, want nothing", agreed)
		}
	})
}

// Whatever is sent in whatever order arrives as it was sent; what is large is
// compressed, once for all.
func TestConn_SendPacked(t *testing.T) {
	s, url := startWeb(t, transport.Limits{Compression: true})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for round := range 20 {
		w, conn := s.openDeflate(t, url, round)
		var want []byte
		packed, owed := 0, false
		for range 40 {
			size := []int{0, 10, 125, 126, 300, 2000, 70_000}[rnd.IntN(7)]
			payload := json(size)
			frame, at := wire.AppendPublish(nil, 5, &wire.PublishOut{Topic: "t/1", Payload: payload, QoS: 1, PacketID: 1})
			id := uint16(rnd.IntN(60000) + 1)
			var dirty bool
			if conn.Packs(len(payload)) {
				packed++
				dirty = conn.SendPacked(frame[:len(frame)-len(payload)], at, id, conn.Pack(payload))
			} else {
				dirty = conn.SendID(frame, at, id)
			}
			owed = owed || dirty
			frame[at], frame[at+1] = byte(id>>8), byte(id)
			want = append(want, frame...)
			if owed && rnd.IntN(5) == 0 {
				conn.Flush()
				owed = false
			}
		}
		conn.Flush()
		got, n := w.readMessages(len(want))
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: got %d bytes that differ from the %d sent", round, len(got), len(want))
		}
		if n != packed {
			t.Errorf("round %d: %d messages were compressed, want %d", round, n, packed)
		}
		await.Until(t, "nothing is buffered", func() bool { return conn.Buffered() == 0 })
	}
	_, conn := s.openDeflate(t, url, 20)
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	if conn.Pack(noise) != nil {
		t.Error("noise was compressed, want nil: it gets no smaller")
	}
}

func TestWebSocket_Inflate(t *testing.T) {
	s, url := startWeb(t, transport.Limits{Compression: true})
	small, large := publish(5, "a", []byte("1")), publish(5, "b", json(200_000))
	streams := map[string][]byte{
		"one":            packedFrame(t, large, 1),
		"fragments":      packedFrame(t, large, 3),
		"many in one":    packedFrame(t, bytes.Join([][]byte{small, large, small}, nil), 2),
		"beside plain":   bytes.Join([][]byte{message(small), packedFrame(t, small, 1), message(large), packedFrame(t, large, 4), message(small)}, nil),
		"split over two": bytes.Join([][]byte{packedFrame(t, large[:100], 1), packedFrame(t, large[100:], 1)}, nil),
		"many small":     bytes.Repeat(packedFrame(t, large, 1), 8),
		"empty":          append(packedFrame(t, nil, 1), packedFrame(t, small, 1)...),
		"ping in a message": func() []byte {
			parts := packedFrame(t, small, 2)
			first := 2 + 4 + int(parts[1]&0x7f)
			return bytes.Join([][]byte{parts[:first], frame(ws.OpPing, true, nil), parts[first:]}, nil)
		}(),
	}
	counts := map[string]int{"one": 1, "fragments": 1, "many in one": 3, "beside plain": 5, "split over two": 1, "many small": 8, "empty": 1, "ping in a message": 1}
	n := 0
	for name, stream := range streams {
		for _, size := range []int{1, 700, len(stream)} {
			w, _ := s.openDeflate(t, url, n)
			p := s.plane(t, n)
			n++
			for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
				w.send(rest[:min(size, len(rest))])
			}
			await.Until(t, name+": packets arrive", func() bool { return len(p.got()) == counts[name] })
			for _, got := range p.got() {
				if !bytes.Equal(got[1:], small[2:]) && !bytes.HasSuffix(large, got[1:]) {
					t.Errorf("%s, %d at once: a packet of %d bytes is not what was sent", name, size, len(got))
				}
			}
			_ = w.Close() // its work is done
		}
	}
}

func TestWebSocket_Inflate_Err(t *testing.T) {
	bad := func(op ws.OpCode, fin bool, rsv byte, payload []byte) []byte {
		f := ws.NewFrame(op, fin, bytes.Clone(payload))
		f.Header.Rsv = rsv
		return ws.MustCompileFrame(ws.MaskFrameWith(f, [4]byte{1, 2, 3, 4}))
	}
	rsv1 := ws.Rsv(true, false, false)
	tests := []struct {
		name string
		in   []byte
		code ws.StatusCode
	}{
		{"bomb", packedFrame(t, make([]byte, 4<<20), 1), ws.StatusMessageTooBig},
		{"garbage", bad(ws.OpBinary, true, rsv1, []byte("\xff\xff\xff\xff")), ws.StatusInvalidFramePayloadData},
		{"compressed ping", bad(ws.OpPing, true, rsv1, nil), ws.StatusProtocolError},
		{"second frame says compressed", append(bad(ws.OpBinary, false, rsv1, []byte{0}), bad(ws.OpContinuation, true, rsv1, []byte{0})...), ws.StatusProtocolError},
		{"another reserved bit", bad(ws.OpBinary, true, ws.Rsv(false, true, false), []byte{0xc0, 0}), ws.StatusProtocolError},
		{"text", bad(ws.OpText, true, rsv1, []byte{0}), ws.StatusUnsupportedData},
	}
	s, url := startWeb(t, transport.Limits{Compression: true})
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := s.openDeflate(t, url, i)
			w.send(tt.in)
			w.wantClose(tt.code)
		})
	}
	t.Run("not agreed", func(t *testing.T) {
		s, url := startWeb(t, transport.Limits{})
		w := s.openWeb(t, url, 4)
		w.send(bad(ws.OpBinary, true, rsv1, []byte{0}))
		w.wantClose(ws.StatusProtocolError)
	})
}

// BenchmarkConn_Pack is what a board costs, once for all who get it.
func BenchmarkConn_Pack(b *testing.B) {
	s, url := startWeb(b, transport.Limits{Compression: true})
	_, conn := s.openDeflate(b, url, 0)
	payload := json(3000)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		conn.Pack(payload)
	}
	b.ReportMetric(float64(len(conn.Pack(payload))), "bytes")
}
