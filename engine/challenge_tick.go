package engine

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// boardOf is the payload of a period with those entries. c.mu is held.
func (e *Engine) boardOf(c *contest, p challenge.Day, page []leaderboard.Entry) Board {
	s, st := c.board.Spec(), c.board.Standing(p)
	b := Board{
		ChallengeID: c.id, Period: s.PeriodName(p), Revision: c.board.Revision(), UpdatedAt: c.board.Updated(),
		Metric: string(s.Metric), Unit: s.Unit(), Total: st.Order().Len(), Entries: e.entries(page),
	}
	names := make(map[string]string, len(s.Teams))
	for _, t := range s.Teams {
		names[t.ID] = t.Name
	}
	for _, x := range st.Teams().Page(0, challenge.MaxTeams) {
		b.Teams = append(b.Teams, TeamEntry{
			Rank: x.Rank, TeamID: x.UserID, Name: cmp.Or(names[x.UserID], x.UserID),
			Score: x.Score, ReachedAt: moment(time.Unix(0, x.At)),
		})
	}
	return b
}

// winners is how many are named when a challenge or a period is over.
const winners = 3

// periodOf is a period as the status names it. c.mu is held.
func (e *Engine) periodOf(c *contest, p challenge.Day, over bool) *PeriodStatus {
	s, st := c.board.Spec(), c.board.Standing(p)
	activities, _, sum := st.Totals()
	out := &PeriodStatus{Period: s.PeriodName(p), Activities: activities, Sum: sum}
	out.StartsAt, out.EndsAt = s.Bounds(p)
	out.EndsAt = moment(out.EndsAt)
	if over {
		out.Winners = e.entries(st.Order().Page(0, winners))
	}
	return out
}

// statusOf is the challenge's status at a moment. c.mu is held.
func (e *Engine) statusOf(c *contest, now time.Time) ChallengeStatus {
	s := c.board.Spec()
	p := s.PeriodAt(now)
	activities, flagged, sum := c.board.Standing(p).Totals()
	st := ChallengeStatus{
		ChallengeID: c.id, State: s.StateAt(now), StartsAt: s.StartsAt, EndsAt: s.EndsAt,
		Participants: c.board.Participants(), Activities: activities, Flagged: flagged, Sum: sum,
		Goal: s.Goal, UpdatedAt: now, Revision: c.board.Revision(),
	}
	if s.Goal > 0 {
		st.GoalOf, st.GoalProgress = s.GoalOf, leaderboard.ScoreOf(sum.Units()/s.Goal).Units()
		if s.GoalOf == challenge.GoalEach {
			st.GoalReached = c.board.Reached(p)
			st.GoalProgress = leaderboard.ScoreOf(float64(st.GoalReached) / float64(max(st.Participants, 1))).Units()
		}
	}
	_, to := s.Bounds(p)
	switch st.State {
	case challenge.Active:
		st.TimeLeft = int64(to.Sub(now).Seconds())
	case challenge.Ended:
		st.Winners = e.entries(c.board.Standing(p).Order().Page(0, winners))
	}
	if s.Period != challenge.Once {
		st.Current = e.periodOf(c, p, st.State == challenge.Ended)
		if prev, ok := s.Previous(p); ok {
			st.Previous = e.periodOf(c, prev, true)
		}
	}
	return st
}

