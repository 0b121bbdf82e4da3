package leaderboard

import (
	"math"
	"slices"
)

// Of returns a board of the entries, which are in no particular order and name
// each user once. It is several times faster than to Set one after the other.
func Of(order Order, list []Entry) *Board {
	b := &Board{order: order, index: make(map[string]int32, len(list)), users: make([]user, 0, len(list))}
	keys := make([]key, 0, len(list))
	for _, e := range list {
		slot := b.place(user{id: e.UserID, score: e.Score, at: e.At})
		b.index[e.UserID] = slot
		keys = append(keys, b.key(slot))
	}
	slices.SortFunc(keys, func(x, y key) int {
		switch {
		case b.less(x, y):
			return -1
		case b.less(y, x):
			return 1
		}
		return 0
	})
	b.root = grow(keys)
	return b
}

// full is how many keys a node gets that is made at once: there is room for more.
const full = fan * 3 / 4

// grow makes a tree of sorted keys.
func grow(keys []key) *node {
	if len(keys) == 0 {
		return newLeaf()
	}
	var level []*node
	for _, part := range parts(len(keys)) {
		leaf := newLeaf()
		leaf.keys = append(leaf.keys, keys[part[0]:part[1]]...)
		level = append(level, leaf)
	}
	for len(level) > 1 {
		var up []*node
		for _, part := range parts(len(level)) {
			branch := newBranch()
			for i, kid := range level[part[0]:part[1]] {
				branch.add(i, kid)
			}
			up = append(up, branch)
		}
		level = up
	}
	return level[0]
}

// parts cuts n into the fewest parts of at most full, of equal size but for one.
func parts(n int) [][2]int {
	count := (n + full - 1) / full
	list := make([][2]int, 0, count)
	for i := range count {
		list = append(list, [2]int{n * i / count, n * (i + 1) / count})
	}
	return list
}

// Score returns the user's score and when it was reached, or false: what Get
// returns without the rank, faster.
func (b *Board) Score(userID string) (Score, int64, bool) {
	slot, ok := b.index[userID]
	if !ok {
		return 0, 0, false
	}
	return b.users[slot].score, b.users[slot].at, true
}

// After returns up to limit entries behind the place of last, whose rank plays
// no role and whose user need not be there any more: for pages that neither
// repeat nor miss anybody who stays where they are.
func (b *Board) After(last Entry, limit int) []Entry {
	return b.Page(b.upTo(b.ordered(last.Score), last.At, last.UserID), limit)
}

// AtLeast returns how many users have the score or a better one.
func (b *Board) AtLeast(score Score) int {
	return b.upTo(b.ordered(score), math.MaxInt64, "\xff")
}

// upTo counts the keys up to a place in the order, that place included.
func (b *Board) upTo(score Score, at int64, id string) int {
	behind := func(k key) bool {
		switch {
		case k.score != score:
			return k.score > score
		case k.at != at:
			return k.at > at
		}
		return b.users[k.slot].id > id
	}
	n, before := b.root, 0
	for n.kids != nil {
		i := max(firstWhere(n.keys, behind)-1, 0)
		for _, s := range n.sizes[:i] {
			before += int(s)
		}
		n = n.kids[i]
	}
	return before + firstWhere(n.keys, behind)
}

// firstWhere is the index of the first key for which fn is true: it is true for
// all behind it.
func firstWhere(keys []key, fn func(key) bool) int {
	lo, hi := 0, len(keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if fn(keys[mid]) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
