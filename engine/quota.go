package engine

import (
	"cmp"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// bucket is an allowance that refills with time.
type bucket struct {
	tokens float64
	at     time.Time
}

// take takes one token of a bucket that holds at most burst and gains perSecond,
// and reports whether there was one.
func (b *bucket) take(now time.Time, burst, perSecond float64) bool {
	b.refill(now, burst, perSecond)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// refill adds what has been gained since the last time; a new bucket is full.
func (b *bucket) refill(now time.Time, burst, perSecond float64) {
	if b.at.IsZero() {
		b.tokens = burst
	} else if gone := now.Sub(b.at).Seconds(); gone > 0 {
		b.tokens = min(burst, b.tokens+gone*perSecond)
	}
	if now.After(b.at) {
		b.at = now
	}
}

// Allowance is what one user may send.
type Allowance struct {
	// ActivityBurst, ActivityInterval and ActivityDaily are how many new activities:
	// that many at once, one more in each interval, and so many in a day (UTC). Zero
	// means 20, 10 s and 100; a negative value lifts that bound.
	ActivityBurst    int
	ActivityInterval time.Duration
	ActivityDaily    int
	// ChatBurst and ChatRate are how many messages: that many at once, and so many
	// more a second. Zero means 30 and 5; a negative value lifts the bound.
	ChatBurst, ChatRate float64
	// BeaconInterval is the least time between two beacons. Zero means 15 s.
	BeaconInterval time.Duration
}

// or returns the allowance with what is zero taken from another one.
func (a Allowance) or(other Allowance) Allowance {
	a.ActivityBurst = cmp.Or(a.ActivityBurst, other.ActivityBurst)
	a.ActivityInterval = cmp.Or(a.ActivityInterval, other.ActivityInterval)
	a.ActivityDaily = cmp.Or(a.ActivityDaily, other.ActivityDaily)
	a.ChatBurst = cmp.Or(a.ChatBurst, other.ChatBurst)
	a.ChatRate = cmp.Or(a.ChatRate, other.ChatRate)
	a.BeaconInterval = cmp.Or(a.BeaconInterval, other.BeaconInterval)
	return a
}

// allowance returns what a user of the role may send.
func (o *Options) allowance(role string) Allowance { return o.Allowances[role].or(o.Allowance) }

// quota is how much of their allowances of activities users have used up.
type quota struct {
	mu    sync.Mutex // guards what follows
	users map[string]*handedIn
	swept time.Time
	whole time.Duration // the longest that an allowance takes to be whole again
}

// handedIn is one user's part.
type handedIn struct {
	bucket
	day   int64 // days since 1970
	count int
}

func (q *quota) init() { q.users = make(map[string]*handedIn) }

func dayOf(t time.Time) int64 { return t.Unix() / 86_400 }

// user returns the user's part at a moment. q.mu is held.
func (q *quota) user(userID string, now time.Time) *handedIn {
	a := q.users[userID]
	if a == nil {
		a = &handedIn{}
		q.users[userID] = a
	}
	if d := dayOf(now); a.day != d {
		a.day, a.count = d, 0
	}
	return a
}

// take uses up one activity of what may be sent, or returns an Error of kind Rate
// or Quota.
func (q *quota) take(userID string, may Allowance, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.user(userID, now)
	if may.ActivityDaily > 0 && a.count >= may.ActivityDaily {
		return fitness.Errorf("", fitness.Quota, "activities: %d today are over the limit of %d a day", a.count+1, may.ActivityDaily)
	}
	if may.ActivityBurst > 0 && may.ActivityInterval > 0 {
		q.whole = max(q.whole, time.Duration(may.ActivityBurst)*may.ActivityInterval)
		if !a.take(now, float64(may.ActivityBurst), 1/may.ActivityInterval.Seconds()) {
			return fitness.Errorf("", fitness.Rate, "activities come too fast: over the limit of %d at once and one more every %s", may.ActivityBurst, may.ActivityInterval)
		}
	}
	a.count++
	return nil
}

// used counts an activity of before the start.
func (q *quota) used(userID string, at, now time.Time) {
	if dayOf(at) != dayOf(now) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.user(userID, now).count++
}

// sweep forgets, every minute, users whose allowance is as good as new.
func (q *quota) sweep(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.swept) < time.Minute {
		return
	}
	q.swept = now
	for id, a := range q.users {
		if a.day != dayOf(now) && now.Sub(a.at) > q.whole {
			delete(q.users, id)
		}
	}
}
