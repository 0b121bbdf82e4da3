package workout

import (
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// stretches are the lengths whose fastest time is kept, in m.
var stretches = [2]float64{1000, Mile}

// Mile is an international mile in m.
const Mile = 1609.344

const (
	// paceStep is how far apart the points of a pace are at least, in m; between
	// them the speed is taken as even.
	paceStep = 20
	// paceMean bounds the mean speed of a stretch in sports without a limit of
	// their own, in m/s: what is over it is a receiver's jump.
	paceMean = 28
)

// pace finds the fastest stretch of each length in a leg. It remembers a mile of
// the way in at most 82 points, and one before.
type pace struct{ points []point }

// point is a place on the way: m from the leg's start at a moment of the leg.
type point struct {
	m float32
	t int32 // ms
}

func (p *pace) reset() { p.points = p.points[:0] }

// add goes on to where the leg stands at a moment of it and notes its best.
func (p *pace) add(leg *Leg, at time.Duration) {
	m, t := float32(leg.Dist.Units()), int32(at.Milliseconds())
	if at > maxElapsed {
		return // a clock that was set: int32 has room for 24 days
	}
	if n := len(p.points); n > 0 && t <= p.points[n-1].t {
		p.reset() // the clock went back
	}
	limit := fitness.MeanSpeedLimit(leg.Sport)
	if limit == 0 {
		limit = paceMean
	}
	for i, length := range stretches {
		took, ok := p.since(float64(m)-length, t)
		if ok && length/took.Seconds() <= limit {
			leg.Best[i] = quicker(leg.Best[i], took)
		}
	}
	if n := len(p.points); n > 0 && m < p.points[n-1].m+paceStep {
		return
	}
	p.points = append(p.points, point{m: m, t: t})
	// The second point is enough for the longest stretch: the first is not needed.
	drop := 0
	for drop+1 < len(p.points) && p.points[drop+1].m <= m-Mile {
		drop++
	}
	p.points = append(p.points[:0], p.points[drop:]...)
}

// since is how long before a moment the leg was at a place, or false for one that
// is not between points.
func (p *pace) since(m float64, now int32) (time.Duration, bool) {
	for i := len(p.points) - 2; i >= 0; i-- {
		a, b := p.points[i], p.points[i+1]
		if float64(a.m) > m {
			continue
		}
		share := (m - float64(a.m)) / float64(b.m-a.m)
		at := float64(a.t) + share*float64(b.t-a.t)
		took := time.Duration((float64(now) - at) * float64(time.Millisecond))
		return took.Round(time.Millisecond), took > 0
	}
	return 0, false
}
