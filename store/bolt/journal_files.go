package bolt

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/fitmq/fitmq/store"
)

func (j *journal) newest() *generation {
	gens := *j.gens.Load()
	return gens[len(gens)-1]
}

// roll begins a new generation. If that fails the old one goes on growing and
// it is tried again later: nothing is lost by it.
func (j *journal) roll(g *generation) {
	if now := j.opts.Now(); now.Before(j.retryAt) {
		return
	}
	if !j.syncGeneration(g) {
		return
	}
	if err := j.begin(g.number + 1); err != nil {
		j.retryAt = j.opts.Now().Add(j.opts.ProbeEvery)
	}
}

// begin makes a new generation the one that is written to.
func (j *journal) begin(number int) error {
	if err := j.opts.fault("log.create"); err != nil {
		return err
	}
	g, err := createGeneration(j.dir, number, j.lastPos()+1, j.mapFor(true))
	if err != nil {
		return err
	}
	g.db.NoSync = j.opts.Durability == Interval
	gens := append(slices.Clone(*j.gens.Load()), g)
	j.gens.Store(&gens)
	return nil
}

// fail gives up a generation in which a commit failed. What the failed commit
// has left in it is unknown, also whether the disk has what the kernel's cache
// shows after a failed sync; so it is never written to again, and when a new
// file can be made (tick), that one starts at the position that failed, which
// hides whatever may stand there. What was acknowledged before is untouched:
// bbolt never changes a page that its last durable state uses.
func (j *journal) fail(g *generation, err error) error {
	g.stuck = g.stuck || errors.Is(err, errPanic)
	err = writeError("append to log", err)
	j.failure.Store(&err)
	return err
}

// tick is called regularly by the writer: it syncs under Interval durability,
// and after a failure tries whether writing works again.
func (j *journal) tick() {
	if j.failure.Load() == nil {
		j.sync()
		return
	}
	g := j.newest()
	if err := j.begin(g.number + 1); err != nil {
		err = writeError("append to log", err)
		j.failure.Store(&err)
		return
	}
	if g.count == 0 {
		j.discard(g)
	}
	j.failure.Store(nil)
}

// discard removes a given up generation that holds nothing of ours.
func (j *journal) discard(g *generation) {
	gens := slices.DeleteFunc(slices.Clone(*j.gens.Load()), func(o *generation) bool { return o == g })
	j.gens.Store(&gens)
	_ = g.close()         // nothing in it matters
	_ = os.Remove(g.path) // if it stays, the next Open finds it empty of positions
}

// sync pays what Interval durability owes.
func (j *journal) sync() {
	if j.failure.Load() == nil {
		j.syncGeneration(j.newest())
	}
}

func (j *journal) syncGeneration(g *generation) bool {
	if g.synced {
		return true
	}
	err := j.opts.fault("log.sync")
	if err == nil {
		err = g.db.Sync()
	}
	if err != nil {
		_ = j.fail(g, err) // the next Append reports it
		return false
	}
	g.synced = true
	return true
}

// trim is Trim in the writer's goroutine.
func (j *journal) trim(before store.Pos) error {
	gens := *j.gens.Load()
	n := 0
	for n+1 < len(gens) && gens[n+1].base <= before {
		n++
	}
	if n == 0 {
		return nil
	}
	kept := slices.Clone(gens[n:])
	j.setFloor(kept[0].base)
	j.gens.Store(&kept)
	j.ids.dropBefore(kept[0].base)
	var errs error
	for _, g := range gens[:n] {
		errs = errors.Join(errs, g.close()) // waits for readers that are in it
		if err := os.Remove(g.path); err != nil {
			errs = errors.Join(errs, fmt.Errorf("trim log: %w", err))
		}
	}
	return errors.Join(errs, syncDir(j.dir))
}

// Size implements store.Log: the lengths of the log's files.
func (j *journal) Size() int64 {
	var sum int64
	for _, g := range *j.gens.Load() {
		sum += g.length()
	}
	return sum
}

// Excess implements store.Log.
func (j *journal) Excess(limit int64) store.Pos {
	gens := *j.gens.Load()
	left := limit
	for i := len(gens) - 1; i > 0; i-- {
		if left -= gens[i].length(); left < gens[i-1].length() {
			return gens[i].base
		}
	}
	return 0
}

// length is the file's length in bytes; 0 once it has been trimmed.
func (g *generation) length() int64 {
	info, err := os.Stat(g.path)
	if err != nil {
		return 0
	}
	return info.Size()
}
