package engine

import (
	"container/heap"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/match"
)

const (
	// offerFor is for how long a proposal can be answered, and the two are not
	// proposed to each other again while neither moves.
	offerFor = 12 * time.Hour
	// offerAgain is the least time between two proposals of a pair that has moved,
	// and maxOffers how many there are in offerFor at most: each tells a band.
	offerAgain = time.Hour
	maxOffers  = 3
	// acceptedFor is for how long a yes waits for the other one's.
	acceptedFor = 24 * time.Hour
	// declinedFor is for how long a declined pair is not proposed.
	declinedFor = 7 * 24 * time.Hour
	// maxPairs bounds the pairs of a user that are remembered; at it the user gets
	// no more proposals until old ones are forgotten.
	maxPairs = 500
	// maxAllPairs bounds them in all; at it nobody gets more.
	maxAllPairs = 2_000_000
	// maxLooked bounds how many beacons are looked at for one that comes, the nearest
	// first; the others are found by their own beacons, or a later one.
	maxLooked = 1024
	// maxAlarms bounds what a tick ends; the rest waits for the next one.
	maxAlarms = 10_000
)

// matchBook is everybody who looks for company, and who was proposed to whom.
// Beacons are kept in memory alone and so end with the process; what people have
// answered is kept in the tables.
type matchBook struct {
	mu      sync.Mutex // guards what follows
	people  map[string]*looker
	beacons int                  // how many are live
	index   match.Index[*looker] // the live ones that may get a proposal now
	offers  map[string]offer     // by partnerId
	pairs   int
	alarms  alarms
	dirty   map[*pair]struct{} // to be saved
	reply   rates
}

// looker is somebody who looks for company, or has.
type looker struct {
	id     string
	beacon match.Beacon
	entry  *match.Entry[*looker] // nil for who is not in the index
	trail  match.Trail
	last   time.Time // of the last beacon
	lost   time.Time // when the grace of who is offline ends; zero of others
	alarm  time.Time // when it is looked at next
	tokens bucket    // proposals
	pairs  map[string]*pair
}

// pair is two people of whom one was proposed to the other; index 0 is who comes
// first in byte order.
type pair struct {
	who [2]*looker
	pairRecord
	cells [2]match.Cell // at the last proposal; 0 after a restart
	count int           // proposals within offerFor
}

// pairRecord is what is stored of a pair once one of them has answered. IDs[i] is
// how i names the other one, and Shown[i] what i was told of the other.
type pairRecord struct {
	IDs       [2]string `json:"ids"`
	Shown     [2]shown  `json:"shown"`
	Band      int       `json:"band"` // index in match.Bands
	Made      time.Time `json:"made"`
	Answers   [2]answer `json:"answers"`
	MatchedAt time.Time `json:"matchedAt,omitzero"`
	MatchPos  uint64    `json:"matchPos,omitempty"` // the record that made the last match
	EndPos    uint64    `json:"endPos,omitempty"`   // the record that ended it
	Pos       uint64    `json:"pos"`                // what the log holds up to there has been applied
}

// shown is what somebody was told of a partner, name and band aside.
type shown struct {
	Sport string  `json:"sport"`
	Pace  float64 `json:"pace,omitempty"`
	Speed float64 `json:"speed,omitempty"`
}

