// Package match holds the rules by which people who look for company are
// proposed to each other, made so that nobody learns where somebody is. A
// position becomes a cell of about 1.2 km before anything else is done with it;
// whatever is decided or told afterwards depends on cells alone.
package match

import (
	"math"
	"time"

	"github.com/golang/geo/r3"
	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/fitmq/fitmq/fitness"
)

// earthRadius is the mean radius in m.
const earthRadius = 6_371_010.0

// cellLevel is the S2 level of cells: 0.9 to 1.3 km wide, 1.1 km on average.
const cellLevel = 13

// borderWidth is how far in m somebody may be outside their cell and still be in
// it. Who walks along a border would else be told from others by changing sides,
// and whoever sees a change would know them to be at the border.
const borderWidth = 250

// Cell is where somebody is, no finer; 0 is nowhere.
type Cell s2.CellID

// snap returns the cell of a position in degrees: the one before where the
// position is in it or not further than borderWidth outside.
func snap(latitude, longitude float64, before Cell) Cell {
	ll := s2.LatLngFromDegrees(latitude, longitude)
	if before != 0 {
		if s2.CellFromCellID(s2.CellID(before)).Distance(s2.PointFromLatLng(ll)).Angle() <= s1.Angle(borderWidth/earthRadius) {
			return before
		}
	}
	return Cell(s2.CellIDFromLatLng(ll).Parent(cellLevel))
}

// center is the cell's middle on the unit sphere.
func (c Cell) center() r3.Vector { return s2.CellID(c).Point().Vector }

// Distance is that of two cells' centres in m, in a straight line: at 50 km that
// is 0.13 m less than along the ground. It is the same either way round.
func (c Cell) Distance(to Cell) float64 {
	return c.center().Sub(to.center()).Norm() * earthRadius
}

// Bands are the steps in m in which distances are told: under the first, under the
// second, and so on. Who is not under the last is too far.
var Bands = [...]float64{2_000, 5_000, 10_000, 25_000, 50_000}

// BandOf returns the index in Bands of a distance in m, len(Bands) where it is
// too far.
func BandOf(distance float64) int {
	for i, under := range Bands {
		if distance < under {
			return i
		}
	}
	return len(Bands)
}

// bandWithin is the index of the largest of Bands that is not over a radius in
// m, and the first one at least: finer is not known. A radius of another length
// would be a finer measure than the bands are.
func bandWithin(radius float64) int {
	i := len(Bands) - 1
	for i > 0 && Bands[i] > radius {
		i--
	}
	return i
}

const (
	// maxSpeed is how fast somebody may move between two beacons, in m/s: the
	// hard limit of the measure.
	maxSpeed = 40
	// slack is how far in m somebody may seem to have moved who has not: from a
	// cell's centre to the next one's.
	slack = 2_000
	// TrailFor is for how long a last place counts: who was not heard of for so
	// long may be anywhere.
	TrailFor = 24 * time.Hour
)

// Trail is where somebody was last, when, and how much of the slack is left. It
// keeps people from looking around in many places: the zero value is of somebody
// who is new.
type Trail struct {
	Cell  Cell
	At    time.Time
	slack float64
}

// Step returns the trail after a beacon from the cell, or an Error of kind
// Invalid when nobody moves that fast. It names no place. What was needed of the
// slack comes back with time.
func (t Trail) Step(to Cell, at time.Time) (Trail, error) {
	gone := at.Sub(t.At)
	if t.Cell == 0 || gone >= TrailFor {
		return Trail{Cell: to, At: at, slack: slack}, nil
	}
	reach := t.slack + maxSpeed*max(gone.Seconds(), 0)
	if reach -= t.Cell.Distance(to); reach < 0 {
		wait := time.Duration(math.Ceil(-reach/maxSpeed)) * time.Second
		return t, fitness.Errorf("", fitness.Invalid, "position is too far from the last one: over the limit of %d m/s; possible in %s", maxSpeed, wait)
	}
	return Trail{Cell: to, At: at, slack: min(reach, slack)}, nil
}
