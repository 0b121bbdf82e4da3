package gateway

import (
	"net/http"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// peopleRoutes are those about who is there and what users choose.
func (g *Gateway) peopleRoutes() []route {
	return []route{
		{"GET /links", g.listClients}, {"GET /users/{id}/presence", g.getPresence},
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

// listClients lists the clients of ?trainer= with who of them is there.
func (g *Gateway) listClients(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	trainer := r.URL.Query().Get("trainer")
	if trainer == "" {
		return reply{}, faulty(http.StatusBadRequest, []Fault{{Detail: "trainer is missing: say whose clients", Parameter: "trainer"}})
	}
	clients, next, err := g.o.Engine.Clients(r.actor(), trainer, after, limit)
	return reply{body: newList(clients, next)}, err
}

func (g *Gateway) getPresence(r request) (reply, error) {
	id := r.PathValue("id")
	if !topics.ValidID(id) || !g.o.Policy.Deliver(r.id, topics.UserPresenceTopic(id)) {
		return reply{}, forbidden("presence of user %s: only that user may know, and whom they share it with", quote(id))
	}
	return reply{body: g.o.Engine.PresenceOf(id)}, nil
}
