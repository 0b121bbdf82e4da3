package engine

import (
	"cmp"
	"container/heap"
	"crypto/rand"
	"encoding/base64"
	"math"
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/match"
	"github.com/fitmq/fitmq/topics"
)

// States of a proposal, on user/{uid}/match and in GET matches.
const (
	MatchProposed = "proposed" // somebody who may suit: answer with match/reply
	MatchAccepted = "accepted" // you have accepted, the other one has not said so
	MatchDeclined = "declined" // you have declined
	MatchMatched  = "matched"  // both have accepted
	MatchEnded    = "ended"    // one of the two has taken back a match
)

// Match is the payload of user/{uid}/match: a partner who is proposed, or what
// became of a proposal. Until both have accepted it has no more than a band, the
// first name, sport and pace. Band is in m: the partner's cell is nearer than that.
type Match struct {
	State        string    `json:"state"`
	PartnerID    string    `json:"partnerId"`
	Name         string    `json:"name,omitempty"`
	Sport        string    `json:"sport,omitempty"`
	Pace         float64   `json:"pace,omitempty"`
	Speed        float64   `json:"speed,omitempty"`
	Band         float64   `json:"band,omitempty"`
	UserID       string    `json:"userId,omitempty"`
	Conversation string    `json:"conversation,omitempty"`
	ExpiresAt    time.Time `json:"expiresAt,omitzero"`
	Timestamp    time.Time `json:"timestamp"`
}

// noPayload replaces a beacon, so that no log and no session keeps it.
var noPayload = []byte{}

// handleBeacon takes a beacon, or with an empty payload the end of one, and
// proposes. Nothing of it goes any further: neither to subscribers nor to the log.
func (e *Engine) handleBeacon(in Inbound, at time.Time) (Outcome, error) {
	m := &e.matches
	if in.Sender.UserID == "" {
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "sign in to look for partners")
	}
	m.mu.Lock()
	defer e.out.drain()
	defer m.mu.Unlock()
	w := m.people[in.Sender.UserID]
	if len(in.Payload) == 0 {
		if w != nil {
			m.withdraw(w)
		}
		return Outcome{Payload: noPayload}, nil
	}
	var trail match.Trail
	if every := e.opt.allowance(in.Sender.Role).BeaconInterval; w != nil {
		if gone := at.Sub(w.last); gone >= 0 && gone < every {
			return Outcome{}, fitness.Errorf("", fitness.Rate, "beacons come too fast: over the limit of one every %s", every)
		}
		trail = w.trail
	}
	b, err := match.Parse(in.Payload, trail.Cell, at)
	if err != nil {
		return Outcome{}, err
	}
	if trail, err = trail.Step(b.Cell, at); err != nil {
		e.stats.MatchTeleports.Add(1)
		return Outcome{}, err
	}
	if w = m.person(in.Sender.UserID, e.opt.MaxLookers); w == nil {
		return Outcome{}, fitness.Errorf("", fitness.Quota, "%d people have looked for partners today, the limit", e.opt.MaxLookers)
	}
	m.withdraw(w)
	w.beacon, w.trail, w.last = b, trail, at
	m.beacons++
	m.alarmAt(w, b.Expires)
	e.stats.MatchBeacons.Add(1)
	e.propose(w, at)
	e.list(w, at)
	return Outcome{Payload: noPayload}, nil
}

// candidate is somebody whom a beacon may be proposed to.
type candidate struct {
	who   *looker
	band  int
	score float64
}

// propose makes proposals for a beacon that has just come, the best first. A
// proposal is made to both of a pair or to none: who looks is seen. m.mu is held.
func (e *Engine) propose(w *looker, at time.Time) {
	m := &e.matches
	if w.beacon.Hidden {
		return
	}
	room := int(e.allowance(w, at))
	var found []candidate
	looked := 0
	for band := range match.Bands {
		if len(found) >= room || looked >= maxLooked {
			break // a farther band is never better
		}
		m.index.Ring(w.beacon.Sport, w.beacon.Cell, band, func(x *match.Entry[*looker]) bool {
			c := x.Value
			looked++
			if c.beacon.Expires.After(at) && match.Compatible(&w.beacon, &c.beacon, band) && e.mayPropose(w, c, band, at) {
				found = append(found, candidate{c, band, match.Score(&w.beacon, &c.beacon, band)})
			}
			return looked < maxLooked
		})
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if c := cmp.Compare(b.score, a.score); c != 0 {
			return c
		}
		return compareIDs(a.who.id, b.who.id)
	})
	for _, c := range found[:min(len(found), room)] {
		w.tokens.tokens--
		c.who.tokens.tokens--
		e.offer(w, c.who, c.band, at)
		e.list(c.who, at)
	}
}

