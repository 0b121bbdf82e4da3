package delivery

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// ClientInfo is what operators see of a session.
type ClientInfo struct {
	ID, UserID, Role string
	Connected        bool
	// Via is how it is connected: "mqtt", "http", or "" while it is not. Version
	// is MQTT's, Remote the address.
	Via     string
	Version byte
	Remote  string
	// Since is when the connection began, or ended.
	Since time.Time
	// Expiry is the session expiry interval in seconds, 0xFFFFFFFF for never.
	Expiry uint32
	// Subscriptions are the filters with their QoS.
	Subscriptions map[string]byte
	// Inflight is how many deliveries are sent and not acknowledged, Waiting how
	// many more wait in memory, Behind whether further ones are in the log.
	Inflight, Waiting int
	Behind            bool
	Will              bool
	// Window is how many deliveries the client takes before it acknowledges; 0
	// while it is not connected.
	Window int
	// Dropped counts deliveries that were given up, by reason (DropNames), since
	// the session began or the server started.
	Dropped map[string]uint64
}

// ClientQuery says which sessions Clients lists.
type ClientQuery struct {
	After  string // the next of the page before
	Limit  int
	Search string // a part of client id, user id or address, whatever its case
	// Connected: nil for all.
	Connected *bool
	Sort      string // "id" (also ""), "user", "since" or "waiting", the latest and the most first
}

// Clients lists sessions; next is "" at the end. It looks at each session there is.
func (h *Hub) Clients(q ClientQuery) (list []ClientInfo, next string) {
	type placed struct {
		key string
		s   *Session
	}
	var found []placed
	search := strings.ToLower(q.Search)
	for _, s := range h.all() {
		if q.Connected != nil && *q.Connected != (s.link.Load() != nil) || !s.found(search) {
			continue
		}
		if key := s.sortKey(q.Sort); key > q.After {
			found = append(found, placed{key, s})
		}
	}
	slices.SortFunc(found, func(a, b placed) int { return cmp.Compare(a.key, b.key) })
	if len(found) > q.Limit {
		found = found[:q.Limit]
		next = found[q.Limit-1].key
	}
	for _, one := range found {
		list = append(list, one.s.info())
	}
	return list, next
}

// found reports whether the session is one that lower-case text is searched in.
func (s *Session) found(text string) bool {
	return text == "" || slices.ContainsFunc([]string{s.id, s.user, s.who.Load().Remote}, func(in string) bool {
		return strings.Contains(strings.ToLower(in), text)
	})
}

// sortKey is what sessions are ordered by; no two have the same.
func (s *Session) sortKey(by string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := func(n int64) string { return fmt.Sprintf("%019d!%s", math.MaxInt64-n, s.id) }
	switch by {
	case "user":
		return s.user + "!" + s.id // sorts before whatever ids are made of
	case "since":
		return most(cmp.Or(s.offlineSince, s.connected))
	case "waiting":
		return most(int64(len(s.out.flights) + s.out.len()))
	}
	return s.id
}

// Client returns one session.
func (h *Hub) Client(clientID string) (ClientInfo, bool) {
	s := h.session(clientID)
	if s == nil {
		return ClientInfo{}, false
	}
	return s.info(), true
}

func (s *Session) info() ClientInfo {
	who := s.who.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := ClientInfo{
		ID: s.id, UserID: s.user, Role: who.Role, Expiry: s.expiry, Subscriptions: make(map[string]byte, len(s.subs)),
		Inflight: len(s.out.flights), Waiting: s.out.len(), Behind: s.out.behind, Will: s.will != nil,
		Since: time.Unix(0, cmp.Or(s.offlineSince, s.connected)).UTC(), Dropped: s.drops.counts(),
	}
	for _, sub := range s.subs {
		c.Subscriptions[sub.filter] = sub.qos
	}
	if s.link.Load() != nil {
		c.Connected, c.Version, c.Remote, c.Window = true, who.Version, who.Remote, s.out.size
		c.Via = cmp.Or(who.Via, "mqtt")
	}
	return c
}

// Disconnect ends the client's connection, if there is one, and with forget its
// session too, with all that waits for it. ErrNoSession.
func (h *Hub) Disconnect(clientID string, forget bool) error {
	s := h.session(clientID)
	if s == nil {
		return ErrNoSession
	}
	if l := s.link.Load(); l != nil {
		l.hangUp(wire.AdministrativeAction, "an administrator has ended the connection")
	}
	if forget {
		h.end(s, wire.AdministrativeAction)
	}
	return nil
}

// Queue is what waits for a client.
type Queue struct {
	// Inflight deliveries are sent and not acknowledged. Messages, of together
	// Bytes, wait in memory and in the log. Of the log what the subscriptions match
	// is counted: some of it may turn out to be expired, or the client's own.
	Inflight, Messages int
	Bytes              int64
	// Oldest is when the oldest of all of them arrived; zero when there is none.
	Oldest time.Time
}

func (q *Queue) add(m *Message) {
	q.Messages++
	q.Bytes += int64(m.size())
	q.older(m.At)
}

func (q *Queue) older(at int64) {
	if t := time.Unix(0, at).UTC(); q.Oldest.IsZero() || t.Before(q.Oldest) {
		q.Oldest = t
	}
}

// Queue tells what waits for a client. It reads the log. Errors: ErrNoSession and
// the store's.
func (h *Hub) Queue(ctx context.Context, clientID string) (Queue, error) {
	s := h.session(clientID)
	if s == nil {
		return Queue{}, ErrNoSession
	}
	var q Queue
	s.mu.Lock()
	q.Inflight = len(s.out.flights)
	var unread []store.Pos
	for i := range s.out.flights {
		if f := &s.out.flights[i]; f.m != nil {
			q.older(f.m.At)
		} else if f.pos != 0 {
			unread = append(unread, f.pos)
		}
	}
	for _, waits := range s.out.queue[s.out.head:] {
		q.add(waits.m)
	}
	subs, from, behind := s.filters(), s.out.read, s.out.behind && s.lasting.Load()
	s.mu.Unlock()
	if len(unread) > 0 {
		if m := h.load(slices.Min(unread)); m != nil {
			q.older(m.At)
		}
	}
	spans := owedSpans(subs, from)
	if !behind || len(spans) == 0 {
		return q, nil
	}
	head, _ := h.store.Applied()
	n, bytes, err := h.store.Count(ctx, spans, head)
	if err != nil {
		return q, fmt.Errorf("count what waits: %w", err)
	}
	q.Messages += n
	q.Bytes += bytes
	first, err := h.store.Read(ctx, spans, head, 1)
	if err != nil {
		return q, fmt.Errorf("read what waits: %w", err)
	}
	for _, e := range first {
		if m, err := decodeEntry(e); err == nil { // one that is damaged has no time
			q.older(m.At)
		}
	}
	return q, nil
}
