package match

import (
	"slices"

	"github.com/golang/geo/r3"
	"github.com/golang/geo/s2"
)

// indexLevels are the S2 levels of the index's tree, from the roots (over 94 km
// wide, so that all within the last band are in a root or its neighbours) to the
// cells.
var indexLevels = [...]int{6, 8, 10, cellLevel}

// Index finds entries by sport and distance. It is a forest, one for each sport,
// of those cells that hold somebody: looking costs what is there and not the
// size of the land. Not safe for concurrent use.
type Index[T any] struct {
	roots map[root]*node[T]
	size  int
}

type root struct {
	sport string
	cell  s2.CellID
}

// Entry is something in an Index, at a cell.
type Entry[T any] struct {
	Value T
	sport string
	cell  Cell
	slot  int
}

// node is a cell of one of indexLevels with somebody in it.
type node[T any] struct {
	cell     s2.CellID
	center   r3.Vector
	radius   float64 // from the center to the farthest corner, in m
	children []*node[T]
	entries  []*Entry[T] // of the last level
}

// Len is how many entries there are.
func (x *Index[T]) Len() int { return x.size }

// Add puts a value in and returns its entry.
func (x *Index[T]) Add(sport string, at Cell, value T) *Entry[T] {
	if x.roots == nil {
		x.roots = make(map[root]*node[T])
	}
	key := root{sport, s2.CellID(at).Parent(indexLevels[0])}
	n := x.roots[key]
	if n == nil {
		n = newNode[T](key.cell)
		x.roots[key] = n
	}
	for _, level := range indexLevels[1:] {
		cell := s2.CellID(at).Parent(level)
		i := n.child(cell)
		if i < 0 {
			i = len(n.children)
			n.children = append(n.children, newNode[T](cell))
		}
		n = n.children[i]
	}
	e := &Entry[T]{Value: value, sport: sport, cell: at, slot: len(n.entries)}
	n.entries = append(n.entries, e)
	x.size++
	return e
}

// Remove takes the entry out; it is in.
func (x *Index[T]) Remove(e *Entry[T]) {
	key := root{e.sport, s2.CellID(e.cell).Parent(indexLevels[0])}
	path := [len(indexLevels)]*node[T]{x.roots[key]}
	var at [len(indexLevels)]int
	for i, level := range indexLevels[1:] {
		at[i+1] = path[i].child(s2.CellID(e.cell).Parent(level))
		path[i+1] = path[i].children[at[i+1]]
	}
	leaf := path[len(path)-1]
	last := leaf.entries[len(leaf.entries)-1]
	leaf.entries[e.slot], last.slot = last, e.slot
	leaf.entries[len(leaf.entries)-1] = nil
	leaf.entries = leaf.entries[:len(leaf.entries)-1]
	x.size--
	for i := len(path) - 1; i > 0 && len(path[i].children) == 0 && len(path[i].entries) == 0; i-- {
		up := path[i-1]
		end := len(up.children) - 1
		up.children[at[i]], up.children[end] = up.children[end], nil
		up.children = up.children[:end]
	}
	if len(path[0].children) == 0 {
		delete(x.roots, key)
	}
}

// Ring calls fn with the entries of a sport whose distance is of one band, in no
// particular order, until fn returns false.
func (x *Index[T]) Ring(sport string, from Cell, band int, fn func(*Entry[T]) bool) {
	center := from.center()
	low := 0.0
	if band > 0 {
		low = Bands[band-1]
	}
	top := s2.CellID(from).Parent(indexLevels[0])
	around := append(top.AllNeighbors(indexLevels[0]), top)
	slices.Sort(around) // at a corner of the cube some come twice
	for _, cell := range slices.Compact(around) {
		if r := x.roots[root{sport, cell}]; r != nil && !r.ring(center, low, Bands[band], fn) {
			return
		}
	}
}

// ring walks the nodes that may have somebody from low to under high, in m, and
// reports whether fn wants more.
func (n *node[T]) ring(center r3.Vector, low, high float64, fn func(*Entry[T]) bool) bool {
	for _, c := range n.children {
		d := c.center.Sub(center).Norm() * earthRadius
		if len(c.children) > 0 {
			if d-c.radius < high && d+c.radius >= low && !c.ring(center, low, high, fn) {
				return false
			}
			continue
		}
		if d < low || d >= high {
			continue
		}
		for _, e := range c.entries {
			if !fn(e) {
				return false
			}
		}
	}
	return true
}

func newNode[T any](cell s2.CellID) *node[T] {
	n := &node[T]{cell: cell, center: cell.Point().Vector}
	c := s2.CellFromCellID(cell)
	for k := range 4 {
		n.radius = max(n.radius, c.Vertex(k).Sub(n.center).Norm()*earthRadius+1) // 1 m for rounding
	}
	return n
}

// child is the index of the child with that cell, or -1.
func (n *node[T]) child(cell s2.CellID) int {
	for i, c := range n.children {
		if c.cell == cell {
			return i
		}
	}
	return -1
}
