package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Rebuilt tells how a challenge's board, made again from the stored activities,
// compares to the one at work, byte for byte.
type Rebuilt struct {
	ChallengeID string `json:"challengeId"`
	// Identical is true where there is no difference.
	Identical bool `json:"identical"`
	// Digest is the SHA-256 of everything that was compared, of the new board.
	Digest string `json:"digest"`
	// Revision, Periods and Ranked are of the new board: ranked in all periods.
	Revision uint64 `json:"revision"`
	Periods  int    `json:"periods"`
	Ranked   int    `json:"ranked"`
	// Differences are the first 20 parts that differ.
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a part of a board that differs.
type Difference struct {
	Part    string `json:"part"`
	Present string `json:"present"` // at work until now
	Rebuilt string `json:"rebuilt"`
}

const (
	maxDifferences = 20
	// comparePage is how many entries are compared at once.
	comparePage = 1000
)

// RebuildChallenge makes the challenge's board again from the stored activities
// and compares. Where it differs the new one takes the place of the old. Admin
// and service may. Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) RebuildChallenge(ctx context.Context, actor Actor, id string) (Rebuilt, error) {
	const op = "rebuild challenge"
	e.admin.Lock()
	defer e.admin.Unlock()
	c, err := e.findChallenge(op, id)
	if err != nil {
		return Rebuilt{}, err
	}
	if !actor.all() {
		return Rebuilt{}, fitness.Errorf(op, fitness.Forbidden, "challenge %s is rebuilt by administrators", id)
	}
	e.apply.Lock()
	defer e.apply.Unlock()
	c.mu.RLock()
	rec := c.rec
	c.mu.RUnlock()
	fresh, err := e.fresh(ctx, op, c, rec)
	if err != nil {
		return Rebuilt{}, err
	}
	c.mu.RLock()
	r := compare(c.board, fresh)
	c.mu.RUnlock()
	r.ChallengeID = id
	if !r.Identical {
		e.opt.Logger.Error("a rebuilt board differs from the one that was at work; it takes its place", "challenge", id, "differences", len(r.Differences))
		e.swap(c, rec, fresh)
	}
	return r, nil
}

// compare holds a rebuilt board against the one at work.
func compare(present, fresh *challenge.Board) Rebuilt {
	hash := sha256.New()
	r := Rebuilt{Revision: fresh.Revision()}
	check := func(part string, x, y []byte) {
		_, _ = hash.Write(append(y, '\n')) // a hash never fails to write
		if !bytes.Equal(x, y) && len(r.Differences) < maxDifferences {
			r.Differences = append(r.Differences, Difference{Part: part, Present: string(x), Rebuilt: string(y)})
		}
	}
	check("board", summary(present), summary(fresh))
	periods := append(present.Periods(), fresh.Periods()...)
	slices.Sort(periods)
	for _, p := range slices.Compact(periods) {
		x, y := present.Standing(p), fresh.Standing(p)
		name := "period " + present.Spec().PeriodName(p)
		r.Periods++
		r.Ranked += y.Order().Len()
		check(name, totals(x), totals(y))
		checkOrder(name+" rank", x.Order(), y.Order(), check)
		checkOrder(name+" team", x.Teams(), y.Teams(), check)
	}
	r.Identical = len(r.Differences) == 0
	r.Digest = hex.EncodeToString(hash.Sum(nil))
	return r
}

// checkOrder compares two orders page by page, and entry by entry where a page
// differs.
func checkOrder(name string, x, y *leaderboard.Board, check func(part string, x, y []byte)) {
	for from := 0; from < max(x.Len(), y.Len()); from += comparePage {
		a, b := x.Page(from, comparePage), y.Page(from, comparePage)
		if whole := encode(b); bytes.Equal(encode(a), whole) {
			check(name, whole, whole)
			continue
		}
		for i := range max(len(a), len(b)) {
			check(fmt.Sprintf("%s %d", name, from+i+1), entryAt(a, i), entryAt(b, i))
		}
	}
}

func entryAt(page []leaderboard.Entry, i int) []byte {
	if i >= len(page) {
		return nil
	}
	return encode(page[i])
}

func summary(b *challenge.Board) []byte {
	return encode([]any{b.Revision(), b.Participants(), b.Updated()})
}

func totals(st *challenge.Standing) []byte {
	activities, flagged, sum := st.Totals()
	return encode([]any{activities, flagged, sum, st.Order().Len(), st.Teams().Len()})
}
