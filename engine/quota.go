package engine

import (
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

// quota is every user's allowance of new activities.
type quota struct {
	burst, perSecond float64 // burst 0: not bounded
	interval         time.Duration
	daily            int

	mu    sync.Mutex // guards what follows
	users map[string]*allowance
	swept time.Time
}

// allowance is one user's.
type allowance struct {
	bucket
	day   int64 // days since 1970
	count int
}

func (q *quota) init(opt Options) {
	q.users = make(map[string]*allowance)
	q.daily = max(opt.ActivityDaily, 0)
	if opt.ActivityBurst > 0 && opt.ActivityInterval > 0 {
		q.burst, q.interval = float64(opt.ActivityBurst), opt.ActivityInterval
		q.perSecond = 1 / opt.ActivityInterval.Seconds()
	}
}

func dayOf(t time.Time) int64 { return t.Unix() / 86_400 }

// user returns the user's allowance at a moment. q.mu is held.
func (q *quota) user(userID string, now time.Time) *allowance {
	a := q.users[userID]
	if a == nil {
		a = &allowance{}
		q.users[userID] = a
	}
	if d := dayOf(now); a.day != d {
		a.day, a.count = d, 0
	}
	return a
}

// take uses up one activity, or returns an Error of kind Rate or Quota.
func (q *quota) take(userID string, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.user(userID, now)
	if q.daily > 0 && a.count >= q.daily {
		return fitness.Errorf("", fitness.Quota, "activities: %d today are over the limit of %d a day", a.count+1, q.daily)
	}
	if q.burst > 0 && !a.take(now, q.burst, q.perSecond) {
		return fitness.Errorf("", fitness.Rate, "activities come too fast: over the limit of %d at once and one more every %s", int(q.burst), q.interval)
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
	full := time.Duration(q.burst) * q.interval
	for id, a := range q.users {
		if a.day != dayOf(now) && now.Sub(a.at) > full {
			delete(q.users, id)
		}
	}
}
