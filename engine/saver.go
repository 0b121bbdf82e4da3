package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// The tables, with their keys.
const (
	tableSessions     = "sessions"     // sid: sessionRecord
	tableMembers      = "members"      // sid/uid: memberRecord
	tableLive         = "live"         // sid/uid: liveRecord
	tableChallenges   = "challenges"   // cid: challengeRecord
	tableParticipants = "participants" // cid/uid: participantRecord
	tableActivities   = "activities"   // cid/uid/activity key: activityRow
	tableFlagged      = "flagged"      // cid/uid/activity key, of activities that look odd: nothing
	tableAwards       = "awards"       // cid/uid/period/kind/threshold: see awardRow
	tableSummaries    = "summaries"    // sid/uid: WorkoutSummary
	tableWorkouts     = "workouts"     // uid/start, falling/sid: WorkoutSummary
	tableRecords      = "records"      // uid: workout.Records by sport
	tableLinks        = "links"        // trainer/client: linkRecord
	tableEngine       = "engine"       // applied: the position, 8 bytes big endian; period/cid/: see keyPeriod; seen: see keySeen
)

// The keys of tableEngine.
const (
	keyApplied = "applied"
	keyPeriod  = "period/" // cid/: name of the period whose ranks are retained
)

const (
	// saveSoon is how many unsaved activities make Run save at once.
	saveSoon = 5_000
	// saveNow is how many make Applied itself save before it goes on, so that
	// memory stays bounded when saving is slower than the log.
	saveNow = 50_000
	// putChunk is how many puts go to the store in one call.
	putChunk = 2_000
	// saveLiveEvery is how often live standings are saved; joins, leaves and
	// state changes do not wait for it. After a crash at most so much of a
	// standing is missing until the athlete's next sample.
	saveLiveEvery = 10 * time.Second
)

// saver keeps what Applied and the live sessions have changed until a
// checkpoint writes it. The position is written last: after a crash between the
// two, what was written is applied again and changes nothing.
type saver struct {
	saving sync.Mutex    // one checkpoint at a time
	full   chan struct{} // Run's sign that much is unsaved
	saved  atomic.Uint64 // position in the table

	mu       sync.Mutex // guards what follows
	rows     appliedRows
	pos      store.Pos
	sessions map[*session]struct{}
	wanted   []athlete
}

// appliedRows is what records make to be written, by table.
type appliedRows struct {
	acts, flagged, awards, engine []store.Put
	sums                          []sumRow
}

// add puts more rows behind.
func (r *appliedRows) add(more appliedRows) {
	r.acts = append(r.acts, more.acts...)
	r.flagged = append(r.flagged, more.flagged...)
	r.awards = append(r.awards, more.awards...)
	r.engine = append(r.engine, more.engine...)
	r.sums = append(r.sums, more.sums...)
}

func (r *appliedRows) len() int {
	return len(r.acts) + len(r.flagged) + len(r.awards) + len(r.engine) + len(r.sums)
}

func (v *saver) init() {
	v.full = make(chan struct{}, 1)
	v.sessions = make(map[*session]struct{})
}

// applied notes that the record at pos is done, with what is to be written.
func (v *saver) applied(pos store.Pos, rows appliedRows) (unsaved int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows.add(rows)
	v.pos = max(v.pos, pos)
	return v.rows.len()
}

// take takes the position, and the sessions that have something to write.
func (v *saver) take() (pos store.Pos, dirty map[*session]struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	dirty = v.sessions
	v.sessions = make(map[*session]struct{})
	return v.pos, dirty
}

// takeRows takes what records and ticks have made to be written.
func (v *saver) takeRows() appliedRows {
	v.mu.Lock()
	defer v.mu.Unlock()
	rows := v.rows
	v.rows = appliedRows{}
	return rows
}

// giveBack has all that written again after a failure.
func (v *saver) giveBack(rows appliedRows, dirty map[*session]struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	rows.add(v.rows)
	v.rows = rows
	for s := range dirty {
		v.sessions[s] = struct{}{}
	}
}

// session notes that the session has something to write.
func (v *saver) session(s *session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sessions[s] = struct{}{}
}

func (v *saver) unsaved() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rows.len()
}

// position is the last one applied.
func (v *saver) position() store.Pos {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pos
}

// Checkpoint saves what was applied and where, so that a restart goes on from
// here. Run does it every second. On an error what is unsaved stays to be saved.
func (e *Engine) Checkpoint(ctx context.Context) error { return e.checkpoint(ctx, false) }

