package match_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/match"
)

// TestParse_Cell: what is decided and told depends on the cell alone, so two
// positions of one cell cannot be told apart by anything that comes out.
func TestParse_Cell(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[match.Cell]match.Beacon{}
	widest := 0.0
	for range 3000 {
		lat, lon := anywhere(r, 48.1, 11.5, 0.05)
		b := mustParse(t, at(lat, lon, ""))
		if before, ok := seen[b.Cell]; ok {
			if band := match.BandOf(b.Cell.Distance(before.Cell)); band != 0 || match.Score(&b, &before, 0) != match.Score(&before, &before, 0) {
				t.Fatalf("two of cell %x differ", b.Cell)
			}
		}
		seen[b.Cell] = b
		for cell := range seen {
			if d := cell.Distance(b.Cell); d > 0 {
				widest = max(widest, 1/d)
			}
		}
	}
	// 0.1 x 0.1 degrees are 83 km2, which cells of 1.2 km2 and the border cover.
	if len(seen) < 50 || len(seen) > 110 {
		t.Errorf("83 km2 have %d cells, want about 70", len(seen))
	}
	if nearest := 1 / widest; nearest < 700 || nearest > 1300 {
		t.Errorf("the nearest centres are %.0f m apart, want about 1 km", nearest)
	}
}

func TestParse_Border(t *testing.T) {
	// East along a parallel until the cell changes, then back: it changes back
	// later than it changed.
	lat, lon := 48.1, 11.5
	first := mustParse(t, at(lat, lon, "")).Cell
	cell, forth := first, 0.0
	const step = 0.0001 // 7.4 m
	for ; cell == first; forth += step {
		b, err := match.Parse(at(lat, lon+forth, ""), cell, now)
		if err != nil {
			t.Fatal(err)
		}
		cell = b.Cell
	}
	second, back := cell, forth
	for ; cell == second; back -= step {
		b, err := match.Parse(at(lat, lon+back, ""), cell, now)
		if err != nil {
			t.Fatal(err)
		}
		cell = b.Cell
	}
	if apart := (forth - back) / step * 7.4; apart < 400 {
		t.Errorf("the changes there and back are %.0f m apart, want twice the border", apart)
	}
}

func TestBandOf(t *testing.T) {
	for distance, want := range map[float64]int{0: 0, 1999.9: 0, 2000: 1, 4999: 1, 5000: 2, 10_000: 3, 25_000: 4, 49_999: 4, 50_000: 5, math.Inf(1): 5} {
		if got := match.BandOf(distance); got != want {
			t.Errorf("BandOf(%v): got %d, want %d", distance, got, want)
		}
	}
}

func TestTrail_Step(t *testing.T) {
	cell := func(lat, lon float64) match.Cell { return mustParse(t, at(lat, lon, "")).Cell }
	home, next, town := cell(52.50, 13.40), cell(52.50, 13.418), cell(52.60, 13.40) // 1.2 km and 11 km
	var trail match.Trail
	step := func(to match.Cell, after time.Duration) error {
		next, err := trail.Step(to, trail.At.Add(after))
		if err == nil {
			trail = next
		}
		return err
	}
	trail, _ = trail.Step(home, now)
	t.Run("OK", func(t *testing.T) {
		for _, err := range []error{step(home, 0), step(next, 20*time.Second), step(home, 20*time.Second), step(town, 6*time.Minute), step(home, 6*time.Minute)} {
			if err != nil {
				t.Errorf("honest way: %v", err)
			}
		}
	})
	t.Run("ErrTeleport", func(t *testing.T) {
		err := step(town, 15*time.Second)
		if fitness.KindOf(err) != fitness.Invalid || trail.Cell != home {
			t.Errorf("11 km in 15 s: got %v, at %x", err, trail.Cell)
		}
	})
	t.Run("ErrSlackAgain", func(t *testing.T) {
		var refused error
		for _, to := range []match.Cell{next, home, next, home, next, home} {
			if err := step(to, time.Second); err != nil {
				refused = err
			}
		}
		if refused == nil {
			t.Error("six cells in six seconds were taken: the slack counts anew each time")
		}
	})
	t.Run("OKNextDay", func(t *testing.T) {
		if err := step(cell(-33.9, 151.2), match.TrailFor); err != nil {
			t.Errorf("the other side of the world after a day: %v", err)
		}
	})
}

// TestIndex compares with looking at everybody, while people come and go, in
// places where the cells of the index are hard: a pole, the date line, a corner of
// the cube.
func TestIndex(t *testing.T) {
	for name, place := range map[string][2]float64{
		"Berlin": {52.5, 13.4}, "Quito": {-0.2, -78.5}, "Fiji": {-17, 179.99}, "NorthPole": {89.9, 0}, "Corner": {35.264, 45}, "Null": {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			var index match.Index[int]
			type one struct {
				cell  match.Cell
				entry *match.Entry[int]
			}
			everybody := map[int]one{}
			position := func() match.Cell {
				lat, lon := anywhere(r, place[0], place[1], 0.7)
				lat = min(lat, 90)
				if lon > 180 {
					lon -= 360
				}
				return mustParse(t, at(lat, lon, "")).Cell
			}
			for i := range 1500 {
				c := position()
				everybody[i] = one{c, index.Add("running", c, i)}
				if i%3 == 0 {
					index.Remove(everybody[i/3].entry)
					delete(everybody, i/3)
				}
				if i%50 != 0 {
					continue
				}
				from := position()
				for band := range match.Bands {
					var got, want []int
					index.Ring("running", from, band, func(e *match.Entry[int]) bool {
						got = append(got, e.Value)
						return true
					})
					for id, o := range everybody {
						if match.BandOf(from.Distance(o.cell)) == band {
							want = append(want, id)
						}
					}
					slices.Sort(got)
					slices.Sort(want)
					if !slices.Equal(got, want) {
						t.Fatalf("band %d: got %d entries, want %d", band, len(got), len(want))
					}
				}
			}
			if index.Len() != len(everybody) {
				t.Errorf("got %d entries, want %d", index.Len(), len(everybody))
			}
			index.Ring("swimming", position(), 0, func(*match.Entry[int]) bool { t.Error("found another sport"); return false })
			for _, o := range everybody {
				index.Remove(o.entry)
			}
			index.Ring("running", position(), 4, func(*match.Entry[int]) bool { t.Error("found who is gone"); return false })
		})
	}
}
