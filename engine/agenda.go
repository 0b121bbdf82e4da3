package engine

import "time"

// agenda is when something is to be looked at again, for very many: what is far
// away is only gone through once a minute. It has no lock of its own.
type agenda struct {
	soon, later map[string]time.Time
	sorted      time.Time // when later was last gone through
}

// agendaSpan is up to how far ahead soon looks.
const agendaSpan = time.Minute

func (a *agenda) init() { a.soon, a.later = make(map[string]time.Time), make(map[string]time.Time) }

// add asks for a look at the moment or after; the earliest wins.
func (a *agenda) add(id string, at time.Time) {
	if old, ok := a.soon[id]; ok {
		if at.Before(old) {
			a.soon[id] = at
		}
		return
	}
	if at.Sub(a.sorted) > agendaSpan {
		if old, ok := a.later[id]; !ok || at.Before(old) {
			a.later[id] = at
		}
		return
	}
	a.soon[id] = at
}

// take returns up to limit of those that are due, and forgets their wish.
func (a *agenda) take(now time.Time, limit int) []string {
	if now.Sub(a.sorted) >= agendaSpan/2 {
		a.sorted = now
		for id, at := range a.later {
			if at.Sub(now) <= agendaSpan {
				delete(a.later, id)
				a.add(id, at)
			}
		}
	}
	var list []string
	for id, at := range a.soon {
		if len(list) >= limit {
			break
		}
		if !at.After(now) {
			list = append(list, id)
			delete(a.soon, id)
		}
	}
	return list
}
