package delivery

import "github.com/fitmq/fitmq/delivery/wire"

// EndConnections ends the user's connections for which stale says so, with the
// code and reason. Their sessions stay, and their wills are sent if the policy
// still allows them, as after any other loss of a connection. It returns how
// many it has ended.
func (h *Hub) EndConnections(userID string, stale func(*Client) bool, code wire.Code, reason string) int {
	n := 0
	for _, s := range h.sessionsOf(userID) {
		if l := s.link.Load(); l != nil && stale(l.client) {
			l.hangUp(code, reason)
			n++
		}
	}
	return n
}

// EndSessions discards the user's sessions with what waits in them, and ends
// their connections with the code and reason: for a user who is gone, and whose
// id somebody else may get.
func (h *Hub) EndSessions(userID string, code wire.Code, reason string) {
	h.EndConnections(userID, func(*Client) bool { return true }, code, reason)
	for _, s := range h.sessionsOf(userID) {
		h.end(s, code)
	}
}
