package transport

import "sync/atomic"

// Stats counts what connections did since the start. All fields are safe to
// read at any time; per-packet counts are added once a batch, so they may lag
// by what one connection has in hand.
type Stats struct {
	Accepted atomic.Int64 // connections taken
	Open     atomic.Int64 // connections open now

	RefusedFull    atomic.Int64      // Limits.MaxConnections, or shutting down
	RefusedAddress atomic.Int64      // Limits.MaxPerAddress
	RefusedRate    atomic.Int64      // Limits.ConnectRate
	RefusedMQTT    atomic.Int64      // MQTT clients at the HTTP port
	RefusedTLS     atomic.Int64      // failed TLS handshakes
	RefusedProxy   atomic.Int64      // trusted proxies without a good PROXY header
	RefusedWeb     atomic.Int64      // HTTP clients at an MQTT port
	RefusedHTTP    atomic.Int64      // WebSocket upgrades refused: origin, subprotocol, not an upgrade
	ConnectTimeout atomic.Int64      // no CONNECT in time
	Refused        [256]atomic.Int64 // CONNACKs of ours with this reason code, sent or (3.1.1) implied, but those over limits

	ConnectsDelayed atomic.Int64 // connections held back by Limits.ConnectRate and then let in
	PublishPauses   atomic.Int64 // times that a connection was not read because of PublishRate or PublishBytes

	AcceptErrors      atomic.Int64 // failed accepts, each followed by a pause
	Panics            atomic.Int64 // recovered; each cost one connection
	Oversize          atomic.Int64 // packets over Limits.MaxPacket or MaxConnect
	Overflows         atomic.Int64 // connections closed at Limits.MaxBuffered
	WriteTimeouts     atomic.Int64 // connections closed because the client took nothing
	SlowCloses        atomic.Int64 // half-closed connections that the client did not close in time
	KeepAliveTimeouts atomic.Int64 // connections from which nothing came in time

	BytesIn    atomic.Int64     // from sockets, WebSocket framing included
	BytesOut   atomic.Int64     // to sockets, WebSocket framing included
	PacketsIn  [16]atomic.Int64 // by packet type
	PacketsOut [16]atomic.Int64 // by packet type
	Compressed atomic.Int64     // WebSocket connections that agreed to permessage-deflate
	Writes     atomic.Int64     // flushes that wrote something
	Stalls     atomic.Int64     // flushes that found the socket full
}

// tally gathers counts by packet type without atomics, for one owner.
type tally struct {
	n    [16]uint32
	seen uint16
}

func (t *tally) add(header byte) {
	typ := header >> 4
	t.n[typ]++
	t.seen |= 1 << typ
}

// fold adds what has gathered to the shared counters and starts anew.
func (t *tally) fold(to *[16]atomic.Int64) {
	if t.seen == 0 {
		return
	}
	for typ := range t.n {
		if t.seen&(1<<typ) != 0 {
			to[typ].Add(int64(t.n[typ]))
			t.n[typ] = 0
		}
	}
	t.seen = 0
}
