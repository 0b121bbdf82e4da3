package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
)

// The pace of sending.
const (
	// minGap keeps a wearable at 4 messages a second, under the 5 that a broker
	// allows a device.
	//
	// A recording at N times its pace makes more samples than that. They are not
	// thinned: all that have come due since the last message go together in the
	// batch form, in order. So nothing is lost, and the newest value arrives as
	// early as if it were sent alone; an order that changed between two messages
	// can still be read from the samples. One message holds about 60 samples,
	// hence some 240 a second: a 1 Hz recording at more than 200 times its pace
	// plays on for a while after its end instead of losing samples.
	//
	// Messages go out on a grid of minGap counted from the start of the clock
	// (only the very first sample goes at its own moment): two wearables on one
	// clock then send the same stretch of time at the same moment. Out of step,
	// one of them would look up to minGap times the speed ahead, which at 60
	// times the pace is 15 s of running.
	minGap = 250 * time.Millisecond

	// DefaultKeep is how many unsent samples a watch keeps while it has no
	// connection: ten hours at one a second. Beyond it the oldest are dropped,
	// counted, and named in the summary; the activity is submitted all the same.
	DefaultKeep = 36_000

	// DefaultGiveUp is how long a connection may be away before the replay ends.
	DefaultGiveUp = 10 * time.Minute

	// DefaultAckTimeout is how long an acknowledgement may be missing before the
	// connection is taken for dead and made anew.
	DefaultAckTimeout = 30 * time.Second

	// activityTries bounds how often an activity that is refused for its quota is
	// offered again, ten seconds apart at most.
	activityTries = 20
	maxQuotaWait  = 10 * time.Second
	progressTries = 5
)

// player is one replay under way. It runs on the caller's goroutine; only the
// counters behind mu are touched by others.
type player struct {
	opt    Options
	rec    *recording.Recording
	events Events
	link   *link
	items  []item
	begin  time.Time
	last   time.Time // when the last message was sent

	mu  sync.Mutex // guards res
	res Result
}

// Run replays the recording and returns when all is acknowledged, when ctx ends
// or when going on is useless (ErrRejected, ErrTakenOver, ErrNoConnection). The
// result tells how far it came in each case.
func Run(ctx context.Context, rec *recording.Recording, opt Options, events Events) (Result, error) {
	if opt.Keep <= 0 {
		opt.Keep = DefaultKeep
	}
	if opt.GiveUp <= 0 {
		opt.GiveUp = DefaultGiveUp
	}
	if opt.AckTimeout <= 0 {
		opt.AckTimeout = DefaultAckTimeout
	}
	p := &player{opt: opt, rec: rec}
	p.events = &counting{Events: events, p: p}
	p.plan()
	started := time.Now()
	subs := []string{"user/" + opt.User + "/#"}
	if opt.Session != "" {
		subs = append(subs, "session/"+opt.Session+"/#")
	}
	l, ctx, err := dial(ctx, opt, p.events, subs, p.received)
	if err != nil {
		return p.result(started), err
	}
	p.link = l
	err = p.play(ctx)
	l.close()
	return p.result(started), err
}

func (p *player) result(started time.Time) Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.res.Duration = time.Since(started)
	return p.res
}

func (p *player) count(f func(*Result)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.res)
}

// plan lists what is to be sent and when.
func (p *player) plan() {
	if p.opt.Challenge != "" {
		p.res.Activities = len(p.rec.Legs)
	}
	if p.opt.Session == "" {
		return
	}
	for i := range p.rec.Samples {
		s := &p.rec.Samples[i]
		if !s.Measured() {
			p.res.Empty++
			continue
		}
		due := time.Duration(float64(s.Elapsed+p.opt.Lag) / p.opt.Speed)
		p.items = append(p.items, item{seq: p.opt.SeqBase + uint64(len(p.items)) + 1, due: due, leg: s.Leg, sample: s})
	}
	if n := len(p.items); n > 0 {
		p.items[n-1].last = true
	}
	p.res.Samples = len(p.items)
}

// play sends leg after leg: its samples, then its activity.
func (p *player) play(ctx context.Context) error {
	if err := p.awaitReady(ctx); err != nil {
		return err
	}
	p.begin = p.opt.StartAt
	if p.begin.IsZero() {
		p.begin = time.Now().Add(-time.Duration(float64(p.opt.Lag) / p.opt.Speed))
	}
	p.events.Started(p.begin)
	next := 0
	for leg := range p.rec.Legs {
		var err error
		if next, err = p.playLeg(ctx, leg, next); err != nil {
			return err
		}
		if p.opt.Challenge == "" {
			continue
		}
		if p.opt.Session == "" && leg == 0 {
			// Nothing to play: only the common start is waited for.
			wait(ctx, time.Until(p.begin))
		}
		if err := p.submit(ctx, leg); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) awaitReady(ctx context.Context) error {
	p.link.mu.Lock()
	ready := p.link.ready
	p.link.mu.Unlock()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-ready:
		return nil
	}
}

