package transport

import "sync"

// flushQueue is the list of connections that have something to write, linked
// through the connections themselves. A connection is in it at most once, so it
// never holds more than there are connections and pushing never blocks.
type flushQueue struct {
	mu      sync.Mutex // guards everything here and Conn.out.next
	ready   sync.Cond
	head    *Conn
	tail    *Conn
	waiting int // flushers asleep
	stopped bool
}

func (q *flushQueue) init() { q.ready.L = &q.mu }

func (q *flushQueue) push(c *Conn) {
	q.mu.Lock()
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.out.next = c
	}
	q.tail = c
	wake := q.waiting > 0
	q.mu.Unlock()
	if wake {
		q.ready.Signal()
	}
}

// pop waits for a connection; nil after stop, once the list is empty.
func (q *flushQueue) pop() *Conn {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == nil {
		if q.stopped {
			return nil
		}
		q.waiting++
		q.ready.Wait()
		q.waiting--
	}
	c := q.head
	q.head, c.out.next = c.out.next, nil
	if q.head == nil {
		q.tail = nil
	}
	return c
}

func (q *flushQueue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.ready.Broadcast()
}

// flusher writes for whoever is in the queue until the queue is stopped.
func (t *Transport) flusher() {
	for c := t.queue.pop(); c != nil; c = t.queue.pop() {
		c.flush()
	}
}
