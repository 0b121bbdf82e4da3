package engine

import (
	"maps"
	"time"
)

// absence is the grace of a client whose connection has ended: until then it is not
// gone, and why its user leaves when it does not come back.
type absence struct {
	until  time.Time
	reason string
}

// anyClient stands, after a start of the broker, for whichever of a user's clients
// comes back first.
const anyClient = ""

// returned notes that the client is here.
func (p *person) returned(clientID string) {
	p.clients[clientID] = struct{}{}
	delete(p.lost, clientID)
	delete(p.lost, anyClient)
}

// went begins a client's grace; those that are over by now are forgotten.
func (p *person) went(clientID string, a absence, now time.Time) {
	maps.DeleteFunc(p.lost, func(_ string, x absence) bool { return !x.until.After(now) })
	if p.lost == nil {
		p.lost = make(map[string]absence)
	}
	p.lost[clientID] = a
}

// grace is the absence that ends last, zero where no client is in its grace.
func (p *person) grace() absence {
	var last absence
	for _, a := range p.lost {
		if a.until.After(last.until) {
			last = a
		}
	}
	return last
}
