package access

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/fitmq/fitmq/topics"
)

// HTTPMethodOptions sets up [NewHTTPMethod].
type HTTPMethodOptions struct {
	// URL is asked with POST; required.
	URL string
	// Timeout of one question; zero means 3 s.
	Timeout time.Duration
	// Cache is how long an admission counts without asking again; zero means a
	// minute, negative not at all. Refusals are always asked again.
	Cache time.Duration
	// Client makes the requests; nil means one of its own that follows no redirects.
	Client *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Bounds of an HTTPMethod.
const (
	breakAfter   = 5                // failures in a row
	breakFor     = 10 * time.Second // then one question tries again
	maxAdmission = 64 << 10         // bytes of an answer
	maxCached    = 10_000           // admissions; over it an arbitrary one goes
)

// HTTPMethod asks a service of somebody else's who people are: POST with
// {"user","password","clientId","remote","via"}. 200 admits, with what it likes to
// say of {"userId","name","role","ttl"}, ttl in seconds; 401 and 403 refuse for good;
// 404 says that the user is not known there, so that the next method is asked.
// Everything else, silence too, lets nobody in. Safe for concurrent use.
type HTTPMethod struct {
	o     HTTPMethodOptions
	names *successCache // for its keys, which hold no password

	mu     sync.Mutex // guards the fields below
	cached map[[32]byte]admission
	failed int       // questions in a row without an answer
	closed time.Time // until when nobody is asked
}

type admission struct {
	id    Identity
	until time.Time
}

// NewHTTPMethod returns the method.
func NewHTTPMethod(o HTTPMethodOptions) *HTTPMethod {
	o.Timeout = cmp.Or(o.Timeout, 3*time.Second)
	o.Cache = cmp.Or(o.Cache, time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Client = cmp.Or(o.Client, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }})
	return &HTTPMethod{o: o, names: newSuccessCache(0, 0, o.Now), cached: map[[32]byte]admission{}}
}

func (*HTTPMethod) guessable() {}

// Try implements [Method].
func (m *HTTPMethod) Try(ctx context.Context, p Proof) (Identity, error) {
	if p.Bearer {
		return Identity{}, ErrElsewhere
	}
	key := m.names.key(p.User, "", p.Secret)
	if id, ok := m.recall(key); ok {
		return id, nil
	}
	if !m.mayAsk() {
		return Identity{}, fmt.Errorf("%w: the service for it does not answer", ErrUnavailable)
	}
	id, err := m.ask(ctx, p)
	m.note(key, id, err)
	return id, err
}

func (m *HTTPMethod) recall(key [32]byte) (Identity, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.cached[key]
	if ok && !m.o.Now().Before(a.until) {
		delete(m.cached, key)
		return Identity{}, false
	}
	return a.id, ok
}

// mayAsk is the circuit breaker: when it is open, one question in every breakFor
// goes through, so that a service that is down costs nobody a timeout.
func (m *HTTPMethod) mayAsk() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed < breakAfter {
		return true
	}
	now := m.o.Now()
	if now.Before(m.closed) {
		return false
	}
	m.closed = now.Add(breakFor)
	return true
}

func (m *HTTPMethod) note(key [32]byte, id Identity, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.Is(err, ErrUnavailable) {
		if m.failed++; m.failed == breakAfter {
			m.closed = m.o.Now().Add(breakFor)
		}
		return
	}
	m.failed = 0
	if err != nil || m.o.Cache < 0 {
		return
	}
	if len(m.cached) >= maxCached {
		for k := range m.cached {
			delete(m.cached, k)
			break
		}
	}
	until := m.o.Now().Add(m.o.Cache)
	if !id.Expires.IsZero() && id.Expires.Before(until) {
		until = id.Expires
	}
	m.cached[key] = admission{id, until}
}

func (m *HTTPMethod) ask(ctx context.Context, p Proof) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"user": p.User, "password": p.Secret, "clientId": p.Client, "remote": p.Remote, "via": p.Via})
	if err != nil {
		return Identity{}, fmt.Errorf("encode question: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.o.URL, bytes.NewReader(body))
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := m.o.Client.Do(req)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return Identity{}, ErrBadCredentials
	case http.StatusNotFound:
		return Identity{}, ErrElsewhere
	default:
		return Identity{}, fmt.Errorf("%w: the service for it answers %d", ErrUnavailable, res.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAdmission))
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return m.admit(p, answer)
}

// admit reads an admission. One that makes no sense is none.
func (m *HTTPMethod) admit(p Proof, answer []byte) (Identity, error) {
	a := struct {
		UserID string  `json:"userId"`
		Name   string  `json:"name"`
		Role   Role    `json:"role"`
		TTL    float64 `json:"ttl"`
	}{UserID: p.User, Role: Member}
	if len(bytes.TrimSpace(answer)) > 0 {
		if err := json.Unmarshal(answer, &a); err != nil {
			return Identity{}, fmt.Errorf("%w: the service for it: %w", ErrUnavailable, err)
		}
	}
	if !topics.ValidID(a.UserID) || !a.Role.Valid() || a.UserID == AdminUserID && a.Role != Admin || a.TTL < 0 {
		return Identity{}, fmt.Errorf("%w: the service for it names no valid user and role", ErrUnavailable)
	}
	id := Identity{UserID: a.UserID, Name: a.Name, Role: a.Role, By: ByHTTP, Foreign: true}
	if id.Name == "" || len(id.Name) > 4*MaxName || hasControl(id.Name) {
		id.Name = id.UserID
	}
	if a.TTL > 0 {
		id.Expires = m.o.Now().Add(time.Duration(min(a.TTL, MaxTokenTTL.Seconds()) * float64(time.Second)))
	}
	return id, nil
}

var _ Method = (*HTTPMethod)(nil)
