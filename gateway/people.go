package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// peopleRoutes are those about who is there and what users choose.
func (g *Gateway) peopleRoutes() []route {
	routes := []route{
		{"GET /me/notifications", g.listNotifications}, {"POST /me/notifications/read", g.readNotifications},
		{"DELETE /me/notifications/{id}", g.deleteNotification},
		{"GET /links", g.listClients}, {"GET /users/{id}/presence", g.getPresence},
		{"GET /users/{id}/preferences", g.getPreferences}, {"PUT /users/{id}/preferences", g.putPreferences},
		{"DELETE /users/{id}/preferences", g.deletePreferences},
	}
	if g.o.Webhooks != nil {
		routes = append(routes, route{"GET /webhooks", g.listWebhooks}, route{"POST /webhooks/{webhook}/retry", admins(g.retryWebhook)})
	}
	return routes
}

// listWebhooks shows administrators how webhooks are doing.
func (g *Gateway) listWebhooks(r request) (reply, error) {
	if r.id.Role != access.Admin {
		return reply{}, forbidden("webhooks: only administrators may see them")
	}
	return reply{body: newList(g.o.Webhooks.Status(), "")}, nil
}

// retryWebhook has a webhook try again now.
func (g *Gateway) retryWebhook(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	if name := r.PathValue("webhook"); !g.o.Webhooks.Retry(name) {
		return reply{}, problem(http.StatusNotFound, "no webhook %s is configured", quote(name))
	}
	return done, nil
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

// listNotifications lists the caller's own, newest first; ?unread=true leaves out
// what is read.
func (g *Gateway) listNotifications(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	unread := false
	switch word := r.URL.Query().Get("unread"); word {
	case "true":
		unread = true
	case "", "false":
	default:
		return reply{}, faulty(http.StatusBadRequest, []Fault{{Detail: "unread=" + clip(word) + " is not true or false", Parameter: "unread"}})
	}
	inbox, err := g.o.Engine.Notifications(r.actor(), after, limit, unread)
	return reply{body: inbox}, err
}

// reading is the body of POST /me/notifications/read.
type reading struct {
	MessageID  *string  `json:"messageId,omitempty"`
	MessageIDs []string `json:"messageIds,omitempty"`
	All        bool     `json:"all,omitempty"`
}

func (g *Gateway) readNotifications(r request) (reply, error) {
	var b reading
	if err := readBody(r.Request, &b); err != nil {
		return reply{}, err
	}
	body, err := json.Marshal(b)
	if err != nil {
		return reply{}, fmt.Errorf("encode what is read: %w", err)
	}
	return done, g.o.Engine.ReadNotifications(r.Context(), r.actor(), body)
}

func (g *Gateway) deleteNotification(r request) (reply, error) {
	return done, g.o.Engine.DeleteNotification(r.Context(), r.actor(), r.PathValue("id"))
}
