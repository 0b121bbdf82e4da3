package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// TrustProxies has connections from these networks begin with a PROXY protocol
// header (version 1 or 2), which tells whose they are; one without it is closed.
// From anywhere else such a header is what it would be without this: no MQTT,
// and the end. It is called before Serve.
func (l *TCP) TrustProxies(networks []netip.Prefix) { l.proxies = networks }

// trusts reports whether the peer is one of the proxies.
func (l *TCP) trusts(peer net.Addr) bool {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return false
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range l.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

const (
	proxyLeast = 15      // "PROXY UNKNOWN\r\n"; version 2 has 16 bytes at least
	proxyText  = 107     // the longest header of version 1
	proxyMost  = 4 << 10 // the longest header of version 2 that is read, with what proxies add to it
)

var (
	errProxyHeader  = errors.New("no PROXY protocol header from a trusted proxy")
	proxySignature2 = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

// readProxyHeader reads exactly the header, and takes the client's address from
// it. A proxy that speaks for itself (LOCAL, UNKNOWN: health checks) keeps its own.
func (c *Conn) readProxyHeader(sock net.Conn) error {
	raw, err := proxyHeader(sock)
	var h *proxyproto.Header
	if err == nil {
		h, err = proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(raw), len(raw)))
	}
	if err != nil {
		c.t.stats.RefusedProxy.Add(1)
		return fmt.Errorf("%w: %w", errProxyHeader, err)
	}
	if source, _, ok := h.TCPAddrs(); ok && !h.Command.IsLocal() {
		c.remote.Store(source)
	}
	return nil
}

// proxyHeader reads a header's bytes and not one more: what follows belongs to
// TLS or to the connection, which reads the socket itself.
func proxyHeader(r io.Reader) ([]byte, error) {
	b := make([]byte, proxyLeast, proxyText)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(b, proxySignature2) {
		return proxyHeader2(r, b)
	}
	if !bytes.HasPrefix(b, []byte("PROXY ")) {
		return nil, proxyproto.ErrNoProxyProtocol
	}
	for b[len(b)-1] != '\n' {
		if len(b) == proxyText {
			return nil, proxyproto.ErrVersion1HeaderTooLong
		}
		b = b[:len(b)+1]
		if _, err := io.ReadFull(r, b[len(b)-1:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func proxyHeader2(r io.Reader, b []byte) ([]byte, error) {
	const fixed = 16 // up to and with the length of the rest
	b = b[:fixed]
	if _, err := io.ReadFull(r, b[proxyLeast:]); err != nil {
		return nil, err
	}
	rest := int(binary.BigEndian.Uint16(b[fixed-2:]))
	if rest > proxyMost {
		return nil, proxyproto.ErrInvalidLength
	}
	b = append(b, make([]byte, rest)...)
	_, err := io.ReadFull(r, b[fixed:])
	return b, err
}
