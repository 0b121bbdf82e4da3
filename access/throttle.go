package access

import (
	"cmp"
	"crypto/sha256"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ThrottleOptions sets up [NewThrottle]. Zero values mean the stated defaults.
type ThrottleOptions struct {
	// UserFailures is how many failures in a row one address has free for one
	// user; zero means 5.
	UserFailures int
	// AddressFailures is how many failures one address has free for all users
	// together; zero means 50, since a gym is one address.
	AddressFailures int
	// MaxWait bounds the wait, which is a second at first and doubles with each
	// failure; zero means a minute.
	MaxWait time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Bounds of a Throttle.
const (
	forgetAfter = 15 * time.Minute // without a failure
	trustFor    = 24 * time.Hour   // after a success
	// attackFactor: so many times UserFailures failures for one user, from
	// wherever they come, are an attack on that user.
	attackFactor = 20
	// maxStrikes bounds the memory, about 8 MB; over it arbitrary entries go, of
	// which an attacker with that many addresses gains some attempts.
	maxStrikes = 1 << 16
)

// Throttle slows down guessing without locking anybody out. It counts failures of
// an address, and of an address for one user. An address from which a user has
// signed in lately does not suffer for what others there do wrong. A user who is
// attacked from many addresses is not locked out either: each address that has
// not failed for that user has one attempt that counts, so the right password
// from elsewhere works at once. Safe for concurrent use.
type Throttle struct {
	o ThrottleOptions

	mu      sync.Mutex // guards the maps
	strikes map[throttleKey]strikes
	trusted map[throttleKey]time.Time // until when
}

// throttleKey names an address, a user, or the two together.
type throttleKey [16]byte

// strikes are failures, and when the last of them was.
type strikes struct {
	n    int
	last time.Time
}

// NewThrottle returns a throttle that knows of no failures.
func NewThrottle(o ThrottleOptions) *Throttle {
	o.UserFailures = cmp.Or(o.UserFailures, 5)
	o.AddressFailures = cmp.Or(o.AddressFailures, 50)
	o.MaxWait = cmp.Or(o.MaxWait, time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Throttle{o: o, strikes: map[throttleKey]strikes{}, trusted: map[throttleKey]time.Time{}}
}

// throttleKeys are the names of a proof's address, user and both.
func throttleKeys(p Proof) (address, user, pair throttleKey) {
	addr := network(p.Remote)
	key := func(kind byte, s string) throttleKey {
		sum := sha256.Sum256(append([]byte{kind}, s...))
		return throttleKey(sum[:16])
	}
	return key('a', addr), key('u', p.User), key('p', addr+"\x00"+p.User)
}

// network is what counts as one address: an IPv4 address or an IPv6 /64, which is
// what one customer gets.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return host
	}
	return p.String()
}

// Check returns a [*ThrottledError] when the proof is not to be looked at yet.
func (t *Throttle) Check(p Proof) error {
	address, user, pair := throttleKeys(p)
	now := t.o.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	known := now.Before(t.trusted[pair])
	free := t.o.UserFailures
	if s := t.strikes[user]; !known && s.n >= attackFactor*t.o.UserFailures && now.Sub(s.last) < forgetAfter {
		free = 1
	}
	wait := t.wait(t.strikes[pair], free, now)
	if !known {
		wait = max(wait, t.wait(t.strikes[address], t.o.AddressFailures, now))
	}
	if wait <= 0 {
		return nil
	}
	return &ThrottledError{After: wait}
}

// wait is how long these failures still hold up, when so many are free.
func (t *Throttle) wait(s strikes, free int, now time.Time) time.Duration {
	if s.n < free || now.Sub(s.last) >= forgetAfter {
		return 0
	}
	d := t.o.MaxWait
	if over := s.n - free; over < 20 { // a second doubled more often is over every limit
		d = min(d, time.Second<<over)
	}
	return s.last.Add(d).Sub(now)
}

// Failed counts a failure.
func (t *Throttle) Failed(p Proof) {
	address, user, pair := throttleKeys(p)
	now := t.o.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range []throttleKey{address, user, pair} {
		if k == user && p.User == "" {
			continue
		}
		s := t.strikes[k]
		if now.Sub(s.last) >= forgetAfter {
			s.n = 0
		}
		if s.n == 0 {
			makeRoom(t.strikes, func(s strikes) bool { return now.Sub(s.last) >= forgetAfter })
		}
		t.strikes[k] = strikes{n: s.n + 1, last: now}
	}
}

// Succeeded forgets the failures of this address for this user, and reports
// whether the two were known for a success already.
func (t *Throttle) Succeeded(p Proof) (known bool) {
	_, _, pair := throttleKeys(p)
	now := t.o.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	known = now.Before(t.trusted[pair])
	delete(t.strikes, pair)
	if !known {
		makeRoom(t.trusted, func(until time.Time) bool { return !now.Before(until) })
	}
	t.trusted[pair] = now.Add(trustFor)
	return known
}

// makeRoom takes out what is over among the first few entries of a full map, or
// else the first one: bounded work, whatever the size.
func makeRoom[V any](m map[throttleKey]V, over func(V) bool) {
	if len(m) < maxStrikes {
		return
	}
	looked := 0
	for k, v := range m {
		if looked == 0 || over(v) {
			delete(m, k)
		}
		if looked++; looked >= 16 {
			return
		}
	}
}
