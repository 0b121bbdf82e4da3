package torture_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Rules of partner matching.
const (
	ruleMatch   = "two are matched when both have accepted, and on both sides"
	ruleMatched = "a match is told once to each of the two"
	ruleOffer   = "an answer that was acknowledged counts"
	ruleBlock   = "nobody is matched with someone blocked"
	ruleSecret  = "before a match nobody learns who it is"
)

// seekers are the first names of those who look for partners. They have nothing
// else in common.
var seekers = []string{"Ada", "Bea", "Cem", "Dan"}

// meeting is what a device is told of a partner.
type meeting struct {
	State, PartnerID, Name, UserID, Conversation string
	Timestamp                                    time.Time
}

// reply is an answer to a proposal. sure: it was acknowledged and not refused.
type reply struct {
	partnerID string
	accept    bool
	sure      bool
}

// block is somebody's block of another.
type block struct {
	sure bool
	at   time.Time // when it was acknowledged
}

// pairing is what two have said of each other; index 0 is who.
type pairing struct {
	replies map[string][]reply // by who has said it
	blocks  map[string]block   // by who blocks
}

// both is the conversation of two.
func both(a, b string) string { return min(a, b) + "." + max(a, b) }

func (l *ledger) pair(a, b string) *pairing {
	p := l.pairs[both(a, b)]
	if p == nil {
		p = &pairing{replies: map[string][]reply{}, blocks: map[string]block{}}
		l.pairs[both(a, b)] = p
	}
	return p
}

// said reports whether the user has tried to say so, and whether that was
// acknowledged.
func (p *pairing) said(user string, accept bool) (tried, sure bool) {
	for _, r := range p.replies[user] {
		if r.accept == accept {
			tried, sure = true, sure || r.sure
		}
	}
	return tried, sure
}

// seeker returns who has that first name in this round.
func (l *ledger) seeker(name string) string {
	for i, first := range seekers {
		if first == name && i < len(l.seekers) {
			return l.seekers[i]
		}
	}
	return ""
}

