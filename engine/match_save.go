package engine

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// tableMatches has conversation of the two: pairRecord, of pairs of which one has
// answered. No position and no cell is in it.
const tableMatches = "matches"

// anyDirty reports whether there is something to save.
func (m *matchBook) anyDirty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.dirty) > 0
}

// takeDirty takes the pairs that have something to save, with their rows.
func (m *matchBook) takeDirty() (dirty map[*pair]struct{}, puts []store.Put) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dirty = m.dirty
	m.dirty = make(map[*pair]struct{})
	for p := range dirty {
		put := store.Put{Key: topics.Direct(p.who[0].id, p.who[1].id)}
		switch now := m.between(p.who[0].id, p.who[1].id); {
		case now == p:
			put.Data = encode(p.pairRecord)
		case now != nil && now.answered():
			continue // forgotten, proposed anew and answered: its own row counts
		}
		puts = append(puts, put)
	}
	return dirty, puts
}

// anyDirty reports whether there is something to save.
func (b *blockSet) anyDirty() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.dirty) > 0
}

// takeDirty takes the blocks that have to be saved, with their rows.
func (b *blockSet) takeDirty() (dirty map[link]struct{}, puts []store.Put) {
	b.mu.Lock()
	defer b.mu.Unlock()
	dirty = b.dirty
	b.dirty = make(map[link]struct{})
	for x := range dirty {
		put := store.Put{Key: x.trainer + "/" + x.client}
		if rec, ok := b.m[x.trainer][x.client]; ok {
			put.Data = encode(rec)
		}
		puts = append(puts, put)
	}
	return dirty, puts
}

// saveMatches writes answers, matches and blocks that came by the log.
func (e *Engine) saveMatches(ctx context.Context) error {
	// Blocks first: an answer that the log has before a block is taken, too, and does
	// not find that block when it is applied again.
	blocks, blockRows := e.blocks.takeDirty()
	pairs, rows := e.matches.takeDirty()
	err := e.putMany(ctx, tableMatches, rows)
	if err == nil {
		err = e.putMany(ctx, tableBlocks, blockRows)
	}
	if err == nil {
		return nil
	}
	e.matches.mu.Lock()
	for p := range pairs {
		e.matches.dirty[p] = struct{}{}
	}
	e.matches.mu.Unlock()
	e.blocks.mu.Lock()
	for x := range blocks {
		e.blocks.dirty[x] = struct{}{}
	}
	e.blocks.mu.Unlock()
	return err
}

// loadMatches brings back what people have answered; whose time is over goes with
// the first tick.
func (e *Engine) loadMatches(ctx context.Context, _ time.Time) error {
	return scan(ctx, e.opt.Store, tableMatches, "", func(key string, rec *pairRecord) {
		if a, b, ok := topics.SplitDirect(key); ok {
			e.matches.recall([2]string{a, b}, *rec)
		}
	})
}
