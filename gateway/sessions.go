package gateway

import (
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// maxVisited bounds how many entries of a list are looked at for one page of
// somebody who may not see them all; the page may then be short, or empty with a
// next.
const maxVisited = 5000

// visible gathers a page of what the policy lets the caller see.
func visible[T any](after string, limit int, fetch func(after string, limit int) ([]T, string), id func(T) string, may func(T) bool) list[T] {
	var items []T
	for visited := 0; visited < maxVisited; {
		batch, next := fetch(after, limit)
		visited += max(len(batch), 1)
		for _, item := range batch {
			after = id(item)
			if !may(item) {
				continue
			}
			if items = append(items, item); len(items) == limit {
				// What follows is only known when the list ends right here.
				if next == "" && after == id(batch[len(batch)-1]) {
					after = ""
				}
				return newList(items, after)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	return newList(items, after)
}

func (g *Gateway) listSessions(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	return reply{body: visible(after, limit, g.o.Engine.Sessions,
		func(s engine.Session) string { return s.ID },
		func(s engine.Session) bool { return g.o.Policy.Deliver(r.id, topics.SessionInfoTopic(s.ID)) })}, nil
}

// maySession refuses who may not read the topic of the session that shows the
// same over MQTT.
func (g *Gateway) maySession(r request, topic string) error {
	if g.o.Policy.Deliver(r.id, topic) {
		return nil
	}
	return forbidden("session %s: only its members may", quote(r.PathValue("id")))
}

func (g *Gateway) getSession(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.maySession(r, topics.SessionInfoTopic(id)); err != nil {
		return reply{}, err
	}
	s, err := g.o.Engine.Session(id)
	return reply{body: s}, err
}

func (g *Gateway) putSession(r request) (reply, error) {
	var spec engine.SessionSpec
	if err := readBody(r.Request, &spec); err != nil {
		return reply{}, err
	}
	s, created, err := g.o.Engine.PutSession(r.Context(), r.actor(), r.PathValue("id"), spec)
	return saved(s, created), err
}

func (g *Gateway) deleteSession(r request) (reply, error) {
	return done, g.o.Engine.DeleteSession(r.Context(), r.actor(), r.PathValue("id"))
}

func (g *Gateway) listMembers(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.maySession(r, topics.SessionParticipantsTopic(id)); err != nil {
		return reply{}, err
	}
	members, err := g.o.Engine.Members(id)
	if err != nil {
		return reply{}, err
	}
	if !r.operator() && !g.o.Policy.Publish(r.id, topics.SessionControlTopic(id)).Allowed {
		for i := range members { // what looked odd is for host and trainer to review
			members[i].Flags = nil
		}
	}
	return pageOf(r, members, func(m engine.Member) string { return m.UserID })
}

func (g *Gateway) putMember(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	return done, g.o.Engine.PutMember(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"))
}

func (g *Gateway) deleteMember(r request) (reply, error) {
	return done, g.o.Engine.DeleteMember(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"))
}

// controlBody is the body of POST /sessions/{id}/control.
type controlBody struct {
	Action string `json:"action"`
	UserID string `json:"userId"`
}

// control does what a message on session/{id}/control does.
func (g *Gateway) control(r request) (reply, error) {
	var b controlBody
	if err := readBody(r.Request, &b); err != nil {
		return reply{}, err
	}
	return done, g.o.Engine.Control(r.Context(), r.actor(), r.PathValue("id"), b.Action, b.UserID)
}