// answer is what one of a pair has said; At is zero where nothing was.
type answer struct {
	Accept bool      `json:"accept,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// offer is one side of a pair.
type offer struct {
	pair *pair
	side int // who it was made to
}

func (m *matchBook) init() {
	m.people = make(map[string]*looker)
	m.offers = make(map[string]offer)
	m.dirty = make(map[*pair]struct{})
	m.reply.init(10, 1)
}

// person returns the user's state, made where there is none and room for one
// more; else nil. m.mu is held.
func (m *matchBook) person(id string, limit int) *looker {
	w := m.people[id]
	if w == nil && len(m.people) < limit {
		w = &looker{id: id}
		m.people[id] = w
	}
	return w
}

// live is how many beacons there are.
func (m *matchBook) live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.beacons
}

// alarmAt has the looker looked at, at that moment or before. m.mu is held.
func (m *matchBook) alarmAt(w *looker, at time.Time) {
	if w.alarm.IsZero() || at.Before(w.alarm) {
		w.alarm = at
		heap.Push(&m.alarms, alarm{at: at, who: w})
	}
}

// live reports whether there is a beacon.
func (w *looker) live() bool { return w.beacon.Cell != 0 }

// withdraw ends the looker's beacon, if there is one. m.mu is held.
func (m *matchBook) withdraw(w *looker) {
	if w.live() {
		m.unlist(w)
		w.beacon, w.lost = match.Beacon{}, time.Time{}
		m.beacons--
	}
}

// unlist keeps proposals from the looker for now. m.mu is held.
func (m *matchBook) unlist(w *looker) {
	if w.entry != nil {
		m.index.Remove(w.entry)
		w.entry = nil
	}
}

// list lets a live looker be found, if there may be proposals for them now; else
// it is tried again when there may. m.mu is held.
func (e *Engine) list(w *looker, at time.Time) {
	m := &e.matches
	switch {
	case w.beacon.Hidden:
	case e.allowance(w, at) < 1:
		m.unlist(w)
		e.stats.MatchHeldBack.Add(1)
		wait := e.opt.ProposalInterval
		if missing := 1 - w.tokens.tokens; missing > 0 {
			wait = time.Duration(missing * float64(wait))
		}
		m.alarmAt(w, at.Add(wait+time.Second))
	case w.entry == nil:
		w.entry = m.index.Add(w.beacon.Sport, w.beacon.Cell, w)
	}
}

// left starts the grace of a user who has just gone offline.
func (m *matchBook) left(userID string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w := m.people[userID]; w != nil && w.live() {
		w.lost = until
		m.alarmAt(w, until)
	}
}

// returned ends the grace.
func (m *matchBook) returned(userID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w := m.people[userID]; w != nil {
		w.lost = time.Time{}
	}
}

// forget drops the pair. m.mu is held.
func (m *matchBook) forget(p *pair) {
	for i, w := range p.who {
		delete(m.offers, p.IDs[i])
		delete(w.pairs, p.who[1-i].id)
	}
	m.pairs--
}

// between is the pair of the two, nil where there is none. m.mu is held.
func (m *matchBook) between(a, b string) *pair {
	if w := m.people[a]; w != nil {
		return w.pairs[b]
	}
	return nil
}

// keepUntil is when nothing of the pair counts any more; matched pairs stay.
func (p *pair) keepUntil() time.Time {
	if !p.MatchedAt.IsZero() {
		return never
	}
	until := p.Made.Add(offerFor)
	for _, a := range p.Answers {
		lasts := acceptedFor
		if !a.Accept {
			lasts = declinedFor
		}
		if end := a.At.Add(lasts); !a.At.IsZero() && end.After(until) {
			until = end
		}
	}
	return until
}

// answered reports whether one of the two has said something.
func (p *pair) answered() bool { return !p.Answers[0].At.IsZero() || !p.Answers[1].At.IsZero() }

// declined reports whether one of the two does not want to, at that moment.
func (p *pair) declined(at time.Time) bool {
	for _, a := range p.Answers {
		if !a.At.IsZero() && !a.Accept && at.Sub(a.At) < declinedFor {
			return true
		}
	}
	return false
}

// tickMatch ends what is over: beacons, graces, pairs, and at last the memory of
// who looked. What is still due at a later time waits for that.
func (e *Engine) tickMatch(now time.Time) {
	m := &e.matches
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := 0; len(m.alarms) > 0 && !m.alarms[0].at.After(now) && n < maxAlarms; n++ {
		a := heap.Pop(&m.alarms).(alarm)
		if a.pair != nil {
			m.tickPair(a.pair, now)
		} else if a.who.alarm.Equal(a.at) {
			a.who.alarm = time.Time{}
			if e.presence.online(a.who.id) {
				a.who.lost = time.Time{} // came back while it was noted that they had gone
			}
			e.tickLooker(a.who, now)
		}
	}
}

func (m *matchBook) tickPair(p *pair, now time.Time) {
	if p.who[0].pairs[p.who[1].id] != p {
		return // forgotten already
	}
	if until := p.keepUntil(); until.After(now) {
		if until != never {
			heap.Push(&m.alarms, alarm{at: until, pair: p})
		}
		return
	}
	if p.answered() {
		m.dirty[p] = struct{}{} // its row is removed
	}
	m.forget(p)
	for _, w := range p.who {
		m.alarmAt(w, now.Add(match.TrailFor))
	}
}

func (e *Engine) tickLooker(w *looker, now time.Time) {
	m := &e.matches
	if w.live() && (!w.beacon.Expires.After(now) || !w.lost.IsZero() && !w.lost.After(now)) {
		m.withdraw(w)
	}
	switch {
	case w.live():
		if w.entry == nil {
			e.list(w, now)
		}
		m.alarmAt(w, w.beacon.Expires)
		if !w.lost.IsZero() {
			m.alarmAt(w, w.lost)
		}
	case len(w.pairs) == 0 && now.Sub(w.trail.At) >= match.TrailFor:
		delete(m.people, w.id)
	case len(w.pairs) == 0:
		m.alarmAt(w, w.trail.At.Add(match.TrailFor))
	}
}

// alarm is when a looker, or a pair, is to be looked at.
type alarm struct {
	at   time.Time
	who  *looker
	pair *pair
}

// alarms is a heap, the earliest first. It holds as many as there are lookers and
// pairs, and those that were replaced by earlier ones until their time.
type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *alarms) Push(x any) { *a = append(*a, x.(alarm)) }

// Pop implements heap.Interface.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = alarm{}
	*a = (*a)[:last]
	return x
}

// matched reports whether both have accepted each other.
func (e *Engine) matched(a, b string) bool {
	m := &e.matches
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.people[a]
	if w == nil {
		return false
	}
	p := w.pairs[b]
	return p != nil && !p.MatchedAt.IsZero()
}

// blocked reports whether one of the two has blocked the other.
func (e *Engine) blocked(a, b string) bool { return e.blocks.has(a, b) || e.blocks.has(b, a) }

// noOffer is the refusal of a partnerId, whatever became of it.
func noOffer() error {
	return fitness.Errorf("", fitness.Conflict, "partnerId is no proposal that you have")
}
