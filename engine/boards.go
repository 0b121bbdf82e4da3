package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
)

// BoardInfo is what operators see of a challenge's board.
type BoardInfo struct {
	ChallengeID string          `json:"challengeId"`
	Title       string          `json:"title"`
	Organizer   string          `json:"organizer"`
	Metric      string          `json:"metric"`
	State       challenge.State `json:"state"`
	EndsAt      time.Time       `json:"endsAt"`
	// Participants take part now; Ranked are on the board of the present period,
	// made of Activities, of which Flagged look odd.
	Participants int `json:"participants"`
	Ranked       int `json:"ranked"`
	Activities   int `json:"activities"`
	Flagged      int `json:"flagged"`
	// Pending activities are in the log and not applied yet.
	Pending int `json:"pending"`
	// Revision rises with every change of the board, in all periods, UpdatedAt is
	// when that was; zero for never.
	Revision  uint64    `json:"revision"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
}

// Boards returns at most limit boards (100 for 0, at most 1000) whose id or title
// has the text in it, whatever the case: those with the most participants first, or
// the latest changed. It looks at each challenge there is.
func (e *Engine) Boards(search string, latest bool, limit int) []BoardInfo {
	search = strings.ToLower(search)
	now := e.now()
	var list []BoardInfo
	for _, c := range e.challenges.all() {
		if b := c.info(now); search == "" || strings.Contains(strings.ToLower(b.ChallengeID), search) || strings.Contains(strings.ToLower(b.Title), search) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b BoardInfo) int {
		order := cmp.Or(cmp.Compare(b.Participants, a.Participants), cmp.Compare(b.Activities, a.Activities))
		if latest {
			order = b.UpdatedAt.Compare(a.UpdatedAt)
		}
		return cmp.Or(order, compareIDs(a.ChallengeID, b.ChallengeID))
	})
	return list[:min(pageLimit(limit), len(list))]
}

func (c *contest) info(now time.Time) BoardInfo {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := c.board.Spec()
	st := c.board.Standing(s.PeriodAt(now))
	b := BoardInfo{
		ChallengeID: c.id, Title: s.Title, Organizer: s.Organizer, Metric: string(s.Metric), State: s.StateAt(now), EndsAt: s.EndsAt,
		Participants: c.board.Participants(), Ranked: st.Order().Len(), Pending: len(c.pending), Revision: c.board.Revision(), UpdatedAt: c.board.Updated(),
	}
	b.Activities, b.Flagged, _ = st.Totals()
	return b
}
