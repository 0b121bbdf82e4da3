package bolt

import (
	"context"
	"strings"
	"sync"

	"github.com/fitmq/fitmq/store"
)

// watchQueue is how many changes wait for one watcher. One that lets more
// gather is cut off with ErrLagged, so that it delays no writer.
const watchQueue = 65536

// watchers are the calls of Watch under way.
type watchers struct {
	mu     sync.Mutex // guards the fields, and those of each watcher
	all    map[*watcher]struct{}
	closed bool
}

// watcher is one call of Watch.
type watcher struct {
	table, prefix string
	queue         []store.Change
	err           error         // why it ends
	wake          chan struct{} // holds one signal: look at queue and err
}

// publish queues a change for those who watch the key. Called by the writer.
func (w *watchers) publish(c tableChange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for x := range w.all {
		if x.table != c.table || !strings.HasPrefix(c.Key, x.prefix) {
			continue
		}
		if len(x.queue) >= watchQueue {
			x.queue, x.err = nil, store.ErrLagged
			delete(w.all, x)
		} else {
			x.queue = append(x.queue, c.Change)
		}
		x.signal()
	}
}

func (x *watcher) signal() {
	select {
	case x.wake <- struct{}{}:
	default: // one waits already
	}
}

func (w *watchers) add(x *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		x.err = store.ErrClosed
		x.signal()
		return
	}
	if w.all == nil {
		w.all = make(map[*watcher]struct{})
	}
	w.all[x] = struct{}{}
}

func (w *watchers) remove(x *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, x)
}

func (w *watchers) take(x *watcher) ([]store.Change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := x.queue
	x.queue = nil
	return queue, x.err
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for x := range w.all {
		x.err = store.ErrClosed
		x.signal()
	}
}

// Watch implements store.Tables. It returns ErrClosed when the store is closed.
func (t *tables) Watch(ctx context.Context, table, prefix string, fn func(store.Change)) error {
	if err := checkTable(table); err != nil {
		return err
	}
	x := &watcher{table: table, prefix: prefix, wake: make(chan struct{}, 1)}
	t.watchers.add(x)
	defer t.watchers.remove(x)
	for {
		select {
		case <-x.wake:
		case <-ctx.Done():
			return nil
		}
		changes, err := t.watchers.take(x)
		for _, c := range changes {
			if ctx.Err() != nil {
				return nil
			}
			fn(c)
		}
		if err != nil {
			return err
		}
	}
}
