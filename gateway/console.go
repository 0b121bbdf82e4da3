package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fitmq/fitmq/access"
)

// Console is what operators look at.
type Console interface {
	// Clients lists what the query asks for; next is "" at the end.
	Clients(q ClientQuery) (list []ClientInfo, next string)
	// Client and Queue: ErrNoClient.
	Client(clientID string) (ClientInfo, error)
	Queue(ctx context.Context, clientID string) (QueueInfo, error)
	// Disconnect ends the client's connection, and with forget its session too.
	// ErrNoClient.
	Disconnect(clientID string, forget bool) error
	Stats() Stats
	// Refusals are the latest, the newest first.
	Refusals(limit int) []Refusal
	// Explain tells what became of a message. more says that not all of the log
	// was looked at.
	Explain(ctx context.Context, messageID, topic string) (list []Explained, more bool, err error)
}

// ClientQuery says which clients are listed.
type ClientQuery struct {
	// After is the next of the page before, "" at the beginning.
	After string
	Limit int
	// Search is a part of the client id, the user id or the address, whatever its
	// case; "" for all.
	Search string
	// Connected: true for those that are, false for those that are not, nil for all.
	Connected *bool
	// Sort is one of clientSorts.
	Sort string
}

// clientSorts are the orders of the list of clients: by client id, by user, the
// latest to come or go first, and what most waits for in memory first.
var clientSorts = []string{"id", "user", "since", "waiting"}

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 256

// ClientInfo is a client's session.
type ClientInfo struct {
	ClientID  string `json:"clientId"`
	UserID    string `json:"userId"`
	Role      string `json:"role,omitempty"`
	Connected bool   `json:"connected"`
	// Via is mqtt or http, Version MQTT's (3, 4 or 5).
	Via     string `json:"via,omitempty"`
	Version byte   `json:"version,omitempty"`
	Remote  string `json:"remote,omitempty"`
	// Since is when the connection began, or ended.
	Since time.Time `json:"since"`
	// Expiry is the session expiry interval in seconds; 4294967295 for never.
	Expiry        uint32          `json:"expiry"`
	Subscriptions map[string]byte `json:"subscriptions"`
	Inflight      int             `json:"inflight"`
	Waiting       int             `json:"waiting"`
	Behind        bool            `json:"behind"`
	Will          bool            `json:"will"`
}

// QueueInfo is what waits for a client.
type QueueInfo struct {
	ClientID string     `json:"clientId"`
	Inflight int        `json:"inflight"`
	Messages int        `json:"messages"`
	Bytes    int64      `json:"bytes"`
	Oldest   *time.Time `json:"oldest,omitempty"`
}

// Stats is what the server does now.
type Stats struct {
	Version   string    `json:"version"`
	Time      time.Time `json:"time"`
	StartedAt time.Time `json:"startedAt"`
	Ready     bool      `json:"ready"`
	Sizes
	// Totals count since the start, by name and reason.
	Totals  map[string]uint64 `json:"totals"`
	History []Sample          `json:"history"`
}

// Sizes is what there is now.
type Sizes struct {
	Sessions      int   `json:"sessions"`
	Connected     int   `json:"connected"`
	Streams       int   `json:"streams"`
	Subscriptions int   `json:"subscriptions"`
	Retained      int   `json:"retained"`
	RetainedBytes int64 `json:"retainedBytes"`
	QueuedBytes   int64 `json:"queuedBytes"`
	LogBytes      int64 `json:"logBytes"`

	Workouts   int `json:"workouts"`
	Challenges int `json:"challenges"`
}

// Sample is one second of the last two minutes.
type Sample struct {
	At        time.Time `json:"at"`
	Received  uint64    `json:"received"`
	Delivered uint64    `json:"delivered"`
	Dropped   uint64    `json:"dropped"`
	Connected int       `json:"connected"`
	Queued    int64     `json:"queuedBytes"`

	ReceivedQoS  [3]uint64 `json:"receivedQos"`
	DeliveredQoS [3]uint64 `json:"deliveredQos"`
	Commits      uint64    `json:"commits"`
}

// Refusal is something that somebody was refused.
type Refusal struct {
	Time     time.Time `json:"time"`
	UserID   string    `json:"userId,omitempty"`
	ClientID string    `json:"clientId,omitempty"`
	Via      string    `json:"via,omitempty"`
	Action   string    `json:"action"`
	Target   string    `json:"target,omitempty"`
	// Code is MQTT 5's reason code.
	Code   byte   `json:"code"`
	Reason string `json:"reason"`
}

// Explained is a message as it stands in the log, and what became of it.
type Explained struct {
	Topic    string    `json:"topic"`
	SenderID string    `json:"senderId,omitempty"`
	At       time.Time `json:"at"`
	QoS      byte      `json:"qos"`
	Fates    []Fate    `json:"recipients"`
	// From is who sent it.
	From string `json:"-"`
}

// Fate is what became of a message for one client.
type Fate struct {
	UserID string `json:"userId"`
	// ClientID is told to administrators alone.
	ClientID string `json:"clientId,omitempty"`
	// State is queued, sent, acknowledged, expired, dropped, no-right, not-owed or
	// untracked.
	State string `json:"state"`
	Why   string `json:"why,omitempty"`
	// OfflineSince is when the client went.
	OfflineSince *time.Time `json:"offlineSince,omitempty"`
}

// consoleRoutes are for administrators, but for explaining.
func (g *Gateway) consoleRoutes() []route {
	if g.o.Console == nil {
		return nil
	}
	return []route{
		{"GET /clients", admins(g.listConnections)}, {"GET /clients/{clientId}", admins(g.getClient)},
		{"DELETE /clients/{clientId}", admins(g.deleteClient)}, {"GET /clients/{clientId}/queue", admins(g.getQueue)},
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
	q := ClientQuery{After: after, Limit: limit, Search: r.URL.Query().Get("search"), Sort: r.URL.Query().Get("sort")}
	if q.Sort == "" {
		q.Sort = clientSorts[0]
	}
	if !slices.Contains(clientSorts, q.Sort) {
		return reply{}, faulty(http.StatusBadRequest, []Fault{{Detail: "sort=" + clip(q.Sort) + " is none of " + strings.Join(clientSorts, ", "), Parameter: "sort"}})
	}
	if len(q.Search) > maxSearch {
		return reply{}, faulty(http.StatusBadRequest, []Fault{{Detail: fmt.Sprintf("search has %d bytes, the limit is %d", len(q.Search), maxSearch), Parameter: "search"}})
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
	MessageID string      `json:"messageId"`
	Messages  []Explained `json:"messages"`
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
	return reply{body: explanation{id, list}}, nil
}
