package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Bounds of one look at the queues: what waits in the log is counted in the topic
// index, session by session, those first that are the furthest behind.
const (
	backlogLook = 10_000
	backlogTime = 500 * time.Millisecond
)

// Backlog is a session with what waits for it.
type Backlog struct {
	ClientInfo
	Queue
}

// Backlogs tells for which sessions the most waits.
type Backlogs struct {
	// List has the most first.
	List []Backlog
	// Sessions is how many there are, Looked how many were counted: of very many
	// not all are.
	Sessions, Looked int
}

// weighed is a session with what was counted of it.
type weighed struct {
	s     *Session
	read  store.Pos
	deep  bool // more is in the log
	n     int
	bytes int64
}

// Backlogs returns at most limit sessions for which something waits, those with
// the most bytes first, or the most messages. Errors: the store's, the context's.
func (h *Hub) Backlogs(ctx context.Context, byMessages bool, limit int) (Backlogs, error) {
	all := h.all()
	b := Backlogs{Sessions: len(all)}
	list := make([]weighed, 0, len(all))
	for _, s := range all {
		list = append(list, s.weigh())
	}
	slices.SortFunc(list, func(a, b weighed) int {
		if a.deep != b.deep {
			return map[bool]int{true: -1, false: 1}[a.deep]
		}
		return cmp.Compare(a.read, b.read)
	})
	head, _ := h.store.Applied()
	end, late := h.now().Add(backlogTime), false
	for i := range list {
		w := &list[i]
		if w.deep {
			if late = late || i >= backlogLook || i%64 == 63 && h.now().After(end); late {
				continue
			}
			if err := h.countLogged(ctx, w, head); err != nil {
				return Backlogs{}, err
			}
		}
		b.Looked++
	}
	list = slices.DeleteFunc(list, func(w weighed) bool { return w.n == 0 })
	slices.SortFunc(list, func(x, y weighed) int {
		if byMessages {
			return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.s.id, y.s.id))
		}
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(x.s.id, y.s.id))
	})
	for _, w := range list[:min(limit, len(list))] {
		q, err := h.Queue(ctx, w.s.id) // it also tells how old
		if errors.Is(err, ErrNoSession) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return Backlogs{}, err
		}
		b.List = append(b.List, Backlog{w.s.info(), q})
	}
	return b, nil
}

// weigh counts what waits in memory, sent and not acknowledged or not sent yet.
func (s *Session) weigh() weighed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return weighed{
		s: s, read: s.out.read, deep: s.out.behind && s.lasting.Load(),
		n: s.out.len() + len(s.out.flights), bytes: int64(s.out.bytes + s.out.flying),
	}
}

// countLogged adds what waits in the log.
func (h *Hub) countLogged(ctx context.Context, w *weighed, head store.Pos) error {
	w.s.mu.Lock()
	spans := owedSpans(w.s.filters(), w.read)
	w.s.mu.Unlock()
	if len(spans) == 0 {
		return nil
	}
	n, bytes, err := h.store.Count(ctx, spans, head)
	if err != nil {
		return fmt.Errorf("count what waits: %w", err)
	}
	w.n += n
	w.bytes += bytes
	return nil
}
