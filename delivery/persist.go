package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
)

// Tables of the data plane. What is in them is a projection of the log, or
// changes slowly; each entry carries what it needs to be brought up to date by
// reading the log again.
const (
	tableSessions = "mqtt_sessions" // client id -> sessionRow: written before the step that it promises
	tableProgress = "mqtt_progress" // client id -> progressRow: written behind
	tableRetained = "mqtt_retained" // topic -> message: written behind
	tablePlane    = "mqtt_plane"    // "checkpoint" -> position up to which all of the above is written, and the last one that Meaning wanted
)

const checkpointKey = "checkpoint"

// sessionRow is what must be durable before the client is told.
type sessionRow struct {
	User   string    `json:"user"`
	Role   string    `json:"role,omitempty"`
	Expiry uint32    `json:"expiry"`
	Subs   []subRow  `json:"subs,omitempty"`
	Will   *willRow  `json:"will,omitempty"`
	From   store.Pos `json:"from"`  // nothing before it is owed
	Gen    int64     `json:"gen"`   // tells it from an earlier session of the same client id
	Since  int64     `json:"since"` // the latest connection's beginning, Unix nanoseconds
}

type subRow struct {
	Filter      string    `json:"f"`
	QoS         byte      `json:"q"`
	NoLocal     bool      `json:"nl,omitempty"`
	AsPublished bool      `json:"rap,omitempty"`
	Handling    byte      `json:"rh,omitempty"`
	ID          uint32    `json:"id,omitempty"`
	Since       store.Pos `json:"s"`
	LocalSince  store.Pos `json:"ls,omitempty"`
	Asked       uint64    `json:"a,omitempty"`
	Born        store.Pos `json:"gb,omitempty"` // of the group
}

type willRow struct {
	Topic   string `json:"topic"`
	Payload []byte `json:"payload"`
	QoS     byte   `json:"qos"`
	Retain  bool   `json:"retain,omitempty"`
	Delay   uint32 `json:"delay,omitempty"`
	Left    int64  `json:"left"`
	Props   []byte `json:"props,omitempty"`
}

// progressRow is how far the client has come: a crash loses what is newer than
// the last checkpoint, which costs repetitions of QoS 1 and nothing of QoS 2,
// whose steps are in the log.
type progressRow struct {
	Gen     int64       `json:"gen"` // of the session that it belongs to
	At      store.Pos   `json:"at"`
	Cursor  store.Pos   `json:"cursor"`
	Offline int64       `json:"offline,omitempty"`
	State   int64       `json:"state,omitempty"`
	LastID  uint16      `json:"lastId,omitempty"`
	Skipped int         `json:"skipped,omitempty"`
	Flights []flightRow `json:"flights,omitempty"`
	Done    []store.Pos `json:"done,omitempty"`
	Held    []uint16    `json:"held,omitempty"`
	Settled uint64      `json:"settled,omitempty"`
	Took    []store.Pos `json:"took,omitempty"`
}

type flightRow struct {
	ID       uint16    `json:"id"`
	Pos      store.Pos `json:"pos"`
	QoS      byte      `json:"qos"`
	Retain   bool      `json:"retain,omitempty"`
	IDs      []uint32  `json:"ids,omitempty"`
	Released bool      `json:"released,omitempty"`
	Group    uint64    `json:"group,omitempty"`
	Aside    bool      `json:"aside,omitempty"`
	Kept     bool      `json:"kept,omitempty"`
}

func toWillRow(w *will) *willRow {
	if w == nil {
		return nil
	}
	r := &willRow{Topic: w.topic, Payload: w.payload, QoS: w.qos, Retain: w.retain, Delay: w.delay, Left: w.left}
	if w.props != nil {
		r.Props = w.props.Append(nil)
	}
	return r
}

func (r *willRow) will() (*will, error) {
	if r == nil {
		return nil, nil
	}
	w := &will{topic: r.Topic, payload: r.Payload, qos: r.QoS, retain: r.Retain, delay: r.Delay, left: r.Left}
	if len(r.Props) > 0 {
		w.props = &wire.PublishProperties{}
		if err := w.props.Decode(r.Props); err != nil {
			return nil, fmt.Errorf("will properties: %w", err)
		}
	}
	return w, nil
}

