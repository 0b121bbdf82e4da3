// Package leaderboard keeps scores in order: update, rank of a user, user at a
// rank and neighbours in O(log n), also with a million of them. Equal scores
// rank by who reached theirs first, then by user id, so that an order never
// depends on how it came about.
package leaderboard

import "math"

// Entry is a user's place on a Board.
type Entry struct {
	// Rank counts from 1.
	Rank int
	// UserID is the user.
	UserID string
	// Score is what is ranked by.
	Score Score
	// At is when the score was reached, in nanoseconds since 1970 (UTC).
	At int64
}

// Board is a set of users in the order of their scores. It is not safe for
// concurrent use. At most 2^31-1 users.
type Board struct {
	order Order
	root  *node
	users []user
	index map[string]int32 // user id to its place in users
	free  []int32          // places in users that can be used again
}

// user is what a Board knows of one of its users.
type user struct {
	id    string
	score Score // as given, not as ordered
	at    int64
}

// New returns an empty board with the order; anything but Asc means Desc.
func New(order Order) *Board {
	return &Board{order: order, root: newLeaf(), index: make(map[string]int32)}
}

// Len returns how many users are on the board.
func (b *Board) Len() int { return len(b.index) }

// Set gives the user the score, reached at a moment in nanoseconds since 1970,
// and reports whether that changed anything.
func (b *Board) Set(userID string, score Score, at int64) bool {
	slot, ok := b.index[userID]
	if ok {
		u := &b.users[slot]
		if u.score == score && u.at == at {
			return false
		}
		b.remove(b.key(slot))
		u.score, u.at = score, at
	} else {
		slot = b.place(user{id: userID, score: score, at: at})
		b.index[userID] = slot
	}
	b.insert(b.key(slot))
	return true
}

// Remove takes the user off the board and reports whether it was on it.
func (b *Board) Remove(userID string) bool {
	slot, ok := b.index[userID]
	if !ok {
		return false
	}
	b.remove(b.key(slot))
	delete(b.index, userID)
	b.users[slot] = user{}
	b.free = append(b.free, slot)
	return true
}

// Get returns the user's entry, or false.
func (b *Board) Get(userID string) (Entry, bool) {
	slot, ok := b.index[userID]
	if !ok {
		return Entry{}, false
	}
	return b.entry(b.rank(b.key(slot)), slot), true
}

// Rank returns the user's rank, from 1, or 0 for one who is not on the board.
func (b *Board) Rank(userID string) int {
	slot, ok := b.index[userID]
	if !ok {
		return 0
	}
	return b.rank(b.key(slot))
}

// At returns the entry of a rank, from 1, or false.
func (b *Board) At(rank int) (Entry, bool) {
	if rank < 1 || rank > b.Len() {
		return Entry{}, false
	}
	n, rest := b.root, rank-1
	for n.kids != nil {
		i := 0
		for rest >= int(n.sizes[i]) {
			rest -= int(n.sizes[i])
			i++
		}
		n = n.kids[i]
	}
	return b.entry(rank, n.keys[rest].slot), true
}

// Page returns up to limit entries from rank offset+1 on.
func (b *Board) Page(offset, limit int) []Entry {
	offset = max(offset, 0)
	limit = min(limit, b.Len()-offset)
	if limit <= 0 {
		return nil
	}
	page := make([]Entry, 0, limit)
	b.root.walk(offset, func(k key) bool {
		page = append(page, b.entry(offset+len(page)+1, k.slot))
		return len(page) < limit
	})
	return page
}

// Around returns the user's entry with up to above entries before it and below
// entries after it, or nil for a user who is not on the board.
func (b *Board) Around(userID string, above, below int) []Entry {
	rank := b.Rank(userID)
	if rank == 0 {
		return nil
	}
	first := max(rank-max(above, 0), 1)
	return b.Page(first-1, rank-first+1+max(below, 0))
}

// entry is the Entry of the user in a slot.
func (b *Board) entry(rank int, slot int32) Entry {
	u := &b.users[slot]
	return Entry{Rank: rank, UserID: u.id, Score: u.score, At: u.at}
}

// place stores u in a free slot.
func (b *Board) place(u user) int32 {
	if n := len(b.free); n > 0 {
		slot := b.free[n-1]
		b.free = b.free[:n-1]
		b.users[slot] = u
		return slot
	}
	b.users = append(b.users, u)
	return int32(len(b.users) - 1)
}

// key is the place in the order of the user in a slot.
func (b *Board) key(slot int32) key {
	u := &b.users[slot]
	return key{score: b.ordered(u.score), at: u.at, slot: slot}
}

// ordered is the score as keys have it: the smaller leads.
func (b *Board) ordered(s Score) Score {
	if b.order != Asc {
		s = -max(s, -math.MaxInt64) // the negative of MinInt64 is itself
	}
	return s
}

// less is the order of the board: score, moment, user id.
func (b *Board) less(x, y key) bool {
	switch {
	case x.score != y.score:
		return x.score < y.score
	case x.at != y.at:
		return x.at < y.at
	case x.slot == y.slot:
		return false
	}
	return b.users[x.slot].id < b.users[y.slot].id
}
