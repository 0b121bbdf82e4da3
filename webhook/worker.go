package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// worker tells one hook.
type worker struct {
	hook   Hook
	queue  *queue
	client *http.Client
	log    *slog.Logger
	opt    *Options

	// Of the goroutine that runs it.
	lanes    map[string][]*item  // by user, in order; the first is the one that is told
	waiting  int                 // items in lanes
	busy     int                 // posts under way
	loaded   uint64              // last place that was read from the queue
	finished map[uint64]struct{} // places behind done that are told
	answers  chan answer
	again    chan struct{} // asks for everything to be tried now; has room for one
	saved    uint64        // done as stored
	savedAt  time.Time     // by the system's clock
	unread   time.Time

	mu     sync.Mutex // guards what follows
	done   uint64     // all up to here are told or given up
	status Status
}

// item is an event that is to be told.
type item struct {
	placed
	attempts int
	due      time.Time
	busy     bool
}

// answer is what became of a post.
type answer struct {
	*item
	result result
}

// run tells events until ctx ends; posts under way end with it.
func (w *worker) run(ctx context.Context) error {
	news := make(chan struct{}, 1)
	w.queue.listen(news)
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer w.wait()
	for {
		if err := w.load(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("cannot read what webhooks are to be told, will try again", "webhook", w.hook.Name, "error", err)
			w.unread = w.opt.Now().Add(time.Second)
		}
		timer.Reset(min(w.start(ctx), w.untilSave()))
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		case <-timer.C:
		case a := <-w.answers:
			w.settle(a)
		case <-w.again:
			w.retry()
		}
		if w.untilSave() > 0 {
			continue
		}
		if err := w.save(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("cannot save how far a webhook has come, will try again", "webhook", w.hook.Name, "error", err)
		}
	}
}

// saveEvery is the least time between two saves of how far the hook has come: each
// waits for the disk, which would set the pace of the posts. What was told since the
// last one is told again after a crash.
const saveEvery = 250 * time.Millisecond

// untilSave is when there is something to save.
func (w *worker) untilSave() time.Duration {
	if w.position() == w.saved {
		return time.Minute
	}
	return saveEvery - time.Since(w.savedAt)
}

// wait lets the posts under way end, and saves what they came to.
func (w *worker) wait() {
	for w.busy > 0 {
		w.settle(<-w.answers)
	}
	if err := w.save(context.Background()); err != nil {
		w.log.Warn("what webhooks were told last may be told again", "webhook", w.hook.Name, "error", err)
	}
}

// load fills the lanes up to the window: a hook that lags costs no more memory.
func (w *worker) load(ctx context.Context) error {
	if first, _ := w.queue.bounds(); w.loaded+1 < first {
		w.skip(first - 1)
	}
	room := w.opt.Window - w.waiting - len(w.finished)
	if room <= 0 || w.opt.Now().Before(w.unread) {
		return nil
	}
	list, err := w.queue.read(ctx, w.loaded, room)
	if err != nil {
		return err
	}
	for i := range list {
		p := list[i]
		w.loaded = p.place
		if w.status.Stopped || !w.hook.wants(p.Type) {
			w.finish(p.place)
			continue
		}
		w.lanes[p.User] = append(w.lanes[p.User], &item{placed: p})
		w.waiting++
	}
	return nil
}

// retry lets everything that waits be posted now, and a hook that was stopped or
// pauses go on.
func (w *worker) retry() {
	w.mu.Lock()
	w.status.Stopped, w.status.PausedUntil, w.status.failures = false, time.Time{}, 0
	w.mu.Unlock()
	for _, lane := range w.lanes {
		lane[0].due = time.Time{}
	}
}

// skip passes over what the queue has dropped.
func (w *worker) skip(upTo uint64) {
	w.loaded = upTo
	w.mu.Lock()
	w.done = max(w.done, upTo)
	w.mu.Unlock()
	for place := range w.finished {
		if place <= upTo {
			delete(w.finished, place)
		}
	}
}

// start posts what is due, and returns when something is again.
func (w *worker) start(ctx context.Context) time.Duration {
	now := w.opt.Now()
	next := time.Minute
	if w.unread.After(now) {
		next = w.unread.Sub(now)
	}
	w.mu.Lock()
	paused := w.status.PausedUntil.Sub(now)
	w.mu.Unlock()
	if paused > 0 {
		return min(next, paused)
	}
	for w.busy < w.opt.Parallel {
		it, wait := w.oldest(now)
		if it == nil {
			return min(next, wait)
		}
		it.busy = true
		w.busy++
		go func() { w.answers <- answer{it, w.post(ctx, &it.Event)} }() // wait takes the last answers
	}
	return next
}

// oldest is the first of the events that are due, so that what is told is soon all up
// to a place: a crash has that told again which is behind it. Where none is due it
// returns when one will be.
func (w *worker) oldest(now time.Time) (first *item, wait time.Duration) {
	wait = time.Minute
	for _, lane := range w.lanes {
		it := lane[0]
		switch {
		case it.busy:
		case it.due.After(now):
			wait = min(wait, it.due.Sub(now))
		case first == nil || it.place < first.place:
			first = it
		}
	}
	return first, wait
}

