//go:build linux

package load

import (
	"math/bits"
	"time"
)

// subBuckets is how many buckets there are from one power of 2 to the next: a
// quantile is right to 1/64.
const subBuckets = 64

// Histogram counts durations in buckets that grow with the duration.
type Histogram struct {
	counts [64 * subBuckets]uint32
	total  int
}

// NewHistogram makes an empty one.
func NewHistogram() *Histogram { return &Histogram{} }

// Add counts a duration; less than nothing is nothing.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// Count is how many there are.
func (h *Histogram) Count() int { return h.total }

// Quantile is the duration that the given share (0 to 1) does not exceed, 0
// when the histogram is empty.
func (h *Histogram) Quantile(share float64) time.Duration {
	rank, seen := int(share*float64(h.total)), 0
	for i, n := range h.counts {
		if seen += int(n); seen > rank || n > 0 && seen == h.total {
			return time.Duration(lowest(i))
		}
	}
	return 0
}

// bucket is exact under 2*subBuckets, and keeps the six bits behind the first
// one above.
func bucket(v uint64) int {
	if v < 2*subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - 7
	return shift*subBuckets + int(v>>shift)
}

// lowest is the least value of a bucket.
func lowest(i int) uint64 {
	if i < 2*subBuckets {
		return uint64(i)
	}
	shift := i/subBuckets - 1
	return uint64(i-shift*subBuckets) << shift
}
