package delivery

import "sync/atomic"

// dropReason is why a delivery was given up.
type dropReason uint8

const (
	dropCongested dropReason = iota
	dropQueueFull
	dropExpired
	dropTooLarge
	dropNoRight
	dropReasons
)

// DropNames name the reasons, in the order of a session's counters.
var DropNames = [dropReasons]string{"congested", "queueFull", "expired", "tooLarge", "noRight"}

// dropWords are what a trace says.
var dropWords = [dropReasons]string{
	"the connection's buffer is full", "the session's queue is full: the oldest go, or it has waited for too long",
	"its message expiry interval is over", "it is larger than the client's Maximum Packet Size", "the client has no right to the topic any more",
}

// drops counts a session's deliveries that were given up, by reason, since it was
// made or brought back.
type drops [dropReasons]atomic.Uint32

// counter is the reason's count for all sessions.
func (s *Stats) counter(why dropReason) *atomic.Uint64 {
	d := &s.Dropped
	return [dropReasons]*atomic.Uint64{&d.Congested, &d.QueueFull, &d.Expired, &d.TooLarge, &d.NoRight}[why]
}

// drop counts a delivery that is given up, and tells the trace.
func (s *Session) drop(why dropReason, m *Message) {
	s.dropMany(why, 1)
	s.traced.note(s.hub, TraceEvent{What: "DROPPED", Topic: m.Topic, QoS: m.QoS, Size: len(m.Payload), Reason: dropWords[why]})
}

// dropMany counts deliveries that nobody has looked at.
func (s *Session) dropMany(why dropReason, n int) {
	s.hub.stats.counter(why).Add(uint64(n))
	s.drops[why].Add(uint32(min(n, 1<<31)))
}

// counts are the reasons that there were, by name.
func (d *drops) counts() map[string]uint64 {
	list := map[string]uint64{}
	for why := range d {
		if n := d[why].Load(); n > 0 {
			list[DropNames[why]] = uint64(n)
		}
	}
	return list
}