// allowance is how many proposals the user may get now. m.mu is held.
func (e *Engine) allowance(w *looker, at time.Time) float64 {
	if len(w.pairs) >= maxPairs || e.matches.pairs >= maxAllPairs {
		return 0
	}
	burst := float64(e.opt.ProposalBurst)
	w.tokens.refill(at, burst, 1/e.opt.ProposalInterval.Seconds())
	return math.Floor(w.tokens.tokens)
}

// mayPropose reports whether what there was between the two lets a proposal in
// that band be. m.mu is held.
func (e *Engine) mayPropose(w, c *looker, band int, at time.Time) bool {
	p := w.pairs[c.id]
	switch {
	case p == nil:
	case !p.MatchedAt.IsZero() || p.declined(at):
		return false
	case at.Sub(p.Made) < offerFor:
		i := p.side(w)
		moved := p.cells[i] != w.beacon.Cell || p.cells[1-i] != c.beacon.Cell
		if !moved || band == p.Band || p.count >= maxOffers || at.Sub(p.Made) < offerAgain {
			return false
		}
	}
	return !e.blocked(w.id, c.id)
}

// side is the looker's index in the pair.
func (p *pair) side(w *looker) int {
	if p.who[0] == w {
		return 0
	}
	return 1
}

// offer proposes the two to each other. m.mu is held.
func (e *Engine) offer(w, c *looker, band int, at time.Time) {
	m := &e.matches
	p := w.pairs[c.id]
	if p == nil {
		p = m.newPair(w, c, [2]string{newPartnerID(), newPartnerID()})
		heap.Push(&m.alarms, alarm{at: at.Add(offerFor), pair: p})
	}
	if at.Sub(p.Made) >= offerFor {
		p.count = 0
	}
	p.count++
	p.Band, p.Made = band, at
	for i, x := range p.who {
		other := &p.who[1-i].beacon
		p.cells[i] = x.beacon.Cell
		p.Shown[i] = shown{Sport: other.Sport, Pace: math.Round(other.Pace), Speed: math.Round(other.Speed*10) / 10}
	}
	for i, x := range p.who {
		if p.Answers[i].At.IsZero() {
			out := e.view(p, i, MatchProposed, at)
			e.out.push(Outgoing{Topic: topics.UserMatchTopic(x.id), Payload: encode(out), QoS: 1, Expiry: offerFor})
			e.stats.MatchProposals.Add(1)
		}
	}
}

// newPair notes a pair. m.mu is held.
func (m *matchBook) newPair(w, c *looker, ids [2]string) *pair {
	if c.id < w.id {
		w, c = c, w
	}
	p := &pair{who: [2]*looker{w, c}}
	p.IDs = ids
	for i, x := range p.who {
		if x.pairs == nil {
			x.pairs = make(map[string]*pair)
		}
		x.pairs[p.who[1-i].id] = p
		m.offers[ids[i]] = offer{p, i}
	}
	m.pairs++
	return p
}

// newPartnerID names a partner to one user: it is drawn anew for every pair and
// says nothing about who it is.
func newPartnerID() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: the process ends where there is no randomness
	return "p" + base64.RawURLEncoding.EncodeToString(b[:])
}

// view is what one of a pair is told of the other.
func (e *Engine) view(p *pair, side int, state string, at time.Time) Match {
	other := p.who[1-side].id
	v := Match{
		State: state, PartnerID: p.IDs[side], Name: match.FirstName(e.opt.Users.Name(other), other),
		Sport: p.Shown[side].Sport, Pace: p.Shown[side].Pace, Speed: p.Shown[side].Speed,
		Band: match.Bands[p.Band], Timestamp: at,
	}
	switch state {
	case MatchProposed:
		v.ExpiresAt = p.Made.Add(offerFor)
	case MatchAccepted:
		v.ExpiresAt = p.Answers[side].At.Add(acceptedFor)
	case MatchMatched:
		v.Name, v.UserID, v.Conversation, v.Band = e.name(other), other, topics.Direct(p.who[0].id, p.who[1].id), 0
	case MatchEnded:
		v = Match{State: state, PartnerID: p.IDs[side], UserID: other, Timestamp: at}
	}
	return v
}
