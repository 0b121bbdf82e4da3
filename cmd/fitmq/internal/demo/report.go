package demo

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxReasons bounds how many different refusals are kept for the summary;
// further ones are only counted.
const maxReasons = 3

// report counts what happened. start and end belong to Stage.Run.
type report struct {
	start, end time.Time

	samples    atomic.Int64
	activities atomic.Int64
	lost       atomic.Int64 // not sent: the connection was away

	mu      sync.Mutex // guards what follows
	refused int
	reasons []string
	leader  string
	changes int
}

func newReport() *report { return &report{} }

// refuse notes that the broker did not take a message, and why.
func (r *report) refuse(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused++
	if len(r.reasons) < maxReasons {
		r.reasons = append(r.reasons, reason)
	}
}

// sawLeader notes who leads the session.
func (r *report) sawLeader(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leader != "" && name != r.leader {
		r.changes++
	}
	r.leader = name
}

// String is the summary.
func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %d samples and %d activities accepted, %d refused", r.end.Sub(r.start).Round(time.Second), r.samples.Load(), r.activities.Load(), r.refused)
	if lost := r.lost.Load(); lost > 0 {
		fmt.Fprintf(&b, ", %d not sent", lost)
	}
	if r.leader != "" {
		fmt.Fprintf(&b, "; the lead changed %d times, %s is in front", r.changes, r.leader)
	}
	for _, reason := range r.reasons {
		fmt.Fprintf(&b, "\n  refused: %s", reason)
	}
	return b.String()
}
