package gateway

import (
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// rateBurst is how many seconds' worth of requests may come at once.
	rateBurst = 5
	// rateKept bounds the requesters that are remembered: those who have all
	// they may have are forgotten, and over the bound the rest, too.
	rateKept = 100_000
)

// rates bounds how often one user, or one address without a user, asks. Safe for
// concurrent use.
type rates struct {
	each float64 // requests a second; 0 sets no bound
	now  func() time.Time

	mu   sync.Mutex // guards left
	left map[string]allowance
}

// allowance is how many requests were left at a time.
type allowance struct {
	n  float64
	at time.Time
}

// take takes one request from what its user has left. Administrators and services,
// who act for many, are not bounded.
func (l *rates) take(r request) error {
	if l.each <= 0 || r.operator() {
		return nil
	}
	who := r.id.UserID
	if who == "" {
		who = r.RemoteAddr
		if host, _, err := net.SplitHostPort(who); err == nil {
			who = host
		}
		who = "\x00" + who // no user's id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, most := l.now(), l.each*rateBurst
	a, known := l.left[who]
	if !known {
		l.makeRoom(now)
		a = allowance{most, now}
	}
	a.n = min(most, a.n+now.Sub(a.at).Seconds()*l.each)
	a.at = now
	defer func() { l.left[who] = a }()
	if a.n >= 1 {
		a.n--
		return nil
	}
	p := problem(http.StatusTooManyRequests, "more than %v requests a second", l.each)
	p.retryAfter = strconv.Itoa(int(math.Ceil((1 - a.n) / l.each)))
	return p
}

// makeRoom forgets whom it makes no difference to. mu is held.
func (l *rates) makeRoom(now time.Time) {
	if l.left == nil {
		l.left = map[string]allowance{}
	}
	if len(l.left) < rateKept {
		return
	}
	for who, a := range l.left {
		if now.Sub(a.at) > rateBurst*time.Second {
			delete(l.left, who)
		}
	}
	if len(l.left) >= rateKept {
		clear(l.left)
	}
}