// settle notes an answer: told, to be told again, or given up.
func (w *worker) settle(a answer) {
	w.busy--
	it, now := a.item, w.opt.Now()
	it.busy = false
	it.attempts++
	w.mu.Lock()
	st := &w.status
	st.Attempts++
	if a.result.taken() {
		st.Delivered++
		st.LastDelivery, st.PausedUntil, st.failures = now, time.Time{}, 0
		w.mu.Unlock()
		w.drop(it)
		return
	}
	if a.result.ended {
		w.mu.Unlock() // the broker ends: the event waits for the next start
		return
	}
	st.Failed++
	st.failures++
	st.fault(Fault{At: now, EventID: it.ID, Type: it.Type, Attempt: it.attempts, Error: a.result.String()})
	gone := a.result.status == http.StatusGone
	over := it.attempts >= w.opt.Attempts || now.Sub(it.At) > w.opt.MaxAge
	wait := w.backoff(it.attempts)
	if a.result.retryAfter > 0 {
		wait = max(wait, min(a.result.retryAfter, maxPause))
		st.PausedUntil = now.Add(min(a.result.retryAfter, maxPause))
	} else if st.failures >= pauseFrom { // nobody is there: no storm of attempts
		st.PausedUntil = now.Add(min(w.backoff(st.failures-pauseFrom+1), maxSilence))
	}
	st.Stopped = st.Stopped || gone
	if over && !gone {
		st.GivenUp++
	}
	w.mu.Unlock()
	switch {
	case gone:
		w.log.Error("a webhook's address answers 410: it is told nothing any more until the next start", "webhook", w.hook.Name)
		w.stop()
	case over:
		w.log.Error("an event could not be told and is given up", "webhook", w.hook.Name, "event", it.ID, "type", it.Type,
			"user", it.User, "attempts", it.attempts, "error", a.result.String())
		w.drop(it)
	default:
		it.due = now.Add(wait)
	}
}

const (
	// maxPause bounds what Retry-After may ask for.
	maxPause = time.Hour
	// pauseFrom is how many failures in a row make a hook pause, for up to maxSilence.
	pauseFrom  = 5
	maxSilence = time.Minute
	// maxBackoff bounds the wait between two attempts of one event.
	maxBackoff = time.Hour
)

// backoff is the wait after so many attempts: it triples, with a jitter of a
// quarter to both sides, so that many do not come back at once.
func (w *worker) backoff(attempts int) time.Duration {
	d := w.opt.Backoff
	for range attempts - 1 {
		if d *= 3; d >= maxBackoff {
			d = maxBackoff
			break
		}
	}
	return time.Duration(float64(d) * (0.75 + 0.5*rand.Float64()))
}

// stop passes over everything that waits; what is being posted is settled by its
// answer.
func (w *worker) stop() {
	for user, lane := range w.lanes {
		for _, it := range lane {
			w.finish(it.place)
			w.waiting--
		}
		delete(w.lanes, user)
	}
}

// drop takes the item, the first of its lane, off.
func (w *worker) drop(it *item) {
	lane := w.lanes[it.User]
	if len(lane) == 0 || lane[0] != it {
		return // the hook was stopped meanwhile
	}
	w.waiting--
	if w.lanes[it.User] = lane[1:]; len(lane) == 1 {
		delete(w.lanes, it.User)
	}
	w.finish(it.place)
}

// finish notes that the event at the place is told or given up.
func (w *worker) finish(place uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if place <= w.done {
		return // the queue has dropped it meanwhile
	}
	w.finished[place] = struct{}{}
	for {
		if _, ok := w.finished[w.done+1]; !ok {
			return
		}
		w.done++
		delete(w.finished, w.done)
	}
}

// save stores how far the hook has come, and lets go of what all have been told.
func (w *worker) save(ctx context.Context) error {
	done := w.position()
	if done == w.saved {
		return nil
	}
	w.savedAt = time.Now()
	if err := w.queue.saveDone(ctx, w.hook.Name, done); err != nil {
		return err
	}
	w.saved = done
	return w.opt.told(ctx)
}

// position is the place up to which everything is told or given up.
func (w *worker) position() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done
}

// snapshot is the hook's state for those who ask.
func (w *worker) snapshot() Status {
	first, last := w.queue.bounds()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.status
	s.Faults = append([]Fault{}, s.Faults...)
	if from := max(w.done+1, first); last >= from {
		s.Waiting = int(last - from + 1)
	}
	return s
}

// Status is how a hook is doing. Waiting counts events behind the first one that
// is not told yet.
type Status struct {
	Name         string    `json:"name"`
	URL          string    `json:"url"`
	Events       []string  `json:"events"`
	Waiting      int       `json:"waiting"`
	Attempts     uint64    `json:"attempts"`
	Delivered    uint64    `json:"delivered"`
	Failed       uint64    `json:"failed"`  // attempts
	GivenUp      uint64    `json:"givenUp"` // events
	Stopped      bool      `json:"stopped"` // its address answered 410
	PausedUntil  time.Time `json:"pausedUntil,omitzero"`
	LastDelivery time.Time `json:"lastDelivery,omitzero"`
	Faults       []Fault   `json:"lastErrors"` // the newest last, at most 20

	failures int // in a row
}

// Fault is an attempt that failed.
type Fault struct {
	At      time.Time `json:"at"`
	EventID string    `json:"eventId"`
	Type    string    `json:"type"`
	Attempt int       `json:"attempt"`
	Error   string    `json:"error"`
}

// maxFaults bounds the remembered failures of a hook; the newest stay.
const maxFaults = 20

func (s *Status) fault(f Fault) {
	if len(s.Faults) >= maxFaults {
		s.Faults = s.Faults[1:]
	}
	s.Faults = append(s.Faults, f)
}

// String is the result for people.
func (r result) String() string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprintf("the address answered %d %s", r.status, http.StatusText(r.status))
}
