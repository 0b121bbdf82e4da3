package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/access"
)

// consoleRoutes are for administrators, but for explaining.
func (g *Gateway) consoleRoutes() []route {
	if g.o.Console == nil {
		return nil
	}
	return []route{
		{"GET /clients", admins(g.listConnections)}, {"GET /clients/{clientId}", admins(g.getClient)},
		{"DELETE /clients/{clientId}", admins(g.deleteClient)}, {"GET /clients/{clientId}/queue", admins(g.getQueue)},
		{"GET /queues", admins(g.listQueues)}, {"GET /boards", admins(g.listBoards)},
		{"GET /stats", admins(g.getStats)}, {"GET /refusals", admins(g.listRefusals)},
		{"GET /explain/{messageId}", g.explain},
	}
}

// admins lets administrators in only.
func admins(fn call) call {
	return func(r request) (reply, error) {
		if r.id.Role != access.Admin {
			return reply{}, forbidden("only administrators may")
		}
		return fn(r)
	}
}

func (g *Gateway) listConnections(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	q := ClientQuery{After: after, Limit: limit}
	if q.Search, err = searched(r); err != nil {
		return reply{}, err
	}
	if q.Sort, err = wordOf(r, "sort", clientSorts); err != nil {
		return reply{}, err
	}
	if r.URL.Query().Has("connected") {
		connected, err := queryBool(r, "connected")
		if err != nil {
			return reply{}, err
		}
		q.Connected = &connected
	}
	return reply{body: newList(g.o.Console.Clients(q))}, nil
}

// queueSorts and boardSorts are the orders of queues and boards.
var (
	queueSorts = []string{"bytes", "messages"}
	boardSorts = []string{"size", "updated"}
)

// wordOf reads a query parameter that is one of the words; the first where it is
// missing.
func wordOf(r request, name string, words []string) (string, error) {
	switch word := r.URL.Query().Get(name); {
	case word == "":
		return words[0], nil
	case slices.Contains(words, word):
		return word, nil
	default:
		return "", faulty(http.StatusBadRequest, []Fault{{Detail: name + "=" + clip(word) + " is none of " + strings.Join(words, ", "), Parameter: name}})
	}
}

// listQueues answers with the fullest queues, the fullest first.
func (g *Gateway) listQueues(r request) (reply, error) {
	_, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	by, err := wordOf(r, "by", queueSorts)
	if err != nil {
		return reply{}, err
	}
	q, err := g.o.Console.Queues(r.Context(), by == "messages", limit)
	if q.Items == nil {
		q.Items = []ClientQueue{} // [] and not null
	}
	return reply{body: q}, err
}

// listBoards answers with the largest boards, or the latest changed.
func (g *Gateway) listBoards(r request) (reply, error) {
	_, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	by, err := wordOf(r, "order", boardSorts)
	if err != nil {
		return reply{}, err
	}
	search, err := searched(r)
	if err != nil {
		return reply{}, err
	}
	return reply{body: newList(g.o.Engine.Boards(search, by == "updated", limit), "")}, nil
}

func (g *Gateway) getClient(r request) (reply, error) {
	c, err := g.o.Console.Client(r.PathValue("clientId"))
	return reply{body: c}, err
}

// deleteClient disconnects; ?session=true discards the session, too.
func (g *Gateway) deleteClient(r request) (reply, error) {
	forget, err := queryBool(r, "session")
	if err != nil {
		return reply{}, err
	}
	return done, g.o.Console.Disconnect(r.PathValue("clientId"), forget)
}

func (g *Gateway) getQueue(r request) (reply, error) {
	q, err := g.o.Console.Queue(r.Context(), r.PathValue("clientId"))
	return reply{body: q}, err
}

func (g *Gateway) getStats(request) (reply, error) {
	return reply{body: g.o.Console.Stats()}, nil
}

func (g *Gateway) listRefusals(r request) (reply, error) {
	_, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	return reply{body: newList(g.o.Console.Refusals(limit), "")}, nil
}

// explanation is the answer of GET /explain/{messageId}.
type explanation struct {
	MessageID string `json:"messageId"`
	// Since is when the server started: what was dropped for a full queue before then
	// reads as acknowledged, and what only memory knew is not told.
	Since    time.Time   `json:"since"`
	Messages []Explained `json:"messages"`
}

// explain tells the sender, or an administrator, what became of a message. To
// others it does not exist.
func (g *Gateway) explain(r request) (reply, error) {
	id := r.PathValue("messageId")
	all, more, err := g.o.Console.Explain(r.Context(), id, r.URL.Query().Get("topic"))
	if err != nil {
		return reply{}, fmt.Errorf("explain: %w", err)
	}
	list := []Explained{}
	for _, e := range all {
		if r.id.Role != access.Admin && (e.From == "" || e.From != r.id.UserID) {
			continue
		}
		if r.id.Role != access.Admin {
			for i := range e.Fates {
				e.Fates[i].ClientID = ""
			}
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		hint := "chat and notifications of the last day are looked at; other topics with ?topic="
		if more {
			hint = "there were too many messages to look at all: say where with ?topic="
		}
		return reply{}, problem(http.StatusNotFound, "no message %s of yours is in the log: %s", quote(id), hint)
	}
	return reply{body: explanation{id, g.o.Console.Stats().StartedAt, list}}, nil
}
