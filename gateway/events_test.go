package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fitmq/fitmq/gateway"
	"github.com/fitmq/fitmq/tests/await"
)

// fakeStreams gives streams of two events that end when they are told to.
type fakeStreams struct {
	end    chan struct{}
	closed chan struct{} // told when one is closed, where anybody looks
	flood  atomic.Bool   // events without end
	ask    gateway.StreamRequest
}

func (f *fakeStreams) OpenStream(_ context.Context, r gateway.StreamRequest) (gateway.Stream, error) {
	f.ask = r
	return &fakeStream{f: f}, nil
}

func (*fakeStreams) Confirm(context.Context, gateway.Confirmation) error { return nil }

func (*fakeStreams) OpenedStream(string, string) gateway.Stream { return nil }

type fakeStream struct {
	f    *fakeStreams
	sent bool
}

func (s *fakeStream) Next(ctx context.Context) ([]gateway.Event, error) {
	if s.f.flood.Load() {
		return []gateway.Event{{ID: "1-1", Topic: "a", Payload: make([]byte, 1<<20)}}, nil
	}
	if !s.sent {
		s.sent = true
		return []gateway.Event{
			{ID: "1-1", Topic: "a", Payload: []byte("{\"x\":\n1}"), QoS: 1, Props: &gateway.Properties{ContentType: "application/json"}},
			{ID: "1-2", Topic: "b", Payload: []byte{0xff}, Dup: true},
		}, nil
	}
	select {
	case <-s.f.end:
		return nil, &gateway.StreamEnd{Code: 0x8E, Reason: "taken"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (*fakeStream) Present() bool { return true }

func (*fakeStream) Subscribe(filters []string, qos byte) ([]gateway.Grant, error) {
	return []gateway.Grant{{Filter: filters[0], Code: qos}}, nil
}

func (*fakeStream) Unsubscribe([]string) ([]gateway.Grant, error) { return nil, nil }
func (*fakeStream) Subscriptions() map[string]byte                { return map[string]byte{"session/s1/info": 2} }
func (s *fakeStream) Close() {
	select {
	case s.f.closed <- struct{}{}:
	default:
	}
}

// serveEvents runs the gateway behind a real server.
func serveEvents(t *testing.T, http2 bool, change ...func(*gateway.Options)) (*house, *fakeStreams, func() *http.Response) {
	t.Helper()
	streams := &fakeStreams{end: make(chan struct{}), closed: make(chan struct{}, 1)}
	h := newHouse(t, append([]func(*gateway.Options){func(o *gateway.Options) { o.Streams = streams }}, change...)...)
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return h, streams, func() *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/events?clientId=c&filter=session/s1/info&filter=user/root/error&expiry=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("root", "rootroot")
		req.Header.Set("Last-Event-ID", "1-0")
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
}

const wantEvents = `retry: 1000

event: open
data: {"clientId":"c","sessionPresent":true,"filters":[{"filter":"session/s1/info","code":2},{"filter":"user/root/error","code":1}]}

id: 1-1
event: message
data: {"topic":"a","payload":{"x":1},"qos":1,"retain":false,"properties":{"contentType":"application/json"}}

id: 1-2
event: message
data: {"topic":"b","payloadBase64":"/w==","qos":0,"retain":false,"dup":true}

`

func TestGateway_Events(t *testing.T) {
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(proto, func(t *testing.T) {
			_, streams, get := serveEvents(t, http2)
			res := get()
			if res.Proto != proto || res.StatusCode != 200 {
				t.Fatalf("%s %s", res.Proto, res.Status)
			}
			for name, want := range map[string]string{"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform", "Content-Encoding": ""} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			got := make([]byte, len(wantEvents))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != wantEvents {
				t.Errorf("%v: got\n%s\nwant\n%s", err, got, wantEvents)
			}
			if a := streams.ask; a.Confirmed != "1-0" || !a.Lasting || a.Expiry != 60 || len(a.Filters) != 2 || a.Sender.UserID != "root" {
				t.Errorf("asked for %+v", a)
			}
			close(streams.end)
			rest, err := io.ReadAll(res.Body)
			if err != nil || !strings.Contains(string(rest), `data: {"code":142,"reason":"taken"}`) {
				t.Errorf("the end: %s %v", rest, err)
			}
		})
	}
}

func TestGateway_EventsLimit(t *testing.T) {
	_, _, get := serveEvents(t, false, func(o *gateway.Options) { o.Limits.Streams, o.Limits.StreamsPerUser = 3, 2 })
	get()
	get()
	if res := get(); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("over the user's: %s", res.Status)
	}
	_, _, get = serveEvents(t, false, func(o *gateway.Options) { o.Limits.Streams = 1 })
	get()
	if res := get(); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("over all: %s", res.Status)
	}
}

func TestGateway_EventsDrain(t *testing.T) {
	h, _, get := serveEvents(t, false)
	res := get()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(all), `data: {"code":139,`) || strings.Count(string(all), "retry: ") != 2 {
		t.Errorf("got %s %v", all, err)
	}
}

// Comments come while nothing happens, and longer than a write may take.
func TestGateway_EventsHeartbeat(t *testing.T) {
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(proto, func(t *testing.T) {
			_, streams, get := serveEvents(t, http2, func(o *gateway.Options) { o.Limits.Heartbeat = 10 * time.Millisecond })
			res := get()
			got := make([]byte, len(wantEvents)+3*len(":\n\n"))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got[len(wantEvents):]) != strings.Repeat(":\n\n", 3) {
				t.Fatalf("%v: got %s", err, got)
			}
			close(streams.end)
			if rest, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(rest), "event: end") {
				t.Errorf("%v: ended with %s", err, rest)
			}
		})
	}
}

// A stream lives on though its writes have a deadline that is over: it is for
// writing, not for waiting.
func TestGateway_EventsQuiet(t *testing.T) {
	_, streams, get := serveEvents(t, true, func(o *gateway.Options) {
		o.Limits.StreamWrite, o.Limits.Heartbeat = time.Second, 2*time.Second
	})
	res := get()
	got := make([]byte, len(wantEvents)+len(":\n\n"))
	if _, err := io.ReadFull(res.Body, got); err != nil || !strings.HasSuffix(string(got), "\n:\n\n") {
		t.Fatalf("%v: got %s", err, got)
	}
	close(streams.end)
	if rest, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(rest), "event: end") {
		t.Errorf("%v: ended with %s", err, rest)
	}
}

// A client that takes nothing of what is written is cut off, and counted; one that
// goes by itself is not.
func TestGateway_EventsStalled(t *testing.T) {
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(proto, func(t *testing.T) {
			h, streams, get := serveEvents(t, http2, func(o *gateway.Options) {
				o.Registry = prometheus.NewRegistry()
				o.Limits.StreamWrite = time.Second
			})
			get().Body.Close()
			<-streams.closed
			if got := h.do(t, "", "GET", "/metrics", "").Body; !strings.Contains(got, "fitmq_streams_cut_total 0\n") {
				t.Error("one that went by itself is counted")
			}
			streams.flood.Store(true)
			res := get()
			<-streams.closed
			cut := func() bool {
				return strings.Contains(h.do(t, "", "GET", "/metrics", "").Body, "fitmq_streams_cut_total 1\n")
			}
			await.Until(t, "the cut is counted", cut)
			if all, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the stream has an end after %d bytes", len(all))
			}
		})
	}
}
