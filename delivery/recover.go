package delivery

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fitmq/fitmq/store"
)

// recover brings back what the tables hold, then reads the log behind them.
func (h *Hub) recover(ctx context.Context) error {
	if err := h.readCheckpoint(ctx); err != nil {
		return err
	}
	if err := h.readRetained(ctx); err != nil {
		return err
	}
	if err := h.readSessions(ctx); err != nil {
		return err
	}
	if err := h.readGroups(ctx); err != nil {
		return fmt.Errorf("read shared subscriptions: %w", err)
	}
	if err := h.replay(ctx); err != nil {
		return err
	}
	h.rejoin()
	h.resumeWills()
	return nil
}

func (h *Hub) readCheckpoint(ctx context.Context) error {
	v, err := h.store.Get(ctx, tablePlane, checkpointKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	if len(v.Data) != 16 {
		return fmt.Errorf("checkpoint has %d bytes, not 16: %w", len(v.Data), store.ErrForeign)
	}
	h.checkpointed = store.Pos(binary.BigEndian.Uint64(v.Data))
	h.lastApply.Store(binary.BigEndian.Uint64(v.Data[8:]))
	return nil
}

func (h *Hub) readRetained(ctx context.Context) error {
	var bad error
	err := h.store.Scan(ctx, tableRetained, "", "", func(v store.Value) bool {
		if len(v.Data) < 8 {
			bad = fmt.Errorf("retained message %q: %w", v.Key, errBadRecord)
			return false
		}
		r := reader{b: v.Data[8:]}
		topic := r.string()
		m, err := decodeMessage(topic, r.b)
		if err != nil || r.bad {
			bad = fmt.Errorf("retained message %q: %w", v.Key, errors.Join(err, errBadRecord))
			return false
		}
		m.setPos(store.Pos(binary.BigEndian.Uint64(v.Data)))
		h.retained.put(m)
		return true
	})
	return errors.Join(err, bad)
}

func (h *Hub) readSessions(ctx context.Context) error {
	progress := map[string]progressRow{}
	var bad error
	err := h.store.Scan(ctx, tableProgress, "", "", func(v store.Value) bool {
		var p progressRow
		if bad = json.Unmarshal(v.Data, &p); bad != nil {
			bad = fmt.Errorf("progress of session %q: %w", v.Key, bad)
			return false
		}
		progress[v.Key] = p
		return true
	})
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	err = h.store.Scan(ctx, tableSessions, "", "", func(v store.Value) bool {
		var row sessionRow
		if bad = json.Unmarshal(v.Data, &row); bad != nil {
			bad = fmt.Errorf("session %q: %w", v.Key, bad)
			return false
		}
		var s *Session
		if s, bad = h.restore(v.Key, row, progress[v.Key]); bad != nil {
			return false
		}
		h.keepSession(s)
		return true
	})
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	return nil
}

// rejoin puts the recovered subscriptions in force.
func (h *Hub) rejoin() {
	for _, s := range h.sessions {
		for i := range s.out.flights {
			if f := &s.out.flights[i]; f.share != nil {
				f.share.begun(f.pos)
			}
		}
		for _, sub := range s.subs {
			h.inForce(s, sub)
		}
	}
	h.groups.recovered = nil
}

// restore makes a session of its rows. One that was connected when the broker
// ended counts as lost at this start.
func (h *Hub) restore(id string, row sessionRow, p progressRow) (*Session, error) {
	if p.Gen != row.Gen {
		p = progressRow{} // an earlier session's
	}
	s := newSession(h, id)
	s.user, s.kept.row, s.kept.gen, s.kept.born, s.kept.applied = row.User, true, row.Gen, row.From, p.At
	s.who.Store(&Client{ID: id, UserID: row.User, Role: row.Role})
	s.setExpiry(row.Expiry)
	s.offlineSince, s.connected, s.kept.written = p.Offline, row.Since, true
	if s.offlineSince < row.Since { // it was there, whatever an older checkpoint says
		s.offlineSince, s.dirty = h.now().UnixNano(), true
	}
	for _, r := range row.Subs {
		s.subs[r.Filter] = &subscription{
			filter: r.Filter, qos: r.QoS, noLocal: r.NoLocal, asPublished: r.AsPublished,
			retainHandling: r.Handling, id: r.ID, since: r.Since, localSince: r.LocalSince, asked: r.Asked, born: r.Born,
		}
	}
	w, err := row.Will.will()
	if err != nil {
		return nil, fmt.Errorf("session %q: %w", id, err)
	}
	s.will = w
	o := &s.out
	o.read, o.behind, o.stateFrom, o.lastID, o.skipped = max(p.Cursor, row.From), true, p.State, p.LastID, p.Skipped
	for _, f := range p.Flights {
		state := flightSent
		if f.Released {
			state = flightReleased
		}
		q := queued{qos: f.QoS, retain: f.Retain, ids: f.IDs, pos: f.Pos, aside: f.Aside, kept: f.Kept, recalled: len(f.IDs) == 0}
		if f.Group != 0 {
			q.share = h.groups.recall(f.Group)
		}
		o.flights = append(o.flights, flight{queued: q, id: f.ID, state: state})
	}
	if len(p.Done) > 0 {
		o.done = map[store.Pos]struct{}{}
		for _, pos := range p.Done {
			o.done[pos] = struct{}{}
		}
	}
	o.settled, o.asked, o.interrupted = p.Settled, p.Settled, true
	for _, sub := range s.subs {
		o.asked = max(o.asked, sub.asked)
	}
	for _, pos := range p.Took {
		o.keptOwed.acknowledged(pos)
	}
	for _, id := range p.Held {
		s.held[id] = heldReceived
	}
	return s, nil
}

// replay reads the log behind the projections, up to its present end.
func (h *Hub) replay(ctx context.Context) error {
	head, _ := h.store.Applied()
	from := h.replayFrom()
	if floor := h.store.Floor(); floor > 0 {
		from = max(from, floor-1) // Floor is the first position that is kept
	}
	if from < head {
		reading, stop := context.WithCancel(ctx)
		defer stop()
		err := h.store.Tail(reading, from, func(entries []store.Entry) error {
			for _, e := range entries {
				if e.Pos > head {
					break
				}
				if err := h.replayEntry(e); err != nil {
					return err
				}
			}
			if entries[len(entries)-1].Pos >= head {
				stop()
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the log after %d: %w", from, err)
		}
	}
	h.committed.Store(uint64(head))
	h.tailed.Store(uint64(head))
	return nil
}

func (h *Hub) replayEntry(e store.Entry) error {
	if e.Kind == kindFlow {
		return h.replayFlow(e)
	}
	if e.Kind != kindMessage {
		return nil
	}
	m, err := decodeEntry(e)
	if err != nil {
		h.log.Error("skip a record that cannot be read", "pos", e.Pos, "error", err)
		h.stats.Dropped.Damaged.Add(1)
		return nil
	}
	if m.keep && e.Pos > h.checkpointed {
		// What was retained at QoS 0 has no position: its arrival decides.
		old := h.retained.get(m.Topic)
		if old == nil || old.Pos() != 0 && old.Pos() < e.Pos || old.Pos() == 0 && old.At <= m.At {
			h.retained.set(m)
		}
	}
	if m.apply && e.Pos > h.meaning.Position() {
		h.lastApply.Store(uint64(e.Pos))
		h.meaning.Applied(e.Pos, m)
	}
	if m.From.PacketID != 0 {
		s := h.sessions[m.From.ClientID]
		if s != nil && e.Pos > s.kept.applied && m.At >= s.kept.gen { // else it was an earlier session's
			s.held[m.From.PacketID], s.dirty = heldReceived, true
		}
	}
	return nil
}

// resumeWills publishes, or delays, the wills of those who were connected when
// the broker ended or whose delay was running.
func (h *Hub) resumeWills() {
	for _, s := range h.sessions {
		if s.will == nil {
			continue
		}
		since := h.now()
		if s.offlineSince != 0 {
			since = time.Unix(0, s.offlineSince)
		}
		delay := min(s.will.delay, s.expiry)
		h.wills.add(s.id, &pendingWill{w: s.will, c: s.who.Load(), at: since.Add(seconds(delay))})
	}
}
