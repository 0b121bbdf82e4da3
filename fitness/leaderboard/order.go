package leaderboard

// Order says which scores lead.
type Order string

// The orders.
const (
	Desc Order = "desc" // the highest first
	Asc  Order = "asc"  // the lowest first
)

// Valid reports whether o is one of the orders.
func (o Order) Valid() bool { return o == Desc || o == Asc }
