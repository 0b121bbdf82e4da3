package leaderboard_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// model is the board as a plain sorted list.
type model struct {
	order leaderboard.Order
	users map[string]leaderboard.Entry
}

func (m *model) sorted() []leaderboard.Entry {
	list := make([]leaderboard.Entry, 0, len(m.users))
	for _, e := range m.users {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b leaderboard.Entry) int {
		byScore := cmp.Compare(b.Score, a.Score)
		if m.order == leaderboard.Asc {
			byScore = -byScore
		}
		return cmp.Or(byScore, cmp.Compare(a.At, b.At), cmp.Compare(a.UserID, b.UserID))
	})
	for i := range list {
		list[i].Rank = i + 1
	}
	return list
}

// compare checks everything a reader can ask against the brute-force list.
func compare(t *testing.T, b *leaderboard.Board, m *model) {
	t.Helper()
	want := m.sorted()
	if got := b.Len(); got != len(want) {
		t.Fatalf("Len: got %d, want %d", got, len(want))
	}
	if got := b.Page(0, len(want)+5); !slices.Equal(got, want) {
		t.Fatalf("Page of all differs:\n got %v\nwant %v", got, want)
	}
	for i, w := range want {
		if got := b.Rank(w.UserID); got != w.Rank {
			t.Fatalf("Rank(%s): got %d, want %d", w.UserID, got, w.Rank)
		}
		if got, ok := b.At(w.Rank); !ok || got != w {
			t.Fatalf("At(%d): got %v %v, want %v", w.Rank, got, ok, w)
		}
		if got, ok := b.Get(w.UserID); !ok || got != w {
			t.Fatalf("Get(%s): got %v %v, want %v", w.UserID, got, ok, w)
		}
		near := want[max(i-2, 0):min(i+4, len(want))]
		if got := b.Around(w.UserID, 2, 3); !slices.Equal(got, near) {
			t.Fatalf("Around(%s): got %v, want %v", w.UserID, got, near)
		}
	}
}

// run drives a board and the model with the same steps.
func run(t *testing.T, order leaderboard.Order, seed uint64, steps, users, scores int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	b, m := leaderboard.New(order), &model{order: order, users: map[string]leaderboard.Entry{}}
	for i := range steps {
		id := fmt.Sprintf("u%d", rnd.IntN(users))
		// Phases of growth and of shrinking, so that nodes split and join.
		if shrink := i/(steps/4+1)%2 == 1; rnd.IntN(10) < 1 || shrink && rnd.IntN(10) < 7 {
			_, had := m.users[id]
			delete(m.users, id)
			if got := b.Remove(id); got != had {
				t.Fatalf("step %d: Remove(%s): got %v, want %v", i, id, got, had)
			}
		} else {
			e := leaderboard.Entry{UserID: id, Score: leaderboard.Score(rnd.IntN(scores) - scores/2), At: int64(rnd.IntN(3))}
			old := m.users[id]
			want := old != e
			m.users[id] = e
			if got := b.Set(id, e.Score, e.At); got != want {
				t.Fatalf("step %d: Set(%v): got %v, want %v", i, e, got, want)
			}
		}
		if steps < 500 || i%(steps/20) == 0 {
			compare(t, b, m)
		}
	}
	compare(t, b, m)
}

func TestBoard_Model(t *testing.T) {
	for _, order := range []leaderboard.Order{leaderboard.Desc, leaderboard.Asc} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprintf("OK/%s/seed%d", order, seed), func(t *testing.T) {
				run(t, order, seed, 400, 150, 20)
			})
		}
		t.Run(fmt.Sprintf("OK/%s/10000users", order), func(t *testing.T) {
			run(t, order, 99, 30_000, 10_000, 1_000_000)
		})
	}
}

func FuzzBoard(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, false)
	f.Add([]byte("abcabcabc"), true)
	f.Fuzz(func(t *testing.T, script []byte, asc bool) {
		order := leaderboard.Desc
		if asc {
			order = leaderboard.Asc
		}
		b, m := leaderboard.New(order), &model{order: order, users: map[string]leaderboard.Entry{}}
		for len(script) >= 3 {
			id := fmt.Sprintf("u%d", script[0])
			if script[1] == 0 {
				delete(m.users, id)
				b.Remove(id)
			} else {
				e := leaderboard.Entry{UserID: id, Score: leaderboard.Score(script[1]), At: int64(script[2] % 4)}
				m.users[id] = e
				b.Set(id, e.Score, e.At)
			}
			script = script[3:]
		}
		compare(t, b, m)
	})
}