// tickChallenge does what is due in the challenge, with at most budget ranks, and
// returns what is left of the budget.
func (e *Engine) tickChallenge(c *contest, now time.Time, budget int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := &c.out.ranks
	if c.gone {
		budget = e.publishOwn(c, budget)
		if len(q.own) > 0 {
			e.wake.challenge(c, now)
		}
		return budget
	}
	next := e.watchState(c, now)
	if budget > 0 && c.board.GiveOwed(budget) {
		next = now
	}
	if rows := e.giveAwards(c); len(rows) > 0 {
		e.saver.applied(0, appliedRows{awards: rows})
		budget -= len(rows)
	}
	if c.out.info {
		c.out.info = false
		e.out.state(topics.ChallengeInfoTopic(c.id), c.resource(now))
	}
	if !c.out.next.After(now) {
		if c.out.status || c.out.board {
			c.out.next = now.Add(e.interval())
		}
		if c.out.board {
			c.out.board = false
			c.teamsMoved()
			e.out.state(topics.ChallengeLeaderboardTopic(c.id), e.boardOf(c, c.out.period, c.standing().Order().Page(0, e.opt.LeaderboardTop)))
		}
		if c.out.status {
			c.out.status = false
			e.out.state(topics.ChallengeStatusTopic(c.id), e.statusOf(c, now))
		}
		budget = e.publishOwn(c, budget)
		if q.at == 0 && q.lo > 0 { // the next sweep takes what has gathered
			q.at, q.to, q.lo, q.hi = q.lo, q.hi, 0, 0
		}
	}
	budget = e.sweepRanks(c, budget)
	if q.idle() && c.out.told != c.out.period {
		// Only now is every rank of the period before gone, also for a start.
		c.out.told = c.out.period
		name := []byte(c.board.Spec().PeriodName(c.out.period))
		e.saver.applied(0, appliedRows{engine: []store.Put{{Key: keyPeriod + c.id + "/", Data: name}}})
	}
	switch {
	case q.at > 0:
		next = now
	case c.out.status || c.out.board || !q.idle():
		next = earliest(next, c.out.next)
	}
	if next != never {
		e.wake.challenge(c, next)
	}
	return budget
}

// watchState notes a start or end, also of a period, and returns when the next
// one is. c.mu is held.
func (e *Engine) watchState(c *contest, now time.Time) time.Time {
	s := c.board.Spec()
	state := s.StateAt(now)
	if state != c.out.state {
		from := c.out.state
		defer func() { // when the period is the present one
			e.tellTurn(c, from, state, now)
			c.out.late = nil
		}()
		c.out.state = state
		c.out.info, c.out.status = true, true
	}
	p := s.PeriodAt(now)
	if p != c.out.period {
		c.out.period = p
		e.tellAll(c, 0)
	}
	switch state {
	case challenge.Scheduled:
		return s.StartsAt
	case challenge.Active:
		_, to := s.Bounds(p)
		return to.Add(time.Millisecond) // the end itself still belongs to it
	}
	return never
}

// tellAll has everybody told their rank, and those who have none any more that.
// were is how many were ranked before. c.mu is held.
func (e *Engine) tellAll(c *contest, were int) {
	order := c.standing().Order()
	for userID := range c.out.ranks.sent {
		if order.Rank(userID) == 0 {
			c.out.ranks.own[userID] = struct{}{}
		}
	}
	if n := max(were, order.Len()); n > 0 {
		c.out.ranks.dirty(1, n)
	}
	c.out.status, c.out.board = true, true
}

// publishOwn tells those whose own score has changed. c.mu is held.
func (e *Engine) publishOwn(c *contest, budget int) int {
	q := &c.out.ranks
	if len(q.own) == 0 || budget <= 0 {
		return budget
	}
	users := make([]string, 0, min(len(q.own), budget))
	for userID := range q.own {
		if len(users) == budget {
			break
		}
		users = append(users, userID)
	}
	slices.Sort(users)
	order, near := c.standing().Order(), e.opt.RankNeighbours
	for _, userID := range users {
		delete(q.own, userID)
		page := order.Around(userID, near, near)
		if c.gone || page == nil {
			delete(q.sent, userID)
			e.out.forget(topics.ChallengeRankTopic(c.id, userID))
			budget--
			continue
		}
		at := slices.IndexFunc(page, func(x leaderboard.Entry) bool { return x.UserID == userID })
		budget -= e.publishRank(c, page, at)
	}
	return budget
}

// looksPerRank is how many users a sweep looks at for each that it may tell:
// many have been told already.
const looksPerRank = 4