// playLeg sends the samples of one leg and returns the index after its last one.
func (p *player) playLeg(ctx context.Context, leg, next int) (int, error) {
	end := next
	for end < len(p.items) && p.items[end].leg == leg {
		end++
	}
	for next < end {
		wait(ctx, time.Until(p.sendAt(p.items[next].due)))
		if ctx.Err() != nil {
			return next, context.Cause(ctx)
		}
		due := p.dueUntil(next, end, time.Now())
		if over := due - next - p.opt.Keep; over > 0 {
			p.count(func(r *Result) { r.Dropped += over })
			next += over
		}
		n, err := p.sendSamples(ctx, p.items[next:due])
		if err != nil {
			return next, err
		}
		next += n
	}
	return next, nil
}

// sendAt is when a sample that is due then may go: on the grid, and, after a
// message that had to wait, not at once on the next line of it.
func (p *player) sendAt(due time.Duration) time.Time {
	at := p.begin.Add(due)
	if p.last.IsZero() {
		return at
	}
	if free := p.last.Add(minGap / 2); free.After(at) {
		at = free
	}
	since := at.Sub(p.begin)
	lines := since / minGap
	if since%minGap > 0 {
		lines++
	}
	return p.begin.Add(lines * minGap)
}

// dueUntil returns the index after the last item that is due now, at least next+1.
func (p *player) dueUntil(next, end int, now time.Time) int {
	i := next + 1
	for i < end && !p.begin.Add(p.items[i].due).After(now) {
		i++
	}
	return i
}

// sendSamples sends one message with as many of the items as it holds.
func (p *player) sendSamples(ctx context.Context, items []item) (int, error) {
	topic := "session/" + p.opt.Session + "/progress/" + p.opt.User
	payload, n, err := pack(items, p.rec.Legs, time.Now())
	if err != nil {
		return 0, err
	}
	for try := 1; ; try++ {
		p.last = time.Now()
		a, err := p.link.publish(ctx, topic, payload)
		if err != nil {
			return 0, err
		}
		if a.refused() && notNow(a.code) && try < progressTries {
			wait(ctx, time.Duration(try)*time.Second)
			continue
		}
		p.judgeSamples(items[:n], a)
		return n, nil
	}
}

func (p *player) judgeSamples(items []item, a answer) {
	n, newest := len(items), items[len(items)-1]
	if a.refused() {
		p.count(func(r *Result) { r.Refused += n })
		p.events.Refused("samples", refusalText(a))
		return
	}
	p.count(func(r *Result) { r.Sent += n; r.Messages++ })
	p.events.Progress(int(newest.seq-p.opt.SeqBase), len(p.items), newest.sample.Elapsed)
}

func notNow(code byte) bool { return code == codeRateTooHigh || code == codeQuotaExceeded }

// submit offers a leg's activity until the broker has answered. The body is
// written once: whatever happens to the connection or the broker in between, it
// is the same id with the same bytes, which counts once.
func (p *player) submit(ctx context.Context, leg int) error {
	id := ActivityID(p.rec, leg, p.opt.IDTail)
	body, err := encodeActivity(p.rec, leg, p.opt.IDTail, time.Now())
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		a, err := p.link.publish(ctx, "challenge/"+p.opt.Challenge+"/activity", body)
		if err != nil {
			return fmt.Errorf("activity %s is not acknowledged: %w", id, err)
		}
		switch {
		case !a.refused():
			p.count(func(r *Result) { r.Accepted++ })
			p.events.ActivityDone(leg, id)
			return nil
		case notNow(a.code) && try < activityTries:
			wait(ctx, min(time.Duration(try)*time.Second, maxQuotaWait))
		default:
			p.count(func(r *Result) { r.ActRefused++ })
			p.events.Refused("activity "+id, refusalText(a))
			return nil
		}
	}
}

// received looks at what the broker sends: a participant gets the session's
// messages as any other would, and reads only those about its own errors.
func (p *player) received(m *paho.Publish) {
	p.count(func(r *Result) { r.Received++ })
	if m.Topic != "user/"+p.opt.User+"/error" {
		return
	}
	var report struct {
		Topic  string `json:"topic"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(m.Payload, &report); err != nil {
		report.Reason = "unreadable error report: " + err.Error()
	}
	// The user's other devices have errors of their own.
	mine := strings.HasPrefix(report.Topic, "session/"+p.opt.Session+"/progress/") ||
		report.Topic == "challenge/"+p.opt.Challenge+"/activity"
	if mine {
		p.count(func(r *Result) { r.Reported++ })
	}
	p.events.Reported(report.Topic, report.Reason)
}

// counting passes events on and counts those that the result needs.
type counting struct {
	Events
	p *player
}

func (c *counting) Reconnected() {
	c.p.count(func(r *Result) { r.Reconnects++ })
	c.Events.Reconnected()
}

func (c *counting) Refused(what, why string) {
	if strings.HasPrefix(what, "subscribe ") {
		c.p.count(func(r *Result) { r.SubsRefused++ })
	}
	c.Events.Refused(what, why)
}
