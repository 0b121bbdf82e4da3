package gateway

import (
	"github.com/fitmq/fitmq/engine"
)

// peopleRoutes are those about what users choose.
func (g *Gateway) peopleRoutes() []route {
	return []route{
		{"GET /users/{id}/preferences", g.getPreferences}, {"PUT /users/{id}/preferences", g.putPreferences},
		{"DELETE /users/{id}/preferences", g.deletePreferences},
	}
}

func (g *Gateway) getPreferences(r request) (reply, error) {
	p, err := g.o.Engine.Preferences(r.actor(), r.PathValue("id"))
	return reply{body: p}, err
}

func (g *Gateway) putPreferences(r request) (reply, error) {
	var p engine.Preferences
	if err := readBody(r.Request, &p); err != nil {
		return reply{}, err
	}
	p, err := g.o.Engine.PutPreferences(r.Context(), r.actor(), r.PathValue("id"), p)
	return reply{body: p}, err
}

func (g *Gateway) deletePreferences(r request) (reply, error) {
	return done, g.o.Engine.DeletePreferences(r.Context(), r.actor(), r.PathValue("id"))
}
