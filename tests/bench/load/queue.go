//go:build linux

package load

import (
	"fmt"
	"time"
)

// Queue is messages for clients that are away: each topic gets Each messages
// of Payload bytes with QoS 1.
type Queue struct {
	Topics        []string
	Each, Payload int
	// Publishers share the topics; a topic is one publisher's. Each has at most
	// Window messages unacknowledged.
	Publishers, Window int
}

// Messages is how many there are in all.
func (q Queue) Messages() int { return len(q.Topics) * q.Each }

// feeder publishes a queue.
type feeder struct {
	queue     Queue
	templates []template
	sent      []int // by publisher
	acked     []int
	numbers   map[*conn]int
	total     int // acknowledged of all
}

func (*feeder) publish(*conn, []byte) {}

func (f *feeder) acknowledged(c *conn) {
	f.acked[f.numbers[c]]++
	f.total++
}

// Feed publishes the queue and returns when all of it is acknowledged. The time
// is from the first message to the last acknowledgement.
func (q Queue) Feed(addr string) (time.Duration, error) {
	f := &feeder{queue: q, sent: make([]int, q.Publishers), acked: make([]int, q.Publishers), numbers: make(map[*conn]int)}
	loop, err := newLoop(addr, f)
	if err != nil {
		return 0, err
	}
	defer loop.Close()
	for _, topic := range q.Topics {
		f.templates = append(f.templates, newTemplate(topic, 1, q.Payload))
	}
	specs := make([]Spec, q.Publishers)
	for i := range specs {
		specs[i].ClientID = fmt.Sprintf("feeder-%d", i)
	}
	conns, err := loop.openAll(specs)
	if err != nil {
		return 0, err
	}
	for i, c := range conns {
		f.numbers[c] = i
	}
	began := time.Now()
	progress := newWatchdog(0)
	for f.total < q.Messages() {
		for i, c := range conns {
			f.fill(loop, c, i)
		}
		if err := loop.poll(10 * time.Millisecond); err != nil {
			return 0, err
		}
		if err := progress.check(f.total); err != nil {
			return 0, fmt.Errorf("%d of %d acknowledged: %w", f.total, q.Messages(), err)
		}
	}
	return time.Since(began), nil
}

// fill lets a publisher send what its window has room for: number 0 of each of
// its topics, then number 1, and so on.
func (f *feeder) fill(loop *Loop, c *conn, i int) {
	mine := (len(f.queue.Topics) - i + f.queue.Publishers - 1) / f.queue.Publishers
	for f.sent[i] < mine*f.queue.Each && f.sent[i]-f.acked[i] < f.queue.Window {
		topic, number := f.sent[i]%mine*f.queue.Publishers+i, f.sent[i]/mine
		t := &f.templates[topic]
		packet := len(c.out)
		c.out = t.appendTo(c.out, uint32(topic), uint32(number), nanotime())
		id := uint16(f.sent[i]%0xffff) + 1 // of this connection, not of the topic
		c.out[packet+t.id], c.out[packet+t.id+1] = byte(id>>8), byte(id)
		f.sent[i]++
	}
	if len(c.out) > 0 && !c.blocked {
		loop.flush(c)
	}
}

// collector takes a queue.
type collector struct {
	next   map[uint32]uint32 // number expected, by topic
	got    int
	faults Faults
}

func (*collector) acknowledged(*conn) {}

func (r *collector) publish(_ *conn, payload []byte) {
	topic, seq, _, ok := readStamp(payload)
	expected, known := r.next[topic]
	switch {
	case !ok || !known:
		r.faults.Strange++
	case seq < expected:
		r.faults.Repeated++
	default:
		r.faults.Lost += int(seq - expected)
		r.next[topic] = seq + 1
		r.got++
	}
}

// Collect connects a client that was away and takes the messages of the topics
// with the given indexes. The time is from before the connection to the last
// message; what does not come is lost.
func (q Queue) Collect(addr string, client Spec, topics ...int) (time.Duration, Faults, error) {
	r := &collector{next: make(map[uint32]uint32)}
	for _, t := range topics {
		r.next[uint32(t)] = 0
	}
	loop, err := newLoop(addr, r)
	if err != nil {
		return 0, Faults{}, err
	}
	defer loop.Close()
	began := time.Now()
	if _, err := loop.openAll([]Spec{client}); err != nil {
		return 0, r.faults, err
	}
	wanted := len(topics) * q.Each
	last := time.Now()
	for progress := newWatchdog(0); r.got+r.faults.Lost < wanted && progress.check(r.got) == nil; {
		before := r.got
		if err := loop.poll(10 * time.Millisecond); err != nil {
			return 0, r.faults, err
		}
		if r.got != before {
			last = time.Now()
		}
	}
	r.faults.Lost = wanted - r.got
	// Its acknowledgements must have been read before anybody else is it.
	return last.Sub(began), r.faults, loop.leave()
}