// sweepRanks goes on with telling everybody whose rank or neighbours changed.
// c.mu is held.
func (e *Engine) sweepRanks(c *contest, budget int) int {
	q, order, near := &c.out.ranks, c.standing().Order(), e.opt.RankNeighbours
	if q.at == 0 || budget <= 0 {
		return budget
	}
	last := min(q.to, order.Len(), q.at+looksPerRank*budget-1)
	first := max(q.at-near, 1)
	page := order.Page(first-1, last-first+1+near)
	for ; q.at <= last && budget > 0; q.at++ {
		budget -= e.publishRank(c, page, q.at-first)
	}
	if q.at > min(q.to, order.Len()) {
		q.at, q.to = 0, 0
	}
	return budget
}

// publishRank queues the rank of the user at index i of a part of the board,
// unless that user was told the same before. It returns how many messages that
// made. c.mu is held.
func (e *Engine) publishRank(c *contest, page []leaderboard.Entry, i int) int {
	q, near := &c.out.ranks, e.opt.RankNeighbours
	above, below := page[max(i-near, 0):i], page[i+1:min(i+1+near, len(page))]
	me := page[i]
	digest := digestOf(page[max(i-near, 0):min(i+1+near, len(page))], i-max(i-near, 0))
	team := c.team(me.UserID)
	if team != nil {
		digest += uint64(team.Rank) << 32 // its score is told with the next change
	}
	if q.sent[me.UserID] == digest {
		return 0
	}
	q.sent[me.UserID] = digest
	e.out.state(topics.ChallengeRankTopic(c.id, me.UserID), RankCard{
		ChallengeID: c.id, Period: c.board.Spec().PeriodName(c.out.period), Revision: c.board.Revision(), UserID: me.UserID, Rank: me.Rank, Score: me.Score,
		Total: c.standing().Order().Len(), Team: team, Above: e.entries(above), Below: e.entries(below),
	})
	return 1
}

// team is where the user's team stands, nil for who is in none. c.mu is held.
func (c *contest) team(userID string) *TeamEntry {
	t := c.board.TeamOf(userID)
	if t == nil {
		return nil
	}
	x, ok := c.standing().Teams().Get(t.ID)
	if !ok {
		return nil
	}
	return &TeamEntry{Rank: x.Rank, TeamID: t.ID, Name: cmp.Or(t.Name, t.ID), Score: x.Score, ReachedAt: moment(time.Unix(0, x.At))}
}

// teamsMoved has the members of teams told whose rank has changed. c.mu is held.
func (c *contest) teamsMoved() {
	q := &c.out.ranks
	for i := range c.board.Spec().Teams {
		t := &c.board.Spec().Teams[i]
		rank := c.standing().Teams().Rank(t.ID)
		if q.teams[t.ID] == rank {
			continue
		}
		if q.teams == nil {
			q.teams = make(map[string]int)
		}
		q.teams[t.ID] = rank
		for _, userID := range t.Members {
			switch _, told := q.sent[userID]; {
			case !told: // has no rank, or is told it anyway
			case len(q.own) < maxOwn:
				q.own[userID] = struct{}{}
			default:
				q.dirty(1, c.standing().Order().Len())
			}
		}
	}
}

// digestOf stands for a user and the neighbours as they were told. A collision
// costs one update of one user's rank, until the next change there.
func digestOf(page []leaderboard.Entry, at int) uint64 {
	h := fnv.New64a()
	buf := strconv.AppendInt(nil, int64(at), 10)
	for _, x := range page {
		buf = append(buf, '|')
		buf = append(buf, x.UserID...)
		for _, n := range []int64{int64(x.Rank), int64(x.Score), x.At} {
			buf = append(buf, ' ')
			buf = strconv.AppendInt(buf, n, 36)
		}
	}
	_, _ = h.Write(buf) // a hash never fails to write
	return h.Sum64()
}
