package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// successCache remembers sign-ins that succeeded, so that a client that
// reconnects every few seconds, or asks over HTTP once a second, does not cost
// a password hash each time. It holds no password: a key is an HMAC, under a
// random key of this process, over the user, the user's stored hash and the
// password. A changed password changes the stored hash (its salt), so that no
// older entry can be found again.
type successCache struct {
	secret [32]byte
	ttl    time.Duration
	max    int // entries; over it an arbitrary one goes, which costs its user one hash
	now    func() time.Time

	mu      sync.Mutex // guards entries
	entries map[[32]byte]time.Time
}

func newSuccessCache(ttl time.Duration, limit int, now func() time.Time) *successCache {
	c := &successCache{ttl: ttl, max: limit, now: now, entries: map[[32]byte]time.Time{}}
	rand.Read(c.secret[:]) // never fails: crypto/rand crashes the program rather than return an error
	return c
}

// key is the cache's name for one proof. The lengths keep the parts apart.
func (c *successCache) key(user, hash, password string) [32]byte {
	mac := hmac.New(sha256.New, c.secret[:])
	for _, part := range []string{user, hash, password} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part)))
		mac.Write(n[:]) // a hash's Write never fails
		mac.Write([]byte(part))
	}
	return [32]byte(mac.Sum(nil))
}

func (c *successCache) has(k [32]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.entries[k]
	if ok && !c.now().Before(until) {
		delete(c.entries, k)
		return false
	}
	return ok
}

func (c *successCache) add(k [32]byte) {
	if c.ttl <= 0 || c.max <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if _, there := c.entries[k]; !there && len(c.entries) >= c.max {
		c.makeRoom(now)
	}
	c.entries[k] = now.Add(c.ttl)
}

// makeRoom takes out what has expired among the first few entries, or else the
// first one: bounded work, whatever the size.
func (c *successCache) makeRoom(now time.Time) {
	looked := 0
	for k, until := range c.entries {
		if looked == 0 || !now.Before(until) {
			delete(c.entries, k)
		}
		if looked++; looked >= 16 {
			return
		}
	}
}
