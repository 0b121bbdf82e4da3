package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

// tableBlocks has who/whom: blockRecord, without Whom.
const tableBlocks = "blocks"

// maxBlocks bounds whom a user has blocked; more are refused (Quota).
const maxBlocks = 10_000

// blockSet is who has blocked whom: one list for messages and for partners.
type blockSet struct {
	mu    sync.RWMutex // guards what follows
	m     map[string]map[string]blockRecord
	dirty map[link]struct{} // who and whom, to be saved
}

func (b *blockSet) init() {
	b.m, b.dirty = make(map[string]map[string]blockRecord), make(map[link]struct{})
}

// get returns the record. A pair that never had one has a zero Off and no block:
// use has.
func (b *blockSet) get(who, whom string) (blockRecord, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	rec, ok := b.m[who][whom]
	return rec, ok
}

// has reports whether who has blocked whom.
func (b *blockSet) has(who, whom string) bool {
	rec, ok := b.get(who, whom)
	return ok && !rec.Off
}

// parted reports whether one of the two had blocked the other when the record at pos
// came into the log: the same whenever that is applied.
func (b *blockSet) parted(x, y string, pos store.Pos) bool {
	for _, l := range []link{{x, y}, {y, x}} {
		if rec, ok := b.get(l.trainer, l.client); ok && !rec.Off && !rec.early && store.Pos(rec.Pos) <= pos {
			return true
		}
	}
	return false
}

// knows is has, where who may be told so: of a partner who was proposed they know
// no user id.
func (b *blockSet) knows(who, whom string) bool {
	rec, ok := b.get(who, whom)
	return ok && !rec.Off && rec.As == ""
}

// len is how many who has blocked, those that ended included.
func (b *blockSet) len(who string) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.m[who])
}

func (b *blockSet) set(who, whom string, rec blockRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m[who] == nil {
		b.m[who] = make(map[string]blockRecord)
	}
	rec.Whom = ""
	b.m[who][whom] = rec
}

// begin notes a block of the record at pos, 0 for one that is not in the log yet.
// One that was ended after that record stays ended, and one whose user id is known
// does not become a partner's.
func (b *blockSet) begin(who, whom, as string, pos uint64) {
	old, known := b.get(who, whom)
	if pos > 0 && known && old.Pos >= pos {
		return
	}
	if known && !old.Off && old.As == "" {
		as = ""
	}
	early := pos == 0 && (!known || old.Off || old.early)
	b.set(who, whom, blockRecord{As: as, Pos: max(pos, old.Pos), early: early})
	if pos > 0 {
		b.mu.Lock()
		b.dirty[link{who, whom}] = struct{}{}
		b.mu.Unlock()
	}
}

// find returns who is blocked under that name, a user id or a partnerId.
func (b *blockSet) find(who, name string) (whom string, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if rec, known := b.m[who][name]; known && !rec.Off && rec.As == "" {
		return name, true
	}
	for id, rec := range b.m[who] {
		if !rec.Off && rec.As == name && name != "" {
			return id, true
		}
	}
	return "", false
}

// checkBlock judges a block that somebody wants.
func (e *Engine) checkBlock(op, who, whom string) error {
	if err := validID(op, "user", whom); err != nil {
		return err
	}
	if who == "" || who == whom {
		return fitness.Errorf(op, fitness.Invalid, "you cannot block yourself")
	}
	if _, known := e.blocks.get(who, whom); !known && e.blocks.len(who) >= maxBlocks {
		return fitness.Errorf(op, fitness.Quota, "you have blocked %d users, the limit", maxBlocks)
	}
	return nil
}

// PutBlock keeps whom and the actor from writing to each other in a conversation
// of two, and from being proposed to each other. Errors: Invalid, Quota,
// Unavailable.
func (e *Engine) PutBlock(ctx context.Context, actor Actor, whom string) error {
	const op = "put block"
	e.admin.Lock()
	defer e.admin.Unlock()
	if err := e.checkBlock(op, actor.UserID, whom); err != nil {
		return err
	}
	if err := e.putBlock(ctx, op, actor.UserID, whom, false); err != nil {
		return err
	}
	e.revoke(actor.UserID, whom)
	return nil
}

// DeleteBlock ends it; a partner who was blocked from a proposal has the partnerId
// for a name. Errors: NotFound, Unavailable.
func (e *Engine) DeleteBlock(ctx context.Context, actor Actor, name string) error {
	const op = "delete block"
	e.admin.Lock()
	defer e.admin.Unlock()
	whom, ok := e.blocks.find(actor.UserID, name)
	if !ok {
		return fitness.Errorf(op, fitness.NotFound, "you have not blocked user %.80s", name)
	}
	return e.putBlock(ctx, op, actor.UserID, whom, true)
}

// putBlock stores a block's beginning or end: it wins over what the log says up to
// now. An end is kept until the next start, so that a record which is read again
// after a crash does not bring the block back.
func (e *Engine) putBlock(ctx context.Context, op, who, whom string, off bool) error {
	e.saver.saving.Lock() // a checkpoint must not write an older state afterwards
	defer e.saver.saving.Unlock()
	rec := blockRecord{Off: off, Pos: uint64(e.saver.position())}
	if err := e.put(ctx, op, tableBlocks, who+"/"+whom, rec); err != nil {
		return err
	}
	e.blocks.set(who, whom, rec)
	return nil
}

// Blocks lists whom the user has blocked, in order: user ids, and partnerIds of
// those who are known by no other name.
func (e *Engine) Blocks(userID string) []string {
	e.blocks.mu.RLock()
	defer e.blocks.mu.RUnlock()
	list := []string{}
	for whom, rec := range e.blocks.m[userID] {
		switch {
		case rec.Off:
		case rec.As != "":
			list = append(list, rec.As)
		default:
			list = append(list, whom)
		}
	}
	slices.Sort(list)
	return list
}

// loadBlocks brings back blocks. Ends whose records are not read again are over.
func (e *Engine) loadBlocks(ctx context.Context, _ time.Time) error {
	err := scan(ctx, e.opt.Store, tableBlocks, "", func(key string, rec *blockRecord) {
		who, whom, _ := strings.Cut(key, "/")
		e.blocks.set(who, whom, *rec)
	})
	if err != nil {
		return err
	}
	for who, list := range e.blocks.m { // nobody else is here yet
		for whom, rec := range list {
			if !rec.Off || rec.Pos > e.saver.saved.Load() {
				continue
			}
			if err := e.opt.Store.Delete(ctx, tableBlocks, who+"/"+whom, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
				return unavailable("load blocks", err)
			}
			delete(list, whom)
		}
	}
	return nil
}
