package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/fitmq/fitmq/gateway"
)

func TestGateway_Forwarded(t *testing.T) {
	ws := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr+r.Header.Get("X-Forwarded-For"))
	})
	h := newHouse(t, func(o *gateway.Options) {
		o.WebSocket, o.Proxies = ws, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	})
	for _, tt := range []struct {
		name, peer string
		list       []string
		want       string
	}{
		{"one proxy", "10.1.1.1:5", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"two proxies", "10.1.1.1:5", []string{"203.0.113.7, 10.2.2.2"}, "203.0.113.7:0"},
		{"in two lines", "10.1.1.1:5", []string{"203.0.113.7", "10.2.2.2"}, "203.0.113.7:0"},
		{"what the client wrote is not believed", "10.1.1.1:5", []string{"1.2.3.4, 203.0.113.7"}, "203.0.113.7:0"},
		{"with a port", "10.1.1.1:5", []string{"203.0.113.7:99"}, "203.0.113.7:0"},
		{"IPv6", "[::1]:5", []string{"[2001:db8::7]:99"}, "[2001:db8::7]:0"},
		{"IPv6 without port", "[::1]:5", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		{"IPv4 in IPv6", "[::ffff:10.1.1.1]:5", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"proxies alone", "10.1.1.1:5", []string{"10.2.2.2"}, "10.2.2.2:0"},
		{"nonsense", "10.1.1.1:5", []string{"203.0.113.7, unknown"}, "10.1.1.1:0"},
		{"none", "10.1.1.1:5", nil, "10.1.1.1:5"},
		{"from elsewhere", "203.0.113.9:5", []string{"1.2.3.4"}, "203.0.113.9:5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/mqtt", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.list
			if got := h.send(r).Body; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
