package challenge

import (
	"fmt"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// Limits of teams. A change of a score costs a look at each member of the team,
// and a published board has all teams.
const (
	// MaxTeams is how many teams a challenge may have.
	MaxTeams = 100
	// MaxTeamMembers is how many members a team may have.
	MaxTeamMembers = 1000
)

// Team is a team of a challenge. Its score is made of its members' scores, of
// those who take part: the total where the aggregate is sum or count, else that
// of the best member.
type Team struct {
	// ID is unique in the challenge: 1 to 64 letters, digits, _ or -.
	ID string `json:"id"`
	// Name is for people; empty: the id.
	Name string `json:"name,omitempty"`
	// Members are user ids, each in one team at most.
	Members []string `json:"members"`
}

// teamProblems lists what is wrong with the teams.
func (s *Spec) teamProblems() []string {
	var bad []string
	if len(s.Teams) > MaxTeams {
		return []string{fmt.Sprintf("%d teams are over the limit of %d", len(s.Teams), MaxTeams)}
	}
	ids, users := map[string]bool{}, map[string]string{}
	for i, t := range s.Teams {
		switch n := utf8.RuneCountInString(t.Name); {
		case !validID(t.ID):
			bad = append(bad, fmt.Sprintf("teams[%d].id %.80q is not 1 to 64 letters, digits, _ or -", i, t.ID))
		case ids[t.ID]:
			bad = append(bad, fmt.Sprintf("teams[%d].id %s stands there twice", i, t.ID))
		case n > MaxTitle:
			bad = append(bad, fmt.Sprintf("teams[%d].name of %d characters is over the limit of %d", i, n, MaxTitle))
		case len(t.Members) > MaxTeamMembers:
			bad = append(bad, fmt.Sprintf("team %s has %d members, over the limit of %d", t.ID, len(t.Members), MaxTeamMembers))
		}
		ids[t.ID] = true
		for _, u := range t.Members {
			if other, ok := users[u]; ok {
				bad = append(bad, fmt.Sprintf("user %.80q of team %s is in team %s already", u, t.ID, other))
				break // one sentence a team says enough
			}
			users[u] = t.ID
		}
	}
	return bad
}

// validID reports whether s matches [A-Za-z0-9_-]{1,64}.
func validID(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// teamsByUser maps users to indices of the spec's teams.
func (s *Spec) teamsByUser() map[string]int32 {
	if len(s.Teams) == 0 {
		return nil
	}
	m := make(map[string]int32)
	for i, t := range s.Teams {
		for _, u := range t.Members {
			m[u] = int32(i)
		}
	}
	return m
}

// TeamOf returns the user's team, or nil.
func (b *Board) TeamOf(user string) *Team {
	if i, ok := b.teamOf[user]; ok {
		return &b.spec.Teams[i]
	}
	return nil
}

// rankTeam puts the user's team, if there is one, where its members' scores say.
func (b *Board) rankTeam(user string, st *Standing) {
	t := b.TeamOf(user)
	if t == nil {
		return
	}
	var score leaderboard.Score
	var at int64
	ranked := false
	for _, u := range t.Members {
		s, reached, ok := st.order.Score(u)
		switch {
		case !ok:
		case !ranked:
			score, at, ranked = s, reached, true
		case b.spec.totals():
			score, at = score.Add(s), max(at, reached)
		case b.better(s, score) || s == score && reached < at:
			score, at = s, reached
		}
	}
	if ranked {
		st.teams.Set(t.ID, score, at)
	} else {
		st.teams.Remove(t.ID)
	}
}
