package leaderboard_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// TestOf_SameAsSet makes boards at once and one by one, of all sizes around a
// node's, with many ties, and goes on changing them: they must never differ.
func TestOf_SameAsSet(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{0, 1, 47, 48, 49, 64, 65, 97, 2304, 2305, 10_000} {
		for _, order := range []leaderboard.Order{leaderboard.Desc, leaderboard.Asc} {
			list := make([]leaderboard.Entry, n)
			one := leaderboard.New(order)
			for i := range list {
				list[i] = leaderboard.Entry{UserID: fmt.Sprintf("u%d", i), Score: leaderboard.Score(rnd.IntN(n/3 + 1)), At: int64(rnd.IntN(3))}
				one.Set(list[i].UserID, list[i].Score, list[i].At)
			}
			all := leaderboard.Of(order, list)
			same(t, all, one)
			for range n {
				u, s := fmt.Sprintf("u%d", rnd.IntN(n+1)), leaderboard.Score(rnd.IntN(n))
				if rnd.IntN(3) == 0 {
					all.Remove(u)
					one.Remove(u)
					continue
				}
				all.Set(u, s, 1)
				one.Set(u, s, 1)
			}
			same(t, all, one)
		}
	}
}

func same(t *testing.T, got, want *leaderboard.Board) {
	t.Helper()
	if got.Len() != want.Len() || !slices.Equal(got.Page(0, got.Len()), want.Page(0, want.Len())) {
		t.Fatalf("boards of %d differ", want.Len())
	}
}

func TestBoard_After(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, order := range []leaderboard.Order{leaderboard.Desc, leaderboard.Asc} {
		b := leaderboard.New(order)
		for i := range 3000 {
			b.Set(fmt.Sprintf("u%d", i), leaderboard.Score(rnd.IntN(50)), int64(rnd.IntN(3)))
		}
		want := b.Page(0, 3000)
		got := b.Page(0, 7)
		for len(got) < len(want) {
			last := got[len(got)-1]
			page := b.After(leaderboard.Entry{UserID: last.UserID, Score: last.Score, At: last.At}, 7)
			if len(page) == 0 {
				t.Fatal("the pages end early")
			}
			got = append(got, page...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: pages by cursor differ from the board", order)
		}
		last := want[100]
		b.Remove(last.UserID) // the cursor's own user may go
		if next := b.After(last, 1); len(next) != 1 || next[0].UserID != want[101].UserID {
			t.Errorf("%s: got %v, want %s", order, next, want[101].UserID)
		}
		for _, score := range []leaderboard.Score{-1, 0, 25, 49, 50} {
			n := 0
			for _, e := range b.Page(0, 3000) {
				if e.Score == score || (e.Score > score) == (order == leaderboard.Desc) {
					n++
				}
			}
			if got := b.AtLeast(score); got != n {
				t.Errorf("%s: at least %v: got %d, want %d", order, score, got, n)
			}
		}
	}
}
