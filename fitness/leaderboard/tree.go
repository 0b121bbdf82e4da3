package leaderboard

// The order is kept in a B+ tree whose branches know how many keys are below
// each child. Nodes are wide, so that an operation touches three or four of
// them at a million entries where a binary tree would touch thirty, each one a
// cache miss.

const (
	// fan is the most keys of a leaf and the most children of a branch.
	fan = 64
	// low is the least that a node other than the root has after a removal; one
	// that falls below is joined with a neighbour.
	low = fan / 4
)

// key orders a user: smaller leads.
type key struct {
	score Score
	at    int64
	slot  int32 // index into Board.users; decides the last tie by the id there
}

// node is a leaf (kids and sizes nil, keys the entries) or a branch (keys[i] is
// the first key below kids[i], sizes[i] how many keys there are).
type node struct {
	keys  []key
	kids  []*node
	sizes []int32
}

func newLeaf() *node { return &node{keys: make([]key, 0, fan)} }

func newBranch() *node {
	return &node{keys: make([]key, 0, fan), kids: make([]*node, 0, fan), sizes: make([]int32, 0, fan)}
}

// count is how many entries are in or below the node.
func (n *node) count() int32 {
	if n.kids == nil {
		return int32(len(n.keys))
	}
	var sum int32
	for _, s := range n.sizes {
		sum += s
	}
	return sum
}

// find returns how many keys of the node are less than k.
func (b *Board) find(n *node, k key) int {
	lo, hi := 0, len(n.keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if b.less(n.keys[mid], k) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// child returns the index of the branch's child that k belongs to.
func (b *Board) child(n *node, k key) int {
	i := b.find(n, k)
	if i < len(n.keys) && !b.less(k, n.keys[i]) {
		return i // k is the first key of that child
	}
	return max(i-1, 0)
}

// rank returns the rank of a key that is in the tree.
func (b *Board) rank(k key) int {
	n, before := b.root, 0
	for n.kids != nil {
		i := b.child(n, k)
		for _, s := range n.sizes[:i] {
			before += int(s)
		}
		n = n.kids[i]
	}
	return before + b.find(n, k) + 1
}

// insert adds a key that is not in the tree.
func (b *Board) insert(k key) {
	right := b.insertAt(b.root, k)
	if right == nil {
		return
	}
	left := b.root
	b.root = newBranch()
	b.root.add(0, left)
	b.root.add(1, right)
}

// insertAt adds k below n; when n had to be split it returns the new right half.
func (b *Board) insertAt(n *node, k key) *node {
	if n.kids == nil {
		i := b.find(n, k)
		if len(n.keys) < fan {
			n.keys = insertAt(n.keys, i, k)
			return nil
		}
		right := n.split(fan / 2)
		if i <= fan/2 {
			n.keys = insertAt(n.keys, i, k)
		} else {
			right.keys = insertAt(right.keys, i-fan/2, k)
		}
		return right
	}
	i := b.child(n, k)
	extra := b.insertAt(n.kids[i], k)
	if extra == nil {
		// The common case without another look at the child: one more key.
		n.sizes[i]++
		n.keys[i] = n.kids[i].keys[0]
		return nil
	}
	n.refresh(i)
	if len(n.kids) < fan {
		n.add(i+1, extra)
		return nil
	}
	right := n.split(fan / 2)
	if i+1 <= fan/2 {
		n.add(i+1, extra)
	} else {
		right.add(i+1-fan/2, extra)
	}
	return right
}

// remove takes out a key that is in the tree.
func (b *Board) remove(k key) {
	b.removeAt(b.root, k)
	for len(b.root.kids) == 1 {
		b.root = b.root.kids[0]
	}
}

func (b *Board) removeAt(n *node, k key) {
	if n.kids == nil {
		n.keys = removeAt(n.keys, b.find(n, k))
		return
	}
	i := b.child(n, k)
	kid := n.kids[i]
	b.removeAt(kid, k)
	n.sizes[i]--
	if len(kid.keys) > 0 {
		n.keys[i] = kid.keys[0]
	}
	if len(kid.keys) < low && len(n.kids) > 1 {
		n.join(max(i-1, 0))
	}
}

// join makes one child of children i and i+1, or two of equal size where one
// could not hold both.
func (n *node) join(i int) {
	left, right := n.kids[i], n.kids[i+1]
	total := len(left.keys) + len(right.keys)
	if total <= fan {
		left.take(right, len(right.keys))
		n.keys = removeAt(n.keys, i+1)
		n.kids = removeAt(n.kids, i+1)
		n.sizes = removeAt(n.sizes, i+1)
		n.refresh(i)
		return
	}
	if want := total / 2; len(left.keys) < want {
		left.take(right, want-len(left.keys))
	} else {
		tail := left.split(want)
		tail.take(right, len(right.keys))
		n.kids[i+1] = tail
	}
	n.refresh(i)
	n.refresh(i + 1)
}

// take moves the first count keys (and children) of right to the end of n.
func (n *node) take(right *node, count int) {
	n.keys = append(n.keys, right.keys[:count]...)
	right.keys = drop(right.keys, count)
	if n.kids != nil {
		n.kids = append(n.kids, right.kids[:count]...)
		right.kids = drop(right.kids, count)
		n.sizes = append(n.sizes, right.sizes[:count]...)
		right.sizes = drop(right.sizes, count)
	}
}

// split cuts n after at keys (and children) and returns the rest as a new node.
func (n *node) split(at int) *node {
	var right *node
	if n.kids == nil {
		right = newLeaf()
	} else {
		right = newBranch()
		right.kids = append(right.kids, n.kids[at:]...)
		clear(n.kids[at:])
		n.kids = n.kids[:at]
		right.sizes = append(right.sizes, n.sizes[at:]...)
		n.sizes = n.sizes[:at]
	}
	right.keys = append(right.keys, n.keys[at:]...)
	n.keys = n.keys[:at]
	return right
}

// add puts a child at index i of a branch that has room.
func (n *node) add(i int, kid *node) {
	n.keys = insertAt(n.keys, i, kid.keys[0])
	n.kids = insertAt(n.kids, i, kid)
	n.sizes = insertAt(n.sizes, i, kid.count())
}

// refresh renews what a branch knows of its child i.
func (n *node) refresh(i int) {
	n.keys[i] = n.kids[i].keys[0]
	n.sizes[i] = n.kids[i].count()
}

// walk calls fn with the keys in order from the one with skip keys before it,
// until fn returns false; it reports whether fn never did.
func (n *node) walk(skip int, fn func(key) bool) bool {
	if n.kids == nil {
		for _, k := range n.keys[min(skip, len(n.keys)):] {
			if !fn(k) {
				return false
			}
		}
		return true
	}
	for i, kid := range n.kids {
		if skip >= int(n.sizes[i]) {
			skip -= int(n.sizes[i])
			continue
		}
		if !kid.walk(skip, fn) {
			return false
		}
		skip = 0
	}
	return true
}

func insertAt[T any](s []T, i int, v T) []T {
	s = append(s, v)
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}

func removeAt[T any](s []T, i int) []T {
	copy(s[i:], s[i+1:])
	return shorten(s, 1)
}

// drop removes the first count elements in place, so that capacity is kept.
func drop[T any](s []T, count int) []T {
	copy(s, s[count:])
	return shorten(s, count)
}

// shorten cuts count elements off the end, and clears them for the collector.
func shorten[T any](s []T, count int) []T {
	clear(s[len(s)-count:])
	return s[:len(s)-count]
}
