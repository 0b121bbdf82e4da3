package gateway

import (
	"net/http"

	"github.com/fitmq/fitmq/engine"
)

// listActivities answers what was handed in, to the challenge's organizer:
// ?flagged=true for what looks odd alone.
func (g *Gateway) listActivities(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	flagged, err := queryBool(r, "flagged")
	if err != nil {
		return reply{}, err
	}
	items, next, err := g.o.Engine.Activities(r.Context(), r.actor(), r.PathValue("id"), flagged, after, limit)
	return reply{body: newList(items, next)}, err
}

// listActivitiesOf answers what one participant has handed in, to them and the
// organizer.
func (g *Gateway) listActivitiesOf(r request) (reply, error) {
	return pageFrom(r, func(after string, limit int) ([]engine.HandedIn, string, error) {
		return g.o.Engine.ActivitiesOf(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"), after, limit)
	})
}

// queryBool reads a query parameter that is true or false; missing means false.
func queryBool(r request, name string) (bool, error) {
	switch v := r.URL.Query().Get(name); v {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, faulty(http.StatusBadRequest, []Fault{{Detail: name + "=" + clip(v) + " is neither true nor false", Parameter: name}})
	}
}

// reviewBody is the body of PUT .../review.
type reviewBody struct {
	Counted *bool `json:"counted"`
}

// reviewActivity settles whether an activity counts.
func (g *Gateway) reviewActivity(r request) (reply, error) {
	var body reviewBody
	if err := readBody(r.Request, &body); err != nil {
		return reply{}, err
	}
	if body.Counted == nil {
		return reply{}, faulty(http.StatusUnprocessableEntity, []Fault{{Detail: "counted is missing", Pointer: pointer("counted")}})
	}
	a, err := g.o.Engine.ReviewActivity(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"), r.PathValue("activity"), *body.Counted)
	return reply{body: a}, err
}

func (g *Gateway) rebuildChallenge(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	report, err := g.o.Engine.RebuildChallenge(r.Context(), r.actor(), r.PathValue("id"))
	return reply{body: report}, err
}

var _ Reviews = (*engine.Engine)(nil)
