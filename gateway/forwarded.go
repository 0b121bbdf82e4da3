package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// forwarded puts the client's address into RemoteAddr where a trusted proxy
// tells it, and takes the header away, so that nothing behind it can believe
// what anybody may write.
func forwarded(proxies []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const name = "X-Forwarded-For"
		if list := r.Header.Values(name); len(list) > 0 {
			if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && within(proxies, peer.Addr()) {
				client := clientOf(proxies, peer.Addr(), strings.Join(list, ","))
				r.RemoteAddr = net.JoinHostPort(client.String(), "0")
			}
			r.Header.Del(name)
		}
		next.ServeHTTP(w, r)
	})
}

// clientOf goes back the way that the request came, from proxy to proxy as far
// as they are trusted: the first address that is not a proxy's is the client's.
// What the client itself wrote stands before it and is not reached.
func clientOf(proxies []netip.Prefix, peer netip.Addr, list string) netip.Addr {
	hops := strings.Split(list, ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			return peer // the last one that is known
		}
		if peer = hop; !within(proxies, hop) {
			return hop
		}
	}
	return peer
}

// parseHop reads an address; some proxies write the port, too.
func parseHop(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
