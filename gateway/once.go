package gateway

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"
	"time"
)

// Bounds of what is kept of requests with an Idempotency-Key.
const (
	// keyLife is how long a repetition is answered and not done again.
	keyLife = 24 * time.Hour
	// keysKept is how many answers are kept; the oldest go first, counted. A
	// repetition after that is done again.
	keysKept = 10_000
	// keyBody is the largest answer that is kept; of a larger one only that it was.
	keyBody = 16 << 10
	// keyLength bounds a key, in bytes.
	keyLength = 255
)

// keyed is a request that may be repeated: whose, what, and under which key.
type keyed struct{ user, method, path, key string }

// keptAnswer is what became of it.
type keptAnswer struct {
	sum [sha256.Size]byte // of the body
	at  time.Time
	out *response // nil while it is under way
}

// answers keeps the answers of writes with an Idempotency-Key, in memory: a
// restart forgets them. Safe for concurrent use.
type answers struct {
	now     func() time.Time
	evicted func()

	mu   sync.Mutex // guards the fields below
	kept map[keyed]*keptAnswer
	// order is the keys by age; some may have gone from kept.
	order []keyed
}

// begin returns the answer that a repetition gets, or nil for the first.
func (a *answers) begin(k keyed, sum [sha256.Size]byte) (*response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = map[keyed]*keptAnswer{}
	}
	now := a.now()
	if e := a.kept[k]; e != nil && now.Sub(e.at) < keyLife {
		switch {
		case e.sum != sum:
			return nil, problem(http.StatusUnprocessableEntity, "the Idempotency-Key was used for another request: take a new one for each")
		case e.out == nil:
			p := problem(http.StatusConflict, "a request with this Idempotency-Key is under way")
			p.retryAfter = "1"
			return nil, p
		}
		again := *e.out
		again.replay = true
		return &again, nil
	}
	a.makeRoom(now)
	a.kept[k] = &keptAnswer{sum: sum, at: now}
	a.order = append(a.order, k)
	return nil, nil
}

// makeRoom takes out what is too old, and the oldest while there are too many.
// mu is held.
func (a *answers) makeRoom(now time.Time) {
	for len(a.order) > 0 {
		oldest := a.order[0]
		e := a.kept[oldest]
		if e != nil && now.Sub(e.at) < keyLife {
			if len(a.order) < keysKept {
				return
			}
			a.evicted()
		}
		delete(a.kept, oldest)
		a.order = a.order[1:]
	}
}

// end keeps the answer, unless the same request may do better later.
func (a *answers) end(k keyed, out *response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.kept[k]
	if e == nil {
		return
	}
	if out == nil || out.status >= http.StatusInternalServerError || out.status == http.StatusTooManyRequests {
		e.at = time.Time{} // it counts as too old
		return
	}
	shown := *out
	if len(shown.body) > keyBody {
		shown.body = nil
	}
	e.out = &shown
}

// once runs a write with an Idempotency-Key no more than once.
func (g *Gateway) once(r request, run func() *response) (*response, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return run(), nil
	}
	if len(r.Header.Values("Idempotency-Key")) > 1 {
		return nil, problem(http.StatusBadRequest, "there is more than one Idempotency-Key")
	}
	if len(key) > keyLength {
		return nil, problem(http.StatusBadRequest, "the Idempotency-Key has %d bytes, the limit is %d", len(key), keyLength)
	}
	body, err := wholeBody(r.Request)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	k := keyed{r.id.UserID, r.Method, r.URL.Path, key}
	out, err := g.answers.begin(k, sha256.Sum256(body))
	if out != nil || err != nil {
		return out, err
	}
	defer func() { g.answers.end(k, out) }() // also after a panic
	out = run()
	return out, nil
}
