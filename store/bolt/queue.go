package bolt

import (
	"context"
	"time"

	"github.com/fitmq/fitmq/store"
)

// queueLen is how many callers may wait for a writer without being blocked in
// the hand-over; further ones wait there, or until their context ends.
const queueLen = 1024

// queue hands operations of many callers to one writer, which takes all that
// has gathered and commits it together.
type queue[T any] struct {
	ops  chan T
	quit chan struct{} // closed by Close: finish what is queued, then stop
	done chan struct{} // closed by the writer when it has stopped
}

func newQueue[T any]() *queue[T] {
	return &queue[T]{ops: make(chan T, queueLen), quit: make(chan struct{}), done: make(chan struct{})}
}

// do hands the operation over and waits for its result. When ctx ends after the
// hand-over the outcome is unknown, which the error says.
func (q *queue[T]) do(ctx context.Context, op T, result <-chan error) error {
	select {
	case <-q.quit:
		return store.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err // nothing was begun
	}
	select {
	case q.ops <- op:
	case <-q.quit:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-q.done:
		select {
		case err := <-result:
			return err
		default: // it came too late for the writer's last round
			return store.ErrClosed
		}
	}
}

// run is the writer's loop. commit gets what has gathered: at least one
// operation, and no more once their weights reach max. tick is called every
// period between commits. The slice given to commit is reused. When run returns
// the writer tidies up and closes done.
func (q *queue[T]) run(max int, weigh func(T) int, commit func([]T), period time.Duration, tick func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	var batch []T
	for {
		var quit bool
		select {
		case op := <-q.ops:
			batch = append(batch[:0], op)
		case <-ticker.C:
			tick()
			continue
		case <-q.quit:
			batch, quit = batch[:0], true
		}
		batch = q.gather(batch, max, weigh)
		for len(batch) > 0 {
			commit(batch)
			clear(batch)
			batch = batch[:0]
			if quit {
				batch = q.gather(batch, max, weigh)
			}
		}
		if quit {
			return
		}
	}
}

// gather adds what waits in the queue already.
func (q *queue[T]) gather(batch []T, max int, weigh func(T) int) []T {
	weight := 0
	for _, op := range batch {
		weight += weigh(op)
	}
	for weight < max {
		select {
		case op := <-q.ops:
			batch = append(batch, op)
			weight += weigh(op)
		default:
			return batch
		}
	}
	return batch
}