// saveSession makes the session's slow-moving state durable: for a session
// that outlives its connection, and for any that has a will. mu is not held.
func (h *Hub) saveSession(s *Session) error {
	saving := h.saving.of(s.id)
	saving.Lock()
	defer saving.Unlock()
	s.mu.Lock()
	wanted := !s.ended && (s.outlives() || s.will != nil)
	row := s.row()
	s.mu.Unlock()
	if !wanted {
		if !s.kept.row {
			return nil
		}
		return h.removeRow(s)
	}
	if cur := h.session(s.id); cur != nil && cur != s {
		return nil // replaced: the row is its successor's
	}
	data, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("encode session %q: %w", s.id, err)
	}
	if _, err := h.store.Put(context.Background(), tableSessions, s.id, data, store.Any, 0); err != nil {
		return err
	}
	s.kept.row, s.kept.written = true, true
	return nil
}

// row is the stored form; mu is held.
func (s *Session) row() sessionRow {
	r := sessionRow{User: s.user, Role: s.who.Load().Role, Expiry: s.expiry, Will: toWillRow(s.will)}
	for _, sub := range s.subs {
		r.Subs = append(r.Subs, subRow{
			Filter: sub.filter, QoS: sub.qos, NoLocal: sub.noLocal, AsPublished: sub.asPublished,
			Handling: sub.retainHandling, ID: sub.id, Since: sub.since, LocalSince: sub.localSince, Asked: sub.asked, Born: sub.born,
		})
	}
	r.From, r.Gen, r.Since = s.kept.born, s.kept.gen, s.connected
	return r
}

func (h *Hub) deleteRow(id string) error {
	ctx := context.Background()
	err := h.store.PutMany(ctx, tableProgress, []store.Put{{Key: id}})
	if err != nil {
		return err
	}
	err = h.store.Delete(ctx, tableSessions, id, store.Any)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (h *Hub) forgetSession(s *Session) error {
	saving := h.saving.of(s.id)
	saving.Lock()
	defer saving.Unlock()
	if !s.kept.row {
		return nil
	}
	return h.removeRow(s)
}

// removeRow deletes what is stored of a session, unless a later one of the same
// client id has written its own already. saving.of(s.id) is held.
func (h *Hub) removeRow(s *Session) error {
	s.kept.row = false
	if cur := h.session(s.id); cur != nil && cur != s && cur.kept.written {
		return nil
	}
	return h.deleteRow(s.id)
}

// checkpoint writes what has changed behind the log, then the position that
// all of it includes.
func (h *Hub) checkpoint(ctx context.Context) error {
	// All up to pos has been routed, and its callbacks have run: what they
	// changed in a session has made it dirty.
	pos := store.Pos(min(h.tailed.Load(), h.committed.Load()))
	applied := h.lastApply.Load() // after pos: it covers all up to there
	if err := h.writeRetained(ctx); err != nil {
		return fmt.Errorf("write retained messages: %w", err)
	}
	if err := h.writeProgress(ctx, pos); err != nil {
		return fmt.Errorf("write session progress: %w", err)
	}
	if err := h.writeGroups(ctx); err != nil {
		return fmt.Errorf("write shared subscriptions: %w", err)
	}
	if pos == h.checkpointed {
		return nil
	}
	data := binary.BigEndian.AppendUint64(nil, uint64(pos))
	data = binary.BigEndian.AppendUint64(data, applied)
	if err := h.store.PutMany(ctx, tablePlane, []store.Put{{Key: checkpointKey, Data: data}}); err != nil {
		return fmt.Errorf("write the position: %w", err)
	}
	h.checkpointed = pos
	return nil
}

func (h *Hub) writeRetained(ctx context.Context) error {
	changed := h.retained.takeChanged()
	puts := make([]store.Put, 0, len(changed))
	for _, topic := range changed {
		p := store.Put{Key: retainedKey(topic)}
		if m := h.retained.get(topic); m != nil {
			p.Data = appendString(binary.BigEndian.AppendUint64(nil, uint64(m.Pos())), topic)
			p.Data = m.appendRecord(p.Data)
		}
		puts = append(puts, p)
	}
	if len(puts) == 0 {
		return nil
	}
	err := h.store.PutMany(ctx, tableRetained, puts)
	if err != nil {
		h.retained.giveBack(changed)
	}
	return err
}

// retainedKey is the topic, or a digest of it where a key could not hold it.
func retainedKey(topic string) string {
	const longest = 480
	if len(topic) <= longest {
		return topic
	}
	sum := sha256.Sum256([]byte(topic))
	return "\x00" + hex.EncodeToString(sum[:])
}

func (h *Hub) writeProgress(ctx context.Context, pos store.Pos) error {
	var puts []store.Put
	var wrote []*Session
	for _, s := range h.all() {
		saving := h.saving.of(s.id)
		saving.Lock()
		stored := s.kept.row
		saving.Unlock()
		if !stored {
			continue
		}
		s.mu.Lock()
		s.advance(pos)
		if !s.dirty || s.ended {
			s.mu.Unlock()
			continue
		}
		s.dirty = false
		data, err := json.Marshal(s.progress(pos))
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("encode progress of session %q: %w", s.id, err)
		}
		puts = append(puts, store.Put{Key: s.id, Data: data})
		wrote = append(wrote, s)
	}
	if len(puts) == 0 {
		return nil
	}
	// What an acknowledgement has brought about is in the log before the
	// acknowledgement counts for good.
	h.commit.settle()
	err := h.store.PutMany(ctx, tableProgress, puts)
	if err != nil {
		for _, s := range wrote {
			s.mu.Lock()
			s.dirty = true
			s.mu.Unlock()
		}
	}
	return err
}

