package delivery

import (
	"sync/atomic"
	"time"
)

// Stats are the data plane's counters since the start. Every bound counts what
// it cost here.
type Stats struct {
	// Received and Delivered count PUBLISH packets by QoS.
	Received, Delivered [3]atomic.Uint64
	Refused             struct {
		NoRight, Meaning, Rate, Subscription,
		Retained atomic.Uint64 // a bound on retained messages
	}
	// Dropped counts deliveries that were given up, by reason.
	Dropped struct {
		Congested, // QoS 0 to a connection whose buffer is over its limit
		QueueFull, // the session's queue was at its bound: the oldest
		Expired, // message expiry interval
		TooLarge, // over the client's Maximum Packet Size
		NoRight, // no longer allowed when it was to be delivered
		Damaged atomic.Uint64 // a log record that could not be read
	}
	Commit struct {
		Batches, Records, Failed atomic.Uint64
		// LastAt is when a batch was last committed, in Unix nanoseconds; 0 for never.
		LastAt atomic.Int64
		// LastFailure is the latest one that was not; nil for none.
		LastFailure atomic.Pointer[CommitFailure]
	}
	// Streams counts event streams, and those that ended because too much waited.
	Streams struct {
		Opened, Overflows atomic.Uint64
	}
	Wills, SessionsExpired atomic.Uint64
	// MemoryShort counts how often Limits.MemoryBytes was exceeded.
	MemoryShort atomic.Uint64
}

// CommitFailure is a batch that could not be committed.
type CommitFailure struct {
	At  time.Time
	Err error
}

// DroppedTotal is all deliveries given up, for whatever reason but a damaged record.
func (s *Stats) DroppedTotal() uint64 {
	d := &s.Dropped
	return d.Congested.Load() + d.QueueFull.Load() + d.Expired.Load() + d.TooLarge.Load() + d.NoRight.Load()
}

// Stats returns the live counters.
func (h *Hub) Stats() *Stats { return &h.stats }

// Gauges are the data plane's present sizes.
type Gauges struct {
	Sessions, Connected, Streams, Subscriptions int
	Retained                                    int
	RetainedBytes                               int64
	// Held is what waits in memory for connected clients, LogBytes what the log
	// takes on the disk.
	Held, LogBytes int64
}

// Gauges counts what is there now.
func (h *Hub) Gauges() Gauges {
	g := Gauges{Subscriptions: h.index.count()}
	g.Retained, g.RetainedBytes = h.retained.size()
	g.Held, g.LogBytes = h.memory.held.Load(), h.store.Size()
	for _, s := range h.all() {
		g.Sessions++
		if l := s.link.Load(); l != nil {
			g.Connected++
			if l.stream != nil {
				g.Streams++
			}
		}
	}
	return g
}