// checkpoint is Checkpoint; last also saves the live standings that could wait.
func (e *Engine) checkpoint(ctx context.Context, last bool) error {
	v := &e.saver
	v.saving.Lock()
	defer v.saving.Unlock()
	e.fetchRecords(ctx)
	// Ticks and records go on meanwhile, so the order is that of what follows from what,
	// from the end: a position behind what is taken later, a session that is summed up
	// behind its summaries, and everything behind what people are told of it.
	pos, dirty := v.take()
	pos = e.out.settled(pos)
	puts := e.gatherSessions(dirty, last)
	rows := v.takeRows()
	e.takeAllNotices()
	if rows.len() == 0 && len(dirty) == 0 && !e.chats.anyDirty() && !e.matches.anyDirty() && !e.blocks.anyDirty() && !e.presence.presenceUnsaved(e.now()) && !e.notes.unsaved() && !e.outside.unsaved() && pos <= store.Pos(v.saved.Load()) {
		return nil
	}
	if err := e.write(ctx, rows, puts, pos); err != nil {
		v.giveBack(rows, dirty)
		e.stats.CheckpointErrs.Add(1)
		return &fitness.Error{Op: "save what was applied", Kind: fitness.Unavailable, Msg: "the store cannot write now", Err: err}
	}
	e.stats.Checkpoints.Add(1)
	return nil
}

// gatherSessions takes what the sessions have to write, also live standings that
// could wait where all are wanted.
func (e *Engine) gatherSessions(dirty map[*session]struct{}, all bool) sessionPuts {
	now := e.now()
	puts := sessionPuts{of: dirty}
	for s := range dirty {
		if s.unsaved(&puts, now, all) {
			e.saver.session(s)
		}
	}
	return puts
}

// write hands over what others want to be told and stores what users are told, then
// what it follows from: the awards, the activities that brought them, the sessions, and
// last the position. An award whose activity is applied again is known then.
func (e *Engine) write(ctx context.Context, rows appliedRows, puts sessionPuts, pos store.Pos) error {
	err := e.writeRows(ctx, rows, puts)
	for s := range puts.of {
		s.written(err)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(e.saveChats(ctx), e.saveMatches(ctx)); err != nil {
		return err
	}
	if err := e.savePresence(ctx); err != nil {
		return err
	}
	if pos <= store.Pos(e.saver.saved.Load()) {
		return nil
	}
	data := binary.BigEndian.AppendUint64(nil, uint64(pos))
	if _, err := e.opt.Store.Put(ctx, tableEngine, keyApplied, data, store.Any, 0); err != nil {
		return fmt.Errorf("put the applied position: %w", err)
	}
	e.saver.saved.Store(uint64(pos))
	return nil
}

// writeRows stores news before what they follow from, and that in its order.
func (e *Engine) writeRows(ctx context.Context, rows appliedRows, puts sessionPuts) error {
	err := e.saveNews(ctx)
	for _, w := range []struct {
		table string
		puts  []store.Put
	}{{tableAwards, rows.awards}, {tableFlagged, rows.flagged}, {tableActivities, rows.acts}, {tableEngine, rows.engine}} {
		if err == nil {
			err = e.putMany(ctx, w.table, w.puts)
		}
	}
	if err == nil {
		err = e.writeSums(ctx, rows.sums)
	}
	for _, w := range []struct {
		table string
		puts  []store.Put
	}{{tableSessions, puts.records}, {tableMembers, puts.members}, {tableLive, puts.live}} {
		if err == nil {
			err = e.putMany(ctx, w.table, w.puts)
		}
	}
	return err
}

// putMany stores puts in chunks that leave the store room for others.
func (e *Engine) putMany(ctx context.Context, table string, puts []store.Put) error {
	for len(puts) > 0 {
		n := min(len(puts), putChunk)
		if err := e.opt.Store.PutMany(ctx, table, puts[:n]); err != nil {
			return fmt.Errorf("put %d to %s: %w", n, table, err)
		}
		puts = puts[n:]
	}
	return nil
}

// put stores one record of an administrative call durably.
func (e *Engine) put(ctx context.Context, op, table, key string, record any) error {
	if _, err := e.opt.Store.Put(ctx, table, key, encode(record), store.Any, 0); err != nil {
		return unavailable(op, err)
	}
	return nil
}

// unavailable is the error of an administrative call that the store failed.
func unavailable(op string, err error) error {
	return &fitness.Error{Op: op, Kind: fitness.Unavailable, Msg: "the store cannot write now", Err: err}
}

// deleteAll removes every key of a table that starts with prefix.
func (e *Engine) deleteAll(ctx context.Context, op, table, prefix string) error {
	var puts []store.Put
	err := e.opt.Store.Scan(ctx, table, prefix, "", func(v store.Value) bool {
		puts = append(puts, store.Put{Key: v.Key})
		return true
	})
	if err == nil {
		err = e.putMany(ctx, table, puts)
	}
	if err != nil {
		return unavailable(op, err)
	}
	return nil
}

// scan decodes every record of a table whose key starts with prefix.
func scan[T any](ctx context.Context, from store.Tables, table, prefix string, fn func(key string, record *T)) error {
	var bad error
	err := from.Scan(ctx, table, prefix, "", func(v store.Value) bool {
		record := new(T)
		if bad = json.Unmarshal(v.Data, record); bad != nil {
			bad = fmt.Errorf("read %s/%s: %w", table, v.Key, bad)
			return false
		}
		fn(v.Key, record)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("scan %s: %w", table, err)
	}
	return nil
}
