package gateway

import (
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// open is the visibility of what everybody who has signed in may see and join.
const open = "open"

func (g *Gateway) listChallenges(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	return reply{body: visible(after, limit, g.o.Engine.Challenges,
		func(c engine.Challenge) string { return c.ID },
		func(c engine.Challenge) bool {
			return c.Visibility == open || g.o.Policy.Deliver(r.id, topics.ChallengeInfoTopic(c.ID))
		})}, nil
}

// mayChallenge refuses who may not read the topic of the challenge that shows
// the same over MQTT.
func (g *Gateway) mayChallenge(r request, topic string) error {
	if g.o.Policy.Deliver(r.id, topic) {
		return nil
	}
	return forbidden("challenge %s: only its participants may", quote(r.PathValue("id")))
}

func (g *Gateway) getChallenge(r request) (reply, error) {
	id := r.PathValue("id")
	c, err := g.o.Engine.Challenge(id)
	if err != nil || c.Visibility != open { // an outsider does not learn whether it exists
		if err := g.mayChallenge(r, topics.ChallengeInfoTopic(id)); err != nil {
			return reply{}, err
		}
	}
	return reply{body: c}, err
}

func (g *Gateway) putChallenge(r request) (reply, error) {
	var spec engine.ChallengeSpec
	if err := readBody(r.Request, &spec); err != nil {
		return reply{}, err
	}
	c, created, err := g.o.Engine.PutChallenge(r.Context(), r.actor(), r.PathValue("id"), spec)
	return saved(c, created), err
}

func (g *Gateway) deleteChallenge(r request) (reply, error) {
	return done, g.o.Engine.DeleteChallenge(r.Context(), r.actor(), r.PathValue("id"))
}

func (g *Gateway) listParticipants(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChallenge(r, topics.ChallengeStatusTopic(id)); err != nil {
		return reply{}, err
	}
	return pageFrom(r, func(after string, limit int) ([]engine.Entrant, string, error) {
		return g.o.Engine.Participants(id, after, limit)
	})
}

func (g *Gateway) putParticipant(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	return done, g.o.Engine.PutParticipant(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"))
}

func (g *Gateway) deleteParticipant(r request) (reply, error) {
	return done, g.o.Engine.DeleteParticipant(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"))
}

func (g *Gateway) withdrawActivity(r request) (reply, error) {
	return done, g.o.Engine.WithdrawActivity(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"), r.PathValue("activity"))
}

func (g *Gateway) listPeriods(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChallenge(r, topics.ChallengeStatusTopic(id)); err != nil {
		return reply{}, err
	}
	return pageFrom(r, func(after string, limit int) ([]engine.PeriodStatus, string, error) {
		return g.o.Engine.Periods(id, after, limit)
	})
}

// leaderboard answers any part of a board: ?offset= and ?limit=, ?after=CURSOR or
// ?around=USER, of the present period or ?period=.
func (g *Gateway) leaderboard(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChallenge(r, topics.ChallengeLeaderboardTopic(id)); err != nil {
		return reply{}, err
	}
	q := r.URL.Query()
	var faults []Fault
	number := func(name string, low, high int) int {
		n, fault := queryInt(q, name, low, high, 0)
		if fault != nil {
			faults = append(faults, *fault)
		}
		return n
	}
	query := engine.BoardQuery{Offset: number("offset", 0, 1<<31-1), Limit: number("limit", 1, maxPage), Around: q.Get("around"), After: q.Get("after"), Period: q.Get("period")}
	if query.Around != "" && query.Offset != 0 {
		faults = append(faults, Fault{Detail: "around and offset exclude each other", Parameter: "offset"})
	}
	if query.After != "" && (query.Around != "" || query.Offset != 0) {
		faults = append(faults, Fault{Detail: "after excludes around and offset", Parameter: "after"})
	}
	if len(faults) > 0 {
		return reply{}, faulty(400, faults)
	}
	board, err := g.o.Engine.Leaderboard(id, query)
	return reply{body: board}, err
}
