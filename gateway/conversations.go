package gateway

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// chatRoutes are those about people writing to each other.
func (g *Gateway) chatRoutes() []route {
	return []route{
		{"GET /conversations", g.listConversations}, {"GET /conversations/{id}", g.getConversation},
		{"PUT /conversations/{id}", g.putConversation}, {"DELETE /conversations/{id}", g.deleteConversation},
		{"DELETE /conversations/{id}/members/{user}", g.leaveConversation},
		{"GET /conversations/{id}/messages", g.messages}, {"GET /sessions/{id}/messages", g.sessionMessages},
		{"GET /matches", g.listMatches}, {"DELETE /matches/{partner}", g.deleteMatch},
		{"GET /me/blocks", g.listBlocks}, {"PUT /me/blocks/{user}", g.putBlock}, {"DELETE /me/blocks/{user}", g.deleteBlock},
	}
}

// listConversations lists the caller's own.
func (g *Gateway) listConversations(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	return reply{body: newList(g.o.Engine.Conversations(r.id.UserID, after, limit))}, nil
}

func (g *Gateway) getConversation(r request) (reply, error) {
	id := r.PathValue("id")
	if !g.o.Policy.Deliver(r.id, topics.ChatMessageTopic(id)) { // an outsider does not learn whether it exists
		return reply{}, forbidden("conversation %s: only its members may", quote(id))
	}
	c, err := g.o.Engine.Conversation(id, r.id.UserID)
	return reply{body: c}, err
}

func (g *Gateway) putConversation(r request) (reply, error) {
	var spec engine.ConversationSpec
	if err := readBody(r.Request, &spec); err != nil {
		return reply{}, err
	}
	c, created, err := g.o.Engine.PutConversation(r.Context(), r.actor(), r.PathValue("id"), spec)
	return saved(c, created), err
}

func (g *Gateway) deleteConversation(r request) (reply, error) {
	return done, g.o.Engine.DeleteConversation(r.Context(), r.actor(), r.PathValue("id"))
}

func (g *Gateway) leaveConversation(r request) (reply, error) {
	return done, g.o.Engine.LeaveConversation(r.Context(), r.actor(), r.PathValue("id"), r.PathValue("user"))
}

// history reads ?before=, ?after= (a seq) and ?limit=.
func history(r request) (engine.HistoryQuery, error) {
	q := r.URL.Query()
	var faults []Fault
	number := func(name string, low, high, missing int) int {
		n, fault := queryInt(q, name, low, high, missing)
		if fault != nil {
			faults = append(faults, *fault)
		}
		return n
	}
	h := engine.HistoryQuery{
		Before: uint64(number("before", 1, math.MaxInt, 0)), After: uint64(number("after", 0, math.MaxInt, 0)),
		Limit: number("limit", 1, maxPage, defaultPage),
	}
	if h.Before != 0 && q.Has("after") {
		faults = append(faults, Fault{Detail: "before and after exclude each other", Parameter: "after"})
	}
	h.Oldest = q.Has("after")
	if len(faults) > 0 {
		return h, faulty(http.StatusBadRequest, faults)
	}
	return h, nil
}

func (g *Gateway) messages(r request) (reply, error) {
	q, err := history(r)
	if err != nil {
		return reply{}, err
	}
	h, err := g.o.Engine.History(r.Context(), r.actor(), r.PathValue("id"), q)
	return reply{body: h}, err
}

func (g *Gateway) sessionMessages(r request) (reply, error) {
	q, err := history(r)
	if err != nil {
		return reply{}, err
	}
	h, err := g.o.Engine.SessionHistory(r.Context(), r.actor(), r.PathValue("id"), q)
	return reply{body: h}, err
}

// listMatches lists the caller's own.
func (g *Gateway) listMatches(r request) (reply, error) {
	return reply{body: newList(g.o.Engine.Matches(r.id.UserID), "")}, nil
}

// deleteMatch is the answer no, to a proposal or after all.
func (g *Gateway) deleteMatch(r request) (reply, error) {
	if g.o.Publisher == nil {
		return reply{}, fmt.Errorf("delete match: there is no publisher")
	}
	if d := g.o.Policy.Publish(r.id, topics.ReplyTopic); !d.Allowed {
		return reply{}, forbidden("%s", d.Reason)
	}
	payload, err := json.Marshal(map[string]any{"partnerId": r.PathValue("partner"), "accept": false})
	if err != nil {
		return reply{}, fmt.Errorf("delete match: %w", err)
	}
	receipt, err := g.o.Publisher.Publish(r.Context(), Message{Sender: r.id, Topic: topics.ReplyTopic, Payload: payload, QoS: 1})
	if err != nil {
		return reply{}, fmt.Errorf("delete match: %w", err)
	}
	if receipt.Code == 0x83 { // the one reason that a well-formed answer is refused for
		return reply{}, problem(http.StatusNotFound, "%s", receipt.Reason)
	}
	return done, receipt.refusal()
}

func (g *Gateway) listBlocks(r request) (reply, error) {
	return pageOf(r, g.o.Engine.Blocks(r.id.UserID), func(id string) string { return id })
}

func (g *Gateway) putBlock(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	return done, g.o.Engine.PutBlock(r.Context(), r.actor(), r.PathValue("user"))
}

func (g *Gateway) deleteBlock(r request) (reply, error) {
	return done, g.o.Engine.DeleteBlock(r.Context(), r.actor(), r.PathValue("user"))
}
