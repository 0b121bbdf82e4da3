package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/store"
)

// journal is the store's log. One goroutine, the writer, changes it; readers
// work on what has been published to them.
type journal struct {
	dir  string
	opts *Options
	ops  *queue[*journalOp]

	gens    atomic.Pointer[[]*generation] // ascending by base, never empty; replaced, not changed
	last    atomic.Uint64                 // last committed position
	floor   atomic.Uint64
	failure atomic.Pointer[error] // not nil while nothing can be written

	index *index
	hub   *hub

	// The writer's own:
	ids     *idSet
	build   builder
	retryAt time.Time // when rolling over failed: not before
}

// journalOp is a caller's request to the writer: append, trim if before is set, or
// during, which it runs between commits.
type journalOp struct {
	entries []store.Entry // without positions; the data is our own copy
	stored  [][]byte      // their stored forms
	weight  int           // bytes of the stored forms
	before  store.Pos
	during  func() error

	last   store.Pos  // the writer's answer
	result chan error // buffered: the writer never waits for a caller
}

// newAppend encodes the records in the caller's goroutine, so that nothing of
// the caller's is referenced later, even where it gives up waiting.
func newAppend(recs []store.Record) (*journalOp, error) {
	op := &journalOp{result: make(chan error, 1)}
	for i := range recs {
		if err := checkRecord(&recs[i]); err != nil {
			return nil, err
		}
		op.weight += encodedSize(&recs[i])
	}
	if op.weight > maxAppend {
		return nil, fmt.Errorf("append %d bytes, at most %d: %w", op.weight, maxAppend, store.ErrTooLarge)
	}
	arena := make([]byte, 0, op.weight)
	op.entries = make([]store.Entry, len(recs))
	op.stored = make([][]byte, len(recs))
	for i := range recs {
		r := &recs[i]
		from := len(arena)
		arena = appendRecord(arena, r)
		stored := arena[from:len(arena):len(arena)]
		op.stored[i] = stored
		op.entries[i].Record = *r
		op.entries[i].Data = stored[len(stored)-len(r.Data):]
	}
	return op, nil
}

func newJournal(dir string, opts *Options) *journal {
	j := &journal{dir: dir, opts: opts, ops: newQueue[*journalOp](), index: newIndex(), ids: newIDSet()}
	j.hub = newHub()
	j.ids.read = j.recordID
	return j
}

// open finds the generations, reads them all once to rebuild what is kept in
// memory, and leaves the newest one writable.
func (j *journal) open() error {
	numbers, unfinished, err := listGenerations(j.dir)
	if err != nil {
		return err
	}
	for _, path := range unfinished {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove unfinished log file: %w", err)
		}
	}
	var gens []*generation
	fail := func(err error) error {
		for _, g := range gens {
			err = errors.Join(err, g.close())
		}
		return err
	}
	for i, n := range numbers {
		newest := i == len(numbers)-1
		g, err := openGeneration(j.dir, n, !newest, j.mapFor(newest))
		if err != nil {
			return fail(err)
		}
		gens = append(gens, g)
	}
	if len(gens) == 0 {
		g, err := createGeneration(j.dir, 1, 1, j.mapFor(true))
		if err != nil {
			return err
		}
		gens = append(gens, g)
	}
	j.gens.Store(&gens)
	if err := j.load(gens); err != nil {
		return fail(err)
	}
	newest := gens[len(gens)-1]
	newest.db.NoSync = j.opts.Durability == Interval
	return nil
}

func (j *journal) mapFor(writable bool) int {
	if !writable {
		return 0
	}
	return mapSize(int(j.opts.GenerationBytes) * 2)
}

// load scans the generations. A record beyond the next file's first position
// is one whose commit failed: it was never acknowledged and is passed over.
func (j *journal) load(gens []*generation) error {
	next := gens[0].base
	for i, g := range gens {
		if g.base > next {
			return fmt.Errorf("%s starts at position %d, but the files before it end at %d: restore the missing log file: %w",
				g.path, g.base, next-1, store.ErrForeign)
		}
		next = g.base
		upTo := ^store.Pos(0)
		if i+1 < len(gens) {
			upTo = gens[i+1].base - 1
		}
		var gap error
		err := g.scan(g.base, upTo, func(pos store.Pos, r rawRecord) bool {
			if pos != next {
				gap = damaged(g.path, fmt.Errorf("position %d follows %d", pos, next-1))
				return false
			}
			next++
			g.count++
			g.size += int64(recordHeader + len(r.id) + len(r.topic) + len(r.data))
			if len(r.topic) > 0 {
				j.index.addRaw(r.topic, pos, len(r.data))
			}
			if len(r.id) > 0 {
				j.ids.addRaw(r.id, pos)
			}
			return true
		})
		if errors.Is(err, errPanic) {
			err = damaged(g.path, err)
		}
		if err := errors.Join(err, gap); err != nil {
			return err
		}
	}
	j.setFloor(gens[0].base)
	j.last.Store(uint64(next - 1))
	j.hub.publish(nil, next-1)
	return nil
}

