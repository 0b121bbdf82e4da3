package delivery

import "slices"

// nobodyMay reports whether no member of the group, connected or not, may have
// the topic: then it waits for nobody. mu is held.
func (g *group) nobodyMay(topic string) bool {
	return !slices.ContainsFunc(g.members, func(m *member) bool { return g.hub.mayReceive(m.s, topic) })
}

// refuse gives up a message that was handed out, came back, and that nobody may
// have any more.
func (g *group) refuse(m *Message) {
	g.hub.stats.Dropped.NoRight.Add(1)
	g.forget(m.Pos())
}