// advance moves the cursor of a session that has nothing waiting over what was
// not for it: all up to pos has been offered. mu is held.
func (s *Session) advance(pos store.Pos) {
	if s.link.Load() == nil || s.out.behind || s.out.len() > 0 || pos <= s.out.read {
		return
	}
	s.out.read = pos
	s.dirty = true
}

// progress is the written-behind form; mu is held.
func (s *Session) progress(pos store.Pos) progressRow {
	o := &s.out
	o.settle()
	r := progressRow{Gen: s.kept.gen, At: pos, Cursor: s.cursor(), Offline: s.offlineSince, State: o.stateFrom, LastID: o.lastID, Skipped: o.skipped}
	if s.offlineSince == 0 {
		r.State = s.hub.now().Add(-2 * time.Second).UnixNano() // what is newer is owed again after a crash
	}
	for _, f := range o.flights {
		// A QoS 1 delivery of a shared subscription is its group's, who reads it again.
		if f.pos == 0 || f.state == flightLogging || f.share != nil && f.qos == 1 {
			continue
		}
		row := flightRow{ID: f.id, Pos: f.pos, QoS: f.qos, Retain: f.retain, IDs: f.ids, Released: f.state == flightReleased, Aside: f.aside, Kept: f.kept}
		if f.share != nil {
			row.Group = f.share.id
		}
		r.Flights = append(r.Flights, row)
	}
	for p := range o.done {
		if p <= r.Cursor {
			delete(o.done, p)
			continue
		}
		r.Done = append(r.Done, p)
	}
	r.Settled = o.settled
	for p := range o.took {
		r.Took = append(r.Took, p)
	}
	r.Held = s.held.lasting()
	return r
}

// trim lets the store forget what nobody needs any more.
func (h *Hub) trim(ctx context.Context) {
	now := h.now()
	if now.Sub(h.trimmed) < trimEvery {
		return
	}
	h.trimmed = now
	floor := h.replayFrom()
	for _, s := range h.all() {
		if !s.lasting.Load() {
			continue
		}
		s.mu.Lock()
		floor = min(floor, s.needs())
		s.mu.Unlock()
	}
	for _, g := range h.groups.all() {
		if g.durable() {
			floor = min(floor, g.cursor())
		}
	}
	if forced := min(h.forcedFloor(ctx), h.replayFrom()); forced > floor {
		for _, s := range h.all() {
			if s.lasting.Load() {
				h.giveUp(ctx, s, forced)
			}
		}
		floor = forced
	}
	if floor <= h.store.Floor() {
		return
	}
	if err := h.store.Trim(ctx, floor); err != nil {
		h.log.Error("trim the log", "before", floor, "error", err)
	}
}

const trimEvery = time.Minute

// replayFrom is the position after which a restart would have to read the log
// for the data plane's own tables and for Meaning.
func (h *Hub) replayFrom() store.Pos {
	if at := h.meaning.Position(); at < store.Pos(h.lastApply.Load()) {
		return min(h.checkpointed, at)
	}
	return h.checkpointed
}