func (j *journal) setFloor(p store.Pos) {
	j.floor.Store(uint64(p))
	j.index.trim(p)
}

// Append implements store.Log. The position returned is the highest that any
// of the records has, whether it was added now or was there already.
func (j *journal) Append(ctx context.Context, recs []store.Record) (store.Pos, error) {
	op, err := newAppend(recs)
	if err != nil {
		return 0, err
	}
	if err := j.ops.do(ctx, op, op.result); err != nil {
		return 0, err
	}
	return op.last, nil
}

// Trim implements store.Log: it deletes the files that lie entirely before the
// position, but never the newest one.
func (j *journal) Trim(ctx context.Context, before store.Pos) error {
	op := &journalOp{before: before, result: make(chan error, 1)}
	return j.ops.do(ctx, op, op.result)
}

// Floor implements store.Log.
func (j *journal) Floor() store.Pos { return store.Pos(j.floor.Load()) }

func (j *journal) lastPos() store.Pos { return store.Pos(j.last.Load()) }

// find returns the index of the generation that holds a position.
func find(gens []*generation, pos store.Pos) int {
	return max(0, sort.Search(len(gens), func(i int) bool { return gens[i].base > pos })-1)
}

// run is the writer's goroutine.
func (j *journal) run() {
	defer close(j.ops.done)
	period := j.opts.ProbeEvery
	if j.opts.Durability == Interval {
		period = min(period, j.opts.SyncEvery)
	}
	weigh := func(op *journalOp) int { return op.weight }
	// Several callers' batches make one transaction, up to half of what one
	// caller alone may bring.
	j.ops.run(maxAppend/2, weigh, j.commit, period, j.tick)
	j.sync()
}

// commit answers the operations: all appends together, then the others.
func (j *journal) commit(batch []*journalOp) {
	err := j.appendAll(batch)
	for _, op := range batch {
		switch {
		case op.during != nil:
			op.result <- op.during()
		case op.before > 0:
			op.result <- j.trim(op.before)
		default:
			op.result <- err
		}
	}
}

// appendAll commits the batch's records and publishes them: to the index, to
// the ids, to Applied, and last to the tail's readers.
func (j *journal) appendAll(batch []*journalOp) error {
	if f := j.failure.Load(); f != nil {
		return *f
	}
	tailed := j.hub.wanted()
	if err := j.build.fill(batch, j.lastPos(), j.ids); err != nil {
		return writeError("look up record ids", err)
	}
	b := &j.build
	if len(b.entries) == 0 {
		return nil
	}
	count, first := len(b.entries), b.entries[0].Pos
	g := j.newest()
	err := j.opts.fault("log.before")
	if err == nil {
		err = g.append(first, b.stored)
	}
	if err == nil {
		err = j.opts.fault("log.after")
	}
	if err != nil {
		return j.fail(g, err)
	}
	g.count += count
	g.size += b.size
	g.synced = j.opts.Durability == Commit
	j.publish(b.entries, tailed)
	b.done(tailed)
	if g.size >= j.opts.GenerationBytes || g.count >= j.opts.GenerationRecords {
		j.roll(g)
	}
	return nil
}

func (j *journal) publish(entries []store.Entry, tailed bool) {
	j.index.mu.Lock()
	for i := range entries {
		if e := &entries[i]; e.Topic != "" {
			j.index.addLocked(e.Topic, e.Pos, len(e.Data))
		}
	}
	j.index.mu.Unlock()
	for i := range entries {
		if e := &entries[i]; e.ID != "" {
			j.ids.add(e.ID, e.Pos)
		}
	}
	last := entries[len(entries)-1].Pos
	j.last.Store(uint64(last))
	if !tailed {
		entries = nil // nobody needs them, and the buffers are used again
	}
	j.hub.publish(entries, last)
}

// close ends the writer and releases the files.
func (j *journal) close() error {
	close(j.ops.quit)
	<-j.ops.done
	j.hub.close()
	var errs error
	if f := j.failure.Load(); f == nil && !j.newest().synced {
		errs = errors.New("last sync of the log failed")
	}
	for _, g := range *j.gens.Load() {
		errs = errors.Join(errs, g.close())
	}
	return errs
}
