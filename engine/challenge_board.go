package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Leaderboard returns a part of the challenge's board. Errors: NotFound for the
// challenge, for the period, and for a user to look around who is not ranked;
// Invalid for a negative offset or limit and for a cursor that is none.
func (e *Engine) Leaderboard(challengeID string, q BoardQuery) (Board, error) {
	const op = "get leaderboard"
	c, err := e.findChallenge(op, challengeID)
	if err != nil {
		return Board{}, err
	}
	if q.Offset < 0 || q.Limit < 0 {
		return Board{}, fitness.Errorf(op, fitness.Invalid, "offset %d and limit %d must not be negative", q.Offset, q.Limit)
	}
	limit := min(q.Limit, maxPage)
	if limit == 0 {
		limit = e.opt.LeaderboardTop
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, err := c.period(q.Period, e.now())
	if err != nil {
		return Board{}, err
	}
	order := c.board.Standing(p).Order()
	var page []leaderboard.Entry
	switch {
	case q.Around != "":
		if page = order.Around(q.Around, limit/2, limit-limit/2-1); page == nil {
			return Board{}, fitness.Errorf(op, fitness.NotFound, "user %.80s is not ranked in challenge %s", q.Around, challengeID)
		}
	case q.After != "":
		last, ok := parseCursor(q.After)
		if !ok {
			return Board{}, fitness.Errorf(op, fitness.Invalid, "after %.80q is not a cursor that an answer had as next", q.After)
		}
		page = order.After(last, limit)
	default:
		page = order.Page(q.Offset, limit)
	}
	b := e.boardOf(c, p, page)
	if n := len(page); n > 0 && page[n-1].Rank < order.Len() {
		b.Next = cursorOf(page[n-1])
	}
	return b, nil
}

// Periods returns up to limit periods of a challenge (100 where it is 0, at most
// 1000) that have activities, and the present one, in their order from the first
// one after the cursor, a period's name, and the next cursor, "" at the end. A
// challenge that does not repeat has none. Errors: NotFound, also for a cursor that
// names none.
func (e *Engine) Periods(challengeID, after string, limit int) ([]PeriodStatus, string, error) {
	const op = "list periods"
	c, err := e.findChallenge(op, challengeID)
	if err != nil {
		return nil, "", err
	}
	now := e.now()
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := c.board.Spec()
	list := []PeriodStatus{}
	if s.Period == challenge.Once {
		return list, "", nil
	}
	present := s.PeriodAt(now)
	days := append(c.board.Periods(), present)
	slices.Sort(days)
	days = slices.Compact(days)
	if after != "" {
		p, err := s.FindPeriod(after)
		if err != nil {
			return nil, "", &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
		}
		at, found := slices.BinarySearch(days, p)
		if found {
			at++
		}
		days = days[at:]
	}
	limit = pageLimit(limit)
	for _, p := range days[:min(limit, len(days))] {
		over := p < present || p == present && s.StateAt(now) == challenge.Ended
		list = append(list, *e.periodOf(c, p, over))
	}
	if len(days) > limit {
		return list, s.PeriodName(days[limit-1]), nil
	}
	return list, "", nil
}

// period is the one of that name; the present one where there is none. c.mu is
// held.
func (c *contest) period(name string, now time.Time) (challenge.Day, error) {
	if name == "" {
		return c.board.Spec().PeriodAt(now), nil
	}
	return c.board.Spec().FindPeriod(name)
}

// cursorOf names the place of an entry: score, moment and user, so that the page
// behind it is the same wherever others have gone meanwhile.
func cursorOf(x leaderboard.Entry) string {
	return strconv.FormatInt(int64(x.Score), 36) + "." + strconv.FormatInt(x.At, 36) + "." + x.UserID
}

func parseCursor(s string) (leaderboard.Entry, bool) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) != 3 {
		return leaderboard.Entry{}, false
	}
	score, err1 := strconv.ParseInt(parts[0], 36, 64)
	at, err2 := strconv.ParseInt(parts[1], 36, 64)
	return leaderboard.Entry{Score: leaderboard.Score(score), At: at, UserID: parts[2]}, err1 == nil && err2 == nil
}
