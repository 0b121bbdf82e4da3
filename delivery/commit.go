package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Bounds of what waits to be committed.
const (
	// commitRecords and commitBytes bound one Append.
	commitRecords = 8192
	commitBytes   = 8 << 20
	// backlogBytes bounds all that waits. A publisher that would exceed it is
	// held on its own reading goroutine until the store has caught up: so the
	// store, and nothing else, slows publishers.
	backlogBytes = 64 << 20
	// storeRetry is how long the committer waits after a failed Append.
	storeRetry = 200 * time.Millisecond
)

// op is one step that waits for the log.
type op struct {
	// rec is what to append. Without a record (none) the op only keeps its
	// place in the order of acknowledgements.
	rec  store.Record
	none bool
	size int
	// from is the connection that it came over. Once one of its ops has failed
	// its later ones are not appended: their client sends all of them again,
	// in order.
	from *link
	// done is called on the committer's goroutine, in order; nil = durable.
	done func(error)
}

// committer is the one writer of the log: all that gathers while an Append is
// under way is the next one.
type committer struct {
	hub *Hub
	// batch gathers the connections that callbacks write to. Only the
	// committer's goroutine uses it.
	batch batch
	// last is the end of the log as of the latest Append; for callbacks.
	last store.Pos

	mu      sync.Mutex // guards below; nothing else is locked under it
	room    *sync.Cond // backlog fell
	work    *sync.Cond // queue is not empty, or closed
	queue   []op
	backlog int
	closed  bool
}

func newCommitter(h *Hub) *committer {
	c := &committer{hub: h}
	c.room, c.work = sync.NewCond(&c.mu), sync.NewCond(&c.mu)
	return c
}

// add puts an op into the line. mayWait says whether the caller can be held
// back while the backlog is full; the broker's own work is not.
func (c *committer) add(o op, mayWait bool) {
	o.size = len(o.rec.Data) + len(o.rec.Topic) + 64
	c.mu.Lock()
	for mayWait && c.backlog >= backlogBytes && !c.closed {
		c.room.Wait()
	}
	if c.closed {
		c.mu.Unlock()
		return // the connection is ending; without an acknowledgement
	}
	c.queue = append(c.queue, o)
	c.backlog += o.size
	c.work.Signal()
	c.mu.Unlock()
}

// take waits for work and returns the next batch; nil when closed and empty.
func (c *committer) take() []op {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && !c.closed {
		c.work.Wait()
	}
	n, bytes := 0, 0
	for n < len(c.queue) && n < commitRecords && bytes < commitBytes {
		bytes += c.queue[n].size
		n++
	}
	batch := c.queue[:n:n]
	c.queue = c.queue[n:]
	return batch
}

func (c *committer) taken(ops []op) {
	bytes := 0
	for i := range ops {
		bytes += ops[i].size
	}
	c.mu.Lock()
	c.backlog -= bytes
	c.room.Broadcast()
	c.mu.Unlock()
}

// settle waits until everything that is in the line now has been appended, or
// could not be.
func (c *committer) settle() {
	c.mu.Lock()
	if c.closed { // run has appended all of it, or does so before it returns
		c.mu.Unlock()
		return
	}
	done := make(chan struct{})
	c.queue = append(c.queue, op{none: true, done: func(error) { close(done) }})
	c.work.Signal()
	c.mu.Unlock()
	<-done
}

// idle reports whether nothing waits to be committed.
func (c *committer) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.backlog == 0
}

func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.work.Broadcast()
	c.room.Broadcast()
	c.mu.Unlock()
}

// run commits until close, then what is left.
func (c *committer) run(ctx context.Context) {
	var recs []store.Record
	for ops := c.take(); len(ops) > 0; ops = c.take() {
		recs = recs[:0]
		for i := range ops {
			if !ops[i].none && !ops[i].refused() {
				recs = append(recs, ops[i].rec)
			}
		}
		last, err := c.append(ctx, recs)
		c.last = max(c.last, last)
		if err == nil {
			place(recs, last)
		}
		for i := range ops {
			c.finish(&ops[i], err)
		}
		if last != 0 {
			c.hub.committed.Store(uint64(last)) // its effects are visible now
		}
		c.batch.flush()
		c.taken(ops)
		clear(recs)
	}
}

// place tells messages their place in the log before anybody is told of them,
// as far as it is known: a record with an id may have been there already, so the
// places of what comes before one are learned from the tail.
func place(recs []store.Record, last store.Pos) {
	for i := len(recs) - 1; i >= 0 && recs[i].ID == ""; i-- {
		if m, ok := recs[i].Value.(*Message); ok {
			m.setPos(last)
		}
		last--
	}
}

func (o *op) refused() bool { return o.from != nil && o.from.failed.Load() }

func (c *committer) append(ctx context.Context, recs []store.Record) (store.Pos, error) {
	if len(recs) == 0 {
		return 0, nil
	}
	last, err := c.hub.store.Append(ctx, recs)
	if err != nil {
		c.hub.stats.Commit.Failed.Add(1)
		c.hub.stats.Commit.LastFailure.Store(&CommitFailure{c.hub.now().UTC(), err})
		c.hub.log.Error("append to the log", "records", len(recs), "error", err)
		select {
		case <-time.After(storeRetry): // do not spin on a full disk
		case <-ctx.Done():
		}
		return 0, err
	}
	c.hub.stats.Commit.Batches.Add(1)
	c.hub.stats.Commit.LastAt.Store(c.hub.now().UnixNano())
	c.hub.stats.Commit.Records.Add(uint64(len(recs)))
	return last, nil
}

// finish reports an op's outcome. An op of a connection whose earlier op failed
// fails too, so that nothing is acknowledged out of order.
func (c *committer) finish(o *op, err error) {
	if err == nil && o.refused() {
		err = store.ErrUnavailable
	}
	if err != nil && o.from != nil {
		o.from.lost("the store cannot write")
	}
	if o.done != nil {
		o.done(err)
	}
}
