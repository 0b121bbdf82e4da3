package access

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Quota is what one user of a role may take. Zero means no limit.
type Quota struct {
	// Publishes and Bytes a second, over all connections of the user and HTTP
	// together; a second's worth may come at once. Bytes are those of topic and
	// payload.
	Publishes, Bytes int
	// Connections at once.
	Connections int
	// Subscriptions of one client.
	Subscriptions int
}

// Allowances keeps what users have left of what their roles may take. Who is not
// signed in counts by client id. Safe for concurrent use.
type Allowances struct {
	quotas map[Role]Quota
	paced  bool
	now    func() time.Time

	users sync.Map // key -> *allowance
	count atomic.Int64
	swept atomic.Int64 // Unix seconds
}

// NewAllowances returns allowances by role; [Anonymous] is a role here. now is
// the clock; nil means time.Now.
func NewAllowances(quotas map[Role]Quota, now func() time.Time) *Allowances {
	if now == nil {
		now = time.Now
	}
	a := &Allowances{quotas: quotas, now: now}
	for _, q := range quotas {
		a.paced = a.paced || q.Publishes > 0 || q.Bytes > 0
	}
	return a
}

// Paced reports whether any role's publishing is bounded. Where not, Take need
// not be asked.
func (a *Allowances) Paced() bool { return a.paced }

// Quota returns what the identity's role may take.
func (a *Allowances) Quota(id Identity) Quota {
	if !id.signedIn() {
		return a.quotas[Anonymous]
	}
	return a.quotas[id.Role]
}

// allowance is what one user has left.
type allowance struct {
	mu       sync.Mutex // guards the fields below
	messages bucket
	bytes    bucket
	told     time.Time // when a refusal was told of
	untold   int       // refusals since
}

// bucket refills with time. A taker may leave it in debt, so that a message
// larger than a second's worth is possible, and paid for.
type bucket struct {
	left float64
	at   time.Time
}

// fill adds what has come in since, up to a second's worth.
func (b *bucket) fill(now time.Time, perSecond int) {
	full := float64(perSecond)
	if b.at.IsZero() {
		b.left = full
	} else if gone := now.Sub(b.at).Seconds(); gone > 0 {
		b.left = min(full, b.left+gone*full)
	}
	b.at = now
}

// Overdrawn says that somebody publishes too fast.
type Overdrawn struct {
	Reason string
	// Wait is how long until there is something left again.
	Wait time.Duration
	// Tell: nobody was told of a refusal within the last second. Where telling
	// costs a message, the others are left out; Reason says how many.
	Tell bool
}

// Take takes one message from the user's allowance; nil when there was enough.
// What is refused costs nothing.
func (a *Allowances) Take(id Identity, topic string, payload int) *Overdrawn {
	q := a.Quota(id)
	if q.Publishes <= 0 && q.Bytes <= 0 {
		return nil
	}
	now := a.now()
	u := a.user(&id, now)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.messages.fill(now, q.Publishes)
	u.bytes.fill(now, q.Bytes)
	switch {
	case q.Publishes > 0 && u.messages.left < 1:
		return u.overdrawn(now, fmt.Sprintf("over the limit of %d messages a second", q.Publishes), (1-u.messages.left)/float64(q.Publishes))
	case q.Bytes > 0 && u.bytes.left <= 0:
		return u.overdrawn(now, fmt.Sprintf("over the limit of %d bytes a second", q.Bytes), -u.bytes.left/float64(q.Bytes))
	}
	if q.Publishes > 0 {
		u.messages.left--
	}
	if q.Bytes > 0 {
		u.bytes.left -= float64(len(topic) + payload)
	}
	return nil
}

// tellEvery is how often a user is told of refusals where that costs a message.
const tellEvery = time.Second

// overdrawn words a refusal; mu is held.
func (u *allowance) overdrawn(now time.Time, reason string, seconds float64) *Overdrawn {
	o := &Overdrawn{Reason: reason, Wait: time.Duration(seconds * float64(time.Second)), Tell: now.Sub(u.told) >= tellEvery}
	if !o.Tell {
		u.untold++
		return o
	}
	if u.untold > 0 {
		o.Reason += fmt.Sprintf(" (%d more were refused since the last notice)", u.untold)
	}
	u.told, u.untold = now, 0
	return o
}

// user returns the user's allowance.
func (a *Allowances) user(id *Identity, now time.Time) *allowance {
	key := id.UserID
	if !id.signedIn() {
		key = "\x00" + id.ClientID // no user's id
	}
	if u, ok := a.users.Load(key); ok {
		return u.(*allowance)
	}
	u, had := a.users.LoadOrStore(key, &allowance{})
	if !had && a.count.Add(1) > sweepOver {
		a.sweep(now)
	}
	return u.(*allowance)
}

// Over sweepOver users, those who have not published for sweepIdle are
// forgotten, at most once a second: their allowance is as good as new. So memory
// is bounded by who publishes within that time.
const (
	sweepOver = 10_000
	sweepIdle = 10 * time.Second
)

func (a *Allowances) sweep(now time.Time) {
	was := a.swept.Load()
	if now.Unix() <= was || !a.swept.CompareAndSwap(was, now.Unix()) {
		return
	}
	a.users.Range(func(key, v any) bool {
		u := v.(*allowance)
		u.mu.Lock()
		idle := now.Sub(u.messages.at) > sweepIdle && u.bytes.left >= 0
		u.mu.Unlock()
		if idle && a.users.CompareAndDelete(key, v) {
			a.count.Add(-1)
		}
		return true
	})
}

// Known is how many users' allowances are remembered.
func (a *Allowances) Known() int { return int(a.count.Load()) }