func TestBoard_Ties(t *testing.T) {
	b := leaderboard.New(leaderboard.Desc)
	b.Set("late", 100, 20)
	b.Set("zoe", 100, 10)
	b.Set("amy", 100, 10)
	b.Set("top", math.MaxInt64, 30)
	b.Set("end", math.MinInt64, 1)
	var got []string
	for _, e := range b.Page(0, 10) {
		got = append(got, e.UserID)
	}
	if want := []string{"top", "amy", "zoe", "late", "end"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBoard_Edges(t *testing.T) {
	b := leaderboard.New(leaderboard.Desc)
	if _, ok := b.At(1); ok {
		t.Error("an empty board has a first")
	}
	if b.Remove("nobody") || b.Rank("nobody") != 0 || b.Around("nobody", 1, 1) != nil {
		t.Error("an unknown user is on the board")
	}
	b.Set("ana", 1, 1)
	if got := b.Page(-3, 1); len(got) != 1 || got[0].UserID != "ana" {
		t.Errorf("negative offset: got %v", got)
	}
	if got := b.Page(1, 5); got != nil {
		t.Errorf("offset behind the end: got %v, want none", got)
	}
	if _, ok := b.At(2); ok {
		t.Error("rank 2 of one")
	}
}

func TestScore_JSON(t *testing.T) {
	tests := []struct {
		units float64
		want  string
	}{
		{7242.48, "7242.48"}, {0, "0"}, {-0.5, "-0.5"}, {0.1 + 0.2, "0.3"}, {1e6, "1000000"},
		{0.000001, "0.000001"}, {1234.5678915, "1234.567892"}, {math.NaN(), "0"},
	}
	for _, tt := range tests {
		b, err := json.Marshal(leaderboard.ScoreOf(tt.units))
		if err != nil || string(b) != tt.want {
			t.Errorf("%v: got %s %v, want %s", tt.units, b, err, tt.want)
		}
		var back leaderboard.Score
		if err := json.Unmarshal(b, &back); err != nil || back != leaderboard.ScoreOf(tt.units) {
			t.Errorf("%v: read back %v %v", tt.units, back, err)
		}
	}
	var s leaderboard.Score
	if err := json.Unmarshal([]byte(`"x"`), &s); err == nil {
		t.Error("a word was read as a score")
	}
}

func TestScore_Add(t *testing.T) {
	sum := leaderboard.Score(0)
	for range 10 {
		sum = sum.Add(leaderboard.ScoreOf(0.1))
	}
	if got := sum.String(); got != "1" {
		t.Errorf("ten tenths: got %s, want 1", got)
	}
	if got := leaderboard.Score(math.MaxInt64).Add(1); got != math.MaxInt64 {
		t.Errorf("over the top: got %d", got)
	}
	if got := leaderboard.Score(math.MinInt64).Add(-1); got != math.MinInt64 {
		t.Errorf("below the bottom: got %d", got)
	}
}

// million returns a board with that many users and their ids.
func million(n int) (*leaderboard.Board, []string) {
	rnd := rand.New(rand.NewPCG(7, 7))
	b, ids := leaderboard.New(leaderboard.Desc), make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("athlete-%07d", i)
		b.Set(ids[i], leaderboard.Score(rnd.Int64N(1e12)), int64(i))
	}
	return b, ids
}

func TestBoard_Memory(t *testing.T) {
	const n, limit = 200_000, 250
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b, ids := million(n)
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / n
	runtime.KeepAlive(b)
	runtime.KeepAlive(ids)
	t.Logf("%d bytes an entry, its id included", each)
	if each > limit {
		t.Errorf("got %d bytes an entry, want at most %d", each, limit)
	}
}

func BenchmarkBoard_SetAndRank1M(b *testing.B) {
	board, ids := million(1_000_000)
	rnd := rand.New(rand.NewPCG(1, 2))
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		id := ids[rnd.IntN(len(ids))]
		board.Set(id, leaderboard.Score(rnd.Int64N(1e12)), int64(i))
		if board.Rank(id) == 0 {
			b.Fatal("lost a user")
		}
	}
	b.ReportMetric(float64(m.HeapAlloc)/float64(len(ids)), "B/entry")
}

func BenchmarkBoard_Around1M(b *testing.B) {
	board, ids := million(1_000_000)
	rnd := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if len(board.Around(ids[rnd.IntN(len(ids))], 2, 2)) < 3 {
			b.Fatal("no neighbours")
		}
	}
}
