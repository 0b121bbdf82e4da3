package demo

import (
	"encoding/json"
	"strings"
	"time"
)

// beaconEvery is how often a beacon is repeated: the broker forgets one after a
// quarter of an hour.
const beaconEvery = 10 * time.Minute

// partner looks for company near where the page's map begins, and accepts the
// watcher. Others of the cast are not answered.
type partner struct {
	*actor
	beacon map[string]any
	sent   time.Time
}

func newPartner(s *Stage, who string, beacon map[string]any) *partner {
	p := &partner{actor: newActor(s, who), beacon: beacon}
	p.actor.hear, p.actor.tick = p.hear, p.announce
	return p
}

// partners are those who look for company.
func partners(s *Stage) []*partner {
	return []*partner{
		newPartner(s, hannaID, map[string]any{"latitude": 52.5262, "longitude": 13.4190, "sport": "running", "pace": 340, "radius": 10_000}),
		newPartner(s, pavelID, map[string]any{"latitude": 52.5540, "longitude": 13.3910, "sport": "running", "pace": 300, "radius": 25_000}),
		newPartner(s, marcoID, map[string]any{"latitude": 52.5380, "longitude": 13.4300, "sport": "cycling", "speed": 7.5, "radius": 25_000}),
	}
}

func (p *partner) announce(now time.Time) {
	if now.Sub(p.sent) < beaconEvery {
		return
	}
	p.sent = now
	p.say("match/beacon", 1, p.beacon)
}

// hear accepts the watcher, and says hello when it is a match.
func (p *partner) hear(topic string, payload []byte) {
	if topic != "user/"+p.id+"/match" {
		return
	}
	var m struct {
		State        string `json:"state"`
		PartnerID    string `json:"partnerId"`
		Name         string `json:"name"`
		UserID       string `json:"userId"`
		Conversation string `json:"conversation"`
	}
	if json.Unmarshal(payload, &m) != nil {
		return
	}
	switch {
	case m.State == "proposed" && m.Name == firstName(p.stage.cast[WatcherID].name):
		p.later(4*time.Second, func() { p.say("match/reply", 1, map[string]any{"partnerId": m.PartnerID, "accept": true}) })
	case m.State == "matched" && m.UserID == WatcherID:
		p.later(2*time.Second, func() {
			p.say("chat/"+m.Conversation+"/message", 1, map[string]string{"content": "Hi! Nice that we found each other. When do you want to go?"})
		})
	}
}

// firstName is what a proposal tells of somebody.
func firstName(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}
