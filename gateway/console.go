package gateway

import (
	"context"
	"time"
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
	// Queues are the clients for which the most waits, by bytes or by messages.
	Queues(ctx context.Context, byMessages bool, limit int) (Queues, error)
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
	// Window is how many deliveries a connected client takes before it acknowledges.
	Window int `json:"window,omitempty"`
	// Dropped counts deliveries that were given up, by reason, since the session
	// began or the server started.
	Dropped map[string]uint64 `json:"dropped,omitempty"`
}

// Queues are the fullest queues.
type Queues struct {
	// Items has the fullest first.
	Items []ClientQueue `json:"items"`
	// Sessions is how many there are, Looked how many were counted: of very many
	// not all are.
	Sessions int `json:"sessions"`
	Looked   int `json:"looked"`
}

// ClientQueue is a client with what waits for it.
type ClientQueue struct {
	ClientID  string    `json:"clientId"`
	UserID    string    `json:"userId"`
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"`
	// Inflight deliveries of Window are sent and not acknowledged, Messages of
	// together Bytes wait. Oldest is when the oldest of all of them arrived.
	Inflight int               `json:"inflight"`
	Window   int               `json:"window,omitempty"`
	Messages int               `json:"messages"`
	Bytes    int64             `json:"bytes"`
	Oldest   *time.Time        `json:"oldest,omitempty"`
	Dropped  map[string]uint64 `json:"dropped,omitempty"`
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
	Storage Storage `json:"storage"`
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

// Storage is what the data directory holds, in bytes, and how writing goes.
type Storage struct {
	LogBytes int64 `json:"logBytes"`
	// LogLimit is where the oldest messages go for everybody.
	LogLimit    int64 `json:"logLimit"`
	LogFiles    int   `json:"logFiles"`
	TablesBytes int64 `json:"tablesBytes"`
	// First and Last are the log's oldest and newest position.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// DiskFree of DiskSize is left; both 0 where the system does not tell.
	DiskFree int64 `json:"diskFree"`
	DiskSize int64 `json:"diskSize"`
	// LastCommit is when messages were last committed, LastFailure when that failed,
	// both since the start.
	LastCommit  *time.Time `json:"lastCommit,omitempty"`
	LastFailure *time.Time `json:"lastFailure,omitempty"`
	// Error is why it failed last.
	Error string `json:"error,omitempty"`
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
	Time time.Time `json:"time"`
	// UserID is who it was; of a sign-in the name as it was given, at most 64
	// bytes of it, which proves nothing.
	UserID   string `json:"userId,omitempty"`
	ClientID string `json:"clientId,omitempty"`
	Via      string `json:"via,omitempty"`
	Remote   string `json:"remote,omitempty"`
	// Action is publish, subscribe or sign-in.
	Action string `json:"action"`
	Target string `json:"target,omitempty"`
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
