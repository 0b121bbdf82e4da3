package gateway

import (
	"net"
	"net/http"
	"sync"
)

// silent are the connections that have sent nothing yet, as browsers open them in
// advance. net/http waits five seconds for each of them before it goes down; they
// are closed at once instead. Safe for concurrent use. There are no more than the
// server has connections.
type silent struct {
	mu    sync.Mutex // guards the fields below
	over  bool
	conns map[net.Conn]struct{}
}

// changed is the server's ConnState hook.
func (s *silent) changed(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.conns, c)
	case s.over:
		_ = c.Close() // nothing was said on it
	default:
		if s.conns == nil {
			s.conns = map[net.Conn]struct{}{}
		}
		s.conns[c] = struct{}{}
	}
}

// end closes them, and those to come.
func (s *silent) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for c := range s.conns {
		_ = c.Close() // nothing was said on it
	}
	clear(s.conns)
}
