package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Options set up a Sender.
type Options struct {
	// Tables is where events wait. Required.
	Tables store.Tables
	// Hooks are the addresses. None: nothing is wanted, nothing is kept.
	Hooks []Hook
	// Logger gets what operators should read. Nil: nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Nil: the system's.
	Now func() time.Time

	// Queue bounds the events that wait; over it the oldest go, counted. Zero
	// means 100,000.
	Queue int
	// Window bounds the events of one hook that are in memory; those behind wait
	// in the queue. Zero means 1000.
	Window int
	// Parallel is how many posts to one hook are under way at once. Zero means 4.
	Parallel int
	// Backoff is the wait after the first failed attempt; it triples up to an
	// hour. Zero means 2 s.
	Backoff time.Duration
	// Attempts is after how many an event is given up. Zero means 12.
	Attempts int
	// MaxAge is the age at which an event is given up after a failed attempt. Zero
	// means 24 h.
	MaxAge time.Duration

	told func(context.Context) error // after a hook has come further
}

func (o Options) withDefaults() Options {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Queue = cmp.Or(o.Queue, 100_000)
	o.Window = cmp.Or(o.Window, 1000)
	o.Parallel = cmp.Or(o.Parallel, 4)
	o.Attempts = cmp.Or(o.Attempts, 12)
	o.Backoff = cmp.Or(o.Backoff, 2*time.Second)
	o.MaxAge = cmp.Or(o.MaxAge, 24*time.Hour)
	return o
}

// Sender tells hooks what happens. One user's events are told to a hook in order,
// each until it is taken or given up; those of others do not wait for them. An
// event may be told more than once, after a crash or an answer that was lost: its
// id is the same then.
type Sender struct {
	opt      Options
	queue    *queue
	workers  []*worker
	trimming sync.Mutex // one trim at a time
}

// Open finds what waits from before. Errors are those of the tables.
func Open(ctx context.Context, o Options) (*Sender, error) {
	o = o.withDefaults()
	s := &Sender{}
	o.told = s.trim
	s.opt = o
	var err error
	if s.queue, err = openQueue(ctx, o.Tables, o.Queue); err != nil {
		return nil, err
	}
	for _, h := range o.Hooks {
		if h.Timeout == 0 {
			h.Timeout = 10 * time.Second
		}
		done, err := s.queue.done(ctx, h.Name)
		if err != nil {
			return nil, err
		}
		if first, _ := s.queue.bounds(); done+1 < first {
			done = first - 1
		}
		if err := s.queue.saveDone(ctx, h.Name, done); err != nil { // it is known from now on
			return nil, err
		}
		s.workers = append(s.workers, &worker{
			hook: h, queue: s.queue, log: o.Logger, opt: &s.opt,
			client: newClient(h.Timeout, o.Parallel), lanes: make(map[string][]*item),
			finished: make(map[uint64]struct{}), answers: make(chan answer, o.Parallel), again: make(chan struct{}, 1),
			loaded: done, done: done, saved: done, status: Status{Name: h.Name, URL: h.URL, Events: h.Events},
		})
	}
	return s, s.trim(ctx)
}

// newClient follows no redirect: a secret is for the address that was configured.
func newClient(timeout time.Duration, parallel int) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: timeout}).DialContext, TLSHandshakeTimeout: timeout,
			MaxIdleConnsPerHost: parallel, MaxConnsPerHost: parallel, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
	}
}

// Wants reports whether some hook wants events of the type.
func (s *Sender) Wants(typ string) bool {
	return slices.ContainsFunc(s.workers, func(w *worker) bool { return w.hook.wants(typ) })
}

// Add stores events in the queue: when it returns nil they survive a crash. One
// whose ID waits there already is passed over. On an error add them again.
func (s *Sender) Add(ctx context.Context, events []Event) error {
	return s.queue.add(ctx, events)
}

// Run tells until ctx ends. What is not told by then is told after the next Open.
func (s *Sender) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(s.workers))
	for i, w := range s.workers {
		wg.Go(func() { errs[i] = w.run(ctx) })
	}
	if len(s.workers) == 0 {
		<-ctx.Done()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// trim deletes what every hook has been told.
func (s *Sender) trim(ctx context.Context) error {
	s.trimming.Lock()
	defer s.trimming.Unlock()
	_, done := s.queue.bounds()
	for _, w := range s.workers {
		done = min(done, w.position())
	}
	return s.queue.trim(ctx, done)
}

// Status is how the hooks are doing.
func (s *Sender) Status() []Status {
	list := make([]Status, len(s.workers))
	for i, w := range s.workers {
		list[i] = w.snapshot()
	}
	return list
}

// Retry lets what waits for the hook be posted now, whatever pauses it, and a hook
// whose address has answered 410 be told again what happens from now on. Attempts
// that were made still count. false: there is no such hook.
func (s *Sender) Retry(name string) bool {
	for _, w := range s.workers {
		if w.hook.Name != name {
			continue
		}
		select {
		case w.again <- struct{}{}:
		default: // it has been asked for and is about to be done
		}
		return true
	}
	return false
}

// Dropped is how many events the queue had no room for.
func (s *Sender) Dropped() uint64 { return s.queue.dropped.Load() }

// result is what a post came to.
type result struct {
	status     int           // 0 where there was no answer
	retryAfter time.Duration // as the answer asked for
	err        error
	ended      bool // the broker ends: it says nothing about the address
}

func (r result) taken() bool { return r.err == nil && r.status >= 200 && r.status < 300 }

// maxAnswer is how much of an answer is read, so that its connection can be used
// again.
const maxAnswer = 64 << 10

// post tells the event once.
func (w *worker) post(ctx context.Context, e *Event) result {
	body, err := e.body()
	if err != nil {
		return result{err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.hook.URL, bytes.NewReader(body))
	if err != nil {
		return result{err: fmt.Errorf("make the request: %w", err)}
	}
	now := w.opt.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "fitmq")
	req.Header.Set("webhook-id", e.ID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", w.hook.Secret.Sign(e.ID, now, body))
	res, err := w.client.Do(req)
	if err != nil {
		var named *url.Error
		if errors.As(err, &named) {
			err = named.Err // the address may hold a secret
		}
		return result{err: err, ended: ctx.Err() != nil}
	}
	defer res.Body.Close()
	// What the answer says plays no role, nor whether all of it came.
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	r := result{status: res.StatusCode}
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
		r.retryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	}
	return r
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3); 0 for neither.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(n, 0), int(maxPause/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