// seek is what somebody does who looks for partners.
func (s *scene) seek(r *rand.Rand, user string, c *client) error {
	for i := range 20 + r.IntN(15) {
		var err error
		switch k := r.IntN(20); {
		case k < 5 || i == 0:
			err = s.beacon(r, c)
		case k < 11:
			err = s.answer(r, user, c)
		case k < 12:
			err = s.avoid(r, user, c)
		case k < 15:
			err = s.readNotes(r, user, c)
		case k < 17:
			time.Sleep(ms(r, 1, 60)) // a user who does nothing
		default:
			d := drawCut(r)
			err = c.do(&d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// beacon tells where the user is: all of a round are near each other, and rounds
// are far apart. One that comes too early is refused, also one that is sent again.
func (s *scene) beacon(r *rand.Rand, c *client) error {
	return s.send(c, "match/beacon", 1+byte(r.IntN(2)), map[string]any{
		"latitude": float64(s.round%120) - 60 + r.Float64()/1000, "longitude": 11.5, "sport": "running", "pace": 330, "radius": 5000,
	})
}

// answer says yes or no to a proposal, or takes a match back. Who has said no stays
// with it.
func (s *scene) answer(r *rand.Rand, user string, c *client) error {
	offers := map[string]meeting{} // the newest of each partner
	s.mu.Lock()
	for _, a := range s.arrived[c] {
		var m meeting
		if a.topic == "user/"+user+"/match" && json.Unmarshal([]byte(a.payload), &m) == nil && m.State == "proposed" {
			offers[s.ledger.seeker(m.Name)] = m
		}
	}
	s.mu.Unlock()
	delete(offers, "")
	if len(offers) == 0 {
		return nil
	}
	var others []string
	for other := range offers {
		others = append(others, other)
	}
	slices.Sort(others)
	other := pick(r, others)
	s.rest(c) // what is sent again must not come behind what follows it
	s.mu.Lock()
	p := s.ledger.pair(user, other)
	if refused, _ := p.said(user, false); refused {
		s.mu.Unlock()
		return nil
	}
	said := reply{partnerID: offers[other].PartnerID, accept: r.IntN(5) > 0}
	p.replies[user] = append(p.replies[user], said)
	n := len(p.replies[user]) - 1
	delete(s.denied, c)
	s.mu.Unlock()
	err := s.send(c, "match/reply", 1+byte(r.IntN(2)), map[string]any{"partnerId": said.partnerID, "accept": said.accept})
	if err != nil {
		return err
	}
	s.rest(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.replies[user][n].sure = !s.denied[c]
	return nil
}

// avoid blocks another, now and then.
func (s *scene) avoid(r *rand.Rand, user string, c *client) error {
	other := pick(r, s.ledger.seekers)
	if other == user || r.IntN(3) > 0 {
		return nil
	}
	s.rest(c)
	s.mu.Lock()
	p := s.ledger.pair(user, other)
	if _, again := p.blocks[user]; again {
		s.mu.Unlock()
		return nil
	}
	p.blocks[user] = block{}
	delete(s.denied, c)
	s.mu.Unlock()
	if err := s.send(c, "match/block", 1, map[string]string{"userId": other}); err != nil {
		return err
	}
	s.rest(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.blocks[user] = block{sure: !s.denied[c], at: time.Now()}
	return nil
}

// findMatches asks what each has of proposals, and who may write to whom.
func (s *scene) findMatches(f *findings) error {
	f.matches, f.talks = map[string][]meeting{}, map[string][]string{}
	for _, user := range s.ledger.seekers {
		var list struct{ Items []meeting }
		if err := s.broker.call(http.MethodGet, "/matches", s.tokens[user], nil, &list); err != nil {
			return err
		}
		f.matches[user] = list.Items
		var talks struct {
			Items []struct{ ConversationID string }
		}
		if err := s.broker.call(http.MethodGet, "/conversations?limit=100", s.tokens[user], nil, &talks); err != nil {
			return err
		}
		for _, c := range talks.Items {
			f.talks[user] = append(f.talks[user], c.ConversationID)
		}
	}
	return nil
}

// judgeMatches looks at every two who look for partners.
func (l *ledger) judgeMatches(f *findings, fail failing) {
	for i, a := range l.seekers {
		for _, b := range l.seekers[i+1:] {
			l.judgePair(f, a, b, fail)
		}
	}
	for _, user := range l.seekers {
		for _, a := range f.live[user] {
			var m meeting
			if a.topic != "user/"+user+"/match" {
				continue
			}
			if err := json.Unmarshal([]byte(a.payload), &m); err != nil {
				fail(ruleMatch, user, "%v: %s", err, a.payload)
			}
			known := m.State == "matched" || m.State == "ended"
			if !known && (m.UserID != "" || m.Conversation != "" || strings.Contains(a.payload, l.seeker(m.Name))) {
				fail(ruleSecret, user, "%s", a.payload)
			}
		}
	}
}

// state is what the user has of the other one, nil for nothing.
func (f *findings) state(user, other, first string) *meeting {
	for i, m := range f.matches[user] {
		if m.UserID == other || m.UserID == "" && m.Name == first {
			return &f.matches[user][i]
		}
	}
	return nil
}

func (l *ledger) judgePair(f *findings, a, b string, fail failing) {
	p := l.pair(a, b)
	who := both(a, b)
	blocked := len(p.blocks) > 0
	mays, musts, maybeNo := 0, 0, false
	matched := map[string]bool{}
	for user, other := range map[string]string{a: b, b: a} {
		yes, sureYes := p.said(user, true)
		no, sureNo := p.said(user, false)
		if yes {
			mays++
		}
		if sureYes {
			musts++
		}
		maybeNo = maybeNo || no
		now := f.state(user, other, seekers[slices.Index(l.seekers, other)])
		matched[user] = now != nil && now.State == "matched"
		otherNo, _ := p.said(other, false)
		if sureYes && !no && !otherNo && p.blocks[user] == (block{}) && (now == nil || now.State == "proposed") {
			fail(ruleOffer, user, "accepted %s, and has %+v", other, now)
		}
		if _, otherSure := p.said(other, false); matched[user] && (sureNo || otherSure) {
			fail(ruleMatch, user, "is matched with %s, though one of them has said no", other)
		}
		if matched[user] && p.blocks[user].sure {
			fail(ruleBlock, user, "has a match with %s, who is blocked", other)
		}
		if matched[user] && (now.UserID != other || now.Conversation != who || !slices.Contains(f.talks[user], who)) {
			fail(ruleMatch, user, "has %+v, and the conversations %q", now, f.talks[user])
		}
	}
	switch {
	case (matched[a] || matched[b]) && mays < 2:
		fail(ruleMatch, who, "matched, though not both have accepted")
	case matched[a] != matched[b] && !blocked:
		fail(ruleMatch, who, "one side is matched: %v", matched)
	case !matched[a] && musts == 2 && !maybeNo && !blocked:
		fail(ruleMatch, who, "not matched: both have accepted")
	}
	if f.away != nil {
		l.judgeNewsOfPair(f, p, a, b, matched[a] && matched[b], fail)
	}
}

// judgeNewsOfPair looks at what the two were told: by devices that were away all the
// time, so that nothing is told twice.
func (l *ledger) judgeNewsOfPair(f *findings, p *pairing, a, b string, matched bool, fail failing) {
	times := map[string]int{}
	for user, other := range map[string]string{a: b, b: a} {
		for _, x := range f.away[user] {
			var m meeting
			if x.topic != "user/"+user+"/match" || json.Unmarshal([]byte(x.payload), &m) != nil || m.UserID != other {
				continue
			}
			times[user+" "+m.State]++
			for blocker, how := range p.blocks {
				if m.State == "matched" && how.sure && m.Timestamp.After(how.at) {
					fail(ruleBlock, user, "matched at %v with %s: %s had blocked at %v", m.Timestamp, other, blocker, how.at)
				}
			}
		}
	}
	for _, state := range []string{"matched", "ended"} {
		x, y := times[a+" "+state], times[b+" "+state]
		if x != y || x > 1 {
			fail(ruleMatched, both(a, b), "%s was told %d and %d times", state, x, y)
		}
	}
	if matched && (times[a+" matched"] != 1 || times[a+" ended"] != 0) {
		fail(ruleMatched, both(a, b), "they are matched, and were told %v", times)
	}
}

// talk has those who are matched write to each other, and all others try to.
func (s *scene) talk() (found []violation) {
	f := &findings{}
	if err := s.findMatches(f); err != nil {
		return []violation{{rule: ruleSeen, text: err.Error()}}
	}
	for i, user := range s.ledger.seekers {
		for j, other := range s.ledger.seekers {
			if i == j {
				continue
			}
			now := f.state(user, other, seekers[j])
			may := now != nil && now.State == "matched" && len(s.ledger.pair(user, other).blocks) == 0
			err := s.broker.call(http.MethodPost, "/publish", s.tokens[user], map[string]any{
				"topic": "chat/" + both(user, other) + "/message", "qos": 1, "payload": map[string]string{"messageId": "hello-" + user, "content": "hello"},
			}, nil)
			if refused := err != nil && strings.Contains(err.Error(), "status 403"); may && err != nil || !may && !refused {
				found = append(found, violation{rule: ruleMatch, who: user, text: fmt.Sprintf("writes to %s, having %+v: %v", other, now, err)})
			}
		}
	}
	return found
}
