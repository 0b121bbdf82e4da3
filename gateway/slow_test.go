package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/gateway"
	"github.com/fitmq/fitmq/tests/await"
)

// basicRoot signs root in.
const basicRoot = "Authorization: Basic cm9vdDpyb290cm9vdA==\r\n"

// Requests that come too slowly, or are too large, get the status that says so,
// and the connection is closed.
func TestGateway_RequestErr(t *testing.T) {
	quick := gateway.Limits{HeaderTime: 100 * time.Millisecond, RequestTime: 200 * time.Millisecond}
	head := "Host: x\r\nContent-Type: application/json\r\n" + basicRoot
	for _, test := range []struct {
		name, send string
		limits     gateway.Limits
		want       int // 0: no answer
		problem    string
	}{
		{"SlowHeader", "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Slow: ", quick, 0, ""},
		{"SlowBody", "POST /api/v1/publish HTTP/1.1\r\n" + head + "Content-Length: 100\r\n\r\n{\"topic\":", quick, 408, "too slowly"},
		{"SlowBodyWithKey", "POST /api/v1/publish HTTP/1.1\r\n" + head + "Idempotency-Key: a\r\nContent-Length: 100\r\n\r\n{\"topic\":", quick, 408, "too slowly"},
		{"SlowChunks", "POST /api/v1/publish HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"topic\":\r\n", quick, 408, "too slowly"},
		{"LargeBody", "POST /api/v1/publish HTTP/1.1\r\n" + head + "Content-Length: 2000\r\n\r\n" + strings.Repeat(" ", 2000), gateway.Limits{BodySize: 1024}, 413, "over the limit of 1024 bytes"},
		{"LargeChunks", "POST /api/v1/publish HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat(" ", 2000) + "\r\n0\r\n\r\n", gateway.Limits{BodySize: 1024}, 413, "over the limit of 1024 bytes"},
		{"LargeHeader", "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 64<<10), gateway.Limits{}, 431, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := serveHTTP(t, func(o *gateway.Options) { o.Limits = test.limits })
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(await.Patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, test.send); err != nil {
				t.Fatal(err)
			}
			got := bufio.NewReader(conn)
			if test.want != 0 {
				res, err := http.ReadResponse(got, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != test.want || !strings.Contains(string(body), test.problem) {
					t.Errorf("got %s %s %v, want %d %s", res.Status, body, err, test.want, test.problem)
				}
			}
			// A reset closes as well: not all that was sent has been read.
			rest, err := io.ReadAll(got)
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Error("the connection stays open")
			} else if len(rest) > 0 {
				t.Errorf("more comes: %q", rest)
			}
		})
	}
}

// A connection on which nothing was said ends when the server goes down, and does
// not hold it up.
func TestGateway_Shutdown_Silent(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	res, err := http.Get("http://" + l.Addr().String() + "/healthz") // accepted behind it
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // net/http alone takes five
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("something was said on it")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// serveHTTP runs a gateway on a port of its own.
func serveHTTP(t *testing.T, change func(*gateway.Options)) string {
	t.Helper()
	h := newHouse(t, change)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	t.Cleanup(func() {
		if err := h.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(fmt.Errorf("serve: %w", err))
		}
	})
	return l.Addr().String()
}
