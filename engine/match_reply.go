package engine

import (
	"container/heap"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/match"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// replyRecord is an answer as the log holds it: with all that is known of the
// pair, since a restart forgets what was not answered.
type replyRecord struct {
	Users [2]string  `json:"users"`
	Pair  pairRecord `json:"pair"`
	By    int        `json:"by"` // index in Users
	Yes   bool       `json:"accept"`
}

// blockRecord is a block as log and table hold it. As is the partnerId under which
// the blocked is known to who blocks, where they do not know more.
type blockRecord struct {
	Whom string `json:"whom,omitempty"` // in the log
	As   string `json:"as,omitempty"`
	Off  bool   `json:"off,omitempty"` // ended: older records of the log do not bring it back
	Pos  uint64 `json:"pos,omitempty"`
	// early: it counts, and is not in the log yet.
	early bool
}

// handleReply judges an answer to a proposal; it counts in applyReply.
func (e *Engine) handleReply(in Inbound, at time.Time) (Outcome, error) {
	r, err := match.ParseReply(in.Payload)
	if err != nil {
		return Outcome{}, err
	}
	if !e.matches.reply.take(in.Sender.UserID, at) {
		return Outcome{}, fitness.Errorf("", fitness.Rate, "answers come too fast: over the limit of 10 at once and 1 a second")
	}
	m := &e.matches
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.offers[r.PartnerID]
	if !ok || o.pair.who[o.side].id != in.Sender.UserID || !o.pair.keepUntil().After(at) {
		return Outcome{}, noOffer()
	}
	other := o.pair.who[1-o.side].id
	if r.Accept && e.blocks.has(in.Sender.UserID, other) {
		return Outcome{}, fitness.Errorf("", fitness.Conflict, "you have blocked this partner")
	}
	rec := replyRecord{Users: [2]string{o.pair.who[0].id, o.pair.who[1].id}, Pair: o.pair.pairRecord, By: o.side, Yes: r.Accept}
	return Outcome{Log: true, Payload: encode(rec)}, nil
}

// applyReply takes an answer from the log. When both have accepted, both are told
// who the other is and may write to each other.
func (e *Engine) applyReply(pos store.Pos, in Inbound, at time.Time) {
	var r replyRecord
	if err := json.Unmarshal(in.Payload, &r); err != nil || r.By&^1 != 0 || r.Users[r.By] != in.Sender.UserID {
		e.opt.Logger.Error("skip an answer to a proposal that cannot be read", "pos", pos, "error", err)
		return
	}
	if e.gone.before(at, r.Users[0], r.Users[1]) {
		return
	}
	p, was := e.answer(pos, &r, at)
	if p == nil {
		return
	}
	switch {
	case r.Yes && store.Pos(p.MatchPos) == pos:
		e.openConversation(topics.Direct(r.Users[0], r.Users[1]), at)
		e.stats.MatchesMade.Add(1)
		e.tellMatch(pos, p, 0, MatchMatched, at)
		e.tellMatch(pos, p, 1, MatchMatched, at)
	case was && !r.Yes:
		e.tellMatch(pos, p, 0, MatchEnded, at)
		e.tellMatch(pos, p, 1, MatchEnded, at)
	case r.Yes && p.MatchedAt.IsZero():
		e.tellMatch(pos, p, r.By, MatchAccepted, at)
	case !r.Yes:
		// The other one is not told: it looks as if there had been no answer.
		e.tellMatch(pos, p, r.By, MatchDeclined, at)
	}
}

// answer notes an answer, and reports whether the two were matched before. A
// record that is read again after a crash changes nothing; the pair is returned
// where what followed from it may not have gone out.
func (e *Engine) answer(pos store.Pos, r *replyRecord, at time.Time) (p *pair, was bool) {
	m := &e.matches
	m.mu.Lock()
	defer m.mu.Unlock()
	p = m.recall(r.Users, r.Pair)
	if pos <= store.Pos(p.Pos) {
		matched, ended := store.Pos(p.MatchPos) == pos, store.Pos(p.EndPos) == pos
		if !matched && !ended && store.Pos(p.Pos) != pos {
			return nil, false
		}
		return p, ended
	}
	was = !p.MatchedAt.IsZero()
	p.Answers[r.By] = answer{Accept: r.Yes, At: at}
	theirs := p.Answers[1-r.By]
	switch {
	case !r.Yes && was:
		p.MatchedAt, p.EndPos = time.Time{}, uint64(pos)
		p.Answers[1-r.By] = p.Answers[r.By] // the earlier yes is spent
		heap.Push(&m.alarms, alarm{at: p.keepUntil(), pair: p})
	case !r.Yes, was:
	case theirs.Accept && at.Sub(theirs.At) < acceptedFor && !e.blocks.parted(r.Users[0], r.Users[1], pos):
		p.MatchedAt, p.MatchPos = at, uint64(pos)
	}
	p.Pos = uint64(pos)
	m.dirty[p] = struct{}{}
	return p, was
}

// recall returns the pair, brought back where it is not known: from the log, or
// from its row. m.mu is held.
func (m *matchBook) recall(users [2]string, rec pairRecord) *pair {
	var who [2]*looker
	for i, id := range users {
		who[i] = m.people[id]
		if who[i] == nil { // what was answered has its place beyond the bound
			who[i] = &looker{id: id}
			m.people[id] = who[i]
		}
	}
	if p := who[0].pairs[users[1]]; p != nil {
		return p
	}
	p := m.newPair(who[0], who[1], rec.IDs)
	p.pairRecord = rec
	p.count = maxOffers
	p.Band = min(max(p.Band, 0), len(match.Bands)-1)
	heap.Push(&m.alarms, alarm{at: rec.Made.Add(offerFor), pair: p})
	return p
}

// tellMatch tells one of a pair; it goes out once, whatever crashes.
func (e *Engine) tellMatch(pos store.Pos, p *pair, side int, state string, at time.Time) {
	e.matches.mu.Lock()
	v := e.view(p, side, state, at)
	to := p.who[side].id
	e.matches.mu.Unlock()
	e.out.owe(pos, Outgoing{
		Topic: topics.UserMatchTopic(to), Payload: encode(v), QoS: 1,
		RecordID: "match/" + posKey(uint64(pos)) + "/" + strconv.Itoa(side),
	})
}

// openConversation has both see the conversation of two before anything is said.
func (e *Engine) openConversation(key string, at time.Time) {
	if c := e.applyTo(key, at); c != nil {
		c.mu.Lock()
		c.unsaved.head = true
		c.mu.Unlock()
		e.chats.changed(c)
	}
}

// handleBlock judges that somebody is to be met nowhere again; it is kept in
// applyBlock. It counts from now on: to begin too early harms nobody.
func (e *Engine) handleBlock(in Inbound, at time.Time) (Outcome, error) {
	b, err := match.ParseBlock(in.Payload)
	if err != nil {
		return Outcome{}, err
	}
	who := in.Sender.UserID
	if !e.matches.reply.take(who, at) {
		return Outcome{}, fitness.Errorf("", fitness.Rate, "blocks come too fast: over the limit of 10 at once and 1 a second")
	}
	rec := blockRecord{Whom: b.UserID}
	if b.PartnerID != "" {
		m := &e.matches
		m.mu.Lock()
		o, ok := m.offers[b.PartnerID]
		if !ok || o.pair.who[o.side].id != who {
			m.mu.Unlock()
			return Outcome{}, noOffer()
		}
		rec.Whom = o.pair.who[1-o.side].id
		if o.pair.MatchedAt.IsZero() {
			rec.As = b.PartnerID
		}
		m.mu.Unlock()
	}
	if err := e.checkBlock("", who, rec.Whom); err != nil {
		return Outcome{}, err
	}
	e.blocks.begin(who, rec.Whom, rec.As, 0)
	return Outcome{Log: true, Payload: encode(rec)}, nil
}

func (e *Engine) applyBlock(pos store.Pos, in Inbound) {
	var rec blockRecord
	if err := json.Unmarshal(in.Payload, &rec); err != nil || in.Sender.UserID == "" || !topics.ValidID(rec.Whom) {
		e.opt.Logger.Error("skip a block that cannot be read", "pos", pos, "error", err)
		return
	}
	if e.gone.before(moment(in.At), in.Sender.UserID, rec.Whom) {
		return
	}
	e.blocks.begin(in.Sender.UserID, rec.Whom, rec.As, uint64(pos))
	e.revoke(in.Sender.UserID, rec.Whom)
}

// Matches lists what the user has of proposals that can be answered, those that
// the user has accepted, and matches: matches first, then the newest. Who is
// blocked is left out.
func (e *Engine) Matches(userID string) []Match {
	now := e.now()
	m := &e.matches
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []Match{}
	w := m.people[userID]
	if w == nil {
		return list
	}
	for other, p := range w.pairs {
		i := p.side(w)
		mine := p.Answers[i]
		switch {
		case e.blocks.has(userID, other) || !p.keepUntil().After(now):
		case !p.MatchedAt.IsZero():
			list = append(list, e.view(p, i, MatchMatched, p.MatchedAt))
		case mine.Accept && now.Sub(mine.At) < acceptedFor:
			list = append(list, e.view(p, i, MatchAccepted, mine.At))
		case mine.At.IsZero() && now.Sub(p.Made) < offerFor:
			list = append(list, e.view(p, i, MatchProposed, p.Made))
		}
	}
	slices.SortFunc(list, func(a, b Match) int {
		if x, y := a.State == MatchMatched, b.State == MatchMatched; x != y {
			if x {
				return -1
			}
			return 1
		}
		if c := b.Timestamp.Compare(a.Timestamp); c != 0 {
			return c
		}
		return compareIDs(a.PartnerID, b.PartnerID)
	})
	return list
}
