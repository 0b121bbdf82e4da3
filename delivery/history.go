package delivery

import (
	"sync"
	"time"
)

// historySeconds is how far back the history goes.
const historySeconds = 120

// Sample is one second's traffic.
type Sample struct {
	At time.Time
	// Received, Delivered and Dropped are counted in this second, Connected,
	// Queued (bytes in memory) as they were at its end.
	Received, Delivered, Dropped uint64
	Connected                    int
	Queued                       int64
	// Received and Delivered by QoS, and batches committed, in this second.
	ReceivedQoS, DeliveredQoS [3]uint64
	Commits                   uint64
}

// history keeps the last seconds' traffic.
type history struct {
	mu      sync.Mutex // guards below
	samples []Sample
	last    Sample // the totals at the latest sample
}

func (h *history) add(hub *Hub) {
	total := Sample{
		At: hub.now().UTC(), Commits: hub.stats.Commit.Batches.Load(), Queued: hub.memory.held.Load(),
		Connected: int(hub.memory.conns.Load()), Dropped: hub.stats.DroppedTotal(),
	}
	for qos := range hub.stats.Received {
		total.ReceivedQoS[qos], total.DeliveredQoS[qos] = hub.stats.Received[qos].Load(), hub.stats.Delivered[qos].Load()
		total.Received += total.ReceivedQoS[qos]
		total.Delivered += total.DeliveredQoS[qos]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := total
	now.Received -= h.last.Received
	now.Delivered -= h.last.Delivered
	now.Dropped -= h.last.Dropped
	now.Commits -= h.last.Commits
	for qos := range now.ReceivedQoS {
		now.ReceivedQoS[qos] -= h.last.ReceivedQoS[qos]
		now.DeliveredQoS[qos] -= h.last.DeliveredQoS[qos]
	}
	h.last = total
	if len(h.samples) == historySeconds {
		h.samples = append(h.samples[:0], h.samples[1:]...)
	}
	h.samples = append(h.samples, now)
}

// History is the traffic of the last two minutes, second by second.
func (h *Hub) History() []Sample {
	h.history.mu.Lock()
	defer h.history.mu.Unlock()
	return append([]Sample(nil), h.history.samples...)
}
