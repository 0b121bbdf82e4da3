package transport

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// pace is a token bucket kept as one moment: when what has been taken so far
// is paid for (the generic cell rate algorithm). The zero value is a full one.
type pace int64

// take takes something that costs so many nanoseconds at the allowed rate and
// returns how long it is until the bucket, which holds an allowance of
// nanoseconds, could give it; 0 or less: at once.
func (p *pace) take(at, cost, allowance int64) (wait int64) {
	*p = pace(max(int64(*p), at) + cost)
	return int64(*p) - at - allowance
}

// publishPace is one connection's, on its reading goroutine.
type publishPace struct{ messages, bytes pace }

// paced says how long the connection must not be read for a PUBLISH of size
// bytes. The first second's worth is free, and of bytes at least one packet of
// the largest size.
func (t *Transport) paced(p *publishPace, size int) (wait int64) {
	l, at := &t.limits, now()
	if l.PublishRate > 0 {
		wait = p.messages.take(at, int64(time.Second)/int64(l.PublishRate), int64(time.Second))
	}
	if l.PublishBytes > 0 {
		each := float64(time.Second) / float64(l.PublishBytes)
		free := max(int64(time.Second), int64(each*float64(l.MaxPacket)))
		wait = max(wait, p.bytes.take(at, int64(each*float64(size)), free))
	}
	return wait
}

// pauseStep is how often a pausing connection looks whether it is closing.
const pauseStep = 100 * time.Millisecond

// pause does not read for a while: the socket's buffers fill and the client's
// writes wait. The silence is not the client's and counts for no keep alive.
func (c *Conn) pause(wait time.Duration) error {
	for until := now() + int64(wait); ; {
		if c.out.closing.Load() {
			return net.ErrClosed
		}
		c.lastRead.Store(now())
		left := until - now()
		if left <= 0 {
			return nil
		}
		time.Sleep(min(time.Duration(left), pauseStep))
	}
}

// maxAddresses bounds the memory that addresses without connections may take;
// when it is reached those go that have caught up with their rate, and if none
// has, further ones are not paced.
const maxAddresses = 1 << 16

// addresses counts connections, and paces their making, by where they come
// from. Transport.mu guards it.
type addresses struct {
	known map[netip.Prefix]*address
}

type address struct {
	open     int
	connects pace
}

// prefixOf is the unit of counting: an IPv4 address, or an IPv6 /64, which one
// subscriber commonly has. Not valid for what is no IP address.
func prefixOf(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap()
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// of finds an address's entry, or makes it; nil where there is no more room.
func (as *addresses) of(p netip.Prefix) *address {
	if a := as.known[p]; a != nil {
		return a
	}
	if len(as.known) >= maxAddresses {
		at := now()
		for q, a := range as.known {
			if a.open == 0 && int64(a.connects) <= at {
				delete(as.known, q)
			}
		}
		if len(as.known) >= maxAddresses {
			return nil
		}
	}
	if as.known == nil {
		as.known = make(map[netip.Prefix]*address)
	}
	a := &address{}
	as.known[p] = a
	return a
}

// give undoes one connection.
func (as *addresses) give(p netip.Prefix) {
	a := as.known[p]
	if a == nil {
		return
	}
	if a.open--; a.open <= 0 && int64(a.connects) <= now() {
		delete(as.known, p)
	}
}

// connectWait is the longest time a connection is held back by
// Limits.ConnectRate; one that would wait longer is refused.
const connectWait = 2 * time.Second

// byAddress applies the limits on addresses, on the reading goroutine before
// anything is read. A connection over one of them lives on for long enough to
// be told so in its CONNACK.
func (c *Conn) byAddress() error {
	t := c.t
	if t.limits.MaxPerAddress <= 0 && t.limits.ConnectRate <= 0 || c.refusal != nil {
		return nil
	}
	wait, err := t.countAddress(c, prefixOf(c.RemoteAddr()))
	if err != nil || wait <= 0 {
		return err
	}
	t.stats.ConnectsDelayed.Add(1)
	return c.pause(wait)
}

// countAddress counts the connection for its address. Where that is too many
// the connection gets its refusal; an error means that not even that is possible.
func (t *Transport) countAddress(c *Conn, p netip.Prefix) (wait time.Duration, err error) {
	if !p.IsValid() {
		return 0, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, open := t.open[c]; !open {
		return 0, net.ErrClosed
	}
	a := t.addresses.of(p)
	if a == nil {
		return 0, nil
	}
	l := &t.limits
	if l.MaxPerAddress > 0 && a.open >= l.MaxPerAddress {
		t.stats.RefusedAddress.Add(1)
		return 0, t.refuse(c, wire.QuotaExceeded, fmt.Sprintf("%d connections from this address are open, the limit", l.MaxPerAddress))
	}
	if l.ConnectRate > 0 {
		cost := int64(time.Second) / int64(l.ConnectRate)
		was := a.connects
		wait = time.Duration(a.connects.take(now(), cost, cost*int64(l.ConnectBurst)))
		if wait > connectWait {
			a.connects = was
			t.stats.RefusedRate.Add(1)
			return 0, t.refuse(c, wire.ConnectionRateExceeded, fmt.Sprintf("more than %d connections a second from this address", l.ConnectRate))
		}
	}
	a.open++
	c.counted = p
	return wait, nil
}

// maxRefusing bounds the connections that wait to be told why they are refused;
// further ones are closed without a word. refusalTimeout is how long each may
// take for its CONNECT.
const (
	maxRefusing    = 256
	refusalTimeout = 2 * time.Second
)

// refuse, with mu held, has the connection's CONNECT answered with the code. An
// error means that it must be closed instead.
func (t *Transport) refuse(c *Conn, code wire.Code, reason string) error {
	if t.refusing >= maxRefusing {
		return fmt.Errorf("%s: %w", reason, os.ErrDeadlineExceeded)
	}
	t.refusing++
	c.refusal = &wire.Error{Code: code, Reason: reason}
	return nil
}
